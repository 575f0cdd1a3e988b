//! A reader of CBOR (RFC 8949) that gives back slices: bounded, and of definite lengths only, as deterministic encoding has them
//! (§4.2.1).

use super::SuitError;

/// How deep what is skipped may be nested.
const MAX_DEPTH: usize = 8;

/// Reads item after item.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// What is read, for errors.
    what: &'static str,
}

/// The head of an item (RFC 8949 §3): its major type and its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Uint(u64),
    /// -1 - n.
    Negative(u64),
    Bytes(u64),
    Text(u64),
    Array(u64),
    Map(u64),
    Tag(u64),
    Simple(u64),
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(super) fn malformed(&self) -> SuitError {
        SuitError::Malformed { what: self.what }
    }

    /// How much is left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Nothing is left.
    pub(super) fn end(&self) -> Result<(), SuitError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }

    pub(super) fn head(&mut self) -> Result<Head, SuitError> {
        let first = self.take(1)?.first().copied().unwrap_or_default();
        let argument = match first & 0x1f {
            small @ 0..24 => u64::from(small),
            more @ 24..28 => {
                let bytes = self.take(1 << (more - 24))?;
                bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
            _ => return Err(self.malformed()),
        };
        Ok(match first >> 5 {
            0 => Head::Uint(argument),
            1 => Head::Negative(argument),
            2 => Head::Bytes(argument),
            3 => Head::Text(argument),
            4 => Head::Array(argument),
            5 => Head::Map(argument),
            6 => Head::Tag(argument),
            _ => Head::Simple(argument),
        })
    }

    pub(super) fn peek(&self) -> Result<Head, SuitError> {
        self.clone().head()
    }

    pub(super) fn uint(&mut self) -> Result<u64, SuitError> {
        match self.head()? {
            Head::Uint(number) => Ok(number),
            _ => Err(self.malformed()),
        }
    }

    pub(super) fn int(&mut self) -> Result<i64, SuitError> {
        let number = |number| i64::try_from(number).map_err(|_| self.malformed());
        match self.clone().head()? {
            Head::Uint(argument) => {
                let number = number(argument)?;
                self.head()?;
                Ok(number)
            }
            Head::Negative(argument) => {
                let number = -1 - number(argument)?;
                self.head()?;
                Ok(number)
            }
            _ => Err(self.malformed()),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], SuitError> {
        match self.head()? {
            Head::Bytes(length) => self.take(length),
            _ => Err(self.malformed()),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, SuitError> {
        match self.head()? {
            Head::Text(length) => std::str::from_utf8(self.take(length)?).map_err(|_| self.malformed()),
            _ => Err(self.malformed()),
        }
    }

    /// How many items follow; each has a byte at least, so no more than there are bytes.
    pub(super) fn array(&mut self) -> Result<usize, SuitError> {
        match self.head()? {
            Head::Array(length) => self.count(length),
            _ => Err(self.malformed()),
        }
    }

    /// How many pairs follow.
    pub(super) fn map(&mut self) -> Result<usize, SuitError> {
        match self.head()? {
            Head::Map(length) => self.count(length),
            _ => Err(self.malformed()),
        }
    }

    /// Passes over one item, whatever it is.
    pub(super) fn skip(&mut self) -> Result<(), SuitError> {
        self.skip_within(MAX_DEPTH)
    }

    fn skip_within(&mut self, depth: usize) -> Result<(), SuitError> {
        let deeper = depth.checked_sub(1).ok_or(SuitError::TooMuch { what: "levels", max: MAX_DEPTH })?;
        let items = match self.head()? {
            Head::Uint(_) | Head::Negative(_) | Head::Simple(_) => 0,
            Head::Bytes(length) | Head::Text(length) => {
                self.take(length)?;
                0
            }
            Head::Array(length) => self.count(length)?,
            Head::Map(length) => self.count(length)?.saturating_mul(2),
            Head::Tag(_) => 1,
        };
        for _ in 0..items {
            self.skip_within(deeper)?;
        }
        Ok(())
    }

    fn count(&self, length: u64) -> Result<usize, SuitError> {
        usize::try_from(length)
            .ok()
            .filter(|length| *length <= self.rest.len())
            .ok_or_else(|| self.malformed())
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], SuitError> {
        let taken = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (taken, rest) = taken.ok_or_else(|| self.malformed())?;
        self.rest = rest;
        Ok(taken)
    }
}

/// The head of a byte string in its shortest writing (RFC 8949 §4.2.1).
pub(super) fn bytes_head(length: usize) -> Vec<u8> {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let big_endian = length.to_be_bytes();
    match length {
        0..24 => vec![0x40 | big_endian[7]],
        24..0x100 => vec![0x58, big_endian[7]],
        0x100..0x1_0000 => [&[0x59], &big_endian[6..]].concat(),
        0x1_0000..0x1_0000_0000 => [&[0x5a], &big_endian[4..]].concat(),
        _ => [&[0x5b], &big_endian[..]].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_is_not_there_is_malformed() {
        for bytes in [
            &[][..],
            &[0x58],
            &[0x41],
            &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0x5f, 0xff],
            &[0x1c],
        ] {
            assert!(Reader::new(bytes, "test").skip().is_err(), "{bytes:02x?}");
        }
        let malformed = SuitError::Malformed { what: "test" };
        assert_eq!(Reader::new(&[0x9b, 0, 0, 0, 1, 0, 0, 0, 0], "test").array(), Err(malformed));
    }

    #[test]
    fn what_is_nested_too_deeply_is_not_followed() {
        let deep = [0x81; 9];
        assert!(matches!(Reader::new(&deep, "test").skip(), Err(SuitError::TooMuch { .. })));
        let mut fits = Reader::new(&[0x81, 0x81, 0xa1, 0x01, 0xc1, 0x43, 1, 2, 3, 0x07], "test");
        fits.skip().unwrap();
        assert_eq!((fits.int(), fits.end()), (Ok(7), Ok(())));
    }

    #[test]
    fn heads_are_written_as_they_are_read() {
        for length in [0, 23, 24, 255, 256, 65_535, 65_536, 1 << 33] {
            let head = bytes_head(length);
            let mut reader = Reader::new(&head, "test");
            assert_eq!(reader.head(), Ok(Head::Bytes(length as u64)));
            reader.end().unwrap();
        }
    }
}
