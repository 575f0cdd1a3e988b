//! Takes datagrams apart, and finds out whose their records are.

use std::{net::SocketAddr, time::Duration};

use super::{Endpoint, handshakes::Handshake};
use crate::{
    Alert, HandshakeId, Reason, SessionId,
    handshake::{Fall, Next},
    message::{Fragment, kind},
    record::{self, ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Record, TLS12_CID},
};

/// The length of our connection ids.
const CID: usize = 8;

/// A datagram that is being taken apart.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) now: Duration,
    pub(super) from: SocketAddr,
    pub(super) len: usize,
    /// How many bytes of answers may go to an address that is not verified.
    pub(super) budget: usize,
    /// The handshake that has counted it, and whether it was within its bounds.
    counted: Option<(HandshakeId, bool)>,
}

impl Endpoint {
    /// Takes a datagram in; what it holds is decrypted where it lies.
    pub fn handle_datagram(&mut self, now: Duration, from: SocketAddr, bytes: &mut [u8]) {
        self.counters.datagrams_received += 1;
        if self.outputs.len() >= self.config.bounds.outputs {
            self.counters.outputs += 1;
            return;
        }
        let mut arrival = Arrival { now, from, len: bytes.len(), budget: bytes.len(), counted: None };
        let mut rest = bytes;
        while !rest.is_empty() {
            match record::next(&mut rest, CID) {
                Some(record) => self.handle_record(&mut arrival, record),
                None => {
                    self.counters.records_malformed += 1;
                    return;
                }
            }
        }
    }

    fn handle_record(&mut self, arrival: &mut Arrival, record: Record<'_>) {
        match (record.kind, record.epoch) {
            (HANDSHAKE, 0) => self.handle_clear(arrival, record),
            (ALERT, 0) => self.handle_clear_alert(arrival, record),
            // The epoch of what follows says as much, and can't be lost or overtaken.
            (CHANGE_CIPHER_SPEC, 0) => {}
            (TLS12_CID, 1) => self.handle_by_cid(arrival, record),
            (ALERT | HANDSHAKE | APPLICATION_DATA, 1) => self.handle_by_address(arrival, record),
            _ => self.counters.records_unexpected += 1,
        }
    }

    /// Handshake messages in the clear.
    fn handle_clear(&mut self, arrival: &mut Arrival, record: Record<'_>) {
        let is_hello = record.body.first() == Some(&kind::CLIENT_HELLO);
        if let Some(&id) = self.connecting.get(&arrival.from).filter(|_| !is_hello) {
            return self.hand_over(arrival, id, record);
        }
        let mut rest = &*record.body;
        loop {
            match Fragment::next(&mut rest) {
                Ok(Some(fragment)) => self.handle_fragment(arrival, record.sequence, fragment),
                Ok(None) => return,
                Err(_) => {
                    self.counters.messages_malformed += 1;
                    return;
                }
            }
        }
    }

    fn handle_fragment(&mut self, arrival: &mut Arrival, record: u64, fragment: Fragment<'_>) {
        if fragment.header.kind == kind::CLIENT_HELLO && fragment.header.offset == 0 {
            return self.handle_hello(arrival, record, fragment);
        }
        match self.serving.get(&arrival.from) {
            Some(&id) => self.hand_fragment_over(arrival, id, record, fragment),
            None => self.counters.messages_unexpected += 1,
        }
    }

    pub(super) fn hand_fragment_over(
        &mut self,
        arrival: &mut Arrival,
        id: HandshakeId,
        record: u64,
        fragment: Fragment<'_>,
    ) {
        if self.count(arrival, id) {
            self.step(arrival.now, id, |handshake, cx| handshake.handle_fragment(cx, record, fragment));
        }
    }

    fn hand_over(&mut self, arrival: &mut Arrival, id: HandshakeId, record: Record<'_>) {
        if self.count(arrival, id) {
            self.step(arrival.now, id, |handshake, cx| handshake.handle_record(cx, record));
        }
    }

    /// Whether a handshake takes more of this datagram: it counts it once.
    pub(super) fn count(&mut self, arrival: &mut Arrival, id: HandshakeId) -> bool {
        if let Some((counted, within)) = arrival.counted
            && counted == id
        {
            return within;
        }
        let mut within = false;
        self.step(arrival.now, id, |handshake, cx| {
            within = handshake.count(cx, arrival.len);
            Ok(Next::Waits)
        });
        arrival.counted = Some((id, within));
        within
    }

    /// An alert that nothing vouches for: a handshake believes it while it has nothing better, a session never does.
    fn handle_clear_alert(&mut self, arrival: &mut Arrival, record: Record<'_>) {
        if let Some(&id) = self.connecting.get(&arrival.from) {
            return self.hand_over(arrival, id, record);
        }
        let id = self.serving.get(&arrival.from).copied();
        let believed = |handshake: &Handshake| handshake.believes(record.sequence);
        match (id.filter(|id| self.handshakes.get(id).is_some_and(believed)), &*record.body) {
            (Some(id), [FATAL, alert]) => {
                let reason = Reason::AlertReceived(Alert(*alert));
                self.step(arrival.now, id, |_, _| Err(Fall::silent(reason)));
            }
            _ => self.counters.alerts_ignored += 1,
        }
    }

    fn handle_by_cid(&mut self, arrival: &mut Arrival, record: Record<'_>) {
        let cid: [u8; CID] = record.cid.try_into().expect("records are read with ids of this length");
        let session = SessionId(u64::from_be_bytes(cid));
        let of_session = |id: &&HandshakeId| {
            self.handshakes.get(id).and_then(Handshake::session).is_some_and(|own| own == session)
        };
        match self.serving.get(&arrival.from).filter(of_session) {
            Some(&id) => self.hand_over(arrival, id, record),
            None => {
                self.handle_live(arrival, session, record);
            }
        }
    }

    fn handle_by_address(&mut self, arrival: &mut Arrival, record: Record<'_>) {
        let handshake =
            self.connecting.get(&arrival.from).or_else(|| self.serving.get(&arrival.from)).copied();
        match (self.sessions.at(arrival.from), handshake) {
            // A handshake beside a live session: it may be the Finished of either.
            (Some(session), Some(id)) if record.kind == HANDSHAKE => {
                let mut body = record.body.to_vec();
                if !self.handle_live(arrival, session, Record { body: &mut body, ..record }) {
                    self.hand_over(arrival, id, record);
                }
            }
            (Some(session), _) => {
                self.handle_live(arrival, session, record);
            }
            (None, Some(id)) => self.hand_over(arrival, id, record),
            (None, None) => self.counters.records_unknown += 1,
        }
    }
}

/// RFC 5246 §7.2.
const FATAL: u8 = 2;
