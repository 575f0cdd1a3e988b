//! Sessions of devices, and where they are.

use super::*;

impl World {
    /// The device makes a new session from another port; the old one ends a while later.
    pub(in super::super) fn move_to(&mut self, node: usize, port: u16) {
        let Simulated { source, session, .. } = self.nodes[node];
        self.nodes[node].source.address.set_port(port);
        self.begin_session(node);
        self.later(Duration::from_secs(30), Due::Uplink(Incoming::SessionEnded(source, session)));
    }

    /// The device goes on from another port in its session, as behind a network that has given it a new one.
    pub(in super::super) fn rebind(&mut self, node: usize, port: u16) {
        let Simulated { source: from, session, .. } = self.nodes[node];
        self.nodes[node].source.address.set_port(port);
        let to = self.nodes[node].source;
        self.later(Duration::ZERO, Due::Uplink(Incoming::SessionMoved { session, from, to }));
    }

    /// The network gives the address of a device, which it does not hear of, to another, which begins anew there.
    pub(in super::super) fn hand_over(&mut self, from: usize, to: usize) {
        self.nodes[to].source = self.nodes[from].source;
        self.nodes[from].source.address.set_port(50_000);
        if self.nodes[to].identity.is_some() {
            self.begin_session(to);
        } else {
            self.reboot(to);
        }
    }

    /// The device loses its power, and has another port when it is back.
    pub(in super::super) fn begin_anew_at(&mut self, node: usize, port: u16) {
        self.nodes[node].source.address.set_port(port);
        self.reboot(node);
    }

    pub(in super::super) fn begin_session(&mut self, node: usize) {
        self.sessions += 1;
        let id = SecureSessionId(self.sessions);
        let at = self.moment().wall;
        let simulated = &mut self.nodes[node];
        (simulated.session, simulated.sent) = (id, 0);
        let opened = Change::SecureSessionOpened(Box::new(SecureSession {
            id,
            identity: simulated.identity.unwrap(),
            source: simulated.source,
            reserved: 256,
            received: 1,
            state: SessionState::new([]),
            began_at: at,
            heard_at: at,
        }));
        let began = Incoming::SessionBegan(simulated.origin(), id);
        // That of a credential which was taken away is not taken.
        let _ = block_on(self.store.commit(Commit { changes: vec![opened], audit: Vec::new() }));
        self.later(Duration::ZERO, Due::Uplink(began));
    }

    /// The session of a device is unknown from now on.
    pub(in super::super) fn lose_session(&mut self, node: usize) {
        let Simulated { source, session, .. } = self.nodes[node];
        self.shard.handle(self.moment(), Incoming::SessionEnded(source, session));
    }

    pub(in super::super) fn session(&self, node: usize) -> SecureSessionId {
        self.nodes[node].session
    }

    /// Where a device is, and in which session.
    pub(in super::super) fn place(&self, node: usize) -> (Source, SecureSessionId) {
        (self.nodes[node].source, self.nodes[node].session)
    }

    /// Something arrives that was sent in a session while that was at this place.
    pub(in super::super) fn arrive(&mut self, (source, session): (Source, SecureSessionId), bytes: Vec<u8>) {
        let heard = Heard { session, is_certain: true, received: 1_000 };
        self.later(self.link.delay, Due::Uplink(Incoming::Datagram(source, Some(heard), bytes)));
    }

    /// How many records of a device's session count as received, as far as is kept.
    pub(in super::super) fn kept_received(&self, node: usize) -> u64 {
        let session = block_on(self.store.secure_session(self.nodes[node].session)).unwrap();
        session.unwrap().received
    }

    /// How many records a device has sent in its session.
    pub(in super::super) fn sent(&self, node: usize) -> u64 {
        self.nodes[node].sent
    }

    /// A device is to shake hands anew by the credential it has.
    pub(in super::super) fn renew_sessions(&mut self, node: usize) {
        let credential = self.nodes[node].identity.unwrap().credential;
        self.shard.handle_sessions_renewed(self.moment(), &[credential]);
    }

    /// Takes a device's credential away.
    pub(in super::super) fn revoke(&mut self, node: usize) -> EndTicket {
        let credential = self.nodes[node].identity.unwrap().credential;
        let at = self.moment().wall;
        let ended = Change::CredentialEnded { id: credential, state: CredentialState::Revoked, at };
        let ending = Ending {
            device: self.id(node),
            credentials: vec![credential],
            reason: EndReason::Revoked,
            commit: Commit { changes: vec![ended], audit: Vec::new() },
        };
        self.orders += 1;
        let ticket = EndTicket(self.orders);
        self.shard.handle_ending(self.moment(), ticket, ending);
        ticket
    }
}
