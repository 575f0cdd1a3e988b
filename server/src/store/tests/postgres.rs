//! The battery on PostgreSQL, where there is one: `MUSTER_TEST_POSTGRES` names a server whose databases may be made and
//! dropped, such as `postgres://postgres@127.0.0.1:5433`. Without it these tests do nothing.

use std::sync::atomic::{AtomicU32, Ordering};

use fleet::store::battery::Case;
use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use super::fixture::open;
use crate::store::Database;

const SERVER: &str = "MUSTER_TEST_POSTGRES";

static DATABASES: AtomicU32 = AtomicU32::new(0);

fn run(case: Case) {
    let Ok(server) = std::env::var(SERVER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let database = format!("muster_test_{}_{number}", std::process::id());
        let keeper = sea_orm::Database::connect(format!("{server}/postgres")).await.unwrap();
        execute(&keeper, &format!("CREATE DATABASE {database}")).await;
        let store = open(Database::Postgres(format!("{server}/{database}"))).await;
        case(&store).await;
        store.close().await;
        execute(&keeper, &format!("DROP DATABASE {database}")).await;
    });
}

async fn execute(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.unwrap();
}

fleet::store_battery!(run);
