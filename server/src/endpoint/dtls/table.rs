//! Who is inside, and who is about to be: the sessions and handshakes of one listener. No I/O.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    time::Instant,
};

use fleet::{CredentialId, Origin, Source};

use super::{
    super::{Batch, Incoming},
    Bounds,
    half_open::Handshakes,
    record::{self, Alert, Record},
    session::Session,
};

/// The sessions and handshakes of one listener.
#[derive(Default)]
pub(super) struct Table {
    sessions: HashMap<SocketAddr, Session>,
    /// By when they were heard last.
    by_silence: BTreeSet<(Instant, SocketAddr)>,
    /// Those of each device's credential, in the order they began.
    of_device: HashMap<CredentialId, Vec<SocketAddr>>,
    pub(super) handshakes: Handshakes,
    /// What the shard has to be told, in order.
    arrived: Batch,
}

/// What came of a record.
pub(super) enum Opened {
    /// No session of that address, or not authentic, or seen before.
    No,
    Yes,
    /// The client repeats its last flight, and gets ours again.
    Again(Box<[u8]>),
    /// The client has ended the session; our answer.
    Ended(Option<Vec<u8>>),
}

/// How many sessions a device's credential has at once; the one that began first makes room. More than one, for an address
/// that changes leaves the old session behind; few, so that no device takes the room of others. A claim's credential is
/// that of many devices.
const SESSIONS_OF_DEVICE: usize = 4;

impl Table {
    /// Lets a session in, in place of one of the same address (RFC 6347 §4.2.8), and gives the bytes that say good-bye to
    /// those that had to make room.
    pub(super) fn establish(
        &mut self,
        source: Source,
        session: Session,
        bounds: &Bounds,
    ) -> Vec<(SocketAddr, Vec<u8>)> {
        self.remove(source, "replaced");
        let mut evicted = Vec::new();
        if let Some(device) = device_credential(&session) {
            let begun = self.of_device.get(&device).filter(|begun| begun.len() >= SESSIONS_OF_DEVICE);
            if let Some(first) = begun.and_then(|begun| begun.first().copied()) {
                let goodbye = self.end(Source { address: first, ..source }, "room_of_device");
                evicted.extend(goodbye.map(|goodbye| (first, goodbye)));
            }
            self.of_device.entry(device).or_default().push(source.address);
        }
        if self.sessions.len() >= bounds.sessions
            && let Some((_, longest)) = self.by_silence.first().copied()
        {
            let goodbye = self.end(Source { address: longest, ..source }, "room");
            evicted.extend(goodbye.map(|goodbye| (longest, goodbye)));
        }
        self.by_silence.insert((session.heard, source.address));
        self.arrived.push(Incoming::SessionBegan(Origin { source, identity: Some(session.identity) }));
        self.sessions.insert(source.address, session);
        evicted
    }

    /// Opens a record of an established session.
    pub(super) fn open(&mut self, source: Source, record: &Record<'_>, now: Instant) -> Opened {
        let Some(session) = self.sessions.get_mut(&source.address) else { return Opened::No };
        let Some(plaintext) = session.open(record) else { return Opened::No };
        self.by_silence.remove(&(session.heard, source.address));
        self.by_silence.insert((now, source.address));
        session.heard = now;
        match record.kind {
            record::APPLICATION_DATA => {
                session.last_flight = None;
                let origin = Origin { source, identity: Some(session.identity) };
                self.arrived.push(Incoming::Datagram(origin, plaintext));
                Opened::Yes
            }
            record::HANDSHAKE => session.last_flight.clone().map_or(Opened::Yes, Opened::Again),
            record::ALERT if matches!(plaintext[..], [record::FATAL, _] | [_, 0]) => {
                Opened::Ended(self.end(source, "client"))
            }
            _ => Opened::Yes,
        }
    }

    /// Seals application data. None without a session, or when it has sent as many records as it may.
    pub(super) fn seal(&mut self, peer: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        self.sessions.get_mut(&peer)?.seal(record::APPLICATION_DATA, bytes)
    }

    /// Ends the sessions and handshakes of credentials, and takes back what came by them and is still on its way.
    pub(super) fn revoke(
        &mut self,
        listener: fleet::ListenerId,
        credentials: &[CredentialId],
    ) -> Vec<(SocketAddr, Vec<u8>)> {
        let credentials: BTreeSet<_> = credentials.iter().collect();
        let named = |credential: Option<CredentialId>| credential.is_some_and(|id| credentials.contains(&id));
        self.handshakes.revoke(&credentials);
        let hit = |(peer, session): (&SocketAddr, &Session)| {
            credentials.contains(&session.identity.credential).then_some(*peer)
        };
        let peers: Vec<_> = self.sessions.iter().filter_map(hit).collect();
        self.arrived.retain(|incoming| match incoming {
            Incoming::Datagram(origin, _) => !named(origin.identity.map(|identity| identity.credential)),
            Incoming::SessionBegan(_) | Incoming::SessionEnded(_) => true,
        });
        let end =
            |address| self.end(Source { listener, address }, "revoked").map(|goodbye| (address, goodbye));
        peers.into_iter().filter_map(end).collect()
    }

    /// Ends the sessions that were not heard since.
    pub(super) fn sweep(
        &mut self,
        listener: fleet::ListenerId,
        since: Instant,
    ) -> Vec<(SocketAddr, Vec<u8>)> {
        let silent: Vec<_> =
            self.by_silence.iter().take_while(|(heard, _)| *heard < since).copied().collect();
        let end =
            |(_, address)| self.end(Source { listener, address }, "idle").map(|goodbye| (address, goodbye));
        silent.into_iter().filter_map(end).collect()
    }

    /// Ends everything.
    pub(super) fn close(&mut self, listener: fleet::ListenerId) -> Vec<(SocketAddr, Vec<u8>)> {
        self.handshakes.clear();
        let peers: Vec<_> = self.sessions.keys().copied().collect();
        let end = |address| self.end(Source { listener, address }, "stop").map(|goodbye| (address, goodbye));
        peers.into_iter().filter_map(end).collect()
    }

    /// How many sessions there are.
    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// What has come since the last call.
    pub(super) fn take_arrived(&mut self) -> Batch {
        std::mem::take(&mut self.arrived)
    }

    /// Ends a session, and gives the close_notify for its client.
    fn end(&mut self, source: Source, why: &'static str) -> Option<Vec<u8>> {
        self.remove(source, why)?.seal(record::ALERT, &[record::WARNING, Alert::CLOSE_NOTIFY.0])
    }

    fn remove(&mut self, source: Source, why: &'static str) -> Option<Session> {
        let session = self.sessions.remove(&source.address)?;
        self.by_silence.remove(&(session.heard, source.address));
        if let Some(device) = device_credential(&session)
            && let Some(begun) = self.of_device.get_mut(&device)
        {
            begun.retain(|address| *address != source.address);
            if begun.is_empty() {
                self.of_device.remove(&device);
            }
        }
        self.arrived.push(Incoming::SessionEnded(Origin { source, identity: Some(session.identity) }));
        metrics::counter!("muster_dtls_sessions_ended_total", "why" => why).increment(1);
        Some(session)
    }
}

fn device_credential(session: &Session) -> Option<CredentialId> {
    session.identity.device().map(|_| session.identity.credential)
}
