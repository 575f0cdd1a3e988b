//! What every answer carries, and that every failure is a page.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use objects::Version;

use crate::{
    browser::Browser,
    world::{LINKS, SampleDevice, World, public_id},
};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[tokio::test]
async fn every_answer_is_guarded() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let mut ids = std::collections::BTreeSet::new();
    for path in
        ["/", "/login", "/devices", "/nowhere", "/setup/x", "/static/muster.css", "/healthz", "/metrics"]
    {
        let answer = browser.get(path).await;
        assert_eq!(answer.header("content-security-policy"), POLICY, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(
            answer.header("cache-control"),
            if path.starts_with("/static") { "no-cache" } else { "no-store" }
        );
        ids.insert(answer.header("x-request-id").to_owned());
    }
    assert_eq!(ids.len(), 8);
}

#[tokio::test]
async fn pages_hold_neither_inline_script_nor_inline_style() {
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
    let mut browser = Browser::logged_in(&world).await;
    world.report(1, &[("/3/0/9", objects::Value::Integer(80))]).await;
    for path in [
        "/",
        "/login",
        "/devices",
        "/diary",
        "/enrolment",
        "/settings/tokens",
        &format!("/devices/{}", public_id(1)),
        &format!("/devices/{}/objects", public_id(1)),
        &format!("/devices/{}/values?path=/3/0/9", public_id(1)),
        &format!("/devices/{}/nodes/3303", public_id(1)),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.texts("style, [style], script:not([src]), [onclick], [onload]"), [""; 0], "{path}");
        assert!(page.attributes("script", "src")[0].starts_with("/static/muster.js?v="));
    }
}

#[tokio::test]
async fn files_are_kept_under_their_hash_and_asked_for_by_etag_elsewhere() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let url = browser.get("/login").await.attributes("link[rel=stylesheet]", "href").remove(0);
    let kept = browser.get(&url).await;
    assert_eq!(kept.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(kept.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(browser.get("/static/muster.css?v=old").await.header("cache-control"), "no-cache");
    let request = Request::get("/static/muster.css").header(header::IF_NONE_MATCH, kept.header("etag"));
    assert_eq!(browser.send(request.body(Body::empty()).unwrap()).await.status, 304);
}

#[tokio::test]
async fn every_failure_is_a_page_that_says_what_to_do() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let device = public_id(9);
    let cookies = browser.cookie_header();
    let request = |method: Method, path: &str, content_type: &str, body: Vec<u8>| {
        let request = Request::builder().method(method).uri(path).header(header::COOKIE, &cookies);
        request.header(header::CONTENT_TYPE, content_type).body(Body::from(body)).unwrap()
    };
    let form = "application/x-www-form-urlencoded";
    for (status, request) in [
        (404, request(Method::GET, "/nowhere", "", vec![])),
        (404, request(Method::GET, "/devices/nonsense", "", vec![])),
        (404, request(Method::GET, &format!("/devices/{device}"), "", vec![])),
        (404, request(Method::GET, &format!("/devices/{device}/nodes/3/0/x"), "", vec![])),
        (404, request(Method::GET, "/setup/nonsense", "", vec![])),
        (405, request(Method::DELETE, "/devices", "", vec![])),
        (400, request(Method::GET, "/devices?prefix=a&prefix=b", "", vec![])),
        (400, request(Method::GET, "/devices?after=nonsense", "", vec![])),
        (415, request(Method::POST, "/login", "application/json", b"{}".to_vec())),
        (413, request(Method::POST, "/login", form, vec![b'a'; 3 * 1024 * 1024])),
        (400, request(Method::POST, "/login", "multipart/form-data", b"x".to_vec())),
        (403, request(Method::POST, "/login", form, b"name=a".to_vec())),
    ] {
        let path = request.uri().to_string();
        let answer = browser.send(request).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(answer.texts("#problem h1").len(), 1, "{path}: {}", answer.body);
        assert_eq!(answer.text("#problem code"), answer.header("x-request-id"));
        assert!(answer.text("#problem").contains(&format!("Error {status}")));
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_a_page_too_and_nobody_gets_in() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    world.store.set_unavailable(true);
    let answer = browser.get("/").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text("#problem").contains("Try again in a moment"));
    world.store.set_unavailable(false);
    assert_eq!(browser.get("/").await.status, 200);
}

#[tokio::test]
async fn a_request_for_the_head_alone_has_no_body() {
    let world = World::new().await;
    let request = Request::head("/nowhere").body(Body::empty()).unwrap();
    let answer = Browser::new(&world).send(request).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (404, ""));
}
