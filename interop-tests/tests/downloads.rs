//! Updates of firmware (LwM2M Core 1.1.1 Annex E.6) from the artefact to the proof that it runs, by push and by pull.

use std::{net::SocketAddr, path::Path, time::Duration};

use device::TestImage;
use interop_tests::{
    Deadline, Device, Pair, Peer, Rest, Settings, Side, Spec, Stage, Tap, Transport, here, on_every_peer,
    on_peers,
};
use serde_json::{Value, json};

/// Several pages and many blocks.
const LEN: usize = 200_000;

/// Updates a device, and waits for the end of that.
async fn updated(stage: &Stage, spec: Spec, terms: Value) -> Value {
    let rest = Rest::of(&stage.subject, &stage.console).await;
    let artefact = rest.firmware("2.0", &TestImage::bytes("2.0", LEN)).await;
    let (mut client, device) = stage.registered(spec).await;
    let mut all = json!({ "attempts": 1, "quiet_seconds": 2, "download_within_seconds": 60, "install_within_seconds": 60 });
    for (name, value) in terms.as_object().expect("terms have names") {
        all[name] = value.clone();
    }
    let update = rest.update(&artefact, device.id(), all).await;
    let ended = rest.ended(&update, Deadline::after(Duration::from_secs(240))).await;
    assert!(!client.has_told("error"));
    ended
}

fn assert_succeeded(update: &Value, says: &str) {
    let notes = update["notes"].as_array().expect("it has notes");
    assert_eq!(update["phase"], "succeeded", "{update:#}");
    assert_eq!(update["sent_bytes"].as_u64(), update["size_bytes"].as_u64(), "{update:#}");
    let says_so = |note: &Value| note["text"].as_str().is_some_and(|text| text.contains(says));
    assert!(notes.iter().any(says_so), "{says}: {update:#}");
}

#[test]
fn a_signed_off_image_is_pushed_installed_and_proved() {
    on_every_peer(here!(), |stage| async move {
        let update = updated(&stage, Spec::new("pushed"), json!({ "delivery": "push" })).await;
        assert_succeeded(&update, "written to the device: as was asked for");
    });
}

#[test]
fn an_update_of_a_device_ends_with_a_reason_whatever_the_device_does() {
    on_every_peer(here!(), |stage| async move {
        let update = updated(&stage, Spec::new("explained"), json!({})).await;
        assert!(update["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{update:#}");
        assert!(update["ended_at"].is_string());
        if stage.peer == Peer::Wakaama {
            // Its object is a stub, which says Downloading whatever it is told.
            assert_eq!(update["phase"], "failed", "{update:#}");
            let detail = update["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("keeps it however often it is told to drop it"), "{detail}");
        }
    });
}

#[test]
fn an_image_is_fetched_by_coaps_installed_and_proved() {
    let peers = [Peer::Leshan, Peer::Simulated];
    let settings = with("[downloads.coaps]\nlisten = \"127.0.0.1:0\"\n");
    on_peers(here!(), &peers, &[Transport::Dtls], settings, |stage| async move {
        let update = updated(&stage, Spec::new("fetching"), json!({ "delivery": "pull" })).await;
        assert_succeeded(&update, "told to fetch by coaps");
    });
}

#[test]
fn an_image_is_fetched_by_coap_where_the_class_allows_it() {
    let peers = [Peer::Leshan, Peer::Simulated];
    let settings = with("[downloads.coap]\nlisten = \"127.0.0.1:0\"\n");
    on_peers(here!(), &peers, &[Transport::Udp], settings, |stage| async move {
        let update = updated(&stage, Spec::new("fetching-plainly"), json!({ "delivery": "pull" })).await;
        assert_succeeded(&update, "told to fetch by coap:");
    });
}

#[test]
fn an_image_is_fetched_by_https_installed_and_proved() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::self_signed("127.0.0.1");
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, &pair.certificate_pem).unwrap();
    std::fs::write(&key, &pair.key_pem).unwrap();
    let settings = with(&format!(
        "[downloads.https]\nlisten = \"127.0.0.1:0\"\ncertificate = {certificate:?}\nkey = {key:?}\n"
    ));
    let certificate: &Path = &certificate;
    on_peers(here!(), &[Peer::Leshan], &[Transport::Dtls], settings, |stage| async move {
        let spec = Spec { https_trust: Some(certificate.to_owned()), ..Spec::new("fetching-by-https") };
        let update = updated(&stage, spec, json!({ "delivery": "pull" })).await;
        assert_succeeded(&update, "told to fetch by https");
    });
}

#[test]
fn a_download_ends_at_once_when_its_device_is_revoked() {
    cut_off(here!(), "failed", "revoked", async |_, device, _| drop(device.revoke_all().await));
}

#[test]
fn a_download_ends_at_once_when_its_credential_is_revoked() {
    cut_off(here!(), "failed", "revoked", async |_, device, _| drop(device.revoke(CUT_OFF).await));
}

#[test]
fn a_download_ends_at_once_when_its_update_is_cancelled() {
    cut_off(here!(), "cancelled", "cancelled", async |rest, _, update| {
        rest.post(&format!("/updates/{update}/cancel"), json!({})).await;
    });
}

/// Does something to a device that fetches by `coaps`: it gets no block any more, though it asks, and its update ends with a reason.
fn cut_off(scenario: &str, phase: &str, reason: &str, act: impl AsyncFn(&Rest, &Device, &str)) {
    for peer in [Peer::Leshan, Peer::Simulated] {
        // Devices are told where the relay is.
        let [told, listen] = free_addresses();
        let settings =
            with(&format!("[downloads.coaps]\nlisten = \"{listen}\"\npublic_uri = \"coaps://{told}\"\n"));
        let act = &act;
        on_peers(scenario, &[peer], &[Transport::Dtls], settings, |stage| async move {
            let mut tap = Tap::at(told, listen);
            let rest = Rest::of(&stage.subject, &stage.console).await;
            let artefact = rest.firmware("2.0", &TestImage::bytes("2.0", LEN)).await;
            let (mut client, device) = stage.registered(Spec::new(CUT_OFF)).await;
            let terms = json!({ "delivery": "pull", "attempts": 1, "download_within_seconds": 60 });
            let update = rest.update(&artefact, device.id(), terms).await;
            for _ in 0..10 {
                tap.next_from(Side::Server, "a block", is_block).await;
            }
            // What is under way is lost, and asked for again when it is over.
            tap.lose(true);
            act(&rest, &device, &update).await;
            tap.drain();
            tap.lose(false);
            let ended = rest.ended(&update, Deadline::usual()).await;
            // As long as some retransmissions take (RFC 7252 §4.2).
            let mut heard = Vec::new();
            let patience = Deadline::after(Duration::from_secs(10));
            while let Ok(Some(datagram)) = tokio::time::timeout(patience.left(), tap.next()).await {
                heard.push(datagram);
            }
            // The simulated device gives up as soon as it is told to drop the package.
            let is_told = phase == "cancelled" && stage.peer == Peer::Simulated;
            assert!(is_told || heard.iter().any(|one| one.from == Side::Client), "it has asked for more");
            let blocks = heard.iter().filter(|one| one.from == Side::Server && is_block(&one.bytes));
            assert_eq!(blocks.count(), 0, "nothing is served any more: {ended:#}");
            assert!(!client.has_told("firmware-package"), "it has not got all of it");
            assert_eq!(ended["phase"], phase, "{ended:#}");
            assert!(ended["detail"].as_str().is_some_and(|detail| detail.contains(reason)), "{ended:#}");
        });
    }
}

/// The endpoint name of the device that is cut off, which is its identity, too.
const CUT_OFF: &str = "cut-off";

/// Whether a record of DTLS may hold a block: what tells of an end, or an error, is short.
fn is_block(datagram: &[u8]) -> bool {
    datagram.len() > 400
}

/// Of two different ports.
fn free_addresses() -> [SocketAddr; 2] {
    let sockets = [(); 2].map(|()| std::net::UdpSocket::bind("127.0.0.1:0").expect("a port is free"));
    sockets.map(|socket| socket.local_addr().expect("the socket is bound"))
}

fn with(tables: &str) -> Settings {
    Settings { tables: tables.to_owned(), ..Settings::default() }
}
