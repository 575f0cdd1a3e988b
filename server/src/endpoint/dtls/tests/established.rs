//! What an established session bears, and how it ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use dtls::Bounds;
use fleet::DiaryCause;

use super::{
    by_hand::{Device, EXTENDED_MASTER_SECRET, NONE},
    clients::OTHER_KEY,
    gate::KEY,
    wire::{self, first, hello},
    world::{SOON, World},
};

#[tokio::test]
async fn nothing_forged_ends_a_session() {
    let mut world = World::new().await;
    let client = world.client().connect().await.unwrap();
    // What an attacker sends in the name of the client's address.
    let forged = [
        wire::record(wire::ALERT, 0, 9, &[wire::FATAL, 40]),
        wire::record(wire::ALERT, 0, 10, &[wire::WARNING, 0]),
        wire::record(wire::CHANGE_CIPHER_SPEC, 0, 11, &[1]),
        wire::record(wire::CHANGE_CIPHER_SPEC, 1, 12, &[0; 40]),
        wire::record(wire::HANDSHAKE, 1, 13, &[0; 40]),
        wire::record(wire::APPLICATION_DATA, 1, 1 << 40, &[0xaa; 60]),
        wire::record(wire::APPLICATION_DATA, 1, 14, &[]),
        wire::record(wire::APPLICATION_DATA, 1, 15, &[0; 15]),
        wire::record(wire::ALERT, 1, 16, &[2, 40]),
        wire::record(wire::APPLICATION_DATA, 2, 0, &[0xaa; 60]),
        vec![22; 200],
        vec![0xff; 30],
        vec![23],
    ];
    for datagram in forged {
        client.socket.send(&datagram).await.unwrap();
    }
    client.send(b"still here").await;
    assert_eq!(world.datagram().await.2, b"still here");
    world.send(client.address(), b"so am I");
    assert_eq!(client.receive().await.unwrap(), b"so am I");
}

#[tokio::test]
async fn a_replayed_record_is_taken_once() {
    let mut world = World::new().await;
    let mut device = Device::inside(&world, "node-1", NONE).await;
    let late = device.seal(wire::APPLICATION_DATA, b"late");
    let one = device.send(b"one").await;
    for datagram in [&one, &late, &one, &late] {
        device.raw.send(datagram).await;
    }
    for _ in 0..70 {
        device.seal(wire::APPLICATION_DATA, b"lost");
    }
    device.send(b"two").await;
    // Now behind the window.
    device.raw.send(&late).await;
    device.send(b"three").await;
    for bytes in [&b"one"[..], b"late", b"two", b"three"] {
        assert_eq!(world.datagram().await.2, bytes);
    }
}

#[tokio::test]
async fn a_rebooted_client_comes_back_from_the_same_address() {
    let mut world = World::new().await;
    let client = world.client().connect().await.unwrap();
    client.send(b"before").await;
    assert_eq!(world.datagram().await.2, b"before");
    let (address, socket) = (client.address(), Arc::clone(&client.socket));
    drop(client);
    // A ClientHello that leads to nothing leaves the session alone (RFC 6347 §4.2.8).
    socket.send(&first(&hello(wire::VERSION_1_2, &[0xc0a8], &[], &[0, 0]))).await.unwrap();
    socket.recv(&mut [0; 100]).await.unwrap();
    world.nothing_but_ends().await;
    assert_eq!(world.kept().len(), 1);
    let client = world.client().named("node-2").connect_from(socket).await.unwrap();
    assert_eq!(world.ended().await, address);
    client.send(b"after").await;
    assert_eq!(world.datagram().await, (address, 2, b"after".to_vec()));
    world.until_kept(1).await;
}

#[tokio::test]
async fn a_session_ends_when_its_client_is_inside_again_though_a_wrong_key_came_in_between() {
    let mut world = World::new().await;
    let device = Device::inside(&world, "node-1", NONE).await;
    let stranger = Device::ready_by(device.raw, OTHER_KEY, "node-1", NONE).await;
    stranger.raw.send(&stranger.last_flight).await;
    world.until(|| world.gate.asked.lock().unwrap().len() == 2).await;
    let begun = Instant::now();
    let device = Device::ready_by(stranger.raw, KEY, "node-1", NONE).await;
    assert!(begun.elapsed() < SOON / 2, "{:?}", begun.elapsed());
    assert_eq!(world.kept().len(), 1);
    device.raw.send(&device.last_flight).await;
    device.take_last_flight().await;
    assert_eq!(world.ended().await, device.raw.socket.local_addr().unwrap());
    let mut device = device;
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.2, b"inside");
    world.until_kept(1).await;
    world.incident(DiaryCause::WrongKey).await;
}

#[tokio::test]
async fn a_revoked_session_ends_at_once_and_nothing_more_comes_of_it() {
    let mut world = World::new().await;
    let client = world.client().connect().await.unwrap();
    let other = world.client().named("node-2").connect().await.unwrap();
    client.send(b"before").await;
    assert_eq!(world.datagram().await.2, b"before");
    world.revoke(1);
    client.send(b"after").await;
    world.send(client.address(), b"nor this");
    assert_eq!(world.ended().await, client.address());
    world.nothing_but_ends().await;
    // The client is told by a close_notify.
    assert!(client.receive().await.is_err());
    other.send(b"unharmed").await;
    assert_eq!(world.datagram().await, (other.address(), 2, b"unharmed".to_vec()));
}

#[tokio::test]
async fn a_client_that_says_good_bye_is_gone() {
    let mut world = World::new().await;
    let client = world.client().connect().await.unwrap();
    client.dtls.close().await.unwrap();
    assert_eq!(world.ended().await, client.address());
    world.until_kept(0).await;
}

#[tokio::test]
async fn the_session_that_was_silent_longest_makes_room() {
    let mut world = World::bounded(Bounds { sessions: 2, ..Bounds::default() }).await;
    let one = world.client().named("node-1").connect().await.unwrap();
    let two = world.client().named("node-2").connect().await.unwrap();
    one.send(b"busy").await;
    assert_eq!(world.datagram().await.1, 1);
    let three = world.client().named("node-3").connect().await.unwrap();
    assert_eq!(world.ended().await, two.address());
    assert!(two.receive().await.is_err());
    world.until_kept(2).await;
    for (client, id) in [(&one, 1), (&three, 3)] {
        client.send(b"inside").await;
        assert_eq!(world.datagram().await.1, id);
    }
}

#[tokio::test]
async fn a_device_with_many_sessions_takes_the_room_of_no_other() {
    let mut world = World::bounded(Bounds { sessions: 6, ..Bounds::default() }).await;
    let other = world.client().named("node-2").connect().await.unwrap();
    let mut many = Vec::new();
    for _ in 0..8 {
        many.push(world.client().named("node-1").connect().await.unwrap());
    }
    for first in &many[..4] {
        assert_eq!(world.ended().await, first.address());
        assert!(first.receive().await.is_err());
    }
    world.until_kept(5).await;
    for (client, id) in [(&other, 2), (&many[4], 1), (&many[7], 1)] {
        client.send(b"inside").await;
        assert_eq!(world.datagram().await.1, id);
    }
}

#[tokio::test]
async fn a_silent_session_ends() {
    let mut world = World::bounded(Bounds { idle: Duration::from_millis(60), ..Bounds::default() }).await;
    let client = world.client().connect().await.unwrap();
    assert_eq!(world.ended().await, client.address());
    world.until_kept(0).await;
}

#[tokio::test]
async fn a_lost_last_flight_comes_again() {
    let mut world = World::new().await;
    let mut device = Device::ready(&world, "node-5", EXTENDED_MASTER_SECRET).await;
    device.raw.send(&device.last_flight).await;
    device.take_last_flight().await;
    // As if it had not: the same flight in new records (RFC 6347 §4.2.4).
    let finished = wire::message(wire::FINISHED, 3, &[0; 12]);
    for _ in 0..2 {
        let repeated = device.seal(wire::HANDSHAKE, &finished);
        device.raw.send(&repeated).await;
        device.take_last_flight().await;
    }
    // A replay of it gets nothing, and neither does a client that is known to be inside.
    device.raw.send(&device.last_flight).await;
    device.send(b"hello").await;
    assert_eq!(world.datagram().await.1, 5);
    let repeated = device.seal(wire::HANDSHAKE, &finished);
    device.raw.send(&repeated).await;
    device.raw.silent().await;
}
