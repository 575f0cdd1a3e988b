//! What the server sends to addresses that may be forged.

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn read(path: &str) -> Operation {
    Operation::Read { path: path.parse().unwrap(), format: None }
}

/// A device that has registered for a week and speaks up no sooner.
fn registered() -> (World, usize) {
    let profile = Profile { lifetime: 604_800, ..Profile::sensor("node-7", Version::V1_1) };
    World::with_one(profile)
}

/// Whoever registered from there has written somebody else's address on it.
fn forged() -> (World, usize) {
    let (mut world, node) = registered();
    world.vanish(node);
    (world, node)
}

/// Asks it again and again whatever it is not there to answer.
fn ask_much_of(world: &mut World, node: usize) {
    for path in ["/3/0/0", "/3", "/1/0/1", "/3303/0/5700"] {
        for _ in 0..3 {
            world.give_order(node, read(path));
            world.give_order(node, Operation::Observe { path: path.parse().unwrap(), format: None });
            world.run_for(2 * MINUTE);
        }
    }
}

#[test]
fn a_register_from_a_forged_address_is_worth_three_times_its_bytes() {
    let (mut world, node) = forged();
    ask_much_of(&mut world, node);
    let [received, sent] = world.ledger(node);
    assert!(sent <= 3 * received, "{sent} bytes for {received}");
    assert!(sent > received, "it was asked");
    // After a restart nobody knows how long the Register was: it counts as a short one.
    world.crash_and_restart();
    ask_much_of(&mut world, node);
    let more = world.ledger(node)[1] - sent;
    assert!(more <= 3 * 68, "{more} bytes more");
}

#[test]
fn a_device_that_answers_is_asked_without_end() {
    let (mut world, node) = registered();
    let asked = 60;
    for _ in 0..asked {
        // Long enough for the exchange to be forgotten.
        world.run_for(5 * MINUTE);
        assert!(matches!(world.order(node, read("/3303/0/5700")), Outcome::Success { .. }));
    }
    assert!(world.ledger(node)[1] > asked * 15);
    // So is one that was silent since the server restarted.
    world.crash_and_restart();
    world.run_for(5 * MINUTE);
    assert!(matches!(world.order(node, read("/3303/0/5700")), Outcome::Success { .. }));
}

#[test]
fn what_is_too_long_for_an_unknown_address_follows_an_answer_to_something_short() {
    let (mut world, node) = registered();
    let before = world.ledger(node)[1];
    let long = Value::String("x".repeat(3_000));
    let path: Path = "/3/0/15".parse().unwrap();
    let write = Operation::Write {
        path,
        mode: WriteMode::Replace,
        node: Node::Resource(Resource::Single(long.clone())),
        format: None,
    };
    assert!(matches!(world.order(node, write), Outcome::Success { .. }));
    assert!(world.ledger(node)[1] - before > 3_000);
    assert_eq!(world.device(node).objects().get(&path), Some(&long));

    let (mut world, node) = forged();
    let write = Operation::Write {
        path,
        mode: WriteMode::Replace,
        node: Node::Resource(Resource::Single(long)),
        format: None,
    };
    assert!(!matches!(world.order(node, write), Outcome::Success { .. }));
    let [received, sent] = world.ledger(node);
    assert!(sent <= 3 * received, "{sent} bytes for {received}");
}
