//! What is observed, when the store or the device does not answer.

use super::*;

#[test]
fn an_observation_that_is_stored_goes_on_when_asking_for_it_anew_cannot_be_stored() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let path = path("/3303/0/5700");
    world.order(node, Operation::Observe { path, format: None });
    world.fail_commits(|commit| {
        commit.changes.iter().any(|change| matches!(change, Change::ObservationBegan(_)))
    });
    world.reboot(node);
    world.run_for(10 * SECOND);
    assert_eq!((world.registers(node), world.stored_observations(node).len()), (2, 1));
    world.set(node, path, Value::Float(31.5));
    world.run_for(5 * SECOND);
    assert_eq!(world.latest(node, path), Some(Value::Float(31.5)));
    world.fail_commits(|_| false);
    world.run_for(30 * SECOND);
    assert_eq!(world.stored_observations(node).len(), 1);
}

#[test]
fn an_observation_that_begins_anew_while_its_end_is_not_stored_yet_goes_on() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let path = path("/3303/0/5700");
    world.order(node, Operation::Observe { path, format: None });
    world.fail_commits(|_| true);
    world.order(node, Operation::CancelObservation { path, mode: fleet::CancelMode::Passive });
    world.order(node, Operation::Observe { path, format: None });
    world.fail_commits(|_| false);
    world.run_for(10 * SECOND);
    world.set(node, path, Value::Float(31.5));
    world.run_for(5 * SECOND);
    assert_eq!(world.stored_observations(node).len(), 1);
    assert_eq!(world.latest(node, path), Some(Value::Float(31.5)));
}

#[test]
fn an_observation_that_is_not_answered_when_it_is_asked_for_anew_is_asked_for_again() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let path = path("/3303/0/5700");
    world.order(node, Operation::Observe { path, format: None });
    world.reset_requests_for(5 * SECOND);
    world.reboot(node);
    world.run_for(10 * SECOND);
    assert_eq!((world.registers(node), world.stored_observations(node).len()), (2, 1));
    // With the next Update.
    world.run_for(400 * SECOND);
    world.set(node, path, Value::Float(31.5));
    world.run_for(5 * SECOND);
    assert_eq!(world.latest(node, path), Some(Value::Float(31.5)));
    assert_eq!(world.stored_observations(node).len(), 1);
}

#[test]
fn a_notification_that_was_overtaken_before_a_restart_is_not_stored_after_it() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let path = path("/3303/0/5700");
    world.order(node, Operation::Observe { path, format: None });
    let token = coap::Token::new(world.stored_observations(node)[0].token.as_bytes()).unwrap();
    let notify = |world: &mut World, id, number, value| {
        world.inject(node, messages::notifying(token, id, number, value));
        world.run_for(SECOND);
    };
    let began = world.stored_observations(node)[0].number.unwrap();
    world.crash_and_restart();
    notify(&mut world, 0x7000, began.wrapping_sub(1) & 0x00ff_ffff, "0.5");
    assert_eq!(world.latest(node, path), Some(Value::Float(20.0)), "the answer that began it is newer");
    notify(&mut world, 0x7002, 1_002, "2.5");
    let stored = world.history(node, path);
    world.crash_and_restart();
    notify(&mut world, 0x7001, 1_001, "1.5");
    assert_eq!((world.latest(node, path), world.history(node, path)), (Some(Value::Float(2.5)), stored));
    notify(&mut world, 0x7003, 1_003, "3.5");
    assert_eq!(world.latest(node, path), Some(Value::Float(3.5)));
    // One that registers anew may count from the beginning (RFC 7641 §3.4 knows no other sign of it).
    world.crash_and_restart();
    world.reboot(node);
    world.run_for(10 * SECOND);
    let token = coap::Token::new(world.stored_observations(node)[0].token.as_bytes()).unwrap();
    world.inject(node, messages::notifying(token, 0x7004, 900, "4.5"));
    world.run_for(SECOND);
    assert_eq!(world.latest(node, path), Some(Value::Float(4.5)));
}
