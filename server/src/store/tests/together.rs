//! Many at once: groups, conflicts among them, order, and the files they lie in.

use std::os::unix::fs::PermissionsExt as _;

use fleet::{
    AuditEntry, Cause, Change, Commit, DeviceId, PasswordHash, PublicId, RequestId, Role, Store as _,
    StoreError, Timestamp, User, UserId, Verb,
    store::{AuditQuery, DeviceOrder, DeviceQuery, PageRequest},
};
use futures::future::join_all;
use objects::Value;
use uuid::Uuid;

use super::fixture::{
    assert_tallies_are_true, commit, device, happened, number, observation, open, operation, path, registers,
    registration, report, sealer,
};
use crate::store::SqlStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_wait_together_share_transactions_and_a_conflict_hurts_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    store.commit(registers(1, "taken")).await.unwrap();
    let commits = (2..500).map(|number| {
        let endpoint = if number % 50 == 0 { "taken".to_owned() } else { format!("node-{number}") };
        store.commit(registers(number, &endpoint))
    });
    let outcomes = join_all(commits).await;
    for (number, outcome) in (2..500).zip(outcomes) {
        let conflicts = number % 50 == 0;
        assert_eq!(outcome.is_err(), conflicts, "{number}: {outcome:?}");
        assert!(!conflicts || outcome == Err(StoreError::Conflict));
    }
    let overview = store.overview().await.unwrap();
    assert_eq!(overview.registered, 499 - 9);
    assert_tallies_are_true(&store).await;
    store.close().await;
}

#[tokio::test]
async fn what_one_commit_adds_the_next_in_the_same_group_may_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let id = operation(1, 9).id;
    let lease = |at: i64| Change::LeaseRenewed {
        device: DeviceId(1),
        seen_at: Timestamp(at),
        expires_at: Timestamp(at + 300),
    };
    let ended = Change::RegistrationEnded {
        device: DeviceId(1),
        at: Timestamp(7_000),
        reason: fleet::EndReason::Expired,
    };
    let mut again = registration(1);
    again.epoch = 2;
    again.updated_at = Timestamp(6_000);
    let outcomes = join_all([
        store.commit(registers(1, "node-1")),
        store.commit(commit([lease(5_000)])),
        store.commit(commit([Change::OperationQueued(Box::new(operation(1, 9)))])),
        store.commit(commit([Change::OperationSent { id, at: Timestamp(5_500) }])),
        store.commit(commit([Change::ObservationBegan(observation(1, "/3/0/9"))])),
        store.commit(commit([Change::ObservationBegan(observation(1, "/3/0/9"))])),
        store.commit(commit([ended, lease(9_000), Change::Registered(Box::new(again)), lease(8_000)])),
    ])
    .await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let view = store.device(device(1, "node-1").public_id).await.unwrap().unwrap();
    let expires_at = view.registration.map(|registration| registration.expires_at);
    assert_eq!((view.seen_at, expires_at), (Some(Timestamp(8_000)), Some(Timestamp(8_300))));
    let overview = store.overview().await.unwrap();
    assert_eq!((overview.registered, overview.expired), (1, 0));
    assert_eq!((overview.queued_operations, overview.observations), (0, 1));
    assert_tallies_are_true(&store).await;
    store.close().await;
}

#[tokio::test]
async fn the_order_by_last_seen_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let query = |after| DeviceQuery {
        order: DeviceOrder::LastSeen,
        ..DeviceQuery::all(PageRequest { after, limit: 2 })
    };
    let mut store = open(file.clone()).await;
    for number in 1..=5 {
        store.commit(registers(number, &format!("node-{number}"))).await.unwrap();
        let renewed = Change::LeaseRenewed {
            device: DeviceId(number),
            seen_at: Timestamp(10_000 + number % 3),
            expires_at: Timestamp(20_000),
        };
        store.commit(commit([renewed])).await.unwrap();
    }
    let reason = fleet::EndReason::Expired;
    let ended = Change::RegistrationEnded { device: DeviceId(2), at: Timestamp(30_000), reason };
    store.commit(commit([ended])).await.unwrap();
    for _ in 0..2 {
        let mut order = Vec::new();
        let mut after = None;
        loop {
            let page = store.devices(&query(after)).await.unwrap();
            order.extend(page.rows.iter().map(|row| row.device.id.0));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(order, [2, 5, 1, 4, 3]);
        store.close().await;
        store = open(file.clone()).await;
    }
    store.close().await;
}

#[tokio::test]
async fn a_history_and_a_timeline_never_grow_beyond_their_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    for round in 0..5 {
        let reports = (0..500).map(|at| report(1, 2_000 + round * 500 + at, Value::Integer(at)));
        let entries = (0..500).map(|line| Change::Timeline(happened(1, &format!("{round} {line}"))));
        store.commit(commit(reports.chain(entries))).await.unwrap();
    }
    assert!(number(&store, "SELECT COUNT(*) FROM value_history").await <= 1_064);
    assert_eq!(number(&store, "SELECT MIN(ordinal) FROM timeline").await, 1 + 2_501 - 1_000);
    let history = store.history(DeviceId(1), path("/3/0/9"), 5_000).await.unwrap();
    assert_eq!((history.len(), history[0].received_at), (1_000, Timestamp(4_499)));
    assert_tallies_are_true(&store).await;
    store.close().await;
}

#[tokio::test]
async fn hostile_text_is_text_in_every_column() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let hostile = "'; DROP TABLE device; --\0\" % _ $1 ?1 \u{202e}\u{10ffff}\r\n\\";
    let endpoint = "'; DROP TABLE device; -- % _ $1 \u{202e}\u{10ffff}\\\"";

    let mut registered = registration(1);
    registered.sms_number = Some(hostile.into());
    registered.binding.transports = hostile.into();
    registered.extra = vec![(hostile.into(), hostile.into())];
    let mut links = (*registered.links).clone();
    links.attributes = vec![(hostile.into(), Some(hostile.into()))];
    registered.links = links.into();
    let mut asked = operation(1, 9);
    asked.operation = fleet::Operation::Execute { path: path("/3/0/4"), arguments: hostile.into() };
    asked.requested_by = hostile.into();
    asked.result = Some(hostile.into());
    let user = User {
        id: UserId(1),
        public_id: PublicId(Uuid::from_u128(1)),
        name: hostile.into(),
        role: Role::Administrator,
        password: PasswordHash::make("somebody", "a long enough password", [7; 16]).unwrap(),
        created_at: Timestamp(1),
        disabled_at: None,
        sessions_from: Timestamp(1),
    };
    let audit = AuditEntry {
        at: Timestamp(1),
        actor: hostile.into(),
        cause: Cause::Console,
        request: RequestId(Uuid::from_u128(3)),
        verb: Verb::Operate,
        device: Some(DeviceId(1)),
        object: hostile.into(),
    };
    let changes = vec![
        Change::DeviceAdded(device(1, endpoint)),
        Change::Registered(Box::new(registered.clone())),
        Change::Timeline(happened(1, hostile)),
        Change::OperationQueued(Box::new(asked.clone())),
        Change::UserAdded(user.clone()),
        report(1, 5_000, Value::String(hostile.into())),
    ];
    store.commit(Commit { changes, audit: vec![audit.clone()] }).await.unwrap();

    let view = store.device(device(1, endpoint).public_id).await.unwrap().unwrap();
    assert_eq!(view.device.endpoint.as_str(), endpoint);
    assert_eq!(view.registration, Some(registered));
    assert_eq!(store.operation(asked.id).await.unwrap(), Some(asked));
    assert_eq!(store.user(hostile).await.unwrap(), Some(user));
    let page = PageRequest::first(10);
    assert_eq!(store.audit(&AuditQuery::all(page.clone())).await.unwrap().rows[0].entry, audit);
    assert_eq!(store.timeline(DeviceId(1), &page).await.unwrap().rows[0].entry.detail, hostile);
    let latest = store.latest(DeviceId(1), path("/")).await.unwrap();
    assert_eq!(latest[0].reading.value, Value::String(hostile.into()));
    for (prefix, found) in [(endpoint, 1), ("'; DROP", 1), ("'%", 0), ("%", 0), ("_", 0), ("\0", 0)] {
        let prefix = Some(prefix.to_owned());
        let query = DeviceQuery { prefix, ..DeviceQuery::all(page.clone()) };
        assert_eq!(store.devices(&query).await.unwrap().rows.len(), found);
    }
    store.close().await;
}

#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("made/for/it");
    let store = open(data.join("muster.db")).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    store.close().await;
}

#[tokio::test]
async fn a_connection_writes_as_durably_as_it_must() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    assert_eq!(number(&store, "SELECT synchronous FROM pragma_synchronous").await, 2);
    assert_eq!(number(&store, "SELECT foreign_keys FROM pragma_foreign_keys").await, 1);
    assert_eq!(number(&store, "SELECT journal_mode = 'wal' FROM pragma_journal_mode").await, 1);
    assert_eq!(number(&store, "SELECT query_only FROM pragma_query_only").await, 1);
    store.close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let store = open(file.clone()).await;
    store.close().await;
    let url = format!("sqlite:{}", file.display());
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
    sea_orm::ConnectionTrait::execute_unprepared(&connection, sql).await.unwrap();
    connection.close().await.unwrap();
    let error = SqlStore::open(file, sealer()).await.err().unwrap().to_string();
    assert!(error.contains("newer version") && error.contains("m9999_future"), "{error}");
}
