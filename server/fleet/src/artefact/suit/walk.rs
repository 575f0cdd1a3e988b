//! Where the parts of an envelope lie (draft-ietf-suit-manifest-37 §8.2), found without holding the envelope.

use super::{
    SuitError,
    cbor::{Head, Reader},
};

/// A part of an envelope: from where on, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its first byte, from the envelope's beginning.
    pub at: u64,
    /// Its length.
    pub len: u64,
}

/// Where the parts of an envelope lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// What the authentication wrapper holds.
    pub authentication: Part,
    /// The manifest.
    pub manifest: Part,
    /// The integrated payloads by their names.
    pub payloads: Vec<(String, Part)>,
}

/// Goes through an envelope: give [`Walk::next`] what it asks for until it asks for nothing any more.
#[derive(Debug)]
pub struct Walk {
    size: u64,
    at: u64,
    /// How many entries are left; none before the first.
    left: Option<u64>,
    authentication: Option<Part>,
    manifest: Option<Part>,
    payloads: Vec<(String, Part)>,
}

/// SUIT_Envelope_Tagged.
const TAG: u64 = 107;
/// What is asked for at once: the longest key with its head, and the head of its value.
const STEP: u64 = 300;
/// The longest name of an integrated payload.
const MAX_NAME: usize = 255;
/// How many entries an envelope has at most.
const MAX_ENTRIES: u64 = 32;

impl Walk {
    /// Through an envelope of so many bytes.
    pub fn new(size: u64) -> Self {
        Self { size, at: 0, left: None, authentication: None, manifest: None, payloads: Vec::new() }
    }

    /// What is to be read next; nothing once all is found.
    pub fn wants(&self) -> Option<Part> {
        let done = self.left == Some(0);
        (!done).then(|| Part { at: self.at, len: STEP.min(self.size.saturating_sub(self.at)) })
    }

    /// Takes what was asked for.
    pub fn next(&mut self, bytes: &[u8]) -> Result<(), SuitError> {
        let mut reader = Reader::new(bytes, "the envelope");
        let Some(left) = self.left else {
            if reader.peek()? == Head::Tag(TAG) {
                reader.head()?;
            }
            let entries = match reader.head()? {
                Head::Map(entries) if entries <= MAX_ENTRIES => entries,
                Head::Map(_) => {
                    return Err(SuitError::TooMuch { what: "entries", max: MAX_ENTRIES as usize });
                }
                _ => return Err(reader.malformed()),
            };
            self.left = Some(entries);
            self.at += passed(bytes, &reader);
            return Ok(());
        };
        let key = match reader.peek()? {
            Head::Text(length) if length > MAX_NAME as u64 => {
                return Err(SuitError::TooMuch { what: "bytes in the name of a payload", max: MAX_NAME });
            }
            Head::Text(_) => Key::Payload(reader.text()?.to_owned()),
            Head::Uint(_) => Key::Member(reader.uint()?),
            _ => return Err(SuitError::unsupported("a member that is neither a number nor a text")),
        };
        let Head::Bytes(len) = reader.head()? else { return Err(reader.malformed()) };
        let part = Part { at: self.at + passed(bytes, &reader), len };
        let end =
            part.at.checked_add(len).filter(|end| *end <= self.size).ok_or_else(|| reader.malformed())?;
        let twice = match key {
            Key::Member(2) => self.authentication.replace(part).is_some(),
            Key::Member(3) => self.manifest.replace(part).is_some(),
            // suit-text: for people.
            Key::Member(23) => false,
            Key::Member(16 | 20) => return Err(SuitError::unsupported("severed commands")),
            Key::Member(member) => return Err(SuitError::unsupported(format!("the member {member}"))),
            Key::Payload(name) => {
                let twice = self.payloads.iter().any(|(other, _)| *other == name);
                self.payloads.push((name, part));
                twice
            }
        };
        if twice {
            return Err(reader.malformed());
        }
        (self.at, self.left) = (end, Some(left - 1));
        Ok(())
    }

    /// What was found.
    pub fn end(self) -> Result<Outline, SuitError> {
        if self.left != Some(0) || self.at != self.size {
            return Err(SuitError::Malformed { what: "the envelope" });
        }
        Ok(Outline {
            authentication: self
                .authentication
                .ok_or(SuitError::Lacks { what: "an authentication wrapper" })?,
            manifest: self.manifest.ok_or(SuitError::Lacks { what: "a manifest" })?,
            payloads: self.payloads,
        })
    }
}

enum Key {
    Member(u64),
    Payload(String),
}

fn passed(bytes: &[u8], reader: &Reader<'_>) -> u64 {
    (bytes.len() - reader.left()) as u64
}
