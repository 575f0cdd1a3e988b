//! What is sent to do harm.

use fleet::DiaryCause;

use super::{
    super::{Bounds, record},
    by_hand::{Device, EXTENDED_MASTER_SECRET, NONE},
    world::{Raw, World, first, hello},
};

#[tokio::test]
async fn fragments_come_to_nothing() {
    let mut world = World::new().await;
    let raw = Raw::to(&world).await;
    let body = hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 0]);
    // One byte of a message of 60 000 each: put together, they would overflow the stack of the engine.
    let fragment = |offset: u32| {
        let mut message = vec![record::CLIENT_HELLO, 0, 0xea, 0x60, 0, 0];
        message.extend(&offset.to_be_bytes()[1..]);
        message.extend([0, 0, 1, 7]);
        record::record(record::HANDSHAKE, 0, offset.into(), &message)
    };
    raw.send(&fragment(0)).await;
    assert_eq!(raw.alert().await, 50);
    let incident = world.incident(DiaryCause::MalformedHandshake).await;
    assert!(incident.detail.contains("in fragments"), "{}", incident.detail);
    // Neither do they within a handshake.
    raw.send(&first(&body)).await;
    assert_eq!(raw.receive().await[0], record::HANDSHAKE);
    for offset in 0..60_000 {
        raw.send(&fragment(offset)).await;
        if offset % 1_000 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut device = Device::inside(&world, "node-1", NONE).await;
    device.send(b"all is well").await;
    assert_eq!(world.datagram().await.2, b"all is well");
}

#[tokio::test]
async fn a_hello_that_cannot_be_read_begins_nothing() {
    let good = hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 0]);
    let mut cases = vec![
        // A block of extensions of one byte panics the engine; so does an extension longer than its block.
        hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 1, 0]),
        hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 4, 0, 10, 0, 9]),
        hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 0, 0]),
        hello(record::VERSION_1_2, &[0xc0a8], &[], &[0]),
        hello(record::VERSION_1_2, &[], &[], &[0, 0]),
    ];
    cases.extend((0..good.len() - 2).map(|len| good[..len].to_vec()));
    let world = World::new().await;
    for case in cases {
        let raw = Raw::to(&world).await;
        raw.send(&first(&case)).await;
        assert_eq!(raw.alert().await, 50, "{case:?}");
        assert_eq!(world.listener.table().handshakes.len(), 0, "{case:?}");
    }
    world.incident(DiaryCause::MalformedHandshake).await;
}

#[tokio::test]
async fn altered_bytes_harm_nobody() {
    let mut world = World::new().await;
    let hello = first(&hello(record::VERSION_1_2, &[0xc0a8, 0xc0a4], &[], EXTENDED_MASTER_SECRET));
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
    assert_eq!(world.listener.sessions(), 1);
}

#[tokio::test]
async fn a_session_id_is_refused_with_words() {
    let mut body = hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 0]);
    body[34] = 4;
    body.splice(35..35, [1, 2, 3, 4]);
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.send(&first(&body)).await;
    assert_eq!(raw.alert().await, 40);
    let incident = world.incident(DiaryCause::MalformedHandshake).await;
    assert!(incident.detail.contains("resume"), "{}", incident.detail);
}

#[tokio::test]
async fn only_a_first_hello_begins_a_handshake() {
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    let body = hello(record::VERSION_1_2, &[0xc0a8], &[9; 20], &[0, 0]);
    raw.send(&record::record(record::HANDSHAKE, 0, 1, &record::message(record::CLIENT_HELLO, 1, &body)))
        .await;
    raw.send(&record::record(record::HANDSHAKE, 0, 2, &record::message(16, 2, &[0, 1, 65]))).await;
    raw.send(&record::record(record::CHANGE_CIPHER_SPEC, 0, 3, &[1])).await;
    raw.send(&record::record(record::ALERT, 0, 4, &[2, 40])).await;
    raw.send(&record::record(record::HANDSHAKE, 1, 0, &[3; 40])).await;
    raw.send(&[22, 0xfe, 0xfd]).await;
    raw.send(&[0xff; 100]).await;
    raw.silent().await;
    assert_eq!(world.listener.table().handshakes.len(), 0);
    assert_eq!(world.incidents(), []);
}

#[tokio::test]
async fn a_false_cookie_does_no_harm() {
    let mut world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.send(&first(&hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 0]))).await;
    raw.receive().await;
    let body = hello(record::VERSION_1_2, &[0xc0a8], &[9; 20], &[0, 0]);
    raw.send(&record::record(record::HANDSHAKE, 0, 1, &record::message(record::CLIENT_HELLO, 1, &body)))
        .await;
    raw.silent().await;
    assert_eq!(world.listener.table().handshakes.len(), 1);
    let mut device = Device::inside(&world, "node-1", NONE).await;
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.2, b"inside");
}

#[tokio::test]
async fn forged_alerts_and_one_forged_finished_do_not_stop_a_handshake() {
    let mut world = World::new().await;
    let device = Device::ready(&world, "node-1", NONE).await;
    device.raw.send(&record::record(record::ALERT, 0, 2, &[record::FATAL, 40])).await;
    let key_exchange = record::records(&device.last_flight).next().unwrap().bytes.to_vec();
    device.raw.send(&key_exchange).await;
    device.raw.send(&record::record(record::HANDSHAKE, 1, 0, &[3; 40])).await;
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
        let mut body = hello(record::VERSION_1_2, &[0xc0a4], &[], EXTENDED_MASTER_SECRET);
        body[2..34].copy_from_slice(&device.raw.random());
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
    let key_exchange = record::records(&device.last_flight).next().unwrap().bytes.to_vec();
    // Sealed by the right key, of another transcript.
    let finished = device.seal(record::HANDSHAKE, &record::message(record::FINISHED, 3, &[5; 12]));
    device.raw.send(&[key_exchange, finished].concat()).await;
    assert_eq!(device.raw.alert().await, 51);
    world.incident(DiaryCause::MalformedHandshake).await;
    assert_eq!(world.listener.sessions(), 0);
}

#[tokio::test]
async fn no_more_handshakes_than_the_bounds_allow() {
    let bounds = Bounds { half_open_of_prefix: 3, ..Bounds::default() };
    let world = World::bounded(bounds).await;
    let hello = first(&hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 0]));
    let mut inside = Vec::new();
    for _ in 0..3 {
        let raw = Raw::to(&world).await;
        raw.send(&hello).await;
        raw.receive().await;
        inside.push(raw);
    }
    let raw = Raw::to(&world).await;
    raw.send(&hello).await;
    raw.silent().await;
    let incident = world.incident(DiaryCause::TooManyHandshakes).await;
    assert_eq!(incident.subject, "127.0.0.0/24");
    assert_eq!(world.listener.table().handshakes.len(), 3);

    let world = World::bounded(Bounds { half_open: 0, ..Bounds::default() }).await;
    let raw = Raw::to(&world).await;
    raw.send(&hello).await;
    world.incident(DiaryCause::TooManyHandshakes).await;
}

#[tokio::test]
async fn a_handshake_hears_no_more_datagrams_than_the_bounds_allow() {
    let world = World::bounded(Bounds { datagrams: 1, ..Bounds::default() }).await;
    let raw = Raw::to(&world).await;
    raw.send(&first(&hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 0]))).await;
    let verify = raw.receive().await;
    let cookie = &verify[record::HEADER + record::MESSAGE_HEADER + 3..];
    let body = hello(record::VERSION_1_2, &[0xc0a8], cookie, &[0, 0]);
    raw.send(&record::record(record::HANDSHAKE, 0, 1, &record::message(record::CLIENT_HELLO, 1, &body)))
        .await;
    raw.silent().await;
}
