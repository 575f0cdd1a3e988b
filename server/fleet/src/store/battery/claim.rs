//! Claims: a quota that nobody goes beyond, and one use for each device.

use futures::future::join_all;

use super::fixture::*;
use crate::{Change, Claim, ClaimId, Claimed, ClassId, DeviceId, Store, StoreError};

fn uses(claim: i64, number: i64, seconds: i64) -> Claimed {
    Claimed {
        claim: ClaimId(claim),
        device: DeviceId(number),
        endpoint: device(number).endpoint,
        at: at(seconds),
        again_until: None,
    }
}

fn used(claim: i64, number: i64, seconds: i64) -> Change {
    Change::ClaimUsed(uses(claim, number, seconds))
}

async fn count(store: &dyn Store, number: i64) -> u32 {
    store.claim(ClaimId(number)).await.unwrap().unwrap().used
}

/// Every field; by its row, its public name and in the list.
pub async fn every_claim_survives(store: &dyn Store) {
    let full = Claim {
        name: "' batch \0 ☃".into(),
        quota: Claim::MAX_QUOTA,
        used: 7,
        opens_at: at(-9),
        closes_at: at(i64::from(u32::MAX)),
        closed: true,
        id: ClaimId(i64::MAX),
        ..claim(77)
    };
    commit(store, [Change::ClaimAdded(claim(1)), Change::ClaimAdded(full.clone())]).await;
    for claim in [claim(1), full] {
        assert_eq!(store.claim(claim.id).await.unwrap().as_ref(), Some(&claim));
        assert_eq!(store.claim_by_public_id(claim.public_id).await.unwrap(), Some(claim));
    }
    assert_eq!(store.claim(ClaimId(9)).await.unwrap(), None);
    assert_eq!(store.claim_by_public_id(public_id(9)).await.unwrap(), None);
}

/// By row, public name and name; and its class is there.
pub async fn a_claim_is_unique(store: &dyn Store) {
    commit(store, [Change::ClaimAdded(claim(1))]).await;
    refused(store, [Change::ClaimAdded(Claim { id: ClaimId(1), ..claim(2) })]).await;
    refused(store, [Change::ClaimAdded(Claim { public_id: claim(1).public_id, ..claim(2) })]).await;
    refused(store, [Change::ClaimAdded(Claim { name: claim(1).name, ..claim(2) })]).await;
    refused(store, [Change::ClaimAdded(Claim { class: ClassId(9), ..claim(2) })]).await;
}

/// Page by page, by when they were made.
pub async fn claims_are_listed_newest_first(store: &dyn Store) {
    commit(store, [3, 1, 5, 2, 4].map(|number| Change::ClaimAdded(claim(number)))).await;
    for limit in [1, 2, 9] {
        let found = all_pages(limit, async |page| store.claims(&page).await).await;
        assert_eq!(found, [5, 4, 3, 2, 1].map(claim), "limit {limit}");
    }
}

/// The device and its use of the claim are one commit; one too many is refused with all that came with it.
pub async fn a_quota_is_used_up_and_never_gone_beyond(store: &dyn Store) {
    commit(store, [Change::ClaimAdded(claim(1))]).await;
    for number in [1, 2] {
        commit(store, [Change::DeviceAdded(device(number)), used(1, number, 5)]).await;
    }
    refused(store, [Change::DeviceAdded(device(3)), used(1, 3, 6)]).await;
    assert_eq!((count(store, 1).await, store.device(public_id(3)).await.unwrap()), (2, None));
    assert_eq!(store.claimed(ClaimId(1), &device(2).endpoint).await.unwrap(), Some(uses(1, 2, 5)));
    assert_eq!(store.claimed(ClaimId(1), &device(3).endpoint).await.unwrap(), None);
    refused(store, [used(9, 1, 7)]).await;
    refused(store, [Change::ClaimAdded(claim(2)), used(2, 9, 7)]).await;
}

/// As many as there is room for get in, however many come at one time.
pub async fn a_quota_holds_among_concurrent_claims(store: &dyn Store) {
    commit(store, [Change::ClaimAdded(Claim { quota: 7, ..claim(1) })]).await;
    let commits =
        (1..=30).map(|number| store.commit(of([Change::DeviceAdded(device(number)), used(1, number, 5)])));
    let outcomes = join_all(commits).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 7);
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == Err(StoreError::Conflict)));
    assert_eq!((count(store, 1).await, store.restore().await.unwrap().devices.len()), (7, 7));
}

/// Only with an approval, which holds until its time and is used up; the quota is not asked again.
pub async fn a_second_claim_needs_an_approval(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [Change::ClaimAdded(claim(1)), used(1, 1, 5), used(1, 2, 5)]).await;
    refused(store, [used(1, 1, 6)]).await;
    let approve = |number| Change::ClaimAgain { claim: ClaimId(1), device: DeviceId(number), until: at(100) };
    commit(store, [approve(1), approve(2), approve(9)]).await;
    let approved = Claimed { again_until: Some(at(100)), ..uses(1, 1, 5) };
    assert_eq!(store.claimed(ClaimId(1), &device(1).endpoint).await.unwrap(), Some(approved));
    commit(store, [used(1, 1, 99)]).await;
    assert_eq!(store.claimed(ClaimId(1), &device(1).endpoint).await.unwrap(), Some(uses(1, 1, 99)));
    refused(store, [used(1, 1, 99)]).await;
    refused(store, [used(1, 2, 100)]).await;
    assert_eq!(count(store, 1).await, 2);
}

/// By hand, and once and for all.
pub async fn a_claim_is_closed_by_hand(store: &dyn Store) {
    commit(store, [Change::ClaimAdded(claim(1)), Change::ClaimAdded(claim(2))]).await;
    commit(
        store,
        [Change::ClaimClosed(ClaimId(1)), Change::ClaimClosed(ClaimId(1)), Change::ClaimClosed(ClaimId(9))],
    )
    .await;
    let closed = async |number| store.claim(ClaimId(number)).await.unwrap().unwrap().closed;
    assert_eq!((closed(1).await, closed(2).await), (true, false));
}

/// By which claims a device came, the last one first.
pub async fn a_device_knows_its_claims(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [1, 2, 3].map(|number| Change::ClaimAdded(claim(number)))).await;
    commit(store, [used(2, 1, 5), used(1, 1, 9), used(3, 2, 6)]).await;
    assert_eq!(store.claimed_by(DeviceId(1)).await.unwrap(), [uses(1, 1, 9), uses(2, 1, 5)]);
    assert_eq!(store.claimed_by(DeviceId(7)).await.unwrap(), []);
}
