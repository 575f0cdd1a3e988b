//! Numbers, bytes and vectors as TLS writes them (RFC 5246 §4): big endian, vectors with their length before them.

/// A message that can't be read, and at which field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) what: &'static str,
}

/// Takes fields off the front of a slice. Each call names its field, for [`Malformed`].
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// Appends fields to a buffer.
#[derive(Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        self.array(what).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(crate) fn u24(&mut self, what: &'static str) -> Result<usize, Malformed> {
        let [high, middle, low] = self.array(what)?;
        Ok(usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        self.chunk(what).copied()
    }

    /// As [`array`](Self::array), where it lies.
    pub(crate) fn chunk<const N: usize>(&mut self, what: &'static str) -> Result<&'a [u8; N], Malformed> {
        let (chunk, rest) = self.rest.split_first_chunk().ok_or(Malformed { what })?;
        self.rest = rest;
        Ok(chunk)
    }

    pub(crate) fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed { what })?;
        self.rest = rest;
        Ok(taken)
    }

    /// A vector whose length is one byte.
    pub(crate) fn vec8(&mut self, what: &'static str) -> Result<&'a [u8], Malformed> {
        let len = usize::from(self.u8(what)?);
        self.take(len, what)
    }

    /// A vector whose length is two bytes.
    pub(crate) fn vec16(&mut self, what: &'static str) -> Result<&'a [u8], Malformed> {
        let len = usize::from(self.u16(what)?);
        self.take(len, what)
    }

    /// A vector whose length is three bytes.
    pub(crate) fn vec24(&mut self, what: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.u24(what)?;
        self.take(len, what)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was not taken.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may follow.
    pub(crate) fn end(&self, what: &'static str) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed { what }) }
    }
}

// === impl Writer ===

impl Writer {
    pub(crate) fn u8(&mut self, number: u8) {
        self.out.push(number);
    }

    pub(crate) fn u16(&mut self, number: u16) {
        self.out.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn u24(&mut self, number: usize) {
        let bytes = u32::try_from(number).expect("lengths of messages are of 24 bits").to_be_bytes();
        assert_eq!(bytes[0], 0, "lengths of messages are of 24 bits");
        self.out.extend_from_slice(&bytes[1..]);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A vector whose length is one byte.
    pub(crate) fn vec8(&mut self, bytes: &[u8]) {
        self.u8(u8::try_from(bytes.len()).expect("a vector of at most 255 bytes"));
        self.bytes(bytes);
    }

    /// A vector whose length is two bytes.
    pub(crate) fn vec16(&mut self, bytes: &[u8]) {
        self.u16(u16::try_from(bytes.len()).expect("a vector of at most 65535 bytes"));
        self.bytes(bytes);
    }

    /// A vector whose length is three bytes.
    pub(crate) fn vec24(&mut self, bytes: &[u8]) {
        self.u24(bytes.len());
        self.bytes(bytes);
    }

    /// What `write` writes, with its length in two bytes before it.
    pub(crate) fn nested16(&mut self, write: impl FnOnce(&mut Self)) {
        let at = self.out.len();
        self.u16(0);
        write(self);
        let len = u16::try_from(self.out.len() - at - 2).expect("a vector of at most 65535 bytes");
        self.out[at..at + 2].copy_from_slice(&len.to_be_bytes());
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.out
    }
}
