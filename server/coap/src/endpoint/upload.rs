//! Request bodies that come with Block1 (RFC 7959 §2.5): put together before the caller sees them.

use std::time::Duration;

use super::{Endpoint, Timer};
use crate::{
    BlockError, Code, Message, OptionNumber, Options, Peer,
    block::{Assembly, Block, Incoming, TransferId},
    exchange::ServerExchange,
};

/// What a block has come to.
pub(super) enum Upload {
    /// It was the last one; this is the body.
    Complete(Vec<u8>),
    /// It was answered.
    Answered,
    /// It cannot be taken at the moment, and the peer is to send it again.
    Deferred,
}

impl<P: Peer> Endpoint<P> {
    pub(super) fn take_block(
        &mut self,
        now: Duration,
        exchange: &mut ServerExchange<P>,
        block: Block,
        message: &Message,
    ) -> Upload {
        let max = self.config.bounds.body_bytes;
        if message.options.uint(OptionNumber::SIZE1).is_some_and(|size| size as usize > max) {
            return self.refuse_body(now, exchange, block);
        }
        // RFC 7959 §2.5: a first block starts anew, whatever came before.
        if block.number == 0
            && let Some(old) = self.find_incoming(exchange)
        {
            if self.incoming.get(&old).is_some_and(|incoming| incoming.delivered) {
                return Upload::Deferred;
            }
            self.end_transfer(now, old);
        }
        if block.number == 0 && !block.more {
            // A body of one block.
            let mut assembly = Assembly::default();
            return match assembly.append(block, &message.payload, max) {
                Ok(()) => Upload::Complete(assembly.into_body()),
                Err(error) => self.refuse_block(now, exchange, block, error),
            };
        }
        let found = if block.number == 0 { self.begin(now, exchange) } else { self.find_incoming(exchange) };
        let Some(id) = found else {
            let error = if block.number == 0 {
                BlockError::NoMemory
            } else {
                BlockError::Gap { offset: block.offset(), expected: 0 }
            };
            return self.refuse_block(now, exchange, block, error);
        };
        if self.incoming.get(&id).is_some_and(|incoming| incoming.delivered) {
            return Upload::Deferred;
        }
        self.timers.set(Timer::Idle(id), now + self.config.block_idle_timeout);
        match self.append(now, exchange.peer, id, block, &message.payload) {
            Err(error) => {
                // RFC 7959 §2.9.2: the peer has to start anew.
                self.end_transfer(now, id);
                self.refuse_block(now, exchange, block, error)
            }
            Ok(None) => {
                // RFC 7959 §2.3: we may ask for smaller blocks from the next one on.
                let size = block.size.min(self.config.block_size);
                exchange.block1 = Some(Block { size, ..block });
                self.answer(now, exchange, Code::CONTINUE, Options::default(), &[]);
                Upload::Answered
            }
            Ok(Some(body)) => {
                exchange.incoming = Some(id);
                Upload::Complete(body)
            }
        }
    }

    /// Adds a block. The last one is not added but handed out with the body, so that it can come again if the caller
    /// drops the exchange.
    fn append(
        &mut self,
        now: Duration,
        peer: P,
        id: TransferId,
        block: Block,
        payload: &[u8],
    ) -> Result<Option<Vec<u8>>, BlockError> {
        let max = self.config.bounds.body_bytes;
        if block.more {
            self.reserve_block_bytes(now, peer, payload.len())?;
        }
        let assembly = &mut self.incoming.get_mut(&id).expect("the transfer was just found").assembly;
        let appended = if block.more {
            assembly.append(block, payload, max)
        } else {
            let mut whole = assembly.clone();
            return whole.append(block, payload, max).map(|()| Some(whole.into_body()));
        };
        if appended.is_err() {
            self.release_block_bytes(peer, payload.len());
        }
        appended.map(|()| None)
    }

    fn begin(&mut self, now: Duration, exchange: &ServerExchange<P>) -> Option<TransferId> {
        let peer = exchange.peer;
        self.reserve_block_bytes(now, peer, exchange.key.len()).ok()?;
        let id = TransferId(self.next_id());
        let bound = self.config.bounds.transfers_per_peer;
        let state = self.peer(now, peer);
        state.incoming.push(id);
        let oldest = (state.incoming.len() > bound).then(|| state.incoming[0]);
        let incoming =
            Incoming { peer, key: exchange.key.clone(), assembly: Assembly::default(), delivered: false };
        self.incoming.insert(id, incoming);
        if let Some(oldest) = oldest {
            self.counters.transfers_per_peer += 1;
            self.end_transfer(now, oldest);
        }
        Some(id)
    }

    fn find_incoming(&self, exchange: &ServerExchange<P>) -> Option<TransferId> {
        let state = self.peers.get(&exchange.peer)?;
        let same = |id: &&TransferId| self.incoming.get(*id).is_some_and(|other| other.key == exchange.key);
        state.incoming.iter().find(same).copied()
    }

    fn refuse_block(
        &mut self,
        now: Duration,
        exchange: &ServerExchange<P>,
        block: Block,
        error: BlockError,
    ) -> Upload {
        self.counters.blocks_refused += 1;
        let code = match error {
            BlockError::TooLarge { .. } => return self.refuse_body(now, exchange, block),
            // RFC 7959 §2.9.2
            BlockError::Gap { .. } => Code::REQUEST_ENTITY_INCOMPLETE,
            BlockError::NoMemory => Code::SERVICE_UNAVAILABLE,
            _ => Code::BAD_REQUEST,
        };
        self.refuse(now, exchange, code, Options::default());
        Upload::Answered
    }

    /// RFC 7959 §2.9.3 and §4: the answer states the size that would be taken.
    fn refuse_body(&mut self, now: Duration, exchange: &ServerExchange<P>, block: Block) -> Upload {
        self.counters.body_bytes += 1;
        if let Some(id) = self.find_incoming(exchange) {
            self.end_transfer(now, id);
        }
        let mut options = Options::default();
        options.push_block(OptionNumber::BLOCK1, Block { more: false, ..block });
        options.push_uint(OptionNumber::SIZE1, self.config.bounds.body_bytes as u32);
        self.refuse(now, exchange, Code::REQUEST_ENTITY_TOO_LARGE, options);
        Upload::Answered
    }
}
