//! What is sent to do harm.

use dtls::Bounds;
use fleet::DiaryCause;

use super::{
    by_hand::{Device, EXTENDED_MASTER_SECRET, NONE},
    clients::Raw,
    wire::{self, first, hello, second},
    world::World,
};

#[tokio::test]
async fn fragments_come_to_nothing() {
    let mut world = World::new().await;
    let raw = Raw::to(&world).await;
    // One byte of a message of 60 000 each.
    let fragment = |kind: u8, offset: u32| {
        let mut message = vec![kind, 0, 0xea, 0x60, 0, 2];
        message.extend(&offset.to_be_bytes()[1..]);
        message.extend([0, 0, 1, 7]);
        wire::record(wire::HANDSHAKE, 0, offset.into(), &message)
    };
    for kind in [wire::CLIENT_HELLO, wire::CLIENT_KEY_EXCHANGE] {
        // Outside of a handshake, and within one.
        for offset in 0..20_000 {
            raw.send(&fragment(kind, offset)).await;
            if offset % 1_000 == 0 {
                tokio::task::yield_now().await;
            }
        }
        raw.greet(wire::VERSION_1_2, &[0xc0a8], &[0, 0]).await;
    }
    let mut device = Device::inside(&world, "node-1", NONE).await;
    device.send(b"all is well").await;
    assert_eq!(world.datagram().await.2, b"all is well");
}

#[tokio::test]
async fn a_hello_that_cannot_be_read_begins_nothing() {
    let world = World::new().await;
    let tails: [&[u8]; 4] = [&[0, 1, 0], &[0, 4, 0, 10, 0, 9], &[0, 0, 0], &[0]];
    for tail in tails {
        let raw = Raw::to(&world).await;
        raw.greet(wire::VERSION_1_2, &[0xc0a8], tail).await;
        assert_eq!(raw.alert().await, 50, "{tail:?}");
    }
    world.incident(DiaryCause::MalformedHandshake).await;
    // Nothing comes of one that is cut short and brings no cookie.
    let good = hello(wire::VERSION_1_2, &[0xc0a8], &[], &[0, 0]);
    for len in 0..34 {
        let raw = Raw::to(&world).await;
        raw.send(&first(&good[..len])).await;
        raw.silent().await;
    }
}

#[tokio::test]
async fn altered_bytes_harm_nobody() {
    let mut world = World::new().await;
    let hello = first(&hello(wire::VERSION_1_2, &[0xc0a8, 0xc0a4], &[], EXTENDED_MASTER_SECRET));
    let device = Device::ready(&world, "node-1", NONE).await;
    let strangers = [Raw::to(&world).await, Raw::to(&world).await];
    for (datagram, from) in [(&hello, &strangers[0]), (&device.last_flight, &strangers[1])] {
        for at in 0..datagram.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut altered = datagram.clone();
                altered[at] ^= flip;
                from.send(&altered).await;
                from.send(&altered[..at]).await;
            }
            tokio::task::yield_now().await;
        }
    }
    device.raw.send(&device.last_flight).await;
    device.take_last_flight().await;
    let mut device = device;
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.2, b"inside");
    assert_eq!(world.kept().len(), 1);
}

#[tokio::test]
async fn only_a_first_hello_begins_a_handshake() {
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.send(&wire::record(wire::HANDSHAKE, 0, 2, &wire::message(16, 2, &[0, 1, 65]))).await;
    raw.send(&wire::record(wire::CHANGE_CIPHER_SPEC, 0, 3, &[1])).await;
    raw.send(&wire::record(wire::ALERT, 0, 4, &[2, 40])).await;
    raw.send(&wire::record(wire::HANDSHAKE, 1, 0, &[3; 40])).await;
    raw.send(&[22, 0xfe, 0xfd]).await;
    raw.send(&[0xff; 100]).await;
    raw.silent().await;
    assert_eq!(world.incidents(), []);
}

#[tokio::test]
async fn a_false_cookie_does_no_harm() {
    let mut world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.send(&second(&hello(wire::VERSION_1_2, &[0xc0a8], &[9; 20], &[0, 0]))).await;
    // It is asked for a good one.
    assert!(wire::cookie(&raw.receive().await).is_some());
    raw.silent().await;
    let mut device = Device::inside(&world, "node-1", NONE).await;
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.2, b"inside");
    assert_eq!(world.incidents(), []);
}

#[tokio::test]
async fn forged_alerts_and_one_forged_finished_do_not_stop_a_handshake() {
    let mut world = World::new().await;
    let device = Device::ready(&world, "node-1", NONE).await;
    let key_exchange = wire::records(&device.last_flight).next().unwrap().bytes.to_vec();
    device.raw.send(&key_exchange).await;
    world.until_named(1).await;
    device.raw.send(&wire::record(wire::HANDSHAKE, 1, 0, &[3; 40])).await;
    device.raw.send(&wire::record(wire::ALERT, 0, 4, &[wire::FATAL, 40])).await;
    device.raw.send(&device.last_flight).await;
    device.take_last_flight().await;
    let mut device = device;
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.2, b"inside");
    assert_eq!(world.incidents(), []);
}

#[tokio::test]
async fn a_hello_in_the_name_of_a_client_does_not_stop_its_handshake() {
    let mut world = World::new().await;
    let mut device = Device::ready(&world, "node-1", NONE).await;
    // Of other randoms and suites than the client's own.
    for _ in 0..10 {
        let mut body = hello(wire::VERSION_1_2, &[0xc0a4], &[], EXTENDED_MASTER_SECRET);
        body[2..34].copy_from_slice(&Raw::random());
        device.raw.send(&first(&body)).await;
    }
    device.raw.send(&device.last_flight).await;
    device.take_last_flight().await;
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.2, b"inside");
    assert_eq!(world.incidents(), []);
}

#[tokio::test]
async fn an_altered_finished_opens_nothing() {
    let world = World::new().await;
    let mut device = Device::ready(&world, "node-1", NONE).await;
    let key_exchange = wire::records(&device.last_flight).next().unwrap().bytes.to_vec();
    // Sealed by the right key, of another transcript.
    let finished = device.seal(wire::HANDSHAKE, &wire::message(wire::FINISHED, 3, &[5; 12]));
    device.raw.send(&[key_exchange, finished].concat()).await;
    assert_eq!(device.raw.alert().await, 51);
    world.incident(DiaryCause::MalformedHandshake).await;
    assert_eq!(world.kept(), []);
}

#[tokio::test]
async fn no_more_handshakes_than_the_bounds_allow() {
    let one_network = Bounds { handshakes_of_network: 3, ..Bounds::default() };
    let all = Bounds { handshakes: 3, ..Bounds::default() };
    for bounds in [one_network, all] {
        let world = World::bounded(bounds).await;
        let mut inside = Vec::new();
        for _ in 0..3 {
            let raw = Raw::to(&world).await;
            raw.greet(wire::VERSION_1_2, &[0xc0a8], &[0, 0]).await;
            assert_eq!(raw.receive().await[0], wire::HANDSHAKE);
            inside.push(raw);
        }
        let raw = Raw::to(&world).await;
        raw.greet(wire::VERSION_1_2, &[0xc0a8], &[0, 0]).await;
        raw.silent().await;
        let incident = world.incident(DiaryCause::TooManyHandshakes).await;
        assert_eq!(incident.subject, "127.0.0.1");
    }
}
