//! How long a device in queue mode listens. LwM2M Transport 1.1.1 §6.5, RFC 7252 §4.8.2.

use super::*;
use crate::{
    ClassId, Device, EndReason, Presence,
    queue::{Awake, AwakeFrom, AwakeScope, AwakeTime, AwakeTimes, QueueChange},
    roster::Restored,
};

fn bench() -> (Bench, DeviceId, RegistrationId) {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), &["ep=a", "lwm2m=1.0", "b=UQ"]);
    (bench, device, id)
}

impl Bench {
    fn say(&mut self, scope: AwakeScope, seconds: Option<u64>) {
        let time = seconds.map(Duration::from_secs);
        let said = commit(Change::Queue(QueueChange::AwakeSet { scope, time }));
        self.roster.apply(self.now, &said);
    }

    fn is_awake(&self, device: DeviceId) -> bool {
        self.roster.presence(self.now, device) == Presence::Awake
    }

    fn awake_time(&self, device: DeviceId) -> (u64, AwakeFrom) {
        let AwakeTime { time, from } = self.roster.awake_time(device).unwrap();
        (time.as_secs(), from)
    }

    /// An answer comes so long after the device was heard.
    fn answer_after(&mut self, device: DeviceId, seconds: u64) {
        self.pass(seconds);
        self.roster.answered(self.now, device);
        self.roster.heard(self.now, device);
    }
}

#[test]
fn what_is_said_of_a_device_goes_before_its_class_and_both_before_what_is_learned() {
    let (mut bench, device, _) = bench();
    let (own, class) = (AwakeScope::Device(device), AwakeScope::Class(ClassId::DEFAULT));
    assert_eq!(bench.awake_time(device), (93, AwakeFrom::Default));
    bench.answer_after(device, 133);
    assert_eq!(bench.awake_time(device), (103, AwakeFrom::Learned));
    bench.say(class, Some(20));
    bench.say(own, Some(5));
    assert_eq!(bench.awake_time(device), (5, AwakeFrom::Device));
    bench.pass(4);
    assert!(bench.is_awake(device));
    bench.pass(1);
    assert!(!bench.is_awake(device));
    // It holds at once.
    bench.say(own, None);
    assert_eq!((bench.is_awake(device), bench.awake_time(device)), (true, (20, AwakeFrom::Class)));
    let moved = commit(Change::DeviceClassified { device, class: ClassId(7) });
    bench.roster.apply(bench.now, &moved);
    assert_eq!(bench.awake_time(device), (103, AwakeFrom::Learned));
    bench.say(AwakeScope::Class(ClassId(7)), Some(30));
    assert_eq!(bench.awake_time(device), (30, AwakeFrom::Class));
}

#[test]
fn a_device_is_not_called_asleep_within_max_transmit_wait_by_its_silence() {
    let (mut bench, device, id) = bench();
    let sent_at = bench.now.mono;
    for _ in 0..9 {
        bench.pass(10);
        bench.roster.unanswered(bench.now, device, sent_at);
        assert!(bench.is_awake(device));
    }
    assert_eq!(bench.awake_time(device), (93, AwakeFrom::Default), "a guess never shortens");
    // What was given up is older than what was heard.
    bench.uplink(at(1), update(id, &[], ""));
    bench.pass(92);
    bench.roster.unanswered(bench.now, device, sent_at);
    assert!(bench.is_awake(device));
}

#[test]
fn a_request_that_is_not_answered_while_it_listens_puts_it_to_sleep() {
    let (mut bench, device, id) = bench();
    bench.say(AwakeScope::Device(device), Some(300));
    bench.roster.take_woken(device);
    bench.pass(10);
    let sent_at = bench.now.mono;
    bench.pass(93);
    assert!(bench.is_awake(device));
    bench.roster.unanswered(bench.now, device, sent_at);
    assert!(!bench.is_awake(device));
    assert!(!bench.roster.take_woken(device));
    bench.uplink(at(1), update(id, &[], ""));
    assert!(bench.is_awake(device) && bench.roster.take_woken(device));
}

#[test]
fn it_wakes_once_each_time() {
    let (mut bench, device, id) = bench();
    assert!(bench.roster.take_woken(device), "it has registered");
    for _ in 0..3 {
        for _ in 0..3 {
            bench.pass(30);
            bench.uplink(at(1), update(id, &[], ""));
            bench.roster.heard(bench.now, device);
            assert!(!bench.roster.take_woken(device), "it has not slept");
        }
        bench.pass(93);
        bench.uplink(at(1), update(id, &[], ""));
        bench.roster.heard(bench.now, device);
        assert!(bench.roster.take_woken(device));
        assert!(!bench.roster.take_woken(device));
    }
    let other = ["ep=b", "lwm2m=1.1"];
    let (always, _) = bench.register(at(2), &other);
    bench.pass(1_000);
    bench.roster.heard(bench.now, always);
    assert!(!bench.roster.take_woken(always), "one that never sleeps never wakes");
}

#[test]
fn what_is_learned_goes_with_the_next_batch_and_comes_back_after_a_start() {
    let (mut bench, device, _) = bench();
    bench.roster.take_leases();
    bench.answer_after(device, 50);
    let leases = bench.roster.take_leases();
    assert!(leases.iter().all(|change| matches!(change, Change::LeaseRenewed { .. })), "nothing new");
    bench.answer_after(device, 133);
    let leases = bench.roster.take_leases();
    let Some(Change::Queue(QueueChange::AwakeLearned { device: whose, learned })) = leases.last() else {
        panic!("{leases:?}");
    };
    assert_eq!((*whose, learned.time.as_secs(), learned.answers), (device, 103, 1));
    assert_eq!(learned.at, bench.now.wall);

    let known = Awake { device: None, class: None, learned: Some(*learned) };
    let awake = AwakeTimes {
        devices: [(device, known)].into(),
        classes: [(ClassId(7), Duration::from_secs(7))].into(),
    };
    let added = Device {
        id: device,
        public_id: crate::PublicId::from_random([1; 16]),
        domain: crate::DomainId::ROOT,
        class: ClassId::DEFAULT,
        endpoint: crate::EndpointName::new("a").unwrap(),
        created_at: Timestamp(0),
        removed_at: None,
    };
    let mut next = Bench::lab();
    let restored = Restored { devices: vec![added], awake, ..Restored::default() };
    assert_eq!(next.roster.restore(next.now, restored), []);
    assert_eq!(next.awake_time(device), (103, AwakeFrom::Learned));
    let moved = commit(Change::DeviceClassified { device, class: ClassId(7) });
    next.roster.apply(next.now, &moved);
    assert_eq!(next.awake_time(device), (7, AwakeFrom::Class));
}

#[test]
fn a_device_that_is_removed_with_its_data_begins_anew() {
    let (mut bench, device, _) = bench();
    bench.say(AwakeScope::Device(device), Some(5));
    for (keep_data, expected) in [(true, 5), (false, 93)] {
        let at = bench.now.wall;
        let ended = Change::RegistrationEnded { device, at, reason: EndReason::Removed };
        let removed = Change::DeviceRemoved { device, at, keep_data };
        bench.roster.apply(bench.now, &Commit { changes: vec![ended, removed], audit: vec![] });
        assert_eq!(bench.awake_time(device).0, expected);
    }
}
