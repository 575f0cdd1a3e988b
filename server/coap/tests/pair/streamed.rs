//! Bodies that are handed out block by block: those of requests as they come, those of responses as they are asked for.

use coap::{Block, BlockSize, Code, Config, Method, Request, Response};

use crate::link::{A, B, Link, World, body};

const LEN: usize = 2500;

fn put() -> Request {
    Request { content_format: Some(42), payload: body(LEN, 1), ..Request::new(Method::Put, "5/0/0") }
}

fn world() -> World {
    let streams = Config { is_streamed: |request| request.path == ["5", "0", "0"], ..Config::default() };
    World::with(1, Link::PERFECT, Config::default(), streams)
}

/// Answers each block, and says which ones came, with how many bytes.
fn take(world: &mut World, answer: impl Fn(Block) -> Response) -> Vec<(u32, bool, usize)> {
    let (mut blocks, mut bytes) = (Vec::new(), Vec::new());
    loop {
        let (exchange, request) = world.expect_request();
        let block = request.block1.expect("a block of the body");
        bytes.extend_from_slice(&request.payload);
        blocks.push((block.number, block.more, request.payload.len()));
        world.respond(B, exchange, answer(block));
        if !block.more {
            assert_eq!(bytes, body(LEN, 1));
            return blocks;
        }
    }
}

fn code(block: Block) -> Code {
    if block.more { Code::CONTINUE } else { Code::CHANGED }
}

#[test]
fn each_block_waits_for_the_answer_to_the_one_before() {
    let mut world = world();
    world.request(A, B, put());
    let blocks = take(&mut world, |block| Response::new(code(block)));
    assert_eq!(blocks, [(0, true, 1024), (1, true, 1024), (2, false, 452)]);
    assert_eq!(world.expect_response().code, Code::CHANGED);
    world.assert_quiescence();
}

#[test]
fn the_answer_to_a_block_can_ask_for_smaller_ones() {
    let mut world = world();
    world.request(A, B, put());
    let size = BlockSize::B512;
    let blocks = take(&mut world, |block| {
        let block1 = Some(Block { size: block.size.min(size), ..block });
        Response { block1, ..Response::new(code(block)) }
    });
    assert_eq!(blocks, [(0, true, 1024), (2, true, 512), (3, true, 512), (4, false, 452)]);
    assert_eq!(world.expect_response().code, Code::CHANGED);
    world.assert_quiescence();
}

#[test]
fn a_block_that_is_refused_ends_the_transfer() {
    let mut world = world();
    world.request(A, B, put());
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::REQUEST_ENTITY_INCOMPLETE));
    assert_eq!(world.expect_response().code, Code::REQUEST_ENTITY_INCOMPLETE);
    world.assert_quiescence();
}

#[test]
fn what_is_not_streamed_comes_whole() {
    let mut world = world();
    world.request(A, B, Request { path: vec!["19".into(), "0".into(), "0".into()], ..put() });
    let (exchange, request) = world.expect_request();
    assert_eq!((request.block1, request.payload), (None, body(LEN, 1)));
    world.respond(B, exchange, Response::new(Code::CHANGED));
    assert_eq!(world.expect_response().code, Code::CHANGED);
    world.assert_quiescence();
}

#[test]
fn one_block_of_a_response_can_be_asked_for_after_the_other() {
    let mut world = World::perfect();
    let (mut got, mut size) = (Vec::new(), BlockSize::B1024);
    let get = Request::new(Method::Get, "19/0/0");
    loop {
        let due = Block::at(got.len(), false, size).unwrap();
        world.request(A, B, Request { block2: Some(due), ..get.clone() });
        // The body is kept for the blocks that follow, which the caller does not hear of.
        if got.is_empty() {
            let (exchange, _) = world.expect_request();
            world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(42, body(LEN, 1)));
        }
        let response = world.expect_response();
        let block = response.block2.expect("a block of the body");
        assert_eq!((block.offset(), response.etag.is_some()), (got.len(), true));
        got.extend(response.payload);
        // An address that may be forged gets small ones.
        size = block.size;
        if !block.more {
            break;
        }
    }
    assert_eq!((got, size), (body(LEN, 1), BlockSize::B64));
    world.request(A, B, Request { block2: Block::at(LEN + 64, false, size), ..get });
    assert_eq!(world.expect_response().code, Code::BAD_REQUEST, "there is no such block");
    world.assert_quiescence();
}
