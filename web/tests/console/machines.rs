//! The routes for machines.

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
