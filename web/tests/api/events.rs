//! The event stream: in order, resumable, honest about what it lacks.

use std::time::Duration;

use axum::{body::BodyDataStream, http::Method};
use futures::StreamExt;
use objects::Value;
use web::api::v1::types::{Event, EventKind, Gap, Scope};

use crate::world::{Ask, World};

/// What comes of a stream, event by event.
struct Stream {
    body: BodyDataStream,
    text: String,
}

#[derive(Debug)]
struct Message {
    id: String,
    name: String,
    data: String,
}

impl Stream {
    async fn open(world: &World, path: &str, last: Option<&str>) -> Self {
        let mut ask = Ask::new(Method::GET, path).by(&world.token);
        if let Some(last) = last {
            ask = ask.with("last-event-id", last);
        }
        let response = world.begin(ask).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; none at the end. Comments are passed over.
    async fn next(&mut self) -> Option<Message> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = block.lines().filter_map(|line| line.strip_prefix(&format!("{name}: ")));
                    lines.next().unwrap_or_default().to_owned()
                };
                let message = Message { id: field("id"), name: field("event"), data: field("data") };
                self.text = rest.to_owned();
                if !message.data.is_empty() {
                    return Some(message);
                }
            }
            let chunk = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn event(&mut self) -> Event {
        let message = self.next().await.unwrap();
        let event: Event = serde_json::from_str(&message.data).unwrap();
        assert_eq!((message.id, message.name), (event.sequence.to_string(), event.kind.to_string()));
        event
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told_in_order_and_a_client_goes_on_where_it_was() {
    let world = World::new().await;
    world.register(7, "node-7").await;
    let mut all = Stream::open(&world, "/events?after=0", None).await;
    assert_eq!(all.event().await.kind, EventKind::Registered);
    let mut live = Stream::open(&world, "/events", None).await;
    world.report(7, "/3303/0/5700", Value::Float(21.5)).await;
    let first = live.event().await;
    assert_eq!((first.kind, first.readings.len(), first.endpoint.as_str()), (EventKind::Values, 1, "node-7"));
    assert_eq!(all.event().await, first);
    drop(live);
    for number in 0..3 {
        world.report(7, "/3303/0/5700", Value::Float(f64::from(number))).await;
    }
    let mut resumed = Stream::open(&world, "/events?after=0", Some(&first.sequence.to_string())).await;
    for number in 0..3 {
        let event = resumed.event().await;
        assert_eq!(event.readings[0].value, web::api::v1::types::Value::Float(f64::from(number)));
        assert_eq!(event.sequence, first.sequence + i64::from(number) + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_asks_for_one_device_or_one_kind() {
    let world = World::new().await;
    let seven = world.register(7, "node-7").await;
    world.register(8, "node-8").await;
    world.report(7, "/3303/0/5700", Value::Float(1.0)).await;
    let mut one = Stream::open(&world, &format!("/events?after=0&device={seven}&kind=values"), None).await;
    let event = one.event().await;
    assert_eq!((event.kind, event.device), (EventKind::Values, seven.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_number_from_elsewhere_is_a_gap() {
    let world = World::new().await;
    world.register(7, "node-7").await;
    let mut stream = Stream::open(&world, "/events", Some("4711")).await;
    let message = stream.next().await.unwrap();
    let gap: Gap = serde_json::from_str(&message.data).unwrap();
    assert_eq!((message.name.as_str(), gap.after), ("gap", 4_711));
    assert_eq!(message.id, gap.to.to_string());
    world.report(7, "/3303/0/5700", Value::Float(1.0)).await;
    assert_eq!(stream.event().await.sequence, gap.to + 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_idle_shows_that_it_lives() {
    let world = World::new().await;
    let mut stream = Stream::open(&world, "/events", None).await;
    let begin = stream.body.next().await.unwrap().unwrap();
    assert!(begin.ends_with(b": begin\n\n"), "{begin:?}");
    let before = tokio::time::Instant::now();
    let comment = stream.body.next().await.unwrap().unwrap();
    assert!(comment.starts_with(b":"), "{comment:?}");
    assert!(before.elapsed() <= Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_token_and_with_the_server() {
    let mut world = World::new().await;
    world.register(7, "node-7").await;
    for is_idle in [false, true] {
        let made: web::api::v1::types::MadeToken =
            world.post("/tokens", serde_json::json!({"name": "watch", "scope": Scope::Read})).await.body(201);
        let admin = std::mem::replace(&mut world.token, made.text.unwrap());
        let mut stream = Stream::open(&world, "/events", None).await;
        world.token = admin;
        world.delete(&format!("/tokens/{}", made.token.id)).await.done();
        if !is_idle {
            world.report(7, "/3303/0/5700", Value::Float(1.0)).await;
        }
        let before = tokio::time::Instant::now();
        assert!(stream.next().await.is_none(), "nothing is told to a token that is revoked");
        assert!(before.elapsed() <= Duration::from_secs(4), "{:?}", before.elapsed());
    }

    let mut stream = Stream::open(&world, "/events", None).await;
    world.stop();
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_token_has_so_many_streams_and_no_more() {
    let world = World::new().await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(Stream::open(&world, "/events", None).await);
    }
    let answer = world.get("/events").await;
    answer.problem(429, "too-many-requests");
    open.pop();
    Stream::open(&world, "/events", None).await;
}
