//! Messages: parsed with every check of RFC 7252 §3, and serialised.
//!
//! coap-lite does the packet format underneath and is named nowhere else.

use std::{collections::LinkedList, fmt};

use coap_lite::{CoapOption, MessageClass, MessageType, Packet, error::MessageError as PacketError};

use crate::{Code, OptionNumber, Options, Token};

/// A well-formed CoAP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The type of the message.
    pub kind: Kind,
    /// Method or outcome.
    pub code: Code,
    /// What matches a reply of the message layer, and shows a duplicate.
    pub id: MessageId,
    /// What matches a response to a request.
    pub token: Token,
    /// The options.
    pub options: Options,
    /// The payload; empty stands for none.
    pub payload: Vec<u8>,
}

impl Message {
    /// The length of the fixed header.
    pub const HEADER_LEN: usize = 4;

    /// A message without options or payload.
    pub fn new(kind: Kind, code: Code, id: MessageId, token: Token) -> Self {
        Self { kind, code, id, token, options: Options::default(), payload: Vec::new() }
    }

    /// An empty message: a ping, an acknowledgement or a reset.
    pub fn empty(kind: Kind, id: MessageId) -> Self {
        Self::new(kind, Code::EMPTY, id, Token::default())
    }

    /// The message these bytes hold.
    ///
    /// # Errors
    /// What RFC 7252 calls a message format error, and a version that is not ours.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        let [first, code, ..] = *bytes else { return Err(MessageError::Truncated) };
        let (kind, id) = peek(bytes).ok_or(MessageError::Truncated)?;
        let version = first >> 6;
        if version != 1 {
            return Err(MessageError::Version(version));
        }
        let token_len = usize::from(first & 0x0f);
        if token_len > Token::MAX_LEN || bytes.len() < Self::HEADER_LEN + token_len {
            return Err(MessageError::TokenLength(token_len));
        }
        let code = Code::from(code);
        // RFC 7252 §4.1: an empty message is its header.
        if code == Code::EMPTY && bytes.len() != Self::HEADER_LEN {
            return Err(MessageError::EmptyWithContent);
        }
        if !matches!((code.class(), kind), (0 | 2 | 4 | 5, _)) {
            return Err(MessageError::ReservedClass(code));
        }
        // RFC 7252 §4.2 and §4.3: a reset is empty, an acknowledgement is empty or carries a response.
        if kind == Kind::Reset && code != Code::EMPTY || kind == Kind::Acknowledgement && code.is_request() {
            return Err(MessageError::CodeOfKind { code, kind });
        }
        let packet = Packet::from_bytes(bytes).map_err(MessageError::from_packet)?;
        let token = Token::new(packet.get_token()).ok_or(MessageError::TokenLength(token_len))?;
        let mut options = Options::default();
        for (number, values) in packet.options() {
            for value in values {
                options.push(OptionNumber(*number), value.as_slice());
            }
        }
        // RFC 7252 §3: a marker followed by no payload is a message format error. Options have only one
        // encoding, so bytes that neither options nor payload account for are such a marker.
        if packet.payload.is_empty() && Self::HEADER_LEN + token_len + options.encoded_len() != bytes.len() {
            return Err(MessageError::MarkerWithoutPayload);
        }
        Ok(Self { kind, code, id, token, options, payload: packet.payload })
    }

    /// The bytes of the message.
    ///
    /// # Errors
    /// If an option is longer than the format can state.
    pub fn to_bytes(&self) -> Result<Vec<u8>, MessageError> {
        let mut packet = Packet::new();
        packet.header.set_version(1);
        packet.header.set_type(match self.kind {
            Kind::Confirmable => MessageType::Confirmable,
            Kind::NonConfirmable => MessageType::NonConfirmable,
            Kind::Acknowledgement => MessageType::Acknowledgement,
            Kind::Reset => MessageType::Reset,
        });
        packet.header.code = MessageClass::from(u8::from(self.code));
        packet.header.message_id = self.id.0;
        packet.set_token(self.token.as_bytes().to_vec());
        let mut values = LinkedList::new();
        let mut options = self.options.iter().peekable();
        while let Some((number, value)) = options.next() {
            if value.len() > Self::MAX_OPTION_LEN {
                return Err(MessageError::OptionTooLong { number, len: value.len() });
            }
            values.push_back(value.to_vec());
            if options.peek().is_none_or(|(next, _)| *next != number) {
                packet.set_option(CoapOption::from(number.0), std::mem::take(&mut values));
            }
        }
        packet.payload.clone_from(&self.payload);
        packet.to_bytes_unlimited().map_err(MessageError::from_packet)
    }

    /// The longest option that the format can state: RFC 7252 §3.1 adds 269 to 16 bits, coap-lite takes 16 in all.
    const MAX_OPTION_LEN: usize = u16::MAX as usize;
}

/// The type of a message (RFC 7252 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// CON: repeated until it is acknowledged.
    Confirmable,
    /// NON: sent once.
    NonConfirmable,
    /// ACK
    Acknowledgement,
    /// RST
    Reset,
}

/// The identifier of a message at the message layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u16);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Fewer than four bytes.
    #[error("the message is shorter than its header")]
    Truncated,
    /// Not version 1: such a message is silently ignored (RFC 7252 §3).
    #[error("version {0} of CoAP is unknown")]
    Version(u8),
    /// A token of more than eight bytes, or one that is cut off.
    #[error("a token length of {0} does not fit")]
    TokenLength(usize),
    /// Bytes after the header of an empty message.
    #[error("an empty message carries content")]
    EmptyWithContent,
    /// Class 1, 6 or 7.
    #[error("the class of code {0} is reserved")]
    ReservedClass(Code),
    /// A request in an acknowledgement, or anything in a reset.
    #[error("a message of type {kind:?} cannot carry code {code}")]
    CodeOfKind {
        /// The code.
        code: Code,
        /// The type.
        kind: Kind,
    },
    /// An option number above 65535, or a reserved delta.
    #[error("the delta of an option is malformed")]
    OptionDelta,
    /// An option that is cut off, or a reserved length.
    #[error("the length of an option is malformed")]
    OptionLength,
    /// A payload marker at the end.
    #[error("a payload marker is followed by no payload")]
    MarkerWithoutPayload,
    /// An option to be sent is too long.
    #[error("{number} has {len} bytes")]
    OptionTooLong {
        /// The option.
        number: OptionNumber,
        /// Its length.
        len: usize,
    },
}

impl MessageError {
    fn from_packet(error: PacketError) -> Self {
        match error {
            PacketError::InvalidOptionDelta => Self::OptionDelta,
            PacketError::InvalidOptionLength => Self::OptionLength,
            PacketError::InvalidTokenLength => Self::TokenLength(usize::from(u8::MAX)),
            PacketError::InvalidHeader | PacketError::InvalidPacketLength => Self::Truncated,
        }
    }
}

/// Type and id of a message whose rest may be malformed, so that it can be reset.
pub(crate) fn peek(bytes: &[u8]) -> Option<(Kind, MessageId)> {
    let [first, _, high, low, ..] = *bytes else { return None };
    let kind = match first >> 4 & 0x03 {
        0 => Kind::Confirmable,
        1 => Kind::NonConfirmable,
        2 => Kind::Acknowledgement,
        _ => Kind::Reset,
    };
    Some((kind, MessageId(u16::from_be_bytes([high, low]))))
}
