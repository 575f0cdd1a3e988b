//! Queue mode and the order of orders. LwM2M Transport 1.1.1 §6.5.

use super::*;
use crate::{Disposition, Presence};

fn bench(queries: &[&str]) -> (Bench, DeviceId, RegistrationId) {
    let mut bench = Bench::lab();
    let (device, id) = bench.register(at(1), queries);
    (bench, device, id)
}

const AWAKE: &[&str] = &["ep=a", "lwm2m=1.1"];
const SLEEPY: &[&str] = &["ep=a", "lwm2m=1.0", "b=UQ"];

fn number(order: Option<Order>) -> Option<u128> {
    order.map(|order| order.id.0.as_u128())
}

#[test]
fn a_device_in_queue_mode_listens_for_93_seconds_after_each_uplink() {
    let (mut bench, device, id) = bench(SLEEPY);
    bench.observe(device, "/3/0", 1);
    let uplinks = [
        update(id, &[], ""),
        update(id, &["lt=500"], ""),
        Uplink::Send(report(&["/3/0/9"])),
        notify(device, 1, Some(1), &["/3/0/9"]),
        register(SLEEPY, LINKS),
    ];
    for uplink in uplinks {
        bench.pass(92);
        assert_eq!(bench.roster.presence(bench.now, device), Presence::Awake);
        bench.pass(1);
        assert_eq!(bench.roster.presence(bench.now, device), Presence::Asleep);
        bench.uplink(at(1), uplink);
        assert_eq!(bench.roster.presence(bench.now, device), Presence::Awake);
    }
}

#[test]
fn a_device_without_queue_mode_is_always_awake() {
    let (mut bench, device, _) = bench(AWAKE);
    bench.pass(80_000);
    assert_eq!(bench.roster.presence(bench.now, device), Presence::Awake);
}

#[test]
fn a_stored_order_waits_for_a_sleeping_device_and_another_is_handed_back() {
    let (mut bench, device, id) = bench(SLEEPY);
    bench.pass(93);
    let unstored = read(bench.now, device, 1, false);
    assert_eq!(bench.roster.take(bench.now, unstored), Disposition::Asleep);
    let stored = read(bench.now, device, 1, true);
    assert_eq!(bench.roster.take(bench.now, stored), Disposition::Queued);
    assert_eq!(bench.roster.next_order(bench.now, device), None, "it sleeps");
    bench.uplink(at(1), update(id, &[], ""));
    assert_eq!(number(bench.roster.next_order(bench.now, device)), Some(1));
}

#[test]
fn one_order_is_under_way_and_the_others_keep_their_order() {
    let (mut bench, device, _) = bench(AWAKE);
    let first = read(bench.now, device, 1, false);
    assert_eq!(bench.roster.take(bench.now, first.clone()), Disposition::Send(first.clone()));
    for n in 2..=4 {
        assert_eq!(bench.roster.take(bench.now, read(bench.now, device, n, false)), Disposition::Behind);
    }
    assert_eq!(bench.roster.next_order(bench.now, device), None);
    bench.roster.order_ended(device, OperationId(uuid::Uuid::from_u128(3)));
    assert_eq!(bench.roster.next_order(bench.now, device), None, "it was another that ended");
    let mut ended = first.id;
    for n in 2..=4 {
        bench.roster.order_ended(device, ended);
        let next = bench.roster.next_order(bench.now, device).unwrap();
        assert_eq!(next.id.0.as_u128(), n);
        ended = next.id;
    }
    bench.roster.order_ended(device, ended);
    assert!(bench.roster.orders.is_empty());
}

#[test]
fn nothing_overtakes_what_waits() {
    let (mut bench, device, id) = bench(SLEEPY);
    bench.pass(93);
    bench.roster.take(bench.now, read(bench.now, device, 1, true));
    bench.uplink(at(1), update(id, &[], ""));
    assert_eq!(bench.roster.take(bench.now, read(bench.now, device, 2, false)), Disposition::Behind);
    assert_eq!(number(bench.roster.next_order(bench.now, device)), Some(1));
}

#[test]
fn a_queue_has_a_bound() {
    let (mut bench, device, _) = bench(SLEEPY);
    bench.pass(93);
    for n in 0..Order::MAX_QUEUED {
        let order = execute(bench.now, device, n as u128);
        assert_eq!(bench.roster.take(bench.now, order), Disposition::Queued);
    }
    assert_eq!(bench.roster.take(bench.now, execute(bench.now, device, 999)), Disposition::QueueFull);
    assert_eq!(bench.roster.waiting(device), Order::MAX_QUEUED);
}

#[test]
fn an_unknown_device_takes_no_orders() {
    let (mut bench, ..) = bench(AWAKE);
    let order = read(bench.now, DeviceId(99), 1, true);
    assert_eq!(bench.roster.take(bench.now, order), Disposition::NotRegistered);
    assert!(bench.roster.orders.is_empty());
}

#[test]
fn what_waits_can_be_cancelled_and_what_is_under_way_can_not() {
    let (mut bench, device, _) = bench(AWAKE);
    let ids: Vec<_> = (1..=2).map(|n| read(bench.now, device, n, true)).map(|order| order.id).collect();
    bench.roster.take(bench.now, read(bench.now, device, 1, true));
    bench.roster.take(bench.now, read(bench.now, device, 2, true));
    assert!(!bench.roster.cancel_order(device, ids[0]));
    assert!(bench.roster.cancel_order(device, ids[1]));
    assert!(!bench.roster.cancel_order(device, ids[1]));
}

#[test]
fn an_order_that_waited_too_long_is_not_sent() {
    let (mut bench, device, id) = bench(SLEEPY);
    bench.pass(93);
    bench.roster.take(bench.now, execute(bench.now, device, 1));
    let deadline = bench.now.mono + Duration::from_secs(3_600);
    bench.pass(100);
    bench.roster.take(bench.now, read(bench.now, device, 2, true));
    assert_eq!(bench.roster.next_expiry(), Some(deadline));
    // The wall clock does not move what was agreed on.
    bench.now.wall.0 += 86_400_000;
    bench.pass(3_499);
    assert_eq!(bench.roster.expire_orders(bench.now), []);
    bench.pass(1);
    bench.uplink(at(1), update(id, &[], ""));
    assert_eq!(number(bench.roster.next_order(bench.now, device)), Some(2), "the first is past its time");
    let expired = bench.roster.expire_orders(bench.now);
    assert_eq!(expired.into_iter().map(|(_, order)| order.id.0.as_u128()).collect::<Vec<_>>(), [1]);
}

#[test]
fn unstored_orders_of_a_device_that_fell_asleep_go_back_to_their_givers() {
    let (mut bench, device, _) = bench(SLEEPY);
    for (n, stored) in [(1, false), (2, false), (3, true)] {
        bench.roster.take(bench.now, read(bench.now, device, n, stored));
    }
    assert_eq!(bench.roster.give_back(bench.now, device), []);
    bench.pass(93);
    bench.roster.order_ended(device, read(bench.now, device, 1, false).id);
    assert_eq!(bench.roster.next_order(bench.now, device), None);
    let back = bench.roster.give_back(bench.now, device);
    assert_eq!(back.iter().map(|order| order.id.0.as_u128()).collect::<Vec<_>>(), [2]);
    assert_eq!(bench.roster.waiting(device), 1);
}

#[test]
fn orders_wait_through_a_new_registration() {
    let (mut bench, device, _) = bench(SLEEPY);
    bench.pass(93);
    bench.roster.take(bench.now, read(bench.now, device, 1, true));
    bench.uplink(at(2), register(SLEEPY, LINKS));
    assert_eq!(number(bench.roster.next_order(bench.now, device)), Some(1));
}

#[test]
fn what_is_urgent_goes_first_and_what_has_no_hurry_last() {
    let (mut bench, device, id) = bench(SLEEPY);
    bench.pass(93);
    for (n, priority) in
        [Priority::Background, Priority::Normal, Priority::Urgent, Priority::Normal].into_iter().enumerate()
    {
        let operation = Operation::Read { path: format!("/{n}").parse().unwrap(), format: None };
        let order = Order { operation, priority, ..read(bench.now, device, n as u128, true) };
        assert_eq!(bench.roster.take(bench.now, order), Disposition::Queued);
    }
    let waiting = Priority::ALL.map(|priority| bench.roster.waiting_of(priority));
    assert_eq!(waiting, [1, 2, 1]);
    bench.uplink(at(1), update(id, &[], ""));
    let sent = std::iter::from_fn(|| {
        let order = bench.roster.next_order(bench.now, device)?;
        bench.roster.order_ended(device, order.id);
        Some(order.id.0.as_u128())
    });
    assert_eq!(sent.collect::<Vec<_>>(), [2, 1, 3, 0]);
    assert_eq!(Priority::ALL.map(|priority| bench.roster.waiting_of(priority)), [0; 3]);
}

#[test]
fn the_same_question_waits_once_and_makes_room() {
    let (mut bench, device, _) = bench(SLEEPY);
    bench.pass(93);
    for n in 0..=Order::MAX_QUEUED as u128 {
        assert_eq!(bench.roster.take(bench.now, read(bench.now, device, n, true)), Disposition::Queued);
        let superseded = bench.roster.take_superseded();
        let ids = superseded.iter().map(|(old, by)| (old.id.0.as_u128(), by.0.as_u128()));
        assert_eq!(
            ids.collect::<Vec<_>>(),
            n.checked_sub(1).map(|before| (before, n)).into_iter().collect::<Vec<_>>()
        );
    }
    assert_eq!(bench.roster.waiting(device), 1);
}

#[test]
fn what_is_under_way_is_not_superseded() {
    let (mut bench, device, _) = bench(AWAKE);
    let first = read(bench.now, device, 1, true);
    assert_eq!(bench.roster.take(bench.now, first.clone()), Disposition::Send(first));
    assert_eq!(bench.roster.take(bench.now, read(bench.now, device, 2, true)), Disposition::Behind);
    assert_eq!(bench.roster.take_superseded(), []);
}
