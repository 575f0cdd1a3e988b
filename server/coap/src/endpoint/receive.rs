//! Sorts what comes in (RFC 7252 §4).

use std::time::Duration;

use super::Endpoint;
use crate::{
    Code, Failure, Kind, Message, MessageError, MessageId, Peer,
    dedup::{Fate, Fingerprint},
    exchange::{SendId, Work},
    message,
};

impl<P: Peer> Endpoint<P> {
    /// Takes in a datagram. Nothing that it holds can make this fail.
    pub fn handle_datagram(&mut self, now: Duration, peer: P, bytes: &[u8]) {
        self.counters.datagrams_received += 1;
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(error) => return self.on_malformed(peer, bytes, error),
        };
        match (message.kind, message.code) {
            (Kind::Acknowledgement, _) => self.on_acknowledgement(now, peer, message),
            (Kind::Reset, _) => self.on_reset(now, peer, message.id),
            // RFC 7252 §4.3: an empty confirmable message is a ping.
            (Kind::Confirmable, Code::EMPTY) => {
                self.counters.pings += 1;
                self.reset(peer, message.id);
            }
            (Kind::NonConfirmable, Code::EMPTY) => self.counters.malformed_empty += 1,
            _ => {
                let fingerprint = Fingerprint::of(bytes);
                if self.is_duplicate(peer, &message, fingerprint) {
                    return;
                }
                if message.code.is_request() {
                    self.on_request(now, peer, message, bytes.len(), fingerprint);
                } else {
                    self.on_separate_response(now, peer, message, fingerprint);
                }
            }
        }
        self.tidy(now, peer);
    }

    fn on_malformed(&mut self, peer: P, bytes: &[u8], error: MessageError) {
        let counters = &mut self.counters;
        *match error {
            MessageError::Truncated => &mut counters.malformed_header,
            MessageError::Version(_) => &mut counters.malformed_version,
            MessageError::TokenLength(_) => &mut counters.malformed_token,
            MessageError::EmptyWithContent => &mut counters.malformed_empty,
            MessageError::ReservedClass(_) | MessageError::CodeOfKind { .. } => &mut counters.malformed_code,
            MessageError::OptionDelta | MessageError::OptionLength | MessageError::OptionTooLong { .. } => {
                &mut counters.malformed_option
            }
            MessageError::MarkerWithoutPayload => &mut counters.malformed_payload,
        } += 1;
        // RFC 7252 §4.2: a confirmable message with a format error is rejected; §3: another version is silently ignored.
        let ignored = matches!(error, MessageError::Truncated | MessageError::Version(_));
        if let Some((Kind::Confirmable, id)) = message::peek(bytes)
            && !ignored
        {
            self.reset(peer, id);
        }
    }

    /// Whether a message was seen before; if so, its reply is repeated (RFC 7252 §4.5).
    fn is_duplicate(&mut self, peer: P, message: &Message, fingerprint: Fingerprint) -> bool {
        let id = message.id;
        #[cfg(planted)]
        if planted::is(planted::Fault::DuplicateServed) {
            self.forget_message(peer, id);
            return false;
        }
        let Some(received) = self.peers.get(&peer).and_then(|state| state.received.get(&id)) else {
            return false;
        };
        if received.fingerprint != fingerprint {
            self.counters.message_ids_reused += 1;
            self.forget_message(peer, id);
            return false;
        }
        self.counters.duplicates += 1;
        match &received.fate {
            Fate::Silence => {}
            Fate::Acknowledged => self.acknowledge(peer, id),
            Fate::Reset => self.reset(peer, id),
            Fate::Replied(bytes) => {
                let bytes = bytes.to_vec();
                self.transmit(peer, bytes);
            }
        }
        true
    }

    fn on_acknowledgement(&mut self, now: Duration, peer: P, message: Message) {
        let Some(id) = self.in_flight(peer, message.id) else {
            self.counters.replies_unmatched += 1;
            return;
        };
        let Some(outgoing) = self.outgoing.get(&id) else { return };
        match outgoing.work {
            // Whatever it carries, it acknowledges.
            Work::Response(_) | Work::Notification(_) => return self.delivered(now, id),
            Work::Request(_) if message.code == Code::EMPTY => return self.await_response(now, id),
            Work::Request(_) => {}
        }
        // RFC 7252 §5.3.2: in a piggybacked response both the message id and the token match.
        if outgoing.token() != message.token {
            self.counters.responses_unmatched += 1;
            return;
        }
        self.on_response(now, peer, id, message);
    }

    fn on_reset(&mut self, now: Duration, peer: P, message_id: MessageId) {
        self.counters.resets_received += 1;
        if let Some(id) = self.in_flight(peer, message_id) {
            self.fail(now, id, Failure::Reset);
        } else if !self.on_reset_of_notification(peer, message_id) {
            self.counters.replies_unmatched += 1;
        }
    }

    fn in_flight(&self, peer: P, message_id: MessageId) -> Option<SendId> {
        self.peers.get(&peer)?.in_flight.get(&message_id).copied()
    }

    /// Sends an empty acknowledgement.
    pub(super) fn acknowledge(&mut self, peer: P, id: MessageId) {
        self.transmit_message(peer, &Message::empty(Kind::Acknowledgement, id));
    }

    /// Sends a reset: four bytes, never more than what caused it.
    pub(super) fn reset(&mut self, peer: P, id: MessageId) {
        self.counters.resets_sent += 1;
        self.transmit_message(peer, &Message::empty(Kind::Reset, id));
    }

    /// Sends a message; what it holds is bounded where it is made.
    pub(super) fn transmit_message(&mut self, peer: P, message: &Message) -> Vec<u8> {
        let bytes = message.to_bytes().expect("options are bounded when a message is made");
        self.transmit(peer, bytes.clone());
        bytes
    }
}
