//! Bodies that need several blocks (RFC 7959).

use std::time::Duration;

use coap::{
    Block, BlockError, BlockSize, Bounds, Code, Config, Event, Failure, Kind, Message, MessageId, Method,
    OptionNumber, Request, Response, SendError, Token,
};

use crate::link::{A, B, Link, MINUTES, World, body};

const LARGE: usize = 100 * 1024 + 7;

fn put(payload: Vec<u8>) -> Request {
    Request { content_format: Some(42), payload, ..Request::new(Method::Put, "5/0/0") }
}

fn get() -> Request {
    Request::new(Method::Get, "19/0/0")
}

fn sized(block_size: BlockSize) -> Config {
    Config { block_size, ..Config::default() }
}

fn bounded(bounds: Bounds) -> Config {
    Config { bounds, ..Config::default() }
}

#[test]
fn a_large_request_body_arrives_whole_and_once() {
    let mut world = World::perfect();
    world.request(A, B, put(body(LARGE, 1)));
    let (exchange, request) = world.expect_request();
    assert_eq!(request.payload, body(LARGE, 1));
    assert_eq!(request.content_format, Some(42));
    world.respond(B, exchange, Response::new(Code::CHANGED));
    assert_eq!(world.expect_response().code, Code::CHANGED);
    let blocks = world.take_sent(A);
    assert_eq!(blocks.len(), 101);
    assert_eq!(blocks[0].options.uint(OptionNumber::SIZE1), Some(LARGE as u32));
    assert!(world.take_sent(B)[..100].iter().all(|message| message.code == Code::CONTINUE));
    world.assert_quiescence();
}

#[test]
fn a_large_response_body_arrives_whole() {
    let mut world = World::perfect();
    world.request(A, B, get());
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(42, body(LARGE, 2)));
    let response = world.expect_response();
    assert_eq!((response.payload, response.content_format), (body(LARGE, 2), Some(42)));
    assert!(response.etag.is_some(), "blocks are told apart by an ETag");
    world.assert_quiescence();
}

#[test]
fn a_large_request_can_have_a_large_response() {
    for (a, b) in [(BlockSize::B1024, BlockSize::B64), (BlockSize::B32, BlockSize::B512)] {
        for method in [Method::Post, Method::Fetch] {
            let mut world = World::with(1, Link::PERFECT, sized(a), sized(b));
            world.request(A, B, Request { payload: body(3000, 3), ..Request::new(method, "x") });
            let (exchange, request) = world.expect_request();
            assert_eq!(request.payload, body(3000, 3));
            world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(42, body(5000, 4)));
            assert_eq!(world.expect_response().payload, body(5000, 4));
            assert!(world.events.is_empty(), "later blocks are no new requests");
            world.assert_quiescence();
        }
    }
}

#[test]
fn a_small_fetch_with_a_large_response_is_asked_once() {
    let mut world = World::perfect();
    world.request(A, B, Request { payload: b"paths".into(), ..Request::new(Method::Fetch, "") });
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(112, body(3000, 4)));
    assert_eq!(world.expect_response().payload, body(3000, 4));
    assert!(world.take_sent(A).iter().all(|message| message.payload == b"paths"));
}

#[test]
fn two_fetches_of_one_resource_that_ask_for_different_things_are_not_mixed() {
    let config = Config { block_size: BlockSize::B64, ..Config::default() };
    let transmission = coap::Transmission { nstart: 2, ..coap::Transmission::default() };
    let concurrent = Config { transmission, ..Config::default() };
    let mut world = World::with(1, Link::PERFECT, concurrent, config);
    let fetch = |what: &[u8]| Request { payload: what.to_vec(), ..Request::new(Method::Fetch, "") };
    world.request(A, B, fetch(b"one"));
    world.request(A, B, fetch(b"two"));
    let mut answers = Vec::new();
    while answers.len() < 2 {
        match world.next_event(MINUTES) {
            Some((B, Event::Request { exchange, request, .. })) => {
                let seed = request.payload[0].into();
                world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(112, body(300, seed)));
            }
            Some((A, Event::Response { outcome, .. })) => answers.push(outcome.unwrap().payload),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answers, [body(300, b'o'.into()), body(300, b't'.into())]);
}

#[test]
fn a_smaller_block_size_is_asked_for_from_the_start() {
    let mut world = World::perfect();
    world.request(A, B, Request { block_size: Some(BlockSize::B64), ..get() });
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(0, body(200, 5)));
    assert_eq!(world.expect_response().payload, body(200, 5));
    assert!(world.take_sent(B).iter().all(|message| message.payload.len() <= 64));
}

#[test]
fn a_receiver_with_smaller_blocks_gets_them_from_the_second_on() {
    let mut world = World::with(1, Link::PERFECT, sized(BlockSize::B128), sized(BlockSize::B32));
    world.request(A, B, put(body(300, 6)));
    let (exchange, request) = world.expect_request();
    assert_eq!(request.payload, body(300, 6));
    world.respond(B, exchange, Response::new(Code::CHANGED));
    world.expect_response();
    // RFC 7959 §3.2, figure 8: 0/1/128, then 4/1/32.
    let blocks: Vec<u32> =
        world.take_sent(A).iter().filter_map(|message| message.options.uint(OptionNumber::BLOCK1)).collect();
    let [first, second] = [block(0, true, BlockSize::B128), block(4, true, BlockSize::B32)];
    assert_eq!(blocks[..3], [first, second, block(5, true, BlockSize::B32)]);
}

/// Answers the request of ours that has just left, by hand.
fn reply(world: &mut World, code: Code, options: &[(OptionNumber, u32)], payload: &[u8]) {
    let asked = world.take_sent(A).pop().expect("a request has left");
    let mut message = Message::new(Kind::Acknowledgement, code, asked.id, asked.token);
    for (number, value) in options {
        message.options.push_uint(*number, *value);
    }
    message.payload = payload.to_vec();
    world.inject(B, A, &message.to_bytes().unwrap());
}

fn block(number: u32, more: bool, size: BlockSize) -> u32 {
    Block { number, more, size }.to_uint()
}

fn last_sent(world: &World) -> Message {
    Message::parse(&world.sent.last().unwrap().3).unwrap()
}

#[test]
fn a_4_13_with_a_smaller_size_starts_the_body_anew() {
    let mut world = World::perfect();
    world.request(A, B, put(body(2000, 7)));
    let hint = [(OptionNumber::BLOCK1, block(0, false, BlockSize::B64))];
    reply(&mut world, Code::REQUEST_ENTITY_TOO_LARGE, &hint, &[]);
    let again = last_sent(&world);
    assert_eq!(again.options.uint(OptionNumber::BLOCK1), Some(block(0, true, BlockSize::B64)));
    assert_eq!(again.payload, body(2000, 7)[..64]);
}

#[test]
fn a_4_13_with_a_smaller_size_makes_a_whole_body_go_in_blocks() {
    let mut world = World::perfect();
    world.request(A, B, put(body(200, 7)));
    assert_eq!(last_sent(&world).options.uint(OptionNumber::BLOCK1), None);
    let hint = [(OptionNumber::BLOCK1, block(0, false, BlockSize::B128))];
    reply(&mut world, Code::REQUEST_ENTITY_TOO_LARGE, &hint, &[]);
    assert_eq!(last_sent(&world).payload.len(), 128);
    // The same hint once more is the answer: it asks for nothing new.
    reply(&mut world, Code::REQUEST_ENTITY_TOO_LARGE, &hint, &[]);
    assert_eq!(world.expect_response().code, Code::REQUEST_ENTITY_TOO_LARGE);
}

#[test]
fn an_error_in_the_middle_of_an_upload_is_the_response() {
    let mut world = World::perfect();
    world.request(A, B, put(body(5000, 7)));
    reply(&mut world, Code::CONTINUE, &[(OptionNumber::BLOCK1, block(0, true, BlockSize::B1024))], &[]);
    reply(&mut world, Code::REQUEST_ENTITY_INCOMPLETE, &[], &[]);
    assert_eq!(world.expect_response().code, Code::REQUEST_ENTITY_INCOMPLETE);
    assert_eq!(world.at(A).usage().outgoing, 0);
}

#[test]
fn blocks_of_two_representations_are_never_mixed() {
    for changed in ["etag", "code"] {
        let mut world = World::perfect();
        world.request(A, B, get());
        let first = block(0, true, BlockSize::B16);
        reply(
            &mut world,
            Code::CONTENT,
            &[(OptionNumber::ETAG, 0x0101), (OptionNumber::BLOCK2, first)],
            &[1; 16],
        );
        assert_eq!(
            last_sent(&world).options.uint(OptionNumber::BLOCK2),
            Some(block(1, false, BlockSize::B16))
        );
        let (code, etag) = if changed == "etag" { (Code::CONTENT, 0x0102) } else { (Code::CHANGED, 0x0101) };
        let last = block(1, false, BlockSize::B16);
        reply(&mut world, code, &[(OptionNumber::ETAG, etag), (OptionNumber::BLOCK2, last)], &[2; 4]);
        assert_eq!(world.expect_outcome().2, Err(Failure::BlockTransfer(BlockError::Changed)));
        world.assert_quiescence();
    }
}

#[test]
fn a_response_in_odd_blocks_fails_and_leaves_nothing() {
    let (size, reserved) = (BlockSize::B16, 7);
    for (value, len, error) in [
        (reserved, 16, BlockError::ReservedSize),
        (block(1, true, size), 16, BlockError::Gap { offset: 16, expected: 0 }),
        (block(0, true, size), 15, BlockError::Length { size: 16, len: 15 }),
        (block(0, true, size), 17, BlockError::Length { size: 16, len: 17 }),
        (
            block(Block::MAX_NUMBER, false, BlockSize::B1024),
            1,
            BlockError::Gap { offset: (1 << 30) - 1024, expected: 0 },
        ),
    ] {
        let mut world = World::perfect();
        world.request(A, B, get());
        reply(&mut world, Code::CONTENT, &[(OptionNumber::BLOCK2, value)], &vec![0; len]);
        assert_eq!(world.expect_outcome().2, Err(Failure::BlockTransfer(error)));
        world.assert_quiescence();
    }
}

#[test]
fn a_size_may_change_in_the_middle_of_a_response() {
    let mut world = World::perfect();
    world.request(A, B, get());
    let whole = body(100, 8);
    let blocks = [(0, 0..64, BlockSize::B64), (4, 64..80, BlockSize::B16), (5, 80..96, BlockSize::B16)];
    for (number, range, size) in blocks {
        let value = block(number, true, size);
        reply(&mut world, Code::CONTENT, &[(OptionNumber::BLOCK2, value)], &whole[range]);
    }
    assert_eq!(last_sent(&world).options.uint(OptionNumber::BLOCK2), Some(block(6, false, BlockSize::B16)));
    let last = block(6, false, BlockSize::B16);
    reply(&mut world, Code::CONTENT, &[(OptionNumber::BLOCK2, last)], &whole[96..]);
    assert_eq!(world.expect_response().payload, whole);
}

#[test]
fn a_response_beyond_the_bound_is_given_up_at_the_first_block_if_it_says_so() {
    let bounds = Bounds { body_bytes: 1000, ..Bounds::default() };
    let mut world = World::with(1, Link::PERFECT, bounded(bounds), Config::default());
    world.request(A, B, Request { block_size: Some(BlockSize::B64), ..get() });
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(42, body(1001, 9)));
    assert_eq!(world.expect_outcome().2, Err(Failure::TooLarge { max: 1000 }));
    assert_eq!(world.take_sent(A).len(), 1);
    assert_eq!(world.at(A).counters().body_bytes, 1);
    world.assert_quiescence();
}

#[test]
fn a_request_body_beyond_the_bound_meets_4_13_with_the_size_that_is_taken() {
    let bounds = Bounds { body_bytes: 2000, ..Bounds::default() };
    let mut world = World::with(1, Link::PERFECT, Config::default(), bounded(bounds));
    world.request(A, B, put(body(2001, 9)));
    assert_eq!(world.expect_response().code, Code::REQUEST_ENTITY_TOO_LARGE);
    let answer = world.take_sent(B).pop().unwrap();
    assert_eq!(answer.options.uint(OptionNumber::SIZE1), Some(2000));
    world.assert_quiescence();
}

#[test]
fn a_body_beyond_the_bound_is_not_even_sent() {
    let mut world = World::perfect();
    let len = (1 << 20) + 1;
    let refused = world.call(A, |endpoint, now| endpoint.send_request(now, B, put(body(len, 1))));
    assert_eq!(refused, Err(SendError::BodyTooLarge { len }));
}

/// A request of a peer, by hand.
fn upload(world: &mut World, id: u16, value: u32, payload: &[u8]) -> Option<Message> {
    let mut message = Message::new(
        Kind::Confirmable,
        Method::Post.into(),
        MessageId(id),
        Token::new(&id.to_be_bytes()).unwrap(),
    );
    message.options.push(OptionNumber::URI_PATH, *b"dp");
    message.options.push_uint(OptionNumber::BLOCK1, value);
    message.payload = payload.to_vec();
    world.inject(A, B, &message.to_bytes().unwrap());
    world.take_sent(B).pop()
}

#[test]
fn a_gap_in_a_request_body_meets_4_08_and_ends_the_transfer() {
    let mut world = World::perfect();
    let size = BlockSize::B16;
    assert_eq!(upload(&mut world, 1, block(0, true, size), &[1; 16]).unwrap().code, Code::CONTINUE);
    assert_eq!(
        upload(&mut world, 2, block(2, true, size), &[1; 16]).unwrap().code,
        Code::REQUEST_ENTITY_INCOMPLETE
    );
    assert_eq!(
        upload(&mut world, 3, block(1, false, size), &[1; 16]).unwrap().code,
        Code::REQUEST_ENTITY_INCOMPLETE
    );
    assert_eq!(
        upload(&mut world, 4, block(Block::MAX_NUMBER, false, BlockSize::B1024), &[1]).unwrap().code,
        Code::REQUEST_ENTITY_INCOMPLETE
    );
    assert!(world.events.is_empty());
    assert_eq!(world.at(B).usage().transfers, 0);
    assert_eq!(world.at(B).counters().blocks_refused, 3);
}

#[test]
fn a_reserved_size_and_an_odd_length_meet_4_00() {
    let mut world = World::perfect();
    assert_eq!(upload(&mut world, 1, 7, &[1; 16]).unwrap().code, Code::BAD_REQUEST);
    let value = block(0, true, BlockSize::B16);
    assert_eq!(upload(&mut world, 2, value, &[1; 15]).unwrap().code, Code::BAD_REQUEST);
    let value = block(0, false, BlockSize::B16);
    assert_eq!(upload(&mut world, 3, value, &[1; 17]).unwrap().code, Code::BAD_REQUEST);
}

#[test]
fn a_first_block_starts_the_body_anew() {
    let mut world = World::perfect();
    let size = BlockSize::B16;
    upload(&mut world, 1, block(0, true, size), &[1; 16]);
    upload(&mut world, 2, block(0, true, size), &[2; 16]);
    upload(&mut world, 3, block(1, false, size), &[3; 2]);
    let (_, request) = world.expect_request();
    assert_eq!(request.payload, [[2; 16].as_slice(), &[3; 2]].concat());
}

#[test]
fn the_last_block_can_come_again_when_the_caller_has_dropped_the_exchange() {
    let mut world = World::perfect();
    let size = BlockSize::B16;
    upload(&mut world, 1, block(0, true, size), &[1; 16]);
    assert_eq!(upload(&mut world, 2, block(1, false, size), &[2; 2]), None);
    let (exchange, first) = world.expect_request();
    world.call(B, |endpoint, now| endpoint.drop_exchange(now, exchange));
    assert_eq!(upload(&mut world, 2, block(1, false, size), &[2; 2]), None);
    let (exchange, second) = world.expect_request();
    assert_eq!(first, second);
    world.respond(B, exchange, Response::new(Code::CHANGED));
    let answer = upload(&mut world, 2, block(1, false, size), &[2; 2]).unwrap();
    assert_eq!(answer.options.uint(OptionNumber::BLOCK1), Some(block(1, false, size)));
    assert_eq!(world.at(B).usage().transfers, 0);
}

#[test]
fn a_body_whose_sender_vanishes_is_forgotten() {
    let mut world = World::perfect();
    upload(&mut world, 1, block(0, true, BlockSize::B1024), &[1; 1024]);
    assert!(world.at(B).usage().block_bytes > 1024);
    world.run(Duration::from_secs(248));
    assert_eq!(world.at(B).usage().transfers, 0);
    assert_eq!(world.at(B).counters().block_idle_timeout, 1);
    world.assert_quiescence();
}

#[test]
fn bodies_of_one_peer_are_bounded() {
    let bounds = Bounds { block_bytes_per_peer: 40, ..Bounds::default() };
    let mut world = World::with(1, Link::PERFECT, Config::default(), bounded(bounds));
    let size = BlockSize::B16;
    assert_eq!(upload(&mut world, 1, block(0, true, size), &[1; 16]).unwrap().code, Code::CONTINUE);
    assert_eq!(upload(&mut world, 2, block(1, true, size), &[1; 16]).unwrap().code, Code::CONTINUE);
    assert_eq!(
        upload(&mut world, 3, block(2, true, size), &[1; 16]).unwrap().code,
        Code::SERVICE_UNAVAILABLE
    );
    assert_eq!(world.at(B).usage().block_bytes, 0);
    assert_eq!(world.at(B).counters().block_bytes_per_peer, 1);
}

#[test]
fn a_body_being_fetched_counts_towards_the_bound_of_its_peer() {
    let bounds = Bounds { block_bytes_per_peer: 3000, ..Bounds::default() };
    let mut world = World::with(1, Link::PERFECT, bounded(bounds), Config::default());
    world.request(A, B, get());
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(42, body(5000, 9)));
    assert_eq!(world.expect_outcome().2, Err(Failure::BlockTransfer(BlockError::NoMemory)));
    world.assert_quiescence();
}

#[test]
fn a_block_of_a_resource_is_read_on_its_own() {
    let mut world = World::perfect();
    let mut message =
        Message::new(Kind::Confirmable, Method::Get.into(), MessageId(7), Token::new(&[9]).unwrap());
    message.options.push(OptionNumber::URI_PATH, *b"x");
    message.options.push_uint(OptionNumber::BLOCK2, block(2, false, BlockSize::B16));
    world.inject(A, B, &message.to_bytes().unwrap());
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(42, (0..40).collect::<Vec<u8>>()));
    let answer = world.take_sent(B).pop().unwrap();
    assert_eq!(answer.payload, (32..40).collect::<Vec<u8>>());
    assert_eq!(answer.options.uint(OptionNumber::BLOCK2), Some(block(2, false, BlockSize::B16)));
}

#[test]
fn an_address_that_may_be_forged_gets_small_blocks() {
    let mut world = World::perfect();
    world.request(A, B, get());
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(42, body(500, 9)));
    assert_eq!(world.expect_response().payload, body(500, 9));
    assert!(world.sent.iter().all(|(_, from, _, bytes)| *from == A || bytes.len() <= 136));
}
