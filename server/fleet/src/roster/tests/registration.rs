//! Register, Update, Deregister and expiry. LwM2M Core 1.1.1 §6.2.

use super::*;
use crate::{EndReason, Presence, Subject, Then};

const EP: &[&str] = &["ep=node-7", "lwm2m=1.1", "lt=300", "b=U"];

#[test]
fn a_register_makes_device_registration_and_timeline_in_one_commit() {
    let mut bench = Bench::lab();
    let decision = bench.decide(at(1), register(EP, LINKS)).unwrap();
    let Reply::Created(id) = decision.reply else { panic!() };
    let [Change::DeviceAdded(device), Change::Registered(registration), Change::Timeline(entry)] =
        decision.commit.changes.as_slice()
    else {
        panic!("{:?}", decision.commit)
    };
    assert_eq!(device.endpoint.as_str(), "node-7");
    assert_eq!((registration.device, registration.id, registration.epoch), (device.id, id, 1));
    assert_eq!(registration.expires_at, bench.now.wall.after(Duration::from_secs(300)));
    assert_eq!(entry.kind, TimelineKind::Registered);
    assert_eq!(decision.then, [Then::ReleaseQueue]);
    assert_eq!(id.0 >> 56, 7, "the location names the shard");

    // Nothing is hot before it is durable.
    assert_eq!(bench.roster.device_at(at(1)), None);
    bench.apply(&decision);
    assert_eq!(bench.roster.device_at(at(1)), Some(device.id));
    assert_eq!(bench.roster.device_of_registration(id), Some(device.id));
    let name = Subject::Endpoint(device.endpoint.clone());
    assert_eq!(bench.roster.settled(name), Subject::Device(device.id));
}

#[test]
fn a_register_by_a_known_endpoint_replaces_its_registration_and_observes_again() {
    let mut bench = Bench::lab();
    let (device, old) = bench.register(at(1), EP);
    bench.observe(device, "/3303/0/5700", 1);
    bench.observe(device, "/3/0", 2);
    bench.pass(10);
    let decision = bench.uplink(at(2), register(EP, "</1/0>,</3/0>"));
    let Reply::Created(new) = decision.reply else { panic!() };
    assert_ne!(old, new);
    assert_eq!(decision.device, device);
    assert_eq!(decision.moved_from, Some(at(1)));
    let path: Path = "/3/0".parse().unwrap();
    assert_eq!(decision.then, [Then::Observe { target: path.into(), format: None }, Then::ReleaseQueue]);
    assert_eq!(bench.observed(device), ["/3/0"], "what it does not have any more is not observed");
    assert_eq!(bench.roster.take_forgotten(device).len(), 1);
    assert_eq!(bench.roster.device_of_registration(old), None);
    assert_eq!(bench.roster.device_at(at(1)), None);
    assert_eq!(bench.roster.registration(device).unwrap().epoch, 2);
    assert_eq!(bench.decide(at(1), update(old, &[], "")), Err(Refusal::UnknownRegistration));
}

#[test]
fn epochs_go_on_after_a_deregistration() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), EP);
    bench.uplink(at(1), Uplink::Deregister(id));
    let (again, _) = bench.register(at(1), EP);
    assert_eq!((again, bench.roster.registration(device).unwrap().epoch), (device, 2));
}

#[test]
fn outside_the_lab_nobody_registers_unproven() {
    let mut bench = Bench::new(Limits::default());
    assert_eq!(bench.decide(at(1), register(EP, LINKS)), Err(Refusal::Forbidden));
}

#[test]
fn a_full_fleet_takes_no_new_device_but_keeps_the_known() {
    let mut bench = Bench::new(Limits { lab: true, max_devices: 1, ..Limits::default() });
    let (_, id) = bench.register(at(1), EP);
    assert_eq!(bench.decide(at(2), register(&["ep=b", "lwm2m=1.1"], LINKS)), Err(Refusal::FleetFull));
    bench.uplink(at(1), Uplink::Deregister(id));
    bench.register(at(1), EP);
}

#[test]
fn an_update_that_changes_nothing_renews_the_lease_without_a_commit() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), EP);
    bench.pass(299);
    for (queries, links) in [(&[][..], ""), (&["lt=300", "b=U"], LINKS)] {
        let decision = bench.uplink(at(1), update(id, queries, links));
        assert_eq!((decision.reply, decision.commit), (Reply::Changed, Commit::default()));
    }
    let expires_at = bench.now.wall.after(Duration::from_secs(300));
    let lease = Change::LeaseRenewed { device, seen_at: bench.now.wall, expires_at };
    assert_eq!(bench.roster.take_leases(), [lease]);
    assert_eq!(bench.roster.take_leases(), []);
    bench.pass(299);
    assert_eq!(bench.roster.expired(bench.now, usize::MAX), []);
}

#[test]
fn an_update_changes_what_it_names_and_keeps_the_rest() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), &["ep=a", "lwm2m=1.1", "lt=300", "sms=123", "vendor=x"]);
    let before = bench.roster.registration(device).unwrap().clone();
    bench.pass(5);
    let decision = bench.uplink(at(1), update(id, &["lt=60"], ""));
    assert_eq!(lines(&decision.commit, TimelineKind::Updated), ["lifetime 300 s → 60 s"]);
    let after = bench.roster.registration(device).unwrap();
    let mut expected = before.clone();
    expected.lifetime.0 = 60;
    expected.updated_at = bench.now.wall;
    expected.expires_at = bench.now.wall.after(Duration::from_secs(60));
    assert_eq!(*after, expected);

    bench.uplink(at(1), update(id, &["b=UT", "Q", "sms=9"], "</3/0>"));
    let after = bench.roster.registration(device).unwrap();
    assert_eq!((after.binding.transports.as_str(), after.binding.queue_mode), ("UT", true));
    assert_eq!(after.sms_number.as_deref(), Some("9"));
    assert_eq!(after.links.objects.len(), 1, "the list replaces the old one");
    assert_eq!(after.extra, before.extra);
}

#[test]
fn an_update_that_takes_objects_away_ends_their_observations() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), EP);
    bench.observe(device, "/3303/0/5700", 1);
    bench.observe(device, "/3/0", 2);
    bench.uplink(at(1), update(id, &[], "</3/0>"));
    assert_eq!(bench.observed(device), ["/3/0"]);
}

#[test]
fn the_binding_of_an_update_must_fit_the_version_of_the_registration() {
    let mut bench = Bench::lab();
    let (_, old) = bench.register(at(1), &["ep=a", "lwm2m=1.0", "b=UQ"]);
    let (_, new) = bench.register(at(2), &["ep=b", "lwm2m=1.1"]);
    for (source, id, queries) in [(1, old, &["b=UT"][..]), (1, old, &["Q"]), (2, new, &["b=UQ"])] {
        let refused = bench.decide(at(source), update(id, queries, ""));
        assert!(matches!(refused, Err(Refusal::Malformed(_))), "{queries:?}: {refused:?}");
    }
    bench.uplink(at(1), update(old, &["b=U"], ""));
    assert!(!bench.roster.registration(bench.roster.device_at(at(1)).unwrap()).unwrap().binding.queue_mode);
    bench.uplink(at(2), update(new, &["b=UT"], ""));
}

#[test]
fn without_q_an_update_of_1_1_leaves_queue_mode_as_it_was() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), &["ep=a", "lwm2m=1.1", "Q"]);
    bench.uplink(at(1), update(id, &["b=UT"], ""));
    assert!(bench.roster.registration(device).unwrap().binding.queue_mode);
}

#[test]
fn an_update_from_another_address_is_refused_unless_configured() {
    let mut bench = Bench::lab();
    let (_, id) = bench.register(at(1), EP);
    assert_eq!(bench.decide(at(2), update(id, &[], "")), Err(Refusal::ForeignSource));

    let mut bench = Bench::new(Limits { lab: true, follow_address_changes: true, ..Limits::default() });
    let (device, id) = bench.register(at(1), EP);
    let decision = bench.uplink(at(2), update(id, &[], ""));
    assert_eq!((decision.source, decision.moved_from), (at(2), Some(at(1))));
    assert_eq!(bench.roster.registration(device).unwrap().source, at(2));
    assert_eq!((bench.roster.device_at(at(1)), bench.roster.device_at(at(2))), (None, Some(device)));
}

#[test]
fn another_listener_is_foreign_whatever_is_configured() {
    let mut bench = Bench::new(Limits { lab: true, follow_address_changes: true, ..Limits::default() });
    let (device, id) = bench.register(at(1), EP);
    bench.observe(device, "/3/0", 1);
    let elsewhere = Source { listener: ListenerId(1), ..at(1) };
    for uplink in [update(id, &[], ""), Uplink::Deregister(id), notify(device, 1, Some(2), &["/3/0/0"])] {
        assert_eq!(bench.decide(elsewhere, uplink), Err(Refusal::ForeignSource));
    }
    let send = bench.decide(elsewhere, Uplink::Send(report(&["/3/0/0"])));
    assert_eq!(send, Err(Refusal::UnknownRegistration));
}

#[test]
fn a_deregister_ends_registration_observations_and_operations_in_one_commit() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), EP);
    bench.observe(device, "/3/0", 1);
    for order in
        [execute(bench.now, device, 1), execute(bench.now, device, 2), read(bench.now, device, 3, false)]
    {
        bench.roster.take(bench.now, order);
    }
    let decision = bench.uplink(at(1), Uplink::Deregister(id));
    assert_eq!((decision.reply, decision.source), (Reply::Deleted, at(1)));
    assert_eq!(decision.then, [Then::CancelOperations]);
    let [
        Change::RegistrationEnded { reason: EndReason::Deregistered, .. },
        Change::ObservationsEnded { .. },
        Change::OperationEnded { state: sent, .. },
        Change::OperationEnded { state: waiting, .. },
        Change::Timeline(_),
    ] = decision.commit.changes.as_slice()
    else {
        panic!("{:?}", decision.commit)
    };
    // I-6: what became of the Execute on the wire is not known.
    assert_eq!((*sent, *waiting), (crate::OperationState::Unknown, crate::OperationState::Cancelled));
    let waiting: Vec<_> =
        bench.roster.cancel_all(device).into_iter().map(|order| order.id.0.as_u128()).collect();
    assert_eq!(waiting, [2, 3], "their givers are told");
    assert!(bench.roster.orders.is_empty());
    assert_eq!(bench.observed(device), [""; 0]);
    assert_eq!(bench.roster.presence(bench.now, device), Presence::NotRegistered);
    assert_eq!(bench.decide(at(1), Uplink::Deregister(id)), Err(Refusal::UnknownRegistration));
}

#[test]
fn a_deregister_from_another_address_is_taken_in_the_lab_alone() {
    let mut bench = Bench::lab();
    let (_, id) = bench.register(at(1), EP);
    bench.roster.limits.lab = false;
    assert_eq!(bench.decide(at(2), Uplink::Deregister(id)), Err(Refusal::ForeignSource));
    bench.roster.limits.lab = true;
    assert_eq!(bench.uplink(at(2), Uplink::Deregister(id)).source, at(1));
}

#[test]
fn a_registration_expires_when_lifetime_and_grace_are_over_and_not_before() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), EP);
    bench.observe(device, "/3/0", 1);
    bench.pass(302);
    assert_eq!(bench.roster.expired(bench.now, usize::MAX), []);
    assert_eq!(bench.roster.expire(bench.now, device), None);
    bench.pass(1);
    assert_eq!(bench.roster.next_expiry(), Some(bench.now.mono));
    // What is over takes no Update, whether its end was carried out or not.
    assert_eq!(bench.decide(at(1), update(id, &[], "")), Err(Refusal::UnknownRegistration));
    assert_eq!(bench.roster.expired(bench.now, usize::MAX), [device]);
    assert_eq!(bench.roster.expired(bench.now, usize::MAX), []);
    let commit = bench.roster.expire(bench.now, device).unwrap();
    let ended = Change::RegistrationEnded { device, at: bench.now.wall, reason: EndReason::Expired };
    assert_eq!(commit.changes[0], ended);
    assert_eq!(commit.changes[1], Change::ObservationsEnded { device });
    assert_eq!(lines(&commit, TimelineKind::Expired).len(), 1);
    bench.roster.apply(bench.now, &commit);
    assert_eq!((bench.roster.next_expiry(), bench.roster.registration(device)), (None, None));
}

#[test]
fn an_end_that_was_not_carried_out_comes_up_again() {
    let mut bench = Bench::lab();
    let (device, _) = bench.register(at(1), EP);
    bench.pass(400);
    assert_eq!(bench.roster.expired(bench.now, usize::MAX), [device]);
    bench.pass(5);
    assert_eq!(bench.roster.expired(bench.now, usize::MAX), [device]);
    // Registering anew is never too late, and a commit decided before is not applied after it.
    bench.register(at(1), EP);
    assert_eq!(bench.roster.expire(bench.now, device), None);
}

#[test]
fn a_jump_of_the_wall_clock_changes_no_lease() {
    for jump in [-86_400_000, 86_400_000] {
        let mut bench = Bench::lab();
        let (device, id) = bench.register(at(1), EP);
        bench.now.wall.0 += jump;
        bench.pass(299);
        assert_eq!(bench.roster.expired(bench.now, usize::MAX), []);
        bench.uplink(at(1), update(id, &[], ""));
        bench.pass(302);
        assert_eq!(bench.roster.expired(bench.now, usize::MAX), []);
        bench.pass(1);
        assert_eq!(bench.roster.expired(bench.now, usize::MAX), [device]);
    }
}

#[test]
fn an_address_is_the_device_s_that_came_from_there_last() {
    let mut bench = Bench::lab();
    let (first, first_id) = bench.register(at(1), &["ep=a", "lwm2m=1.1"]);
    let (second, second_id) = bench.register(at(1), &["ep=b", "lwm2m=1.1"]);
    assert_eq!(bench.roster.device_at(at(1)), Some(second));
    bench.uplink(at(1), update(first_id, &[], ""));
    assert_eq!(bench.roster.device_at(at(1)), Some(first));
    bench.uplink(at(1), Uplink::Deregister(second_id));
    assert_eq!(bench.roster.device_at(at(1)), Some(first));
}

#[test]
fn devices_of_one_make_share_their_links() {
    let mut bench = Bench::lab();
    let (a, _) = bench.register(at(1), &["ep=a", "lwm2m=1.1"]);
    let (b, _) = bench.register(at(2), &["ep=b", "lwm2m=1.1"]);
    let links = |device| std::sync::Arc::as_ptr(&bench.roster.registration(device).unwrap().links);
    assert_eq!(links(a), links(b));
}

#[test]
fn a_failed_commit_leaves_everything_as_it_was() {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), EP);
    bench.observe(device, "/3/0", 1);
    let before = bench.roster.registration(device).cloned();
    for uplink in [register(EP, "</3/0>"), update(id, &["lt=1"], "</1/0>"), Uplink::Deregister(id)] {
        bench.decide(at(1), uplink).unwrap();
        assert_eq!(bench.roster.registration(device).cloned(), before);
        assert_eq!(bench.observed(device), ["/3/0"]);
    }
}
