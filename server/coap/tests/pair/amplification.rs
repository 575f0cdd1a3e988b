//! What an address gets that may be forged (RFC 7252 §11.3, RFC 9175 §2.4).

use std::time::Duration;

use coap::{Code, Method, Request, Response};

use crate::link::{A, B, World};

/// `POST /rd` with a token of one byte.
const SMALL: [u8; 8] = [0x41, 0x02, 0x00, 0x01, 0x07, 0xb2, b'r', b'd'];

/// What the server sends an address that has sent `request` and is answered so.
fn answer_to(world: &mut World, request: &[u8], response: Response) -> Vec<u8> {
    world.inject(B, A, request);
    let (exchange, _) = world.expect_request();
    world.respond(A, exchange, response);
    world.sent.pop().unwrap().3
}

#[test]
fn words_of_an_error_are_cut_for_who_has_not_answered_yet() {
    let words = "ärger mit dem Endpunkt, und zwar mehr als hier hinpasst";
    let error = || Response { payload: words.into(), ..Response::new(Code::BAD_REQUEST) };
    let mut world = World::perfect();
    let answer = answer_to(&mut world, &SMALL, error());
    assert!(answer.len() <= 3 * SMALL.len(), "{}", answer.len());
    let said = coap::Message::parse(&answer).unwrap().payload;
    assert!(!said.is_empty() && words.starts_with(std::str::from_utf8(&said).unwrap()));
    // Once a token of the server's has come back, it is told all.
    world.endpoints.retain(|address, _| *address == A);
    let asked = world.request(A, B, Request::new(Method::Get, "3/0/16"));
    let token = coap::Message::parse(&world.sent.last().unwrap().3).unwrap();
    let mut reply = coap::Message::new(coap::Kind::Acknowledgement, Code::NOT_FOUND, token.id, token.token);
    reply.payload = b"no".into();
    world.inject(B, A, &reply.to_bytes().unwrap());
    assert_eq!(world.expect_outcome().0, asked);
    let again = [0x41, 0x02, 0x00, 0x02, 0x08, 0xb2, b'r', b'd'];
    assert!(answer_to(&mut world, &again, error()).ends_with(b"hinpasst"));
}

#[test]
fn whatever_an_unknown_address_sends_it_gets_three_times_as_much_at_most() {
    let mut heads = vec![SMALL.to_vec()];
    for kind in 0..4_u8 {
        for code in [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x1f, 0x40, 0x45, 0x84, 0xa0, 0xff] {
            heads.push(vec![0x40 | kind << 4 | 1, code, 0, 1, 7]);
        }
    }
    let tails: [&[u8]; 9] = [
        b"",
        &[0xb2, b'r', b'd'],
        // Payload marker without payload, and with.
        &[0xff],
        &[0xb2, b'r', b'd', 0xff, b'x'],
        // Block1 0/1/16 and a reserved size; Block2 5/0/16.
        &[0xd1, 0x0e, 0x08, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        &[0xd1, 0x0e, 0x07, 0xff, 1],
        &[0xd1, 0x0a, 0x50],
        // A critical option that nobody knows; an option that ends too early.
        &[0xd1, 0xf0, 0x00],
        &[0xbd],
    ];
    for (head, tail) in heads.iter().flat_map(|head| tails.iter().map(move |tail| (head, tail))) {
        let mut world = World::perfect();
        world.endpoints.retain(|address, _| *address == A);
        let (bytes, mut received) = ([head.as_slice(), tail].concat(), 0);
        // Three times at once, and again a while later.
        for _ in 0..3 {
            world.inject(B, A, &bytes);
            received += bytes.len();
        }
        while let Some((_, event)) = world.next_event(Duration::from_secs(2)) {
            if let coap::Event::Request { exchange, .. } = event {
                let words = Response { payload: vec![b'w'; 200], ..Response::new(Code::NOT_FOUND) };
                world.respond(A, exchange, words);
            }
        }
        world.run(Duration::from_secs(60));
        world.inject(B, A, &bytes);
        received += bytes.len();
        world.run(Duration::from_secs(60));
        let sent: usize = world.sent.iter().map(|(.., bytes)| bytes.len()).sum();
        assert!(sent <= 3 * received, "{bytes:02x?}: {sent} for {received}");
        assert!(world.sent.iter().all(|(.., bytes)| bytes.len() <= 136));
    }
}
