//! A relay between one client and the server: it sees every datagram, can lose them all, and can add its own.
//!
//! The client is given [`Tap::address`] for the server's. The server sees the relay's other socket for the client's.

mod session;
pub(crate) use session::{Session, fatal_alert};

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    net::UdpSocket,
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use crate::Deadline;

/// A relay that is listened to. It ends when this is dropped.
pub struct Tap {
    address: SocketAddr,
    shared: Arc<Shared>,
    seen: mpsc::UnboundedReceiver<Datagram>,
    task: JoinHandle<()>,
}

/// A datagram that went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who has sent it.
    pub from: Side,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// An end of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The device.
    Client,
    /// The server.
    Server,
}

impl Tap {
    /// A relay in front of the server.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn before(server: SocketAddr) -> Self {
        Self::between(socket(), server)
    }

    /// A relay in front of the server, at an address that was given away before.
    ///
    /// # Panics
    /// If the address is somebody else's by now, and outside of a tokio runtime.
    pub fn at(address: SocketAddr, server: SocketAddr) -> Self {
        Self::between(bound_to(address), server)
    }

    fn between(to_client: UdpSocket, server: SocketAddr) -> Self {
        let to_server = socket();
        let address = to_client.local_addr().expect("the socket is bound");
        let lost = AtomicBool::new(false);
        let shared = Arc::new(Shared {
            to_client,
            to_server: std::sync::Mutex::new(Arc::new(to_server)),
            rebound: Notify::new(),
            server,
            client: std::sync::Mutex::new(None),
            lost,
        });
        let (seen_in, seen) = mpsc::unbounded_channel();
        let task = tokio::spawn(relay(Arc::clone(&shared), seen_in));
        Self { address, shared, seen, task }
    }

    /// Where the client finds the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether all datagrams are lost from now on, in both directions.
    pub fn lose(&self, all: bool) {
        self.shared.lost.store(all, Ordering::Relaxed);
    }

    /// Goes on from another port towards the server, as a NAT does that has forgotten the client.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn rebind(&self) {
        *self.shared.to_server.lock().expect("nothing panics with it") = Arc::new(socket());
        self.shared.rebound.notify_one();
    }

    /// The next datagram that went through; nothing once the relay has ended.
    pub async fn next(&mut self) -> Option<Datagram> {
        self.seen.recv().await
    }

    /// The next datagram of this side that is as asked; those before it are forgotten.
    ///
    /// # Panics
    /// If none comes in the usual time.
    pub async fn next_from(&mut self, side: Side, what: &str, is: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let deadline = Deadline::usual();
        loop {
            let next = tokio::time::timeout(deadline.left(), self.seen.recv()).await;
            let datagram = next.ok().flatten().unwrap_or_else(|| panic!("waited in vain for {what}"));
            if datagram.from == side && is(&datagram.bytes) {
                return datagram.bytes;
            }
        }
    }

    /// What has gone through since it was asked last, or anything else was.
    pub fn drain(&mut self) -> Vec<Datagram> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }

    /// How many ClientHellos have gone through since it was asked last, or anything else was; all of what went through
    /// is forgotten.
    pub fn client_hellos(&mut self) -> usize {
        let mut count = 0;
        while let Ok(datagram) = self.seen.try_recv() {
            count += usize::from(datagram.is_client_hello());
        }
        count
    }

    /// Sends a datagram to one side, as if it came from the other.
    ///
    /// # Panics
    /// If it is for the client, and the client has not been heard yet.
    pub async fn inject(&self, to: Side, datagram: &[u8]) {
        self.shared.pass(to, datagram).await;
    }
}

impl Datagram {
    /// Whether it begins a handshake.
    fn is_client_hello(&self) -> bool {
        self.from == Side::Client && is_client_hello(&self.bytes)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Shared {
    to_client: UdpSocket,
    to_server: std::sync::Mutex<Arc<UdpSocket>>,
    /// There is another socket towards the server.
    rebound: Notify,
    server: SocketAddr,
    /// Where the client was heard last.
    client: std::sync::Mutex<Option<SocketAddr>>,
    lost: AtomicBool,
}

impl Shared {
    fn to_server(&self) -> Arc<UdpSocket> {
        Arc::clone(&self.to_server.lock().expect("nothing panics with it"))
    }

    async fn pass(&self, to: Side, datagram: &[u8]) {
        // Nobody may be there at the moment; then it is lost, as datagrams are.
        let sent = match to {
            Side::Client => {
                let client = *self.client.lock().expect("nothing panics with it");
                self.to_client.send_to(datagram, client.expect("the client was heard")).await
            }
            Side::Server => self.to_server().send_to(datagram, self.server).await,
        };
        drop(sent);
    }
}

async fn relay(shared: Arc<Shared>, seen: mpsc::UnboundedSender<Datagram>) {
    let (mut ours, mut theirs) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        let to_server = shared.to_server();
        let (from, bytes) = tokio::select! {
            () = shared.rebound.notified() => continue,
            received = shared.to_client.recv_from(&mut ours) => match received {
                Ok((len, client)) => {
                    *shared.client.lock().expect("nothing panics with it") = Some(client);
                    (Side::Client, &ours[..len])
                }
                Err(_) => continue,
            },
            received = to_server.recv_from(&mut theirs) => match received {
                Ok((len, from)) if from == shared.server => (Side::Server, &theirs[..len]),
                // A stranger, or a port that is closed at the moment.
                _ => continue,
            },
        };
        if shared.lost.load(Ordering::Relaxed) {
            continue;
        }
        let to = if from == Side::Client { Side::Server } else { Side::Client };
        drop(seen.send(Datagram { from, bytes: bytes.to_vec() }));
        shared.pass(to, bytes).await;
    }
}

/// Whether a datagram begins with a record of epoch 0 with a ClientHello in it (RFC 6347 §4.1, §4.2.2).
pub(crate) fn is_client_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22) && datagram.get(3..5) == Some(&[0, 0]) && datagram.get(13) == Some(&1)
}

pub(crate) fn socket() -> UdpSocket {
    bound_to(SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn bound_to(address: SocketAddr) -> UdpSocket {
    let socket = std::net::UdpSocket::bind(address).expect("a port is free");
    socket.set_nonblocking(true).expect("sockets can be non-blocking");
    UdpSocket::from_std(socket).expect("the caller is in a runtime")
}
