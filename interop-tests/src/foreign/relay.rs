//! A relay between a client and the host, which goes on from another port when it is told to, as a NAT does.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A relay. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Relay {
    address: SocketAddr,
    host: SocketAddr,
    outside: Arc<Mutex<UdpSocket>>,
    is_over: Arc<AtomicBool>,
}

impl Relay {
    /// One before this host.
    pub(super) fn before(host: SocketAddr) -> Self {
        let inside = socket();
        let address = inside.local_addr().expect("it is bound");
        let outside = Arc::new(Mutex::new(to(host)));
        let is_over = Arc::new(AtomicBool::new(false));
        let relay = Self { address, host, outside: Arc::clone(&outside), is_over: Arc::clone(&is_over) };
        std::thread::spawn(move || pass(&inside, &outside, &is_over));
        relay
    }

    /// Where the client finds it.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Goes on from another port; what is sent to the old one is lost.
    pub(super) fn move_on(&self) {
        *self.outside.lock().unwrap_or_else(PoisonError::into_inner) = to(self.host);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn pass(inside: &UdpSocket, outside: &Mutex<UdpSocket>, is_over: &AtomicBool) {
    let mut buffer = vec![0; 65_536];
    let mut client = None;
    while !is_over.load(Ordering::Relaxed) {
        let outside = outside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok((len, from)) = inside.recv_from(&mut buffer) {
            client = Some(from);
            drop(outside.send(&buffer[..len]));
        }
        if let (Some(client), Ok(len)) = (client, outside.recv(&mut buffer)) {
            drop(inside.send_to(&buffer[..len], client));
        }
    }
}

fn to(host: SocketAddr) -> UdpSocket {
    let socket = socket();
    socket.connect(host).expect("an address of this machine can be reached");
    socket
}

/// Waits only for a moment.
fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket.set_read_timeout(Some(Duration::from_millis(1))).expect("it is not zero");
    socket
}
