//! What a backup holds, and what is there after it was restored.

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
};

use fleet::{Actor, Cause, WebSession};

use super::*;
use crate::backup::{restore::stage, verify::unpack};

fn operation(id: u128, operation: Operation) -> Change {
    Change::OperationQueued(Box::new(OperationRecord {
        id: OperationId(Uuid::from_u128(id)),
        device: DeviceId(1),
        operation,
        requested_by: "somebody".into(),
        request: RequestId(Uuid::from_u128(7)),
        state: OperationState::Queued,
        queued_at: Timestamp(2_000),
        sent_at: None,
        ended_at: None,
        expires_at: Timestamp(i64::MAX),
        result: None,
        priority: fleet::Priority::Normal,
        superseded_by: None,
    }))
}

fn path(text: &str) -> objects::Path {
    text.parse().unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_before_a_backup_under_load_is_in_it() {
    let world = World::new();
    let (_data_dir, store) = world.open().await;
    let store = Arc::new(store);
    let (acknowledged, enough) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = tokio::spawn({
        let (store, acknowledged, enough) =
            (Arc::clone(&store), Arc::clone(&acknowledged), Arc::clone(&enough));
        async move {
            for number in 1.. {
                if enough.load(Ordering::Relaxed) {
                    break;
                }
                store.commit(commit(vec![added(number)])).await.unwrap();
                acknowledged.store(number, Ordering::SeqCst);
            }
        }
    });
    let mut before = 0;
    for round in 0..5 {
        while acknowledged.load(Ordering::SeqCst) < before + 10 {
            tokio::task::yield_now().await;
        }
        before = acknowledged.load(Ordering::SeqCst);
        let name = format!("{round}.muster");
        let manifest = world.backup(&name).await;
        let devices = i64::try_from(manifest.rows["device"]).unwrap();
        let after = acknowledged.load(Ordering::SeqCst);
        assert!(before <= devices && devices <= after + 1, "{before} {devices} {after}");
        assert_eq!(verify(&world.file(&name), Some(&passphrase()), &()).await.unwrap(), manifest);
    }
    let at_last = acknowledged.load(Ordering::SeqCst);
    assert!(at_last > before, "the server went on writing");
    enough.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}

#[tokio::test]
async fn a_backup_is_for_its_owner_alone_and_leaves_nothing_else() {
    let world = World::new();
    let nothing = create_at(&world.config, &world.file("b"), &passphrase(), Cost::NONE, &()).await;
    assert!(nothing.unwrap_err().is_missing());
    drop(world.open().await);
    world.backup("b").await;
    assert_eq!(fs::metadata(world.file("b")).unwrap().permissions().mode() & 0o777, 0o600);
    let again = create_at(&world.config, &world.file("b"), &passphrase(), Cost::NONE, &()).await;
    assert!(again.unwrap_err().is_taken());
    let nowhere = create_at(&world.config, &world.file("no/such"), &passphrase(), Cost::NONE, &()).await;
    assert!(nowhere.unwrap_err().is_missing());
    verify(&world.file("b"), None, &()).await.unwrap();
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with("muster.db"));
        names.sort();
        names
    };
    assert_eq!(names(world.folder.path()), ["b", "data"]);
    assert_eq!(names(&world.config.data_dir.0), ["installation.seed", "lock", "seal.key"]);
}

#[tokio::test]
async fn a_backup_is_a_tar_that_other_tools_read() {
    let world = World::new();
    drop(world.open().await);
    let manifest = world.backup("b").await;
    let mut archive = tar::Archive::new(fs::File::open(world.file("b")).unwrap());
    let names = archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned());
    let expected = ["manifest.json", "keys.sealed", "database.sqlite", "blobs/", "SHA256SUMS"];
    assert_eq!(names.collect::<Vec<_>>(), expected.map(PathBuf::from));
    assert!(manifest.schema.starts_with('m') && manifest.rows["class"] == 1, "{manifest:?}");
}

#[tokio::test]
async fn a_backup_of_a_schema_that_is_not_known_is_not_made() {
    let world = World::new();
    drop(world.open().await);
    let url = format!("sqlite://{}", world.config.database_file().display());
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let later = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)";
    sea_orm::ConnectionTrait::execute_unprepared(&connection, later).await.unwrap();
    connection.close().await.unwrap();
    let refused = create_at(&world.config, &world.file("b"), &passphrase(), Cost::NONE, &()).await;
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("newer version") && said.contains("m9999_later"), "{said}");
    assert!(!world.file("b").exists());
}

#[tokio::test]
async fn a_backup_ends_the_restore_that_was_cut_off_before_it() {
    let world = World::new();
    let (data_dir, store) = world.open().await;
    store.commit(commit(vec![added(1)])).await.unwrap();
    store.close().await;
    drop(data_dir);
    world.backup("one").await;
    let elsewhere = World::new();
    drop(elsewhere.open().await);
    // Decided on, and not put in place yet.
    stage(&elsewhere.config, &world.file("one"), &passphrase(), Actor::COMMAND_LINE, &()).await.unwrap();
    let manifest = elsewhere.backup("two").await;
    assert_eq!(manifest.rows["device"], 1, "what counts is what was restored");
}

#[tokio::test]
async fn a_backup_of_the_first_format_is_restored() {
    let world = World::new();
    let (data_dir, store) = world.open().await;
    store.commit(commit(vec![added(1)])).await.unwrap();
    store.close().await;
    drop(data_dir);
    world.backup("new").await;
    let copy = world.file("database");
    let (manifest, key) = unpack(&world.file("new"), &copy, None, Some(&passphrase()), &()).await.unwrap();
    let first = Manifest { format: 1, ..manifest };
    assert_eq!(first.bound(), format!("{}  database.sqlite\n", first.members[1].sha256).into_bytes());
    let sealed = keys::seal(&key.unwrap(), &passphrase(), Cost::NONE, &first.bound());
    write_down(&world.file("old"), first, &sealed, &copy);
    let restored = restore(&world.elsewhere(), &world.file("old"), &passphrase(), Replace::Never, &()).await;
    assert_eq!(restored.unwrap().format, 1);
}

#[tokio::test]
async fn what_is_no_file_is_said_to_be_a_folder() {
    let world = World::new();
    let folder = world.folder.path();
    let refused = restore(&world.config, folder, &passphrase(), Replace::Never, &()).await.unwrap_err();
    assert!(refused.to_string().contains("is a folder: name the backup"), "{refused}");
}

#[tokio::test]
async fn what_was_there_is_there_and_what_must_not_happen_twice_does_not() {
    let world = World::new();
    let (data_dir, store) = world.open().await;
    let write = Operation::Delete { path: path("/1/2") };
    let reboot = Operation::Execute { path: path("/3/0/4"), arguments: String::new() };
    let read = Operation::Read { path: path("/3/0/1"), format: None };
    let changes = vec![added(1), operation(1, reboot), operation(2, read), operation(3, write)];
    store.commit(commit(changes)).await.unwrap();
    let session = WebSession { key: [7; 32], data: vec![1], expires_at: Timestamp(i64::MAX) };
    store.commit(commit(vec![Change::SessionSaved(session)])).await.unwrap();
    let seed = data_dir.seed().unwrap();
    let entry = audit(&store).await;
    assert!(entry.is_empty());
    store.close().await;
    drop(data_dir);
    let manifest = world.backup("b").await;
    assert_eq!(manifest.rows["web_session"], 0);

    let elsewhere = world.elsewhere();
    let restored = restore(&elsewhere, &world.file("b"), &passphrase(), Replace::Never, &()).await.unwrap();
    assert_eq!(restored, manifest);
    let (data_dir, store) = open(&elsewhere).await;
    assert_ne!(data_dir.seed().unwrap(), seed, "message ids and tokens begin elsewhere");
    assert!(!data_dir.seed_is_new(), "which is no surprise");
    assert!(store.device_row(DeviceId(1)).await.unwrap().is_some());
    assert_eq!(store.session(&[7; 32], Timestamp(0)).await.unwrap(), None);
    let state = async |id| store.operation(OperationId(Uuid::from_u128(id))).await.unwrap().unwrap();
    for (id, expected) in
        [(1, OperationState::Unknown), (2, OperationState::Queued), (3, OperationState::Unknown)]
    {
        assert_eq!(state(id).await.state, expected);
    }
    assert!(state(1).await.result.unwrap().contains("not known"));
    let entries = audit(&store).await;
    let [record] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((record.entry.verb, record.entry.cause), (Verb::Restore, Cause::CommandLine));
    assert!(record.entry.object.starts_with("backup made at 20"), "{}", record.entry.object);
    assert!(record.sequence > 1 << 32, "numbers that were given out since are not given out again");
    store.close().await;
    drop(data_dir);

    // The same file once more, later: no number of the first time comes back.
    let third = World::config(world.folder.path(), "third");
    restore(&third, &world.file("b"), &passphrase(), Replace::Never, &()).await.unwrap();
    let (_data_dir, store) = open(&third).await;
    assert!(audit(&store).await[0].sequence > record.sequence);
}

async fn audit(store: &SqlStore) -> Vec<fleet::AuditRecord> {
    let page = PageRequest { after: None, limit: 10 };
    let query = AuditQuery { actor: None, verb: None, device: None, since: None, until: None, page };
    store.audit(&query).await.unwrap().rows
}

#[tokio::test]
async fn data_that_is_there_is_moved_aside_and_only_when_asked() {
    let world = World::new();
    let (data_dir, store) = world.open().await;
    store.commit(commit(vec![added(1)])).await.unwrap();
    world.backup("b").await;
    store.commit(commit(vec![added(2)])).await.unwrap();
    let restored =
        async |replace| restore(&world.config, &world.file("b"), &passphrase(), replace, &()).await;
    assert!(matches!(restored(Replace::MovingAside).await, Err(BackupError::Running(_))));
    store.close().await;
    drop(data_dir);
    assert!(matches!(restored(Replace::Never).await, Err(BackupError::NotEmpty(_))));
    let (file, others) = (world.file("b"), words("not the passphrase"));
    let wrong = restore(&world.config, &file, &others, Replace::MovingAside, &()).await.unwrap_err();
    assert!(matches!(&wrong, BackupError::Damaged { damage: Damage::Keys(KeysError::Passphrase), .. }));
    let (data_dir, store) = world.open().await;
    assert!(store.device_row(DeviceId(2)).await.unwrap().is_some(), "nothing was touched");
    store.close().await;
    drop(data_dir);

    restored(Replace::MovingAside).await.unwrap();
    let (_data_dir, store) = world.open().await;
    assert!(store.device_row(DeviceId(1)).await.unwrap().is_some());
    assert!(store.device_row(DeviceId(2)).await.unwrap().is_none());
    let aside = fs::read_dir(&world.config.data_dir.0).unwrap().map(|entry| entry.unwrap().path());
    let aside: Vec<_> =
        aside.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("replaced-")).collect();
    let [aside] = &aside[..] else { panic!("{aside:?}") };
    let old = Config { data_dir: config::DataDir(aside.clone()), ..Config::default() };
    let (_data_dir, store) = open(&old).await;
    assert!(store.device_row(DeviceId(2)).await.unwrap().is_some(), "the old data is whole");
}

#[tokio::test]
async fn a_postgresql_is_backed_up_while_it_is_written_and_restored_as_a_file() {
    let Some(cluster) = pg_cluster::Cluster::shared("a backup of PostgreSQL") else { return };
    let mut world = World::new();
    world.config.database.url = Some(cluster.url(&cluster.database()).parse().unwrap());
    let (_data_dir, store) = world.open().await;
    store.commit(commit((1..=40).map(added).collect())).await.unwrap();
    let manifest = world.backup("of-postgresql.muster").await;
    assert_eq!(manifest.rows["device"], 40);
    assert_eq!(manifest.rows["dtls_session"], 0);
    store.commit(commit(vec![added(41)])).await.unwrap();
    store.close().await;

    let file = world.file("of-postgresql.muster");
    let refused = restore(&world.config, &file, &passphrase(), Replace::MovingAside, &()).await;
    assert!(matches!(refused, Err(BackupError::IntoPostgres)), "{refused:?}");
    let elsewhere = world.elsewhere();
    restore(&elsewhere, &file, &passphrase(), Replace::Never, &()).await.unwrap();
    let (_data_dir, store) = open(&elsewhere).await;
    assert!(store.device_row(DeviceId(40)).await.unwrap().is_some());
    assert!(store.device_row(DeviceId(41)).await.unwrap().is_none());
    store.close().await;
}
