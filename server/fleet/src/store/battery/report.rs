//! Reports: the latest values, the history, and deliveries that come twice.

use std::collections::BTreeMap;

use futures::future::join_all;
use objects::{ObjectLink, Value};

use super::fixture::*;
use crate::{
    Change, Class, ClassId, Delivery, DeviceId, ListenerId, Notified, ObservationToken, Reading, Retention,
    SecureSessionId, Sender, Source, Store, StoredReading,
};

/// Values at the edges of every type.
pub(super) fn every_value() -> Vec<Value> {
    let mut values = Vec::new();
    for text in
        ["", " spaces stay ", "a\0b", "line\r\nline", "Ünïcödé 🦀 \u{202e}", "'; DROP TABLE--", "\"\\"]
    {
        values.push(Value::String(text.into()));
        values.push(Value::CoreLink(text.into()));
    }
    values.push(Value::String("long ".repeat(20_000)));
    for number in [0, -1, 1 << 53, (1 << 53) + 1, i64::MIN, i64::MAX] {
        values.push(Value::Integer(number));
        values.push(Value::Time(number));
    }
    for number in [0, (1 << 53) + 1, i64::MAX.cast_unsigned() + 1, u64::MAX] {
        values.push(Value::Unsigned(number));
    }
    let floats = [0.0, -0.0, 0.1, -1.5, 21.0, f64::MIN, f64::MAX, f64::MIN_POSITIVE, f64::EPSILON, 5e-324];
    values.extend(floats.map(Value::Float));
    values.extend([true, false].map(Value::Boolean));
    for bytes in [vec![], vec![0], vec![0xff, 0xfe, 0, b'\''], vec![0xa5; 100_000]] {
        values.push(Value::Opaque(bytes));
    }
    for (object, instance) in [(0, 0), (3, 0), (65_534, 65_535)] {
        values.push(Value::ObjectLink(ObjectLink { object, instance }));
    }
    values.push(Value::ObjectLink(ObjectLink::NULL));
    values
}

/// Every type comes back as it went in, in the latest values and in the history.
pub async fn every_value_survives(store: &dyn Store) {
    register(store, 1).await;
    let readings: Vec<Reading> = (0..)
        .zip(every_value())
        .map(|(index, value)| {
            let device_time = (index % 2 == 0).then(|| at(-index));
            Reading { path: path(&format!("/3/0/6/{index}")), value, device_time }
        })
        .collect();
    commit(store, [report(1, START, readings.clone())]).await;
    let latest = store.latest(DeviceId(1), path("/3/0/6")).await.unwrap();
    assert_eq!(plain(&latest), readings);
    assert!(latest.iter().all(|stored| stored.received_at == START));
    for (reading, stored) in readings.iter().zip(&latest) {
        let history = store.history(DeviceId(1), reading.path, 10).await.unwrap();
        assert_eq!(history, std::slice::from_ref(stored));
        if let (Value::Float(one), Value::Float(other)) = (&reading.value, &stored.reading.value) {
            assert_eq!(one.to_bits(), other.to_bits(), "also the sign of zero");
        }
    }
}

/// The last one accepted counts, also within a report and within a millisecond, also of another type.
pub async fn the_latest_reading_replaces_the_one_before(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [report(1, at(0), vec![reading("/3/0/9", 1), reading("/3/0/9", 2)])]).await;
    assert_eq!(latest(store, "/3/0/9").await, [reading("/3/0/9", 2)]);
    commit(store, [report(1, at(0), vec![reading("/3/0/9", 3)])]).await;
    assert_eq!(latest(store, "/3/0/9").await, [reading("/3/0/9", 3)]);
    let text = Reading { value: Value::String("four".into()), ..reading("/3/0/9", 0) };
    commit(store, [report(1, at(1), vec![text.clone()])]).await;
    assert_eq!(latest(store, "/3/0/9").await, [text]);
    assert_eq!(store.latest(DeviceId(2), path("/")).await.unwrap(), []);
    let history = store.history(DeviceId(1), path("/3/0/9"), 10).await.unwrap();
    assert_eq!(history.len(), 4);
    assert!(history.is_sorted_by(|one, other| one.sequence > other.sequence));
}

/// What a device kept while it could not report comes late, and does not overwrite what is newer.
pub async fn a_reading_with_an_older_device_time_is_history_only(store: &dyn Store) {
    register(store, 1).await;
    let timed = |value, seconds| Reading { device_time: Some(at(seconds)), ..reading("/3303/0/5700", value) };
    commit(store, [report(1, at(100), vec![timed(1, 90)])]).await;
    commit(store, [report(1, at(200), vec![timed(2, 80), timed(3, 95), timed(4, 85)])]).await;
    assert_eq!(latest(store, "/3303/0/5700").await, [timed(3, 95)]);
    // Without a time of its own it was so when it arrived.
    commit(store, [report(1, at(300), vec![reading("/3303/0/5700", 5)])]).await;
    commit(store, [report(1, at(400), vec![timed(6, 299)])]).await;
    assert_eq!(latest(store, "/3303/0/5700").await, [reading("/3303/0/5700", 5)]);
    commit(store, [report(1, at(500), vec![timed(7, 300)])]).await;
    assert_eq!(latest(store, "/3303/0/5700").await, [timed(7, 300)], "of the same time the later one");
    assert_eq!(store.history(DeviceId(1), path("/3303/0/5700"), 100).await.unwrap().len(), 7);
}

/// A time that lies ahead counts as the time of arrival.
pub async fn a_device_clock_that_runs_ahead_hides_nothing(store: &dyn Store) {
    register(store, 1).await;
    let ahead = Reading { device_time: Some(at(1_000_000)), ..reading("/3303/0/5700", 1) };
    commit(store, [report(1, at(100), vec![ahead.clone()])]).await;
    assert_eq!(latest(store, "/3303/0/5700").await, [ahead], "the time is kept as it was told");
    commit(store, [report(1, at(101), vec![reading("/3303/0/5700", 2)])]).await;
    assert_eq!(latest(store, "/3303/0/5700").await, [reading("/3303/0/5700", 2)]);
}

/// In the order of the tree, at or below what was asked for.
pub async fn the_latest_readings_are_ordered_and_bounded_by_path(store: &dyn Store) {
    register(store, 1).await;
    let paths =
        ["/1/0/1", "/3/0/0", "/3/0/6/0", "/3/0/6/10", "/3/0/7", "/3/0/70", "/3/1/7", "/30/0/7", "/65535/0/1"];
    let readings = paths.iter().rev().map(|path| reading(path, 1)).collect();
    commit(store, [report(1, START, readings)]).await;
    for (within, expected) in [
        ("/", &paths[..]),
        ("/3", &paths[1..7]),
        ("/3/0", &paths[1..6]),
        ("/3/0/6", &paths[2..4]),
        ("/3/0/6/10", &paths[3..4]),
        ("/3/0/7", &paths[4..5]),
        ("/30", &paths[7..8]),
        ("/65535", &paths[8..]),
        ("/6", &[]),
    ] {
        let expected: Vec<Reading> = expected.iter().map(|path| reading(path, 1)).collect();
        assert_eq!(latest(store, within).await, expected, "within {within}");
    }
}

/// By the time at which it was so, then by the order of acceptance; as many as asked for; of this very path.
pub async fn the_history_is_newest_first_by_when_it_was_so(store: &dyn Store) {
    register(store, 2).await;
    let timed = |value, seconds| Reading { device_time: Some(at(seconds)), ..reading("/3/0/9", value) };
    commit(store, [report(1, at(100), vec![timed(1, 50), reading("/3/0/9", 2), timed(3, 40), timed(4, 50)])])
        .await;
    commit(store, [report(1, at(99), vec![timed(5, 200)])]).await;
    commit(
        store,
        [report(1, at(100), vec![reading("/3/0/9/0", 9)]), report(2, at(100), vec![reading("/3/0/9", 9)])],
    )
    .await;
    let values = async |limit| {
        let history = store.history(DeviceId(1), path("/3/0/9"), limit).await.unwrap();
        history.into_iter().map(|stored| stored.reading.value).collect::<Vec<_>>()
    };
    let expected = [2, 5, 4, 1, 3].map(Value::Integer);
    assert_eq!(values(100).await, expected);
    assert_eq!(values(2).await, expected[..2]);
    assert_eq!(values(0).await, []);
    assert_eq!(values(usize::MAX).await, expected);
}

/// The same message twice: the second time it is said to be a duplicate, and nothing of its report is kept; the rest
/// of its commit is.
pub async fn a_duplicate_delivery_stores_nothing_twice(store: &dyn Store) {
    register(store, 1).await;
    assert!(!commit(store, [delivered(1, 1, at(0), 10)]).await.duplicate);
    assert!(commit(store, [delivered(1, 1, at(93), 20), Change::Timeline(entry(1, 5))]).await.duplicate);
    let history = store.history(DeviceId(1), path("/3/0/9"), 10).await.unwrap();
    assert_eq!(plain(&history), [reading("/3/0/9", 10)]);
    assert_eq!(latest(store, "/").await, [reading("/3/0/9", 10)]);
    let timeline = store.timeline(DeviceId(1), &crate::store::PageRequest::first(10)).await.unwrap();
    assert_eq!(timeline.rows.len(), 1);
}

/// Also if both are under way at one time, or stand in one commit.
pub async fn concurrent_duplicates_are_stored_once(store: &dyn Store) {
    register(store, 1).await;
    let commits = (0..10).map(|number| store.commit(of([delivered(1, 1, at(number), 10)])));
    let duplicates: Vec<bool> =
        join_all(commits).await.into_iter().map(|committed| committed.unwrap().duplicate).collect();
    assert_eq!(duplicates.iter().filter(|duplicate| !**duplicate).count(), 1);
    assert!(!duplicates[0], "the first is the one");
    assert!(commit(store, [delivered(1, 2, at(0), 20), delivered(1, 2, at(0), 20)]).await.duplicate);
    assert_eq!(store.history(DeviceId(1), path("/3/0/9"), 10).await.unwrap().len(), 2);
}

/// Another device, address, listener, session, message id or token is another message; what has no delivery is always new.
pub async fn deliveries_are_told_apart(store: &dyn Store) {
    register(store, 2).await;
    let first = delivery(1);
    let other_port = "127.0.0.1:9".parse().unwrap();
    let deliveries = [
        Some(first.clone()),
        Some(Delivery { message_id: 2, ..first.clone() }),
        Some(Delivery { token: vec![], ..first.clone() }),
        Some(Delivery { token: vec![0, 1, 0], ..first.clone() }),
        Some(Delivery { sender: Sender::At(Source { address: other_port, ..source(1) }), ..first.clone() }),
        Some(Delivery {
            sender: Sender::At(Source { listener: ListenerId(9), ..source(1) }),
            ..first.clone()
        }),
        Some(Delivery { sender: Sender::In(SecureSessionId(1)), ..first.clone() }),
        Some(Delivery { sender: Sender::In(SecureSessionId(u64::MAX)), ..first.clone() }),
        None,
        None,
    ];
    for (index, delivery) in deliveries.into_iter().enumerate() {
        let readings = vec![reading("/3/0/9", 1)];
        let change = Change::Report { device: DeviceId(1), received_at: START, delivery, readings };
        assert!(!commit(store, [change]).await.duplicate, "{index}");
    }
    assert!(!commit(store, [delivered(2, 1, START, 1)]).await.duplicate, "of another device");
    assert_eq!(store.history(DeviceId(1), path("/3/0/9"), 100).await.unwrap().len(), 10);
}

/// After EXCHANGE_LIFETIME message ids come round again, purged or not.
pub async fn a_delivery_may_repeat_after_its_time(store: &dyn Store) {
    register(store, 1).await;
    let again = START.after(Delivery::KEPT);
    commit(store, [delivered(1, 1, START, 1)]).await;
    assert!(commit(store, [delivered(1, 1, crate::Timestamp(again.0 - 1), 2)]).await.duplicate);
    assert!(!commit(store, [delivered(1, 1, again, 3)]).await.duplicate);
    assert!(commit(store, [delivered(1, 1, again.after(Delivery::KEPT / 2), 4)]).await.duplicate);
    let history = store.history(DeviceId(1), path("/3/0/9"), 10).await.unwrap();
    assert_eq!(plain(&history), [reading("/3/0/9", 3), reading("/3/0/9", 1)]);
    store.purge(again.after(Delivery::KEPT)).await.unwrap();
    assert!(!commit(store, [delivered(1, 1, again.after(Delivery::KEPT), 5)]).await.duplicate);
}

/// By its place among those of its token, and by when it was stored.
pub async fn the_newest_notification_is_known_after_a_start(store: &dyn Store) {
    register(store, 2).await;
    let notified = |device, message_id, token, observe, received_at| Change::Report {
        device: DeviceId(device),
        received_at,
        delivery: Some(Delivery { message_id, token: vec![token], observe, ..delivery(1) }),
        readings: vec![reading("/3/0/9", 1)],
    };
    let places = [
        notified(1, 1, 1, Some(7), START),
        notified(1, 2, 1, Some(9), at(1)),
        notified(1, 3, 2, Some(0x00ff_ffff), at(1)),
        // It began anew.
        notified(1, 4, 2, Some(0), at(2)),
        notified(2, 1, 1, Some(5), at(1)),
        notified(2, 2, 3, None, at(1)),
    ];
    for change in places {
        assert!(!commit(store, [change]).await.duplicate);
    }
    assert!(commit(store, [notified(1, 1, 1, Some(7), at(3))]).await.duplicate, "a copy does not count");
    let token = |byte| ObservationToken::new(&[byte]).unwrap();
    let newest = |number, second| Notified { at: at(second), number };
    let expected = BTreeMap::from([
        (DeviceId(1), BTreeMap::from([(token(1), newest(9, 1)), (token(2), newest(0, 2))])),
        (DeviceId(2), BTreeMap::from([(token(1), newest(5, 1))])),
    ]);
    assert_eq!(store.restore().await.unwrap().notified, expected);
}

/// The newest stay, by when it was so; the latest value stays; other paths are not touched.
pub async fn the_history_is_capped_by_a_purge(store: &dyn Store) {
    register(store, 1).await;
    let cap = i64::try_from(Reading::HISTORY_PER_PATH).unwrap();
    let many = (0..cap + 25).map(|value| reading("/3/0/9", value)).collect();
    let old = Reading { device_time: Some(at(-1)), ..reading("/3/0/9", -1) };
    commit(store, [report(1, at(0), many), report(1, at(1), vec![old, reading("/3/0/13", 1)])]).await;
    store.purge_values(at(2)).await.unwrap();
    let history = store.history(DeviceId(1), path("/3/0/9"), usize::MAX).await.unwrap();
    let expected: Vec<Reading> = (25..cap + 25).rev().map(|value| reading("/3/0/9", value)).collect();
    assert_eq!(plain(&history), expected);
    assert_eq!(latest(store, "/3/0/9").await, [reading("/3/0/9", cap + 24)]);
    assert_eq!(store.history(DeviceId(1), path("/3/0/13"), 10).await.unwrap().len(), 1);
}

/// By number and by days, of the devices of that class; the newest of each path stays, whatever its age.
pub async fn values_are_kept_as_their_class_says(store: &dyn Store) {
    const DAY: i64 = 86_400;
    register(store, 2).await;
    let retention = Retention { days: Some(3), readings: 4 };
    let class = Class { id: ClassId(2), name: "meters".into(), policy: Default::default(), retention };
    let classified = Change::DeviceClassified { device: DeviceId(1), class: ClassId(2) };
    commit(store, [Change::ClassAdded(class.clone()), classified]).await;
    for device in [1, 2] {
        for day in 0..8 {
            commit(store, [report(device, at(day * DAY), vec![reading("/3/0/9", day)])]).await;
        }
        commit(store, [report(device, at(0), vec![reading("/3/0/13", 1), reading("/3/0/13", 2)])]).await;
    }
    let values = async |device, of| {
        let history = store.history(DeviceId(device), path(of), usize::MAX).await.unwrap();
        history.into_iter().map(|stored| stored.reading.value).collect::<Vec<_>>()
    };
    store.purge_values(at(7 * DAY)).await.unwrap();
    assert_eq!(values(1, "/3/0/9").await, [7, 6, 5, 4].map(Value::Integer), "four are kept");
    assert_eq!(values(1, "/3/0/13").await, [Value::Integer(2)], "the newest stays");
    assert_eq!(values(2, "/3/0/9").await.len(), 8, "of another class");
    store.purge_values(at(9 * DAY)).await.unwrap();
    assert_eq!(values(1, "/3/0/9").await, [7, 6].map(Value::Integer), "three days are kept");
    let shorter = Class { retention: Retention { days: Some(1), readings: 1 }, ..class };
    commit(store, [Change::ClassSaved(shorter)]).await;
    store.purge_values(at(99 * DAY)).await.unwrap();
    assert_eq!(values(1, "/3/0/9").await, [Value::Integer(7)]);
    assert_eq!(latest(store, "/3/0/9").await, [reading("/3/0/9", 7)]);
    commit(store, [report(1, at(99 * DAY), vec![reading("/3/0/9", 8)])]).await;
    assert_eq!(values(1, "/3/0/9").await, [8, 7].map(Value::Integer));
}

async fn latest(store: &dyn Store, within: &str) -> Vec<Reading> {
    plain(&store.latest(DeviceId(1), path(within)).await.unwrap())
}

fn delivered(number: i64, message_id: u16, received_at: crate::Timestamp, value: i64) -> Change {
    let readings = vec![reading("/3/0/9", value)];
    Change::Report { device: DeviceId(number), received_at, delivery: Some(delivery(message_id)), readings }
}

fn plain(stored: &[StoredReading]) -> Vec<Reading> {
    stored.iter().map(|stored| stored.reading.clone()).collect()
}
