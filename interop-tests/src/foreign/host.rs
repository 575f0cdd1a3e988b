//! The engine on a socket: it lets in whom it knows, and answers whatever it is told.

mod server;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use dtls::{Failure, Suite};

use self::server::{Restart, Server};
use super::{Cell, Means, Proof};

/// A server of one suite. It ends when this is dropped.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    restarts: Option<mpsc::Sender<Restart>>,
    thread: Option<JoinHandle<()>>,
}

/// What the server has seen of its clients.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Who said who they were: how, and by which suite.
    pub claims: Vec<(Proof, Suite)>,
    /// For each session that was opened, whether it went on with the keys of an earlier one.
    pub opened: Vec<bool>,
    /// How many messages were answered.
    pub answered: usize,
    /// How often a session was known by another address from then on.
    pub moved: usize,
    /// How many records came by a connection id: those have a type of their own (RFC 9146 §4).
    pub by_connection_id: usize,
    /// The longest datagram that was sent, and the longest that came.
    pub longest: (usize, usize),
    /// Handshakes that came to nothing.
    pub failures: Vec<Failure>,
}

impl Host {
    /// A server for a cell, that knows these.
    ///
    /// # Panics
    /// If no port is free.
    pub fn start(cell: Cell, means: &Means) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let server = Server::new(cell, means, Arc::clone(&seen));
        let address = server.address();
        let (restarts, orders) = mpsc::channel();
        let thread = Some(std::thread::spawn(move || server.run(&orders)));
        Self { address, seen, restarts: Some(restarts), thread }
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen until now.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes on with another engine, which knows of its sessions what was kept.
    ///
    /// # Panics
    /// If the engine does not take them over.
    pub fn restart(&self) {
        let (done, is_done) = mpsc::channel();
        let restarts = self.restarts.as_ref().expect("it has not ended");
        restarts.send(Restart(done)).expect("it has not ended");
        is_done.recv().expect("the engine takes over what it has handed out");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.restarts = None;
        let ended = self.thread.take().map(JoinHandle::join);
        // A client that waits for an answer would only say that there was none.
        assert!(
            std::thread::panicking() || ended.is_none_or(|ended| ended.is_ok()),
            "the engine has panicked"
        );
    }
}
