//! What comes from the network and what goes there, as far as its address is to be believed.

use fleet::{DeviceId, Now, Source};

use super::{Output, Shard, work::turned_away};
use crate::endpoint::sessions::{Heard, Hearing};

impl Shard {
    /// Takes a datagram in. What was sent in a session that has ended is dropped.
    pub(crate) fn handle_datagram(&mut self, now: Now, source: Source, heard: Option<Heard>, bytes: &[u8]) {
        match self.sessions.hear(source, heard, now.wall) {
            Hearing::Again => {}
            Hearing::First if self.outlive(now, source) => {}
            Hearing::First => return turned_away("ended_sessions"),
            Hearing::NotThere => {
                turned_away("ended_sessions");
                if let Some(Heard { session, .. }) = heard {
                    self.outputs.push_back(Output::Introduce { at: source.listener, session });
                }
                return;
            }
        }
        if self.hold(source, heard, bytes) {
            return;
        }
        if heard.is_none() && !self.paths.hear(now.mono, source, bytes.len()) {
            turned_away("unverified_addresses");
            return;
        }
        let malformed = self.coap.counters().malformed();
        self.coap.handle_datagram(now.mono, source, bytes);
        if self.coap.counters().malformed() > malformed {
            self.note_malformed(self.origin(source), bytes);
        }
        self.drain_coap(now);
    }

    /// Takes what the exchanges have to say and to send.
    pub(super) fn drain_coap(&mut self, now: Now) {
        while let Some(output) = self.coap.poll_output() {
            match output {
                coap::Output::Transmit { peer, bytes } => {
                    let session = self.sessions.at(peer).map(|secure| secure.id);
                    if session.is_none() && !self.paths.may_send(peer, bytes.len()) {
                        turned_away("unverified_bytes");
                        continue;
                    }
                    self.outputs.push_back(Output::Transmit { to: peer, session, bytes });
                }
                coap::Output::Event(event) => self.handle_coap(now, event),
            }
        }
    }

    /// Whether what goes to an address reaches this device: in the session that is there, or else as the one that registered
    /// or updated last from there. An address is given to another device while nobody hears of the one that had it.
    pub(super) fn reaches(&self, device: DeviceId, source: Source) -> bool {
        match self.sessions.at(source) {
            Some(secure) => secure.identity.device() == Some(device),
            None => self.roster.device_at(source) == Some(device),
        }
    }

    /// A device has moved: what it was doing goes on at its new address, unless the old one is another's by now.
    pub(super) fn take_along(&mut self, now: Now, device: DeviceId, from: Source, to: Source) {
        if self.is_left(device, from) {
            self.coap.move_peer(now.mono, from, to);
        }
    }

    /// Whether nobody but this device is at an address.
    pub(super) fn is_left(&self, device: DeviceId, from: Source) -> bool {
        let there = match self.sessions.at(from) {
            Some(secure) => Some(secure.identity.device()),
            None => self.roster.device_at(from).map(Some),
        };
        there.is_none_or(|there| there == Some(device))
    }

    /// Another device than before may be at an address in the clear: what that one was asked there is not sent to this one.
    pub(super) fn cut_off(&mut self, now: Now, source: Source, before: Option<DeviceId>) {
        let there = self.roster.device_at(source);
        if before.is_some() && there.is_some() && before != there {
            self.coap.forget_peer(now.mono, source);
            self.drain_coap(now);
        }
    }

    /// Asks an address in the clear for something small if it is to prove itself before it is sent something large. What is
    /// asked leaves first, and what follows waits for it (NSTART).
    pub(super) fn have_proven(&mut self, now: Now, source: Source, body: usize) {
        if self.sessions.at(source).is_none() && self.paths.withholds(source, body) {
            // Supported Binding and Modes: every device has it (LwM2M Core 1.1.1 §E.4), and any answer will do. Where the
            // question can't be queued, what follows can't either.
            let question = coap::Request::new(coap::Method::Get, "3/0/16");
            let _ = self.coap.send_request(now.mono, source, question);
        }
    }

    pub(super) fn restore_path(&mut self, now: Now, device: DeviceId) {
        if let Some(source) = self.source_of(device) {
            // An observation is established by an answer.
            let has_answered = self.roster.observations(device).next().is_some();
            self.paths.restore(now.mono, source, has_answered);
        }
    }

    pub(super) fn tidy_paths(&mut self, now: Now) {
        let (sessions, roster) = (&self.sessions, &self.roster);
        self.paths
            .tidy(now.mono, |source| sessions.at(source).is_none() && roster.device_at(source).is_some());
    }
}
