//! Artefacts, whom classes take them from, and what devices run.

use uuid::Uuid;

use super::fixture::*;
use crate::{
    Artefact, ArtefactChange, ArtefactId, ArtefactKind, Change, Class, ClassId, DeviceId, Fingerprint,
    Installed, KeyAlgorithm, Proof, Sends, Store, SuitProof, UpdateKey, UpdatePolicy, store::PageRequest,
};

fn artefact(number: u8) -> Artefact {
    Artefact {
        id: id(number),
        kind: ArtefactKind::Firmware,
        name: format!("image '{number}'\0"),
        version: "1.4.0☃".into(),
        class: ClassId::DEFAULT,
        size: 9,
        digest: Fingerprint([number; 32]),
        sequence: u64::from(number),
        not_after: None,
        proof: Proof::Unsigned,
        key: None,
        sends: Sends::Image,
        uploaded_by: "Zoë".into(),
        uploaded_at: at(number.into()),
        withdrawn_at: None,
    }
}

fn id(number: u8) -> ArtefactId {
    ArtefactId(Uuid::from_u128(0xaf_0000 + u128::from(number)))
}

fn added(artefact: Artefact) -> Change {
    Change::Artefact(ArtefactChange::Added(Box::new(artefact)))
}

fn key(number: u8) -> UpdateKey {
    UpdateKey {
        class: ClassId::DEFAULT,
        id: Fingerprint([number; 32]),
        name: format!("key {number}"),
        algorithm: KeyAlgorithm::Ed25519,
        public_key: vec![0x30, 0, number],
        added_by: "Zoë".into(),
        added_at: at(number.into()),
        revoked_at: None,
    }
}

fn installed(number: i64, instance: u16, artefact: Option<ArtefactId>) -> Installed {
    Installed {
        device: DeviceId(number),
        kind: ArtefactKind::Firmware,
        instance,
        version: "1.4.0".into(),
        sequence: artefact.map(|_| 7),
        artefact,
        at: at(number),
    }
}

fn runs(installed: Installed) -> Change {
    Change::Artefact(ArtefactChange::Installed(installed))
}

/// Each kind of proof, and every number at its bound.
pub async fn every_artefact_survives(store: &dyn Store) {
    let suit = SuitProof {
        authentication: vec![1],
        manifest: vec![],
        envelope: Fingerprint([9; 32]),
        envelope_size: Artefact::MAX_SEQUENCE,
        image_at: Some(4),
    };
    let beside = SuitProof { image_at: None, ..suit.clone() };
    let all = [
        artefact(1),
        Artefact {
            proof: Proof::Detached(vec![]),
            key: Some(Fingerprint([3; 32])),
            sequence: Artefact::MAX_SEQUENCE,
            not_after: Some(at(9)),
            ..artefact(2)
        },
        Artefact { proof: Proof::Suit(Box::new(suit)), sends: Sends::Envelope, ..artefact(3) },
        Artefact {
            proof: Proof::Suit(Box::new(beside)),
            kind: ArtefactKind::Software,
            withdrawn_at: Some(at(8)),
            ..artefact(4)
        },
    ];
    for one in &all {
        commit(store, [added(one.clone())]).await;
        assert_eq!(store.artefact(one.id).await.unwrap().as_ref(), Some(one));
    }
    let mut blobs = store.artefact_blobs().await.unwrap();
    blobs.sort();
    assert_eq!(blobs, all.iter().map(|one| (one.id, one.blobs())).collect::<Vec<_>>());
    assert_eq!(store.artefact(id(9)).await.unwrap(), None);
    refused(store, [added(artefact(1))]).await;
    refused(store, [added(Artefact { class: ClassId(77), ..artefact(9) })]).await;
}

/// Page by page; two of the same moment too.
pub async fn artefacts_are_listed_newest_first(store: &dyn Store) {
    for number in [2, 1, 3, 4] {
        commit(store, [added(artefact(number))]).await;
    }
    let twin = Artefact { uploaded_at: at(4), ..artefact(5) };
    commit(store, [added(twin)]).await;
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.artefacts(&PageRequest { after, limit: 2 }).await.unwrap();
        listed.extend(page.rows.into_iter().map(|one| one.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, [id(5), id(4), id(3), id(2), id(1)]);
}

/// The first word on when holds; a second end changes nothing.
pub async fn an_artefact_is_withdrawn_once_and_removed(store: &dyn Store) {
    commit(store, [added(artefact(1)), added(artefact(2))]).await;
    let withdrawn = |at| Change::Artefact(ArtefactChange::Withdrawn { id: id(1), at });
    commit(store, [withdrawn(at(5))]).await;
    commit(store, [withdrawn(at(6))]).await;
    assert_eq!(store.artefact(id(1)).await.unwrap().unwrap().withdrawn_at, Some(at(5)));
    let removed = || Change::Artefact(ArtefactChange::Removed(id(1)));
    commit(store, [removed()]).await;
    commit(store, [removed(), withdrawn(at(7))]).await;
    assert_eq!(store.artefact(id(1)).await.unwrap(), None);
    assert_eq!(store.artefact_blobs().await.unwrap().len(), 1);
}

/// As long as nothing was said there is nothing.
pub async fn what_a_class_takes_is_kept_and_replaced(store: &dyn Store) {
    let gateways =
        Class { id: ClassId(5), name: "gateways".into(), ..store.classes().await.unwrap()[0].clone() };
    commit(store, [Change::ClassAdded(gateways)]).await;
    assert_eq!(store.update_policy(ClassId(5)).await.unwrap(), None);
    let full = UpdatePolicy {
        vendor_id: Some(Uuid::from_u128(1)),
        class_id: Some(Uuid::from_u128(u128::MAX)),
        unsigned: true,
        coap: true,
        http: true,
        ..UpdatePolicy::new(ClassId(5))
    };
    for policy in [full, UpdatePolicy::new(ClassId(5))] {
        commit(store, [Change::Artefact(ArtefactChange::PolicySaved(policy.clone()))]).await;
        assert_eq!(store.update_policy(ClassId(5)).await.unwrap(), Some(policy));
    }
    assert_eq!(store.update_policy(ClassId::DEFAULT).await.unwrap(), None);
    refused(store, [Change::Artefact(ArtefactChange::PolicySaved(UpdatePolicy::new(ClassId(77))))]).await;
}

/// Oldest first; a key of no class is a conflict.
pub async fn an_update_key_is_added_once_and_revoked_once(store: &dyn Store) {
    let added = |key| Change::Artefact(ArtefactChange::KeyAdded(key));
    let second = UpdateKey { algorithm: KeyAlgorithm::EcdsaP256, ..key(2) };
    commit(store, [added(second.clone())]).await;
    commit(store, [added(key(1))]).await;
    assert_eq!(store.update_keys(ClassId::DEFAULT).await.unwrap(), [key(1), second.clone()]);
    let revoked = |number, at| {
        let (class, key) = (ClassId::DEFAULT, Fingerprint([number; 32]));
        Change::Artefact(ArtefactChange::KeyRevoked { class, key, at })
    };
    commit(store, [revoked(1, at(7)), revoked(9, at(7))]).await;
    commit(store, [revoked(1, at(8))]).await;
    let ended = UpdateKey { revoked_at: Some(at(7)), ..key(1) };
    assert_eq!(store.update_keys(ClassId::DEFAULT).await.unwrap(), [ended, second]);
    assert_eq!(store.update_keys(ClassId(77)).await.unwrap(), []);
    refused(store, [added(key(1))]).await;
    refused(store, [added(UpdateKey { class: ClassId(77), ..key(3) })]).await;
}

/// What replaces what, and which devices run an artefact, each once.
pub async fn what_a_device_runs_is_known_by_instance(store: &dyn Store) {
    commit(store, (1..=3).map(device).map(Change::DeviceAdded)).await;
    commit(store, [added(artefact(1))]).await;
    let software = Installed { kind: ArtefactKind::Software, ..installed(1, 3, Some(id(1))) };
    commit(store, [runs(software.clone()), runs(installed(1, 0, None))]).await;
    let newer = Installed { version: "2☃".into(), ..installed(1, 0, Some(id(1))) };
    commit(store, [runs(newer.clone()), runs(installed(2, 0, None)), runs(installed(3, 0, Some(id(1))))])
        .await;
    assert_eq!(store.installed(DeviceId(1)).await.unwrap(), [newer.clone(), software.clone()]);
    assert_eq!(store.installed_in(DeviceId(1), ArtefactKind::Software, 3).await.unwrap(), Some(software));
    assert_eq!(store.installed_in(DeviceId(1), ArtefactKind::Software, 0).await.unwrap(), None);
    let named = async |after, limit| {
        let runs = store.runs_artefact(id(1), after, limit).await.unwrap();
        runs.into_iter().map(|one| (one.row.0, one.instance, one.device, one.at)).collect::<Vec<_>>()
    };
    let (first, third) = ((1, 0, public_id(1), at(1)), (3, 0, public_id(3), at(3)));
    assert_eq!(named(None, 9).await, [first, third]);
    assert_eq!(named(None, 1).await, [first]);
    assert_eq!(named(Some(DeviceId(1)), 9).await, [third]);
    assert_eq!(store.artefact_runs(id(1)).await.unwrap(), 2);
    refused(store, [runs(installed(9, 0, None))]).await;
    // What it runs outlives the artefact.
    commit(store, [Change::Artefact(ArtefactChange::Removed(id(1)))]).await;
    assert_eq!(store.installed_in(DeviceId(1), ArtefactKind::Firmware, 0).await.unwrap(), Some(newer));
}

/// Kept with its data if that is kept; it runs nothing any more for the lists.
pub async fn what_a_removed_device_ran_goes_with_its_data(store: &dyn Store) {
    commit(store, (1..=2).map(device).map(Change::DeviceAdded)).await;
    commit(store, [runs(installed(1, 0, Some(id(1)))), runs(installed(2, 0, Some(id(1))))]).await;
    for (number, keep_data) in [(1, true), (2, false)] {
        let device = DeviceId(number);
        commit(store, [Change::DeviceRemoved { device, at: at(9), keep_data }]).await;
        assert_eq!(store.installed(device).await.unwrap().len(), usize::from(keep_data));
    }
    assert_eq!(store.artefact_runs(id(1)).await.unwrap(), 0);
    assert_eq!(store.runs_artefact(id(1), None, 9).await.unwrap(), []);
}
