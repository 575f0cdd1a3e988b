//! DTLS by the engine of our own, as the client: for many devices at once, and for what `webrtc-dtls` can't do.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use dtls::{Connect, Endpoint, Event, Offer, Output, SessionId};
use tokio::net::UdpSocket;
use zeroize::Zeroizing;

use super::WayError;
use crate::{clock, fill_random};

/// A session with a server, from a port of its own.
pub struct Connection {
    socket: UdpSocket,
    engine: Endpoint,
    origin: Instant,
    session: SessionId,
    received: VecDeque<Vec<u8>>,
}

/// What has come of waiting.
enum Came {
    Connected(SessionId),
    Received(Vec<u8>),
    Over(WayError),
}

impl Connection {
    /// Shakes hands by a pre-shared key, with a connection id.
    pub(super) async fn open(
        socket: UdpSocket,
        server: SocketAddr,
        identity: &[u8],
        key: &[u8],
    ) -> Result<Self, WayError> {
        let mut seed = [0; 32];
        fill_random(&mut seed);
        let engine = Endpoint::new(dtls::Config::default(), seed);
        let mut connection =
            Self { socket, engine, origin: Instant::now(), session: SessionId(0), received: VecDeque::new() };
        let offer = Offer::Psk { identity: identity.to_vec(), key: Zeroizing::new(key.to_vec()) };
        let connect =
            Connect { offer, suites: Vec::new(), server_name: None, connection_id: true, resume: None };
        connection.engine.connect(Duration::ZERO, server, connect);
        loop {
            match connection.next(server).await {
                Came::Connected(session) => {
                    connection.session = session;
                    return Ok(connection);
                }
                Came::Received(data) => connection.received.push_back(data),
                Came::Over(error) => return Err(error),
            }
        }
    }

    pub(super) async fn send(&mut self, datagram: &[u8]) {
        let now = self.origin.elapsed();
        // One that can't be sent is lost, as datagrams are.
        let _ = self.engine.send(now, self.session, datagram);
        while let Some(output) = self.engine.poll_output() {
            self.follow(output).await;
        }
    }

    /// The length of the next datagram.
    pub(super) async fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, WayError> {
        loop {
            if let Some(data) = self.received.pop_front() {
                let len = data.len().min(buffer.len());
                buffer[..len].copy_from_slice(&data[..len]);
                return Ok(len);
            }
            let Some(server) = self.engine.peer_of(self.session) else { return Err(WayError::Closed) };
            match self.next(server).await {
                Came::Connected(_) => {}
                Came::Received(data) => self.received.push_back(data),
                Came::Over(error) => return Err(error),
            }
        }
    }

    // Cancelled where it waits for the socket, it has lost nothing: what has arrived is in the engine's outputs.
    async fn next(&mut self, server: SocketAddr) -> Came {
        let mut buffer = vec![0; 2_048];
        loop {
            while let Some(output) = self.engine.poll_output() {
                if let Some(came) = self.follow(output).await {
                    return came;
                }
            }
            let due = self.engine.poll_timeout().map(|due| self.origin + due);
            let due = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(3_600));
            tokio::select! {
                // A refused port is an unreachable server: no datagram.
                Ok(len) = self.socket.recv(&mut buffer) => {
                    self.engine.handle_datagram(self.origin.elapsed(), server, &mut buffer[..len]);
                }
                () = tokio::time::sleep_until(due.into()) => self.engine.handle_timeout(self.origin.elapsed()),
            }
        }
    }

    async fn follow(&mut self, output: Output) -> Option<Came> {
        match output {
            Output::Transmit { bytes, .. } => drop(self.socket.send(&bytes).await),
            Output::Event(Event::Compute(job)) => {
                let computed = job.run(&ring::rand::SystemRandom::new(), clock::unix_time(clock::wall()));
                self.engine.computed(self.origin.elapsed(), computed);
            }
            Output::Event(Event::Connected { session, .. }) => return Some(Came::Connected(session)),
            Output::Event(Event::Received { plaintext, .. }) => return Some(Came::Received(plaintext)),
            Output::Event(Event::Reserve { session, upto }) => self.engine.reserved(session, upto),
            Output::Event(Event::Failed(failure)) => return Some(Came::Over(WayError::Refused(failure))),
            Output::Event(Event::Ended { .. }) => return Some(Came::Over(WayError::Closed)),
            Output::Event(_) => {}
        }
        None
    }
}
