//! `Idempotency-Key`: what names itself is done once.

use std::sync::atomic::Ordering;

use axum::http::Method;
use fleet::Role;
use serde_json::json;
use web::api::v1::types::{Device, Enrolled, MadeToken, Page};

use crate::world::{Ask, World};

fn named(world: &World, path: &str, key: &str, body: &serde_json::Value) -> Ask {
    Ask::new(Method::POST, path).by(&world.token).with("idempotency-key", key).json(body)
}

#[tokio::test]
async fn the_same_request_is_done_once_and_its_secret_is_shown_once() {
    let world = World::new().await;
    let ask = named(&world, "/devices", "k1", &json!({"endpoint": "node-7", "bootstrap": {}}));
    let first = world.send(ask.clone()).await;
    let made: Enrolled = first.body(201);
    assert!(made.credentials[0].key.as_ref().is_some_and(|key| key.len() == 32));
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = world.send(ask).await;
    let replayed: Enrolled = again.body(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("content-type"), "application/json");
    assert_eq!((&replayed.id, &replayed.credentials[0].key), (&made.id, &None));
    assert!(!again.text.contains(made.credentials[0].key.as_ref().unwrap()));
    let devices: Page<Device> = world.get("/devices").await.body(200);
    assert_eq!(devices.items.len(), 1);

    let token = named(&world, "/tokens", "k2", &json!({"name": "ci", "scope": "read"}));
    let made: MadeToken = world.send(token.clone()).await.body(201);
    let replayed: MadeToken = world.send(token).await.body(201);
    assert_eq!((replayed.token, replayed.text), (made.token, None));
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let world = World::new().await;
    let _: serde_json::Value =
        world.send(named(&world, "/classes", "k", &json!({"name": "a"}))).await.body(201);
    let other = world.send(named(&world, "/classes", "k", &json!({"name": "b"}))).await;
    other.problem(422, "idempotency-key-reused");
    // The name belongs to the token.
    let second = world.token_of(&world.admin, Role::Administrator, None).await;
    let mine = Ask { token: Some(second), ..named(&world, "/classes", "k", &json!({"name": "b"})) };
    let _: serde_json::Value = world.send(mine).await.body(201);
}

#[tokio::test]
async fn a_refusal_is_an_answer_too() {
    let world = World::new().await;
    let ask = named(&world, "/classes", "k", &json!({"name": "default"}));
    let first = world.send(ask.clone()).await;
    first.problem(409, "already-there");
    let again = world.send(ask).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn a_request_that_is_under_way_is_not_begun_again() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    world.script.silent.store(true, Ordering::Relaxed);
    let body = json!({"request": {"operation": "execute", "path": "/3/0/4"}, "wait_seconds": 1});
    let ask = named(&world, &format!("/devices/{device}/operations"), "k", &body);
    let (first, second) = tokio::join!(world.send(ask.clone()), async {
        tokio::task::yield_now().await;
        world.send(ask.clone()).await
    });
    assert_eq!(first.status, 202);
    second.problem(409, "idempotency-under-way");
    assert_eq!(world.script.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_short_and_visible() {
    let world = World::new().await;
    for key in ["", " ", "a b", &"x".repeat(256)] {
        let ask = named(&world, "/classes", key, &json!({"name": "a"}));
        let problem = world.send(ask).await.problem(400, "bad-request");
        assert_eq!(problem.errors[0].field, "idempotency-key", "{key:?}");
    }
}
