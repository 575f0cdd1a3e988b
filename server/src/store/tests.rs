//! The battery on SQLite in a file, and what only this store promises.

mod copy;
mod durable;
mod fixture;
mod full;
mod log;
mod many;
mod moved;
mod plans;
mod postgres;
mod restart;
mod retention;
mod schema;
mod sealed;
mod sessions;
mod together;
mod upgrade;
mod window;

use fleet::store::battery::Case;

fn run(case: Case) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = fixture::open(folder.path().join("muster.db")).await;
        case(&store).await;
        fixture::assert_tallies_are_true(&store).await;
        store.close().await;
    });
}

fleet::store_battery!(run);
