//! Who comes in by a raw public key or a certificate, who goes on with a session of old, and who does not any more.

use dtls::{Alert, Config, Connect, Reason, ServerIdentity};
use fleet::DiaryCause;

use super::{
    own::{Own, Proof, psk},
    world::World,
};
use crate::endpoint::Incoming;

/// A listener with a key of its own, that knows a device's raw public key as 1 and its certificate as 2.
fn world() -> (World, Proof, Proof) {
    let (server, device) = (Proof::new("server.example"), Proof::new("node.example"));
    let identity = ServerIdentity {
        names: Vec::new(),
        chain: vec![server.certificate.clone()],
        key: server.key.clone(),
    };
    let config =
        Config { identities: vec![identity], raw_key: Some(server.key.clone()), ..Config::default() };
    let world = World::with(config);
    let known = [(device.key.public().to_vec(), 1), (device.certificate.clone(), 2)];
    world.gate.proofs.lock().unwrap().extend(known);
    (world, server, device)
}

#[tokio::test]
async fn a_known_key_and_a_known_certificate_get_in() {
    let (mut world, server, device) = world();
    for (connect, id) in [(device.raw(&server), 1), (device.certified(&server), 2)] {
        let mut client = Own::inside(&world, connect).await;
        client.send(b"from the device").await;
        assert_eq!(world.datagram().await, (client.address(), id, b"from the device".to_vec()));
        world.send(client.address(), b"to the device");
        assert_eq!(client.receive().await, b"to the device");
    }
    assert_eq!(world.incidents(), []);
}

#[tokio::test]
async fn a_key_or_a_certificate_of_nobody_is_told() {
    let (world, server, _) = world();
    let stranger = Proof::new("stranger.example");
    for (connect, subject) in
        [(stranger.raw(&server), "raw public key "), (stranger.certified(&server), "stranger.example")]
    {
        world.gate.incidents.lock().unwrap().clear();
        let failure = Own::connect(&world, connect).await.err().unwrap();
        assert_eq!(failure.reason, Reason::AlertReceived(Alert::CERTIFICATE_UNKNOWN));
        let incident = world.incident(DiaryCause::UnknownCertificate).await;
        // What rcgen calls a certificate that is not called anything.
        let named = incident.subject.contains(subject) || incident.subject.contains("rcgen");
        assert!(named, "{}", incident.subject);
    }
    assert_eq!(world.kept(), []);
}

#[tokio::test]
async fn revocation_ends_sessions_of_all_kinds_at_once() {
    let (mut world, server, device) = world();
    let connects = [device.raw(&server), device.certified(&server), psk("node-3")];
    let mut others = Own::inside(&world, psk("node-4")).await;
    for (connect, id) in connects.into_iter().zip(1..) {
        let mut client = Own::inside(&world, connect.clone()).await;
        let mut second = Own::inside(&world, Connect { connection_id: false, ..connect.clone() }).await;
        let saved = client.saved();
        world.revoke(id);
        let ended = [world.ended().await, world.ended().await];
        assert!(ended.contains(&client.address()) && ended.contains(&second.address()), "{ended:?}");
        client.until_ended().await;
        second.until_ended().await;
        // Nobody goes on with what was taken away, and nobody comes in by it.
        let resuming = Connect { resume: Some(saved), ..connect };
        assert!(Own::connect(&world, resuming).await.is_err());
        world.incident(DiaryCause::CredentialRevoked).await;
        world.gate.incidents.lock().unwrap().clear();
        world.until_kept(1).await;
    }
    others.send(b"unharmed").await;
    assert_eq!(world.datagram().await.1, 4);
}

#[tokio::test]
async fn a_session_of_old_goes_on_in_a_new_one() {
    let (mut world, server, device) = world();
    for (connect, id) in [(device.raw(&server), 1), (device.certified(&server), 2), (psk("node-3"), 3)] {
        let mut client = Own::inside(&world, connect.clone()).await;
        world.began().await;
        let saved = client.saved();
        client.say_good_bye().await;
        assert_eq!(world.ended().await, client.address());
        // It is kept for that, and not as one that is there.
        world.until_kept(0).await;
        let asked = world.gate.asked.lock().unwrap().len();
        let mut client = Own::inside(&world, Connect { resume: Some(saved), ..connect }).await;
        let Incoming::SessionBegan(origin, _) = world.next().await else { panic!("a session began") };
        assert_eq!(origin.identity.unwrap().credential.0, id);
        client.send(b"again").await;
        assert_eq!(world.datagram().await, (client.address(), id, b"again".to_vec()));
        // By no claim.
        assert_eq!(world.gate.asked.lock().unwrap().len(), asked);
        world.until_kept(1).await;
        world.revoke(id);
        world.ended().await;
        world.until_kept(0).await;
    }
}

#[tokio::test]
async fn a_session_that_is_not_kept_any_more_is_made_anew() {
    let mut world = World::new().await;
    let client = Own::inside(&world, psk("node-1")).await;
    world.began().await;
    world.gate.sessions.lock().unwrap().clear();
    let connect = Connect { resume: Some(client.saved()), ..psk("node-1") };
    let mut client = Own::inside(&world, connect).await;
    assert_eq!(world.began().await, world.kept()[0].id);
    client.send(b"inside").await;
    assert_eq!(world.datagram().await.1, 1);
    assert_eq!(*world.gate.asked.lock().unwrap(), [1, 1]);
}
