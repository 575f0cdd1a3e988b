//! Queue mode: a device that hears only for some time after each message (LwM2M Transport 1.1.1 §6.5).

use coap::Failure;
use device::{Device, Event, Profile};

use crate::world::{Link, World, get, path, seconds, sensor};

fn sleeper() -> Profile {
    Profile { queue_mode: true, lifetime: 600, awake: seconds(20), ..sensor() }
}

#[test]
fn a_device_sleeps_when_its_window_closes_and_wakes_with_its_update() {
    let mut world = World::new(1, Link::PERFECT, sleeper());
    world.call(Device::start);
    let start = world.now;
    world.run(seconds(330));
    let windows: Vec<(u64, Event)> = world
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Awake | Event::Asleep))
        .map(|(at, event)| ((*at - start).as_secs(), event.clone()))
        .collect();
    assert_eq!(windows, [(0, Event::Awake), (20, Event::Asleep), (300, Event::Awake), (320, Event::Asleep)]);
}

#[test]
fn each_message_keeps_the_window_open() {
    let mut world = World::registered(sleeper());
    world.run(seconds(15));
    assert_eq!(world.code(get("/3/0/9", None)), "2.05");
    world.run(seconds(15));
    assert!(world.device.hears());
    assert_eq!(world.code(get("/3/0/9", None)), "2.05");
    world.run(seconds(21));
    assert!(!world.device.hears());
}

#[test]
fn a_sleeping_device_hears_nothing() {
    let mut world = World::registered(sleeper());
    world.run(seconds(30));
    assert!(!world.device.hears());
    let (_, outcome) = world.outcome(get("/3/0/9", None));
    assert_eq!(outcome, Err(Failure::TimedOut { acknowledged: false }));
    assert_eq!(world.device.counters().unheard, 5);
}

#[test]
fn a_notification_and_a_send_wake_the_device() {
    let mut world = World::registered(sleeper());
    world.observe("/3303/0/5700");
    world.run(seconds(30));
    assert!(!world.device.hears());
    world.set_temperature(25.0);
    assert!(world.device.hears());
    assert_eq!(world.code(get("/3/0/9", None)), "2.05");
    assert_eq!(world.notified.len(), 1);
    world.run(seconds(30));
    assert!(!world.device.hears());
    world.call(|device, now| device.send(now, &[path("/3303/0/5700")])).unwrap();
    world.run(seconds(1));
    assert!(world.device.hears());
    assert_eq!(world.count(&Event::SendAccepted), 1);
}

#[test]
fn a_device_without_queue_mode_never_sleeps() {
    let mut world = World::registered(sensor());
    world.run(seconds(3600));
    assert_eq!(world.code(get("/3/0/9", None)), "2.05");
    assert_eq!(world.count(&Event::Asleep) + world.count(&Event::Awake), 0);
}
