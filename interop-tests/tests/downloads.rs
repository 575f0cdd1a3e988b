//! Updates of firmware (LwM2M Core 1.1.1 Annex E.6) from the artefact to the proof that it runs, by push and by pull.

use std::{path::Path, time::Duration};

use device::TestImage;
use interop_tests::{
    Deadline, Pair, Peer, Rest, Settings, Spec, Stage, Transport, here, on_every_peer, on_peers,
};
use serde_json::{Value, json};

/// Several pages and many blocks.
const LEN: usize = 200_000;

/// Updates a device, and waits for the end of that.
async fn updated(stage: &Stage, spec: Spec, terms: Value) -> Value {
    let rest = Rest::of(&stage.subject, &stage.console).await;
    let artefact = rest.firmware("2.0", &TestImage::bytes("2.0", LEN)).await;
    let (mut client, device) = stage.registered(spec).await;
    let id = device.url().rsplit('/').next().expect("its page has its id").to_owned();
    let mut all = json!({ "attempts": 1, "quiet_seconds": 2, "download_within_seconds": 60, "install_within_seconds": 60 });
    for (name, value) in terms.as_object().expect("terms have names") {
        all[name] = value.clone();
    }
    let update = rest.update(&artefact, &id, all).await;
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

fn with(tables: &str) -> Settings {
    Settings { tables: tables.to_owned(), ..Settings::default() }
}
