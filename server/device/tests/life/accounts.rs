//! Which server a device goes for, when it changes, and what it keeps when a bootstrap goes wrong.

use std::time::Duration;

use coap::{Code, Failure, Method, Request};
use device::{Device, Event, Factory, Interaction};
use objects::{ContentFormat, Path, Value};

use crate::{
    provisioning::{
        BOOTSTRAP, MANAGEMENT, account, blank, bootstrap_account, delete, finish, provisioned, security,
        server, trigger, write_instance,
    },
    world::{Link, MINUTE, World, get, path, seconds, sensor, value, with},
};

#[test]
fn a_device_with_an_account_from_the_factory_does_not_bootstrap() {
    let mut world = World::settled(provisioned("old"));
    assert!(world.asked.is_empty() && world.device.is_registered());
    let mut profile = sensor();
    profile.factory = Factory::management(account("only"));
    world = World::settled(profile);
    assert_eq!(world.code(trigger()), "4.05", "there is no bootstrap server");
}

#[test]
fn no_request_is_sent_before_the_session_stands() {
    let mut world = World::new(1, Link::PERFECT, provisioned("old"));
    world.call(Device::start);
    assert_eq!((world.sent, world.visited()), (0, vec![MANAGEMENT]));
    world.call(|device, now| device.handle_datagram(now, &[0x40, 1, 0, 0]));
    assert_eq!(world.device.counters().unheard, 1);
    world.run(Duration::from_millis(101));
    assert_eq!(world.sent, 1);
    world.call(Device::connected);
    assert_eq!(world.sent, 1, "a session stands once");
}

#[test]
fn the_trigger_leads_to_new_credentials() {
    let mut world = World::triggered(provisioned("old"));
    assert_eq!(world.asked(), ["Delete /rd/1?", "Post /bs?ep=node-7&pct=112"]);
    assert_eq!(world.visited(), [BOOTSTRAP]);
    let key = with(Method::Put, "/0/1/5", ContentFormat::OPAQUE, "new");
    assert_eq!(world.code(key), "2.04");
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.is_registered_with(&account("new")));
    let when = world.ask(get("/1/0/12", None));
    let since_1970 = world.device.profile().epoch_ms / 1000 + 1000;
    let Value::Time(time) = value("/1/0/12", &when) else { panic!("a time") };
    assert!((since_1970..since_1970 + 60).contains(&time), "Last Bootstrapped: {time}");
}

#[test]
fn the_trigger_is_discovered_and_cannot_be_read_or_written() {
    let mut world = World::settled(provisioned("old"));
    let links = world.ask(get("/1/0", Some(ContentFormat::LINK)));
    assert!(String::from_utf8_lossy(&links.payload).contains("</1/0/9>"));
    assert_eq!(world.code(get("/1/0/9", None)), "4.05");
    assert_eq!(world.code(with(Method::Put, "/1/0/9", ContentFormat::TEXT, "1")), "4.05");
}

#[test]
fn a_device_bootstraps_though_its_deregister_is_not_answered() {
    let mut world = World::settled(provisioned("old"));
    world.answer.insert("deregister", Code::INTERNAL_SERVER_ERROR);
    world.code(trigger());
    world.run(seconds(5));
    assert!(world.device.is_bootstrapping());
}

#[test]
fn a_hold_off_is_kept() {
    let mut profile = blank(5);
    profile.factory.bootstrap.as_mut().unwrap().hold_off = seconds(10);
    let mut world = World::new(1, Link::PERFECT, profile);
    world.call(Device::start);
    world.run(Duration::from_millis(9_999));
    assert!(world.connections.is_empty() && !world.device.is_bootstrapping());
    world.run(seconds(1));
    assert!(world.device.is_bootstrapping());
}

#[test]
fn a_bootstrap_server_that_refuses_is_asked_again_at_growing_intervals() {
    let mut world = World::new(1, Link::PERFECT, blank(0));
    world.answer.insert("bootstrap", Code::BAD_REQUEST);
    world.call(Device::start);
    world.run(40 * MINUTE);
    let rejected = Event::Rejected { interaction: Interaction::Bootstrap, code: Code::BAD_REQUEST };
    // After 0, 1, 3, 7, 15 and 31 minutes.
    assert_eq!(world.count(&rejected), 6);
    assert_eq!(world.visited(), [BOOTSTRAP; 6]);
    world.answer.clear();
    world.run(20 * MINUTE);
    assert!(world.asked.len() > 6);
}

#[test]
fn a_bootstrap_server_out_of_reach_is_tried_again() {
    let mut world = World::new(1, Link::PERFECT, blank(0));
    world.unreachable.push(BOOTSTRAP.into());
    world.call(Device::start);
    world.run(10 * MINUTE);
    assert_eq!((world.sent, world.visited()), (0, vec![BOOTSTRAP; 4]));
    world.unreachable.clear();
    world.run(6 * MINUTE);
    assert!(world.device.is_bootstrapping());
}

#[test]
fn silence_of_the_bootstrap_server_ends_the_session_and_undoes_it() {
    let mut world = World::triggered(provisioned("old"));
    world.code(delete("/"));
    world.code(write_instance("/0/1", security(&account("new"), 1)));
    world.run(seconds(246));
    assert!(world.device.is_bootstrapping());
    world.run(seconds(5));
    assert_eq!(world.count(&Event::BootstrapAbandoned), 1);
    assert!(world.is_registered_with(&account("old")));
    assert_eq!(world.visited(), [BOOTSTRAP, MANAGEMENT]);
    assert_eq!(world.code(get("/3303/0/5700", None)), "2.05", "what was deleted is back");
}

#[test]
fn a_blank_device_asks_again_after_silence() {
    let mut world = World::bootstrapping(blank(0));
    world.code(write_instance("/1/1", server(7)));
    world.run(seconds(400));
    assert_eq!(world.visited(), [BOOTSTRAP, BOOTSTRAP]);
    assert!(world.device.is_bootstrapping());
    assert_eq!(world.code(get("/1/1", None)), "4.04", "it starts as blank as it was");
    world.provision(&account("key"));
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.is_registered_with(&account("key")));
}

#[test]
fn a_session_that_breaks_off_ends_the_bootstrap() {
    let mut world = World::triggered(provisioned("old"));
    world.code(delete("/"));
    world.call(Device::connection_failed);
    world.run(seconds(5));
    assert!(world.is_registered_with(&account("old")));
}

#[test]
fn a_registration_that_fails_for_good_leads_to_a_bootstrap() {
    let mut world = World::new(1, Link::PERFECT, provisioned("old"));
    world.unreachable.push(MANAGEMENT.into());
    world.call(Device::start);
    world.run(14 * MINUTE);
    assert_eq!(world.visited(), [MANAGEMENT; 4], "after 0, 1, 3 and 7 minutes");
    world.run(2 * MINUTE);
    assert_eq!(world.visited()[4..], [MANAGEMENT, BOOTSTRAP]);
    assert!(world.device.is_bootstrapping());
}

#[test]
fn the_server_object_says_how_often_registration_is_tried() {
    let mut profile = provisioned("old");
    for (id, number) in [(17, 2), (18, 10), (19, 100), (20, 2)] {
        let at = Path::from_ids(&[1, 0, id]).unwrap();
        profile.objects.set(at, Value::Unsigned(number)).unwrap();
    }
    let mut world = World::new(1, Link::PERFECT, profile);
    world.unreachable.push(MANAGEMENT.into());
    world.call(Device::start);
    world.run(3 * MINUTE);
    let start = world.connections[0].0;
    let times: Vec<u64> = world.connections.iter().map(|(at, _)| (*at - start).as_secs()).collect();
    // Two sequences of two attempts, each attempt a tenth of a second long.
    assert_eq!(times, [0, 10, 110, 120, 120]);
    assert!(world.visited().ends_with(&[MANAGEMENT, BOOTSTRAP]));
}

#[test]
fn a_device_that_is_forbidden_bootstraps_unless_its_account_says_otherwise() {
    let mut world = World::new(1, Link::PERFECT, provisioned("old"));
    world.answer.insert("register", Code::FORBIDDEN);
    world.call(Device::start);
    world.run(seconds(2));
    assert!(world.device.is_bootstrapping());

    let mut profile = provisioned("old");
    profile.objects.set(path("/1/0/16"), Value::Boolean(false)).unwrap();
    let mut world = World::new(1, Link::PERFECT, profile);
    world.answer.insert("register", Code::FORBIDDEN);
    world.call(Device::start);
    world.run(60 * MINUTE);
    assert!(world.visited().iter().all(|uri| *uri == MANAGEMENT) && world.visited().len() > 5);
}

#[test]
fn two_servers_that_both_refuse_are_not_flooded() {
    let mut world = World::new(1, Link::PERFECT, provisioned("old"));
    world.answer.insert("register", Code::FORBIDDEN);
    world.answer.insert("bootstrap", Code::FORBIDDEN);
    world.call(Device::start);
    world.run(60 * MINUTE);
    assert!(world.asked.len() < 20, "{}", world.asked.len());
}

#[test]
fn an_update_without_an_answer_leads_to_a_new_session() {
    let mut world = World::settled(provisioned("old"));
    world.link = Link::CUT;
    world.run(seconds(151) + 2 * MINUTE);
    world.link = Link::PERFECT;
    world.run(2 * MINUTE);
    assert_eq!(world.visited(), [MANAGEMENT]);
    assert!(world.device.is_registered());
}

#[test]
fn a_session_that_is_over_is_made_anew() {
    let mut world = World::settled(provisioned("old"));
    world.observe("/3303/0/5700");
    world.call(Device::connection_failed);
    assert!(!world.device.is_registered());
    assert_eq!(world.device.observed().count(), 0);
    world.run(seconds(62));
    assert!(world.is_registered_with(&account("old")));
}

#[test]
fn nothing_of_the_old_server_reaches_the_new_one() {
    let mut world = World::settled(provisioned("old"));
    world.observe("/3303/0/5700");
    world.code(trigger());
    world.link = Link::CUT;
    world.call(|device, now| device.send(now, &[path("/3303/0/5700")])).unwrap();
    // The Send is given up with its session, and the Deregister behind it is not sent any more.
    world.call(Device::connection_failed);
    let failure = Failure::Cancelled;
    assert_eq!(world.count(&Event::Unanswered { interaction: Interaction::Send, failure }), 1);
    world.link = Link::PERFECT;
    let before = world.sent;
    world.set_temperature(30.0);
    world.run(seconds(3));
    assert_eq!(world.sent, before);
    world.run(seconds(5));
    assert_eq!(world.asked().last().unwrap(), "Post /bs?ep=node-7&pct=112");
    assert_eq!(world.sent, before + 1);
    assert!(world.notified.is_empty());
}

#[test]
fn a_device_that_is_stopped_in_a_bootstrap_is_as_it_was_before() {
    let mut world = World::triggered(provisioned("old"));
    world.code(delete("/"));
    world.call(Device::stop);
    assert!(!world.device.hears());
    world.call(Device::start);
    world.run(seconds(5));
    assert!(world.is_registered_with(&account("old")));
    world.call(Device::stop);
    world.run(seconds(5));
    world.assert_quiescence();
}

#[test]
fn a_sleeper_stays_awake_while_it_is_bootstrapped() {
    let mut profile = blank(0);
    profile.queue_mode = true;
    profile.awake = seconds(10);
    let mut world = World::bootstrapping(profile);
    world.run(seconds(200));
    world.provision(&account("key"));
    assert_eq!(world.count(&Event::Asleep), 0);
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(30));
    assert_eq!(world.count(&Event::Asleep), 1);
    assert_eq!(world.asked().last().unwrap(), "Post /rd?ep=node-7&lt=120&lwm2m=1.1&b=U&Q");
}

#[test]
fn a_factory_reset_leads_back_to_the_bootstrap_server() {
    let mut world = World::bootstrapping(blank(0));
    world.provision(&account("key"));
    world.code(finish());
    world.run(seconds(10));
    assert_eq!(world.code(Request::new(Method::Post, "/3/0/5")), "2.04");
    world.run(seconds(10));
    assert_eq!(world.visited(), [BOOTSTRAP, MANAGEMENT, BOOTSTRAP]);
    assert_eq!(world.connections[2].1, bootstrap_account());
}

#[test]
fn a_reboot_keeps_the_account_and_takes_its_time() {
    let mut profile = provisioned("old");
    profile.boot_time = seconds(20);
    let mut world = World::settled(profile);
    assert_eq!(world.code(Request::new(Method::Post, "/3/0/4")), "2.04");
    world.run(seconds(23));
    assert!(world.connections.is_empty() && !world.device.hears());
    world.run(seconds(3));
    assert!(world.is_registered_with(&account("old")));
}
