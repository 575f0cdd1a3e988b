//! Secure sessions that outlive the process.

use std::time::Duration;

use super::{
    claims::{add_claim, new_claim},
    credentials::live,
    *,
};
use crate::{
    Closed, Credential, DiaryCause, GivenPsk, Identity, Purpose, SecureSession, SecureSessionId, SessionState,
};

fn session(number: u64, credential: &Credential) -> SecureSession {
    SecureSession {
        id: SecureSessionId(number),
        identity: Identity {
            credential: credential.id,
            holder: credential.holder,
            purpose: credential.purpose,
        },
        source: Source { listener: ListenerId(0), address: "192.0.2.1:5000".parse().unwrap() },
        reserved: 64,
        received: 1,
        state: SessionState::new([7; 40]),
        began_at: START,
        heard_at: START,
    }
}

fn opened(bench: &Bench, number: u64, credential: &Credential) -> Result<(), Closed> {
    let session = session(number, credential);
    let (identity, from) = (session.identity, session.source.address);
    block_on(bench.fleet.opened(identity, from, Some(session), None, START)).unwrap()
}

fn kept(bench: &Bench) -> Vec<u64> {
    block_on(bench.store.secure_sessions(None, 10)).unwrap().iter().map(|session| session.id.0).collect()
}

#[test]
fn a_session_is_kept_with_the_proof_that_opened_it() {
    let bench = Bench::new();
    let [_, old] = live(&bench, 1);
    let (admin, one) = (context(Role::Administrator), public_id(1));
    opened(&bench, 1, &old).unwrap();
    let new = block_on(bench.fleet.add_credential(&admin, one, Purpose::Management, GivenPsk::default()));
    let new = new.unwrap().credential;
    assert_eq!(kept(&bench), [1]);
    opened(&bench, 2, &new).unwrap();
    assert_eq!(kept(&bench), [2], "what was replaced takes its sessions with it");
    bench.store.set_full(true);
    let session = session(3, &new);
    let from = session.source.address;
    assert!(block_on(bench.fleet.opened(session.identity, from, Some(session), None, START)).is_err());
    bench.store.set_full(false);
    assert_eq!(kept(&bench), [2]);
}

#[test]
fn a_session_is_taken_up_again_only_by_who_may_still_come_in() {
    let bench = Bench::new();
    let [bootstrap, management] = live(&bench, 1);
    opened(&bench, 1, &management).unwrap();
    opened(&bench, 2, &bootstrap).unwrap();
    let found = |id, purpose| {
        let found = block_on(bench.fleet.resumption(SecureSessionId(id), purpose, START)).unwrap();
        found.map(|session| session.id.0)
    };
    assert_eq!(found(1, Purpose::Management), Some(1));
    assert_eq!(found(1, Purpose::Bootstrap), None, "at the other server it is nothing");
    assert_eq!(found(9, Purpose::Management), None);
    let ended = Change::SecureSessionEnded { id: SecureSessionId(1), resumable: true };
    bench.commit(vec![ended]);
    assert_eq!((found(1, Purpose::Management), kept(&bench)), (Some(1), vec![2]));
    let admin = context(Role::Administrator);
    let id = management.public_id;
    block_on(bench.fleet.revoke_credential(&admin, public_id(1), id, "stolen")).unwrap();
    assert_eq!(found(1, Purpose::Management), None);
    assert_eq!(opened(&bench, 3, &management).unwrap_err().cause, DiaryCause::CredentialRevoked);
    assert_eq!(kept(&bench), [2]);
}

#[test]
fn a_session_of_a_claim_ends_with_its_window() {
    let bench = Bench::new();
    let new = new_claim("batch");
    let closes_at = new.closes_at;
    let (_, shown) = add_claim(&bench, new);
    opened(&bench, 1, &shown.credential).unwrap();
    let found =
        |at| block_on(bench.fleet.resumption(SecureSessionId(1), Purpose::Bootstrap, at)).unwrap().is_some();
    assert!(found(START) && !found(closes_at) && !found(closes_at.after(Duration::from_secs(1))));
}
