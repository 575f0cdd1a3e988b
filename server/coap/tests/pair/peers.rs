//! Peers that move, leave, restart or do not exist.

use std::{collections::BTreeSet, time::Duration};

use coap::{
    Boot, Bounds, Code, Config, Endpoint, Event, Failure, Method, Observe, Output, Request, Response, Token,
};

use crate::link::{A, B, Link, World};

const SECOND: Duration = Duration::from_secs(1);
const C: u8 = 3;

fn get() -> Request {
    Request::new(Method::Get, "3/0/0")
}

/// From here on the device at `B` has the address `C`.
fn rebind(world: &mut World) {
    let device = world.endpoints.remove(&B).unwrap();
    world.endpoints.insert(C, device);
    world.call(A, |endpoint, now| endpoint.move_peer(now, B, C));
}

#[test]
fn a_request_under_way_and_the_queue_follow_a_peer_to_its_new_address() {
    let mut world = World::perfect();
    world.drop = |_, count| count == 1;
    world.request(A, B, get());
    world.request(A, B, get());
    rebind(&mut world);
    for _ in 0..2 {
        let (exchange, _) = world.expect_request();
        world.respond(C, exchange, Response::new(Code::CONTENT));
        assert_eq!(world.expect_response().code, Code::CONTENT);
    }
    assert!(world.sent[1..].iter().all(|(_, from, to, _)| *from == C || *to == C));
    world.assert_quiescence();
}

#[test]
fn an_observation_follows_a_peer_to_its_new_address() {
    let mut world = World::perfect();
    let token = Token::new(&[7]).unwrap();
    let request = Request { observe: Some(Observe::Register), ..get() };
    world.call(A, |endpoint, now| endpoint.observe_restored(now, B, token, request, None));
    rebind(&mut world);
    let state = Response { observe: Some(1), ..Response::new(Code::CONTENT) };
    world.call(C, |endpoint, now| endpoint.notify(now, A, token, &state, true)).unwrap();
    let (id, ..) = world.expect_notification();
    world.call(A, |endpoint, now| endpoint.accept_notification(now, id));
    assert!(matches!(world.next_event(SECOND), Some((C, Event::NotificationSent { outcome: Ok(()), .. }))));
}

#[test]
fn a_duplicate_from_the_new_address_has_no_second_effect() {
    let mut world = World::perfect();
    world.request(B, A, Request::new(Method::Post, "dp"));
    let (exchange, _) = world.expect_request();
    let (.., bytes) = world.sent[0].clone();
    world.call(A, |endpoint, now| endpoint.move_peer(now, B, C));
    world.inject(C, A, &bytes);
    assert!(world.events.is_empty());
    world.respond(A, exchange, Response::new(Code::CHANGED));
    world.inject(C, A, &bytes);
    let answers: Vec<_> = world.sent.iter().filter(|(_, from, to, _)| (*from, *to) == (A, C)).collect();
    assert_eq!(answers.len(), 2);
    assert!(world.events.is_empty());
}

#[test]
fn an_address_that_a_peer_left_and_comes_back_to_sees_no_message_id_twice() {
    let mut world = World::perfect();
    world.drop = |_, _| true;
    let mut ids = Vec::new();
    let mut ask = |world: &mut World, of: u8| {
        world.request(A, of, get());
        ids.extend(world.take_sent(A).iter().map(|message| (of, message.id)));
    };
    ask(&mut world, B);
    world.call(A, |endpoint, now| endpoint.forget_peer(now, B));
    world.call(A, |endpoint, now| endpoint.move_peer(now, B, C));
    ask(&mut world, B);
    ask(&mut world, C);
    world.call(A, |endpoint, now| {
        endpoint.forget_peer(now, B);
        endpoint.forget_peer(now, C);
        endpoint.move_peer(now, C, B);
    });
    ask(&mut world, B);
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), different.len()), (4, 4), "{ids:?}");
}

#[test]
fn moving_onto_an_address_that_is_known_merges_both() {
    let mut world = World::perfect();
    world.request(B, A, Request::new(Method::Post, "rd"));
    let (old, _) = world.expect_request();
    // The Update that tells of the new address comes from there.
    let (.., bytes) = world.sent[0].clone();
    world.inject(C, A, &bytes);
    let (new, _) = world.expect_request();
    world.request(A, B, get());
    world.request(A, C, get());
    world.call(A, |endpoint, now| endpoint.move_peer(now, B, C));
    assert_eq!(world.at(A).usage().exchanges, 1, "of two messages with one id the newer counts");
    world.respond(A, old, Response::new(Code::CREATED));
    world.respond(A, new, Response::new(Code::CHANGED));
    let answers = world.take_sent(A);
    assert_eq!(answers.iter().filter(|message| message.code == Code::CHANGED).count(), 1);
    assert_eq!(answers.iter().filter(|message| message.code == Code::CREATED).count(), 0);
    world.assert_quiescence();
}

#[test]
fn a_forgotten_peer_is_asked_nothing_more_and_still_gets_its_answer() {
    let mut world = World::perfect();
    let first = world.request(A, B, get());
    let second = world.request(A, B, get());
    world.call(A, |endpoint, now| {
        endpoint.observe_restored(now, B, Token::new(&[7]).unwrap(), get(), None);
    });
    world.request(B, A, Request::new(Method::Delete, "rd/1"));
    let mut deregistration = None;
    while deregistration.is_none() {
        if let Some((A, Event::Request { exchange, .. })) = world.next_event(SECOND) {
            deregistration = Some(exchange);
        }
    }
    world.call(A, |endpoint, now| endpoint.forget_peer(now, B));
    for id in [first, second] {
        let (request, _, outcome) = world.expect_outcome();
        assert_eq!((request, outcome), (id, Err(Failure::Cancelled)));
    }
    assert_eq!(world.at(A).usage().observations, 0);
    world.respond(A, deregistration.unwrap(), Response::new(Code::DELETED));
    world.run(SECOND);
    assert!(world.trace().contains(&"-> ACK 2.02".to_owned()));
    world.run(400 * SECOND);
    world.assert_quiescence();
}

#[test]
fn a_peer_that_starts_anew_with_the_same_message_ids_is_not_answered_from_memory() {
    let mut world = World::perfect();
    let register = |token: u8| [0x41, 0x02, 0x00, 0x01, token, 0xb2, b'r', b'd'];
    world.inject(B, A, &register(1));
    let (exchange, _) = world.expect_request();
    world.respond(A, exchange, Response::new(Code::CREATED));
    world.inject(B, A, &register(2));
    let (exchange, request) = world.expect_request();
    assert_eq!(request.token, Token::new(&[2]));
    world.respond(A, exchange, Response::new(Code::CREATED));
    assert_eq!(world.at(A).counters().message_ids_reused, 1);
}

#[test]
fn a_peer_that_is_renewed_may_say_the_same_again() {
    let mut world = World::perfect();
    let register = [0x41, 0x02, 0x00, 0x01, 0x07, 0xb2, b'r', b'd'];
    world.inject(B, A, &register);
    let (exchange, _) = world.expect_request();
    world.respond(A, exchange, Response::new(Code::CREATED));
    let request = world.request(A, B, get());
    world.call(A, |endpoint, now| endpoint.renew_peer(now, B));
    assert_eq!(world.expect_outcome().2, Err(Failure::Cancelled), "{request:?}");
    world.inject(B, A, &register);
    let (exchange, _) = world.expect_request();
    // What waits for an answer when it starts anew once more is not answered.
    world.call(A, |endpoint, now| endpoint.renew_peer(now, B));
    world.take_sent(A);
    world.respond(A, exchange, Response::new(Code::CREATED));
    world.run(400 * SECOND);
    assert!(world.take_sent(A).is_empty());
    world.assert_quiescence();
}

#[test]
fn tokens_and_message_ids_of_two_starts_do_not_meet() {
    let start = |number| {
        let mut endpoint: Endpoint<u8> = Endpoint::new(Config::default(), Boot { number, seed: [9; 32] });
        let mut seen = Vec::new();
        for second in 0..1000 {
            let now = Duration::from_secs(second);
            let id = endpoint.send_request(now, B, get()).unwrap();
            endpoint.cancel_request(now, id);
            while let Some(output) = endpoint.poll_output() {
                if let Output::Transmit { bytes, .. } = output {
                    seen.push((bytes[2..4].to_vec(), bytes[4..12].to_vec()));
                }
            }
        }
        seen
    };
    let (first, second) = (start(1), start(2));
    assert_eq!(first.len(), 1000);
    for (id, token) in &first {
        assert!(second.iter().all(|(other_id, other)| id != other_id && token != other));
    }
}

#[test]
fn message_ids_are_not_given_out_faster_than_they_expire() {
    let bounds = Bounds { message_ids_per_lifetime: 3, ..Bounds::default() };
    let config = Config { bounds, ..Config::default() };
    let mut world = World::with(0, Link::PERFECT, config, Config::default());
    for _ in 0..4 {
        world.request(A, B, get());
    }
    for _ in 0..3 {
        let (exchange, _) = world.expect_request();
        world.respond(B, exchange, Response::new(Code::CONTENT));
        world.expect_response();
    }
    world.run(200 * SECOND);
    assert!(world.events.is_empty());
    assert!(world.at(A).counters().message_ids_per_lifetime > 0);
    world.run(50 * SECOND);
    world.expect_request();
}
