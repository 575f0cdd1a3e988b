//! Secrets at rest: nowhere in clear, and one that does not open keeps nobody else out.

use std::{fs, path::Path, sync::Arc};

use fleet::{
    Change, Credential, CredentialId, CredentialKind, CredentialName, CredentialState, DeviceId, Holder,
    Identity, KeyPair, NewCredential, OwnKey, PrivateKey, PskIdentity, PskKey, Public, PublicId, Purpose,
    Secret, SecureSession, SecureSessionId, SessionState, Store as _, StoreError, Timestamp, Webhook,
    WebhookSecret,
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::fixture::{commit, number, open, registers, source};
use crate::{
    seal::{SealKey, Sealer},
    store::{OpenError, SqlStore},
};

const PLANTED: &[u8] = b"a planted key, 32 bytes, in text";

#[tokio::test]
async fn a_planted_secret_is_nowhere_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    let secret = WebhookSecret(Zeroizing::new(PLANTED.to_vec()));
    store.commit(commit([credential(1), Change::WebhookAdded(webhook(), secret.clone())])).await.unwrap();
    store.commit(commit([session(), own_key()])).await.unwrap();
    assert_eq!(store.own_key(OwnKey::Authority).await.unwrap(), Some(pair()));
    assert_eq!(store.own_key(OwnKey::Server).await.unwrap(), None);
    assert_eq!(store.secure_sessions(None, 10).await.unwrap().len(), 1);
    let (_, found) = store.credential_by_name(&identity(1)).await.unwrap().unwrap();
    assert_eq!(found.psk().unwrap().as_bytes(), PLANTED);
    assert_eq!(store.webhook_secret(webhook().public_id).await.unwrap(), Some(secret));
    assert_nowhere(folder.path());
    // The log of what was written becomes part of the file.
    store.close().await;
    assert_nowhere(folder.path());
}

#[tokio::test]
async fn a_secret_that_does_not_open_keeps_nobody_else_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.commit(commit((1..=3).map(credential))).await.unwrap();
    store.close().await;
    // The first is damaged, and the second has the secret of the third.
    for sql in [
        "UPDATE credential SET sealed = x'0102' WHERE id = 1",
        "UPDATE credential SET sealed = (SELECT sealed FROM credential WHERE id = 3) WHERE id = 2",
    ] {
        execute(&file, sql).await;
    }

    let store = open(file.clone()).await;
    let corrupt = StoreError::Corrupt { what: "credential" };
    for number in [1, 2] {
        assert_eq!(store.credential_by_name(&identity(number)).await, Err(corrupt.clone()), "{number}");
    }
    assert!(store.credential_by_name(&identity(3)).await.unwrap().is_some());
    assert_eq!(store.credentials(DeviceId(1)).await.unwrap().len(), 3);
    let known = store.enrolled(&[], &[identity(1), identity(2), identity(3)]).await.unwrap();
    assert_eq!(known.credentials.len(), 1);
    store.close().await;
}

#[tokio::test]
async fn a_database_that_was_sealed_with_another_key_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    assert!(!SqlStore::holds_secrets(file.clone(), None).await.unwrap());
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.close().await;
    assert!(!SqlStore::holds_secrets(file.clone(), None).await.unwrap(), "a new key would do");
    let store = open(file.clone()).await;
    store.commit(commit([credential(1)])).await.unwrap();
    store.close().await;
    assert!(SqlStore::holds_secrets(file.clone(), None).await.unwrap());
    let other = Arc::new(Sealer::new(&SealKey::from_bytes([8; 32])));
    let refused = SqlStore::holds_secrets(file.clone(), Some(&other)).await.err();
    assert!(matches!(refused, Some(OpenError::Sealed(_))), "{refused:?}");
    let refused = SqlStore::open(file, other).await.err();
    assert!(matches!(refused, Some(OpenError::Sealed(_))), "{refused:?}");
}

#[tokio::test]
async fn own_keys_and_sessions_are_secrets_too() {
    for others in ["DELETE FROM own_key", "DELETE FROM dtls_session"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("muster.db");
        with_every_secret(&file).await;
        execute(&file, &format!("UPDATE credential SET sealed = x''; {others}")).await;
        assert!(SqlStore::holds_secrets(file.clone(), None).await.unwrap(), "{others}");
        let other = Sealer::new(&SealKey::from_bytes([8; 32]));
        let refused = SqlStore::holds_secrets(file.clone(), Some(&other)).await.err();
        assert!(matches!(refused, Some(OpenError::Sealed(_))), "{others}: {refused:?}");
    }
}

/// Not even in a row of the same number: a device that is given a key by bootstrap is not given the authority's.
#[tokio::test]
async fn a_secret_opens_in_no_other_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    with_every_secret(&file).await;
    for sql in [
        "UPDATE dtls_session SET sealed = (SELECT sealed FROM own_key), id = (SELECT id FROM own_key)",
        "UPDATE credential SET sealed = (SELECT sealed FROM own_key), kind = 'rpk', identity = zeroblob(32)",
    ] {
        execute(&file, sql).await;
    }
    let store = open(file.clone()).await;
    assert_eq!(store.secure_sessions(None, 10).await.unwrap(), []);
    let corrupt = StoreError::Corrupt { what: "credential" };
    assert_eq!(store.credential_row(CredentialId(1)).await, Err(corrupt));
    store.close().await;
}

#[tokio::test]
async fn the_secret_of_a_device_that_is_removed_with_its_data_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.commit(commit([credential(1)])).await.unwrap();
    let removed = Change::DeviceRemoved { device: DeviceId(1), at: Timestamp(9), keep_data: false };
    store.commit(commit([removed])).await.unwrap();
    assert_eq!(number(&store, "SELECT COUNT(*) FROM credential WHERE length(sealed) > 0").await, 0);
    let (credential, found) = store.credential_by_name(&identity(1)).await.unwrap().unwrap();
    assert_eq!(credential.state, CredentialState::Revoked);
    assert_eq!(found, Secret::None);
    for table in ["registration", "lease", "timeline", "event_log"] {
        assert_eq!(number(&store, &format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
    store.close().await;
}

async fn with_every_secret(file: &Path) {
    let store = open(file).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.commit(commit([credential(1), session(), own_key()])).await.unwrap();
    store.close().await;
}

async fn execute(file: &Path, sql: &str) {
    let connection = sea_orm::Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&connection, sql).await.unwrap();
    connection.close().await.unwrap();
}

fn own_key() -> Change {
    Change::OwnKeySaved { key: OwnKey::Authority, pair: Box::new(pair()) }
}

fn pair() -> KeyPair {
    KeyPair { private: PrivateKey::new(PLANTED), public: Public::Key(vec![1, 2]) }
}

fn session() -> Change {
    let holder = Holder::Device(DeviceId(1));
    Change::SecureSessionOpened(Box::new(SecureSession {
        id: SecureSessionId(7),
        identity: Identity { credential: CredentialId(1), holder, purpose: Purpose::Management },
        source: source(1),
        reserved: 100,
        received: 1,
        state: SessionState::new(PLANTED),
        began_at: Timestamp(1),
        heard_at: Timestamp(1),
    }))
}

fn credential(number: i64) -> Change {
    let credential = Credential {
        id: CredentialId(number),
        public_id: PublicId(Uuid::from_u128(u128::try_from(number).unwrap())),
        holder: Holder::Device(DeviceId(1)),
        purpose: Purpose::Management,
        kind: CredentialKind::Psk,
        state: CredentialState::Staged,
        identity: identity(number),
        parent: None,
        valid_from: Timestamp(1),
        valid_to: None,
        created_by: "admin".into(),
        created_at: Timestamp(1),
        changed_at: Timestamp(1),
        last_used_at: None,
    };
    Change::CredentialAdded(Box::new(NewCredential {
        credential,
        secret: Secret::Psk(PskKey::new(PLANTED).unwrap()),
    }))
}

fn identity(number: i64) -> CredentialName {
    PskIdentity::new(format!("identity-{number}")).unwrap().into()
}

fn webhook() -> Webhook {
    Webhook {
        public_id: PublicId(Uuid::from_u128(7)),
        url: "https://example.com/".into(),
        kinds: vec![],
        created_by: "admin".into(),
        created_at: Timestamp(1),
        delivered: 0,
        failures: 0,
        retry_at: None,
        last_error: String::new(),
        last_success_at: None,
        given_up: 0,
        paused: false,
    }
}

fn assert_nowhere(folder: &Path) {
    let mut looked_at = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        looked_at += bytes.len();
        let found = bytes.windows(PLANTED.len()).any(|window| window == PLANTED);
        assert!(!found, "{}", path.display());
    }
    assert!(looked_at > 10_000, "the files hold something");
}
