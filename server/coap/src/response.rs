//! Responses, as a caller sends or receives them: whole bodies, no Block options.

use crate::{Block, Code, Message, OptionNumber, Options};

/// A response; a notification is one too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The outcome.
    pub code: Code,
    /// The format of the payload.
    pub content_format: Option<u16>,
    /// The segments of Location-Path, at most 255 bytes each.
    pub location_path: Vec<String>,
    /// The sequence number of a notification, 24 bits (RFC 7641 §3.4).
    pub observe: Option<u32>,
    /// For how many seconds the response is fresh.
    pub max_age: Option<u32>,
    /// The ETag, one to eight bytes. Sent: a body that needs several blocks gets one if it has none.
    pub etag: Option<Vec<u8>>,
    /// Sent: what is said of the block that [`Request::block1`](crate::Request::block1) was, where that is not an echo. Received:
    /// what the peer says of the block that [`Request::part`](crate::Request::part) was.
    pub block1: Option<Block>,
    /// Received: which block the body is, where [`Request::block2`](crate::Request::block2) asked for one. Sent: nothing.
    pub block2: Option<Block>,
    /// The body, whole.
    pub payload: Vec<u8>,
}

impl Response {
    /// A response without options and payload.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            content_format: None,
            location_path: Vec::new(),
            observe: None,
            max_age: None,
            etag: None,
            block1: None,
            block2: None,
            payload: Vec::new(),
        }
    }

    /// The response with this payload.
    #[must_use]
    pub fn with_payload(mut self, content_format: u16, payload: impl Into<Vec<u8>>) -> Self {
        self.content_format = Some(content_format);
        self.payload = payload.into();
        self
    }

    pub(crate) fn from_message(message: &Message) -> Self {
        let options = &message.options;
        Self {
            code: message.code,
            content_format: options.uint(OptionNumber::CONTENT_FORMAT).map(|format| format as u16),
            location_path: options
                .all(OptionNumber::LOCATION_PATH)
                .map(|segment| String::from_utf8_lossy(segment).into_owned())
                .collect(),
            observe: options.uint(OptionNumber::OBSERVE),
            max_age: options.uint(OptionNumber::MAX_AGE),
            etag: options.get(OptionNumber::ETAG).map(<[u8]>::to_vec),
            block1: None,
            block2: None,
            payload: message.payload.clone(),
        }
    }

    /// The options, without those of a block-wise transfer.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::default();
        if let Some(etag) = &self.etag {
            options.push(OptionNumber::ETAG, etag.as_slice());
        }
        if let Some(number) = self.observe {
            // RFC 7641 §3.4: the number has 24 bits.
            options.push_uint(OptionNumber::OBSERVE, number & 0x00ff_ffff);
        }
        options.push_strings(OptionNumber::LOCATION_PATH, &self.location_path);
        if let Some(format) = self.content_format {
            options.push_uint(OptionNumber::CONTENT_FORMAT, u32::from(format));
        }
        if let Some(seconds) = self.max_age {
            options.push_uint(OptionNumber::MAX_AGE, seconds);
        }
        options
    }

    /// Whether an option is longer than RFC 7252 §5.10 allows.
    pub(crate) fn has_oversized_option(&self) -> bool {
        self.location_path.iter().any(|segment| segment.len() > 255)
            || self.etag.as_ref().is_some_and(|etag| !(1..=8).contains(&etag.len()))
    }
}
