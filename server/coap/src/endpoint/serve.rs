//! Requests of peers, up to the event (RFC 7252 §5.2, §5.4).

use std::time::Duration;

use super::{Endpoint, Timer};
use crate::{
    Code, Event, ExchangeId, Kind, Message, Method, OptionNumber, Options, Peer, Request,
    block::{self, BlockKey},
    dedup::{Fate, Fingerprint, Waiting},
    endpoint::upload::Upload,
    exchange::ServerExchange,
    option::Role,
};

impl<P: Peer> Endpoint<P> {
    pub(super) fn on_request(
        &mut self,
        now: Duration,
        peer: P,
        mut message: Message,
        len: usize,
        fingerprint: Fingerprint,
    ) {
        let confirmable = message.kind == Kind::Confirmable;
        match message.options.screen(Role::Request) {
            Ok(ignored) => self.counters.elective_options += ignored as u64,
            Err(number) => return self.refuse_option(peer, &message, number),
        }
        if !self.remember(now, peer, message.kind, message.id, fingerprint) {
            return;
        }
        let method = Method::from_code(message.code);
        let mut exchange = ServerExchange {
            peer,
            message_id: message.id,
            token: message.token,
            confirmable,
            acknowledged: false,
            safe: method.is_some_and(Method::is_safe),
            key: BlockKey::new(message.code, &message.options),
            block1: None,
            incoming: None,
            block2: None,
            asked: None,
            request_len: len,
        };
        let Some(method) = method else {
            self.counters.methods_unknown += 1;
            return self.refuse(now, &exchange, Code::METHOD_NOT_ALLOWED, Options::default());
        };
        let mut request = match Request::from_options(method, &message.options, message.token) {
            Ok(request) => Request { confirmable, ..request },
            Err(_) => {
                self.counters.critical_options += 1;
                return self.refuse(now, &exchange, Code::BAD_OPTION, Options::default());
            }
        };
        let (block1, block2) =
            (message.options.block(OptionNumber::BLOCK1), message.options.block(OptionNumber::BLOCK2));
        // RFC 7959 §2.2: the size exponent 7 is reserved and leads to 4.00.
        if block1 == Some(None) || block2 == Some(None) {
            self.counters.blocks_refused += 1;
            return self.refuse(now, &exchange, Code::BAD_REQUEST, Options::default());
        }
        (exchange.block1, exchange.block2) = (block1.flatten(), block2.flatten());
        request.payload = match exchange.block1 {
            None => {
                // RFC 8132 §2: the payload of a FETCH is part of what is asked for.
                exchange.asked = (!message.payload.is_empty()).then(|| block::digest(&message.payload));
                message.payload
            }
            Some(block) if (self.config.is_streamed)(&request) => {
                if !block.is_filled_by(&message.payload) {
                    self.counters.blocks_refused += 1;
                    return self.refuse(now, &exchange, Code::BAD_REQUEST, Options::default());
                }
                request.block1 = Some(block);
                message.payload
            }
            Some(block) => match self.take_block(now, &mut exchange, block, &message) {
                Upload::Complete(body) => body,
                Upload::Answered => return,
                Upload::Deferred => return self.forget_message(peer, message.id),
            },
        };
        if exchange.block1.is_none() && exchange.block2.is_some_and(|block| block.number > 0) {
            if self.serve_block(now, &exchange) {
                return;
            }
            // The body is gone; only a request without effect can be asked anew.
            if !exchange.safe {
                self.counters.blocks_refused += 1;
                return self.refuse(now, &exchange, Code::REQUEST_ENTITY_INCOMPLETE, Options::default());
            }
        }
        self.deliver(now, exchange, request);
    }

    fn deliver(&mut self, now: Duration, exchange: ServerExchange<P>, request: Request) {
        let (peer, message_id, token) = (exchange.peer, exchange.message_id, exchange.token);
        let bounds = &self.config.bounds;
        let open = self.peers.get(&peer).map_or(0, |state| state.exchanges);
        let counter = if open >= bounds.exchanges_per_peer {
            Some(&mut self.counters.exchanges_per_peer)
        } else if self.exchanges.len() >= bounds.exchanges_total {
            Some(&mut self.counters.exchanges_total)
        } else {
            None
        };
        if let Some(counter) = counter {
            *counter += 1;
            // Silence: the peer's next transmission is a new try.
            return self.forget_message(peer, message_id);
        }
        let id = ExchangeId(self.next_id());
        self.peer(now, peer).exchanges += 1;
        self.set_waiting(peer, message_id, Waiting::Exchange(id));
        if let Some(incoming) = exchange.incoming.and_then(|id| self.incoming.get_mut(&id)) {
            incoming.delivered = true;
        }
        let confirmable = exchange.confirmable;
        if confirmable {
            self.timers.set(Timer::Acknowledge(id), now + self.config.empty_ack_delay);
        }
        self.exchanges.insert(id, exchange);
        self.emit(Event::Request { peer, exchange: id, message_id, token, confirmable, request });
    }

    /// The caller takes longer than the peer should wait before it repeats itself (RFC 7252 §5.2.2).
    pub(super) fn acknowledge_late(&mut self, id: ExchangeId) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        exchange.acknowledged = true;
        let (peer, message_id) = (exchange.peer, exchange.message_id);
        self.set_fate(peer, message_id, Fate::Acknowledged);
        self.acknowledge(peer, message_id);
    }

    /// Answers a critical option that is not understood. The answer follows from the request alone, so nothing needs to
    /// be remembered; it holds less than the request.
    fn refuse_option(&mut self, peer: P, message: &Message, number: OptionNumber) {
        self.counters.critical_options += 1;
        // RFC 7252 §5.4.1: 4.02 to a confirmable request, silence to a non-confirmable one.
        if message.kind != Kind::Confirmable {
            return;
        }
        let code = match number {
            OptionNumber::PROXY_URI | OptionNumber::PROXY_SCHEME => Code::PROXYING_NOT_SUPPORTED,
            _ => Code::BAD_OPTION,
        };
        self.transmit_message(peer, &Message::new(Kind::Acknowledgement, code, message.id, message.token));
    }

    /// Takes an exchange away from the caller.
    pub(super) fn take_exchange(&mut self, id: ExchangeId) -> Option<ServerExchange<P>> {
        let exchange = self.exchanges.remove(&id)?;
        self.timers.cancel(Timer::Acknowledge(id));
        if let Some(state) = self.peers.get_mut(&exchange.peer) {
            state.exchanges -= 1;
        }
        if let Some(incoming) = exchange.incoming.and_then(|id| self.incoming.get_mut(&id)) {
            incoming.delivered = false;
        }
        Some(exchange)
    }
}
