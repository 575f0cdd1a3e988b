//! Secure sessions: as in memory whatever comes, and a million of them.

use std::time::{Duration, Instant};

use fleet::{
    Change, Credential, CredentialId, CredentialKind, CredentialState, DeviceId, Holder, Identity,
    NewCredential, PskIdentity, PskKey, PublicId, Purpose, Secret, SecureSession, SecureSessionId,
    SessionMark, SessionState, Store, StoreError, Timestamp, store::MemoryStore,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use uuid::Uuid;

use super::fixture::{commit, device, number, open, registers, source};

/// A batch in which a session is opened, heard, given numbers and ended is written in another order than it was asked in.
#[tokio::test]
async fn sessions_are_what_they_are_in_memory_however_they_are_batched() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let memory = MemoryStore::new();
    let mut random = StdRng::seed_from_u64(7);
    let mut clock = 1_000;
    let begins = commit([1, 2].map(|number| Change::DeviceAdded(device(number, &format!("node-{number}")))));
    both(&store, &memory, begins.changes).await;
    both(&store, &memory, (1..=4).map(credential).collect()).await;
    for round in 0..400 {
        let changes = (0..random.random_range(1..6)).map(|_| {
            clock += 1;
            change(&mut random, clock)
        });
        both(&store, &memory, changes.collect()).await;
        if round % 50 == 49 {
            for store in [&store as &dyn Store, &memory] {
                store.begin_sessions(1_000).await.unwrap();
            }
        }
        if round % 100 == 99 {
            for store in [&store as &dyn Store, &memory] {
                store.purge(Timestamp(clock - 60).after(SecureSession::KEPT)).await.unwrap();
            }
        }
        assert_eq!(all(&store).await, all(&memory).await, "{round}");
        for id in (0..12).map(id) {
            assert_eq!(store.secure_session(id).await, memory.secure_session(id).await, "{round}");
        }
    }
    store.close().await;
}

/// A start writes one row, however many sessions there are; each has its numbers raised.
#[tokio::test]
async fn a_start_raises_all_sessions_by_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.commit(commit([credential(1)])).await.unwrap();
    store.commit(commit((0..3).map(|number| opens(number, 1, 10)))).await.unwrap();
    let before = number(&store, "SELECT SUM(reserved) FROM dtls_session").await;
    store.begin_sessions(500).await.unwrap();
    assert_eq!(number(&store, "SELECT SUM(reserved) FROM dtls_session").await, before);
    let reserved: Vec<u64> = all(&store).await.iter().map(|session| session.reserved).collect();
    assert_eq!(reserved, [600; 3]);
    // One that is opened afterwards has what it says.
    store.commit(commit([opens(3, 1, 10)])).await.unwrap();
    assert_eq!(store.secure_session(id(3)).await.unwrap().unwrap().reserved, 100);
    store.close().await;
}

/// One is looked at when it could have been silent for long enough, and then again.
#[tokio::test]
async fn a_session_that_is_heard_now_and_then_is_never_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.commit(commit([credential(1)])).await.unwrap();
    store.commit(commit((0..2_000).map(|number| opens(number, 1, 0)))).await.unwrap();
    for day in 1..4 {
        let heard = Timestamp(day * 86_400_000);
        let mark = SessionMark { id: id(7), received: 1, source: source(1), is_certain: true, at: heard };
        store.commit(commit([Change::SecureSessionsHeard(vec![mark])])).await.unwrap();
        store.purge(heard.after(Duration::from_secs(7_200))).await.unwrap();
        let left: Vec<_> = all(&store).await.iter().map(|session| session.id).collect();
        assert_eq!(left, [id(7)], "the others were never heard again");
    }
    store.purge(Timestamp(3 * 86_400_000).after(SecureSession::KEPT)).await.unwrap();
    assert_eq!(all(&store).await, []);
    store.close().await;
}

/// Run by hand: `cargo test --release -p server million -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a while, and says how long"]
async fn a_million_sessions_are_read_back_in_seconds() {
    const SESSIONS: u64 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.commit(commit((1..=100).map(credential))).await.unwrap();
    let opens = |from: u64, to: u64| (from..to).map(|number| opens_elsewhere(number.try_into().unwrap()));
    let mut opened = 0;
    for (upto, together) in [(SESSIONS - 50_000, 10_000), (SESSIONS, 500)] {
        let (started, before) = (Instant::now(), opened);
        while opened < upto {
            store.commit(commit(opens(opened, opened + together))).await.unwrap();
            opened += together;
        }
        println!("{} opened, {together} a commit: {:.1?}", opened - before, started.elapsed());
    }
    let started = Instant::now();
    let mut marks = 0;
    for first in (0..200_000).step_by(1_000) {
        let at = Timestamp(1);
        let marked = (first..first + 1_000).map(|number| SessionMark {
            id: id(number * 5),
            received: 50,
            source: source(2),
            is_certain: true,
            at,
        });
        store.commit(commit([Change::SecureSessionsHeard(marked.collect())])).await.unwrap();
        marks += 1_000;
    }
    println!("{marks} of them heard, 1000 a commit: {:.1?}", started.elapsed());
    store.close().await;

    let store = open(folder.path().join("muster.db")).await;
    let started = Instant::now();
    store.begin_sessions(1 << 16).await.unwrap();
    println!("numbers raised: {:.1?}", started.elapsed());
    let started = Instant::now();
    let bounds = dtls::Bounds { reserve: 1 << 16, ..dtls::Bounds::default() };
    let mut engine = dtls::Endpoint::new(dtls::Config { bounds, ..dtls::Config::default() }, [7; 32]);
    let (mut after, mut restoring) = (None, Duration::ZERO);
    loop {
        let page = store.secure_sessions(after, SecureSession::MAX_READ).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let begun = Instant::now();
        for session in page {
            engine.restore(Duration::from_secs(1), &saved(session)).unwrap();
        }
        restoring += begun.elapsed();
    }
    let (took, restored) = (started.elapsed(), engine.usage().sessions);
    println!(
        "{restored} read, opened and taken over by the engine: {took:.1?} of 10 s, {restoring:.1?} of them by the engine"
    );
    assert_eq!(restored as u64, SESSIONS);
    assert!(took < Duration::from_secs(10));
    store.close().await;
}

/// A session that the engine can go on with, of a peer with an address and a connection id of its own.
fn opens_elsewhere(number: u32) -> Change {
    // As the engine writes it: its version, flags, longest plaintext, suite, keys, no id of the peer's, master secret, no id to
    // resume by, no Finished, the numbers of its last records.
    let state = [&[1, 1, 0x04, 0x00, 0xc0, 0xa8][..], &[2; 40], &[0], &[3; 48], &[0; 2], &[0; 16]].concat();
    let Change::SecureSessionOpened(mut session) = opens(number.into(), 1 + i64::from(number % 100), 0)
    else {
        unreachable!()
    };
    session.source.address = (number.to_be_bytes(), 5_684).into();
    session.state = SessionState::new(state);
    Change::SecureSessionOpened(session)
}

fn saved(session: SecureSession) -> dtls::Saved {
    dtls::Saved {
        id: dtls::SessionId(session.id.0),
        tag: dtls::Tag(session.identity.credential.0.cast_unsigned()),
        peer: session.source.address,
        reserved: session.reserved,
        received: session.received,
        state: session.state.as_bytes().to_vec().into(),
    }
}

/// One that a start or a device could ask for next; its sessions and credentials are few, so that it meets others.
fn change(random: &mut StdRng, clock: i64) -> Change {
    let session = random.random_range(0..12);
    let credential = random.random_range(1..=4);
    match random.random_range(0..20) {
        0..8 => opens(session, credential, clock),
        8..12 => Change::SecureSessionsHeard(
            (0..random.random_range(1..4))
                .map(|_| SessionMark {
                    id: id(random.random_range(0..12)),
                    received: random.random_range(0..50),
                    source: source(random.random_range(1..100)),
                    is_certain: random.random(),
                    at: Timestamp(clock),
                })
                .collect(),
        ),
        12..14 => {
            let Change::SecureSessionOpened(opened) = opens(session, credential, clock) else {
                unreachable!()
            };
            Change::SecureSessionReserved { id: opened.id, upto: random.random_range(0..10_000) }
        }
        14 => Change::SecureSessionEnded { id: id(session), resumable: true },
        15..18 => Change::SecureSessionEnded { id: id(session), resumable: false },
        18 => Change::SecureSessionsDropped(vec![CredentialId(credential)]),
        _ if clock % 7 == 0 => {
            let state = CredentialState::Retired;
            Change::CredentialEnded { id: CredentialId(credential.min(1)), state, at: Timestamp(clock) }
        }
        _ => Change::SecureSessionsHeard(vec![]),
    }
}

/// Gives both the same, and both must say the same.
async fn both(store: &dyn Store, memory: &MemoryStore, changes: Vec<Change>) {
    let one = store.commit(commit(changes.clone())).await;
    let other = memory.commit(commit(changes.clone())).await;
    assert_eq!(one, other, "{changes:#?}");
    assert!(matches!(one, Ok(_) | Err(StoreError::Conflict)));
}

async fn all(store: &dyn Store) -> Vec<SecureSession> {
    let mut all: Vec<SecureSession> = Vec::new();
    loop {
        let after = all.last().map(|session| session.id);
        let page = store.secure_sessions(after, SecureSession::MAX_READ).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// An odd multiplier scatters, and gives no two numbers the same.
fn id(number: u64) -> SecureSessionId {
    SecureSessionId(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn opens(number: u64, credential: i64, at: i64) -> Change {
    let device = DeviceId(1);
    Change::SecureSessionOpened(Box::new(SecureSession {
        id: id(number),
        identity: Identity {
            credential: CredentialId(credential),
            holder: Holder::Device(device),
            purpose: Purpose::Management,
        },
        source: source(1),
        reserved: 100,
        received: 0,
        state: SessionState::new([number as u8; 160]),
        began_at: Timestamp(at),
        heard_at: Timestamp(at),
    }))
}

fn credential(number: i64) -> Change {
    let credential = Credential {
        id: CredentialId(number),
        public_id: PublicId(Uuid::from_u128(u128::try_from(number).unwrap())),
        holder: Holder::Device(DeviceId(1)),
        purpose: Purpose::Management,
        kind: CredentialKind::Psk,
        state: CredentialState::Live,
        identity: PskIdentity::new(format!("identity-{number}")).unwrap().into(),
        parent: None,
        valid_from: Timestamp(1),
        valid_to: None,
        created_by: "admin".into(),
        created_at: Timestamp(1),
        changed_at: Timestamp(1),
        last_used_at: None,
    };
    let secret = Secret::Psk(PskKey::new(*b"sixteen of these").unwrap());
    Change::CredentialAdded(Box::new(NewCredential { credential, secret }))
}
