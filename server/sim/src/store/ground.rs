//! What lies below the faults: the store in memory, or the one that a server has, on SQLite or PostgreSQL.
//!
//! A database takes its own time, which is none in a run: whoever asks it blocks until it has answered. So a run is the same each
//! time on it, too, and on each of them; it is only slower.

use std::str::FromStr as _;

use fleet::{Store, store::MemoryStore};
use futures::executor::block_on;
use pg_cluster::Cluster;
use server::{
    Database, PostgresUrl, SqlStore,
    testing::{Synchronous, open_store},
};
use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    task::unconstrained,
};

/// Which store it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// The one in memory.
    #[default]
    Memory,
    /// A SQLite of its own.
    Sqlite,
    /// A database of its own in a throwaway PostgreSQL, which has to be installed.
    Postgres,
}

/// A store that answers at once, by the time of the run.
pub enum Ground {
    /// In memory.
    Memory(Box<MemoryStore>),
    /// In a database.
    Database(Running),
}

/// A database that runs.
pub struct Running {
    /// There until it is closed.
    store: Option<SqlStore>,
    /// Where its connections live; the run's own runtime has neither time nor sockets for them.
    runtime: Runtime,
    _folder: TempDir,
}

impl Ground {
    /// An empty one.
    ///
    /// # Panics
    /// If there is none of this kind here.
    pub fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a database");
        let database = match kind {
            Kind::Memory => return Self::Memory(Box::default()),
            Kind::Sqlite => Database::File(folder.path().join("muster.db")),
            Kind::Postgres => {
                let cluster = Cluster::shared("the simulator").expect("PostgreSQL is installed");
                let url = PostgresUrl::from_str(&cluster.url(&cluster.database()));
                Database::Postgres(url.expect("a cluster gives whole URLs"))
            }
        };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("the system has a thread to spare");
        // That each commit waits for the disk is what power cuts show.
        let store = runtime.block_on(open_store(database, Synchronous::Normal));
        let store = Some(store.expect("an empty database can be opened"));
        Self::Database(Running { store, runtime, _folder: folder })
    }

    /// What comes of asking the store.
    pub fn ask<'s, T, F: Future<Output = T>>(&'s self, question: impl FnOnce(&'s dyn Store) -> F) -> T {
        match self {
            Self::Memory(store) => block_on(question(&**store)),
            Self::Database(Running { store, runtime, .. }) => {
                let _entered = runtime.enter();
                let store = store.as_ref().expect("it is open until it is dropped");
                // A task that asks much in one turn would else be told to yield, which nobody does here.
                block_on(unconstrained(question(store)))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            self.runtime.block_on(store.close());
        }
    }
}
