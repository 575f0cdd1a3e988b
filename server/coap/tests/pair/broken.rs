//! Block-wise transfers that are broken off, and what is still under way of them (RFC 9175 §3).

use std::time::Duration;

use coap::{BlockSize, Code, Config, Method, OptionNumber, Request, Response};

use crate::link::{A, B, Link, World, body};

fn put(salt: u64) -> Request {
    Request { payload: body(100, salt), ..Request::new(Method::Put, "5/0/0") }
}

fn small_blocks() -> World {
    let config = Config { block_size: BlockSize::B64, ..Config::default() };
    World::with(1, Link::PERFECT, config, Config::default())
}

#[test]
fn late_blocks_of_a_broken_body_do_not_get_into_the_next() {
    let mut world = small_blocks();
    world.drop = |_, count| count == 1;
    let broken = world.request(A, B, put(1));
    let (.., late) = world.sent[0].clone();
    world.call(A, |endpoint, now| endpoint.cancel_request(now, broken));
    assert!(world.expect_outcome().2.is_err());
    world.request(A, B, put(2));
    // The first block of the new body has arrived when the one of the old body does.
    world.run(Duration::from_millis(15));
    world.inject(A, B, &late);
    let (exchange, request) = world.expect_request();
    assert_eq!(request.payload, body(100, 2));
    world.respond(B, exchange, Response::new(Code::CHANGED));
    world.expect_response();
    world.assert_quiescence();
}

#[test]
fn only_a_body_after_a_broken_one_is_marked() {
    let tags = |world: &mut World| -> Vec<Option<u32>> {
        let sent = world.take_sent(A);
        sent.iter().map(|message| message.options.uint(OptionNumber::REQUEST_TAG)).collect()
    };
    let mut world = small_blocks();
    let broken = world.request(A, B, put(1));
    assert_eq!(tags(&mut world), [None]);
    world.call(A, |endpoint, now| endpoint.cancel_request(now, broken));
    world.events.clear();
    world.request(A, B, put(2));
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CHANGED));
    world.expect_response();
    assert_eq!(tags(&mut world), [Some(1), Some(1)]);
    // Once nothing of it can be under way any more the mark is not needed.
    world.run(Duration::from_secs(600));
    world.request(A, B, put(3));
    assert_eq!(tags(&mut world), [None]);
}

#[test]
fn the_next_body_after_a_refused_one_is_marked_too() {
    let mut world = small_blocks();
    for _ in 0..2 {
        world.request(A, B, put(1));
        let (exchange, _) = world.expect_request();
        world.respond(B, exchange, Response::new(Code::BAD_REQUEST));
        assert_eq!(world.expect_response().code, Code::BAD_REQUEST);
    }
    let tags: Vec<Option<u32>> =
        world.take_sent(A).iter().map(|message| message.options.uint(OptionNumber::REQUEST_TAG)).collect();
    assert_eq!(tags, [None, None, Some(1), Some(1)]);
}
