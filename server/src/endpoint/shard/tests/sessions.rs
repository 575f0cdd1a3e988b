//! Devices that prove who they are: they move, start anew, and lose their credential.

use device::Event;
use fleet::DiaryCause;

use super::*;

fn secured() -> (World, usize) {
    let mut world = World::new(Link::perfect());
    let node = world.add_secure(Profile::sensor("node-7", Version::V1_1));
    world.run_for(2 * SECOND);
    assert!(world.device(node).is_registered(), "{:?}", world.incidents);
    (world, node)
}

fn reading() -> Operation {
    Operation::Read { path: path("/3/0/9"), format: None }
}

fn observing() -> Operation {
    Operation::Observe { path: path("/3303/0/5700"), format: None }
}

#[test]
fn a_device_is_reached_in_its_session() {
    let (mut world, node) = secured();
    assert!(matches!(world.order(node, reading()), Outcome::Success { .. }));
}

#[test]
fn a_device_that_comes_from_elsewhere_goes_on_where_it_was() {
    let (mut world, node) = secured();
    assert!(matches!(world.order(node, observing()), Outcome::Success { .. }));
    world.move_to(node, 39_999);
    world.run_for(SECOND);
    world.set(node, path("/3303/0/5700"), Value::Float(31.5));
    world.run_for(5 * SECOND);
    assert_eq!(world.latest(node, path("/3303/0/5700")), Some(Value::Float(31.5)));
    assert!(matches!(world.order(node, reading()), Outcome::Success { .. }));
    // The end of the old session is nothing to it.
    world.run_for(60 * SECOND);
    assert!(matches!(world.order(node, reading()), Outcome::Success { .. }));
    assert_eq!(world.registers(node), 1);
}

#[test]
fn a_session_that_begins_anew_at_the_same_place_keeps_the_observations() {
    let (mut world, node) = secured();
    assert!(matches!(world.order(node, observing()), Outcome::Success { .. }));
    world.begin_session(node);
    world.run_for(SECOND);
    world.set(node, path("/3303/0/5700"), Value::Float(31.5));
    world.run_for(5 * SECOND);
    assert_eq!(world.latest(node, path("/3303/0/5700")), Some(Value::Float(31.5)));
}

#[test]
fn what_is_asked_when_a_session_begins_anew_is_asked_again_unless_twice_would_differ() {
    let (mut world, node) = secured();
    let read = world.give_order(node, reading());
    world.begin_session(node);
    world.run_for(10 * SECOND);
    assert!(matches!(world.taken_of(read), Some(Taken::Ended { outcome: Outcome::Success { .. }, .. })));

    let execute = Operation::Execute { path: path("/3/0/4"), arguments: String::new() };
    let asked = world.store_order(node, execute);
    world.run_for(SECOND / 100);
    world.begin_session(node);
    world.run_for(10 * SECOND);
    assert_eq!(world.operation(asked).state, OperationState::Unknown);
}

#[test]
fn a_revoked_device_has_nothing_left_here() {
    let (mut world, node) = secured();
    assert!(matches!(world.order(node, observing()), Outcome::Success { .. }));
    world.vanish(node);
    let asked = Operation::Execute { path: path("/3/0/4"), arguments: String::new() };
    let waiting = world.store_order(node, asked);
    world.run_for(SECOND);
    let ticket = world.revoke(node);
    world.run_for(SECOND);
    assert_eq!(world.ended, [(ticket, Ok(()))]);
    assert_eq!(world.sessions_ended.len(), 1);
    assert_eq!(world.stored_registrations(), Vec::<String>::new());
    assert_eq!(world.stored_observations(node), []);
    // It was sent, and nobody will know what came of it.
    assert_eq!(world.operation(waiting).state, OperationState::Unknown);
    assert_eq!(world.presence(node), Presence::NotRegistered);
    assert!(world.order_is_refused(node, reading()));
    world.run_for(200 * SECOND);
    assert_eq!(world.leftovers(), [0; 8]);
}

#[test]
fn what_a_revoked_device_sends_comes_to_nothing() {
    let (mut world, node) = secured();
    world.revoke(node);
    world.run_for(SECOND);
    let before = world.transmitted_to(node);
    world.send(node, &[path("/3303/0/5700")]);
    // A session that was opened in the same moment is none, either.
    world.begin_session(node);
    world.send(node, &[path("/3303/0/5700")]);
    world.run_for(30 * SECOND);
    assert_eq!(world.latest(node, path("/3303/0/5700")), None);
    assert!(!world.was_told(node, &Event::SendAccepted));
    assert_eq!(world.transmitted_to(node), before);
}

#[test]
fn what_waits_behind_a_revocation_comes_to_nothing() {
    let (mut world, node) = secured();
    world.store_delay = 2 * SECOND;
    world.revoke(node);
    // The store takes its time: nobody knows yet that it ends.
    world.reboot(node);
    world.begin_session(node);
    world.run_for(30 * SECOND);
    assert_eq!(world.ended.len(), 1);
    assert_eq!(world.stored_registrations(), Vec::<String>::new());
    assert_eq!(world.presence(node), Presence::NotRegistered);
}

#[test]
fn a_device_whose_session_was_only_to_be_renewed_comes_back_at_once() {
    let (mut world, node) = secured();
    world.renew_sessions(node);
    world.run_for(SECOND);
    assert_eq!(world.sessions_ended.len(), 1);
    world.begin_session(node);
    world.run_for(SECOND);
    assert!(matches!(world.order(node, reading()), Outcome::Success { .. }));
}

#[test]
fn what_cannot_be_stored_is_not_taken() {
    let (mut world, node) = secured();
    world.fail_commits(|commit| matches!(commit.changes.as_slice(), [.., Change::CredentialEnded { .. }]));
    let ticket = world.revoke(node);
    world.run_for(SECOND);
    assert_eq!(world.ended, [(ticket, Err(fleet::StoreError::Unavailable))]);
    assert_eq!(world.sessions_ended, []);
    assert!(matches!(world.order(node, reading()), Outcome::Success { .. }));
}

#[test]
fn a_stranger_at_the_door_is_an_incident() {
    let (mut world, node) = secured();
    let impostor = world.add(Profile::sensor("node-7", Version::V1_1));
    world.run_for(5 * SECOND);
    assert!(!world.device(impostor).is_registered());
    let told = |world: &World, cause| assert!(world.incidents.contains(&cause), "{:?}", world.incidents);
    told(&world, DiaryCause::SecuredEndpointWithoutSecurity);
    world.inject(impostor, vec![0xff; 9]);
    world.run_for(SECOND);
    told(&world, DiaryCause::MalformedMessage);
    world.vanish(node);
    world.run_for(400 * SECOND);
    told(&world, DiaryCause::SleepingTooLong);
}

#[test]
fn a_device_whose_address_changes_in_its_session_goes_on_with_all_it_was_doing() {
    let (mut world, node) = secured();
    assert!(matches!(world.order(node, observing()), Outcome::Success { .. }));
    let read = world.give_order(node, reading());
    world.rebind(node, 39_998);
    world.run_for(5 * SECOND);
    assert!(matches!(world.taken_of(read), Some(Taken::Ended { outcome: Outcome::Success { .. }, .. })));
    world.set(node, path("/3303/0/5700"), Value::Float(31.5));
    world.run_for(5 * SECOND);
    assert_eq!(world.latest(node, path("/3303/0/5700")), Some(Value::Float(31.5)));
    assert_eq!(world.registers(node), 1);
}

#[test]
fn what_was_held_back_of_an_older_session_comes_to_nothing() {
    let (mut world, node) = secured();
    let (before, held_back) = (world.place(node), messages::deregister(&world.location(node)));
    world.move_to(node, 39_997);
    world.send(node, &[path("/3303/0/5700")]);
    world.run_for(SECOND);
    assert_eq!(world.sessions_outlived, [before.1]);
    world.arrive(before, held_back.clone());
    world.run_for(SECOND);
    assert_eq!(world.stored_registrations().len(), 1);
    assert!(matches!(world.order(node, reading()), Outcome::Success { .. }));

    // Nor after a restart, of which the end of that session was not kept.
    world.crash_and_restart();
    world.run_for(SECOND);
    assert_eq!(world.sessions_outlived, [before.1, before.1]);
    world.arrive(before, held_back);
    world.run_for(SECOND);
    assert_eq!(world.stored_registrations().len(), 1);
}

#[test]
fn a_session_in_which_nothing_came_ends_no_older_one() {
    let (mut world, node) = secured();
    let before = world.place(node);
    world.move_to(node, 39_997);
    world.run_for(SECOND);
    assert_eq!(world.sessions_outlived, []);
    world.arrive(before, messages::deregister(&world.location(node)));
    world.run_for(SECOND);
    assert_eq!(world.stored_registrations(), Vec::<String>::new());
}

#[test]
fn after_a_restart_a_device_goes_on_in_its_session() {
    let (mut world, node) = secured();
    assert!(matches!(world.order(node, observing()), Outcome::Success { .. }));
    world.crash_and_restart();
    world.set(node, path("/3303/0/5700"), Value::Float(31.5));
    world.run_for(5 * SECOND);
    assert_eq!(world.latest(node, path("/3303/0/5700")), Some(Value::Float(31.5)));
    assert_eq!(world.confirmed, [], "what is heard may have been heard before");
    assert!(matches!(world.order(node, reading()), Outcome::Success { .. }));
    assert_eq!(world.confirmed.len(), 1);
    assert!(matches!(world.order(node, reading()), Outcome::Success { .. }));
    assert_eq!((world.confirmed.len(), world.registers(node)), (1, 1));
}

#[test]
fn after_a_restart_a_device_is_reached_in_the_session_that_began_last() {
    let (mut world, node) = secured();
    world.run_for(10 * SECOND);
    world.move_to(node, 39_997);
    world.run_for(5 * SECOND);
    world.crash_and_restart();
    world.run_for(SECOND);
    assert!(matches!(world.order(node, reading()), Outcome::Success { .. }));
}

#[test]
fn what_a_device_is_asked_right_after_a_restart_does_not_reach_the_one_whose_session_is_at_its_old_address() {
    let (mut world, other) = secured();
    let node = world.add_secure(Profile::sensor("node-8", Version::V1_1));
    world.run_for(2 * SECOND);
    let (before, _) = world.place(node);
    for (node, port) in [(node, 39_998), (other, before.address.port())] {
        world.rebind(node, port);
        world.run_for(SECOND);
        world.send(node, &[path("/3303/0/5700")]);
        world.run_for(2 * SECOND);
    }
    world.crash_and_restart();
    let value = Value::Float(31.5);
    world.set(other, path("/3303/0/5700"), value.clone());
    let read = world.give_order(node, Operation::Read { path: path("/3303/0/5700"), format: None });
    world.run_for(120 * SECOND);
    assert_ne!(world.latest(node, path("/3303/0/5700")), Some(value), "{:?}", world.taken_of(read));
}

#[test]
fn how_far_a_session_was_heard_is_kept_with_what_it_brought_and_a_second_later_at_the_latest() {
    let (mut world, node) = secured();
    let before = world.sent(node);
    world.run_for(2 * SECOND);
    assert_eq!(world.kept_received(node), world.sent(node) + 1);
    world.store_delay = Duration::ZERO;
    world.send(node, &[path("/3303/0/5700")]);
    world.run_for(Duration::from_millis(50));
    assert!(world.sent(node) > before);
    assert_eq!(world.kept_received(node), world.sent(node) + 1);
}

#[test]
fn what_comes_in_a_session_that_nobody_was_told_of_is_asked_about() {
    let (mut world, node) = secured();
    world.rebind(node, 39_996);
    world.run_for(SECOND);
    let session = world.session(node);
    // As if it had ended, for all that the shard knows.
    world.lose_session(node);
    world.send(node, &[path("/3303/0/5700")]);
    world.run_for(SECOND);
    assert_eq!(world.introduced.first(), Some(&session));
}

#[test]
fn what_a_session_sends_again_from_elsewhere_after_a_restart_is_stored_once() {
    let (mut world, node) = secured();
    world.inject(node, messages::sending());
    world.run_for(SECOND);
    world.crash_and_restart();
    world.run_for(SECOND);
    world.rebind(node, 39_994);
    world.run_for(SECOND);
    world.inject(node, messages::sending());
    world.run_for(SECOND);
    assert_eq!(world.history(node, path("/3303/0/5700")), 1);
}

#[test]
fn a_new_session_at_the_same_place_may_use_message_ids_again() {
    let (mut world, node) = secured();
    world.inject(node, messages::sending());
    world.run_for(SECOND);
    world.begin_session(node);
    world.run_for(SECOND);
    world.inject(node, messages::sending());
    world.run_for(SECOND);
    assert_eq!(world.history(node, path("/3303/0/5700")), 2);
}
