//! The shard between simulated devices and a store, on virtual time.

use std::time::Duration;

use device::{Misbehaviour, Operation as Asked, Profile};
use fleet::{
    Change, Commit, Content, Failure, Operation, OperationState, Outcome, Presence, Store, Taken,
    TimelineKind, WriteMode, store::PageRequest,
};
use futures::executor::block_on;
use objects::{Node, Path, Resource, Value, Version};

mod addresses;
mod amplification;
mod composites;
mod messages;
mod observations;
mod pressure;
mod push;
mod queue;
mod records;
mod restoring;
mod sessions;
mod simulation;
mod world;
use world::{Link, World};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_registration_is_durable_before_the_device_is_told() {
    let mut world = World::new(Link::perfect());
    world.store_delay = 5 * SECOND;
    let node = world.add(Profile::sensor("node-7", Version::V1_1));
    world.run_for(4 * SECOND);
    assert!(!world.device(node).is_registered());
    world.run_for(4 * SECOND);
    assert!(world.device(node).is_registered());
    assert_eq!(world.stored_registrations(), ["node-7"]);
}

#[test]
fn what_cannot_be_stored_is_refused_and_comes_in_with_a_later_try() {
    let mut world = World::new(Link::perfect());
    world.store.set_unavailable(true);
    let mut profile = Profile::sensor("node-7", Version::V1_1);
    profile.retry = 10 * SECOND;
    let node = world.add(profile);
    world.run_for(5 * SECOND);
    assert!(!world.device(node).is_registered());
    assert!(world.rejected(node).contains(&coap::Code::SERVICE_UNAVAILABLE));
    world.store.set_unavailable(false);
    world.run_for(60 * SECOND);
    assert!(world.device(node).is_registered());
    assert_eq!(world.stored_registrations(), ["node-7"]);
}

#[test]
fn every_operation_goes_to_the_device_and_its_answer_comes_back() {
    for lwm2m in [Version::V1_0, Version::V1_1] {
        let (mut world, node) = World::with_one(Profile::sensor("node-7", lwm2m));
        let read = world.order(node, Operation::Read { path: path("/3/0"), format: None });
        let Outcome::Success { code, content: Content::Samples(samples) } = read else { panic!("{read:?}") };
        assert_eq!(code.to_string(), "2.05 Content");
        let values = samples[0].node.values(samples[0].path);
        assert!(values.contains(&(path("/3/0/9"), &Value::Integer(100))), "{values:?}");

        let node_value = Node::Resource(Resource::Single(Value::String("Europe/Berlin".into())));
        let write = Operation::Write {
            path: path("/3/0/15"),
            mode: WriteMode::Replace,
            node: node_value,
            format: None,
        };
        assert_eq!(line(&world.order(node, write)), "2.04 Changed");
        let written = world.device(node).objects().get(&path("/3/0/15")).cloned();
        assert_eq!(written, Some(Value::String("Europe/Berlin".into())));

        let discover = world.order(node, Operation::Discover { path: path("/3/0") });
        let Outcome::Success { content: Content::Links(links), .. } = discover else {
            panic!("{discover:?}")
        };
        assert!(links.links.iter().any(|link| link.path == path("/3/0/9")));

        let refused =
            world.order(node, Operation::Execute { path: path("/3/0/9"), arguments: String::new() });
        assert!(line(&refused).starts_with("4.05 Method Not Allowed"), "{refused:?}");
        let missing = world.order(node, Operation::Read { path: path("/3/0/200"), format: None });
        assert!(line(&missing).starts_with("4.04 Not Found"), "{missing:?}");
    }
}

#[test]
fn an_instance_is_created_where_asked_or_where_the_device_likes_and_deleted_again() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let resources = || {
        let values = [(path("/16/4/0/0"), Value::String("host".into()))];
        Node::from_values(path("/16/4"), values).0.unwrap()
    };
    let create = |instance| Operation::Create {
        object: objects::ObjectId(16),
        instance,
        node: resources(),
        format: None,
    };
    assert_eq!(line(&world.order(node, create(Some(objects::InstanceId(4))))), "2.01 Created at /16/4");
    assert!(world.device(node).objects().get(&path("/16/4/0/0")).is_some());
    let chosen = line(&world.order(node, create(None)));
    assert!(chosen.starts_with("2.01 Created at /16/"), "{chosen}");
    assert_eq!(line(&world.order(node, Operation::Delete { path: path("/16/4") })), "2.02 Deleted");
    assert!(world.device(node).objects().get(&path("/16/4/0/0")).is_none());
}

#[test]
fn a_hundred_kibibytes_are_written_and_read_back_block_by_block() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let bytes: Vec<u8> = (0..102_400_u32).map(|at| (at * 31 % 251) as u8).collect();
    let value = Node::ResourceInstance(Value::Opaque(bytes.clone()));
    let write =
        Operation::Write { path: path("/19/0/0/0"), mode: WriteMode::Replace, node: value, format: None };
    assert_eq!(line(&world.order(node, write)), "2.04 Changed");
    let read = world.order(node, Operation::Read { path: path("/19/0/0/0"), format: None });
    let Outcome::Success { content: Content::Samples(samples), .. } = read else { panic!("{read:?}") };
    assert_eq!(samples[0].node, Node::ResourceInstance(Value::Opaque(bytes)));
}

#[test]
fn notifications_are_stored_and_a_new_registration_is_observed_again() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let temperature = path("/3303/0/5700");
    assert_eq!(
        line(&world.order(node, Operation::Observe { path: temperature, format: None })),
        "2.05 Content"
    );
    world.set(node, temperature, Value::Float(23.5));
    world.run_for(3 * SECOND);
    assert_eq!(world.latest(node, temperature), Some(Value::Float(23.5)));

    world.reboot(node);
    world.run_for(5 * SECOND);
    assert_eq!(world.device(node).observed().collect::<Vec<_>>(), [temperature]);
    world.set(node, temperature, Value::Float(24.5));
    world.run_for(3 * SECOND);
    assert_eq!(world.latest(node, temperature), Some(Value::Float(24.5)));
}

#[test]
fn an_observation_ends_both_ways() {
    use fleet::CancelMode::{Active, Passive};
    let temperature = path("/3303/0/5700");
    for mode in [Active, Passive] {
        let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
        world.order(node, Operation::Observe { path: temperature, format: None });
        world.order(node, Operation::CancelObservation { path: temperature, mode });
        assert!(world.stored_observations(node).is_empty());
        world.set(node, temperature, Value::Float(30.0));
        world.run_for(3 * SECOND);
        // Passively, the device learns of it by the reset of this very notification.
        assert_eq!(world.device(node).observed().count(), 0, "{mode:?}");
        assert_eq!(world.latest(node, temperature), Some(Value::Float(20.0)), "{mode:?}");
    }
}

#[test]
fn values_sent_by_the_device_are_stored_before_the_answer() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    world.store_delay = 2 * SECOND;
    world.send(node, &[path("/3303/0/5700"), path("/3/0/9")]);
    world.run_for(SECOND);
    assert!(!world.was_told(node, &device::Event::SendAccepted));
    world.run_for(5 * SECOND);
    assert!(world.was_told(node, &device::Event::SendAccepted));
    assert_eq!(world.latest(node, path("/3/0/9")), Some(Value::Integer(100)));
}

#[test]
fn a_sleeping_device_gets_its_operations_one_after_the_other_when_it_is_heard() {
    let mut profile = Profile::sensor("sleeper", Version::V1_1);
    profile.queue_mode = true;
    profile.lifetime = 1_000;
    let (mut world, node) = World::with_one(profile);
    world.run_for(100 * SECOND);
    assert_eq!(world.presence(node), Presence::Asleep);
    let transient = world.try_order(node, Operation::Read { path: path("/3/0/9"), format: None }, false);
    assert_eq!(transient, Some(Taken::Asleep));
    let mut queued = Vec::new();
    for (at, zone) in [("/3/0/14", "+01:00"), ("/3/0/15", "Europe/Rome")] {
        queued.push(world.store_order(node, write(at, zone)));
        assert_eq!(world.last_taken(), Some(Taken::Queued));
    }
    let sent_while_asleep = world.transmitted_to(node);
    world.run_for(300 * SECOND);
    assert_eq!(world.transmitted_to(node), sent_while_asleep, "nothing is sent to a sleeper");
    world.run_for(200 * SECOND);
    for id in queued {
        assert_eq!(world.operation(id).state, OperationState::Done);
    }
    let zone = world.device(node).objects().get(&path("/3/0/15")).cloned();
    assert_eq!(zone, Some(Value::String("Europe/Rome".into())));
}

#[test]
fn what_is_reset_just_after_a_registration_is_asked_again() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let temperature = path("/3303/0/5700");
    world.order(node, Operation::Observe { path: temperature, format: None });
    world.reboot(node);
    // Like a client that has not taken note of its registration yet.
    world.reset_requests_for(2 * SECOND);
    world.run_for(8 * SECOND);
    assert_eq!(world.device(node).observed().collect::<Vec<_>>(), [temperature]);
    assert_eq!(world.stored_observations(node).len(), 1);
}

#[test]
fn a_device_that_resets_for_good_is_left_in_peace() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    world.reset_requests_for(600 * SECOND);
    let read = world.order(node, Operation::Read { path: path("/3/0/9"), format: None });
    assert_eq!(read, Outcome::Failed(Failure::Reset));
    assert!(world.transmitted_to(node) < 20);
}

/// A Write of a text.
fn write(at: &str, text: &str) -> Operation {
    let node = Node::Resource(Resource::Single(Value::String(text.into())));
    Operation::Write { path: path(at), mode: WriteMode::Replace, node, format: None }
}

/// A sensor that does this wrong.
fn misbehaving(operation: Asked, within: Path, how: device::How) -> Profile {
    let mut profile = Profile::sensor("node-7", Version::V1_1);
    profile.faults.misbehaviours.push(Misbehaviour { operation, within, how });
    profile
}

#[test]
fn a_device_that_does_not_answer_ends_in_a_clean_time_out_and_the_next_operation_goes_out() {
    let (mut world, node) =
        World::with_one(misbehaving(Asked::Read, path("/3/0/9"), device::How::AcknowledgeOnly));
    let read = world.order(node, Operation::Read { path: path("/3/0/9"), format: None });
    assert_eq!(read, Outcome::Failed(Failure::TimedOut { acknowledged: true }));
    assert_eq!(
        line(&world.order(node, Operation::Read { path: path("/3/0/0"), format: None })),
        "2.05 Content"
    );
}

#[test]
fn an_answer_that_cannot_be_read_says_so_and_harms_nothing() {
    let (mut world, node) =
        World::with_one(misbehaving(Asked::Read, path("/3"), device::How::AnswerMalformed));
    let read = world.order(node, Operation::Read { path: path("/3/0"), format: None });
    assert!(matches!(read, Outcome::Failed(Failure::Unreadable { .. })), "{read:?}");
    assert_eq!(line(&world.order(node, Operation::Discover { path: path("/3") })), "2.05 Content");
}

#[test]
fn after_a_crash_everything_goes_on_and_a_sent_execute_is_not_repeated() {
    let (mut world, node) = World::with_one(misbehaving(Asked::Execute, path("/3/0/4"), device::How::Ignore));
    let temperature = path("/3303/0/5700");
    world.order(node, Operation::Observe { path: temperature, format: None });
    let execute =
        world.store_order(node, Operation::Execute { path: path("/3/0/4"), arguments: String::new() });
    world.run_for(SECOND);
    assert_eq!(world.operation(execute).state, OperationState::Sent);

    world.crash_and_restart();
    world.run_for(3 * SECOND);
    assert_eq!(world.operation(execute).state, OperationState::Unknown);
    world.set(node, temperature, Value::Float(26.0));
    world.run_for(3 * SECOND);
    assert_eq!(world.latest(node, temperature), Some(Value::Float(26.0)));
    assert_eq!(world.device(node).observed().count(), 1, "the notification was not reset");
    assert_eq!(world.registers(node), 1, "the device did not have to register again");
}

#[test]
fn the_end_of_a_registration_cancels_what_waits() {
    let mut profile = Profile::sensor("node-7", Version::V1_1);
    profile.queue_mode = true;
    profile.lifetime = 200;
    let (mut world, node) = World::with_one(profile);
    world.vanish(node);
    world.run_for(120 * SECOND);
    let read = world.store_order(node, Operation::Read { path: path("/3/0/9"), format: None });
    world.run_for(150 * SECOND);
    assert_eq!(world.presence(node), Presence::NotRegistered);
    assert_eq!(world.operation(read).state, OperationState::Cancelled);
    assert!(world.stored_registrations().is_empty());
    let timeline = block_on(world.store.timeline(world.id(node), &PageRequest::first(10))).unwrap();
    assert_eq!(timeline.rows[0].entry.kind, TimelineKind::Expired);
}

#[test]
fn of_an_execute_that_a_device_deregistered_under_is_told_what_is_stored() {
    let (mut world, node) = World::with_one(misbehaving(Asked::Execute, path("/3/0/4"), device::How::Ignore));
    let asked = Operation::Execute { path: path("/3/0/4"), arguments: String::new() };
    let execute = world.store_order(node, asked);
    world.run_for(SECOND);
    world.leave(node);
    world.run_for(SECOND);
    assert_eq!(world.operation(execute).state, OperationState::Unknown);
    let told = world.last_taken();
    assert!(
        matches!(told, Some(Taken::Ended { outcome: Outcome::Failed(Failure::OutcomeUnknown), .. })),
        "{told:?}"
    );
}

#[test]
fn an_answer_that_comes_while_a_registration_ends_is_told_as_it_is_stored() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    world.store_delay = SECOND / 10;
    let node_value = Node::Resource(Resource::Single(Value::String("Europe/Rome".into())));
    let write =
        Operation::Write { path: path("/3/0/15"), mode: WriteMode::Replace, node: node_value, format: None };
    let id = world.store_order(node, write.clone());
    world.run_for(SECOND / 9);
    assert_eq!(world.operation(id).state, OperationState::Sent);
    world.leave(node);
    world.run_for(SECOND);
    let Some(Taken::Ended { outcome, .. }) = world.last_taken() else { panic!("{:?}", world.last_taken()) };
    assert_eq!(world.operation(id).state, OperationState::Cancelled);
    assert_eq!(outcome.state(&write), OperationState::Cancelled);
}

#[test]
fn rejections_leave_a_line_a_second_in_the_timeline() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let location = world.location(node);
    for id in 0..20_u16 {
        // An Update with a lifetime that is no number, from the device's own address.
        let mut message = coap::Message::new(
            coap::Kind::Confirmable,
            coap::Code::new(0, 2),
            coap::MessageId(40_000 + id),
            coap::Token::default(),
        );
        for segment in location.split('/').filter(|segment| !segment.is_empty()) {
            message.options.push(coap::OptionNumber::URI_PATH, segment);
        }
        message.options.push(coap::OptionNumber::URI_QUERY, "lt=soon");
        world.inject(node, message.to_bytes().unwrap());
    }
    world.run_for(SECOND / 2);
    let timeline = block_on(world.store.timeline(world.id(node), &PageRequest::first(50))).unwrap();
    let rejected = timeline.rows.iter().filter(|row| row.entry.kind == TimelineKind::Rejected);
    let details: Vec<&str> = rejected.map(|row| row.entry.detail.as_str()).collect();
    assert_eq!(details.len(), 1);
    assert!(details[0].starts_with("4.00"), "{details:?}");
}

#[test]
fn a_fact_that_the_store_missed_is_kept_and_written_later() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let read = world.store_order(node, Operation::Read { path: path("/3/0/9"), format: None });
    // The operation is sent; its end falls into the outage.
    world.fail_commits(|commit: &Commit| {
        commit.changes.iter().any(|change| matches!(change, Change::OperationEnded { .. }))
    });
    world.run_for(3 * SECOND);
    assert_eq!(world.operation(read).state, OperationState::Sent);
    world.fail_commits(|_| false);
    world.run_for(3 * SECOND);
    assert_eq!(world.operation(read).state, OperationState::Done);
    assert_eq!(world.latest(node, path("/3/0/9")), Some(Value::Integer(100)));
}

#[test]
fn a_fact_that_the_store_refuses_is_not_tried_for_ever() {
    let mut world = World::new(Link::perfect());
    world.record_of_nobody();
    world.run_for(5 * SECOND);
    assert_eq!(world.leftovers(), [0; 8]);
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn line(outcome: &Outcome) -> String {
    outcome.result()
}
