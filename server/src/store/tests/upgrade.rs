//! What a server of each earlier schema had written is read as it was meant. Each step has a data set: what a server of it
//! had in its database.

use std::path::Path as File;

use std::time::Duration;

use fleet::{
    ClassId, CredentialId, CredentialState, DeviceId, DeviceState, DiaryCause, OperationId, OperationState,
    Priority, Proof, Role, SecureSessionId, Sends, Store as _, TimelineKind, Timestamp, Verb,
    configuration::{ConfiguredState, Level, Line, Standing, Want, Writer},
    queue::{Awake, Learned},
    store::{
        Artefacts as _, AuditQuery, Configurations as _, DiaryQuery, Groups as _, PageRequest, Queues as _,
        UpdateQuery, Updates as _, WaitingQuery, Wishing as _,
    },
    update::{Ask, DownloadDigest, UpdateNote, UpdatePhase, UpdateTarget, UpdateTerms},
};
use migrations::{Migrator, MigratorTrait as _};
use objects::{InstanceId, Value};
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
    ("m0007_group", include_str!("schemas/m0007_group.sql")),
    ("m0008_artefact", include_str!("schemas/m0008_artefact.sql")),
    ("m0009_class_rule", include_str!("schemas/m0009_class_rule.sql")),
    ("m0010_update", include_str!("schemas/m0010_update.sql")),
    ("m0011_configuration", include_str!("schemas/m0011_configuration.sql")),
    ("m0012_reporting", include_str!("schemas/m0012_reporting.sql")),
    ("m0013_queue", include_str!("schemas/m0013_queue.sql")),
    ("m0014_repair", include_str!("schemas/m0014_repair.sql")),
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
        if number >= 7 {
            groups(&store).await;
        }
        if number >= 8 {
            artefacts(&store).await;
        }
        if number >= 9 {
            class_rules(&store).await;
        }
        if number >= 10 {
            updates(&store).await;
        }
        if *step == "m0011_configuration" {
            configuration(&store).await;
        }
        if *step == "m0012_reporting" {
            wishes(&store).await;
        }
        if *step == "m0013_queue" {
            queue(&store).await;
        }
        if *step == "m0014_repair" {
            repairs(&store).await;
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
    assert_eq!(
        observations.iter().map(|one| one.target.clone()).collect::<Vec<_>>(),
        [path("/3/0/9").into()]
    );
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

async fn artefacts(store: &SqlStore) {
    let artefacts = store.artefacts(&page()).await.unwrap().rows;
    let [artefact] = &artefacts[..] else { panic!("{artefacts:?}") };
    assert_eq!((artefact.name.as_str(), artefact.sequence, artefact.size), ("gateway firmware", 7, 9));
    assert_eq!((&artefact.proof, artefact.sends), (&Proof::Detached(b"{}".to_vec()), Sends::Image));
    let policy = store.update_policy(ClassId(1)).await.unwrap().unwrap();
    assert!(policy.unsigned && policy.http && !policy.coap);
    assert_eq!(policy.vendor_id, Some(Uuid::from_u128(0xa1)));
    let keys = store.update_keys(ClassId(1)).await.unwrap();
    assert_eq!((keys.len(), &keys[0].name[..], keys[0].revoked_at), (1, "build", Some(Timestamp(1_800))));
    let installed = store.installed(DeviceId(1)).await.unwrap();
    assert_eq!(
        (installed.len(), installed[0].sequence, installed[0].artefact),
        (1, Some(7), Some(artefact.id))
    );
    assert_eq!(store.artefact_runs(artefact.id).await.unwrap(), 1);
}

async fn groups(store: &SqlStore) {
    let groups = store.groups().await.unwrap();
    let [group] = &groups[..] else { panic!("{groups:?}") };
    assert_eq!((group.name.as_str(), group.rule.as_str(), group.rank), ("sleepers", "queue_mode", 2));
    assert_eq!(store.members(group.id, None, 9).await.unwrap(), [DeviceId(1)]);
    assert_eq!(store.member_count(group.id).await.unwrap(), 1);
    assert_eq!(store.labels(DeviceId(1)).await.unwrap().to_string(), "site=zurich spare");
}

async fn repairs(store: &SqlStore) {
    let [session] = &store.bootstraps(DeviceId(1)).await.unwrap()[..] else { panic!("one bootstrap") };
    assert_eq!((session.steps.len(), session.repaired()), (2, Some("repaired")));
    let [repair] = &session.repairs[..] else { panic!("one round") };
    assert_eq!((repair.at, repair.cause.as_str()), (Timestamp(1_300), "Finish: 4.06"));
    assert_eq!(repair.anew, Some(objects::ContentFormat::TLV));
    assert_eq!(repair.findings[0].path, path("/1/0"));
}

async fn queue(store: &SqlStore) {
    let learned =
        Learned { time: Duration::from_millis(24_750), answers: 1, silences: 5, at: Timestamp(1_300) };
    let class = Some(Duration::from_secs(30));
    let first = Awake { device: None, class, learned: Some(learned) };
    assert_eq!(store.awake(DeviceId(1)).await.unwrap(), first);
    let second = Awake { device: Some(Duration::from_secs(5)), class, learned: None };
    assert_eq!(store.awake(DeviceId(2)).await.unwrap(), second);
    let waiting = store.waiting(&WaitingQuery::all(page())).await.unwrap().rows;
    let waiting: Vec<_> =
        waiting.iter().map(|one| (one.record.id.0.as_u128(), one.record.priority)).collect();
    assert!(waiting.contains(&(0x11, Priority::Urgent)), "{waiting:?}");
}

async fn wishes(store: &SqlStore) {
    let [(ClassId(1), wishes)] = &store.wishes().await.unwrap()[..] else {
        panic!("one class wishes something")
    };
    assert_eq!(wishes.to_string(), "/3303/*/5700 pmin=10 gt=25.5\n/3/0/9");
    let kept = store.kept_wishes(DeviceId(1)).await.unwrap();
    let (written, owned) = (&kept.written[&path("/3/0/9")], &kept.owned[&path("/3/0/9").into()]);
    assert_eq!(written.attributes.to_queries(), ["pmin=10", "gt=25.5"]);
    assert_eq!(written.registration.map(|id| id.0), Some(-7_i64 as u64));
    let trouble = owned.trouble.as_ref().unwrap();
    assert_eq!((trouble.times, trouble.reason.as_str()), (2, "4.05 Method Not Allowed"));
    let no_composites = store.no_composites(DeviceId(1)).await.unwrap().unwrap();
    assert_eq!((no_composites.at, no_composites.lwm2m), (Timestamp(1_300), objects::Version::V1_1));
}

async fn class_rules(store: &SqlStore) {
    let rules = store.class_rules().await.unwrap();
    let [(class, rule)] = &rules[..] else { panic!("{rules:?}") };
    assert_eq!((rule.manufacturer.as_deref(), rule.model.as_deref()), (Some("ACME"), None));
    assert_eq!((rule.objects.len(), rule.labels.to_string()), (2, "spare".into()));
    assert_eq!(store.contested(*class, 9).await.unwrap(), [DeviceId(1)]);
}

async fn configuration(store: &SqlStore) {
    let first = store.baseline(Level::Fleet, Some(1)).await.unwrap().unwrap();
    let want = Want::Value(Value::Integer(3_600));
    assert_eq!(first.draft.lines, [Line { path: path("/1/0/1"), want }]);
    let newest = store.baselines().await.unwrap();
    assert_eq!((newest.len(), newest[0].version, newest[0].rolls_back_to), (1, 2, Some(1)));
    assert_eq!(newest[0].draft.ticket.as_deref(), Some("CHG-8"));
    assert_eq!(newest[0].draft.lines.len(), 2);
    let row = store.configured(DeviceId(1)).await.unwrap().unwrap();
    assert_eq!((row.state, row.generation, row.reported), (ConfiguredState::Drifted, 2, 1));
    assert_eq!((row.repair_at, row.lines[0].standing), (Some(Timestamp(1_600)), Standing::Out));
    assert!(matches!(&row.findings[0].writer, Writer::Operation { who, .. } if who == "ada"));
}

async fn updates(store: &SqlStore) {
    let query = UpdateQuery { device: Some(DeviceId(1)), ..UpdateQuery::all(page()) };
    let found = store.updates(&query).await.unwrap().rows;
    let [going, ended] = &found[..] else { panic!("{found:?}") };
    assert_eq!((going.phase, going.target), (UpdatePhase::Delivering, UpdateTarget::Firmware));
    assert_eq!((going.version.as_str(), going.size, going.sent, going.attempt), ("2.0", 4_096, 1_024, 2));
    assert_eq!(going.asking, Some((OperationId(Uuid::from_u128(0x11)), Ask::Push)));
    assert_eq!(going.terms, UpdateTerms { severity: Some(1), ..UpdateTerms::default() });
    assert_eq!(going.notes, [UpdateNote { at: Timestamp(2_000), text: "asked for".into() }]);
    assert_eq!((going.due_at, going.download), (Timestamp(9_000), Some(DownloadDigest([0x99; 16]))));
    assert_eq!((ended.phase, ended.ended_at), (UpdatePhase::Failed, Some(Timestamp(1_900))));
    assert_eq!(ended.target, UpdateTarget::Software(InstanceId(3)));
    assert_eq!((ended.result, ended.ticket.as_deref()), (Some(58), Some("CHG-7")));
    let running = store.running_updates(None, 9).await.unwrap();
    assert_eq!(running.iter().map(|one| one.id).collect::<Vec<_>>(), [going.id]);
}

fn page() -> PageRequest {
    PageRequest { after: None, limit: 10 }
}
