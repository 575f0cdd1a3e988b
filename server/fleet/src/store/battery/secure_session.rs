//! Secure sessions: kept with what opened them, only ever forward, and gone with their credential.

use super::fixture::*;
use crate::{
    Change, Credential, CredentialId, CredentialState, DeviceId, Holder, Identity, Purpose, SecureSession,
    SecureSessionId, SessionMark, SessionState, Source, Store,
};

/// A session of a credential, which is that of the same device.
fn session(number: u64, credential: i64) -> SecureSession {
    SecureSession {
        id: SecureSessionId(number),
        identity: Identity {
            credential: CredentialId(credential),
            holder: Holder::Device(DeviceId(credential)),
            purpose: Purpose::Management,
        },
        source: source(1),
        reserved: 64,
        received: 3,
        state: SessionState::new(number.to_be_bytes()),
        began_at: START,
        heard_at: START,
    }
}

fn opens(session: &SecureSession) -> Change {
    Change::SecureSessionOpened(Box::new(session.clone()))
}

fn mark(number: u64, received: u64, source: Source, at_seconds: i64) -> SessionMark {
    SessionMark { id: SecureSessionId(number), received, source, is_certain: true, at: at(at_seconds) }
}

fn over(number: u64, resumable: bool) -> Change {
    Change::SecureSessionEnded { id: SecureSessionId(number), resumable }
}

/// Devices 1 to `count`, each with a credential of its number.
async fn devices(store: &dyn Store, count: i64) {
    register(store, count).await;
    commit(store, (1..=count).map(|number| adds(&credential(number, number)))).await;
}

async fn live(store: &dyn Store) -> Vec<u64> {
    store.secure_sessions(None, 100).await.unwrap().iter().map(|session| session.id.0).collect()
}

/// Every field, at its bounds, whoever it belongs to.
pub async fn every_secure_session_survives(store: &dyn Store) {
    devices(store, 1).await;
    let of_claim =
        Credential { holder: Holder::Claim(claim(1).id), purpose: Purpose::Bootstrap, ..credential(2, 1) };
    commit(store, [Change::ClaimAdded(claim(1)), adds(&of_claim)]).await;
    let six = Source { address: "[2001:db8::7]:1".parse().unwrap(), ..source(1) };
    let full = SecureSession {
        identity: Identity { credential: of_claim.id, holder: of_claim.holder, purpose: of_claim.purpose },
        source: six,
        reserved: (1 << 48) - 1,
        received: (1 << 48) - 1,
        state: SessionState::new(vec![0xff; SessionState::MAX_BYTES]),
        began_at: at(-5),
        heard_at: at(99),
        ..session(u64::MAX, 1)
    };
    let plain = session(0, 1);
    commit(store, [opens(&plain), opens(&full)]).await;
    assert_eq!(store.secure_session(plain.id).await.unwrap().as_ref(), Some(&plain));
    assert_eq!(store.secure_session(full.id).await.unwrap().as_ref(), Some(&full));
    assert_eq!(store.secure_sessions(None, 9).await.unwrap(), [plain, full]);
    assert_eq!(store.secure_session(SecureSessionId(7)).await.unwrap(), None);
}

/// By their names as numbers without a sign; each on one page.
pub async fn secure_sessions_are_read_page_by_page(store: &dyn Store) {
    devices(store, 1).await;
    let names = [1, 5, (1 << 63) - 1, 1 << 63, u64::MAX];
    commit(store, names.iter().rev().map(|number| opens(&session(*number, 1)))).await;
    let mut found: Vec<u64> = Vec::new();
    loop {
        let after = found.last().copied().map(SecureSessionId);
        let page = store.secure_sessions(after, 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        found.extend(page.iter().map(|session| session.id.0));
    }
    assert_eq!(found, names);
}

/// What was revoked while a handshake was under way opens nothing.
pub async fn a_secure_session_needs_a_credential_that_opens(store: &dyn Store) {
    devices(store, 2).await;
    commit(store, [opens(&session(1, 1))]).await;
    refused(store, [opens(&session(1, 2))]).await;
    refused(store, [opens(&session(2, 99))]).await;
    let (id, state) = (CredentialId(2), CredentialState::Revoked);
    commit(store, [Change::CredentialEnded { id, state, at: at(5) }]).await;
    refused(store, [opens(&session(3, 2))]).await;
    assert_eq!(live(store).await, [1]);
}

/// Numbers that were used are never free again, and what comes late changes nothing.
pub async fn a_secure_session_only_goes_forward(store: &dyn Store) {
    devices(store, 1).await;
    commit(store, [opens(&session(1, 1))]).await;
    let found = async || store.secure_session(SecureSessionId(1)).await.unwrap().unwrap();
    let elsewhere = SessionMark { is_certain: false, ..mark(1, 9, source(4), 10) };
    let marks =
        vec![mark(1, 9, source(2), 10), mark(77, 9, source(2), 10), mark(1, 8, source(3), 20), elsewhere];
    commit(store, [Change::SecureSessionsHeard(marks)]).await;
    commit(store, [Change::SecureSessionsHeard(vec![elsewhere])]).await;
    let heard = SecureSession { received: 9, source: source(2), heard_at: at(10), ..session(1, 1) };
    assert_eq!(found().await, heard);
    commit(store, [Change::SecureSessionsHeard(vec![mark(1, 9, source(4), 5)])]).await;
    assert_eq!(found().await, SecureSession { source: source(4), ..heard.clone() }, "no clock is put back");
    let reserve = |number, upto| Change::SecureSessionReserved { id: SecureSessionId(number), upto };
    commit(store, [reserve(1, 128), reserve(1, 100), reserve(77, 5)]).await;
    assert_eq!(found().await.reserved, 128);
    commit(
        store,
        (0..3).map(|number| Change::SecureSessionsHeard(vec![mark(1, 20 + number, source(5), 30)])),
    )
    .await;
    assert_eq!((found().await.received, found().await.heard_at), (22, at(30)));
}

/// Each start sets all numbers aside that may have been used since they were last written.
pub async fn a_start_raises_what_is_reserved(store: &dyn Store) {
    devices(store, 1).await;
    commit(store, [opens(&session(1, 1)), opens(&session(2, 1)), over(2, true)]).await;
    store.begin_sessions(64).await.unwrap();
    store.begin_sessions(10).await.unwrap();
    assert_eq!(store.secure_sessions(None, 9).await.unwrap()[0].reserved, 64 + 64 + 10);
    let kept = store.secure_session(SecureSessionId(2)).await.unwrap().unwrap();
    assert_eq!(kept.reserved, 64, "one that is only resumed has new keys");
}

/// Or is kept to be resumed; not for ever either.
pub async fn a_secure_session_ends(store: &dyn Store) {
    devices(store, 1).await;
    commit(store, (1..=4).map(|number| opens(&session(number, 1)))).await;
    commit(store, [over(1, false), over(2, true), over(99, true)]).await;
    assert_eq!(live(store).await, [3, 4]);
    assert_eq!(store.secure_session(SecureSessionId(1)).await.unwrap(), None);
    assert!(store.secure_session(SecureSessionId(2)).await.unwrap().is_some());
    commit(store, [over(2, false)]).await;
    assert_eq!(store.secure_session(SecureSessionId(2)).await.unwrap(), None);
    let kept = i64::try_from(SecureSession::KEPT.as_secs()).unwrap();
    commit(store, [over(3, true), Change::SecureSessionsHeard(vec![mark(4, 9, source(1), 100)])]).await;
    store.purge(at(kept - 1)).await.unwrap();
    assert!(store.secure_session(SecureSessionId(3)).await.unwrap().is_some());
    store.purge(at(kept + 1)).await.unwrap();
    assert_eq!(store.secure_session(SecureSessionId(3)).await.unwrap(), None);
    assert_eq!(live(store).await, [4], "it was heard later");
    store.purge(at(kept + 101)).await.unwrap();
    assert_eq!(live(store).await, [] as [u64; 0]);
}

/// In the same transaction, live or kept to be resumed: however the credential ends.
pub async fn secure_sessions_are_gone_with_their_credential(store: &dyn Store) {
    devices(store, 5).await;
    let of = |number: u64| opens(&session(number, i64::try_from(number).unwrap()));
    commit(store, (1..=5).map(of)).await;
    commit(store, [opens(&session(11, 1)), over(11, true)]).await;
    let ends = |number, state| Change::CredentialEnded { id: CredentialId(number), state, at: at(5) };
    commit(store, [ends(1, CredentialState::Revoked), ends(2, CredentialState::Retired)]).await;
    assert_eq!(live(store).await, [3, 4, 5]);
    assert_eq!(store.secure_session(SecureSessionId(11)).await.unwrap(), None);
    commit(store, [Change::DeviceRemoved { device: DeviceId(3), at: at(6), keep_data: true }]).await;
    commit(store, [Change::DeviceRemoved { device: DeviceId(4), at: at(6), keep_data: false }]).await;
    assert_eq!(live(store).await, [5]);
    commit(store, [Change::SecureSessionsDropped(vec![CredentialId(5), CredentialId(99)])]).await;
    assert_eq!(live(store).await, [] as [u64; 0]);
    commit(store, [opens(&session(6, 5))]).await;
    assert_eq!(live(store).await, [6], "the credential is as good as before");
}
