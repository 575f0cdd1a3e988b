//! How many exchanges succeed where the network loses, doubles, reorders and delays: as many as RFC 7252 makes possible.
//!
//! Each of 1 + MAX_RETRANSMIT tries succeeds if the request arrives and a reply to it does. That is a ceiling: an endpoint can
//! only fall short of it. What is counted here is held against it from both sides, so that a network kinder than it says it
//! is shows as well.

use std::time::Duration;

use coap::{Code, Event, Method, Request, Response};

use crate::link::{A, Address, B, Link, World};

/// Exchanges of each kind; `MUSTER_EXCHANGES` names another number.
const EXCHANGES: u32 = 600;
/// The chance of being more than three standard errors off, on one side.
const BEYOND_THREE_ERRORS: f64 = 0.00135;
const LOSSES: [f64; 4] = [0.05, 0.1, 0.2, 0.3];
const CLEAR: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(20));
/// Later ones overtake those of before, also retransmissions.
const REORDERING: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(6));
/// Each message is sent again before its reply can be there.
const FAR: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(2));

fn exchanges() -> u32 {
    std::env::var("MUSTER_EXCHANGES").map_or(EXCHANGES, |count| count.parse().unwrap())
}

/// How many of `count` requests from one endpoint to another are answered.
fn answered(seed: u64, link: Link, from: Address, to: Address, count: u32) -> u32 {
    let mut world = World::new(seed, link);
    let mut answered = 0;
    for _ in 0..count {
        let sent = world.request(from, to, Request::new(Method::Get, "3/0/0"));
        loop {
            match world.next_event(Duration::from_secs(300)) {
                Some((at, Event::Request { exchange, .. })) => {
                    world.respond(at, exchange, Response::new(Code::CONTENT).with_payload(0, "1"));
                }
                Some((_, Event::Response { request, outcome, .. })) if request == sent => {
                    answered += u32::from(outcome.is_ok());
                    break;
                }
                other => panic!("a response was due, not {other:?}"),
            }
        }
        world.sent.clear();
    }
    world.link = Link::PERFECT;
    world.assert_quiescence();
    answered
}

/// RFC 7252 §4.8: five tries. A copy of a request is answered too (§4.5), and each of the two answers may arrive.
fn ceiling(link: &Link) -> f64 {
    let arrives = 1.0 - link.loss;
    let one_try = arrives * arrives * (1.0 + link.duplication * link.loss);
    1.0 - (1.0 - one_try).powi(5)
}

fn assert_as_many_as_possible(name: &str, from: Address, to: Address, link: impl Fn(f64) -> Link) {
    for (seed, loss) in LOSSES.into_iter().enumerate() {
        let (link, count) = (link(loss), exchanges());
        let answered = answered(10 * u64::from(from) + seed as u64, link, from, to, count);
        let (ratio, ceiling) = (f64::from(answered) / f64::from(count), ceiling(&link));
        let (as_few, as_many) = tails(count, 1.0 - ceiling, count - answered);
        println!("{name}, {loss}: {answered} of {count}, {ratio:.5}; ceiling {ceiling:.5}");
        assert!(as_few.min(as_many) > BEYOND_THREE_ERRORS, "{name}, {loss}: {ratio:.5}, not {ceiling:.5}");
    }
}

/// How likely it is that of `count` exchanges, each of which fails by a chance of `p`, at most and at least `failed` fail. Where
/// less than one is expected to, a standard error says nothing.
fn tails(count: u32, p: f64, failed: u32) -> (f64, f64) {
    let mut exactly = (1.0 - p).powi(count.cast_signed());
    let mut fewer = 0.0;
    for failures in 0..failed {
        fewer += exactly;
        exactly *= f64::from(count - failures) / f64::from(failures + 1) * p / (1.0 - p);
    }
    (fewer + exactly, 1.0 - fewer)
}

#[test]
fn as_many_exchanges_of_a_device_succeed_as_can() {
    assert_as_many_as_possible("up", B, A, |loss| Link { loss, duplication: 0.0, delay: CLEAR });
}

#[test]
fn as_many_exchanges_of_the_server_succeed_as_can() {
    assert_as_many_as_possible("down", A, B, |loss| Link { loss, duplication: 0.0, delay: CLEAR });
}

#[test]
fn doubling_and_reordering_take_nothing_away() {
    assert_as_many_as_possible("up, doubled, reordered", B, A, |loss| Link {
        loss,
        duplication: 0.2,
        delay: REORDERING,
    });
    assert_as_many_as_possible("down, doubled, reordered", A, B, |loss| Link {
        loss,
        duplication: 0.2,
        delay: REORDERING,
    });
}

#[test]
fn neither_do_two_seconds_of_delay() {
    assert_as_many_as_possible("up, far", B, A, |loss| Link { loss, duplication: 0.0, delay: FAR });
    assert_as_many_as_possible("down, far", A, B, |loss| Link { loss, duplication: 0.0, delay: FAR });
    assert_eq!(answered(9, Link { loss: 0.0, duplication: 0.0, delay: FAR }, B, A, 100), 100);
}
