//! Messages from the examples of the RFCs, byte by byte, and the round trip of all others.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use coap::{Block, BlockSize, Code, Kind, Message, MessageError, MessageId, Method, OptionNumber, Token};
use hex_literal::hex;
use proptest::prelude::*;

fn message(kind: Kind, code: Code, id: u16, token: &[u8]) -> Message {
    Message::new(kind, code, MessageId(id), Token::new(token).unwrap())
}

fn assert_vector(message: &Message, bytes: &[u8]) {
    assert_eq!(Message::parse(bytes).as_ref(), Ok(message));
    assert_eq!(message.to_bytes().unwrap(), bytes);
}

#[test]
fn rfc_7252_figure_16_a_confirmable_request_and_its_piggybacked_response() {
    let mut request = message(Kind::Confirmable, Method::Get.into(), 0x7d34, &[]);
    request.options.push(OptionNumber::URI_PATH, *b"temperature");
    assert_vector(&request, &hex!("40 01 7d34 bb 74656d7065726174757265"));
    let mut response = message(Kind::Acknowledgement, Code::CONTENT, 0x7d34, &[]);
    response.payload = b"22.3 C".into();
    assert_vector(&response, &hex!("60 45 7d34 ff 32322e332043"));
}

#[test]
fn rfc_7252_figure_17_a_request_with_a_token() {
    let mut request = message(Kind::Confirmable, Method::Get.into(), 0x7d35, &[0x20]);
    request.options.push(OptionNumber::URI_PATH, *b"temperature");
    assert_vector(&request, &hex!("41 01 7d35 20 bb 74656d7065726174757265"));
    let mut response = message(Kind::Acknowledgement, Code::CONTENT, 0x7d35, &[0x20]);
    response.payload = b"22.3 C".into();
    assert_vector(&response, &hex!("61 45 7d35 20 ff 32322e332043"));
}

#[test]
fn rfc_7252_figures_20_and_22_separate_and_non_confirmable_messages() {
    assert_vector(&Message::empty(Kind::Acknowledgement, MessageId(0x7d38)), &hex!("60 00 7d38"));
    assert_vector(&Message::empty(Kind::Reset, MessageId(0x7d38)), &hex!("70 00 7d38"));
    let mut response = message(Kind::Confirmable, Code::CONTENT, 0xad7b, &[0x53]);
    response.payload = b"22.3 C".into();
    assert_vector(&response, &hex!("41 45 ad7b 53 ff 32322e332043"));
    let mut request = message(Kind::NonConfirmable, Method::Get.into(), 0x7d40, &[0x75]);
    request.options.push(OptionNumber::URI_PATH, *b"temperature");
    assert_vector(&request, &hex!("51 01 7d40 75 bb 74656d7065726174757265"));
}

#[test]
fn rfc_7641_figure_2_a_registration_and_a_notification() {
    let mut request = message(Kind::Confirmable, Method::Get.into(), 1, &[0x4a]);
    request.options.push_uint(OptionNumber::OBSERVE, 0);
    request.options.push(OptionNumber::URI_PATH, *b"temperature");
    assert_vector(&request, &hex!("41 01 0001 4a 60 5b 74656d7065726174757265"));
    let mut notification = message(Kind::NonConfirmable, Code::CONTENT, 2, &[0x4a]);
    notification.options.push_uint(OptionNumber::OBSERVE, 12);
    notification.options.push_uint(OptionNumber::MAX_AGE, 15);
    notification.payload = b"18.5 Cel".into();
    assert_vector(&notification, &hex!("51 45 0002 4a 61 0c 81 0f ff 31382e352043656c"));
}

#[test]
fn rfc_7959_figure_2_blocks_of_a_response() {
    let mut request = message(Kind::Confirmable, Method::Get.into(), 1234, &[]);
    request.options.push(OptionNumber::URI_PATH, *b"status");
    let mut response = message(Kind::Acknowledgement, Code::CONTENT, 1234, &[]);
    let block = Block { number: 0, more: true, size: BlockSize::B128 };
    response.options.push_uint(OptionNumber::BLOCK2, block.to_uint());
    response.payload = vec![b'x'; 3];
    assert_vector(&request, &hex!("40 01 04d2 b6 737461747573"));
    assert_vector(&response, &hex!("60 45 04d2 d1 0a 0b ff 787878"));
}

#[test]
fn lengths_and_deltas_are_extended_where_they_must() {
    for len in [0, 12, 13, 268, 269, 1000, 65535] {
        for number in [0, 12, 13, 268, 269, 65535] {
            let mut long = message(Kind::Confirmable, Method::Get.into(), 1, &[]);
            long.options.push(OptionNumber(number), vec![0xff; len]);
            assert_eq!(Message::parse(&long.to_bytes().unwrap()), Ok(long));
        }
    }
    let mut longer = message(Kind::Confirmable, Method::Get.into(), 1, &[]);
    longer.options.push(OptionNumber(1), vec![0; 65536]);
    assert_eq!(longer.to_bytes(), Err(MessageError::OptionTooLong { number: OptionNumber(1), len: 65536 }));
}

#[test]
fn format_errors_are_told_apart() {
    for (bytes, error) in [
        (&hex!("40 01 12")[..], MessageError::Truncated),
        (&hex!("00 01 1234"), MessageError::Version(0)),
        (&hex!("c0 01 1234"), MessageError::Version(3)),
        (&hex!("49 01 1234 010203040506070809"), MessageError::TokenLength(9)),
        (&hex!("42 01 1234 01"), MessageError::TokenLength(2)),
        (&hex!("40 00 1234 ff"), MessageError::EmptyWithContent),
        (&hex!("40 e1 1234"), MessageError::ReservedClass(Code::new(7, 1))),
        (
            &hex!("60 01 1234"),
            MessageError::CodeOfKind { code: Code::new(0, 1), kind: Kind::Acknowledgement },
        ),
        (&hex!("70 45 1234"), MessageError::CodeOfKind { code: Code::CONTENT, kind: Kind::Reset }),
        (&hex!("40 01 1234 f1 00"), MessageError::OptionDelta),
        (&hex!("40 01 1234 e0 ffff"), MessageError::OptionDelta),
        (&hex!("40 01 1234 e0 fef2 10"), MessageError::OptionDelta),
        (&hex!("40 01 1234 0f 00"), MessageError::OptionLength),
        (&hex!("40 01 1234 0e 00"), MessageError::OptionLength),
        (&hex!("40 01 1234 d0"), MessageError::OptionLength),
        (&hex!("40 01 1234 02 61"), MessageError::OptionLength),
        (&hex!("40 01 1234 b1 ff ff"), MessageError::MarkerWithoutPayload),
    ] {
        assert_eq!(Message::parse(bytes), Err(error), "{bytes:02x?}");
    }
    // An option that ends in the byte of the marker is no marker.
    assert!(Message::parse(&hex!("40 01 1234 b1 ff")).is_ok());
}

prop_compose! {
    fn any_message()(
        kind in prop::sample::select(vec![Kind::Confirmable, Kind::NonConfirmable]),
        code in prop::sample::select(vec![0x01_u8, 0x07, 0x1f, 0x41, 0x45, 0x5f, 0x84, 0xa3]),
        id: u16,
        token in prop::collection::vec(any::<u8>(), 0..=8),
        options in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8),
        payload in prop::collection::vec(any::<u8>(), 0..100),
    ) -> Message {
        let mut message = message(kind, code.into(), id, &token);
        for (number, value) in options {
            message.options.push(OptionNumber(number), value);
        }
        message.payload = payload;
        message
    }
}

proptest! {
    #[test]
    fn a_message_survives_its_bytes(message in any_message()) {
        prop_assert_eq!(Message::parse(&message.to_bytes().unwrap()), Ok(message));
    }

    #[test]
    fn a_message_that_is_cut_off_never_panics(message in any_message(), cut: prop::sample::Index) {
        let bytes = message.to_bytes().unwrap();
        let _ = Message::parse(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn a_block_survives_its_option(number in 0..=Block::MAX_NUMBER, more: bool, exponent in 0..=6_u8) {
        let block = Block { number, more, size: BlockSize::from_exponent(exponent).unwrap() };
        prop_assert_eq!(Block::from_uint(block.to_uint()), Some(block));
        prop_assert_eq!(Block::at(block.offset(), more, block.size), Some(block));
    }
}
