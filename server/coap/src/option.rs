//! Options: numbers, values, and which of them this endpoint understands (RFC 7252 §3.1, §5.4).

mod registry;

pub(crate) use registry::Role;

use std::fmt;

use crate::block::Block;

/// The number of an option.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OptionNumber(pub u16);

impl OptionNumber {
    /// Uri-Host
    pub const URI_HOST: Self = Self(3);
    /// ETag
    pub const ETAG: Self = Self(4);
    /// Observe (RFC 7641)
    pub const OBSERVE: Self = Self(6);
    /// Uri-Port
    pub const URI_PORT: Self = Self(7);
    /// Location-Path
    pub const LOCATION_PATH: Self = Self(8);
    /// Uri-Path
    pub const URI_PATH: Self = Self(11);
    /// Content-Format
    pub const CONTENT_FORMAT: Self = Self(12);
    /// Max-Age
    pub const MAX_AGE: Self = Self(14);
    /// Uri-Query
    pub const URI_QUERY: Self = Self(15);
    /// Accept
    pub const ACCEPT: Self = Self(17);
    /// Location-Query
    pub const LOCATION_QUERY: Self = Self(20);
    /// Block2 (RFC 7959)
    pub const BLOCK2: Self = Self(23);
    /// Block1 (RFC 7959)
    pub const BLOCK1: Self = Self(27);
    /// Size2 (RFC 7959)
    pub const SIZE2: Self = Self(28);
    /// Proxy-Uri
    pub const PROXY_URI: Self = Self(35);
    /// Proxy-Scheme
    pub const PROXY_SCHEME: Self = Self(39);
    /// Size1
    pub const SIZE1: Self = Self(60);
    /// Request-Tag (RFC 9175)
    pub const REQUEST_TAG: Self = Self(292);

    /// Whether a receiver that does not understand the option must refuse the message (RFC 7252 §5.4.6).
    pub const fn is_critical(self) -> bool {
        self.0 & 1 == 1
    }

    /// Whether the option is left out where two requests are compared (RFC 7252 §5.4.6).
    pub const fn is_no_cache_key(self) -> bool {
        self.0 & 0x1e == 0x1c
    }
}

impl fmt::Debug for OptionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "option {}", self.0)
    }
}

impl fmt::Display for OptionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The options of a message, by ascending number; those of one number keep their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Options(Vec<(OptionNumber, Vec<u8>)>);

impl Options {
    /// Adds an option behind those of the same number.
    pub fn push(&mut self, number: OptionNumber, value: impl Into<Vec<u8>>) {
        let at = self.0.partition_point(|(other, _)| *other <= number);
        self.0.insert(at, (number, value.into()));
    }

    /// Adds an option of format uint, in as few bytes as it needs (RFC 7252 §3.2).
    pub fn push_uint(&mut self, number: OptionNumber, value: u32) {
        let bytes = value.to_be_bytes();
        self.push(number, &bytes[(value.leading_zeros() / 8) as usize..]);
    }

    /// The first option of this number.
    pub fn get(&self, number: OptionNumber) -> Option<&[u8]> {
        self.all(number).next()
    }

    /// All options of this number.
    pub fn all(&self, number: OptionNumber) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(other, _)| *other == number).map(|(_, value)| value)
    }

    /// The first option of this number as a uint; nothing where it is absent or longer than four bytes.
    pub fn uint(&self, number: OptionNumber) -> Option<u32> {
        let value = self.get(number)?;
        (value.len() <= 4).then(|| value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    /// The options of this number as text; nothing if one of them is not UTF-8.
    pub fn strings(&self, number: OptionNumber) -> Option<Vec<String>> {
        self.all(number).map(|value| String::from_utf8(value.to_vec()).ok()).collect()
    }

    /// Number and value of each option.
    pub fn iter(&self) -> impl Iterator<Item = (OptionNumber, &[u8])> {
        self.0.iter().map(|(number, value)| (*number, value.as_slice()))
    }

    /// A Block option as it stands; see [`Block::from_uint`].
    pub(crate) fn block(&self, number: OptionNumber) -> Option<Option<Block>> {
        self.uint(number).map(Block::from_uint)
    }

    pub(crate) fn push_block(&mut self, number: OptionNumber, block: Block) {
        self.push_uint(number, block.to_uint());
    }

    pub(crate) fn push_strings(&mut self, number: OptionNumber, values: &[String]) {
        for value in values {
            self.push(number, value.as_bytes());
        }
    }

    /// The bytes these options take in a message.
    pub(crate) fn encoded_len(&self) -> usize {
        let extended = |value: usize| match value {
            0..13 => 0,
            13..269 => 1,
            _ => 2,
        };
        let mut previous = 0;
        self.iter()
            .map(|(number, value)| {
                let delta = number.0 - previous;
                previous = number.0;
                1 + extended(usize::from(delta)) + extended(value.len()) + value.len()
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uint_takes_as_few_bytes_as_it_needs() {
        for (value, bytes) in [
            (0, vec![]),
            (1, vec![1]),
            (256, vec![1, 0]),
            (0x0001_0000, vec![1, 0, 0]),
            (u32::MAX, vec![255; 4]),
        ] {
            let mut options = Options::default();
            options.push_uint(OptionNumber::SIZE1, value);
            assert_eq!(options.get(OptionNumber::SIZE1), Some(bytes.as_slice()));
            assert_eq!(options.uint(OptionNumber::SIZE1), Some(value));
        }
    }

    #[test]
    fn options_are_sorted_and_repeated_ones_keep_their_order() {
        let mut options = Options::default();
        options.push(OptionNumber::URI_QUERY, *b"a");
        options.push(OptionNumber::URI_PATH, *b"rd");
        options.push(OptionNumber::URI_PATH, *b"7");
        let numbers: Vec<u16> = options.iter().map(|(number, _)| number.0).collect();
        assert_eq!(numbers, [11, 11, 15]);
        assert_eq!(options.strings(OptionNumber::URI_PATH).unwrap(), ["rd", "7"]);
    }

    #[test]
    fn the_properties_of_an_option_are_read_from_its_number() {
        assert!(OptionNumber::BLOCK2.is_critical());
        assert!(!OptionNumber::SIZE2.is_critical());
        assert!(OptionNumber::SIZE1.is_no_cache_key());
        assert!(!OptionNumber::REQUEST_TAG.is_no_cache_key());
    }
}
