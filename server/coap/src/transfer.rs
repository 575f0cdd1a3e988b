//! A body that the caller sends block by block, each in a request of its own (RFC 7959 §2.5).
//!
//! [`Endpoint::send_request`](crate::Endpoint::send_request) takes whole bodies. One that does not fit into memory many times
//! over, that is to go on after an interruption, or that others are not to wait behind, is sent so:
//! [`Transfer::due`] says which bytes come next, [`Transfer::part`] what makes a request of them, and [`Transfer::on_response`]
//! what the answer means.

use std::ops::Range;

use crate::{Block, BlockSize, Code, Response};

/// Marks a request as one block of a larger body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which block it is.
    pub block: Block,
    /// The length of the whole body, which the first block tells (RFC 7959 §4, Size1).
    pub total: usize,
}

/// How far the sending of a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    total: usize,
    offset: usize,
    size: BlockSize,
}

/// What an answer means for a [`Transfer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The next block is due.
    Next,
    /// The peer wants the body anew, or in smaller blocks: the first block is due.
    Anew,
    /// That was the last block, and the answer is that to the whole.
    Done,
    /// The answer is the peer's last word; the body was not taken.
    Refused,
    /// The peer acknowledges another block: the answer says nothing of this one.
    Stray,
}

impl Transfer {
    /// A body of so many bytes, the first of which the peer has already; nothing if its blocks can't be numbered.
    pub fn new(total: usize, from: usize, size: BlockSize) -> Option<Self> {
        Block::at(total, false, size)?;
        // A block begins at a multiple of its size.
        let offset = if from < total { from - from % size.bytes() } else { 0 };
        Some(Self { total, offset, size })
    }

    /// How long the body is.
    #[expect(clippy::len_without_is_empty, reason = "a body of no bytes has one block, too")]
    pub fn len(&self) -> usize {
        self.total
    }

    /// The bytes that are due.
    pub fn due(&self) -> Range<usize> {
        self.offset..(self.offset + self.size.bytes()).min(self.total)
    }

    /// How many bytes the peer has acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.offset
    }

    /// The size of the blocks.
    pub fn size(&self) -> BlockSize {
        self.size
    }

    /// What the request with the bytes that are due carries.
    pub fn part(&self) -> Part {
        let block = Block::at(self.offset, self.due().end < self.total, self.size);
        let block = block.expect("the number of blocks was checked when the size was taken");
        Part { block, total: self.total }
    }

    /// Halves the blocks that follow, for a link that loses large datagrams. False if they are the smallest, or so many
    /// could not be numbered.
    pub fn shrink(&mut self) -> bool {
        let smaller = (self.size as u8).checked_sub(1).and_then(BlockSize::from_exponent);
        match smaller.filter(|size| Block::at(self.total, false, *size).is_some()) {
            Some(size) => {
                self.size = size;
                true
            }
            None => false,
        }
    }

    /// Takes the answer to the request with the bytes that were due.
    pub fn on_response(&mut self, response: &Response) -> Sent {
        let hint = response.block1;
        let anew = |block: Option<Block>| match block {
            Some(block) if block.size < self.size => Some(block.size),
            _ => None,
        };
        match response.code {
            // RFC 7959 §2.9.3: with the size that the peer can take.
            Code::REQUEST_ENTITY_TOO_LARGE => match anew(hint) {
                Some(size) if Block::at(self.total, false, size).is_some() => {
                    (self.size, self.offset) = (size, 0);
                    Sent::Anew
                }
                _ => Sent::Refused,
            },
            // RFC 7959 §2.9.2: it has lost the blocks before this one.
            Code::REQUEST_ENTITY_INCOMPLETE if self.offset > 0 => {
                self.offset = 0;
                Sent::Anew
            }
            code if code.is_error() => Sent::Refused,
            code => self.on_success(code, hint),
        }
    }

    fn on_success(&mut self, code: Code, block: Option<Block>) -> Sent {
        let Range { start, end } = self.due();
        let is_last = end == self.total;
        let Some(block) = block else {
            // Without the option a peer has taken the request as a body of its own: good only if it was all.
            return if is_last && start == 0 { Sent::Done } else { Sent::Refused };
        };
        // A peer that asks for smaller blocks counts them by the old size or by the new one.
        if block.number as usize * self.size.bytes() != start && block.offset() != start {
            return Sent::Stray;
        }
        match (is_last, code == Code::CONTINUE) {
            (true, true) => Sent::Refused,
            (true, false) => Sent::Done,
            (false, _) => {
                // RFC 7959 §2.3: a smaller size is for the blocks that follow; this one was taken as it is.
                let size = block.size.min(self.size);
                if Block::at(self.total, false, size).is_none() {
                    return Sent::Refused;
                }
                (self.offset, self.size) = (end, size);
                Sent::Next
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_goes_block_by_block_to_its_end() {
        let mut transfer = Transfer::new(2_500, 0, BlockSize::B1024).unwrap();
        let mut sent = Vec::new();
        loop {
            let part = transfer.part();
            sent.push((transfer.due(), part.block.more));
            let code = if part.block.more { Code::CONTINUE } else { Code::CHANGED };
            match transfer.on_response(&answer(code, Some(part.block))) {
                Sent::Next => {}
                end => break assert_eq!(end, Sent::Done),
            }
        }
        assert_eq!(sent, [(0..1_024, true), (1_024..2_048, true), (2_048..2_500, false)]);
    }

    #[test]
    fn it_goes_on_where_it_was_interrupted_at_the_beginning_of_a_block() {
        let transfer = Transfer::new(10_000, 3_000, BlockSize::B1024).unwrap();
        assert_eq!((transfer.due(), transfer.part().block.number), (2_048..3_072, 2));
        assert_eq!(Transfer::new(10_000, 10_000, BlockSize::B1024).unwrap().acknowledged(), 0);
    }

    #[test]
    fn smaller_blocks_follow_where_the_peer_asks_for_them() {
        let mut transfer = Transfer::new(4_096, 0, BlockSize::B1024).unwrap();
        let smaller = Block { number: 0, more: true, size: BlockSize::B256 };
        assert_eq!(transfer.on_response(&answer(Code::CONTINUE, Some(smaller))), Sent::Next);
        assert_eq!((transfer.due(), transfer.part().block), (1_024..1_280, Block { number: 4, ..smaller }));
        // Too large is said of the first block, and begins anew.
        let mut transfer = Transfer::new(4_096, 0, BlockSize::B1024).unwrap();
        assert_eq!(transfer.on_response(&answer(Code::REQUEST_ENTITY_TOO_LARGE, Some(smaller))), Sent::Anew);
        assert_eq!(transfer.due(), 0..256);
        assert_eq!(
            transfer.on_response(&answer(Code::REQUEST_ENTITY_TOO_LARGE, Some(smaller))),
            Sent::Refused
        );
    }

    #[test]
    fn a_peer_that_has_lost_the_blocks_gets_them_anew() {
        let mut transfer = Transfer::new(4_096, 2_048, BlockSize::B1024).unwrap();
        let incomplete = answer(Code::REQUEST_ENTITY_INCOMPLETE, None);
        assert_eq!(transfer.on_response(&incomplete), Sent::Anew);
        assert_eq!(transfer.acknowledged(), 0);
        assert_eq!(transfer.on_response(&incomplete), Sent::Refused);
    }

    #[test]
    fn what_speaks_of_another_block_or_of_none_acknowledges_nothing() {
        let mut transfer = Transfer::new(4_096, 1_024, BlockSize::B1024).unwrap();
        let block = transfer.part().block;
        let other = Block { number: 3, ..block };
        assert_eq!(transfer.on_response(&answer(Code::CONTINUE, Some(other))), Sent::Stray);
        assert_eq!(transfer.on_response(&answer(Code::CHANGED, None)), Sent::Refused);
        assert_eq!(transfer.due(), 1_024..2_048);
    }

    #[test]
    fn blocks_shrink_as_long_as_they_can_be_numbered() {
        let mut transfer = Transfer::new(16 << 20, 0, BlockSize::B32).unwrap();
        assert!(!transfer.shrink(), "2^20 blocks of 16 bytes are not enough");
        assert_eq!(Transfer::new((16 << 20) + 1, 0, BlockSize::B16), None);
        let mut transfer = Transfer::new(4_096, 1_024, BlockSize::B1024).unwrap();
        assert!(transfer.shrink());
        assert_eq!((transfer.due(), transfer.part().block.number), (1_024..1_536, 2));
    }

    fn answer(code: Code, block1: Option<Block>) -> Response {
        Response { block1, ..Response::new(code) }
    }
}
