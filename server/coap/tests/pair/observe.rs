//! Observations and their notifications (RFC 7641).

use std::time::Duration;

use coap::{
    BlockSize, Code, Config, Event, Failure, LastNotification, Message, Method, Observe, Request, Response,
    Token,
};

use crate::link::{A, B, Link, MINUTES, World, body};

const SECOND: Duration = Duration::from_secs(1);

fn observe() -> Request {
    Request { observe: Some(Observe::Register), ..Request::new(Method::Get, "3303/0/5700") }
}

fn value(number: u32, text: &str) -> Response {
    Response { observe: Some(number), ..Response::new(Code::CONTENT).with_payload(0, text) }
}

/// A world in which `A` observes a resource of `B`.
fn observing() -> (World, Token) {
    let mut world = World::perfect();
    world.request(A, B, observe());
    let (exchange, request) = world.expect_request();
    assert_eq!(request.observe, Some(Observe::Register));
    world.respond(B, exchange, value(10, "20"));
    let (_, token, outcome) = world.expect_outcome();
    assert_eq!(outcome, Ok(value(10, "20")));
    assert_eq!(Some(token), request.token);
    assert_eq!(world.at(A).usage().observations, 1);
    world.sent.clear();
    (world, token)
}

fn notify(world: &mut World, token: Token, response: &Response, confirmable: bool) {
    world.call(B, |endpoint, now| endpoint.notify(now, A, token, response, confirmable)).unwrap();
}

fn sent_outcome(world: &mut World) -> Result<(), Failure> {
    match world.next_event(MINUTES) {
        Some((B, Event::NotificationSent { outcome, .. })) => outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_confirmable_notification_is_acknowledged_when_it_is_accepted_and_not_before() {
    let (mut world, token) = observing();
    notify(&mut world, token, &value(11, "21"), true);
    let (id, response, last) = world.expect_notification();
    assert_eq!((response, last), (value(11, "21"), false));
    world.run(4 * SECOND);
    assert!(world.take_sent(A).is_empty(), "duplicates meet silence meanwhile");
    world.call(A, |endpoint, now| endpoint.accept_notification(now, id));
    assert_eq!(sent_outcome(&mut world), Ok(()));
    let (.., bytes) = world.sent[0].clone();
    world.inject(B, A, &bytes);
    assert_eq!(
        world.trace().iter().filter(|line| *line == "-> ACK 0.00").count(),
        2,
        "afterwards the same again"
    );
}

#[test]
fn a_dropped_notification_is_delivered_again_when_it_is_retransmitted() {
    let (mut world, token) = observing();
    notify(&mut world, token, &value(11, "21"), true);
    let (first, ..) = world.expect_notification();
    world.call(A, |endpoint, now| endpoint.drop_notification(now, first));
    let (second, response, _) = world.expect_notification();
    assert_ne!(first, second);
    assert_eq!(response, value(11, "21"));
    assert_eq!(world.take_sent(A), []);
}

#[test]
fn a_notification_that_was_overtaken_does_not_answer_an_observation_that_is_asked_for_again() {
    let (mut world, token) = observing();
    notify(&mut world, token, &value(12, "22"), true);
    let (id, ..) = world.expect_notification();
    world.call(A, |endpoint, now| endpoint.accept_notification(now, id));
    assert_eq!(sent_outcome(&mut world), Ok(()));
    world.request(A, B, Request { token: Some(token), ..observe() });
    let (exchange, _) = world.expect_request();
    notify(&mut world, token, &value(11, "21"), true);
    assert_eq!(sent_outcome(&mut world), Ok(()));
    assert_eq!(world.at(A).counters().notifications_stale, 1);
    world.respond(B, exchange, value(13, "23"));
    let (_, _, outcome) = world.expect_outcome();
    assert_eq!(outcome, Ok(value(13, "23")));

    // One that has started anew begins anew.
    world.call(A, |endpoint, _| endpoint.restart_notifications(B));
    notify(&mut world, token, &value(1, "1"), true);
    let (_, response, _) = world.expect_notification();
    assert_eq!(response, value(1, "1"));
}

#[test]
fn a_stale_notification_is_acknowledged_and_goes_no_further() {
    let (mut world, token) = observing();
    notify(&mut world, token, &value(12, "22"), true);
    let (id, ..) = world.expect_notification();
    world.call(A, |endpoint, now| endpoint.accept_notification(now, id));
    sent_outcome(&mut world).unwrap();
    for (number, confirmable) in [(11, true), (12, true), (9, false)] {
        notify(&mut world, token, &value(number, "old"), confirmable);
        if confirmable {
            assert_eq!(sent_outcome(&mut world), Ok(()));
        }
        world.run(SECOND);
    }
    assert!(world.events.is_empty());
    assert_eq!(world.at(A).counters().notifications_stale, 3);
    // After 128 s any number is newer.
    world.run(129 * SECOND);
    notify(&mut world, token, &value(1, "new"), false);
    assert_eq!(world.expect_notification().1, value(1, "new"));
}

#[test]
fn a_notification_older_than_one_being_committed_waits_for_that() {
    let (mut world, token) = observing();
    notify(&mut world, token, &value(12, "22"), false);
    let (newer, ..) = world.expect_notification();
    notify(&mut world, token, &value(11, "21"), true);
    world.run(SECOND);
    assert!(world.events.is_empty() && world.take_sent(A).is_empty());
    assert_eq!(world.at(A).counters().notifications_deferred, 1);
    // The newer one could not be stored: the older one is the best there is.
    world.call(A, |endpoint, now| endpoint.drop_notification(now, newer));
    assert_eq!(world.expect_notification().1, value(11, "21"));
}

#[test]
fn a_forgotten_observation_is_ended_by_a_reset_of_its_next_notification() {
    for confirmable in [true, false] {
        let (mut world, token) = observing();
        world.call(A, |endpoint, now| endpoint.forget_observation(now, B, &token));
        notify(&mut world, token, &value(11, "21"), confirmable);
        assert_eq!(sent_outcome(&mut world), Err(Failure::Reset));
        world.assert_quiescence();
    }
}

#[test]
fn a_rejected_notification_ends_the_observation() {
    let (mut world, token) = observing();
    notify(&mut world, token, &value(11, "21"), true);
    let (id, ..) = world.expect_notification();
    world.call(A, |endpoint, now| endpoint.reject_notification(now, id));
    assert_eq!(sent_outcome(&mut world), Err(Failure::Reset));
    assert_eq!(world.at(A).usage().observations, 0);
    world.assert_quiescence();
}

#[test]
fn an_observation_is_ended_by_asking_with_the_same_token() {
    for method in [Method::Get, Method::Fetch] {
        let (mut world, token) = observing();
        let end =
            Request { observe: Some(Observe::Deregister), token: Some(token), ..Request::new(method, "x") };
        world.request(A, B, end);
        let (exchange, request) = world.expect_request();
        assert_eq!((request.observe, request.token), (Some(Observe::Deregister), Some(token)));
        // A notification that crosses the request is still one.
        notify(&mut world, token, &value(11, "21"), false);
        let (id, ..) = world.expect_notification();
        world.call(A, |endpoint, now| endpoint.accept_notification(now, id));
        world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(0, "21"));
        assert_eq!(world.expect_response().observe, None);
        assert_eq!(world.at(A).usage().observations, 0);
        world.assert_quiescence();
    }
}

#[test]
fn an_error_notification_is_the_last_one() {
    let (mut world, token) = observing();
    notify(&mut world, token, &Response::new(Code::NOT_FOUND), true);
    let (id, response, last) = world.expect_notification();
    assert_eq!((response.code, last), (Code::NOT_FOUND, true));
    world.call(A, |endpoint, now| endpoint.accept_notification(now, id));
    assert_eq!(sent_outcome(&mut world), Ok(()));
    assert_eq!(world.at(A).usage().observations, 0);
    world.assert_quiescence();
}

#[test]
fn without_observe_in_the_response_there_is_no_observation() {
    let mut world = World::perfect();
    world.request(A, B, observe());
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(0, "20"));
    assert_eq!(world.expect_response().observe, None);
    assert_eq!(world.at(A).usage().observations, 0);
    world.assert_quiescence();
}

#[test]
fn a_restored_observation_matches_and_knows_the_order() {
    let mut world = World::perfect();
    let token = Token::new(&[1, 2, 3]).unwrap();
    let last = Some(LastNotification { number: 30, age: 5 * SECOND });
    assert!(world.call(A, |endpoint, now| endpoint.observe_restored(now, B, token, observe(), last)));
    notify(&mut world, token, &value(30, "old"), true);
    assert_eq!(sent_outcome(&mut world), Ok(()));
    notify(&mut world, token, &value(31, "new"), true);
    assert_eq!(world.expect_notification().1, value(31, "new"));
    assert_eq!(world.at(A).counters().resets_sent, 0);
}

#[test]
fn a_notification_in_blocks_is_fetched_before_it_is_delivered() {
    for size in [BlockSize::B1024, BlockSize::B64] {
        let config = Config { block_size: size, ..Config::default() };
        let mut world = World::with(1, Link::PERFECT, Config::default(), config);
        let token = Token::new(&[1, 2, 3]).unwrap();
        world.call(A, |endpoint, now| endpoint.observe_restored(now, B, token, observe(), None));
        let state = value(5, "").with_payload(42, body(3000, 1));
        notify(&mut world, token, &state, true);
        let (exchange, request) = world.expect_request();
        assert_eq!(request.observe, None, "RFC 7959 §2.6: the blocks that follow are not observed");
        assert_ne!(request.token, Some(token));
        assert_eq!(request.path.join("/"), "3303/0/5700");
        world.respond(B, exchange, Response { observe: None, ..state.clone() });
        let mut delivered = None;
        while delivered.is_none() {
            match world.next_event(MINUTES) {
                Some((A, Event::Notification { id, response, confirmable, .. })) => {
                    assert!(confirmable);
                    delivered = Some((id, response));
                }
                Some((B, Event::Request { exchange, .. })) => {
                    world.respond(B, exchange, Response { observe: None, ..state.clone() });
                }
                other => panic!("{other:?}"),
            }
        }
        let (id, response) = delivered.unwrap();
        assert_eq!((response.payload, response.observe), (body(3000, 1), Some(5)));
        world.call(A, |endpoint, now| endpoint.accept_notification(now, id));
        assert_eq!(sent_outcome(&mut world), Ok(()));
        world.assert_quiescence();
    }
}

#[test]
fn a_state_that_changes_while_it_is_fetched_is_not_delivered() {
    let (mut world, token) = observing();
    notify(&mut world, token, &value(11, "").with_payload(42, body(3000, 1)), true);
    let (exchange, _) = world.expect_request();
    world.respond(B, exchange, Response::new(Code::CONTENT).with_payload(42, body(3000, 2)));
    world.run(SECOND);
    assert!(world.events.is_empty());
    assert_eq!(world.at(A).counters().notifications_incomplete, 1);
    // The newer state is notified in its turn; it is small enough to come at once.
    notify(&mut world, token, &value(12, "small"), false);
    assert_eq!(world.expect_notification().1, value(12, "small"));
}

#[test]
fn a_notification_in_blocks_is_not_mixed_with_what_was_served_before() {
    for method in [Method::Get, Method::Fetch] {
        let mut world = World::perfect();
        let asked = Request { payload: b"paths".into(), ..Request::new(method, "x") };
        let asked = if method == Method::Get { Request::new(method, "x") } else { asked };
        world.request(A, B, Request { observe: Some(Observe::Register), ..asked.clone() });
        let (exchange, request) = world.expect_request();
        let token = request.token.unwrap();
        world.respond(B, exchange, value(10, "").with_payload(42, body(3000, 1)));
        world.expect_outcome().2.unwrap();
        for number in 11..14 {
            let state = value(number, "").with_payload(42, body(3000, number.into()));
            notify(&mut world, token, &state, false);
            let (exchange, request) = world.expect_request();
            assert_eq!((request.method, request.payload.as_slice()), (method, asked.payload.as_slice()));
            world.respond(B, exchange, Response { observe: None, ..state.clone() });
            let (id, response, _) = world.expect_notification();
            assert_eq!((response.payload, response.observe), (body(3000, number.into()), Some(number)));
            world.call(A, |endpoint, now| endpoint.accept_notification(now, id));
        }
    }
}

#[test]
fn the_first_response_of_an_observation_may_come_in_blocks() {
    let mut world = World::perfect();
    world.request(A, B, observe());
    let (exchange, request) = world.expect_request();
    let token = request.token.unwrap();
    world.respond(B, exchange, value(10, "").with_payload(42, body(3000, 1)));
    let (_, same, outcome) = world.expect_outcome();
    assert_eq!(same, token);
    assert_eq!(outcome.map(|response| (response.payload, response.observe)), Ok((body(3000, 1), Some(10))));
    // RFC 7959 §3.4: the later blocks have a token of their own and no Observe.
    let asked: Vec<Message> = world.take_sent(A);
    assert!(asked[1..].iter().all(|message| message.token != token));
    notify(&mut world, token, &value(11, "x"), false);
    assert_eq!(world.expect_notification().1, value(11, "x"));
}
