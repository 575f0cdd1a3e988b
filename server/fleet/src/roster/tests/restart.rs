//! What a start makes of what the store has kept.

use super::*;
use crate::{OperationRecord, OperationState, Presence, Registration, Restored};

/// What the store would have kept of a bench's devices.
fn kept(bench: &Bench, devices: &[DeviceId]) -> Restored {
    let device = |device: &DeviceId| crate::Device {
        id: *device,
        public_id: bench.roster.public_id(*device).unwrap(),
        domain: crate::DomainId::ROOT,
        class: crate::ClassId::DEFAULT,
        endpoint: bench.roster.endpoint(*device).unwrap().clone(),
        created_at: bench.now.wall,
        removed_at: None,
    };
    let registrations: Vec<Registration> =
        devices.iter().filter_map(|device| bench.roster.registration(*device)).cloned().collect();
    Restored {
        devices: devices.iter().map(device).collect(),
        registrations,
        observations: devices.iter().flat_map(|device| bench.roster.observations(*device)).cloned().collect(),
        ..Restored::default()
    }
}

fn restart(bench: &Bench, restored: Restored) -> (Bench, Vec<Commit>) {
    let mut next = Bench::lab();
    next.now = bench.now;
    next.drawn = bench.drawn;
    let commits = next.roster.restore(next.now, restored);
    (next, commits)
}

fn record(order: Order, state: OperationState) -> OperationRecord {
    OperationRecord {
        id: order.id,
        device: order.device,
        operation: order.operation,
        requested_by: "admin".into(),
        request: order.request,
        priority: order.priority,
        state,
        queued_at: Timestamp(0),
        sent_at: None,
        ended_at: None,
        expires_at: order.expires_at,
        result: None,
        superseded_by: None,
    }
}

#[test]
fn a_registration_holds_for_a_full_lifetime_from_the_start() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), &["ep=a", "lwm2m=1.1", "lt=300"]);
    bench.observe(device, "/3/0", 1);
    let restored = kept(&bench, &[device]);
    bench.pass(100_000);
    let (mut bench, commits) = restart(&bench, restored);
    assert_eq!(commits, []);
    assert_eq!(bench.roster.device_at(at(1)), Some(device));
    assert_eq!(bench.observed(device), ["/3/0"], "its notifications are matched");
    assert!(
        matches!(bench.roster.take_leases()[..], [Change::LeaseRenewed { .. }]),
        "the stored end is long past"
    );
    bench.pass(302);
    assert_eq!(bench.roster.expired(bench.now, usize::MAX), []);
    bench.uplink(at(1), update(id, &[], ""));
    bench.pass(303);
    assert_eq!(bench.roster.expired(bench.now, usize::MAX), [device]);
}

#[test]
fn new_devices_and_epochs_go_on_above_the_old_ones() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), &["ep=a", "lwm2m=1.1"]);
    bench.uplink(at(1), Uplink::Deregister(id));
    let mut restored = kept(&bench, &[device]);
    restored.epochs.insert(device, 1);
    let (mut bench, _) = restart(&bench, restored);
    let (other, _) = bench.register(at(2), &["ep=b", "lwm2m=1.1"]);
    assert!(other > device);
    let (again, _) = bench.register(at(1), &["ep=a", "lwm2m=1.1"]);
    assert_eq!((again, bench.roster.registration(device).unwrap().epoch), (device, 2));
}

#[test]
fn sent_executes_end_unknown_and_the_rest_waits_again_in_its_order() {
    let mut bench = Bench::lab();
    let (device, _) = bench.register(at(1), &["ep=a", "lwm2m=1.1"]);
    let mut restored = kept(&bench, &[device]);
    restored.operations = vec![
        record(execute(bench.now, device, 1), OperationState::Sent),
        record(read(bench.now, device, 2, true), OperationState::Sent),
        record(execute(bench.now, device, 3), OperationState::Queued),
    ];
    let (mut bench, commits) = restart(&bench, restored);
    let [Change::OperationEnded { id, state, .. }, Change::Timeline(entry)] = commits[0].changes.as_slice()
    else {
        panic!("{commits:?}")
    };
    assert_eq!((id.0.as_u128(), *state, entry.kind), (1, OperationState::Unknown, TimelineKind::Operation));
    let next = bench.roster.next_order(bench.now, device).unwrap();
    assert_eq!((next.id.0.as_u128(), next.stored), (2, true));
    bench.roster.order_ended(device, next.id);
    assert_eq!(bench.roster.next_order(bench.now, device).unwrap().id.0.as_u128(), 3);
}

#[test]
fn what_is_left_of_a_device_that_is_gone_ends() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), &["ep=a", "lwm2m=1.1"]);
    bench.observe(device, "/3/0", 1);
    let observations = kept(&bench, &[device]).observations;
    bench.uplink(at(1), Uplink::Deregister(id));
    let operations = vec![record(read(bench.now, device, 1, true), OperationState::Queued)];
    let restored = Restored { observations, operations, ..kept(&bench, &[device]) };
    let (bench, commits) = restart(&bench, restored);
    let [Commit { changes, .. }] = commits.as_slice() else { panic!("{commits:?}") };
    assert!(matches!(changes[0], Change::ObservationEnded { .. }));
    assert!(matches!(changes[1], Change::OperationEnded { state: OperationState::Cancelled, .. }));
    assert!(bench.roster.orders.is_empty());
}

#[test]
fn a_device_in_queue_mode_is_taken_to_sleep_until_it_is_heard() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), &["ep=a", "lwm2m=1.1", "Q"]);
    let restored = kept(&bench, &[device]);
    let (mut bench, _) = restart(&bench, restored);
    assert_eq!(bench.roster.presence(bench.now, device), Presence::Asleep);
    bench.uplink(at(1), update(id, &[], ""));
    assert_eq!(bench.roster.presence(bench.now, device), Presence::Awake);
}
