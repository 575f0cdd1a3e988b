//! Every list that a page shows comes through an index, in order: nothing is scanned and nothing sorted.

use fleet::{
    ArtefactId, ClassId, CredentialId, CredentialKind, CredentialName, DeviceId, DeviceState, DiaryCause,
    EndpointName, Fingerprint, GroupId, NodeId, OperationId, Priority, PskIdentity, SecureSessionId,
    SessionMark, Timestamp, Verb,
    configuration::{ConfiguredState, Level},
    store::{
        AuditQuery, ConfigurationQuery, DeviceQuery, DiaryQuery, PageRequest, UpdateQuery, WaitingQuery,
    },
    update::{DownloadDigest, UpdateId, UpdatePhase},
};
use sea_orm::{ConnectionTrait as _, DbBackend, EntityTrait as _, QueryTrait as _, Statement};
use uuid::Uuid;

use super::fixture::{open, path, source};
use crate::store::{
    SqlStore,
    batch::{self, sessions},
    entity,
    read::{
        artefact, configuration, devices, group, identity, lists, people, queue, restore, secure, told,
        update,
    },
    sql::Sql,
};

#[tokio::test]
async fn no_list_of_a_page_scans_or_sorts() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let device = DeviceId(1);
    let id = OperationId(Uuid::from_u128(1));
    let uploaded = ArtefactId(Uuid::from_u128(7));
    let built = [
        ("latest", lists::latest(device, path("/3")).build(DbBackend::Sqlite)),
        ("history", lists::history(device, path("/3/0/9"), 10).build(DbBackend::Sqlite)),
        ("observations", lists::observations(device).build(DbBackend::Sqlite)),
        ("operations", lists::operations(device, None, 10).build(DbBackend::Sqlite)),
        ("operations, next page", lists::operations(device, Some(id), 10).build(DbBackend::Sqlite)),
        ("timeline", lists::timeline(device, None, 10).build(DbBackend::Sqlite)),
        ("timeline, next page", lists::timeline(device, Some(7), 10).build(DbBackend::Sqlite)),
        ("audit, next page", told::audit(&audited(), Some(7)).build(DbBackend::Sqlite)),
        ("open operations", restore::open_operations(1, 9).statement(DbBackend::Sqlite)),
        ("devices by number", devices::live_of(&[(1, 1), (2, 2)]).statement(DbBackend::Sqlite)),
        ("artefacts", artefact::artefacts(None, 10).build(DbBackend::Sqlite)),
        ("artefacts, next page", artefact::artefacts(Some((7, uploaded)), 10).build(DbBackend::Sqlite)),
        ("who runs it", artefact::running(uploaded, Some(device), 10).statement(DbBackend::Sqlite)),
        ("members", group::members(GroupId(1), Some(device), 10).build(DbBackend::Sqlite)),
        ("one device", entity::device::Entity::find_by_id(1).build(DbBackend::Sqlite)),
    ];
    for (name, statement) in built {
        assert_indexed(&store, name, statement).await;
    }
    store.close().await;
}

/// Whatever it is filtered by; of a class so many rows are looked at, each with its device.
#[tokio::test]
async fn what_waits_comes_by_its_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let all = || WaitingQuery::all(PageRequest::first(10));
    let after = Some((Priority::Normal, OperationId(Uuid::from_u128(1))));
    let of_device = WaitingQuery { device: Some(DeviceId(1)), ..all() };
    let of_class = WaitingQuery { class: Some(ClassId(1)), ..all() };
    let priority = Some(Priority::Urgent);
    for (query, index) in [
        (all(), "operation_waiting"),
        (WaitingQuery { priority, ..all() }, "operation_waiting"),
        (of_device.clone(), "operation_waiting_of"),
        (WaitingQuery { priority, ..of_device }, "operation_waiting_of"),
        (of_class.clone(), "operation_waiting"),
        (WaitingQuery { priority, ..of_class }, "operation_waiting"),
    ] {
        // A page goes on within its priority.
        let after = after.map(|(_, id)| (query.priority.unwrap_or_default(), id));
        for after in [None, after] {
            let sql = queue::waiting(&query, after);
            let plan = plan(&store, sql.statement(DbBackend::Sqlite)).await;
            assert!(
                plan.iter().any(|line| line.split_whitespace().any(|word| word == index)),
                "{query:?}: {plan:#?}"
            );
            // What was looked at for a class may be sorted once more: that is bounded.
            let is_bad = |line: &String| {
                line.starts_with("SCAN o") && !line.contains("USING")
                    || query.class.is_none() && line.contains("TEMP B-TREE")
            };
            assert!(!plan.iter().any(is_bad), "{query:?}: {plan:#?}");
        }
    }
    store.close().await;
}

/// Whatever they are filtered by, in either order.
#[tokio::test]
async fn no_list_of_devices_scans_or_sorts() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    for query in questions() {
        let name = format!("{query:?}");
        for after in [None, Some(("node-5".to_owned(), 5))] {
            let sql = devices::by_endpoint(&query, after);
            assert_indexed(&store, &name, sql.statement(DbBackend::Sqlite)).await;
        }
        // By when they were heard, a prefix and a class are looked at one by one: see below.
        if query.prefix.is_none() && query.class.is_none() && query.state != Some(DeviceState::Registered) {
            for after in [None, Some((1, 1))] {
                let sql = devices::at_rest(&query, after);
                assert_indexed(&store, &format!("at rest, {name}"), sql.statement(DbBackend::Sqlite)).await;
            }
        }
    }
    store.close().await;
}

/// And a label or a group is read in the order of the names: what else is asked for is looked at device by device.
#[tokio::test]
async fn devices_of_a_label_or_a_group_come_by_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let all = || DeviceQuery::all(PageRequest::first(10));
    let label = |text: &str| Some(text.parse().unwrap());
    for (query, index) in [
        (DeviceQuery { label: label("spare"), ..all() }, "device_label_by_key (key=?"),
        (DeviceQuery { label: label("site=bern"), ..all() }, "device_label_by_value (key=? AND value=?"),
        (DeviceQuery { group: Some(GroupId(1)), ..all() }, "group_member_by_endpoint (group_id=?"),
        (
            DeviceQuery { group: Some(GroupId(1)), label: label("spare"), ..all() },
            "group_member_by_endpoint (group_id=?",
        ),
    ] {
        for after in [None, Some(("node-5".to_owned(), 5))] {
            let sql = devices::by_endpoint(&query, after).statement(DbBackend::Sqlite);
            assert_indexed(&store, index, sql.clone()).await;
            let plan = plan(&store, sql).await;
            assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:#?}");
        }
    }
    store.close().await;
}

/// Those that sort: the devices of a prefix, a class or with credentials by when they were heard. They read no more than
/// these name.
#[tokio::test]
async fn a_filter_by_last_seen_reads_only_what_the_filter_names() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    for query in questions() {
        if query.prefix.is_none() && query.class.is_none() && query.secured.is_none() {
            continue;
        }
        let sql = devices::live_of_some(&query, Some((1, 1)));
        let plan = plan(&store, sql.statement(DbBackend::Sqlite)).await;
        let by = if query.class.is_some() { "device_by_class (class_id=? AND " } else { "device_by_state (" };
        let prefix = if query.prefix.is_some() { " AND endpoint>? AND endpoint<?)" } else { ")" };
        let by = format!("{by}state=? AND secured=?{prefix}");
        assert!(plan.iter().any(|line| line.contains(&by)), "{by}: {plan:#?}");
        assert!(plan.iter().all(|line| !line.starts_with("SCAN") || line == "SCAN p"), "{plan:#?}");
    }
    store.close().await;
}

/// Whatever is asked of them; and what a commit looks for.
#[tokio::test]
async fn updates_are_found_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let (id, device) = (UpdateId(Uuid::from_u128(7)), DeviceId(1));
    let all = UpdateQuery::all(PageRequest::first(10));
    let artefact = Some(ArtefactId(Uuid::from_u128(1)));
    let failed = Some(UpdatePhase::Failed);
    let list = |query: UpdateQuery| update::updates(&query, Some(id));
    for (index, sql) in [
        ("sqlite_autoindex_device_update_1 (id<?)", list(all.clone())),
        (
            "device_update_by_device (device_id=? AND id<?)",
            list(UpdateQuery { device: Some(device), phase: failed, ..all.clone() }),
        ),
        ("device_update_by_artefact (artefact=? AND id<?)", list(UpdateQuery { artefact, ..all.clone() })),
        ("device_update_by_phase (phase=? AND id<?)", list(UpdateQuery { phase: failed, ..all.clone() })),
        (
            "device_update_by_artefact_and_phase (artefact=? AND phase=? AND id<?)",
            list(UpdateQuery { artefact, phase: failed, ..all.clone() }),
        ),
        ("device_update_running (id<?)", list(UpdateQuery { running: true, ..all.clone() })),
        (
            "device_update_running_by_artefact (artefact=? AND id<?)",
            list(UpdateQuery { artefact, running: true, ..all }),
        ),
        ("device_update_running (id>?)", update::running(None, 10)),
        ("device_update_download (download=?)", update::by_download(&DownloadDigest([1; 16]))),
        ("device_update_failed (device_id=? AND ended_at>?)", update::failed(device, Timestamp(1), 3)),
        ("device_update_live (device_id=? AND target=?)", batch::update::going_on(1, "/5/0")),
        ("device_update_by_device (device_id=?)", batch::update::outgrown(device)),
        ("device_update_by_device (device_id=? AND id<?)", batch::update::dropping(device, vec![1])),
    ] {
        let plan = plan(&store, sql.statement(DbBackend::Sqlite)).await;
        let [line] = &plan[..] else { panic!("{index}: {plan:#?}") };
        assert!(line.starts_with("SEARCH") && line.ends_with(&format!(" {index}")), "{index}: {line}");
    }
    let progress = [(id, (1, Timestamp(1)))];
    let progressing = batch::update::progressing(&progress).statement(DbBackend::Sqlite);
    assert_indexed(&store, "progress", progressing).await;
    store.close().await;
}

/// Whatever is asked of baselines, and of where devices stand.
#[tokio::test]
async fn configuration_is_found_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let level = Level::Class(ClassId(1));
    let of = |state| ConfigurationQuery { state, page: PageRequest::first(10) };
    let drifted = Some(ConfiguredState::Drifted);
    for (index, sql) in [
        ("baseline_newest (newest=? AND level=?)", configuration::newest()),
        ("baseline_newest (newest=? AND level=? AND level_id=?)", configuration::one(level, None)),
        (
            "baseline_newest (newest=? AND level=? AND level_id=?)",
            batch::configuration::newest_version(level),
        ),
        ("PRIMARY KEY (level=? AND level_id=? AND version=?)", configuration::one(level, Some(3))),
        ("PRIMARY KEY (level=? AND level_id=? AND version<?)", configuration::versions(level, Some(3), 10)),
        ("PRIMARY KEY (rowid>?)", configuration::planned(Some(DeviceId(1)), 10)),
        ("PRIMARY KEY (rowid>?)", configuration::standing(&of(None), Some(1))),
        ("configured_by_state (state=? AND device_id>?)", configuration::standing(&of(drifted), Some(1))),
    ] {
        let plan = plan(&store, sql.statement(DbBackend::Sqlite)).await;
        let [line] = &plan[..] else { panic!("{index}: {plan:#?}") };
        assert!(line.starts_with("SEARCH") && line.ends_with(&format!(" {index}")), "{index}: {line}");
    }
    store.close().await;
}

/// Every handshake asks for one, and every page of what was noted for some.
#[tokio::test]
async fn credentials_claims_and_the_diary_are_found_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let name = CredentialName::Psk(PskIdentity::new("node-1").unwrap());
    let device = entity::credential::Column::DeviceId;
    let claim = entity::credential::Column::ClaimId;
    let backend = DbBackend::Sqlite;
    for (name, statement) in [
        ("by name", identity::by_name(&name).statement(backend)),
        ("by names", identity::by_names(&[name]).statement(backend)),
        ("devices by names", identity::devices_named(&[EndpointName::new("a").unwrap()]).statement(backend)),
        ("of a device", identity::newest_credentials(device, 1).build(backend)),
        ("of a claim", identity::newest_credentials(claim, 1).build(backend)),
        ("claims, next page", identity::claims(Some((1, 1)), 10).statement(backend)),
        ("bootstraps", identity::bootstraps(DeviceId(1)).build(backend)),
        ("events", told::events(7, 10).statement(backend)),
        ("token", people::tokens().text(" WHERE t.hash = ").bind(vec![1_u8]).statement(backend)),
    ] {
        assert_indexed(&store, name, statement).await;
    }
    let all = || DiaryQuery::all(PageRequest::first(10));
    for query in [
        all(),
        DiaryQuery { cause: Some(DiaryCause::WrongKey), ..all() },
        DiaryQuery { device: Some(DeviceId(1)), ..all() },
        DiaryQuery { unmanaged: true, ..all() },
        DiaryQuery { cause: Some(DiaryCause::WrongKey), unmanaged: true, ..all() },
    ] {
        for after in [None, Some((1, Uuid::from_u128(1)))] {
            assert_indexed(&store, &format!("{query:?}"), told::diary(&query, after).statement(backend))
                .await;
        }
    }
    for query in [
        AuditQuery { actor: Some("a".into()), ..audited() },
        AuditQuery { verb: Some(Verb::LogIn), ..audited() },
        AuditQuery { device: Some(DeviceId(1)), until: Some(Timestamp(1)), ..audited() },
    ] {
        for after in [None, Some(7)] {
            assert_indexed(&store, &format!("{query:?}"), told::audit(&query, after).build(backend)).await;
        }
    }
    store.close().await;
}

#[tokio::test]
async fn secure_sessions_and_certificates_are_found_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    let backend = DbBackend::Sqlite;
    let name = Fingerprint([1; 32]);
    let (credential, session) = (CredentialId(1), SecureSessionId(1));
    let source = source(1);
    let mark = SessionMark { id: session, received: 1, source, is_certain: true, at: Timestamp(1) };
    let ended = Sql::new("DELETE FROM dtls_session WHERE credential_id IN ").list([1_i64]);
    let due = Sql::new(
        "SELECT check_at FROM dtls_session WHERE check_at <= 1 ORDER BY check_at LIMIT 1 OFFSET 500",
    );
    for (name, sql) in [
        ("of a class", secure::of_class(ClassId(1), &CredentialKind::ALL, Some(credential), 10)),
        ("of a class, the first", secure::of_class(ClassId(1), &CredentialKind::ALL, None, 10)),
        ("seen with", secure::seen_with(&[credential])),
        ("issued by", secure::issued_by("issuer_name", name, Some(credential), 10)),
        ("issued below", secure::issued_by("anchor_name", name, None, 10)),
        ("sessions, next page", secure::live_sessions(NodeId::SINGLE, Some(session), 10)),
        ("one session", secure::one_session(session)),
        ("sessions are opened", sessions::opening(&[opened()], 1)),
        ("sessions are heard", sessions::hearing(&[(1, mark)])),
        ("sessions may use numbers", sessions::reserving(&[(1, 1)], 1)),
        ("sessions rest", sessions::resting(&[(1, true)])),
        ("sessions of a credential", ended),
        ("sessions of a class", batch::secure::sessions_of_class("device", "device_id", 1, &["psk"])),
        ("silent sessions", due),
    ] {
        assert_indexed(&store, name, sql.statement(backend)).await;
    }
    // The first page of a walk in the order of the rows.
    let first = secure::live_sessions(NodeId::SINGLE, None, 10).statement(backend);
    let lines = plan(&store, first).await;
    assert!(
        lines.contains(&"SCAN s".to_owned()) && !lines.iter().any(|line| line.contains("B-TREE")),
        "{lines:?}"
    );
    let interrupting = batch::bootstrap::interrupting(Timestamp(1)).statement(backend);
    let by_index = "SCAN bootstrap_session USING INDEX bootstrap_session_under_way";
    assert_eq!(plan(&store, interrupting).await, [by_index]);
    store.close().await;
}

fn opened() -> entity::dtls_session::Model {
    entity::dtls_session::Model {
        id: 1,
        node_id: 1,
        credential_id: 1,
        device_id: Some(1),
        claim_id: None,
        purpose: "management".into(),
        listener: 0,
        address: "127.0.0.1:1".into(),
        reserved: 0,
        received: 0,
        live: 1,
        began_at: 0,
        heard_at: 0,
        check_at: 0,
        sealed: vec![1],
    }
}

/// The audit log's first page reads it from its end; without a condition SQLite calls that a scan.
#[tokio::test]
async fn the_first_page_of_the_audit_log_is_read_from_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    for (statement, expected) in [
        (told::audit(&audited(), None).build(DbBackend::Sqlite), "SCAN audit"),
        (Sql::new("SELECT MAX(sequence) FROM audit").statement(DbBackend::Sqlite), "SEARCH audit"),
    ] {
        assert_eq!(plan(&store, statement).await, [expected]);
    }
    store.close().await;
}

async fn assert_indexed(store: &SqlStore, name: &str, statement: Statement) {
    let text = statement.sql.clone();
    let plan = plan(store, statement).await;
    // An index read in order from end to end is a scan too, but a LIMIT ends it.
    let in_order = |line: &str| line.contains("USING INDEX") || line.contains("USING COVERING INDEX");
    for line in &plan {
        // The rows that are handed in are walked: `k`.
        let handed_in =
            ["CO-ROUTINE k", "MATERIALIZE k", "SCAN CONSTANT ROW", "SCAN k", "MATERIALIZE p", "SCAN p"]
                .contains(&line.as_str())
                || line.contains("VALUES CLAUSE");
        // Parts of an index that are merged, the rows of a page, and what looks for one row.
        let merged = ["CO-ROUTINE p", "MERGE (UNION ALL)", "LEFT", "RIGHT"].contains(&line.as_str());
        let one = line.starts_with("SCALAR SUBQUERY") || line.starts_with("CORRELATED SCALAR SUBQUERY");
        // The rows that another query has found.
        let found = line.starts_with("LIST SUBQUERY") || line == "CREATE BLOOM FILTER";
        let harmless = line.starts_with("SEARCH") || in_order(line) || handed_in || merged || one || found;
        assert!(harmless, "{name}: {line}\n{plan:#?}\n{text}");
    }
}

async fn plan(store: &SqlStore, statement: Statement) -> Vec<String> {
    let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {}", statement.sql), ..statement };
    let rows = store.reader.connection().query_all_raw(explain).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(3).unwrap()).collect()
}

fn audited() -> AuditQuery {
    AuditQuery::all(PageRequest::first(10))
}

/// Every way to ask for a list of devices.
fn questions() -> Vec<DeviceQuery> {
    let states =
        [None, Some(DeviceState::Registered), Some(DeviceState::Awaited), Some(DeviceState::Removed)];
    let mut questions = Vec::new();
    for state in states {
        for prefix in [None, Some("node".to_owned())] {
            for class in [None, Some(ClassId(1))] {
                for secured in [None, Some(true)] {
                    let (prefix, all) = (prefix.clone(), DeviceQuery::all(PageRequest::first(10)));
                    questions.push(DeviceQuery { state, prefix, class, secured, ..all });
                }
            }
        }
    }
    questions
}
