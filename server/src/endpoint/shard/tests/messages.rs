//! Messages as devices send them, to be sent again.

/// A Deregister.
pub(super) fn deregister(location: &str) -> Vec<u8> {
    let segments = location.split('/').filter(|segment| !segment.is_empty());
    request(coap::Method::Delete, segments).to_bytes().unwrap()
}

/// A Send of one value.
pub(super) fn sending() -> Vec<u8> {
    sending_of(110, br#"[{"n":"/3303/0/5700","v":31.5}]"#)
}

/// A Send of this.
pub(super) fn sending_of(format: u32, payload: &[u8]) -> Vec<u8> {
    let mut message = request(coap::Method::Post, ["dp"]);
    message.options.push_uint(coap::OptionNumber::CONTENT_FORMAT, format);
    message.payload = payload.to_vec();
    message.to_bytes().unwrap()
}

/// A notification of a value as text.
pub(super) fn notifying(token: coap::Token, id: u16, number: u32, value: &str) -> Vec<u8> {
    notifying_of((token, id, number), 0, value.as_bytes())
}

/// A notification of this.
pub(super) fn notifying_of(
    (token, id, number): (coap::Token, u16, u32),
    format: u32,
    payload: &[u8],
) -> Vec<u8> {
    let (kind, id) = (coap::Kind::Confirmable, coap::MessageId(id));
    let mut message = coap::Message::new(kind, coap::Code::CONTENT, id, token);
    message.options.push_uint(coap::OptionNumber::OBSERVE, number);
    message.options.push_uint(coap::OptionNumber::CONTENT_FORMAT, format);
    message.payload = payload.to_vec();
    message.to_bytes().unwrap()
}

fn request<'a>(method: coap::Method, path: impl IntoIterator<Item = &'a str>) -> coap::Message {
    let (id, token) = (coap::MessageId(0x7000), coap::Token::default());
    let mut message = coap::Message::new(coap::Kind::Confirmable, method.into(), id, token);
    for segment in path {
        message.options.push(coap::OptionNumber::URI_PATH, segment);
    }
    message
}
