//! A store that is slow: what is turned away, what goes on, and how it recovers.

use std::time::Duration;

use device::Profile;
use objects::{Value, Version};

use super::{
    SECOND, path,
    world::{Link, World},
};
use crate::endpoint::shard::Backlog;

#[test]
fn while_a_commit_waits_too_long_updates_go_on_and_new_work_is_turned_away_until_the_store_is_back() {
    let mut world = World::new(Link::perfect());
    let mut profile = Profile::sensor("node-1", Version::V1_1);
    profile.lifetime = 60;
    let known = world.add(profile);
    world.run_for(2 * SECOND);
    assert!(world.device(known).is_registered());

    world.store_delay = 3_600 * SECOND;
    let first = world.add(Profile::sensor("node-2", Version::V1_1));
    world.run_for(Backlog::MAX_WAIT + SECOND);
    assert!(world.backlog().is_too_much());
    let mut profile = Profile::sensor("node-3", Version::V1_1);
    profile.retry = 20 * SECOND;
    let late = world.add(profile);
    let waiting = world.backlog().commits;
    world.run_for(300 * SECOND);
    assert!(world.rejected(late).contains(&coap::Code::SERVICE_UNAVAILABLE));
    assert!(!world.device(first).is_registered());
    assert!(world.device(known).is_registered(), "its Updates change nothing");
    assert_eq!(world.registers(known), 1);
    assert_eq!(world.backlog().commits, waiting, "nothing more is made to wait");

    world.store_delay = Duration::from_millis(5);
    world.let_store_answer();
    world.run_for(120 * SECOND);
    assert!(!world.backlog().is_too_much());
    for node in [known, first, late] {
        assert!(world.device(node).is_registered());
    }
}

#[test]
fn a_value_that_meets_a_slow_store_is_sent_again_and_kept_once() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    world.store_delay = 3_600 * SECOND;
    world.record_of_nobody();
    world.run_for(Backlog::MAX_WAIT);
    let temperature = path("/3303/0/5700");
    world.set(node, temperature, Value::Float(23.5));
    world.send(node, &[temperature]);
    world.run_for(3 * SECOND);
    assert_eq!(world.latest(node, temperature), None);
    world.store_delay = Duration::from_millis(5);
    world.let_store_answer();
    world.run_for(60 * SECOND);
    assert_eq!(world.latest(node, temperature), Some(Value::Float(23.5)));
    assert_eq!(world.history(node, temperature), 1);
}

#[test]
fn no_more_commits_are_in_flight_than_the_bound() {
    let mut world = World::new(Link::perfect());
    world.store_delay = Duration::from_secs(4);
    for _ in 0..Backlog::MAX_COMMITS {
        world.record_of_nobody();
    }
    let mut profile = Profile::sensor("node-3", Version::V1_1);
    profile.retry = 20 * SECOND;
    let late = world.add(profile);
    world.run_for(2 * SECOND);
    assert!(world.rejected(late).contains(&coap::Code::SERVICE_UNAVAILABLE));
    assert_eq!(world.backlog().commits, Backlog::MAX_COMMITS);
    world.run_for(60 * SECOND);
    assert!(world.device(late).is_registered());
}
