//! Block-wise transfer: the value of a Block option, and bodies that are put together or cut (RFC 7959).
//!
//! Block numbers have 20 bits, so a byte offset needs 30: it is a `usize` here and never wraps.

mod assembly;
mod key;
mod served;

pub(crate) use assembly::{Assembly, Incoming, TransferId};
pub(crate) use key::BlockKey;
pub(crate) use served::{Served, digest, etag_of, slice};

pub use assembly::BlockError;

/// The value of a Block1 or Block2 option (RFC 7959 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The number of the block, below 2^20.
    pub number: u32,
    /// Whether blocks follow.
    pub more: bool,
    /// The size of the block.
    pub size: BlockSize,
}

impl Block {
    /// The highest block number.
    pub const MAX_NUMBER: u32 = (1 << 20) - 1;

    /// The block of this size that starts at a byte offset; nothing where the number would need more than 20 bits.
    pub fn at(offset: usize, more: bool, size: BlockSize) -> Option<Self> {
        let number = u32::try_from(offset / size.bytes()).ok()?;
        (number <= Self::MAX_NUMBER).then_some(Self { number, more, size })
    }

    /// The byte offset at which the block starts.
    pub const fn offset(self) -> usize {
        self.number as usize * self.size.bytes()
    }

    /// Whether this can be its payload: all blocks but the last are full (RFC 7959 §2.2).
    pub(crate) fn is_filled_by(self, payload: &[u8]) -> bool {
        let size = self.size.bytes();
        payload.len() == size || payload.len() < size && !self.more
    }

    /// The block a uint of at most three bytes stands for; nothing for the reserved size exponent 7 (RFC 7959 §2.2).
    pub fn from_uint(value: u32) -> Option<Self> {
        let number = value >> 4;
        let size = BlockSize::from_exponent((value & 0x07) as u8)?;
        (number <= Self::MAX_NUMBER).then_some(Self { number, more: value & 0x08 != 0, size })
    }

    /// The uint that stands for the block, below 2^24.
    pub const fn to_uint(self) -> u32 {
        self.number << 4 | (self.more as u32) << 3 | self.size as u32
    }
}

/// The size of a block, 16 to 1024 bytes; the discriminant is the size exponent SZX (RFC 7959 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockSize {
    /// 16 bytes
    B16,
    /// 32 bytes
    B32,
    /// 64 bytes
    B64,
    /// 128 bytes
    B128,
    /// 256 bytes
    B256,
    /// 512 bytes
    B512,
    /// 1024 bytes
    B1024,
}

impl BlockSize {
    /// The size in bytes.
    pub const fn bytes(self) -> usize {
        16 << self as usize
    }

    /// The size with this exponent; nothing for 7, which is reserved over UDP.
    pub const fn from_exponent(exponent: u8) -> Option<Self> {
        Some(match exponent {
            0 => Self::B16,
            1 => Self::B32,
            2 => Self::B64,
            3 => Self::B128,
            4 => Self::B256,
            5 => Self::B512,
            6 => Self::B1024,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_three_bytes_but_the_reserved_sizes_comes_back() {
        for value in 0..1 << 24 {
            match Block::from_uint(value) {
                Some(block) => assert_eq!(block.to_uint(), value),
                None => assert_eq!(value & 7, 7),
            }
        }
    }

    #[test]
    fn offsets_of_the_highest_block_do_not_wrap() {
        let block = Block { number: Block::MAX_NUMBER, more: false, size: BlockSize::B1024 };
        assert_eq!(block.offset(), (1 << 30) - 1024);
        assert_eq!(Block::at(block.offset(), false, BlockSize::B1024), Some(block));
        assert_eq!(Block::at(1 << 30, false, BlockSize::B1024), None);
        assert_eq!(Block::at(5000 * 16, true, BlockSize::B16).unwrap().number, 5000);
    }
}
