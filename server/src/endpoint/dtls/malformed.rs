//! Why handshake bytes can't be read, and the reader that says so.

/// Why handshake bytes can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the {field} is cut short")]
    CutShort { field: &'static str },
    #[error("{count} bytes follow the end of the {field}")]
    Trailing { field: &'static str, count: usize },
    #[error("handshake message {kind} of {len} bytes came in fragments, which are not put together")]
    Fragmented { kind: u8, len: usize },
    #[error("the list of cipher suites has {len} bytes, which is empty or odd")]
    Suites { len: usize },
    #[error("the null compression method is not offered")]
    Compression,
    #[error("it asks to resume a session, which is not served; let the client forget its sessions")]
    Resumption,
}

/// Reads big-endian fields from the front of bytes.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed::CutShort { field })?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        Ok(self.take(1, field)?[0])
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        let bytes = self.take(2, field)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u24(&mut self, field: &'static str) -> Result<usize, Malformed> {
        Ok(self.take(3, field)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    /// A vector with a length of one byte before it.
    pub(super) fn short(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.u8(field)?;
        self.take(len.into(), field)
    }

    /// A vector with a length of two bytes before it.
    pub(super) fn long(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.u16(field)?;
        self.take(len.into(), field)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may follow.
    pub(super) fn end(self, field: &'static str) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed::Trailing { field, count: self.0.len() }) }
    }
}
