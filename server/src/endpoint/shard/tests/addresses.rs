//! Addresses that are another device's by now, while the one that had them is not heard.

use super::*;

fn creating() -> Operation {
    let node =
        Node::from_values(path("/16/4"), [(path("/16/4/0/0"), Value::String("host".into()))]).0.unwrap();
    let (object, instance) = (objects::ObjectId(16), Some(objects::InstanceId(4)));
    Operation::Create { object, instance, node, format: None }
}

fn writing() -> Operation {
    let node = Node::Resource(Resource::Single(Value::String("Europe/Paris".into())));
    Operation::Write { path: path("/3/0/15"), mode: WriteMode::Replace, node, format: None }
}

/// Two devices, with security or without.
fn two(secure: bool) -> (World, [usize; 2]) {
    let mut world = World::new(Link::perfect());
    let nodes = ["node-7", "node-8"].map(|name| {
        let profile = Profile::sensor(name, Version::V1_1);
        if secure { world.add_secure(profile) } else { world.add(profile) }
    });
    world.run_for(2 * SECOND);
    (world, nodes)
}

#[test]
fn what_a_silent_device_was_asked_never_reaches_the_one_that_has_its_address_now() {
    for secure in [true, false] {
        let (mut world, [silent, other]) = two(secure);
        world.vanish(silent);
        let created = world.store_order(silent, creating());
        world.run_for(SECOND);
        assert_eq!(world.operation(created).state, OperationState::Sent);
        world.hand_over(silent, other);
        world.run_for(100 * SECOND);
        assert!(world.device(other).is_registered());
        assert_eq!(world.device(other).objects().get(&path("/16/4/0/0")), None, "secure: {secure}");
        assert_eq!(world.operation(created).state, OperationState::Unknown);
    }
}

#[test]
fn what_is_asked_of_a_device_whose_address_is_another_s_fails_and_goes_nowhere() {
    for secure in [true, false] {
        let (mut world, [silent, other]) = two(secure);
        world.hand_over(silent, other);
        world.run_for(5 * SECOND);
        let before = world.device(other).objects().get(&path("/3/0/15")).cloned();
        let written = world.store_order(silent, writing());
        world.run_for(5 * SECOND);
        assert_eq!(world.device(other).objects().get(&path("/3/0/15")).cloned(), before, "secure: {secure}");
        assert_eq!(world.operation(written).state, OperationState::Failed);
        assert_eq!(line(&world.order(other, writing())), "2.04 Changed");
    }
}

#[test]
fn a_device_that_comes_back_leaves_the_other_at_its_old_address_alone() {
    let (mut world, [silent, other]) = two(true);
    let observing = Operation::Observe { path: path("/3303/0/5700"), format: None };
    world.order(silent, observing.clone());
    world.hand_over(silent, other);
    world.run_for(SECOND);
    world.order(other, observing);
    world.move_to(silent, 39_995);
    world.run_for(SECOND);
    for (node, value) in [(silent, 31.5), (other, 32.5)] {
        assert_eq!(line(&world.order(node, writing())), "2.04 Changed");
        world.set(node, path("/3303/0/5700"), Value::Float(value));
        world.run_for(3 * SECOND);
        assert_eq!(world.latest(node, path("/3303/0/5700")), Some(Value::Float(value)));
    }
}

#[test]
fn a_device_that_registers_from_elsewhere_may_use_its_message_ids_again() {
    let mut world = World::new(Link::perfect());
    let node = world.add(Profile::sensor("node-7", Version::V1_1));
    world.run_for(2 * SECOND);
    let sent = messages::sending();
    let history = |world: &World| world.history(node, path("/3303/0/5700"));
    world.inject(node, sent.clone());
    world.inject(node, sent.clone());
    world.run_for(SECOND);
    assert_eq!(history(&world), 1);
    world.begin_anew_at(node, 39_996);
    world.run_for(5 * SECOND);
    assert_eq!(world.registers(node), 2);
    world.inject(node, sent.clone());
    world.inject(node, sent);
    world.run_for(SECOND);
    assert_eq!(history(&world), 2);
}
