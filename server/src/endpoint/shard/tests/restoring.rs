//! A fleet that comes back slowly, while its devices go on.

use std::time::Duration;

use device::Profile;
use fleet::Operation;
use objects::{Value, Version};

use metrics_exporter_prometheus::PrometheusBuilder;

use super::{
    SECOND, line, path,
    world::{Link, World},
};
use crate::endpoint::shard::restoring::MAX_HELD;

const DEVICES: usize = 500;

fn fleet() -> World {
    let mut world = World::new(Link::perfect());
    for node in 0..DEVICES {
        let mut profile = Profile::sensor(&format!("node-{node}"), Version::V1_1);
        profile.lifetime = 60;
        world.add(profile);
        world.run_for(Duration::from_millis(50));
    }
    world.run_for(2 * SECOND);
    world
}

#[test]
fn nobody_is_unknown_or_becomes_another_while_the_fleet_comes_back() {
    let mut world = fleet();
    let temperature = path("/3303/0/5700");
    let last = DEVICES - 1;
    assert_eq!(
        line(&world.order(last, Operation::Observe { path: temperature, format: None })),
        "2.05 Content"
    );
    let locations: Vec<String> = (0..DEVICES).map(|node| world.location(node)).collect();

    world.crash_and_restart_slowly(25, SECOND);
    world.run_for(SECOND);
    // Those that come back last: one registers anew, one sends, one notifies. And one that is new.
    world.reboot(last - 2);
    world.set(last - 1, temperature, Value::Float(1.5));
    world.send(last - 1, &[temperature]);
    world.set(last, temperature, Value::Float(2.5));
    let new = world.add(Profile::sensor("node-new", Version::V1_1));
    world.run_for(10 * SECOND);
    assert!(world.is_restoring());
    assert_eq!(world.latest(last, temperature), Some(Value::Float(20.0)), "it waits for its device");
    world.run_for(50 * SECOND);

    assert!(!world.is_restoring());
    assert!(world.device(new).is_registered());
    assert_eq!(world.stored_devices(), DEVICES + 1, "nobody got a second identity");
    for (node, location) in locations.iter().enumerate() {
        assert!(world.device(node).is_registered(), "{node}");
        assert_eq!(world.rejected(node), [], "{node}");
        assert_eq!(world.registers(node), if node == last - 2 { 2 } else { 1 }, "{node}");
        assert_eq!(world.location(node) == *location, node != last - 2, "{node}");
    }
    assert_eq!(world.latest(last - 1, temperature), Some(Value::Float(1.5)));
    assert_eq!(world.latest(last, temperature), Some(Value::Float(2.5)));
    assert_eq!(world.device(last).observed().collect::<Vec<_>>(), [temperature]);
}

#[test]
fn who_is_back_is_served_while_others_are_not() {
    let mut world = fleet();
    world.crash_and_restart_slowly(25, 10 * SECOND);
    world.run_for(11 * SECOND);
    let temperature = path("/3303/0/5700");
    for node in [0, DEVICES - 1] {
        world.set(node, temperature, Value::Float(1.5));
        world.send(node, &[temperature]);
    }
    world.run_for(SECOND);
    assert_eq!(world.latest(0, temperature), Some(Value::Float(1.5)));
    assert_eq!(world.latest(DEVICES - 1, temperature), None);
}

#[test]
fn a_store_that_fails_in_the_middle_is_asked_again() {
    let mut world = fleet();
    world.crash_and_restart_slowly(50, SECOND);
    world.run_for(3 * SECOND);
    world.store.set_unavailable(true);
    world.run_for(5 * SECOND);
    assert!(world.is_restoring());
    world.store.set_unavailable(false);
    world.run_for(20 * SECOND);
    assert!(!world.is_restoring());
    assert!((0..DEVICES).all(|node| world.registers(node) == 1 && world.rejected(node).is_empty()));
}

#[test]
fn a_session_that_is_back_before_its_device_is_the_one_it_is_reached_in() {
    let mut world = World::new(Link::perfect());
    let nodes: Vec<usize> =
        (0..4).map(|n| world.add_secure(Profile::sensor(&format!("node-{n}"), Version::V1_1))).collect();
    world.run_for(2 * SECOND);
    let temperature = path("/3303/0/5700");
    world.move_to(3, 40_000);
    world.crash_and_restart_slowly(1, SECOND);
    world.run_for(Duration::from_millis(500));
    world.rebind(2, 40_001);
    for node in &nodes {
        world.set(*node, temperature, Value::Float(1.5));
        world.send(*node, &[temperature]);
    }
    world.run_for(10 * SECOND);
    for node in nodes {
        assert_eq!(world.latest(node, temperature), Some(Value::Float(1.5)), "{node}");
        let read = world.order(node, Operation::Read { path: temperature, format: None });
        assert_eq!(line(&read), "2.05 Content", "{node}");
    }
}

#[test]
fn no_more_datagrams_are_held_than_the_bound_and_who_was_turned_away_comes_through_afterwards() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let number = |name: &str| {
        let lines = recorder.handle().render();
        let line = lines.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<usize>().ok());
        line.unwrap_or(0)
    };
    let turned_away = || number("muster_messages_turned_away_total{bound=\"held_while_restoring\"}");
    let held = || number("muster_restore_held");
    let mut world = fleet();
    let last = DEVICES - 1;

    world.crash_and_restart_slowly(25, SECOND);
    for id in 0..=u16::try_from(MAX_HELD).unwrap() {
        let about_nobody = coap::Message::empty(coap::Kind::Acknowledgement, coap::MessageId(id));
        world.inject(last, about_nobody.to_bytes().unwrap());
    }
    world.run_for(SECOND / 2);
    assert_eq!(turned_away(), 1);
    let temperature = path("/3303/0/5700");
    world.set(last, temperature, Value::Float(1.5));
    world.send(last, &[temperature]);
    world.run_for(10 * SECOND);
    assert!(turned_away() > 1);
    assert_eq!(held(), MAX_HELD);
    assert_eq!(world.latest(last, temperature), None);
    world.run_for(60 * SECOND);

    assert!(!world.is_restoring());
    assert_eq!(held(), 0);
    assert_eq!(world.latest(last, temperature), Some(Value::Float(1.5)), "it was sent again");
    assert!((0..DEVICES).all(|node| world.registers(node) == 1 && world.rejected(node).is_empty()));
}
