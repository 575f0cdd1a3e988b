//! Who gets in, and what is written of who does not.

use std::time::{Duration, Instant};

use fleet::{CredentialId, DeviceId, DiaryCause, Purpose};
use webrtc_dtls::cipher_suite::CipherSuiteId;

use super::{
    super::{Bounds, record},
    by_hand::{Device, EXTENDED_MASTER_SECRET, NONE},
    world::{KEY, OTHER_KEY, Raw, SOON, World, first, hello, identity_of},
};
use crate::endpoint::{Incoming, Outlet};

#[tokio::test]
async fn a_client_with_the_right_key_gets_in_by_each_suite() {
    let mut world = World::new().await;
    for suite in [0xc0a8, 0xc0a4, 0x00a8].map(CipherSuiteId::from) {
        let client = world.client().offering(&[suite]).connect().await.unwrap();
        let Incoming::SessionBegan(origin) = world.next().await else { panic!("a session began") };
        assert_eq!(origin.source.address, client.address());
        assert_eq!(origin.identity, Some(identity_of(1, Purpose::Management)));
        client.send(b"from the device").await;
        assert_eq!(world.datagram().await, (client.address(), 1, b"from the device".to_vec()));
        world.listener.send(client.address(), b"to the device");
        assert_eq!(client.receive().await.unwrap(), b"to the device");
    }
    assert_eq!(world.listener.sessions(), 3);
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
    assert_eq!(world.listener.sessions(), 0);
}

#[tokio::test]
async fn a_wrong_key_is_told_once_and_while_the_client_may_still_try() {
    let world = World::new().await;
    let device = Device::ready_by(Raw::to(&world).await, OTHER_KEY, "node-1", NONE).await;
    device.raw.send(&device.last_flight).await;
    let sent = Instant::now();
    let incident = world.incident(DiaryCause::WrongKey).await;
    assert!(sent.elapsed() < SOON / 2, "{:?}", sent.elapsed());
    assert_eq!((incident.subject.as_str(), incident.device), ("node-1", Some(DeviceId(1))));
    assert_eq!(world.listener.table().handshakes.len(), 1);
    // The third is the end of it.
    device.raw.send(&device.last_flight).await;
    device.raw.send(&device.last_flight).await;
    assert_eq!(device.raw.alert().await, 51);
    world.until_half_open(0).await;
    assert_eq!(world.incidents().len(), 1);
}

#[tokio::test]
async fn a_client_that_died_within_its_handshake_comes_back_from_the_same_address() {
    for flight in [false, true] {
        let mut world = World::new().await;
        let dead = Device::ready(&world, "node-1", NONE).await;
        if flight {
            // All but the Finished.
            let key_exchange = record::records(&dead.last_flight).next().unwrap().bytes.to_vec();
            dead.raw.send(&key_exchange).await;
            world.until_named(CredentialId(1)).await;
        }
        let died = Instant::now();
        let device = Device::ready_by(dead.raw, KEY, "node-2", NONE).await;
        assert!(died.elapsed() < SOON / 2, "{:?}", died.elapsed());
        assert_eq!(world.listener.table().handshakes.len(), 1);
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
async fn an_identity_that_can_be_nobodys_is_told_as_unknown_with_its_length() {
    for (identity, len) in [("", 0), (&*"x".repeat(129), 129)] {
        let world = World::new().await;
        let device = Device::ready(&world, identity, NONE).await;
        device.raw.send(&device.last_flight).await;
        assert_eq!(device.raw.alert().await, 115);
        let incident = world.incident(DiaryCause::UnknownIdentity).await;
        assert_eq!((incident.subject.as_str(), incident.device), ("127.0.0.1", None));
        let said = format!("1 to 128 bytes; the one that the client named has {len};");
        assert!(incident.detail.contains(&said), "{}", incident.detail);
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
    world.until_half_open(0).await;
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
    world.until_named(CredentialId(1)).await;
    world.gate.revoked.lock().unwrap().insert(CredentialId(1));
    world.gate.permits.add_permits(1);
    assert_eq!(device.raw.alert().await, 49);
    assert_eq!(world.listener.sessions(), 0);
}

#[tokio::test]
async fn a_panic_ends_one_handshake() {
    let mut world = World::new().await;
    let device = Device::ready(&world, "node-8", NONE).await;
    device.raw.send(&device.last_flight).await;
    let incident = world.incident(DiaryCause::ServerUnavailable).await;
    assert!(incident.detail.contains("the server failed"), "{}", incident.detail);
    assert_eq!(world.listener.table().handshakes.len(), 0);
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
    world.until_named(CredentialId(1)).await;
    world.revoke(1);
    assert_eq!(world.listener.table().handshakes.len(), 0);
    world.gate.permits.add_permits(10);
    // The client repeats its flight to nobody.
    world.nothing_but_ends().await;
    assert_eq!(world.listener.sessions(), 0);
    client.abort();
}

#[tokio::test]
async fn no_common_suite_is_told_with_what_was_offered() {
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.send(&first(&hello(record::VERSION_1_2, &[0x00ae, 0xc0ae, 0xabcd], &[], &[]))).await;
    assert_eq!(raw.alert().await, 40);
    let incident = world.incident(DiaryCause::NoCommonSuite).await;
    assert!(incident.detail.contains("TLS_PSK_WITH_AES_128_CBC_SHA256 (0x00AE)"), "{}", incident.detail);
    assert!(incident.detail.contains("0xABCD; served: TLS_PSK_WITH_AES_128_CCM_8"), "{}", incident.detail);
    assert_eq!(incident.subject, "127.0.0.1");
}

#[tokio::test]
async fn version_1_0_alone_is_told() {
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.send(&first(&hello(record::VERSION_1_0, &[0xc0a8], &[], &[]))).await;
    assert_eq!(raw.alert().await, 70);
    world.incident(DiaryCause::NoCommonVersion).await;
}

#[tokio::test]
async fn a_client_that_goes_silent_is_told_with_its_step() {
    let bounds = Bounds { cookie_time: Duration::from_millis(50), ..Bounds::default() };
    let world = World::bounded(bounds).await;
    let raw = Raw::to(&world).await;
    raw.send(&first(&hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 0]))).await;
    let incident = world.incident(DiaryCause::HandshakeTimedOut).await;
    assert!(incident.detail.contains("HelloVerifyRequest"), "{}", incident.detail);
    world.until_half_open(0).await;
}

#[tokio::test]
async fn an_alert_of_the_client_is_told_with_its_meaning() {
    let world = World::new().await;
    let raw = Raw::to(&world).await;
    raw.send(&first(&hello(record::VERSION_1_2, &[0xc0a8], &[], &[0, 0]))).await;
    assert_eq!(raw.receive().await[0], record::HANDSHAKE);
    raw.send(&record::record(record::ALERT, 0, 1, &[record::FATAL, 80])).await;
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
