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
