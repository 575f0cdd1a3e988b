//! What waits for devices that sleep, and when they do.

use fleet::{EventKind, OperationId, OperationRecord, Priority, store::Queues as _};

use super::*;

/// A device in queue mode that sleeps.
fn sleeper() -> (World, usize) {
    let mut profile = Profile::sensor("sleeper", Version::V1_1);
    profile.queue_mode = true;
    profile.lifetime = 1_000;
    let (mut world, node) = World::with_one(profile);
    world.run_for(100 * SECOND);
    assert_eq!(world.presence(node), Presence::Asleep);
    (world, node)
}

fn read(at: &str) -> Operation {
    Operation::Read { path: path(at), format: None }
}

fn sent_in_order(world: &World, ids: &[OperationId]) -> Vec<usize> {
    let mut sent: Vec<(OperationRecord, usize)> =
        ids.iter().enumerate().map(|(at, id)| (world.operation(*id), at)).collect();
    sent.retain(|(record, _)| record.sent_at.is_some());
    sent.sort_by_key(|(record, _)| record.sent_at);
    sent.into_iter().map(|(_, at)| at).collect()
}

#[test]
fn what_a_later_operation_makes_pointless_is_not_sent_and_says_why() {
    let (mut world, node) = sleeper();
    let ids = [
        world.store_order(node, write("/3/0/15", "Europe/Paris")),
        world.store_order(node, read("/3/0/9")),
        world.store_order(node, write("/3/0/15", "Europe/Rome")),
        world.store_order(node, read("/3/0/9")),
    ];
    world.run_for(SECOND);
    for (old, new) in [(ids[0], ids[2]), (ids[1], ids[3])] {
        let record = world.operation(old);
        assert_eq!((record.state, record.superseded_by), (OperationState::Superseded, Some(new)));
        assert_eq!(record.result, Some(format!("superseded by {new}")));
        let told = EventKind::Operation { id: old, state: OperationState::Superseded, changed: false };
        assert_eq!(world.told.iter().filter(|kind| **kind == told).count(), 1);
    }
    let timeline = block_on(world.store.timeline(world.id(node), &PageRequest::first(9))).unwrap();
    let line = format!("Write /3/0/15: superseded by {}", ids[2]);
    assert!(timeline.rows.iter().any(|record| record.entry.detail == line));
    world.run_for(800 * SECOND);
    for id in &ids[2..] {
        assert_eq!(world.operation(*id).state, OperationState::Done);
    }
    assert_eq!(sent_in_order(&world, &ids), [2, 3]);
    let zone = world.device(node).objects().get(&path("/3/0/15")).cloned();
    assert_eq!(zone, Some(Value::String("Europe/Rome".into())));
}

#[test]
fn an_execute_between_keeps_two_writes_apart() {
    let (mut world, node) = sleeper();
    let execute = Operation::Execute { path: path("/1/0/8"), arguments: String::new() };
    let ids = [
        world.store_order(node, write("/3/0/15", "Europe/Paris")),
        world.store_order(node, execute),
        world.store_order(node, write("/3/0/15", "Europe/Rome")),
    ];
    world.run_for(900 * SECOND);
    assert_eq!(sent_in_order(&world, &ids), [0, 1, 2]);
}

#[test]
fn what_is_superseded_while_the_store_is_away_is_recorded_when_it_is_back() {
    let (mut world, node) = sleeper();
    let old = world.store_order(node, read("/3/0/9"));
    let order = world.store_order(node, read("/3"));
    world.store.set_full(true);
    let ticket = world.give_stored(node, read("/3/0/9"));
    world.run_for(5 * SECOND);
    assert_eq!(world.taken_of(ticket), Some(Taken::Queued));
    assert_eq!(world.operation(old).state, OperationState::Queued);
    world.store.set_full(false);
    world.run_for(5 * SECOND);
    assert_eq!(world.operation(old).state, OperationState::Superseded);
    assert_eq!(world.operation(order).state, OperationState::Queued);
}

#[test]
fn what_is_urgent_is_sent_first() {
    let (mut world, node) = sleeper();
    let ids = [
        world.store_order_of(node, read("/3/0/0"), Priority::Background),
        world.store_order(node, read("/3/0/1")),
        world.store_order_of(node, read("/3/0/2"), Priority::Urgent),
        world.store_order(node, read("/3/0/3")),
    ];
    world.run_for(900 * SECOND);
    assert_eq!(sent_in_order(&world, &ids), [2, 1, 3, 0]);
    // And after a start.
    while world.presence(node) == Presence::Awake {
        world.run_for(SECOND);
    }
    let again = [
        world.store_order_of(node, read("/3/0/0"), Priority::Background),
        world.store_order_of(node, read("/3/0/2"), Priority::Urgent),
    ];
    world.crash_and_restart();
    world.run_for(1_000 * SECOND);
    assert_eq!(sent_in_order(&world, &again), [1, 0]);
}

#[test]
fn watchers_are_told_once_each_time_a_device_wakes() {
    let (mut world, node) = sleeper();
    let wakes = |world: &World| world.told.iter().filter(|kind| **kind == EventKind::Awake).count();
    assert_eq!(wakes(&world), 1, "it has registered");
    world.store_order(node, read("/3/0/9"));
    world.store_order(node, read("/3/0/13"));
    let updates =
        |world: &World| world.told.iter().filter(|kind| matches!(kind, EventKind::Updated { .. })).count();
    while updates(&world) < 2 {
        world.run_for(SECOND);
    }
    world.run_for(5 * SECOND);
    assert_eq!(wakes(&world), 3);
}

#[test]
fn a_device_that_does_not_answer_within_its_window_is_taken_to_sleep() {
    let mut profile = misbehaving(Asked::Read, path("/3/0/9"), device::How::Ignore);
    profile.queue_mode = true;
    profile.lifetime = 1_000;
    let (mut world, node) = World::with_one(profile);
    let time = Some(600 * SECOND);
    let scope = fleet::queue::AwakeScope::Device(world.id(node));
    let said = fleet::queue::QueueChange::AwakeSet { scope, time };
    let said = Commit { changes: vec![Change::Queue(said)], audit: vec![] };
    block_on(world.store.commit(said.clone())).unwrap();
    world.follow(&said);
    world.run_for(200 * SECOND);
    assert_eq!(world.presence(node), Presence::Awake, "somebody has said so");
    let taken = world.try_order(node, read("/3/0/9"), true);
    let Some(Taken::Ended { outcome: Outcome::Failed(Failure::TimedOut { acknowledged: false }), .. }) =
        taken
    else {
        panic!("{taken:?}")
    };
    assert_eq!(world.presence(node), Presence::Asleep);
    world.run_for(3 * SECOND);
    let awake = block_on(world.store.awake(world.id(node))).unwrap();
    assert_eq!(awake.time(Presence::AWAKE_FOR).time, 600 * SECOND, "what somebody has said stands");
    world.run_for(1_000 * SECOND);
    assert_eq!(world.presence(node), Presence::Awake, "it was heard");
}
