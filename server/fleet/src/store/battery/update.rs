//! Updates: how they begin, go on and end, and how long they are kept.

use std::time::Duration;

use objects::InstanceId;
use uuid::Uuid;

use super::fixture::*;
use crate::{
    ArtefactId, Change, DeviceId, OperationId, Store, Timestamp,
    store::{ENDED_UPDATE_KEPT, ENDED_UPDATES_PER_DEVICE},
    update::{
        Ask, Delivery, DownloadDigest, Package, Update, UpdateChange, UpdateId, UpdateNote, UpdatePhase,
        UpdateTarget, UpdateTerms, VersionAt,
    },
};

/// Updates are ordered by their ids, so by their numbers.
pub(super) fn update_id(number: i64) -> UpdateId {
    UpdateId(operation_id(number).0)
}

pub(super) fn artefact(number: u128) -> ArtefactId {
    ArtefactId(Uuid::from_u128(0xa_0000 + number))
}

/// One that waits for a device, of its firmware with the first artefact.
pub(super) fn update(number: i64, of_device: i64) -> Update {
    let package =
        Package { artefact: artefact(1), version: "2.0".into(), size: 4_096, target: UpdateTarget::Firmware };
    let device = (DeviceId(of_device), public_id(of_device));
    Update {
        requested_by: "Zoë".into(),
        due_at: at(number + 60),
        ..Update::begins(update_id(number), at(number), request(7), device, package)
    }
}

/// One of a device's software, of which it can have many.
pub(super) fn software(number: i64, of_device: i64) -> Update {
    let instance = InstanceId(u16::try_from(number).unwrap());
    Update { target: UpdateTarget::Software(instance), ..update(number, of_device) }
}

pub(super) fn begun(update: &Update) -> Change {
    Change::Update(UpdateChange::Begun(Box::new(update.clone())))
}

pub(super) fn saved(update: &Update) -> Change {
    Change::Update(UpdateChange::Saved(Box::new(update.clone())))
}

fn progressed(progress: impl IntoIterator<Item = (i64, u64, Timestamp)>) -> Change {
    let progress = progress.into_iter().map(|(number, sent, at)| (update_id(number), sent, at));
    Change::Update(UpdateChange::Progressed(progress.collect()))
}

pub(super) fn in_phase(update: Update, phase: UpdatePhase) -> Update {
    let ended_at = phase.is_final().then(|| Timestamp(update.since.0 + 1_000));
    Update { phase, ended_at, ..update }
}

async fn found(store: &dyn Store, number: i64) -> Option<Update> {
    store.update(update_id(number)).await.unwrap()
}

async fn numbers(store: &dyn Store, count: i64) -> Vec<i64> {
    let mut numbers = Vec::new();
    for number in 1..=count {
        numbers.extend(found(store, number).await.map(|_| number));
    }
    numbers
}

/// Every field with every kind of content, at its widest.
pub async fn every_update_survives(store: &dyn Store) {
    let updates = every_update();
    register(store, i64::try_from(updates.len()).unwrap()).await;
    assert_eq!(found(store, 1).await, None);
    commit(store, updates.iter().map(begun)).await;
    for update in &updates {
        assert_eq!(store.update(update.id).await.unwrap().as_ref(), Some(update));
    }
    // And as what they become.
    let (first, rest) = updates.split_first().unwrap();
    for (update, like) in rest.iter().zip(rest.iter().skip(1)).filter(|(update, _)| !update.has_ended()) {
        let Update { id, device, device_public_id, .. } = update.clone();
        let became = Update { id, device, device_public_id, ..like.clone() };
        commit(store, [saved(&became)]).await;
        let kept = Update {
            cancelling: became.cancelling || update.cancelling,
            rested: became.rested || update.rested,
            ..became
        };
        assert_eq!(store.update(id).await.unwrap(), Some(kept));
    }
    assert_eq!(store.update(first.id).await.unwrap().as_ref(), Some(first), "of its name only");
}

/// Under one name, of a device that is there, and for a target of it for which none goes on; also among those of one commit.
pub async fn an_update_is_begun_once(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [begun(&update(1, 1)), begun(&software(2, 1)), begun(&software(3, 1))]).await;
    refused(store, [begun(&update(1, 2))]).await;
    refused(store, [begun(&update(4, 1))]).await;
    refused(store, [begun(&Update { target: software(3, 1).target, ..update(4, 1) })]).await;
    refused(store, [begun(&in_phase(update(4, 1), UpdatePhase::Refused))]).await;
    refused(store, [begun(&update(4, 9))]).await;
    refused(store, [begun(&update(4, 2)), begun(&update(5, 2))]).await;
    assert_eq!(numbers(store, 5).await, [1, 2, 3]);
    commit(store, [saved(&in_phase(update(1, 1), UpdatePhase::Failed)), begun(&update(4, 1))]).await;
    commit(store, [begun(&in_phase(update(5, 2), UpdatePhase::Refused)), begun(&update(6, 2))]).await;
    refused(store, [begun(&update(5, 2))]).await;
    assert_eq!(numbers(store, 6).await, [1, 2, 3, 4, 5, 6]);
}

/// What comes after the end, or for one that is not there, changes nothing and is no conflict.
pub async fn an_update_goes_on_and_ends_once(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [begun(&update(1, 1)), begun(&update(2, 2))]).await;
    let mut going = Update { sent: 5, due_at: at(99), asking: asking(Ask::Push), ..update(1, 1) };
    for phase in [UpdatePhase::Delivering, UpdatePhase::Waiting, UpdatePhase::Installing] {
        going = Update { attempt: going.attempt + 1, ..in_phase(going, phase) };
        commit(store, [saved(&going)]).await;
        assert_eq!(found(store, 1).await.as_ref(), Some(&going));
    }
    let end = Update { asking: None, ..in_phase(going.clone(), UpdatePhase::Succeeded) };
    commit(store, [saved(&end), saved(&going), saved(&in_phase(going, UpdatePhase::Failed))]).await;
    commit(store, [progressed([(1, 77, at(70)), (9, 77, at(70))])]).await;
    for change in [UpdateChange::Cancelling, UpdateChange::Rested] {
        commit(store, [Change::Update(change(update_id(1))), Change::Update(change(update_id(9)))]).await;
    }
    commit(store, [saved(&update(9, 1))]).await;
    assert_eq!(found(store, 1).await, Some(end));
    assert_eq!(found(store, 2).await, Some(update(2, 2)));
    assert_eq!(found(store, 9).await, None);
}

/// Whoever goes on with it without knowing does not undo it.
pub async fn what_somebody_wants_of_an_update_stays(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [begun(&update(1, 1)), begun(&update(2, 2))]).await;
    commit(store, [Change::Update(UpdateChange::Cancelling(update_id(1)))]).await;
    commit(store, [Change::Update(UpdateChange::Rested(update_id(2)))]).await;
    let [one, other] = [update(1, 1), update(2, 2)].map(|update| in_phase(update, UpdatePhase::Delivering));
    commit(store, [saved(&one), saved(&other)]).await;
    assert_eq!(found(store, 1).await, Some(Update { cancelling: true, ..one.clone() }));
    assert_eq!(found(store, 2).await, Some(Update { rested: true, ..other.clone() }));
    let end = in_phase(other, UpdatePhase::Cancelled);
    commit(store, [saved(&Update { rested: true, ..one.clone() }), saved(&end)]).await;
    assert_eq!(found(store, 1).await, Some(Update { cancelling: true, rested: true, ..one }));
    assert_eq!(found(store, 2).await, Some(Update { rested: true, ..end }));
}

/// However many come together; the last word on one counts.
pub async fn progress_is_written_in_batches(store: &dyn Store) {
    register(store, 3).await;
    commit(store, (1..=3).map(|number| begun(&update(number, number)))).await;
    let strangers = (10..11_000).map(|number| (number, 1, at(1)));
    let ours = [(1, 10, at(5)), (3, u64::MAX, at(6)), (1, 20, at(7))];
    commit(store, [progressed(ours[..2].iter().copied().chain(strangers).chain([ours[2]])), progressed([])])
        .await;
    assert_eq!(found(store, 1).await, Some(Update { sent: 20, progress_at: at(7), ..update(1, 1) }));
    assert_eq!(found(store, 2).await, Some(update(2, 2)));
    let third = Update { sent: u64::MAX, progress_at: at(6), ..update(3, 3) };
    assert_eq!(found(store, 3).await, Some(third));
    commit(store, [progressed([(3, 0, at(8))])]).await;
    assert_eq!(found(store, 3).await, Some(Update { sent: 0, progress_at: at(8), ..update(3, 3) }));
}

/// A year after the end; what has not ended stays however old it is.
pub async fn ended_updates_are_dropped_in_time(store: &dyn Store) {
    register(store, 1).await;
    for (number, phase) in [(1, UpdatePhase::Succeeded), (2, UpdatePhase::Failed)] {
        let ended = Update { ended_at: Some(at(number * 10)), ..in_phase(software(number, 1), phase) };
        commit(store, [begun(&software(number, 1)), saved(&ended)]).await;
    }
    commit(store, [begun(&software(3, 1))]).await;
    store.purge(Timestamp(at(10).after(ENDED_UPDATE_KEPT).0 - 1)).await.unwrap();
    assert_eq!(numbers(store, 3).await, [1, 2, 3]);
    store.purge(at(10).after(ENDED_UPDATE_KEPT)).await.unwrap();
    assert_eq!(numbers(store, 3).await, [2, 3]);
    store.purge(START.after(ENDED_UPDATE_KEPT * 100)).await.unwrap();
    assert_eq!(found(store, 3).await, Some(software(3, 1)));
    assert_eq!(numbers(store, 3).await, [3]);
}

/// Of each device; what goes on is none of them.
pub async fn the_newest_ended_updates_of_a_device_are_kept(store: &dyn Store) {
    register(store, 2).await;
    let kept = i64::try_from(ENDED_UPDATES_PER_DEVICE).unwrap();
    commit(store, [begun(&software(1, 1)), begun(&software(2, 2)), begun(&software(3, 1))]).await;
    let end = |number, device| in_phase(software(number, device), UpdatePhase::Failed);
    commit(store, [saved(&end(2, 2))]).await;
    for number in 4..=kept + 4 {
        commit(store, [begun(&software(number, 1)), saved(&end(number, 1))]).await;
    }
    let all: Vec<i64> = (1..=kept + 4).collect();
    assert_eq!(numbers(store, kept + 4).await, [&all[..3], &all[4..]].concat(), "the fourth has gone");
    // An older one that ends late is not one of the newest.
    commit(store, [saved(&end(3, 1))]).await;
    assert_eq!(numbers(store, kept + 4).await, [&all[..2], &all[4..]].concat());
    // One that had ended when it was begun is.
    let refused = in_phase(software(kept + 5, 1), UpdatePhase::Refused);
    commit(store, [begun(&refused)]).await;
    let expected: Vec<i64> = [1, 2].into_iter().chain(6..=kept + 5).collect();
    assert_eq!(numbers(store, kept + 5).await, expected);
    let counts = store.update_counts(None).await.unwrap();
    assert_eq!(
        counts[&UpdatePhase::Failed] + counts[&UpdatePhase::Refused],
        u64::try_from(kept).unwrap() + 1
    );
}

/// Those of a removed device go with what it left, or stay with it.
pub async fn a_removal_keeps_or_deletes_updates(store: &dyn Store) {
    register(store, 3).await;
    let ended = in_phase(software(4, 1), UpdatePhase::Succeeded);
    commit(store, (1..=3).map(|number| begun(&update(number, number)))).await;
    commit(store, [begun(&ended), begun(&Update { id: update_id(5), device: DeviceId(2), ..ended.clone() })])
        .await;
    for (number, keep_data) in [(1, true), (2, false)] {
        let device = DeviceId(number);
        commit(store, [Change::DeviceRemoved { device, at: at(50), keep_data }]).await;
    }
    assert_eq!(numbers(store, 5).await, [1, 3, 4]);
    assert_eq!(found(store, 4).await, Some(ended));
}

pub(super) fn asking(ask: Ask) -> Option<(OperationId, Ask)> {
    Some((operation_id(70), ask))
}

fn every_update() -> Vec<Update> {
    let wide = UpdateTerms {
        delivery: Delivery::Pull,
        resume: false,
        block_bytes: 16,
        attempts: UpdateTerms::MAX_ATTEMPTS,
        severity: Some(2),
        defer_up_to: Some(UpdateTerms::MAX_TIME),
        version_at: VersionAt::Package,
        quiet: Duration::ZERO,
        download_within: UpdateTerms::MAX_TIME,
        install_within: Duration::from_millis(1),
        give_up_after: UpdateTerms::MAX_TIME,
        again: true,
    };
    let hostile = "\0 \"☃'; -- \\0";
    let note = |number: i64| UpdateNote { at: at(number), text: format!("{hostile} {number}") };
    let mut updates = vec![
        update(1, 1),
        Update {
            artefact: ArtefactId(Uuid::from_u128(u128::MAX)),
            version: hostile.into(),
            size: u64::MAX,
            target: UpdateTarget::Software(InstanceId(65_534)),
            terms: wide.clone(),
            requested_by: hostile.into(),
            ticket: Some(hostile.into()),
            due_at: Timestamp(i64::MAX),
            attempt: u8::MAX,
            mark: Timestamp(i64::MIN),
            asking: asking(Ask::Look),
            unanswered: u8::MAX,
            prepared: u8::MAX,
            delivered: true,
            sent: u64::MAX,
            installed_at: Some(at(3)),
            version_at: Some(at(4)),
            restarts: u8::MAX,
            version_before: Some(hostile.into()),
            result: Some(u8::MAX),
            cancelling: true,
            download: Some(DownloadDigest([0xfe; 16])),
            detail: "ü".repeat(Update::MAX_TEXT / 2),
            notes: (0..40).map(note).collect(),
            ..update(2, 2)
        },
        Update {
            target: UpdateTarget::Software(InstanceId(0)),
            ticket: Some(String::new()),
            version_before: Some(String::new()),
            result: Some(0),
            rested: true,
            notes: vec![UpdateNote { at: at(1), text: String::new() }],
            ..update(3, 3)
        },
    ];
    let mut add = |change: &dyn Fn(Update) -> Update| {
        let number = i64::try_from(updates.len()).unwrap() + 1;
        updates.push(change(update(number, number)));
    };
    for phase in UpdatePhase::ALL {
        add(&|update| in_phase(update, phase));
    }
    for ask in Ask::ALL {
        add(&|update| Update { asking: asking(ask), ..update });
    }
    for delivery in Delivery::ALL {
        add(&|update| Update { terms: UpdateTerms { delivery, ..wide.clone() }, ..update });
    }
    for version_at in VersionAt::ALL {
        add(&|update| Update { terms: UpdateTerms { version_at, ..UpdateTerms::default() }, ..update });
    }
    updates
}
