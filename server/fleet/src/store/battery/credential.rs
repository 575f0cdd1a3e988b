//! Credentials: what opens a session, until when, and what a handshake finds.

use super::fixture::*;
use crate::{
    Change, Credential, CredentialId, CredentialState, DeviceId, Holder, NewCredential, PskIdentity, PskKey,
    Purpose, Registration, Secret, Store,
};

fn proved(number: i64, at_seconds: i64) -> Change {
    Change::CredentialProved { id: CredentialId(number), at: at(at_seconds) }
}

fn ends(number: i64, state: CredentialState, at_seconds: i64) -> Change {
    Change::CredentialEnded { id: CredentialId(number), state, at: at(at_seconds) }
}

async fn state(store: &dyn Store, number: i64) -> CredentialState {
    store.credential_row(CredentialId(number)).await.unwrap().unwrap().0.state
}

/// Every field, whatever bytes are in it, by each way to ask.
pub async fn every_credential_survives(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [Change::ClaimAdded(claim(1))]).await;
    let plain = credential(1, 1);
    let full = Credential {
        holder: Holder::Claim(claim(1).id),
        purpose: Purpose::Bootstrap,
        state: CredentialState::Live,
        identity: PskIdentity::new((0..128).map(|byte| byte * 2).collect::<Vec<u8>>()).unwrap().into(),
        parent: Some(CredentialId(1)),
        valid_from: at(-5),
        valid_to: Some(at(99)),
        created_by: "'; --\0".into(),
        changed_at: at(7),
        last_used_at: Some(at(8)),
        id: CredentialId(i64::MAX),
        ..credential(77, 1)
    };
    for credential in [plain.clone(), full.clone()] {
        let key =
            PskKey::new((credential.purpose as u8 + 1..).step_by(3).take(64).collect::<Vec<u8>>()).unwrap();
        let secret = Secret::Psk(key);
        let new = NewCredential { credential: credential.clone(), secret: secret.clone() };
        commit(store, [Change::CredentialAdded(Box::new(new))]).await;
        let with_key = Some((credential.clone(), secret));
        assert_eq!(store.credential_row(credential.id).await.unwrap(), with_key);
        assert_eq!(store.credential_by_name(&credential.identity).await.unwrap(), with_key);
        assert_eq!(store.credential(credential.public_id).await.unwrap(), Some(credential));
    }
    assert_eq!(store.credentials(DeviceId(1)).await.unwrap(), [plain]);
    assert_eq!(store.claim_credentials(claim(1).id).await.unwrap(), [full]);
    assert_eq!(store.credential_by_name(&identity("nobody")).await.unwrap(), None);
    assert_eq!(store.credential(public_id(1)).await.unwrap(), None);
    assert_eq!(store.credential_row(CredentialId(5)).await.unwrap(), None);
}

/// One row, one public name; and a holder that is there.
pub async fn a_credential_is_unique_and_held_by_somebody(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [adds(&credential(1, 1))]).await;
    refused(store, [adds(&Credential { id: CredentialId(1), ..credential(2, 1) })]).await;
    refused(store, [adds(&Credential { public_id: credential(1, 1).public_id, ..credential(2, 1) })]).await;
    refused(store, [adds(&credential(2, 9))]).await;
    refused(store, [adds(&Credential { holder: Holder::Claim(claim(9).id), ..credential(2, 1) })]).await;
    assert_eq!(store.credentials(DeviceId(1)).await.unwrap().len(), 1);
}

/// Whoever has it, whatever it opens; one that has ended stands in nobody's way.
pub async fn an_identity_opens_one_credential_at_a_time(store: &dyn Store) {
    register(store, 2).await;
    let same = |number, of_device| Credential { identity: identity("same"), ..credential(number, of_device) };
    commit(store, [adds(&same(1, 1))]).await;
    refused(store, [adds(&same(2, 2))]).await;
    refused(store, [adds(&Credential { purpose: Purpose::Bootstrap, ..same(2, 1) })]).await;
    commit(store, [proved(1, 5)]).await;
    refused(store, [adds(&same(2, 2))]).await;
    commit(store, [adds(&Credential { identity: identity("Same"), ..credential(3, 2) })]).await;
    commit(store, [ends(1, CredentialState::Retired, 6), adds(&same(2, 2))]).await;
    assert_eq!(store.credential_by_name(&identity("same")).await.unwrap().unwrap().0.id, CredentialId(2));
}

/// What opens comes before what is newer and does not.
pub async fn an_identity_finds_what_opens_or_else_the_newest_that_did(store: &dyn Store) {
    register(store, 1).await;
    let same = |number| Credential { identity: identity("same"), ..credential(number, 1) };
    for number in 1..=3 {
        commit(store, [adds(&same(number)), ends(number, CredentialState::Revoked, 10 + number)]).await;
        let (found, found_key) = store.credential_by_name(&identity("same")).await.unwrap().unwrap();
        assert_eq!((found.id, found_key), (CredentialId(number), key(number)));
    }
    commit(store, [adds(&Credential { created_at: START, ..same(4) })]).await;
    assert_eq!(store.credential_by_name(&identity("same")).await.unwrap().unwrap().0.id, CredentialId(4));
}

/// By the first handshake, which a second one changes nothing about; one that has ended proves nothing.
pub async fn a_staged_credential_proves_itself_once(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [adds(&credential(1, 1)), adds(&credential(2, 1)), ends(2, CredentialState::Revoked, 3)])
        .await;
    commit(store, [proved(1, 5), proved(1, 6), proved(2, 7), proved(99, 8)]).await;
    let one = store.credential(credential(1, 1).public_id).await.unwrap().unwrap();
    assert_eq!((one.state, one.changed_at), (CredentialState::Live, at(5)));
    assert_eq!(state(store, 2).await, CredentialState::Revoked);
}

/// Retired or revoked; a retired one may be revoked afterwards, and a revoked one stays so.
pub async fn a_credential_ends_once(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [adds(&credential(1, 1)), adds(&credential(2, 1))]).await;
    let (retired, revoked) = (CredentialState::Retired, CredentialState::Revoked);
    commit(store, [ends(1, retired, 5), ends(1, retired, 6), ends(2, revoked, 7), ends(2, retired, 8)]).await;
    commit(store, [ends(99, revoked, 9)]).await;
    let row = async |number: i64| {
        let found = store.credential(credential(number, 1).public_id).await.unwrap().unwrap();
        (found.state, found.changed_at)
    };
    assert_eq!((row(1).await, row(2).await), ((retired, at(5)), (revoked, at(7))));
    commit(store, [ends(1, revoked, 10), ends(1, revoked, 11)]).await;
    assert_eq!(row(1).await, (revoked, at(10)));
}

/// By when they were made.
pub async fn credentials_are_listed_newest_first(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [3, 1, 4, 2].map(|number| adds(&credential(number, 1)))).await;
    commit(store, [adds(&credential(5, 2)), ends(3, CredentialState::Retired, 9)]).await;
    let found = store.credentials(DeviceId(1)).await.unwrap();
    assert_eq!(found.iter().map(|one| one.id.0).collect::<Vec<_>>(), [4, 3, 2, 1]);
}

/// A batch may name one twice, or one that is not there.
pub async fn the_last_use_never_goes_back(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [adds(&credential(1, 1)), adds(&credential(2, 1))]).await;
    let used = |uses: &[(i64, i64)]| {
        Change::CredentialsUsed(
            uses.iter().map(|&(number, seconds)| (CredentialId(number), at(seconds))).collect(),
        )
    };
    commit(store, [used(&[(1, 5), (9, 5), (1, 7), (1, 6)]), used(&[])]).await;
    commit(store, [used(&[(1, 3)])]).await;
    let last = async |number: i64| {
        store.credential(credential(number, 1).public_id).await.unwrap().unwrap().last_used_at
    };
    assert_eq!((last(1).await, last(2).await), (Some(at(7)), None));
}

/// From the first one on, and as long as one of them opens sessions. Who ever held one is remembered for a start.
pub async fn a_device_is_secured_while_a_credential_opens_sessions(store: &dyn Store) {
    register(store, 3).await;
    commit(store, [adds(&credential(1, 1)), adds(&credential(2, 1)), adds(&credential(3, 2))]).await;
    let secured =
        async || [view(store, 1).await.secured, view(store, 2).await.secured, view(store, 3).await.secured];
    assert_eq!(secured().await, [true, true, false]);
    commit(store, [ends(1, CredentialState::Revoked, 5), ends(3, CredentialState::Retired, 5)]).await;
    assert_eq!(secured().await, [true, false, false]);
    let retired = Credential { state: CredentialState::Retired, ..credential(4, 3) };
    commit(store, [ends(2, CredentialState::Retired, 6), adds(&retired)]).await;
    assert_eq!(secured().await, [false, false, false]);
    assert_eq!(store.restore().await.unwrap().secured, [1, 2, 3].map(DeviceId).into());
    // Added and ended in one commit, and added with its device.
    commit(
        store,
        [
            adds(&credential(5, 1)),
            ends(5, CredentialState::Revoked, 7),
            adds(&credential(6, 2)),
            Change::DeviceAdded(device(4)),
            adds(&credential(7, 4)),
        ],
    )
    .await;
    assert_eq!(secured().await, [false, true, false]);
    assert!(view(store, 4).await.secured);
}

/// What a registration was made with comes back with it.
pub async fn a_registration_says_what_its_sender_has_proved(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [adds(&credential(7, 1))]).await;
    let secured = Registration { credential: Some(CredentialId(7)), ..registration(1) };
    commit(store, [Change::Registered(Box::new(secured.clone()))]).await;
    assert_eq!(view(store, 1).await.registration, Some(secured.clone()));
    assert_eq!(store.restore().await.unwrap().registrations, [secured]);
}

/// Many devices with their credentials are one commit, which is refused as a whole if one of them is there already.
pub async fn many_devices_are_added_at_one_time_or_none(store: &dyn Store) {
    let batch = |from: i64| {
        let one = |number| [Change::DeviceAdded(device(number)), adds(&credential(number, number))];
        (from..from + 700).flat_map(one).collect::<Vec<_>>()
    };
    commit(store, batch(1)).await;
    let mut taken = batch(1_001);
    taken.push(adds(&Credential { identity: identity("identity-5"), ..credential(9_000, 1_001) }));
    refused(store, taken).await;
    refused(store, batch(600)).await;
    let restored = store.restore().await.unwrap();
    assert_eq!((restored.devices.len(), restored.secured.len()), (700, 700));
    assert_eq!(store.overview().await.unwrap().awaited, 700);
    assert_eq!(store.credential_by_name(&identity("identity-1500")).await.unwrap(), None);
    commit(store, batch(1_001)).await;
    let found = store.credential_by_name(&identity("identity-1500")).await.unwrap();
    assert_eq!(found, Some((credential(1_500, 1_500), key(1_500))));
}

/// What is there of the names of an import, removed devices and ended credentials too.
pub async fn an_import_finds_what_is_there(store: &dyn Store) {
    register(store, 3).await;
    commit(store, (1..=3).map(|number| adds(&credential(number, number)))).await;
    commit(store, [Change::DeviceRemoved { device: DeviceId(2), at: at(9), keep_data: true }]).await;
    let names = [1, 2, 7].map(|number| device(number).endpoint);
    let identities = ["identity-1", "identity-2", "identity-8"].map(identity);
    let mut known = store.enrolled(&names, &identities).await.unwrap();
    known.devices.sort_by_key(|device| device.id);
    known.credentials.sort_by_key(|(credential, _)| credential.id);
    let devices: Vec<i64> = known.devices.iter().map(|device| device.id.0).collect();
    assert_eq!((devices, known.devices[1].removed_at), (vec![1, 2], Some(at(9))));
    assert_eq!(known.credentials[0], (credential(1, 1), key(1)));
    assert_eq!((known.credentials.len(), known.credentials[1].0.state), (2, CredentialState::Revoked));
    assert_eq!(store.enrolled(&[], &[]).await.unwrap(), Default::default());
}
