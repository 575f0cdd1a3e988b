//! Bodies that the caller sends block by block, each in a request of its own.

use std::time::Duration;

use coap::{
    Block, BlockSize, Code, Config, Event, Failure, Method, OptionNumber, Request, Response, Sent, Transfer,
};

use crate::link::{A, B, Link, World, body};

const LEN: usize = 20_000;

#[test]
fn a_body_that_goes_block_by_block_arrives_as_one() {
    let mut world = World::perfect();
    let (bodies, code) = send(&mut world, Transfer::new(LEN, 0, BlockSize::B1024).unwrap());
    assert_eq!((bodies, code), (vec![body(LEN, 1)], Code::CHANGED));
    let sent = world.take_sent(A);
    assert_eq!(sent.len(), 20);
    assert_eq!(sent[0].options.uint(OptionNumber::SIZE1), Some(LEN as u32));
    assert!(sent[1..].iter().all(|message| message.options.get(OptionNumber::SIZE1).is_none()));
    world.assert_quiescence();
}

#[test]
fn it_arrives_over_a_link_that_loses_every_fifth_datagram_and_doubles_others() {
    for seed in 0..20 {
        let link = Link { loss: 0.2, duplication: 0.1, ..Link::PERFECT };
        let mut world = World::new(seed, link);
        let (bodies, code) = send(&mut world, Transfer::new(LEN, 0, BlockSize::B256).unwrap());
        assert_eq!((bodies, code), (vec![body(LEN, 1)], Code::CHANGED), "seed {seed}");
    }
}

#[test]
fn a_peer_that_takes_smaller_blocks_gets_them() {
    let small = Config { block_size: BlockSize::B64, ..Config::default() };
    let mut world = World::with(0, Link::PERFECT, Config::default(), small);
    let (bodies, code) = send(&mut world, Transfer::new(LEN, 0, BlockSize::B1024).unwrap());
    assert_eq!((bodies, code), (vec![body(LEN, 1)], Code::CHANGED));
    let number = |sent: &coap::Message| sent.options.uint(OptionNumber::BLOCK1).unwrap();
    let blocks: Vec<Block> =
        world.take_sent(A).iter().map(|sent| Block::from_uint(number(sent)).unwrap()).collect();
    assert_eq!(blocks[0].size, BlockSize::B1024);
    assert!(blocks[1..].iter().all(|block| block.size == BlockSize::B64));
}

#[test]
fn a_peer_that_does_not_know_the_blocks_before_gets_the_body_anew() {
    let mut world = World::perfect();
    let (bodies, code) = send(&mut world, Transfer::new(LEN, 10_240, BlockSize::B1024).unwrap());
    assert_eq!((bodies, code), (vec![body(LEN, 1)], Code::CHANGED));
    assert_eq!(world.take_sent(A).len(), 21, "one that is refused, and all of them");
}

#[test]
fn others_are_not_held_up_for_longer_than_a_block() {
    let mut world = World::perfect();
    let mut transfer = Transfer::new(LEN, 0, BlockSize::B1024).unwrap();
    world.request(A, B, part(&transfer));
    let other = world.request(A, B, Request::new(Method::Get, "3/0/0"));
    loop {
        match world.next_event(Duration::from_secs(10)) {
            Some((at, Event::Request { exchange, .. })) => {
                world.respond(at, exchange, Response::new(Code::CONTENT).with_payload(0, "1"));
            }
            Some((_, Event::Response { request, .. })) if request == other => break,
            Some((_, Event::Response { outcome: Ok(response), .. })) => {
                assert_eq!(transfer.on_response(&response), Sent::Next);
                world.request(A, B, part(&transfer));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(transfer.acknowledged(), 1_024, "the other was answered after the first block");
}

/// Sends a body from A to B until it has an answer: the bodies that B has got, and the code of the answer.
fn send(world: &mut World, mut transfer: Transfer) -> (Vec<Vec<u8>>, Code) {
    let mut bodies = Vec::new();
    world.request(A, B, part(&transfer));
    loop {
        match world.next_event(Duration::from_secs(600)) {
            Some((at, Event::Request { exchange, request, .. })) => {
                bodies.push(request.payload);
                world.respond(at, exchange, Response::new(Code::CHANGED));
            }
            Some((_, Event::Response { outcome: Ok(response), .. })) => match transfer.on_response(&response)
            {
                Sent::Done | Sent::Refused => return (bodies, response.code),
                Sent::Next | Sent::Anew | Sent::Stray => drop(world.request(A, B, part(&transfer))),
            },
            // All five tries of one block were lost: it is sent again, above what CoAP does.
            Some((_, Event::Response { outcome: Err(Failure::TimedOut { .. }), .. })) => {
                world.request(A, B, part(&transfer));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn part(transfer: &Transfer) -> Request {
    let payload = body(LEN, 1)[transfer.due()].to_vec();
    Request {
        content_format: Some(42),
        payload,
        part: Some(transfer.part()),
        ..Request::new(Method::Put, "5/0/0")
    }
}
