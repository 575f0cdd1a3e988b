//! A connection that is cut at COMMIT: what the database made of it can't be known before it can be asked.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use fleet::{Store as _, StoreError};
use futures::future::join_all;
use pg_cluster::Cluster;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::store::{
    Database, SqlStore,
    tests::fixture::{assert_tallies_are_true, open, registers},
};

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_acknowledged_once_and_not_done_again() {
    let Some(world) = World::new().await else { return };
    world.cut(Cut::Answer);
    let outcomes = world.commit_five().await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(world.sql("SELECT COUNT(*) FROM timeline"), "6");
    world.goes_on().await;
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_refused_and_leaves_nothing() {
    let Some(world) = World::new().await else { return };
    world.cut(Cut::Question);
    let outcomes = world.commit_five().await;
    assert!(outcomes.iter().any(Result::is_err), "{outcomes:?}");
    for (outcome, number) in outcomes.iter().zip(2..) {
        let kept = world.sql(&format!("SELECT COUNT(*) FROM device WHERE id = {number}"));
        assert_eq!(kept == "1", outcome.is_ok(), "{number}: {outcome:?}");
    }
    world.goes_on().await;
}

/// What becomes of the next COMMIT.
#[derive(Clone, Copy)]
enum Cut {
    /// It arrives, and its answer does not.
    Answer = 1,
    /// It does not arrive.
    Question = 2,
}

/// A store that speaks to PostgreSQL through somebody who can cut it off.
struct World {
    store: SqlStore,
    cluster: &'static Cluster,
    name: String,
    cut: Arc<AtomicU8>,
}

impl World {
    async fn new() -> Option<Self> {
        let cluster = Cluster::shared("a connection to PostgreSQL that is cut")?;
        let name = cluster.database();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicU8::new(0));
        tokio::spawn(relay(listener, cluster.port(), Arc::clone(&cut)));
        let url = format!("postgres://postgres@127.0.0.1:{port}/{name}");
        let store = open(Database::Postgres(url.parse().unwrap())).await;
        store.commit(registers(1, "node-1")).await.unwrap();
        Some(Self { store, cluster, name, cut })
    }

    fn cut(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::Relaxed);
    }

    fn sql(&self, sql: &str) -> String {
        self.cluster.sql(&self.name, sql)
    }

    async fn commit_five(&self) -> Vec<Result<(), StoreError>> {
        let names: Vec<String> = (2..7).map(|number| format!("node-{number}")).collect();
        let commits = names.iter().zip(2..).map(|(name, number)| self.store.commit(registers(number, name)));
        join_all(commits).await.into_iter().map(|outcome| outcome.map(drop)).collect()
    }

    async fn goes_on(self) {
        self.store.commit(registers(7, "node-7")).await.unwrap();
        assert_tallies_are_true(&self.store).await;
        self.store.close().await;
    }
}

async fn relay(listener: TcpListener, port: u16, cut: Arc<AtomicU8>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tokio::spawn(carry(client, server, Arc::clone(&cut)));
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, cut: Arc<AtomicU8>) {
    let (mut asked, mut answered) = ([0; 8_192], [0; 8_192]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let is_commit = asked[..length].windows(6).any(|word| word == b"COMMIT");
                match if is_commit { cut.swap(0, Ordering::Relaxed) } else { 0 } {
                    0 => server.write_all(&asked[..length]).await.unwrap(),
                    1 => {
                        server.write_all(&asked[..length]).await.unwrap();
                        // Its answer has come as far as here.
                        drop(server.read(&mut answered).await);
                        return;
                    }
                    _ => return,
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
