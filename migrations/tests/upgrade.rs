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

async fn lines(database: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect()
}
