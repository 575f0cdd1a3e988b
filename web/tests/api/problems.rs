//! Every error is a problem (RFC 9457), whatever goes wrong and wherever.

use std::sync::atomic::Ordering;

use axum::http::Method;
use serde_json::json;

use crate::{
    document::operations,
    matrix::request,
    world::{Ask, World},
};

#[tokio::test]
async fn every_kind_of_error_of_every_route_is_a_problem() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await.to_string();
    for (path, method, operation) in operations() {
        let name = format!("{method} {path}");
        let ask = || request(&path, &method, &operation, &device).by(&world.token);
        let with_query = |more: &str| {
            let mut ask = ask();
            let sign = if ask.path.contains('?') { '&' } else { '?' };
            ask.path = format!("{}{sign}{more}", ask.path);
            ask
        };
        let problem = world.send(with_query("colour=red")).await.problem(400, "bad-request");
        assert_eq!(problem.errors[0].field, "colour", "{name}");

        let wrong = Ask { method: Method::PATCH, ..ask() };
        let answer = world.send(wrong).await;
        answer.problem(405, "method-not-allowed");
        assert!(answer.header("allow").contains(&method.to_uppercase()), "{name}");

        let content = operation["requestBody"]["content"].as_object();
        let Some(content) = content else { continue };
        let bare = || Ask { headers: Vec::new(), body: Vec::new(), ..ask() };
        world.send(bare().body("image/png", "x")).await.problem(415, "unsupported-media-type");
        world.send(bare()).await.problem(415, "unsupported-media-type");
        let media_type = content.keys().next().unwrap();
        // What is streamed is measured part by part, by the fleet.
        if media_type == "multipart/form-data" {
            continue;
        }
        let limit = match path.rsplit('/').next() {
            Some("imports") => fleet::ImportReport::MAX_BYTES,
            Some("revocation-list") => fleet::RevocationList::MAX_BYTES / 2 * 3,
            _ => 4 * 1024 * 1024,
        };
        let large = vec![b' '; limit + 1];
        world.send(bare().body(media_type, large)).await.problem(413, "too-large");
        if media_type != "application/json" {
            continue;
        }
        for text in ["", "{", "nul", "\u{0}"] {
            world.send(bare().body("application/json", text)).await.problem(400, "bad-request");
        }
        let more = [ask().body, b" x".to_vec()].concat();
        world.send(bare().body("application/json", more)).await.problem(400, "bad-request");
        let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
        world.send(bare().body("application/json", deep)).await.problem(400, "bad-request");
        for text in ["[]", "null", "7", "\"x\""] {
            world.send(bare().body("application/json", text)).await.problem(422, "invalid");
        }
        let mut body: serde_json::Value = serde_json::from_slice(&ask().body).unwrap();
        body["colour"] = json!("red");
        let problem = world.send(bare().json(&body)).await.problem(422, "invalid");
        assert_eq!(problem.errors[0].field, "colour", "{name}: {problem:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let world = World::new().await;
    let nobody = "00000000000000000000000000000000";
    for path in [
        "",
        "/",
        "/nothing",
        "/devices/",
        "/devices/x",
        "/devices/%00",
        "/devices/../overview",
        &format!("/devices/{nobody}"),
        &format!("/devices/{nobody}/values"),
        &format!("/devices/{nobody}/operations/{nobody}"),
        &format!("/devices/{nobody}/bootstraps/{nobody}"),
        &format!("/diary/{nobody}"),
        "/classes/nothing/plan",
    ] {
        world.get(path).await.problem(404, "not-found");
    }
    world.delete("/models/70000/1.0").await.problem(404, "not-found");
    world.delete("/models/3/x").await.problem(404, "not-found");
    world.get("/devices/%ff").await.problem(400, "bad-request");
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    for (path, field) in [
        ("/devices?limit=0".to_owned(), "limit"),
        ("/devices?limit=501".to_owned(), "limit"),
        ("/devices?limit=x".to_owned(), "limit"),
        ("/devices?state=gone".to_owned(), "state"),
        ("/devices?after=%00".to_owned(), "after"),
        ("/devices?after=hello".to_owned(), "after"),
        ("/devices?endpoint=a&prefix=b".to_owned(), "endpoint"),
        ("/diary?cause=bad-luck".to_owned(), "cause"),
        ("/audit?since=yesterday".to_owned(), "since"),
        ("/events?after=-1".to_owned(), "after"),
        (format!("/devices/{device}/values?path=3"), "path"),
        (format!("/devices/{device}/values/history?path=%2F3%2F0%2F9&limit=9999"), "limit"),
    ] {
        let problem = world.get(&path).await.problem(400, "bad-request");
        assert_eq!(
            problem.errors.first().map(|error| error.field.as_str()),
            Some(field),
            "{path}: {problem:?}"
        );
    }
    world.get("/devices?limit=1&limit=2").await.problem(400, "bad-request");
    world.get(&format!("/devices/{device}/values/history")).await.problem(400, "bad-request");
    let ask = Ask::new(Method::GET, "/audit").by(&world.token).with("accept", "image/png");
    world.send(ask).await.problem(406, "not-acceptable");
    let ask = Ask::new(Method::GET, "/events").by(&world.token).with("last-event-id", "x");
    world.send(ask).await.problem(400, "bad-request");
}

#[tokio::test]
async fn what_the_domain_refuses_says_which_field() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    let field = |problem: web::api::v1::types::Problem| problem.errors[0].field.clone();
    for (path, body, expected) in [
        ("/devices".to_owned(), json!({"endpoint": ""}), "endpoint"),
        ("/devices".to_owned(), json!({"endpoint": "a\nb"}), "endpoint"),
        ("/devices".to_owned(), json!({"endpoint": "a", "class": "nothing"}), "class"),
        ("/devices".to_owned(), json!({"endpoint": "a", "bootstrap": {"key": "00"}}), "bootstrap.key"),
        ("/devices".to_owned(), json!({"endpoint": "a", "bootstrap": {"key": 7}}), "bootstrap.key"),
        ("/devices".to_owned(), json!({"class": "default"}), "endpoint"),
        ("/classes".to_owned(), json!({"name": " "}), "name"),
        ("/users".to_owned(), json!({"name": "a", "role": "viewer", "password": "short"}), "password"),
        (
            "/users".to_owned(),
            json!({"name": " a", "role": "viewer", "password": "correct horse battery"}),
            "name",
        ),
        (
            "/tokens".to_owned(),
            json!({"name": "a", "scope": "read", "expires_in_seconds": 0}),
            "expires_in_seconds",
        ),
        ("/webhooks".to_owned(), json!({"url": "ftp://example.com"}), "url"),
        (
            "/claims".to_owned(),
            json!({"name": "a", "quota": 0, "closes_at": "2126-01-01T00:00:00Z"}),
            "quota",
        ),
        (
            "/claims".to_owned(),
            json!({"name": "a", "quota": 1, "closes_at": "2001-01-01T00:00:00Z"}),
            "closes_at",
        ),
        (
            format!("/devices/{device}/credentials"),
            json!({"purpose": "management", "identity": ""}),
            "identity",
        ),
        (format!("/devices/{device}/revoke"), json!({"reason": " "}), "reason"),
        (
            format!("/devices/{device}/operations"),
            json!({"request": {"operation": "read", "path": "3"}}),
            "request",
        ),
        (
            format!("/devices/{device}/operations"),
            json!({"request": {"operation": "read", "path": "/3"}, "wait_seconds": 99}),
            "wait_seconds",
        ),
        ("/devices/removals".to_owned(), json!({"devices": ["x"], "reason": "gone"}), "devices[0]"),
    ] {
        let problem = world.post(&path, body.clone()).await.problem(422, "invalid");
        assert_eq!(field(problem), expected, "{path} {body}");
    }
    world.post("/devices", json!({"endpoint": "node-7"})).await.problem(409, "already-there");
    let admin = world.admin.public_id;
    let last = world.put(&format!("/users/{admin}/role"), json!({"role": "viewer"})).await;
    last.problem(409, "last-administrator");
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_server_goes_on() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    world.script.broken.store(true, Ordering::Relaxed);
    let problem = world.get(&format!("/devices/{device}")).await.problem(500, "internal");
    assert!(!problem.detail.contains("meant"), "what went wrong is for the log: {problem:?}");
    let body = json!({"request": {"operation": "read", "path": "/3/0"}});
    let answer = world.post(&format!("/devices/{device}/operations"), body).await;
    assert!(answer.status.is_server_error());
    world.script.broken.store(false, Ordering::Relaxed);
    assert_eq!(world.get(&format!("/devices/{device}")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_a_problem() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    world.script.stuck.store(true, Ordering::Relaxed);
    let answer = world.get(&format!("/devices/{device}")).await;
    answer.problem(503, "timed-out");
    assert_eq!(answer.header("retry-after"), "10");
}

#[tokio::test]
async fn a_store_that_fails_is_a_problem_without_details() {
    let world = World::new().await;
    world.store.set_unavailable(true);
    let problem = world.get("/overview").await.problem(503, "unavailable");
    assert_eq!(problem.detail, "try again in a moment");
}
