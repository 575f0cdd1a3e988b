//! Packages that go to devices block by block.

use device::{Firmware, FirmwareState, TestImage};
use fleet::{Failure, OperationState};

use super::*;

const LEN: usize = 50_000;

fn updatable() -> Profile {
    Profile { firmware: Some(Firmware::default()), ..Profile::sensor("node-7", Version::V1_1) }
}

fn done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Success { .. })
}

fn world(link: Link, seed: u64) -> (World, usize) {
    let mut world = World::seeded(link, seed);
    let node = world.add(updatable());
    world.run_for(60 * SECOND);
    world.offer(Ok(TestImage::bytes("2.0", LEN)));
    (world, node)
}

#[test]
fn a_package_arrives_whole_and_a_block_of_it_is_in_memory_at_a_time() {
    let (mut world, node) = world(Link::perfect(), 1);
    assert!(done(&world.order(node, World::push_of(0))));
    let status = world.device(node).firmware().unwrap();
    assert_eq!(status.state, FirmwareState::Downloaded);
    assert_eq!(
        status.delivered.map(|delivered| (delivered.len, delivered.version.as_str())),
        Some((LEN, "2.0"))
    );
    assert_eq!(world.most_read(), 1_024);
    let steps: Vec<u64> = (1..=48).map(|block| block * 1_024).collect();
    assert_eq!(world.progress(), steps, "each block is told but the last one, whose answer ends it");
    world.run_for(SECOND / 2);
    assert_eq!((world.open_packages(), world.leftovers()), (0, [0; 8]));
}

#[test]
fn it_arrives_over_a_link_that_loses_doubles_and_reorders() {
    for seed in 0..6 {
        let (mut world, node) = world(Link::bad(), seed);
        let pushed = world.store_order(node, World::push_of(0));
        world.run_for(3_600 * SECOND);
        assert_eq!(
            world.operation(pushed).state,
            OperationState::Done,
            "seed {seed}: {:?}",
            world.operation(pushed)
        );
        let delivered = world.device(node).firmware().unwrap().delivered.map(|delivered| delivered.sha256);
        let mut expected = World::with_one(updatable());
        expected.0.offer(Ok(TestImage::bytes("2.0", LEN)));
        assert!(done(&expected.0.order(expected.1, World::push_of(0))));
        let whole =
            expected.0.device(expected.1).firmware().unwrap().delivered.map(|delivered| delivered.sha256);
        assert_eq!(delivered, whole, "seed {seed}");
    }
}

#[test]
fn others_are_answered_meanwhile() {
    let (mut world, node) = world(Link::perfect(), 1);
    let pushed = world.store_order(node, World::push_of(0));
    let read = Operation::Read { path: path("/3/0/9"), format: None };
    assert!(done(&world.order(node, read)));
    assert_eq!(world.operation(pushed).state, OperationState::Sent, "the package is still on its way");
    world.run_for(60 * SECOND);
    assert_eq!(world.operation(pushed).state, OperationState::Done);
}

#[test]
fn a_second_package_waits_for_the_first() {
    let (mut world, node) = world(Link::perfect(), 1);
    let first = world.store_order(node, World::push_of(0));
    let second = world.store_order(node, World::push_of(0));
    world.run_for(SECOND / 2);
    assert_eq!(world.open_packages(), 1);
    world.run_for(60 * SECOND);
    assert_eq!(world.operation(first).state, OperationState::Done);
    assert!(world.operation(second).state.is_final());
}

#[test]
fn who_may_not_have_it_gets_no_byte() {
    let (mut world, node) = world(Link::perfect(), 1);
    world.offer(Err("it is for another class"));
    let before = world.transmitted_to(node);
    let outcome = world.order(node, World::push_of(0));
    let Outcome::Failed(Failure::Transfer { reason }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "it is for another class");
    assert_eq!(world.transmitted_to(node), before);
}

#[test]
fn a_package_is_broken_off_at_once_when_it_is_cancelled() {
    let (mut world, node) = world(Link::perfect(), 1);
    let pushed = world.store_order(node, World::push_of(0));
    world.run_for(SECOND / 2);
    assert!(world.break_off(node, pushed));
    world.run_for(SECOND);
    assert_eq!(world.operation(pushed).state, OperationState::Cancelled);
    assert!(!world.break_off(node, pushed));
    assert_eq!((world.open_packages(), world.leftovers()), (0, [0; 8]));
    assert!(done(&world.order(node, World::push_of(0))), "the next one goes");
}

#[test]
fn a_device_that_starts_anew_gets_it_anew() {
    let (mut world, node) = world(Link::perfect(), 1);
    let pushed = world.store_order(node, World::push_of(0));
    world.run_for(SECOND);
    world.reboot(node);
    world.run_for(120 * SECOND);
    assert_eq!(world.operation(pushed).state, OperationState::Done, "{:?}", world.operation(pushed));
    let delivered = world.device(node).firmware().unwrap().delivered.map(|delivered| delivered.len);
    assert_eq!(delivered, Some(LEN));
}

#[test]
fn nobody_knows_after_a_restart_what_became_of_it() {
    let (mut world, node) = world(Link::perfect(), 1);
    let pushed = world.store_order(node, World::push_of(0));
    world.run_for(SECOND);
    world.crash_and_restart();
    world.run_for(60 * SECOND);
    assert_eq!(world.operation(pushed).state, OperationState::Unknown);
    let pushed = world.store_order(node, World::push_of(20_480));
    world.run_for(60 * SECOND);
    assert_eq!(world.operation(pushed).state, OperationState::Done, "it goes on where it was, or anew");
    let delivered = world.device(node).firmware().unwrap().delivered.map(|delivered| delivered.len);
    assert_eq!(delivered, Some(LEN));
}
