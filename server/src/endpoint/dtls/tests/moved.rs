//! Sessions that are heard from elsewhere, and sessions that nobody was told of.

use dtls::Connect;
use fleet::{ListenerId, Purpose, Source};

use super::{
    own::{Own, psk},
    world::World,
};
use crate::endpoint::{Incoming, Outlet};

#[tokio::test]
async fn a_session_is_followed_to_where_its_client_is_heard() {
    let mut world = World::new().await;
    let mut client = Own::inside(&world, psk("node-1")).await;
    client.send(b"home").await;
    assert_eq!(world.datagram().await.2, b"home");
    let (home, session) = (client.address(), world.kept()[0].id);
    client.rebind().await;
    client.send(b"away").await;
    // One datagram may be somebody else's: the session is where it was.
    assert_eq!(world.datagram().await, (home, 1, b"away".to_vec()));
    client.send(b"still away").await;
    let moved = world.next().await;
    let [from, to] = [home, client.address()].map(|address| Source { listener: ListenerId(3), address });
    assert_eq!(moved, Incoming::SessionMoved { session, from, to });
    assert_eq!(world.datagram().await, (client.address(), 1, b"still away".to_vec()));
    world.send(client.address(), b"there you are");
    assert_eq!(client.receive().await, b"there you are");
}

#[tokio::test]
async fn a_restored_session_is_followed_once_its_client_is_confirmed() {
    let mut world = World::new().await;
    let mut client = Own::inside(&world, psk("node-1")).await;
    client.send(b"home").await;
    assert_eq!(world.datagram().await.2, b"home");
    let (home, session) = (client.address(), world.kept()[0].id);
    world.restart().await;
    assert!(matches!(world.next().await, Incoming::SessionRestored { session: id, .. } if id == session));
    client.rebind().await;
    for _ in 0..3 {
        client.send(b"away").await;
        // Whoever has recorded what came before the restart could send this.
        assert_eq!(world.datagram().await, (home, 1, b"away".to_vec()));
    }
    world.send(home, b"who is there?");
    assert_eq!(client.receive().await, b"who is there?");
    world.listener.confirm(session);
    assert_eq!(world.moved().await, (session, home, client.address()));
    client.send(b"it is me").await;
    assert_eq!(world.datagram().await, (client.address(), 1, b"it is me".to_vec()));
}

#[tokio::test]
async fn a_client_without_a_connection_id_is_nobody_elsewhere() {
    let mut world = World::new().await;
    let connect = Connect { connection_id: false, ..psk("node-1") };
    let mut client = Own::inside(&world, connect).await;
    world.began().await;
    client.rebind().await;
    client.send(b"away").await;
    world.nothing_but_ends().await;
}

#[tokio::test]
async fn a_session_is_told_of_again_where_that_is_wanted() {
    let mut world = World::new().await;
    let client = Own::inside(&world, psk("node-2")).await;
    let session = world.began().await;
    world.listener.introduce(session);
    let told = world.next().await;
    let Incoming::SessionRestored { origin, session: id, began_at, is_heard: false } = told else {
        panic!("{told:?}")
    };
    assert_eq!((origin.source.address, id), (client.address(), session));
    assert_eq!(origin.identity.unwrap().credential.0, 2);
    assert_eq!(began_at, world.kept()[0].began_at);
    // What is not there is not told of, and neither is what was revoked.
    world.listener.introduce(fleet::SecureSessionId(session.0 ^ 1));
    world.revoke(2);
    world.listener.introduce(session);
    world.nothing_but_ends().await;
}

#[tokio::test]
async fn what_a_bootstrap_server_hears_is_kept() {
    let mut world = World::of(Purpose::Bootstrap, dtls::Config::default());
    let mut client = Own::inside(&world, psk("node-1")).await;
    client.send(b"hello").await;
    assert_eq!(world.datagram().await.2, b"hello");
    // The Finished, and this.
    world.until(|| world.kept()[0].received == 2).await;
    world.restart().await;
    client.send(b"again").await;
    assert_eq!(world.datagram().await.2, b"again");
}
