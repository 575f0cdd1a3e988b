//! Rows to test with.

use std::{sync::Arc, time::Duration};

use fleet::{
    Binding, Change, ClassId, Commit, Device, DeviceId, DomainId, EndpointName, Lifetime, ListenerId, NodeId,
    Observation, ObservationToken, Operation, OperationId, OperationRecord, OperationState, PublicId,
    Reading, Registration, RegistrationId, RequestId, Source, Store as _, TimelineEntry, TimelineKind,
    Timestamp, store::Trouble,
};
use objects::{Path, Value, Version, link::ObjectLinks};
use sea_orm::{ConnectionTrait as _, Statement};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    seal::{SealKey, Sealer},
    store::{Database, SqlStore},
};

/// Opens the store with a key that stays the same.
pub(super) async fn open(database: impl Into<Database>) -> SqlStore {
    SqlStore::open(database, sealer()).await.unwrap()
}

pub(super) fn sealer() -> Arc<Sealer> {
    Arc::new(Sealer::new(&SealKey::from_bytes([7; 32])))
}

pub(super) fn path(text: &str) -> Path {
    text.parse().unwrap()
}

pub(super) fn device(number: i64, endpoint: &str) -> Device {
    Device {
        id: DeviceId(number),
        public_id: PublicId(Uuid::from_u128(u128::try_from(number).unwrap())),
        domain: DomainId::ROOT,
        class: ClassId::DEFAULT,
        endpoint: EndpointName::new(endpoint).unwrap(),
        created_at: Timestamp(1_000),
        removed_at: None,
    }
}

pub(super) fn registration(number: i64) -> Registration {
    Registration {
        device: DeviceId(number),
        id: RegistrationId(u64::MAX - u64::try_from(number).unwrap()),
        lwm2m: Version::V1_1,
        lifetime: Lifetime(300),
        binding: Binding { transports: "U".into(), queue_mode: true },
        sms_number: None,
        links: Arc::new(ObjectLinks::parse(b"</1/0>,</3/0>").unwrap()),
        extra: vec![],
        source: source(number),
        credential: None,
        registered_at: Timestamp(1_000),
        updated_at: Timestamp(1_000),
        expires_at: Timestamp(301_000),
        node: NodeId::SINGLE,
        epoch: 1,
    }
}

pub(super) fn source(number: i64) -> Source {
    let port = 1024 + u16::try_from(number % 60_000).unwrap();
    Source { listener: ListenerId(0), address: ([127, 0, 0, 1], port).into() }
}

/// What a Register commits.
pub(super) fn registers(number: i64, endpoint: &str) -> Commit {
    Commit {
        changes: vec![
            Change::DeviceAdded(device(number, endpoint)),
            Change::Registered(Box::new(registration(number))),
            Change::Timeline(happened(number, "registered")),
        ],
        audit: vec![],
    }
}

pub(super) fn happened(number: i64, detail: &str) -> TimelineEntry {
    TimelineEntry {
        device: DeviceId(number),
        at: Timestamp(1_000),
        kind: TimelineKind::Registered,
        request: Some(RequestId(Uuid::from_u128(7))),
        detail: detail.into(),
    }
}

pub(super) fn observation(number: i64, of: &str) -> Observation {
    Observation {
        device: DeviceId(number),
        target: path(of).into(),
        token: ObservationToken::new(&[1, 2, 3]).unwrap(),
        format: None,
        since: Timestamp(2_000),
        number: None,
    }
}

pub(super) fn operation(number: i64, id: u128) -> OperationRecord {
    OperationRecord {
        id: OperationId(Uuid::from_u128(id)),
        device: DeviceId(number),
        operation: Operation::Execute { path: path("/3/0/4"), arguments: String::new() },
        requested_by: "somebody".into(),
        request: RequestId(Uuid::from_u128(7)),
        state: OperationState::Queued,
        queued_at: Timestamp(2_000),
        sent_at: None,
        ended_at: None,
        expires_at: Timestamp(9_000),
        result: None,
        priority: fleet::Priority::Normal,
        superseded_by: None,
    }
}

pub(super) fn report(number: i64, at: i64, value: Value) -> Change {
    Change::Report {
        device: DeviceId(number),
        received_at: Timestamp(at),
        delivery: None,
        readings: vec![Reading { path: path("/3/0/9"), value, device_time: None }],
    }
}

pub(super) fn commit(changes: impl IntoIterator<Item = Change>) -> Commit {
    Commit { changes: changes.into_iter().collect(), audit: vec![] }
}

/// Waits until the store says what keeps it from writing.
pub(super) async fn until(store: &SqlStore, trouble: Trouble) {
    let said = async {
        while store.trouble() != Some(trouble) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), said).await.unwrap();
}

/// One number that a query gives.
pub(super) async fn number(store: &SqlStore, sql: &str) -> i64 {
    let connection = store.reader.connection();
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index::<Option<i64>>(0).unwrap().unwrap_or(0)
}

/// The maintained counts are those of the rows, of updates too, each history is as long as its resource says, and a device is secured if a
/// credential of it opens sessions.
pub(super) async fn assert_tallies_are_true(store: &SqlStore) {
    for (name, rows) in [
        ("registered", "registration WHERE state = 'registered'"),
        ("registered", "lease"),
        ("registered", "device WHERE state = 'registered' AND rested_at IS NULL"),
        ("deregistered", "device WHERE state = 'deregistered' AND rested_at IS NOT NULL"),
        ("expired", "device WHERE state = 'expired' AND rested_at IS NOT NULL"),
        ("revoked", "device WHERE state = 'revoked' AND rested_at IS NOT NULL"),
        ("awaited", "device WHERE state = 'awaited' AND rested_at IS NOT NULL"),
        ("removed", "device WHERE state = 'removed' AND rested_at IS NOT NULL"),
        ("diary", "diary"),
        ("queued operations", "operation WHERE state = 'queued'"),
        ("observations", "observation"),
    ] {
        let counted = number(store, &format!("SELECT COUNT(*) FROM {rows}")).await;
        let kept =
            number(store, &format!("SELECT CAST(SUM(count) AS BIGINT) FROM tally WHERE name = '{name}'"))
                .await;
        assert_eq!(kept, counted, "{name}, {rows}");
    }
    let of_state = "c.state = t.state";
    for wrong in [
        format!(
            "SELECT COUNT(*) FROM configured_tally AS t WHERE count <> (SELECT COUNT(*) FROM configured AS c WHERE {of_state})"
        ),
        format!(
            "SELECT COUNT(*) FROM configured AS c WHERE NOT EXISTS (SELECT 1 FROM configured_tally AS t WHERE {of_state})"
        ),
    ] {
        assert_eq!(number(store, &wrong).await, 0, "{wrong}");
    }
    let of_tally = "u.artefact = t.artefact AND u.phase = t.phase";
    for wrong in [
        format!(
            "SELECT COUNT(*) FROM update_tally AS t WHERE count <> (SELECT COUNT(*) FROM device_update AS u WHERE {of_tally})"
        ),
        format!(
            "SELECT COUNT(*) FROM device_update AS u WHERE NOT EXISTS (SELECT 1 FROM update_tally AS t WHERE {of_tally})"
        ),
    ] {
        assert_eq!(number(store, &wrong).await, 0, "{wrong}");
    }
    let wrong = "SELECT COUNT(*) FROM value_latest AS l WHERE held <> (SELECT COUNT(*) FROM value_history AS h \
                 WHERE h.device_id = l.device_id AND h.path = l.path)";
    assert_eq!(number(store, wrong).await, 0);
    let wrong = "SELECT COUNT(*) FROM device AS d WHERE secured <> CASE WHEN EXISTS (SELECT 1 FROM credential AS c \
                 WHERE c.device_id = d.id AND c.state IN ('staged', 'live')) THEN 1 ELSE 0 END";
    assert_eq!(number(store, wrong).await, 0);
}
