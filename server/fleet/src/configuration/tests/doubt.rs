//! What is looked at before the next check: for an Update says otherwise, or somebody has written by this server.

use std::time::Duration;

use objects::{Node, Version};

use super::{world::*, *};
use crate::{Lifetime, Operation, OperationId, OperationRecord, OperationState, Priority, WriteMode};

const HOUR: Duration = Duration::from_secs(3_600);

fn lifetime() -> Path {
    path("/1/0/1")
}

/// In line with a lifetime of 60 s, and known to be.
fn settled(mode: Mode) -> World {
    let mut world = World::new(1, desired(vec![value("/1/0/1", 60), value("/1/0/2", 5)], mode));
    world = world.having([(lifetime(), 60), (path("/1/0/2"), 5)]);
    world.terms.lifetime = Lifetime(60);
    world.run_for(HOUR);
    assert_eq!(world.row.state, ConfiguredState::InLine);
    world
}

fn says(world: &mut World, seconds: u32) {
    world.now = world.now.after(Duration::from_millis(10));
    world.terms.lifetime = Lifetime(seconds);
    world.settle();
}

#[test]
fn an_update_with_another_lifetime_is_drift_once_the_device_says_so_itself() {
    let mut world = settled(Mode::Report);
    let looks = world.asks(Ask::Look);
    world.change(lifetime(), 600);
    says(&mut world, 600);
    assert_eq!((world.row.state, world.asks(Ask::Look)), (ConfiguredState::Drifted, looks + 1));
    let [finding] = &world.row.findings[..] else { panic!("{:?}", world.row.findings) };
    assert_eq!((finding.expected.as_str(), finding.actual.as_deref()), ("60", Some("600")));
    assert_eq!(finding.writer, Writer::Unknown);
    assert_eq!(world.line("/1/0/2").standing, Standing::InLine);
    // It is right again, and says so.
    world.change(lifetime(), 60);
    says(&mut world, 60);
    assert_eq!((world.row.state, world.asks(Ask::Look)), (ConfiguredState::InLine, looks + 2));
    assert_eq!(world.asks(Ask::Write), 0);
}

#[test]
fn one_that_is_to_be_put_right_is_once() {
    let mut world = settled(Mode::Repair);
    world.change(lifetime(), 600);
    says(&mut world, 600);
    assert_eq!((world.row.state, world.asks(Ask::Write)), (ConfiguredState::InLine, 1));
    // Its next Update says what it has.
    let asked = world.asked.len();
    says(&mut world, 60);
    assert_eq!(world.asked.len(), asked);
}

#[test]
fn a_client_that_goes_on_with_its_old_lifetime_is_read_at_most_once_and_never_repaired_for_it() {
    let desired = desired(vec![value("/1/0/1", 3_600)], Mode::Repair);
    let mut world = World::new(1, desired).having([(lifetime(), 60)]);
    world.terms.lifetime = Lifetime(60);
    world.settle();
    assert_eq!((world.row.state, world.asks(Ask::Write)), (ConfiguredState::InLine, 1));
    let asked = world.asked.len();
    // Its Updates say nothing else than before, again and again.
    for _ in 0..10 {
        world.run_for(Duration::from_secs(30));
    }
    assert_eq!(world.asked.len(), asked);
    // One that changes its mind about what it says, and not about what it has.
    says(&mut world, 90);
    assert_eq!((world.asked.len(), world.row.state), (asked + 1, ConfiguredState::InLine));
    world.run_for(HOUR);
    assert_eq!((world.asked.len(), world.asks(Ask::Write)), (asked + 1, 1));
    assert!(world.row.findings.is_empty());
}

#[test]
fn of_several_accounts_nobody_knows_whose_lifetime_it_is() {
    let mut world = World { accounts: 2, ..settled(Mode::Repair) };
    let asked = world.asked.len();
    says(&mut world, 600);
    assert_eq!(world.asked.len(), asked);
}

#[test]
fn an_update_with_another_binding_is_looked_at_likewise() {
    for (lwm2m, wanted, then, queue, looks) in [
        (Version::V1_1, "U", "UT", false, 1),
        (Version::V1_1, "UT", "TU", false, 0),
        (Version::V1_0, "UQ", "U", true, 0),
        (Version::V1_0, "U", "U", true, 1),
    ] {
        let want = Want::Value(Value::String(wanted.into()));
        let lines = vec![Line { path: path("/1/0/7"), want }];
        let mut world = World { lwm2m, ..World::new(1, desired(lines, Mode::Repair)) };
        world.values.insert(path("/1/0/7"), Value::String(wanted.into()));
        world.settle();
        let asked = world.asked.len();
        world.terms.binding.transports = then.into();
        world.terms.binding.queue_mode = queue;
        world.now = world.now.after(HOUR);
        world.settle();
        assert_eq!(world.asked.len() - asked, looks, "{lwm2m}: {wanted}, {then}");
        assert_eq!(world.row.state, ConfiguredState::InLine);
    }
}

/// Somebody writes by this server; the device does it.
fn operates(world: &mut World, operation: Operation) -> OperationId {
    world.now = world.now.after(Duration::from_millis(10));
    let id = OperationId::new(world.now, [7; 10]);
    if let Operation::Write { path, node, .. } = &operation {
        for (path, value) in node.values(*path) {
            world.values.insert(path, value.clone());
        }
    }
    let record = OperationRecord {
        id,
        device: DeviceId(1),
        operation,
        requested_by: "ada".into(),
        request: crate::RequestId::from_random([0; 16]),
        priority: Priority::Normal,
        state: OperationState::Done,
        queued_at: world.now,
        sent_at: Some(world.now),
        ended_at: Some(world.now),
        expires_at: world.now,
        result: None,
        superseded_by: None,
    };
    world.overwritten = overwritten(&world.desired, &[record]);
    world.now = world.now.after(Duration::from_millis(10));
    world.settle();
    id
}

fn write(at: &str, number: i64) -> Operation {
    let node = Node::Resource(objects::Resource::Single(Value::Integer(number)));
    Operation::Write { path: path(at), mode: WriteMode::Replace, node, format: None }
}

#[test]
fn what_somebody_writes_by_this_server_is_read_at_once() {
    let mut world = settled(Mode::Ask);
    let looks = world.asks(Ask::Look);
    operates(&mut world, write("/1/0/2", 9));
    assert_eq!((world.row.state, world.asks(Ask::Look)), (ConfiguredState::Drifted, looks + 1));
    assert_eq!(world.line("/1/0/2").actual.as_deref(), Some("9"));
    // Once.
    world.run_for(HOUR);
    assert_eq!(world.asks(Ask::Look), looks + 1);
    operates(&mut world, write("/1/0/2", 5));
    assert_eq!((world.row.state, world.asks(Ask::Look)), (ConfiguredState::InLine, looks + 2));
    // What is right is not looked at, nor is what nobody wants.
    operates(&mut world, write("/1/0/2", 5));
    operates(&mut world, write("/1/0/3", 5));
    assert_eq!(world.asks(Ask::Look), looks + 2);
}

#[test]
fn what_is_put_right_after_somebody_has_written_is_not_undone_again() {
    let mut world = settled(Mode::Repair);
    operates(&mut world, write("/1/0/2", 9));
    assert_eq!((world.row.state, world.asks(Ask::Write)), (ConfiguredState::InLine, 1));
    world.run_for(HOUR);
    assert_eq!((world.row.findings.len(), world.asks(Ask::Write)), (1, 1));
}

#[test]
fn what_nobody_can_read_is_known_to_be_other_than_it_was_written() {
    let mut world = World { blind: vec![path("/1/0/2")], ..settled(Mode::Repair) };
    world.values.insert(path("/1/0/2"), Value::Integer(1));
    world.register();
    assert_eq!((world.row.state, world.asks(Ask::Write)), (ConfiguredState::InLine, 1));
    let id = operates(&mut world, write("/1/0/2", 9));
    assert_eq!((world.row.state, world.asks(Ask::Write)), (ConfiguredState::InLine, 2));
    assert_eq!(world.values[&path("/1/0/2")], Value::Integer(5));
    let by = Writer::Operation { operation: id, who: "ada".into() };
    assert_eq!(world.row.findings.last().map(|finding| finding.writer.clone()), Some(by));
}

#[test]
fn attributes_that_somebody_sets_otherwise_are_said_to_be_theirs() {
    let attributes = |text: &str| objects::Attributes::parse_queries(text.split('&')).unwrap().0;
    let want = Want::Attributes(attributes("pmin=10&pmax=60"));
    let lines = vec![Line { path: path("/3/0/9"), want }];
    let mut world = World::new(1, desired(lines, Mode::Ask));
    world.settle();
    world.repair();
    assert_eq!((world.row.state, world.asks(Ask::Attributes)), (ConfiguredState::InLine, 1));
    let set = |text: &str| {
        let (path, set) = (path("/3/0/9"), attributes(text));
        Operation::WriteAttributes { path, set, unset: Vec::new() }
    };
    for right in ["pmax=60", "gt=5"] {
        operates(&mut world, set(right));
        assert_eq!(world.row.state, ConfiguredState::InLine, "{right}");
    }
    let id = operates(&mut world, set("pmax=90"));
    assert_eq!(world.row.state, ConfiguredState::Drifted);
    let by = Writer::Operation { operation: id, who: "ada".into() };
    assert_eq!(world.row.findings.last().map(|finding| finding.writer.clone()), Some(by.clone()));
    // That is known later on, too.
    world.overwritten.clear();
    world.run_for(HOUR);
    assert_eq!((world.row.state, &world.row.lines[0].writer), (ConfiguredState::Drifted, &by));
    world.repair();
    assert_eq!(world.row.state, ConfiguredState::InLine);
}

#[test]
fn an_instance_that_is_replaced_or_deleted_takes_its_resources_along() {
    let mut world = settled(Mode::Report);
    let looks = world.asks(Ask::Look);
    world.values.remove(&path("/1/0/2"));
    operates(&mut world, Operation::Delete { path: path("/1/0") });
    assert_eq!((world.row.state, world.asks(Ask::Look)), (ConfiguredState::Drifted, looks + 1));
    assert_eq!(world.line("/1/0/1").standing, Standing::InLine);
}
