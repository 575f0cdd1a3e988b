//! Register, Update, Deregister, and what becomes of a device that is turned off or told to go.

use coap::{Code, Failure, Method, Request};
use device::{Device, Event, Faults, Interaction, Profile};
use objects::{ContentFormat, Value, Version};

use crate::world::{Link, MINUTE, World, get, node, path, seconds, sensor, value, with};

#[test]
fn an_update_can_be_asked_for_before_it_is_due() {
    let mut world = World::new(1, Link::PERFECT, sensor());
    world.call(Device::refresh);
    world.call(Device::start);
    world.run(seconds(1));
    world.call(Device::refresh);
    world.call(Device::refresh);
    world.run(seconds(1));
    assert_eq!(world.asked().len(), 2, "one Register and one Update: {:?}", world.asked());
    assert_eq!(world.count(&Event::UpdateAccepted), 1);
}

#[test]
fn a_device_registers_updates_and_deregisters() {
    let mut world = World::new(1, Link::PERFECT, sensor());
    world.call(Device::start);
    world.run(seconds(310));
    assert_eq!(world.asked(), ["Post /rd?ep=node-7&lt=300&lwm2m=1.1&b=U", "Post /rd/1?", "Post /rd/1?"]);
    assert_eq!((world.asked[1].at - world.asked[0].at).as_secs(), 150, "at half of the lifetime");
    let update = &world.asked[1].request;
    assert!(update.payload.is_empty() && update.content_format.is_none(), "nothing is new");
    let register = &world.asked[0].request;
    assert_eq!(register.content_format, Some(ContentFormat::LINK.0));
    assert_eq!(
        String::from_utf8_lossy(&register.payload),
        r#"</>;rt="oma.lwm2m";ct="60 110 112 11542",</1/0>,</3/0>,</16>,</19/0>,</3303/0>"#
    );
    world.call(Device::stop);
    world.run(seconds(1));
    assert_eq!(world.asked().last().unwrap(), "Delete /rd/1?");
    let events: Vec<Event> = world.events.iter().map(|(_, event)| event.clone()).collect();
    assert_eq!(
        events,
        [
            Event::Registered { location: "/rd/1".into() },
            Event::UpdateAccepted,
            Event::UpdateAccepted,
            Event::Deregistered
        ]
    );
    assert!(!world.device.is_registered() && !world.device.hears());
    world.assert_quiescence();
}

#[test]
fn a_device_of_lwm2m_1_0_names_no_formats_and_has_queue_mode_in_its_binding() {
    let mut profile = Profile::new("old", Version::V1_0);
    profile.queue_mode = true;
    let mut world = World::new(1, Link::PERFECT, profile.clone());
    world.call(Device::start);
    world.run(seconds(1));
    assert_eq!(world.asked(), ["Post /rd?ep=old&lt=300&lwm2m=1.0&b=UQ"]);
    assert_eq!(world.asked[0].request.payload, b"</1/0>,</3/0>");

    profile.objects = Profile::new("new", Version::V1_1).objects;
    let mut world = World::new(1, Link::PERFECT, profile);
    world.call(Device::start);
    world.run(seconds(1));
    assert_eq!(world.asked(), ["Post /rd?ep=old&lt=300&lwm2m=1.1&b=U&Q"]);
}

#[test]
fn a_lost_register_is_repeated() {
    let mut world = World::new(1, Link::CUT, sensor());
    world.call(Device::start);
    world.run(seconds(5));
    assert!(world.sent >= 2 && world.asked.is_empty());
    world.link = Link::PERFECT;
    world.run(seconds(10));
    assert!(world.device.is_registered());
    assert_eq!(world.asked.len(), 1);
}

#[test]
fn a_device_without_a_server_tries_again_at_growing_intervals() {
    let mut world = World::new(1, Link::CUT, sensor());
    world.call(Device::start);
    world.run(40 * MINUTE);
    let unanswered = Event::Unanswered {
        interaction: Interaction::Register,
        failure: Failure::TimedOut { acknowledged: false },
    };
    // 60, 120, 240, 480, 960 s apart, and up to 93 s for each attempt.
    assert_eq!(world.count(&unanswered), 6);
    assert_eq!(world.sent, 6 * 5);
    world.link = Link::PERFECT;
    world.run(20 * MINUTE);
    assert!(world.device.is_registered());
}

#[test]
fn a_rejected_register_is_told_and_tried_again() {
    let mut world = World::new(1, Link::PERFECT, sensor());
    world.answer.insert("register", Code::FORBIDDEN);
    world.call(Device::start);
    world.run(seconds(59));
    let rejected = Event::Rejected { interaction: Interaction::Register, code: Code::FORBIDDEN };
    assert_eq!(world.count(&rejected), 1);
    world.answer.clear();
    world.run(seconds(2));
    assert!(world.device.is_registered());
}

#[test]
fn an_update_that_is_not_known_leads_to_a_register() {
    let mut world = World::registered(sensor());
    world.observe("/3303/0/5700");
    world.answer.insert("update", Code::NOT_FOUND);
    world.run(seconds(151));
    assert_eq!(world.asked(), ["Post /rd/1?", "Post /rd?ep=node-7&lt=300&lwm2m=1.1&b=U"]);
    let rejected = Event::Rejected { interaction: Interaction::Update, code: Code::NOT_FOUND };
    assert_eq!(world.count(&rejected), 1);
    assert_eq!(world.count(&Event::Registered { location: "/rd/2".into() }), 1);
    assert_eq!(world.device.observed().count(), 0, "a new registration has no observations");
}

#[test]
fn what_the_server_changes_in_the_account_is_told_in_an_update() {
    let mut world = World::registered(sensor());
    assert_eq!(world.code(with(Method::Put, "/1/0/1", ContentFormat::TEXT, "60")), "2.04");
    world.run(seconds(1));
    assert_eq!(world.asked(), ["Post /rd/1?lt=60"]);
    world.run(seconds(31));
    assert_eq!(world.asked(), ["Post /rd/1?lt=60", "Post /rd/1?"]);
    world.asked.clear();
    assert_eq!(world.code(with(Method::Put, "/1/0/7", ContentFormat::TEXT, "UT")), "2.04");
    world.run(seconds(1));
    assert_eq!(world.asked(), ["Post /rd/1?b=UT"]);
    world.asked.clear();
    assert_eq!(world.code(Request::new(Method::Post, "/1/0/8")), "2.04");
    world.run(seconds(1));
    assert_eq!(world.asked(), ["Post /rd/1?"], "the Update Trigger");
}

#[test]
fn new_instances_are_told_in_an_update() {
    let mut world = World::registered(sensor());
    world.set("/3303/4/5700", Value::Float(1.0));
    world.run(seconds(1));
    assert_eq!(world.asked(), ["Post /rd/1?"]);
    let links = String::from_utf8_lossy(&world.asked[0].request.payload).into_owned();
    assert!(links.ends_with("</3303/0>,</3303/4>"), "{links}");
    world.set("/3303/4/5700", Value::Float(2.0));
    world.run(seconds(1));
    assert_eq!(world.asked.len(), 1, "a value says nothing to the registration");
}

#[test]
fn a_reboot_forgets_observations_and_keeps_what_was_written() {
    let mut world = World::registered(sensor());
    world.observe("/3303/0/5700");
    world.code(with(Method::Put, "/3/0/15", ContentFormat::TEXT, "Europe/Berlin"));
    world.call(Device::reboot);
    world.run(seconds(1));
    assert_eq!(world.asked().last().unwrap(), "Post /rd?ep=node-7&lt=300&lwm2m=1.1&b=U");
    assert_eq!(world.count(&Event::ObservationEnded { path: path("/3303/0/5700") }), 1);
    world.set_temperature(30.0);
    world.run(MINUTE);
    assert_eq!(world.notified.len(), 0);
    let zone = world.ask(get("/3/0/15", None));
    assert_eq!(value("/3/0/15", &zone), Value::String("Europe/Berlin".into()));
}

#[test]
fn a_device_that_loses_its_state_starts_as_it_was_made() {
    let mut profile = sensor();
    profile.faults = Faults { loses_state: true, ..Faults::default() };
    let mut world = World::registered(profile);
    world.code(with(Method::Put, "/3/0/15", ContentFormat::TEXT, "Europe/Berlin"));
    world.call(Device::reboot);
    world.run(seconds(1));
    let zone = world.ask(get("/3/0/15", None));
    assert_eq!(value("/3/0/15", &zone), Value::String("Etc/UTC".into()));
}

#[test]
fn a_device_that_has_vanished_says_and_hears_nothing_until_it_is_back() {
    let mut world = World::registered(sensor());
    world.call(|device, _| device.vanish());
    world.asked.clear();
    let (_, outcome) = world.outcome(get("/3/0/0", None));
    assert_eq!(outcome, Err(Failure::TimedOut { acknowledged: false }));
    assert!(world.asked.is_empty());
    assert_eq!(world.device.counters().unheard, 5);
    assert_eq!(world.device.poll_timeout(), None);
    world.call(Device::start);
    world.run(seconds(1));
    assert!(world.device.is_registered());
    assert_eq!(world.code(get("/3/0/0", None)), "2.05");
}

#[test]
fn an_executed_reboot_is_answered_first() {
    let mut world = World::registered(sensor());
    assert_eq!(world.code(Request::new(Method::Post, "/3/0/4")), "2.04");
    assert!(world.device.is_registered());
    world.run(seconds(5));
    assert_eq!(world.count(&Event::Rebooting), 1);
    assert_eq!(world.asked(), ["Post /rd?ep=node-7&lt=300&lwm2m=1.1&b=U"]);
}

#[test]
fn a_factory_reset_undoes_what_was_written() {
    let mut world = World::registered(sensor());
    world.code(with(Method::Put, "/3/0/15", ContentFormat::TEXT, "Europe/Berlin"));
    assert_eq!(world.code(Request::new(Method::Post, "/3/0/5")), "2.04");
    world.run(seconds(5));
    let zone = world.ask(get("/3/0/15", None));
    assert_eq!(value("/3/0/15", &zone), Value::String("Etc/UTC".into()));
}

#[test]
fn a_disabled_device_leaves_and_comes_back_after_its_time_out() {
    let mut world = World::registered(sensor());
    world.code(with(Method::Put, "/1/0/5", ContentFormat::TEXT, "600"));
    assert_eq!(world.code(Request::new(Method::Post, "/1/0/4")), "2.04");
    world.run(seconds(10));
    assert_eq!(world.asked(), ["Delete /rd/1?"]);
    assert!(!world.device.is_registered());
    world.run(seconds(590));
    assert_eq!(world.asked.len(), 1);
    world.run(seconds(10));
    assert!(world.device.is_registered());
}

#[test]
fn objects_may_lie_below_a_root() {
    let mut profile = sensor();
    profile.root = Some("/lwm2m".into());
    let mut world = World::new(1, Link::PERFECT, profile);
    world.call(Device::start);
    world.run(seconds(1));
    let links = String::from_utf8_lossy(&world.asked[0].request.payload).into_owned();
    assert!(links.starts_with("</lwm2m>;rt=\"oma.lwm2m\";"), "{links}");
    assert!(links.contains("</lwm2m/3/0>"), "{links}");
    let response = world.ask(get("/lwm2m/3/0", None));
    assert_eq!(node("/3/0", &response).values(path("/3/0")).len(), 17);
    assert_eq!(world.code(get("/3/0", None)), "4.04");
    let links = world.ask(get("/lwm2m/3303", Some(ContentFormat::LINK)));
    assert!(String::from_utf8_lossy(&links.payload).starts_with("</lwm2m/3303>,</lwm2m/3303/0>,"));
}

#[test]
fn a_lifetime_without_end_is_refreshed_once_a_day_at_most() {
    let mut profile = sensor();
    profile.lifetime = 0;
    profile.update_percent = 100;
    let mut world = World::registered(profile);
    world.run(seconds(86_000));
    assert!(world.asked.is_empty());
}
