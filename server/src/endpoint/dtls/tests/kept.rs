//! What is kept of sessions before anybody uses them, and what a server that starts again makes of it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use dtls::{Alert, Bounds, Connect, Reason};
use fleet::{DiaryCause, Purpose};

use super::{
    by_hand::{Device, NONE},
    clients::Raw,
    own::{Own, psk},
    wire,
    world::World,
};
use crate::endpoint::{Incoming, Outlet};

/// A few numbers at a time.
fn few() -> Bounds {
    Bounds { reserve: 8, ..Bounds::default() }
}

#[tokio::test]
async fn a_session_is_kept_before_the_last_flight_leaves() {
    let mut world = World::new().await;
    world.gate.permits.forget_permits(1_000);
    let mut device = Device::ready(&world, "node-1", NONE).await;
    device.raw.send(&device.last_flight).await;
    world.until_opening(1).await;
    device.raw.silent().await;
    assert_eq!(world.kept(), []);
    world.gate.permits.add_permits(1);
    device.take_last_flight().await;
    assert_eq!(world.kept().len(), 1);
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.2, b"inside");
}

#[tokio::test]
async fn a_session_that_cannot_be_kept_is_none() {
    for panics in [false, true] {
        let mut world = World::new().await;
        let gate = Arc::clone(&world.gate);
        let failing = if panics { &gate.panics } else { &gate.fails };
        failing.store(true, Ordering::Relaxed);
        let device = Device::ready(&world, "node-1", NONE).await;
        device.raw.send(&device.last_flight).await;
        assert_eq!(device.raw.alert().await, 80);
        device.raw.silent().await;
        world.incident(DiaryCause::ServerUnavailable).await;
        world.nothing_but_ends().await;
        assert_eq!(world.kept(), []);
        // The client comes back when it can be.
        failing.store(false, Ordering::Relaxed);
        let mut device = Device::inside(&world, "node-1", NONE).await;
        device.send(b"inside").await;
        assert_eq!(world.datagram().await.2, b"inside");
        world.until_kept(1).await;
    }
}

#[tokio::test]
async fn what_is_kept_too_late_is_not_left_behind() {
    let bounds = Bounds { handshake_time: Duration::from_millis(300), ..Bounds::default() };
    let mut world = World::bounded(bounds).await;
    world.gate.permits.forget_permits(1_000);
    let device = Device::ready(&world, "node-1", NONE).await;
    device.raw.send(&device.last_flight).await;
    world.until_opening(1).await;
    world.incident(DiaryCause::HandshakeTimedOut).await;
    // The gate is told that it is over, and keeps it only then.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    world.gate.permits.add_permits(1);
    world.until_kept(1).await;
    world.until_kept(0).await;
    world.nothing_but_ends().await;
}

#[tokio::test]
async fn sessions_go_on_after_every_restart_without_a_handshake() {
    let mut world = World::bounded(few()).await;
    let webrtc = world.client().named("node-1").connect().await.unwrap();
    let mut own = Own::inside(&world, psk("node-2")).await;
    let without = Connect { connection_id: false, ..psk("node-3") };
    let mut plain = Own::inside(&world, without).await;
    let mut highest = 0;
    for round in 0..4_u8 {
        webrtc.send(&[round]).await;
        assert_eq!(world.datagram().await, (webrtc.address(), 1, vec![round]));
        for (client, id) in [(&mut own, 2), (&mut plain, 3)] {
            client.send(&[round]).await;
            assert_eq!(world.datagram().await, (client.address(), id, vec![round]));
            world.send(client.address(), b"to the device");
            // A number that was used before would be taken for a replay.
            assert_eq!(client.receive().await, b"to the device");
        }
        world.send(webrtc.address(), b"to the device");
        assert_eq!(webrtc.receive().await.unwrap(), b"to the device");
        let least = world.kept().iter().map(|session| session.reserved).min().unwrap();
        assert!(least > highest, "{least} {highest}");
        highest = least;
        world.restart().await;
        for _ in 0..3 {
            assert!(matches!(world.next().await, Incoming::SessionRestored { is_heard: true, .. }));
        }
    }
    assert_eq!(world.gate.opening.lock().unwrap().len(), 3);
    assert_eq!(world.incidents(), []);
    assert_eq!(world.gate.asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_record_from_before_a_restart_is_not_taken_again() {
    let mut world = World::new().await;
    let mut device = Device::inside(&world, "node-1", NONE).await;
    let mut own = Own::inside(&world, psk("node-2")).await;
    let recorded = device.send(b"once").await;
    assert_eq!(world.datagram().await.2, b"once");
    own.send(b"once more").await;
    assert_eq!(world.datagram().await.2, b"once more");
    world.restart().await;
    device.raw.send(&recorded).await;
    // From anywhere.
    Raw::to(&world).await.send(&own.last).await;
    device.send(b"new").await;
    assert_eq!(world.datagram().await, (device.raw.socket.local_addr().unwrap(), 1, b"new".to_vec()));
    own.send(b"new as well").await;
    assert_eq!(world.datagram().await, (own.address(), 2, b"new as well".to_vec()));
}

#[tokio::test]
async fn a_last_flight_that_was_lost_comes_again_after_a_restart() {
    let mut world = World::new().await;
    let mut device = Device::inside(&world, "node-1", NONE).await;
    world.restart().await;
    let again = device.seal(wire::HANDSHAKE, &wire::message(wire::FINISHED, 3, &[0; 12]));
    device.raw.send(&again).await;
    device.take_last_flight().await;
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.2, b"inside");
}

#[tokio::test]
async fn a_session_of_another_purpose_is_not_brought_back() {
    let mut world = World::new().await;
    let mut device = Device::inside(&world, "node-1", NONE).await;
    world.stop().await;
    for session in world.gate.sessions.lock().unwrap().values_mut() {
        session.identity.purpose = Purpose::Bootstrap;
    }
    world.start();
    world.listener.restore(world.kept()).await;
    world.until_kept(0).await;
    device.send(b"hello?").await;
    world.nothing_but_ends().await;
}

#[tokio::test]
async fn what_was_revoked_while_the_server_was_away_meets_silence() {
    let mut world = World::new().await;
    let mut own = Own::inside(&world, psk("node-1")).await;
    world.stop().await;
    world.start();
    // Read before, and taken away before it was handed over.
    world.listener.restore(world.kept()).await;
    world.revoke(1);
    own.send(b"hello?").await;
    world.until_kept(0).await;
    world.nothing_but_ends().await;
    let failure = Own::connect(&world, Connect { resume: Some(own.saved()), ..psk("node-1") }).await;
    let refused = failure.err().unwrap().reason;
    assert_eq!(refused, Reason::AlertReceived(Alert::UNKNOWN_PSK_IDENTITY));
}

#[tokio::test]
async fn numbers_are_used_only_once_they_are_kept() {
    let mut world = World::bounded(few()).await;
    let mut own = Own::inside(&world, psk("node-1")).await;
    let session = world.began().await;
    for _ in 0..100 {
        world.listener.send(own.address(), Some(session), b"one of many");
        assert_eq!(own.receive().await, b"one of many");
    }
    let reserved = world.gate.reserves.lock().unwrap().clone();
    assert!(reserved.is_sorted() && reserved.last().is_some_and(|upto| *upto > 100), "{reserved:?}");

    // Nothing can be kept for a while: what exceeds the numbers is lost, and then it goes on.
    world.gate.fail(true);
    for _ in 0..100 {
        world.listener.send(own.address(), Some(session), b"into the void");
    }
    own.send(b"hello").await;
    assert_eq!(world.datagram().await.2, b"hello");
    let kept = world.kept()[0].reserved;
    world.gate.fail(false);
    world.until(|| world.kept()[0].reserved > kept).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.listener.send(own.address(), Some(session), b"at last");
    let mut void = 0;
    while own.receive().await != b"at last" {
        void += 1;
    }
    assert!(void <= 16, "{void}");
}
