//! Who gets in, and what is written of who does not.

use std::time::{Duration, Instant};

use dtls::Bounds;
use fleet::{CredentialId, DeviceId, DiaryCause, Purpose};
use webrtc_dtls::cipher_suite::CipherSuiteId;

use super::{
    by_hand::{Device, EXTENDED_MASTER_SECRET, NONE},
    clients::{OTHER_KEY, Raw},
    gate::{KEY, identity_of},
    wire,
    world::{SOON, World},
};
use crate::endpoint::Incoming;

#[tokio::test]
async fn a_client_with_the_right_key_gets_in_by_each_suite() {
    let mut world = World::new().await;
    for suite in [0xc0a8, 0xc0a4, 0x00a8].map(CipherSuiteId::from) {
        let client = world.client().offering(&[suite]).connect().await.unwrap();
        let Incoming::SessionBegan(origin, _) = world.next().await else { panic!("a session began") };
        assert_eq!(origin.source.address, client.address());
        assert_eq!(origin.identity, Some(identity_of(1, Purpose::Management)));
        client.send(b"from the device").await;
        assert_eq!(world.datagram().await, (client.address(), 1, b"from the device".to_vec()));
        world.send(client.address(), b"to the device");
        assert_eq!(client.receive().await.unwrap(), b"to the device");
    }
    world.until_kept(3).await;
    assert_eq!(world.incidents(), []);
}

#[tokio::test]
async fn extensions_are_no_condition() {
    // tinydtls sends none, and no empty block either.
    let mut world = World::new().await;
    for extensions in [NONE, &[0, 0], EXTENDED_MASTER_SECRET] {
        let mut device = Device::inside(&world, "node-4", extensions).await;
        device.send(b"hello").await;
        assert_eq!(world.datagram().await.1, 4);
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_after_the_third_finished() {
    let world = World::new().await;
    let error = world.client().with_key(OTHER_KEY).connect().await.err().unwrap();
    let incident = world.incident(DiaryCause::WrongKey).await;
    assert_eq!((incident.subject.as_str(), incident.device), ("node-1", Some(DeviceId(1))));
    assert!(incident.detail.contains("TLS_PSK_WITH_AES_128_CCM_8 (0xC0A8)"), "{}", incident.detail);
    assert!(incident.listener.starts_with("coaps://127.0.0.1:"));
    // decrypt_error came.
    assert!(error.to_string().to_lowercase().contains("alert"), "{error}");
    assert_eq!(world.kept(), []);
}

#[tokio::test]
async fn a_wrong_key_is_told_once_and_so_it_is_of_a_client_that_gives_up() {
    let bounds = Bounds { handshake_time: Duration::from_millis(800), ..Bounds::default() };
    for tries in [1, 3] {
        let world = World::bounded(bounds).await;
        let device = Device::ready_by(Raw::to(&world).await, OTHER_KEY, "node-1", NONE).await;
        for _ in 0..tries {
            device.raw.send(&device.last_flight).await;
        }
        let incident = world.incident(DiaryCause::WrongKey).await;
        assert_eq!((incident.subject.as_str(), incident.device), ("node-1", Some(DeviceId(1))));
        if tries == 3 {
            assert_eq!(device.raw.alert().await, 51);
        }
        tokio::time::sleep(bounds.handshake_time).await;
        assert_eq!(world.incidents().len(), 1);
    }
}

#[tokio::test]
async fn a_client_that_died_within_its_handshake_comes_back_from_the_same_address() {
    for flight in [false, true] {
        let mut world = World::new().await;
        let dead = Device::ready(&world, "node-1", NONE).await;
        if flight {
            // All but the Finished.
            let key_exchange = wire::records(&dead.last_flight).next().unwrap().bytes.to_vec();
            dead.raw.send(&key_exchange).await;
            world.until_named(1).await;
        }
        let died = Instant::now();
        let device = Device::ready_by(dead.raw, KEY, "node-2", NONE).await;
        assert!(died.elapsed() < SOON / 2, "{:?}", died.elapsed());
        let incident = world.incident(DiaryCause::HandshakeTimedOut).await;
        assert!(incident.detail.contains("the client began anew"), "{}", incident.detail);
        device.raw.send(&device.last_flight).await;
        device.take_last_flight().await;
        let mut device = device;
        device.send(b"inside").await;
        assert_eq!(world.datagram().await.1, 2);
    }
}

#[tokio::test]
async fn an_identity_that_can_be_nobodys_is_told_as_such() {
    for identity in ["", &*"x".repeat(129)] {
        let world = World::new().await;
        let device = Device::ready(&world, identity, NONE).await;
        device.raw.send(&device.last_flight).await;
        assert_eq!(device.raw.alert().await, 50);
        let incident = world.incident(DiaryCause::MalformedHandshake).await;
        assert_eq!((incident.subject.as_str(), incident.device), ("127.0.0.1", None));
        assert!(incident.detail.contains("the PSK identity can't be read"), "{}", incident.detail);
        assert_eq!(world.incidents().len(), 1);
    }
}

#[tokio::test]
async fn an_unknown_identity_is_told() {
    let world = World::new().await;
    assert!(world.client().named("node-x").connect().await.is_err());
    let incident = world.incident(DiaryCause::UnknownIdentity).await;
    assert_eq!((incident.subject.as_str(), incident.device), ("node-x", None));
    assert!(incident.detail.contains("no credential"), "{}", incident.detail);
}

#[tokio::test]
async fn a_refusal_tells_whose_fault_it_is() {
    let world = World::new().await;
    for (identity, alert) in [("stranger", 115), ("node-9", 80)] {
        let device = Device::ready(&world, identity, NONE).await;
        device.raw.send(&device.last_flight).await;
        assert_eq!(device.raw.alert().await, alert, "{identity}");
    }
    world.incident(DiaryCause::ServerUnavailable).await;
    // Proved, but refused meanwhile.
    let device = Device::ready(&world, "node-1", NONE).await;
    world.gate.permits.forget_permits(1_000);
    device.raw.send(&device.last_flight).await;
    world.until_opening(1).await;
    world.gate.revoked.lock().unwrap().insert(CredentialId(1));
    world.gate.permits.add_permits(1);
    assert_eq!(device.raw.alert().await, 49);
    assert_eq!(world.kept(), []);
}

#[tokio::test]
async fn a_panic_ends_one_handshake() {
    let mut world = World::new().await;
    let device = Device::ready(&world, "node-8", NONE).await;
    device.raw.send(&device.last_flight).await;
    let incident = world.incident(DiaryCause::ServerUnavailable).await;
    assert!(incident.detail.contains("the server failed"), "{}", incident.detail);
    let mut device = Device::inside(&world, "node-1", NONE).await;
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.2, b"inside");
}

#[tokio::test]
async fn a_revoked_credential_does_not_get_in_again() {
    let world = World::new().await;
    world.revoke(1);
    assert!(world.client().connect().await.is_err());
    let incident = world.incident(DiaryCause::CredentialRevoked).await;
    assert_eq!((incident.subject.as_str(), incident.device), ("node-1", Some(DeviceId(1))));
}

#[tokio::test]
async fn a_credential_revoked_within_the_handshake_opens_nothing() {
    let mut world = World::new().await;
    world.gate.permits.forget_permits(1_000);
    let client = tokio::spawn(world.client().connect());
    world.until_opening(1).await;
    world.revoke(1);
    world.gate.permits.add_permits(10);
    // The client repeats its flight to nobody.
    world.nothing_but_ends().await;
    assert_eq!(world.kept(), []);
    client.abort();
}

#[tokio::test]
async fn a_gate_that_is_slow_with_one_serves_others() {
    let mut world = World::new().await;
    let slow = Device::ready(&world, "node-7", NONE).await;
    slow.raw.send(&slow.last_flight).await;
    world.until_named(7).await;
    let mut device = Device::inside(&world, "node-1", NONE).await;
    device.send(b"inside").await;
    assert_eq!(world.datagram().await.1, 1);
    // The same for one that is to be kept.
    world.gate.permits.forget_permits(1_000);
    world.gate.lookups.add_permits(1);
    world.until_opening(2).await;
    device.send(b"still inside").await;
    assert_eq!(world.datagram().await.1, 1);
    world.gate.permits.add_permits(1);
    slow.take_last_flight().await;
    let mut slow = slow;
    slow.send(b"inside").await;
    assert_eq!(world.datagram().await.1, 7);
}

#[tokio::test]
async fn no_common_suite_is_told_with_what_was_offered() {
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.greet(wire::VERSION_1_2, &[0x008c, 0xc02c, 0xabcd], &[]).await;
    assert_eq!(raw.alert().await, 40);
    let incident = world.incident(DiaryCause::NoCommonSuite).await;
    assert!(incident.detail.contains("TLS_PSK_WITH_AES_128_CBC_SHA (0x008C)"), "{}", incident.detail);
    assert!(incident.detail.contains("0xABCD; served: TLS_"), "{}", incident.detail);
    assert_eq!(incident.subject, "127.0.0.1");
}

#[tokio::test]
async fn version_1_0_alone_is_told() {
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.greet(wire::VERSION_1_0, &[0xc0a8], &[]).await;
    assert_eq!(raw.alert().await, 70);
    world.incident(DiaryCause::NoCommonVersion).await;
}

#[tokio::test]
async fn a_client_that_goes_silent_is_told_with_its_step() {
    let bounds = Bounds { handshake_time: Duration::from_millis(200), ..Bounds::default() };
    let world = World::bounded(bounds).await;
    let raw = Raw::to(&world).await;
    raw.greet(wire::VERSION_1_2, &[0xc0a8], &[0, 0]).await;
    let incident = world.incident(DiaryCause::HandshakeTimedOut).await;
    assert!(incident.detail.contains("nothing came after our ServerHelloDone"), "{}", incident.detail);
}

#[tokio::test]
async fn an_alert_of_the_client_is_told_with_its_meaning() {
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.greet(wire::VERSION_1_2, &[0xc0a8], &[0, 0]).await;
    assert_eq!(raw.receive().await[0], wire::HANDSHAKE);
    raw.send(&wire::record(wire::ALERT, 0, 2, &[wire::FATAL, 80])).await;
    let incident = world.incident(DiaryCause::HandshakeAborted).await;
    assert!(incident.detail.contains("internal_error"), "{}", incident.detail);
}

#[tokio::test]
async fn plain_coap_is_told() {
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.send(&[0x40, 0x01, 0x12, 0x34]).await;
    let incident = world.incident(DiaryCause::PlainOnSecurePort).await;
    assert_eq!(incident.subject, "127.0.0.1");
    raw.silent().await;
}
