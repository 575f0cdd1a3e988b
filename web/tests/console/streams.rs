//! Live streams.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{Request, header},
};
use fleet::Presence;
use futures::StreamExt;
use objects::{Value, Version};
use tower::ServiceExt;

use crate::{
    browser::Browser,
    world::{LINKS, SampleDevice, World, public_id},
};

/// One stream as a browser reads it.
struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(world: &World, browser: &Browser, path: &str) -> (u16, Self) {
        let request = Request::get(path).header(header::COOKIE, browser.cookie_header());
        let response = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        (
            response.status().as_u16(),
            Self { body: response.into_body().into_data_stream(), text: String::new() },
        )
    }

    /// The next message that is not a comment; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let message: String = self.text.drain(..end + 2).collect();
                if !message.starts_with(':') {
                    return Some(message);
                }
                continue;
            }
            let chunk = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Whether nothing comes for a while.
    async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(900), self.next()).await.is_err()
    }
}

async fn device() -> (World, Browser, String) {
    let world = World::new().await;
    world
        .register(&SampleDevice {
            id: 1,
            endpoint: "node-7",
            lwm2m: Version::V1_1,
            queue_mode: true,
            links: LINKS,
        })
        .await;
    world.report(1, &[("/3/0/9", Value::Integer(50))]).await;
    let browser = Browser::logged_in(&world).await;
    (world, browser, format!("/devices/{}/events", public_id(1)))
}

#[tokio::test(start_paused = true)]
async fn a_stream_begins_with_the_present_state() {
    let (world, browser, events) = device().await;
    let (status, mut stream) = Stream::open(&world, &browser, &events).await;
    assert_eq!(status, 200);
    let first = stream.next().await.unwrap();
    assert!(first.contains("event: fragment") && first.contains("id=\"device-state\""), "{first}");
    assert!(first.contains("id=\"v-3-0-9\"") && first.contains(">50<"), "{first}");
    assert!(stream.is_quiet().await);
}

#[tokio::test(start_paused = true)]
async fn a_value_arrives_within_a_second_and_only_what_changed_is_sent() {
    let (world, browser, events) = device().await;
    let (_, mut stream) = Stream::open(&world, &browser, &events).await;
    stream.next().await.unwrap();
    world.report(1, &[("/3/0/9", Value::Integer(49))]).await;
    let began = tokio::time::Instant::now();
    let message = stream.next().await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(1));
    assert!(message.contains(">49<") && !message.contains("device-facts"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn many_events_are_at_most_four_messages_a_second() {
    let (world, browser, events) = device().await;
    let (_, mut stream) = Stream::open(&world, &browser, &events).await;
    stream.next().await.unwrap();
    let (mut messages, mut level) = (0, 0);
    let until = tokio::time::Instant::now() + Duration::from_secs(2);
    while tokio::time::Instant::now() < until {
        level += 1;
        world.report(1, &[("/3/0/9", Value::Integer(level))]).await;
        messages += usize::from(tokio::time::timeout(Duration::from_millis(10), stream.next()).await.is_ok());
    }
    assert!(level > 100, "{level} events");
    assert!((6..=9).contains(&messages), "{messages} messages in two seconds");
    world.report(1, &[("/3/0/9", Value::Integer(-1))]).await;
    assert!(stream.next().await.unwrap().contains(">-1<"), "the newest value comes last");
}

#[tokio::test(start_paused = true)]
async fn a_reconnecting_page_is_shown_everything_anew() {
    let (world, browser, events) = device().await;
    let (_, mut stream) = Stream::open(&world, &browser, &events).await;
    stream.next().await.unwrap();
    drop(stream);
    world.report(1, &[("/3/0/9", Value::Integer(12))]).await;
    world.script.presence(1, Presence::Asleep);
    let (_, mut stream) = Stream::open(&world, &browser, &events).await;
    let message = stream.next().await.unwrap();
    assert!(message.contains(">12<") && message.contains("Asleep"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn other_devices_do_not_wake_the_stream() {
    let (world, browser, events) = device().await;
    world
        .register(&SampleDevice {
            id: 2,
            endpoint: "node-8",
            lwm2m: Version::V1_1,
            queue_mode: false,
            links: LINKS,
        })
        .await;
    let (_, mut stream) = Stream::open(&world, &browser, &events).await;
    stream.next().await.unwrap();
    world.report(2, &[("/3/0/9", Value::Integer(1))]).await;
    assert!(stream.is_quiet().await);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_no_model_describes_brings_its_table() {
    let (world, browser, events) = device().await;
    let (_, mut stream) = Stream::open(&world, &browser, &events).await;
    stream.next().await.unwrap();
    world.report(1, &[("/26241/0/9", Value::String("a\r\nb".into()))]).await;
    let message = stream.next().await.unwrap();
    assert!(
        message.contains("<table><tbody id=\"i-26241-0\">") && message.contains("id=\"r-26241-0-9\""),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_ends_its_streams() {
    let (world, mut browser, events) = device().await;
    let (_, mut stream) = Stream::open(&world, &browser, &events).await;
    stream.next().await.unwrap();
    let page = browser.get("/").await;
    browser.submit(&page, "form.account", &[]).await;
    world.report(1, &[("/3/0/9", Value::Integer(1))]).await;
    assert!(stream.next().await.unwrap().contains("event: end"));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_ends_its_streams() {
    let (mut world, browser, events) = device().await;
    let (_, mut stream) = Stream::open(&world, &browser, &events).await;
    stream.next().await.unwrap();
    world.stop();
    assert!(stream.next().await.unwrap().contains("event: end"));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn streams_are_bounded_and_a_closed_one_makes_room() {
    let (world, browser, _) = device().await;
    let mut open = Vec::new();
    for _ in 0..256 {
        let (status, stream) = Stream::open(&world, &browser, "/overview/events").await;
        assert_eq!(status, 200);
        open.push(stream);
    }
    assert_eq!(Stream::open(&world, &browser, "/overview/events").await.0, 503);
    open.pop();
    assert_eq!(Stream::open(&world, &browser, "/overview/events").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn the_overview_follows_the_fleet() {
    let (world, browser, _) = device().await;
    let (_, mut stream) = Stream::open(&world, &browser, "/overview/events").await;
    assert!(stream.next().await.unwrap().contains("id=\"counts\""));
    world
        .register(&SampleDevice {
            id: 2,
            endpoint: "node-8",
            lwm2m: Version::V1_1,
            queue_mode: false,
            links: LINKS,
        })
        .await;
    let message = stream.next().await.unwrap();
    assert!(message.contains("node-8") && message.contains(">2<"), "{message}");
}
