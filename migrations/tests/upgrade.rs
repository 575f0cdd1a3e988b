//! What an earlier version has written means the same after each step.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

use migrations::Migrator;
use sea_orm_migration::{
    MigratorTrait,
    sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement},
};

/// Devices as the first step knows them: 1 lives, 2 said goodbye, 3 ran out, 4 never registered.
const FLEET: &str = "
    INSERT INTO device (id, public_id, domain_id, class_id, endpoint, created_at)
        SELECT column1, column2, 1, 1, 'node-' || column1, 1000
        FROM (VALUES (1, x'01'), (2, x'02'), (3, x'03'), (4, x'04'));
    INSERT INTO registration (device_id, location, endpoint, state, lwm2m, lifetime_s, transports, queue_mode, links, extra,
        listener, address, registered_at, updated_at, ended_at, seen_at, node_id, epoch)
        SELECT column1, column1, 'node-' || column1, column2, '1.1', 300, 'U', 0, '{}', '[]', 0, '127.0.0.1:5683', 1000,
        1000, column3, column4, 1, 1
        FROM (VALUES (1, 'registered', NULL, NULL), (2, 'deregistered', 2000, 1900), (3, 'expired', 3000, 2500));
    INSERT INTO lease (device_id, seen_at, expires_at) VALUES (1, 1500, 301000);
    INSERT INTO tally (node_id, name, count)
        VALUES (1, 'registered', 1), (1, 'deregistered', 1), (1, 'expired', 1);
    INSERT INTO user_account (id, public_id, domain_id, name, role, password, created_at)
        VALUES (7, x'07', 1, 'admin', 'administrator', 'hash', 1000);
    INSERT INTO audit (sequence, domain_id, at, actor, cause, request, verb, device_id, object, canonical)
        VALUES (1, 1, 1000, 'admin', 'console', x'00', 'log in', NULL, '', x'01');
    UPDATE node SET boots = 3, sequence = 40;
";

#[tokio::test]
async fn a_fleet_of_the_first_step_keeps_its_states_and_counts() {
    let database = Database::connect(ConnectOptions::new("sqlite::memory:")).await.unwrap();
    Migrator::up(&database, Some(1)).await.unwrap();
    database.execute_unprepared(FLEET).await.unwrap();
    Migrator::up(&database, Some(1)).await.unwrap();

    let devices = "SELECT id || ' ' || state || ' ' || secured || ' ' || COALESCE(rested_at, 'lives') || ' ' || \
                   (removed_at IS NULL) FROM device ORDER BY id";
    let expected =
        ["1 registered 0 lives 1", "2 deregistered 0 1900 1", "3 expired 0 2500 1", "4 awaited 0 -1 1"];
    assert_eq!(lines(&database, devices).await, expected);
    let counts = "SELECT name || ' ' || count FROM tally ORDER BY name";
    assert_eq!(lines(&database, counts).await, ["awaited 1", "deregistered 1", "expired 1", "registered 1"]);
    let rest = "SELECT (SELECT COUNT(*) FROM registration WHERE credential_id IS NULL) || ' ' || \
                (SELECT COUNT(*) FROM user_account WHERE disabled_at IS NULL) || ' ' || \
                (SELECT boots || ' ' || sequence || ' ' || event FROM node) || ' ' || (SELECT COUNT(*) FROM audit)";
    assert_eq!(lines(&database, rest).await, ["3 1 3 40 0 1"]);

    // Back again, with one that the first step has no word for.
    database
        .execute_unprepared("UPDATE registration SET state = 'revoked' WHERE device_id = 3")
        .await
        .unwrap();
    Migrator::down(&database, Some(1)).await.unwrap();
    let states = "SELECT device_id || ' ' || state FROM registration ORDER BY device_id";
    assert_eq!(lines(&database, states).await, ["1 registered", "2 deregistered", "3 deregistered"]);
    assert_eq!(lines(&database, counts).await, ["deregistered 2", "registered 1"]);
}

/// What the second step knows beside them: a device with a key that opens sessions, and one that has ended.
const IDENTITIES: &str = "
    INSERT INTO device (id, public_id, domain_id, class_id, endpoint, created_at, secured)
        VALUES (1, x'01', 1, 1, 'node-1', 1000, 1), (2, x'02', 1, 1, 'node-2', 1000, 0);
    INSERT INTO credential (id, public_id, domain_id, device_id, purpose, kind, state, identity, sealed, valid_from,
        created_by, created_at, changed_at)
        VALUES (1, x'01', 1, 1, 'management', 'psk', 'live', x'6e31', x'0102', 0, 'admin', 1000, 1000),
        (2, x'02', 1, 1, 'management', 'psk', 'revoked', x'6e31', x'', 0, 'admin', 900, 950);
    INSERT INTO bootstrap_session (id, device_id, request, started_at, result, reason, steps)
        VALUES (x'01', 1, x'00', 1000, 'under way', '', '[]'), (x'02', 1, x'00', 1000, 'finished', '', '[]');
";

#[tokio::test]
async fn what_the_second_step_has_written_opens_sessions_as_before() {
    let database = Database::connect(ConnectOptions::new("sqlite::memory:")).await.unwrap();
    Migrator::up(&database, Some(2)).await.unwrap();
    database.execute_unprepared(IDENTITIES).await.unwrap();
    let credentials = "SELECT id || ' ' || kind || ' ' || state || ' ' || hex(identity) || ' ' || hex(sealed) FROM credential";
    let before = lines(&database, credentials).await;
    Migrator::up(&database, Some(1)).await.unwrap();
    assert_eq!(lines(&database, credentials).await, before);
    let classes = "SELECT name || ' ' || kinds || ' ' || mapping || ' ' || provision FROM class";
    assert_eq!(lines(&database, classes).await, [r#"default ["psk","rpk","x509"] cn psk"#]);
    let under_way = "SELECT hex(id) FROM bootstrap_session INDEXED BY bootstrap_session_under_way WHERE result = 'under way'";
    assert_eq!(lines(&database, under_way).await, ["01"]);

    // The same name of another kind is another one; of the same kind it is taken.
    let named = |id: i64, kind: &str| {
        format!(
            "INSERT INTO credential (id, public_id, domain_id, device_id, purpose, kind, state, identity, sealed, valid_from, \
             created_by, created_at, changed_at) VALUES ({id}, x'0{id}', 1, 2, 'management', '{kind}', 'staged', x'6e31', \
             x'', 0, 'admin', 1000, 1000)"
        )
    };
    database.execute_unprepared(&named(3, "x509")).await.unwrap();
    database.execute_unprepared(&named(4, "psk")).await.unwrap_err();
    database.execute_unprepared("UPDATE device SET secured = 1 WHERE id = 2").await.unwrap();

    // Back again: whoever has nothing but what the second step has no word for has nothing.
    Migrator::down(&database, Some(1)).await.unwrap();
    assert_eq!(lines(&database, credentials).await, before);
    let secured = "SELECT id || ' ' || secured FROM device ORDER BY id";
    assert_eq!(lines(&database, secured).await, ["1 1", "2 0"]);
}

async fn lines(database: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect()
}
