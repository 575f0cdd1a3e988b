//! Requests and responses (RFC 7252 §4, §5).

use std::time::Duration;

use coap::{Code, Failure, Method, Request, Response};

use crate::link::{A, B, World};

const SECOND: Duration = Duration::from_secs(1);

fn get() -> Request {
    Request::new(Method::Get, "3/0/0")
}

fn content(text: &str) -> Response {
    Response::new(Code::CONTENT).with_payload(0, text)
}

#[test]
fn a_quick_answer_is_piggybacked() {
    let mut world = World::perfect();
    world.request(A, B, Request { accept: Some(11542), queries: vec!["a=1".into()], ..get() });
    let (exchange, request) = world.expect_request();
    assert_eq!((request.path.join("/"), request.accept), ("3/0/0".into(), Some(11542)));
    world.respond(B, exchange, content("Open Mobile Alliance"));
    assert_eq!(world.expect_response(), content("Open Mobile Alliance"));
    assert_eq!(world.trace(), ["-> CON 0.01", "<- ACK 2.05"]);
    world.assert_quiescence();
}

#[test]
fn a_slow_answer_follows_an_empty_acknowledgement() {
    let mut world = World::perfect();
    world.request(A, B, get());
    let (exchange, _) = world.expect_request();
    world.run(5 * SECOND);
    world.respond(B, exchange, content("late"));
    assert_eq!(world.expect_response(), content("late"));
    assert_eq!(world.trace(), ["-> CON 0.01", "<- ACK 0.00", "<- CON 2.05", "-> ACK 0.00"]);
    world.assert_quiescence();
}

#[test]
fn a_lost_empty_acknowledgement_is_made_up_for_by_the_separate_response() {
    let mut world = World::perfect();
    world.drop = |message, _| message.code == Code::EMPTY;
    world.request(A, B, get());
    let (exchange, _) = world.expect_request();
    world.run(Duration::from_millis(1500));
    world.respond(B, exchange, content("x"));
    assert_eq!(world.expect_response(), content("x"));
    world.run(Duration::from_secs(300));
    // The request is not repeated once its response is there; the response is, for want of an acknowledgement.
    let trace = world.trace();
    assert_eq!(trace.iter().filter(|line| *line == "-> CON 0.01").count(), 1);
    assert_eq!(trace.iter().filter(|line| *line == "<- CON 2.05").count(), 5);
    world.assert_quiescence();
}

#[test]
fn a_request_without_any_reply_is_sent_five_times_with_doubling_gaps() {
    let mut world = World::perfect();
    world.drop = |_, _| true;
    let id = world.request(A, B, get());
    let (request, _, outcome) = world.expect_outcome();
    assert_eq!((request, outcome), (id, Err(Failure::TimedOut { acknowledged: false })));
    let times: Vec<Duration> = world.sent.iter().map(|(at, ..)| *at).collect();
    let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps.len(), 4);
    assert!((2 * SECOND..=3 * SECOND).contains(&gaps[0]));
    assert_eq!(gaps, [gaps[0], gaps[0] * 2, gaps[0] * 4, gaps[0] * 8]);
    assert_eq!(world.now - times[4], gaps[0] * 16);
    world.assert_quiescence();
}

#[test]
fn an_acknowledged_request_without_response_times_out() {
    let mut world = World::perfect();
    world.request(A, B, get());
    let (exchange, _) = world.expect_request();
    let (_, _, outcome) = world.expect_outcome();
    assert_eq!(outcome, Err(Failure::TimedOut { acknowledged: true }));
    // What comes after that is rejected, and the peer stops repeating it.
    world.respond(B, exchange, content("too late"));
    world.run(10 * SECOND);
    assert_eq!(world.trace(), ["-> CON 0.01", "<- ACK 0.00", "<- CON 2.05", "-> RST 0.00"]);
    assert_eq!(world.at(A).counters().responses_unmatched, 1);
    world.assert_quiescence();
}

#[test]
fn a_non_confirmable_request_is_answered_alike_and_sent_once() {
    let mut world = World::perfect();
    world.request(A, B, Request { confirmable: false, ..get() });
    let (exchange, request) = world.expect_request();
    assert!(!request.confirmable);
    world.respond(B, exchange, content("x"));
    assert_eq!(world.expect_response(), content("x"));
    assert_eq!(world.trace(), ["-> NON 0.01", "<- NON 2.05"]);
    world.assert_quiescence();
}

#[test]
fn a_duplicate_meets_the_same_answer_and_has_no_second_effect() {
    let mut world = World::perfect();
    world.request(A, B, Request::new(Method::Post, "3/0/4"));
    let (exchange, _) = world.expect_request();
    let (_, _, _, bytes) = world.sent[0].clone();
    world.inject(A, B, &bytes);
    assert_eq!(world.sent.len(), 1, "nothing is said before the answer is known");
    world.respond(B, exchange, Response::new(Code::CHANGED));
    world.run(100 * SECOND);
    world.inject(A, B, &bytes);
    let answers = world.take_sent(B);
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0], answers[1]);
    world.events.clear();
    // Beyond EXCHANGE_LIFETIME it is a new exchange.
    world.run(247 * SECOND);
    world.inject(A, B, &bytes);
    world.expect_request();
}

#[test]
fn a_dropped_exchange_leaves_nothing_so_that_a_retransmission_is_a_new_try() {
    let mut world = World::perfect();
    world.request(A, B, Request::new(Method::Post, "rd"));
    let (first, _) = world.expect_request();
    world.call(B, |endpoint, now| endpoint.drop_exchange(now, first));
    let (second, _) = world.expect_request();
    assert_ne!(first, second);
    world.respond(B, second, Response::new(Code::CREATED));
    assert_eq!(world.expect_response().code, Code::CREATED);
    assert_eq!(world.trace(), ["-> CON 0.02", "-> CON 0.02", "<- ACK 2.01"]);
    world.assert_quiescence();
}

#[test]
fn one_request_is_under_way_to_a_peer_at_a_time() {
    let mut world = World::perfect();
    for _ in 0..3 {
        world.request(A, B, get());
    }
    for _ in 0..3 {
        assert_eq!(world.take_sent(A).len(), 1);
        let (exchange, _) = world.expect_request();
        world.respond(B, exchange, content("x"));
        world.expect_response();
    }
    world.assert_quiescence();
}

#[test]
fn a_full_queue_is_an_error_and_counted() {
    let mut world = World::perfect();
    for _ in 0..64 {
        world.request(A, B, get());
    }
    assert!(world.call(A, |endpoint, now| endpoint.send_request(now, B, get())).is_err());
    assert_eq!(world.at(A).counters().queue_per_peer, 1);
}

#[test]
fn a_cancelled_request_ends_at_once_and_lets_the_next_one_go() {
    let mut world = World::perfect();
    let first = world.request(A, B, get());
    let second = world.request(A, B, Request::new(Method::Get, "second"));
    world.call(A, |endpoint, now| endpoint.cancel_request(now, second));
    let (request, _, outcome) = world.expect_outcome();
    assert_eq!((request, outcome), (second, Err(Failure::Cancelled)));
    world.call(A, |endpoint, now| endpoint.cancel_request(now, first));
    assert_eq!(world.expect_outcome().2, Err(Failure::Cancelled));
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, content("x"));
    world.run(10 * SECOND);
    assert!(world.events.is_empty());
    world.assert_quiescence();
}

#[test]
fn every_method_reaches_the_other_side() {
    let mut world = World::perfect();
    for method in
        [Method::Get, Method::Post, Method::Put, Method::Delete, Method::Fetch, Method::Patch, Method::IPatch]
    {
        world.request(A, B, Request::new(method, "x"));
        let (exchange, request) = world.expect_request();
        assert_eq!(request.method, method);
        world.respond(B, exchange, Response::new(Code::CHANGED));
        world.expect_response();
    }
}
