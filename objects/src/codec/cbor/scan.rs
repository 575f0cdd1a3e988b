//! A walk over the heads of CBOR items (RFC 8949 §3), before anything is built from them.

use crate::codec::{ContentFormat, DecodeError};

/// Where an array may stand that is no decimal fraction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrays {
    Anywhere,
    /// Only as the key of a map.
    AsKeys,
}

/// Checks that `payload` is one well-formed item, that its lengths lie within it, and that at most `depth` containers
/// lie within each other. A decimal fraction (tag 4) counts as a number, any other array or map as a container.
pub(super) fn scan(
    format: ContentFormat,
    depth: usize,
    arrays: Arrays,
    payload: &[u8],
) -> Result<(), DecodeError> {
    let mut scanner = Scanner { format, max_depth: depth, arrays, payload, at: 0 };
    let item = scanner.head()?;
    scanner.item(item, depth, Place::Value)?;
    match payload.len() - scanner.at {
        0 => Ok(()),
        count => Err(DecodeError::Trailing { offset: scanner.at, count }),
    }
}

struct Scanner<'p> {
    format: ContentFormat,
    max_depth: usize,
    arrays: Arrays,
    payload: &'p [u8],
    at: usize,
}

/// Where an item stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Key,
    Value,
}

/// The first byte and the argument that belongs to it; without one the length is indefinite, or the item is a break.
struct Head {
    major: u8,
    argument: Option<u64>,
    offset: usize,
}

impl Place {
    fn of(is_key: bool) -> Self {
        if is_key { Self::Key } else { Self::Value }
    }
}

impl Head {
    const BREAK: u8 = 7;

    fn is_break(&self) -> bool {
        self.major == Self::BREAK && self.argument.is_none()
    }
}

impl Scanner<'_> {
    fn head(&mut self) -> Result<Head, DecodeError> {
        let offset = self.at;
        let first = self.take(1)?;
        let major = u8::try_from(first >> 5).unwrap_or_default();
        let argument = match first & 0b1_1111 {
            small @ 0..=23 => Some(small),
            24 => Some(self.take(1)?),
            25 => Some(self.take(2)?),
            26 => Some(self.take(4)?),
            27 => Some(self.take(8)?),
            31 if matches!(major, 2..=5 | Head::BREAK) => None,
            _ => return Err(self.malformed(offset, "a reserved first byte")),
        };
        Ok(Head { major, argument, offset })
    }

    fn item(&mut self, head: Head, depth: usize, place: Place) -> Result<(), DecodeError> {
        match (head.major, head.argument) {
            (2 | 3, Some(length)) => self.skip(length),
            (2 | 3, None) => self.chunks(head.major),
            (4 | 5, _) if depth == 0 => {
                Err(DecodeError::TooDeep { max: self.max_depth, offset: head.offset })
            }
            (4, _) if self.arrays == Arrays::AsKeys && place == Place::Value => {
                Err(self.malformed(head.offset, "an array that is no key"))
            }
            (4, Some(count)) => self.items(count, depth, false),
            (5, Some(count)) => self.items(count.saturating_mul(2), depth, true),
            (4, None) => self.items_until_break(depth, false).map(drop),
            (5, None) if self.items_until_break(depth, true)? % 2 != 0 => {
                Err(self.malformed(head.offset, "a map with a key without a value"))
            }
            (6, Some(tag)) => self.tagged(tag, depth, place),
            (_, None) if head.is_break() => Err(self.malformed(head.offset, "a break outside of anything")),
            _ => Ok(()),
        }
    }

    fn items(&mut self, count: u64, depth: usize, of_map: bool) -> Result<(), DecodeError> {
        // Each item takes at least a byte.
        self.require(count)?;
        for index in 0..count {
            let head = self.head()?;
            self.item(head, depth - 1, Place::of(of_map && index % 2 == 0))?;
        }
        Ok(())
    }

    fn items_until_break(&mut self, depth: usize, of_map: bool) -> Result<usize, DecodeError> {
        let mut count = 0;
        loop {
            let head = self.head()?;
            if head.is_break() {
                return Ok(count);
            }
            self.item(head, depth - 1, Place::of(of_map && count % 2 == 0))?;
            count += 1;
        }
    }

    fn chunks(&mut self, major: u8) -> Result<(), DecodeError> {
        loop {
            let head = self.head()?;
            match head.argument {
                None if head.is_break() => return Ok(()),
                Some(length) if head.major == major => self.skip(length)?,
                _ => return Err(self.malformed(head.offset, "a chunk of another kind")),
            }
        }
    }

    fn tagged(&mut self, tag: u64, depth: usize, place: Place) -> Result<(), DecodeError> {
        const DECIMAL_FRACTION: u64 = 4;
        let head = self.head()?;
        match head.major {
            // A tag more would be one recursion more here and in the library; no content of LwM2M has two.
            6 => Err(self.malformed(head.offset, "a tag within a tag")),
            4 if tag == DECIMAL_FRACTION => self.decimal_fraction(&head),
            _ => self.item(head, depth, place),
        }
    }

    // RFC 8949 §3.4.4: an array of two integers.
    fn decimal_fraction(&mut self, array: &Head) -> Result<(), DecodeError> {
        let two_integers = array.argument == Some(2) && self.head()?.major <= 1 && self.head()?.major <= 1;
        if two_integers { Ok(()) } else { Err(self.malformed(array.offset, "no decimal fraction")) }
    }

    fn skip(&mut self, length: u64) -> Result<(), DecodeError> {
        self.at += self.require(length)?;
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<u64, DecodeError> {
        self.require(count as u64)?;
        let bytes = &self.payload[self.at..self.at + count];
        self.at += count;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// `needed` as a length that the rest of the payload has.
    fn require(&self, needed: u64) -> Result<usize, DecodeError> {
        let available = self.payload.len() - self.at;
        let length = usize::try_from(needed).ok().filter(|length| *length <= available);
        length.ok_or(DecodeError::Truncated { offset: self.at, needed, available })
    }

    fn malformed(&self, offset: usize, reason: &str) -> DecodeError {
        DecodeError::Malformed { format: self.format, offset, reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    fn scanned(depth: usize, payload: &[u8]) -> Result<(), DecodeError> {
        scan(ContentFormat::CBOR, depth, Arrays::Anywhere, payload)
    }

    #[test]
    fn an_array_may_be_kept_to_keys() {
        let scanned = |payload: &[u8]| scan(ContentFormat::LWM2M_CBOR, 3, Arrays::AsKeys, payload);
        for payload in [&hex!("a1 82 03 00 01")[..], &hex!("bf 9f 03 00 ff c4 82 21 01 ff")] {
            assert_eq!(scanned(payload), Ok(()), "{payload:02x?}");
        }
        for payload in [&hex!("a1 03 82 21 01")[..], &hex!("81 03"), &hex!("a1 82 81 03 00 01")] {
            assert!(scanned(payload).is_err(), "{payload:02x?}");
        }
    }

    #[test]
    fn a_length_past_the_end_is_refused_before_anything_is_reserved() {
        for payload in
            [&hex!("5b ffffffffffffffff")[..], &hex!("9b ffffffffffffffff"), &hex!("ba 7fffffff 00 00")]
        {
            assert!(matches!(scanned(2, payload), Err(DecodeError::Truncated { .. })), "{payload:02x?}");
        }
    }

    #[test]
    fn containers_beyond_the_depth_are_refused() {
        assert_eq!(scanned(2, &hex!("81 a1 00 01")), Ok(()));
        assert_eq!(scanned(2, &hex!("81 a1 00 81 01")), Err(DecodeError::TooDeep { max: 2, offset: 3 }));
        assert_eq!(scanned(0, &hex!("81 01")), Err(DecodeError::TooDeep { max: 0, offset: 0 }));
        assert!(scanned(2, &[0x81; 100_000]).is_err());
        assert!(scanned(2, &[0xc1; 100_000]).is_err());
    }

    #[test]
    fn a_decimal_fraction_counts_as_a_number() {
        assert_eq!(scanned(0, &hex!("c4 82 21 19 6ab3")), Ok(()));
        assert!(scanned(0, &hex!("c4 83 21 01 01")).is_err());
        assert!(scanned(0, &hex!("c4 82 21 61 61")).is_err());
        assert!(scanned(0, &hex!("c5 82 21 01")).is_err());
    }

    #[test]
    fn indefinite_lengths_end_with_a_break() {
        assert_eq!(scanned(2, &hex!("9f bf 00 01 ff ff")), Ok(()));
        assert_eq!(scanned(0, &hex!("7f 61 61 61 62 ff")), Ok(()));
        for payload in [&hex!("9f 00")[..], &hex!("bf 00 ff"), &hex!("7f 41 61 ff"), &hex!("ff"), &hex!("1f")]
        {
            assert!(scanned(2, payload).is_err(), "{payload:02x?}");
        }
    }

    #[test]
    fn bytes_after_the_item_are_refused() {
        assert_eq!(scanned(0, &hex!("01 02")), Err(DecodeError::Trailing { offset: 1, count: 1 }));
    }
}
