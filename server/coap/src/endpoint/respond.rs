//! Answers to requests of peers: piggybacked, separate, block by block (RFC 7252 §5.2, RFC 7959 §2.4).

use std::time::Duration;

use super::{Endpoint, Timer};
use crate::{
    BlockSize, Code, ExchangeId, Kind, Message, MessageId, OptionNumber, Options, Peer, Response,
    block::{self, Served, TransferId},
    dedup::Fate,
    exchange::{Outgoing, ServerExchange, Work},
};

impl<P: Peer> Endpoint<P> {
    /// Answers a request. The answer is piggybacked if the request has not been acknowledged, otherwise it is a message
    /// of its own; duplicates of the request meet it again; a body that is too long for one block is kept and handed out
    /// block by block. Nothing happens if the exchange has meanwhile outlived EXCHANGE_LIFETIME.
    pub fn respond(&mut self, now: Duration, exchange: ExchangeId, response: Response) {
        let Some(mut exchange) = self.take_exchange(exchange) else { return };
        exchange.block1 = response.block1.or(exchange.block1);
        if let Some(id) = exchange.incoming {
            self.end_transfer(now, id);
        }
        let bad = response.has_oversized_option();
        let mut response = if bad { Response::new(Code::INTERNAL_SERVER_ERROR) } else { response };
        self.cut_diagnostic(&exchange, &mut response);
        self.respond_block(now, &exchange, &response, true);
    }

    /// Leaves a request unanswered, e.g. because what it asks could not be stored. Nothing is sent and nothing is
    /// remembered, so that its retransmission is a new try.
    pub fn drop_exchange(&mut self, now: Duration, exchange: ExchangeId) {
        if let Some(exchange) = self.take_exchange(exchange) {
            self.forget_message(exchange.peer, exchange.message_id);
            self.tidy(now, exchange.peer);
        }
    }

    /// What an error says in words (RFC 7252 §5.5.2) is cut where an address that may be forged would get more than three
    /// bytes for each of the request (RFC 9175 §2.4).
    fn cut_diagnostic(&mut self, exchange: &ServerExchange<P>, response: &mut Response) {
        let verified = self.is_verified(exchange.peer);
        if verified || !response.code.is_error() || self.config.bounds.unverified_reply_bytes == usize::MAX {
            return;
        }
        let allowed = (3 * exchange.request_len).min(self.config.bounds.unverified_reply_bytes);
        let head =
            Message::HEADER_LEN + exchange.token.as_bytes().len() + response.options().encoded_len() + 1;
        let room = allowed.saturating_sub(head);
        if response.payload.len() > room {
            self.counters.unverified_reply_bytes += 1;
            let is_boundary = |at: &usize| response.payload[*at] & 0xc0 != 0x80;
            let end = (0..=room).rev().find(is_boundary).unwrap_or(0);
            response.payload.truncate(end);
        }
    }

    /// Answers with the block that was asked for, and keeps the body if the peer has reason to ask for more.
    fn respond_block(
        &mut self,
        now: Duration,
        exchange: &ServerExchange<P>,
        response: &Response,
        keep: bool,
    ) {
        let mut options = response.options();
        let limit = self.block_limit(exchange, response, &options);
        let body = &response.payload;
        let asked = exchange.block2.filter(|block| block.number > 0 || !body.is_empty());
        if asked.is_none() && body.len() <= limit.bytes() {
            return self.answer(now, exchange, response.code, options, body);
        }
        let Some((block, payload)) = block::slice(body, asked, limit) else {
            self.counters.blocks_refused += 1;
            return self.refuse(now, exchange, Code::BAD_REQUEST, Options::default());
        };
        if response.etag.is_none() && (block.more || block.number > 0) {
            options.push(OptionNumber::ETAG, block::etag_of(body));
        }
        options.push_block(OptionNumber::BLOCK2, block);
        if block.number == 0 && block.more {
            options.push_uint(OptionNumber::SIZE2, body.len() as u32);
        }
        if block.more && keep {
            self.keep_body(now, exchange, response);
        }
        self.answer(now, exchange, response.code, options, payload);
    }

    /// Answers a request for a later block from a body that is kept; `false` if there is none.
    pub(super) fn serve_block(&mut self, now: Duration, exchange: &ServerExchange<P>) -> bool {
        let Some(id) = self.find_served(exchange) else { return false };
        let Some(served) = self.served.get(&id) else { return false };
        let response = served.response.clone();
        self.timers.set(Timer::Idle(id), now + self.config.block_idle_timeout);
        self.respond_block(now, exchange, &response, false);
        true
    }

    fn keep_body(&mut self, now: Duration, exchange: &ServerExchange<P>, response: &Response) {
        let peer = exchange.peer;
        if let Some(old) = self.find_served(exchange) {
            self.end_transfer(now, old);
        }
        let bytes = response.payload.len() + exchange.key.len();
        if self.reserve_block_bytes(now, peer, bytes).is_err() {
            return;
        }
        let id = TransferId(self.next_id());
        let bound = self.config.bounds.transfers_per_peer;
        let state = self.peer(now, peer);
        state.served.push(id);
        let oldest = (state.served.len() > bound).then(|| state.served[0]);
        let (key, response) = (exchange.key.clone(), response.clone());
        self.served.insert(id, Served { peer, key, asked: exchange.asked, response });
        self.timers.set(Timer::Idle(id), now + self.config.block_idle_timeout);
        if let Some(oldest) = oldest {
            self.counters.transfers_per_peer += 1;
            self.end_transfer(now, oldest);
        }
    }

    fn find_served(&self, exchange: &ServerExchange<P>) -> Option<TransferId> {
        let state = self.peers.get(&exchange.peer)?;
        // A peer whose request took several blocks need not say again what it has asked for.
        let asks = |other: &Served<P>| exchange.asked.is_none() || exchange.asked == other.asked;
        let same = |other: &Served<P>| other.key == exchange.key && asks(other);
        state.served.iter().find(|id| self.served.get(id).is_some_and(same)).copied()
    }

    /// The largest block of a response for this peer. An address that may be forged gets small ones (RFC 9175 §2.4).
    fn block_limit(
        &mut self,
        exchange: &ServerExchange<P>,
        response: &Response,
        options: &Options,
    ) -> BlockSize {
        let len = Message::HEADER_LEN
            + exchange.token.as_bytes().len()
            + options.encoded_len()
            + 1
            + response.payload.len();
        if self.is_verified(exchange.peer) || len <= self.config.bounds.unverified_reply_bytes {
            return self.config.block_size;
        }
        self.counters.unverified_reply_bytes += 1;
        self.config.block_size.min(BlockSize::B64)
    }

    /// Whether the peer has answered something that only it can have heard.
    fn is_verified(&self, peer: P) -> bool {
        #[cfg(planted)]
        if planted::is(planted::Fault::AnswersUnbounded) {
            return true;
        }
        self.peers.get(&peer).is_some_and(|state| state.verified)
    }

    /// Answers with an error of our own. It carries options only if it is still no longer than the request, so that a
    /// forged address gains nothing by it.
    pub(super) fn refuse(
        &mut self,
        now: Duration,
        exchange: &ServerExchange<P>,
        code: Code,
        options: Options,
    ) {
        let len = Message::HEADER_LEN + exchange.token.as_bytes().len() + options.encoded_len();
        let options = if len <= exchange.request_len { options } else { Options::default() };
        let bare = ServerExchange { block1: None, ..exchange.clone() };
        self.answer(now, &bare, code, options, &[]);
    }

    /// Sends an answer and remembers it for duplicates.
    pub(super) fn answer(
        &mut self,
        now: Duration,
        exchange: &ServerExchange<P>,
        code: Code,
        mut options: Options,
        payload: &[u8],
    ) {
        let (peer, id) = (exchange.peer, exchange.message_id);
        if let Some(block) = exchange.block1 {
            options.push_block(OptionNumber::BLOCK1, block);
        }
        let mut message = Message::new(Kind::Acknowledgement, code, id, exchange.token);
        message.options = options;
        message.payload = payload.to_vec();
        match (exchange.confirmable, exchange.acknowledged) {
            (true, false) => {
                let bytes = self.transmit_message(peer, &message);
                self.settle(peer, id, Fate::Replied(bytes.into()));
            }
            (true, true) => {
                // RFC 7252 §5.2.2: a separate response, confirmable like the request.
                self.settle(peer, id, Fate::Acknowledged);
                message.kind = Kind::Confirmable;
                message.id = MessageId(0);
                let work = Work::Response(message);
                self.enqueue_first(now, Outgoing { peer, work, flight: None });
            }
            (false, _) => {
                self.settle(peer, id, Fate::Silence);
                message.kind = Kind::NonConfirmable;
                message.id = self.next_message_id(now, peer);
                self.transmit_message(peer, &message);
            }
        }
    }
}
