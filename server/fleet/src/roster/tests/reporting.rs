//! Send and Notify. LwM2M Core 1.1.1 §6.4.

use super::*;
use crate::{Paths, Reading, Target, Then};

const EP: &[&str] = &["ep=a", "lwm2m=1.1"];

fn bench() -> (Bench, DeviceId, RegistrationId) {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), EP);
    bench.observe(device, "/3303/0", 1);
    (bench, device, id)
}

fn readings<'a>(decision: &'a Decision) -> Vec<&'a Reading> {
    let of = |change: &'a Change| match change {
        Change::Report { readings, .. } => readings.as_slice(),
        _ => &[],
    };
    decision.commit.changes.iter().flat_map(of).collect()
}

#[test]
fn a_send_is_stored_with_its_times_and_its_delivery_before_the_answer() {
    let (mut bench, device, _) = bench();
    let decision = bench.uplink(at(1), Uplink::Send(report(&["/3/0/9", "/3303/0/5700"])));
    assert_eq!((decision.device, decision.reply), (device, Reply::Changed));
    assert_eq!(decision.then, [Then::ReleaseQueue]);
    let readings = readings(&decision);
    assert_eq!(
        readings.iter().map(|reading| reading.path.to_string()).collect::<Vec<_>>(),
        ["/3/0/9", "/3303/0/5700"]
    );
    assert_eq!(readings[0].device_time, Some(Timestamp(1_600_000_000_000)));
    let [Change::Report { delivery: Some(delivery), received_at, .. }] = decision.commit.changes.as_slice()
    else {
        panic!("{:?}", decision.commit)
    };
    assert_eq!((delivery.message_id, *received_at), (1, bench.now.wall));
}

#[test]
fn a_send_of_what_is_not_registered_is_refused_whole() {
    let (mut bench, ..) = bench();
    for path in ["/5/0/3", "/3/1/9", "/3303/7"] {
        let refused = bench.decide(at(1), Uplink::Send(report(&["/3/0/9", path])));
        assert_eq!(refused, Err(Refusal::NotRegisteredPath { path: path.parse().unwrap() }));
    }
}

#[test]
fn a_send_from_an_unknown_address_is_refused() {
    let (mut bench, ..) = bench();
    let refused = bench.decide(at(2), Uplink::Send(report(&["/3/0/9"])));
    assert_eq!(refused, Err(Refusal::UnknownRegistration));
}

#[test]
fn neither_send_nor_notification_prolongs_the_registration() {
    let mut bench = Bench::lab();
    let (device, _) = bench.register(at(1), &["ep=a", "lwm2m=1.1", "lt=60"]);
    bench.observe(device, "/3/0", 1);
    bench.pass(59);
    bench.uplink(at(1), Uplink::Send(report(&["/3/0/9"])));
    bench.uplink(at(1), notify(device, 1, Some(1), &["/3/0/9"]));
    let [Change::LeaseRenewed { seen_at, expires_at, .. }] = bench.roster.take_leases()[..] else { panic!() };
    assert_eq!(seen_at, bench.now.wall);
    assert_eq!(expires_at, bench.now.wall.after(Duration::from_secs(1)));
    bench.pass(4);
    assert_eq!(bench.roster.expired(bench.now, usize::MAX), [device]);
    let late = bench.decide(at(1), Uplink::Send(report(&["/3/0/9"])));
    assert_eq!(late, Err(Refusal::UnknownRegistration));
}

#[test]
fn a_notification_is_known_by_device_and_token() {
    let (mut bench, device, _) = bench();
    let (other, _) = bench.register(at(2), &["ep=b", "lwm2m=1.1"]);
    let decision = bench.uplink(at(1), notify(device, 1, Some(5), &["/3303/0/5700"]));
    assert_eq!((decision.reply, readings(&decision).len()), (Reply::Acknowledged, 1));
    for (source, device, token) in [(1, device, 2), (2, other, 1), (3, DeviceId(99), 1)] {
        let refused = bench.decide(at(source), notify(device, token, Some(6), &["/3303/0/5700"]));
        assert_eq!(refused, Err(Refusal::UnknownObservation));
    }
    let foreign = bench.decide(at(2), notify(device, 1, Some(6), &["/3303/0/5700"]));
    assert_eq!(foreign, Err(Refusal::ForeignSource));
}

#[test]
fn a_notification_of_another_path_is_recorded_and_nothing_of_it_stored() {
    let (mut bench, device, _) = bench();
    let decision = bench.uplink(at(1), notify(device, 1, Some(5), &["/3303/0/5700", "/3/0/9"]));
    assert_eq!((decision.reply, readings(&decision).len()), (Reply::Acknowledged, 0));
    assert_eq!(lines(&decision.commit, TimelineKind::Rejected).len(), 1);
    assert_eq!(bench.observed(device), ["/3303/0"]);
}

#[test]
fn a_notification_without_observe_ends_the_observation_and_keeps_its_content() {
    let (mut bench, device, _) = bench();
    let decision = bench.uplink(at(1), notify(device, 1, None, &["/3303/0/5700"]));
    assert_eq!(readings(&decision).len(), 1);
    assert_eq!(lines(&decision.commit, TimelineKind::Observation).len(), 1);
    assert_eq!(bench.observed(device), [""; 0]);
    let after = bench.decide(at(1), notify(device, 1, Some(7), &["/3303/0/5700"]));
    assert_eq!(after, Err(Refusal::UnknownObservation));
}

#[test]
fn a_notification_of_several_paths_is_stored_with_its_times_and_holds_nothing_else() {
    let (mut bench, device, _) = bench();
    let paths: Paths =
        ["/3/0/9", "/3303/0/5700"].map(|text| text.parse::<Path>().unwrap()).into_iter().collect();
    bench.observe_target(device, paths.clone(), 7);
    assert_eq!(bench.observed(device), ["/3303/0", "/3/0/9, /3303/0/5700"]);
    // A device leaves out what it does not have, and says each value with its own time.
    let decision = bench.uplink(at(1), notify(device, 7, Some(5), &["/3303/0/5700", "/3303/0/5700"]));
    assert_eq!(readings(&decision).len(), 2);
    let outside = bench.uplink(at(1), notify(device, 7, Some(6), &["/3/0/9", "/3/0/13"]));
    assert_eq!((outside.reply, readings(&outside).len()), (Reply::Acknowledged, 0));
    assert_eq!(lines(&outside.commit, TimelineKind::Rejected).len(), 1);
    bench.uplink(at(1), notify(device, 7, None, &[]));
    assert_eq!(bench.observed(device), ["/3303/0"]);
}

#[test]
fn an_observation_of_several_paths_lives_as_long_as_the_device_has_one_of_them() {
    let (mut bench, device, _) = bench();
    let paths: Paths =
        ["/3/0/9", "/3303/0/5700"].map(|text| text.parse::<Path>().unwrap()).into_iter().collect();
    bench.observe_target(device, paths.clone(), 7);
    let decision = bench.uplink(at(1), register(EP, "</1/0>,</3/0>"));
    let again = Then::Observe { target: paths.into(), format: None };
    assert_eq!(decision.then, [again, Then::ReleaseQueue]);
    bench.uplink(at(1), register(EP, "</1/0>"));
    assert_eq!(bench.observed(device), [""; 0]);
}

#[test]
fn an_observation_that_begins_after_the_device_has_left_is_not_kept() {
    let (mut bench, device, id) = bench();
    bench.uplink(at(1), Uplink::Deregister(id));
    bench.observe(device, "/3/0", 3);
    assert_eq!(bench.observed(device), [""; 0]);
    bench.register(at(1), &["ep=a", "lwm2m=1.1"]);
    assert_eq!(bench.observed(device), [""; 0]);
}

#[test]
fn a_path_is_observed_once_and_the_older_token_is_let_go() {
    let (mut bench, device, _) = bench();
    bench.observe(device, "/3303/0", 2);
    bench.observe(device, "/3303/0", 2);
    assert_eq!(bench.observed(device), ["/3303/0"]);
    assert_eq!(bench.roster.take_forgotten(device), [ObservationToken::new(&[1]).unwrap()]);
    assert_eq!(bench.roster.take_forgotten(device), []);
}

#[test]
fn a_device_has_a_bounded_number_of_observations() {
    let (mut bench, device, _) = bench();
    let path = |resource: usize| format!("/3/0/{resource}");
    let target = |resource| Target::One(path(resource).parse().unwrap());
    for resource in 1..Observation::MAX_PER_DEVICE {
        assert!(bench.roster.may_observe(device, &target(resource)));
        bench.observe(device, &path(resource), 9);
    }
    assert!(!bench.roster.may_observe(device, &target(0)));
    assert!(bench.roster.may_observe(device, &target(1)), "again at the same path");
}
