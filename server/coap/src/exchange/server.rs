//! A request of a peer that waits for the caller's answer.

use crate::{
    MessageId, Token,
    block::{Block, BlockKey, TransferId},
};

/// Names a request of a peer towards the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub(crate) u64);

/// What an answer needs to know of its request.
#[derive(Clone, Debug)]
pub(crate) struct ServerExchange<P> {
    pub(crate) peer: P,
    pub(crate) message_id: MessageId,
    pub(crate) token: Token,
    pub(crate) confirmable: bool,
    /// Whether an empty acknowledgement has left.
    pub(crate) acknowledged: bool,
    /// Whether the request can be asked anew for each block of the response.
    pub(crate) safe: bool,
    pub(crate) key: BlockKey,
    /// The Block1 option of the last block, to be echoed (RFC 7959 §2.3).
    pub(crate) block1: Option<Block>,
    /// The body that came with Block1. It stays until the caller has answered, so that the last block can come again.
    pub(crate) incoming: Option<TransferId>,
    /// The block of the response that was asked for.
    pub(crate) block2: Option<Block>,
    /// A digest of the payload, where it came in one block.
    pub(crate) asked: Option<u64>,
    /// The bytes of the request datagram.
    pub(crate) request_len: usize,
}
