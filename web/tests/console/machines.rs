//! The routes for machines.

use std::sync::Arc;

use futures::FutureExt;
use web::Settings;

use crate::{browser::Browser, world::World};

#[tokio::test]
async fn machines_are_answered_without_a_login_and_in_plain_text() {
    let world = World::new().await;
    let mut machine = Browser::new(&world);
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n"), ("/metrics", "muster_up 1\n")] {
        let answer = machine.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, body));
        assert!(answer.header("content-type").starts_with("text/plain"), "{path}");
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn a_server_that_is_not_ready_says_why_in_one_line() {
    let mut world = World::new().await;
    let ready = Arc::new(|| async { Err("the store is full".to_owned()) }.boxed());
    world.router = web::router(Arc::clone(&world.fleet), Settings { ready, ..world.settings.clone() });
    let answer = Browser::new(&world).get("/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, "not ready: the store is full\n"));
}

#[tokio::test]
async fn a_panic_is_a_page_and_the_next_request_is_answered() {
    let mut world = World::new().await;
    let metrics = Arc::new(|| panic!("for the test"));
    world.router = web::router(Arc::clone(&world.fleet), Settings { metrics, ..world.settings.clone() });
    let mut machine = Browser::new(&world);
    let answer = machine.get("/metrics").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.text("#problem code"), answer.header("x-request-id"));
    assert!(!answer.body.contains("for the test"));
    assert_eq!(machine.get("/healthz").await.status, 200);
}
