//! What a server of each earlier schema had written is read as it was meant. Each step has a data set: what a server of it
//! had in its database.

use std::path::Path as File;

use fleet::{
    CredentialId, CredentialState, DeviceId, DeviceState, DiaryCause, OperationId, OperationState, Role,
    SecureSessionId, Store as _, TimelineKind, Timestamp, Verb,
    store::{AuditQuery, DiaryQuery, PageRequest},
};
use migrations::{Migrator, MigratorTrait as _};
use objects::Value;
use sea_orm::ConnectionTrait as _;
use uuid::Uuid;

use super::fixture::{assert_tallies_are_true, number, open, path};
use crate::store::SqlStore;

/// In the order of the steps. A database that is brought up to the last one only has nothing to be brought up from.
const DATA_SETS: &[(&str, &str)] = &[
    ("m0001_fleet", include_str!("schemas/m0001_fleet.sql")),
    ("m0002_identity", include_str!("schemas/m0002_identity.sql")),
    ("m0003_secure", include_str!("schemas/m0003_secure.sql")),
    ("m0004_durability", include_str!("schemas/m0004_durability.sql")),
    ("m0005_copied", include_str!("schemas/m0005_copied.sql")),
    ("m0006_notified", include_str!("schemas/m0006_notified.sql")),
];

#[test]
fn each_step_has_a_data_set() {
    let steps = Migrator::get_migration_files();
    let sets: Vec<_> = DATA_SETS.iter().map(|(step, _)| (*step).to_owned()).collect();
    assert_eq!(sets, steps.iter().map(|step| step.name().to_owned()).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_each_step_has_written_is_read_as_it_was_meant() {
    for (number, (step, rows)) in (1..).zip(DATA_SETS) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("muster.db");
        write(&file, number, rows).await;
        let store = open(file).await;
        println!("{step}");
        devices(&store).await;
        work(&store).await;
        people(&store).await;
        if number >= 2 {
            identities(&store).await;
        }
        if number >= 3 {
            sessions(&store).await;
        }
        // A device that had a key came with it at the second step: before, none had one.
        assert_tallies_are_true(&store).await;
        store.close().await;
    }
}

/// A database of a step with its rows.
async fn write(file: &File, steps: u32, rows: &str) {
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let connection = sea_orm::Database::connect(url).await.unwrap();
    Migrator::up(&connection, Some(steps)).await.unwrap();
    connection.execute_unprepared(rows).await.unwrap();
    connection.close().await.unwrap();
}

async fn devices(store: &SqlStore) {
    let view = store.device_row(DeviceId(1)).await.unwrap().unwrap();
    assert_eq!((view.device.endpoint.as_str(), view.state), ("node-1", DeviceState::Registered));
    assert_eq!((view.class_name.as_str(), view.seen_at), ("default", Some(Timestamp(1_500))));
    let registration = view.registration.unwrap();
    assert_eq!((registration.lifetime.0, registration.epoch), (300, 4));
    assert_eq!(
        (registration.id.0, registration.source.address.to_string()),
        (-7_i64 as u64, "192.0.2.1:5683".into())
    );
    assert!(registration.binding.queue_mode && registration.covers(path("/3/0")));
    assert_eq!(registration.expires_at, Timestamp(301_500));
    let gone = store.device_row(DeviceId(2)).await.unwrap().unwrap();
    assert_eq!((gone.state, gone.seen_at), (DeviceState::Deregistered, Some(Timestamp(1_900))));
    let observations = store.observations(DeviceId(1)).await.unwrap();
    assert_eq!(observations.iter().map(|one| one.path).collect::<Vec<_>>(), [path("/3/0/9")]);
}

async fn work(store: &SqlStore) {
    let battery = path("/3/0/9");
    let values = store.history(DeviceId(1), battery, 10).await.unwrap();
    let values: Vec<_> = values.into_iter().map(|one| (one.sequence, one.reading.value)).collect();
    assert_eq!(values, [(39, Value::Integer(89)), (38, Value::Integer(90))]);
    let latest = store.latest(DeviceId(1), battery).await.unwrap();
    assert_eq!((latest.len(), &latest[0].reading.value), (1, &Value::Integer(89)));
    for (id, state, name) in [(0x11, OperationState::Queued, "Execute"), (0x12, OperationState::Done, "Read")]
    {
        let operation = store.operation(OperationId(Uuid::from_u128(id))).await.unwrap().unwrap();
        assert_eq!((operation.state, operation.operation.name()), (state, name));
    }
    let lines = store.timeline(DeviceId(1), &page()).await.unwrap().rows;
    let kinds: Vec<_> = lines.iter().map(|line| line.entry.kind).collect();
    assert_eq!(kinds, [TimelineKind::Updated, TimelineKind::Registered]);
    assert_eq!(number(store, "SELECT COUNT(*) FROM delivery").await, 1);
    // What is given out goes on above what was.
    assert_eq!(store.begin_boot().await.unwrap(), 4);
}

async fn people(store: &SqlStore) {
    let user = store.user("ada").await.unwrap().unwrap();
    assert_eq!((user.role, user.disabled_at), (Role::Administrator, None));
    let query = AuditQuery { actor: None, verb: None, device: None, since: None, until: None, page: page() };
    let audit = store.audit(&query).await.unwrap().rows;
    let [record] = &audit[..] else { panic!("{audit:?}") };
    assert_eq!((record.sequence, record.entry.verb), (40, Verb::Operate));
}

async fn identities(store: &SqlStore) {
    let (credential, secret) = store.credential_row(CredentialId(1)).await.unwrap().unwrap();
    assert_eq!(
        (credential.state, secret.psk().unwrap().as_bytes()),
        (CredentialState::Live, &b"a key of sixteen"[..])
    );
    let (credential, secret) = store.credential_row(CredentialId(2)).await.unwrap().unwrap();
    assert!(credential.state == CredentialState::Revoked && secret.psk().is_none());
    assert!(store.device_row(DeviceId(1)).await.unwrap().unwrap().secured);
    let query = DiaryQuery { cause: None, device: None, unmanaged: true, page: page() };
    let diary = store.diary(&query).await.unwrap().rows;
    let [entry] = &diary[..] else { panic!("{diary:?}") };
    assert_eq!((entry.cause, entry.count), (DiaryCause::UnknownIdentity, 3));
    assert_eq!(store.event_range().await.unwrap(), (12, 12));
    assert_eq!(store.events(0, 10).await.unwrap().len(), 1);
    assert_eq!(store.tokens().await.unwrap()[0].name, "ci");
}

async fn sessions(store: &SqlStore) {
    let session = store.secure_session(SecureSessionId(5 | 1 << 63)).await.unwrap().unwrap();
    assert_eq!((session.reserved, session.received, session.state.as_bytes()), (64, 9, &b"a session"[..]));
}

fn page() -> PageRequest {
    PageRequest { after: None, limit: 10 }
}
