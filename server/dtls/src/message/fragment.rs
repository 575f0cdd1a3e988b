//! The header of handshake messages and the fragments it frames (RFC 6347 §4.2.2, §4.2.3).

use super::reader::{Malformed, Reader, Writer};

/// The kinds of messages (RFC 5246 §7.4, RFC 6347 §4.3.2).
pub(crate) mod kind {
    pub(crate) const HELLO_REQUEST: u8 = 0;
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
    pub(crate) const CERTIFICATE_VERIFY: u8 = 15;
    pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(crate) const FINISHED: u8 = 20;
}

/// Bytes of a header.
pub(crate) const HEADER: usize = 12;

/// What stands before each fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: u8,
    /// How long the whole message is.
    pub(crate) len: usize,
    pub(crate) sequence: u16,
    /// Where in the message the fragment begins.
    pub(crate) offset: usize,
    /// How long the fragment is.
    pub(crate) fragment: usize,
}

/// A message or a part of one. It lies within its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    pub(crate) header: Header,
    pub(crate) bytes: &'a [u8],
}

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) sequence: u16,
    pub(crate) body: Vec<u8>,
}

impl Header {
    /// Appends it.
    pub(crate) fn write(&self, out: &mut Writer) {
        out.u8(self.kind);
        out.u24(self.len);
        out.u16(self.sequence);
        out.u24(self.offset);
        out.u24(self.fragment);
    }
}

impl<'a> Fragment<'a> {
    /// Takes the next one off a record's plaintext. None at its end.
    pub(crate) fn next(rest: &mut &'a [u8]) -> Result<Option<Self>, Malformed> {
        if rest.is_empty() {
            return Ok(None);
        }
        let mut reader = Reader::new(rest);
        let header = Header {
            kind: reader.u8("handshake header")?,
            len: reader.u24("handshake header")?,
            sequence: reader.u16("handshake header")?,
            offset: reader.u24("handshake header")?,
            fragment: reader.u24("handshake header")?,
        };
        let bytes = reader.take(header.fragment, "handshake fragment")?;
        // Both are of 24 bits: the sum can't overflow.
        if header.offset + header.fragment > header.len {
            return Err(Malformed { what: "handshake fragment" });
        }
        *rest = reader.rest();
        Ok(Some(Self { header, bytes }))
    }

    /// Whether it is all of its message.
    pub(crate) fn is_whole(&self) -> bool {
        self.header.fragment == self.header.len
    }
}

impl Message {
    /// As the transcript wants it: as if it had not been cut (RFC 6347 §4.2.6).
    pub(crate) fn whole(&self) -> Vec<u8> {
        write_message(self.kind, self.sequence, &self.body)
    }
}

/// A message in one piece, with its header.
pub(crate) fn write_message(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    let mut out = Writer::default();
    Header { kind, len: body.len(), sequence, offset: 0, fragment: body.len() }.write(&mut out);
    out.bytes(body);
    out.done()
}
