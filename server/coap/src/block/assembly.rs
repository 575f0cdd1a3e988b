//! A body that grows block by block, from its start and without gaps.

use super::{Block, BlockKey};

/// Why a block-wise transfer cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// A block is not the one that follows.
    #[error("a block starts at byte {offset} where byte {expected} was due")]
    Gap {
        /// The offset of the block that came.
        offset: usize,
        /// The offset of the block that was due.
        expected: usize,
    },
    /// The payload does not have the size that the option states.
    #[error("a block of {size} bytes carries {len}")]
    Length {
        /// The size from the option.
        size: usize,
        /// The bytes that came.
        len: usize,
    },
    /// The body exceeds what this endpoint takes.
    #[error("the body exceeds {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
    /// The representation changed while it was transferred: another ETag or code (RFC 7959 §2.4).
    #[error("the representation changed while it was transferred")]
    Changed,
    /// The peer does not follow RFC 7959, e.g. it sends no Block option in the middle of a transfer.
    #[error("the peer broke off the block-wise transfer")]
    Broken,
    /// A Block option has the reserved size.
    #[error("a block has the reserved size exponent 7")]
    ReservedSize,
    /// No memory is left for bodies (bounds `block_bytes_per_peer`, `block_bytes_total`).
    #[error("no memory is left for block-wise transfers")]
    NoMemory,
}

/// The bytes of a body so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assembly {
    body: Vec<u8>,
}

impl Assembly {
    /// Adds the block that follows.
    pub(crate) fn append(&mut self, block: Block, payload: &[u8], max: usize) -> Result<(), BlockError> {
        let size = block.size.bytes();
        if !block.is_filled_by(payload) {
            return Err(BlockError::Length { size, len: payload.len() });
        }
        #[cfg(planted)]
        if planted::is(planted::Fault::BlocksMixed) && self.body.len() + payload.len() <= max {
            self.body.extend_from_slice(payload);
            return Ok(());
        }
        if block.offset() != self.body.len() {
            return Err(BlockError::Gap { offset: block.offset(), expected: self.body.len() });
        }
        if self.body.len() + payload.len() > max {
            return Err(BlockError::TooLarge { max });
        }
        self.body.extend_from_slice(payload);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }
}

/// A request body that a peer is sending with Block1.
#[derive(Debug)]
pub(crate) struct Incoming<P> {
    pub(crate) peer: P,
    pub(crate) key: BlockKey,
    pub(crate) assembly: Assembly,
    /// Whether the caller has the whole body and has not answered yet.
    pub(crate) delivered: bool,
}

/// Names a body in transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TransferId(pub(crate) u64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BlockSize;

    fn block(number: u32, more: bool) -> Block {
        Block { number, more, size: BlockSize::B16 }
    }

    #[test]
    fn a_body_is_put_together_in_order() {
        let mut assembly = Assembly::default();
        assembly.append(block(0, true), &[1; 16], 100).unwrap();
        assembly.append(block(1, false), &[2; 3], 100).unwrap();
        assert_eq!(assembly.into_body(), [[1; 16].as_slice(), &[2; 3]].concat());
    }

    #[test]
    fn gaps_odd_lengths_and_too_large_bodies_leave_the_body_as_it_was() {
        let mut assembly = Assembly::default();
        assembly.append(block(0, true), &[1; 16], 20).unwrap();
        for (block, len, error) in [
            (block(2, true), 16, BlockError::Gap { offset: 32, expected: 16 }),
            (block(0, true), 16, BlockError::Gap { offset: 0, expected: 16 }),
            (block(1, true), 15, BlockError::Length { size: 16, len: 15 }),
            (block(1, false), 17, BlockError::Length { size: 16, len: 17 }),
            (block(1, false), 5, BlockError::TooLarge { max: 20 }),
        ] {
            assert_eq!(assembly.append(block, &vec![0; len], 20), Err(error));
        }
        assert_eq!(assembly.len(), 16);
    }
}
