//! What holds for every datagram.

use coap::Message;

/// What parses has one encoding, which is what was parsed.
pub(crate) fn round_trip(bytes: &[u8]) {
    if let Ok(message) = Message::parse(bytes) {
        assert_eq!(message.to_bytes().as_deref(), Ok(bytes), "{message:?}");
    }
}
