//! What comes in sessions, and how they end.

use std::{net::SocketAddr, time::Duration};

use super::{Endpoint, receive::Arrival};
use crate::{
    Alert, Ended, Event, SessionId, Tag,
    flight::Limits,
    handshake::Numbers,
    message::kind,
    record::{ALERT, APPLICATION_DATA, HANDSHAKE, HEADER, Record},
    session::{Opened, Unopened},
};

impl Endpoint {
    /// Takes a record of a session. False if it does not authenticate: then nothing has changed.
    pub(super) fn handle_live(&mut self, arrival: &Arrival, id: SessionId, record: Record<'_>) -> bool {
        let Some(session) = self.sessions.get_mut(id) else {
            self.counters.records_unknown += 1;
            return false;
        };
        let bytes = HEADER + record.cid.len() + record.body.len();
        let (kind, plaintext, newest) = match session.open(arrival.now, record) {
            Ok(Opened { kind, plaintext, newest }) => (kind, plaintext, newest),
            Err(Unopened::Replayed) => {
                self.counters.records_replayed += 1;
                return false;
            }
            Err(Unopened::Forged) => {
                self.counters.records_unauthenticated += 1;
                return false;
            }
        };
        let (tag, moved) = (session.tag, session.hear(arrival.from, bytes, newest));
        let (received, peer) = (session.received(), moved.unwrap_or_else(|| session.peer()));
        let is_certain = moved.is_some() || session.is_certain();
        if kind == APPLICATION_DATA {
            // RFC 6347 §4.2.4: who sends data has our Finished.
            session.set_last_flight(None);
        }
        self.sessions.touch(id, arrival.now);
        if let Some(to) = moved {
            self.settle(id, to);
        }
        match kind {
            APPLICATION_DATA => {
                let plaintext = plaintext.to_vec();
                self.event(Event::Received { session: id, tag, peer, is_certain, received, plaintext });
            }
            ALERT => self.handle_alert(id, plaintext),
            HANDSHAKE => self.handle_handshake(id, plaintext.first().copied()),
            _ => self.counters.records_unexpected += 1,
        }
        true
    }

    fn handle_alert(&mut self, id: SessionId, alert: &[u8]) {
        match *alert {
            [FATAL, alert] | [_, alert @ 0] => {
                // RFC 5246 §7.2.1: the answer to close_notify is the same.
                self.send_alert(id, WARNING, Alert::CLOSE_NOTIFY);
                self.drop_session(id, Ended::ByPeer(Alert(alert)));
            }
            _ => self.counters.alerts_ignored += 1,
        }
    }

    /// A handshake message in a session: it is the last of a handshake that is over, or would begin another one.
    fn handle_handshake(&mut self, id: SessionId, message: Option<u8>) {
        match message {
            Some(kind::FINISHED) => self.repeat_flight(id),
            // RFC 5246 §7.2.2: no_renegotiation is a warning.
            Some(kind::CLIENT_HELLO | kind::HELLO_REQUEST) => {
                self.counters.renegotiations += 1;
                self.send_alert(id, WARNING, Alert::NO_RENEGOTIATION);
            }
            _ => self.counters.messages_unexpected += 1,
        }
    }

    /// The peer has sent its Finished again: it has not got ours.
    fn repeat_flight(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(mut last) = session.last_flight().cloned() else { return };
        let limits = Limits { datagram: self.config.mtu, plaintext: session.max_plaintext() };
        let mut numbers =
            Numbers { next_record: &mut last.clear, session: Some(&mut *session), random: &mut self.random };
        let datagrams = last.flight.datagrams(limits, &mut numbers);
        session.set_last_flight(Some(last));
        self.counters.retransmissions += 1;
        for bytes in datagrams {
            self.transmit_to(id, bytes);
        }
    }

    /// The caller has had an answer to something of its own making from a session's peer: nobody has recorded its records. A
    /// session that was restored follows its peer to another address only then.
    pub fn confirm(&mut self, session: SessionId) {
        let Some(found) = self.sessions.get_mut(session) else { return };
        if let Some(to) = found.confirm() {
            self.settle(session, to);
        }
    }

    /// Ends a session, and tells its peer.
    pub fn end(&mut self, _now: Duration, session: SessionId) {
        self.end_session(session, Ended::ByCaller);
    }

    /// Ends a session whose peer has opened another one, as the caller knows. Its peer has left it: nobody is told.
    pub fn replace(&mut self, session: SessionId) {
        self.drop_session(session, Ended::Replaced);
    }

    /// Ends all sessions and handshakes of whoever that is, and tells them.
    pub fn end_tag(&mut self, now: Duration, tag: Tag) {
        let sessions: Vec<_> = self.sessions.of_tag(tag).collect();
        for id in sessions {
            self.end_session(id, Ended::ByCaller);
        }
        self.take_back(now, tag);
    }

    /// Ends those that were silent for too long.
    pub(super) fn end_idle(&mut self, now: Duration) {
        while let Some(stalest) = self.sessions.stalest()
            && stalest.heard() + self.config.bounds.idle <= now
        {
            let id = stalest.id;
            self.counters.idle += 1;
            self.drop_session(id, Ended::Idle);
        }
    }

    pub(super) fn end_session(&mut self, id: SessionId, why: Ended) {
        self.send_alert(id, WARNING, Alert::CLOSE_NOTIFY);
        self.drop_session(id, why);
    }

    /// Drops a session without a word to its peer.
    pub(super) fn drop_session(&mut self, id: SessionId, why: Ended) {
        if let Some(session) = self.sessions.remove(id) {
            self.event(Event::Ended { session: id, tag: session.tag, peer: session.peer(), why });
        }
    }

    /// A session's peer is at another address for certain. Whoever was there is not any more, or is found by its connection id.
    fn settle(&mut self, id: SessionId, to: SocketAddr) {
        self.make_way(to);
        let Some((tag, from)) = self.sessions.get(id).map(|session| (session.tag, session.peer())) else {
            return;
        };
        if let Some(displaced) = self.sessions.settle(id, to)
            && self.sessions.get(displaced).is_some_and(|session| !session.own_cid())
        {
            self.drop_session(displaced, Ended::Replaced);
        }
        self.counters.sessions_moved += 1;
        self.event(Event::Moved { session: id, tag, from, to });
    }

    /// An address is another session's from now on. The one that was there and was heard elsewhere since is known by that address:
    /// what the caller keeps by addresses goes along before it is taken for the other's.
    pub(super) fn make_way(&mut self, at: SocketAddr) {
        let there = self.sessions.at(at).and_then(|id| self.sessions.get(id));
        let Some((id, tag, Some(to))) = there.map(|there| (there.id, there.tag, there.heard_elsewhere()))
        else {
            return;
        };
        if self.sessions.at(to).is_none() {
            self.sessions.give_way(id, to);
            self.counters.sessions_moved += 1;
            self.event(Event::Moved { session: id, tag, from: at, to });
        }
    }

    fn send_alert(&mut self, id: SessionId, level: u8, alert: Alert) {
        // An alert that can't be sealed is one that is lost.
        if self.seal(id, ALERT, &[level, alert.0]).is_ok() {
            self.counters.alerts_sent += 1;
        }
    }
}

/// RFC 5246 §7.2.
const WARNING: u8 = 1;
const FATAL: u8 = 2;
