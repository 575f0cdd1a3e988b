//! Observe, Notify, Send.

use coap::{Code, Failure, Method, Observe, Request};
use device::{Device, Event, Interaction, SendRefused};
use objects::{ContentFormat, Models, Node, Registry, Resource, Sample, Value, codec};

use crate::world::{Link, MINUTE, World, attributes, get, node, observe, path, seconds, sensor, value, with};

const TEMPERATURE: &str = "/3303/0/5700";

/// When a value that takes these values second by second is reported, and with which.
fn reports(queries: &str, given: &[f64], span: u64) -> Vec<(u64, f64)> {
    let mut world = World::registered(sensor());
    world.set_temperature(given[0]);
    if !queries.is_empty() {
        assert_eq!(world.code(attributes(TEMPERATURE, queries)), "2.04");
    }
    let start = world.now;
    world.observe(TEMPERATURE);
    for (second, value) in given.iter().enumerate().skip(1) {
        let due = start + seconds(second as u64);
        world.run(due - world.now);
        world.set_temperature(*value);
    }
    let end = start + seconds(span);
    world.run(end - world.now);
    world.notifications(start, TEMPERATURE)
}

#[test]
fn notifications_follow_the_attributes() {
    assert_eq!(reports("", &[1.0, 2.0, 2.0, 3.0], 60), [(1, 2.0), (3, 3.0)]);
    assert_eq!(reports("pmin=5", &[1.0, 2.0, 3.0], 60), [(5, 3.0)]);
    assert_eq!(reports("pmin=5 pmax=10", &[1.0, 2.0, 3.0], 27), [(5, 3.0), (15, 3.0), (25, 3.0)]);
    assert_eq!(reports("gt=10", &[1.0, 9.0, 11.0, 12.0, 9.0], 60), [(2, 11.0), (4, 9.0)]);
    assert_eq!(reports("lt=10", &[12.0, 11.0, 9.0, 8.0, 11.0], 60), [(2, 9.0), (4, 11.0)]);
    assert_eq!(reports("st=2", &[1.0, 2.0, 3.0, 4.0, 5.5], 60), [(2, 3.0), (4, 5.5)]);
    assert_eq!(reports("gt=10 pmax=20", &[1.0, 2.0, 3.0], 50), [(20, 3.0), (40, 3.0)]);
}

#[test]
fn attributes_are_inherited_and_may_change_while_observed() {
    let mut world = World::registered(sensor());
    world.code(attributes("/3303", "pmax=10"));
    let start = world.now;
    world.observe(TEMPERATURE);
    world.run(seconds(25));
    assert_eq!(world.notifications(start, TEMPERATURE), [(10, 20.0), (20, 20.0)]);
    world.code(attributes("/3303/0/5700", "pmax=60"));
    world.run(seconds(57));
    assert_eq!(world.notified.len(), 3, "60 s after the last");
    world.code(attributes("/3303/0/5700", "pmax"));
    world.run(seconds(9));
    assert_eq!(world.notified.len(), 4, "the object's counts again");
}

#[test]
fn the_account_has_default_periods() {
    let mut world = World::registered(sensor());
    world.code(with(Method::Put, "/1/0/3", ContentFormat::TEXT, "30"));
    let start = world.now;
    world.observe(TEMPERATURE);
    world.run(seconds(65));
    assert_eq!(world.notifications(start, TEMPERATURE), [(30, 20.0), (60, 20.0)]);
}

#[test]
fn every_level_is_observed() {
    let mut world = World::registered(sensor());
    for at in ["/3303", "/3303/0", "/3303/0/5700", "/3/0/7", "/3/0/7/1"] {
        world.observe(at);
    }
    world.set_temperature(25.0);
    world.run(seconds(1));
    assert_eq!(world.notified.len(), 3);
    for (notified, at) in world.notified.iter().zip(["/3303", "/3303/0", "/3303/0/5700"]) {
        let node = node(at, &notified.response);
        let values = node.values(path(at));
        assert!(values.contains(&(path(TEMPERATURE), &Value::Float(25.0))), "{at}");
    }
    world.notified.clear();
    world.set("/3/0/7/1", Value::Integer(4900));
    world.run(seconds(1));
    assert_eq!(world.notified.len(), 2);
    world.notified.clear();
    world.set("/3/0/7/0", Value::Integer(3700));
    world.run(seconds(1));
    assert_eq!(world.notified.len(), 1, "the other instance has not changed");
}

#[test]
fn a_write_of_the_servers_is_reported_too() {
    let mut world = World::registered(sensor());
    world.observe("/3/0/15");
    world.code(with(Method::Put, "/3/0/15", ContentFormat::TEXT, "Europe/Berlin"));
    world.run(seconds(1));
    assert_eq!(value("/3/0/15", &world.notified[0].response), Value::String("Europe/Berlin".into()));
}

#[test]
fn notifications_keep_the_format_of_the_first_response_and_grow_in_number() {
    let mut world = World::registered(sensor());
    let mut request = observe(TEMPERATURE);
    request.accept = Some(ContentFormat::SENML_CBOR.0);
    let mut last = world.ask(request).observe.unwrap();
    for value in 0..5 {
        world.set_temperature(f64::from(value));
        world.run(seconds(1));
        let notified = world.notified.last().unwrap();
        assert_eq!(notified.response.content_format, Some(112));
        assert!(notified.response.observe.unwrap() > last);
        last = notified.response.observe.unwrap();
    }
}

#[test]
fn notifications_are_confirmable_where_the_device_prefers_it_and_once_a_day() {
    for prefers in [true, false] {
        let mut profile = sensor();
        profile.confirmable_notifications = prefers;
        profile.lifetime = 86_400;
        let mut world = World::registered(profile);
        world.observe(TEMPERATURE);
        for hour in 0..50 {
            world.set_temperature(f64::from(hour));
            world.run(seconds(3600));
        }
        let confirmable = world.notified.iter().filter(|notified| notified.confirmable).count();
        assert_eq!((world.notified.len(), confirmable), if prefers { (50, 50) } else { (50, 2) });
        let acknowledged = world.count(&Event::Notified { path: path(TEMPERATURE) });
        assert_eq!(acknowledged, confirmable, "the caller is told of each acknowledgement");
    }
}

#[test]
fn an_observation_is_cancelled_by_a_request() {
    let mut world = World::registered(sensor());
    let token = world.observe(TEMPERATURE);
    let mut request = get(TEMPERATURE, None);
    (request.observe, request.token) = (Some(Observe::Deregister), Some(token));
    let response = world.ask(request);
    assert_eq!((response.code, response.observe), (Code::CONTENT, None));
    assert_eq!(world.device.observed().count(), 0);
    world.set_temperature(25.0);
    world.run(MINUTE);
    assert!(world.notified.is_empty());
}

#[test]
fn an_observation_is_cancelled_by_a_reset() {
    for confirmable in [true, false] {
        let mut profile = sensor();
        profile.confirmable_notifications = confirmable;
        let mut world = World::registered(profile);
        let token = world.observe(TEMPERATURE);
        world.server.forget_observation(world.now, 1, &token);
        world.set_temperature(25.0);
        world.run(seconds(1));
        assert_eq!(world.count(&Event::ObservationEnded { path: path(TEMPERATURE) }), 1);
        assert_eq!(world.device.observed().count(), 0);
    }
}

#[test]
fn an_observer_that_does_not_acknowledge_is_forgotten() {
    let mut profile = sensor();
    profile.confirmable_notifications = true;
    profile.lifetime = 86_400;
    let mut world = World::registered(profile);
    world.observe(TEMPERATURE);
    world.link = Link::CUT;
    world.set_temperature(25.0);
    world.run(2 * MINUTE);
    assert_eq!(world.device.observed().count(), 0);
}

#[test]
fn an_observation_ends_with_an_error_when_its_instance_is_deleted() {
    let mut world = World::registered(sensor());
    world.observe(TEMPERATURE);
    world.observe("/3303");
    assert_eq!(world.code(Request::new(Method::Delete, "/3303/0")), "2.02");
    world.run(seconds(1));
    let ends: Vec<_> =
        world.notified.iter().map(|notified| (notified.response.code, notified.last)).collect();
    assert!(ends.contains(&(Code::NOT_FOUND, true)) && ends.contains(&(Code::CONTENT, false)), "{ends:?}");
    assert_eq!(world.device.observed().collect::<Vec<_>>(), [path("/3303")]);
}

#[test]
fn what_cannot_be_read_cannot_be_observed() {
    let mut world = World::registered(sensor());
    assert_eq!(world.code(observe("/3/0/4")), "4.05");
    assert_eq!(world.code(observe("/3/9")), "4.04");
    assert_eq!(world.device.observed().count(), 0);
}

#[test]
fn beyond_a_bound_an_observe_is_a_read() {
    let mut world = World::registered(sensor());
    for _ in 0..Device::MAX_OBSERVATIONS {
        world.observe(TEMPERATURE);
    }
    let response = world.ask(observe(TEMPERATURE));
    assert_eq!((response.code, response.observe), (Code::CONTENT, None));
    assert_eq!(world.device.counters().max_observations, 1);
}

#[test]
fn a_large_notification_is_fetched_in_blocks() {
    let mut world = World::registered(sensor());
    world.observe("/19/0/0/0");
    let body: Vec<u8> = (0..5000_u32).map(|at| at as u8).collect();
    world.set("/19/0/0/0", Value::Opaque(body.clone()));
    world.run(MINUTE);
    assert_eq!(world.notified.len(), 1);
    assert_eq!(value("/19/0/0/0", &world.notified[0].response), Value::Opaque(body));
}

#[test]
fn a_send_carries_values_with_their_times() {
    let mut world = World::registered(sensor());
    world.call(|device, now| device.send(now, &[path("/3303/0"), path("/3/0/9")])).unwrap();
    world.run(seconds(1));
    let samples = |world: &World| {
        let request = &world.asked.last().unwrap().request;
        let registry = Registry::core();
        codec::decode_many(
            ContentFormat(request.content_format.unwrap()),
            &request.payload,
            &Models::newest(&registry),
            0,
        )
        .unwrap()
    };
    assert_eq!(world.asked(), ["Post /dp?"]);
    assert_eq!(world.count(&Event::SendAccepted), 1);
    let sent = samples(&world);
    assert_eq!(sent.len(), 5);
    assert!(sent.iter().all(|sample| sample.time_ms == Some(1_704_067_200_000 + 1_001_000)), "{sent:?}");

    let history: Vec<Sample> = [1_700_000_000_000, 1_700_000_060_500]
        .into_iter()
        .map(|time_ms| Sample {
            time_ms: Some(time_ms),
            path: path(TEMPERATURE),
            node: Node::Resource(Resource::Single(Value::Float(time_ms as f64 / 1e11))),
        })
        .collect();
    world.call(|device, now| device.send_samples(now, &history)).unwrap();
    world.run(seconds(1));
    assert_eq!(samples(&world), history);
}

#[test]
fn what_becomes_of_a_send_is_told() {
    let mut world = World::registered(sensor());
    let send = |world: &mut World, at: &str| world.call(|device, now| device.send(now, &[path(at)]));
    world.answer.insert("send", Code::NOT_FOUND);
    send(&mut world, TEMPERATURE).unwrap();
    world.run(seconds(1));
    let rejected = Event::Rejected { interaction: Interaction::Send, code: Code::NOT_FOUND };
    assert_eq!(world.count(&rejected), 1);
    world.link = Link::CUT;
    send(&mut world, TEMPERATURE).unwrap();
    world.run(2 * MINUTE);
    let failure = Failure::TimedOut { acknowledged: false };
    assert_eq!(world.count(&Event::Unanswered { interaction: Interaction::Send, failure }), 1);
    world.link = Link::PERFECT;
    assert_eq!(send(&mut world, "/3/0/4"), Err(SendRefused::Missing { path: path("/3/0/4") }));
    assert_eq!(world.code(with(Method::Put, "/1/0/23", ContentFormat::TEXT, "1")), "2.04");
    assert_eq!(send(&mut world, TEMPERATURE), Err(SendRefused::Muted));
    world.call(|device, _| device.vanish());
    assert_eq!(send(&mut world, TEMPERATURE), Err(SendRefused::NotRegistered));
}
