//! Credentials that are not pre-shared keys: raw public keys (RFC 7250) and X.509 certificates, with Leshan's client, over
//! the whole server. Who is let in by them, what bootstrap gives, and how it ends.

mod ends;
mod kinds;
mod raw;
mod x509;

use interop_tests::{
    Client, Device, Files, Peer, Rest, Security, Settings, Side, Spec, Stage, Tap, Transport, on_peers,
};
use serde_json::{Value, json};

/// Plays a scenario with the one peer that has such credentials.
fn with_leshan<F: Future<Output = ()>>(scenario: &str, play: impl Fn(Stage, Rest) -> F) {
    on_peers(scenario, &[Peer::Leshan], &[Transport::Dtls], Settings::default(), |stage| async {
        let rest = Rest::of(&stage.subject, &stage.console).await;
        play(stage, rest).await;
    });
}

/// Adds a device with one credential: its id, and the credential as it is shown.
async fn add(rest: &Rest, class: &str, endpoint: &str, purpose: &str, credential: Value) -> (String, Value) {
    let enrolled =
        rest.post("/devices", json!({ "endpoint": endpoint, "class": class, purpose: credential })).await;
    let id = enrolled["id"].as_str().expect("it has an id").to_owned();
    (id, enrolled["credentials"][0].clone())
}

/// A client that registers, and its pages.
async fn registered(stage: &Stage, endpoint: &str, security: Security) -> (Client, Device) {
    let mut client = stage.launch(&Spec { security, ..Spec::new(endpoint).impatient() });
    client.event("registered").await;
    let device = stage.console.device(endpoint).await;
    device.until("its registration", |page| page.text("#device-state .badge") == "Awake").await;
    (client, device)
}

/// The same by way of a relay.
async fn tapped(stage: &Stage, endpoint: &str, security: Security) -> (Client, Device, Tap) {
    let spec = Spec { security, ..Spec::new(endpoint).impatient() };
    let tap = Tap::before(stage.server_of(&spec));
    let mut client = stage.peer.start(tap.address(), &spec);
    client.event("registered").await;
    let device = stage.console.device(endpoint).await;
    device.until("its registration", |page| page.text("#device-state .badge") == "Awake").await;
    (client, device, tap)
}

/// Everything that is done to devices, once: Read, Write, Observe and what is reported then.
async fn works(stage: &Stage, client: &mut Client, device: &Device) {
    let places = stage.places();
    device.read("/3/0/0").await.assert_done();
    device.write(places.text, places.texts[0]).await.assert_done();
    device.observe(places.sensor).await.assert_done();
    reports(stage, client, device, "21.25").await;
}

/// What the device observes reaches the server.
async fn reports(stage: &Stage, client: &mut Client, device: &Device, value: &str) {
    let sensor = stage.places().sensor;
    client.run(&format!("set {sensor} {value}")).await;
    device.until_value(sensor, value).await;
}

/// The server dies without a word and is started again; the device goes on in the session it has.
async fn survives_a_kill(
    stage: &mut Stage,
    rest: &Rest,
    client: &mut Client,
    device: &Device,
    (id, purpose): (&str, &str),
) {
    let before = rest.credential(id, purpose, "live").await;
    stage.subject.kill();
    stage.subject.start_again().await;
    reports(stage, client, device, "23.75").await;
    device.read("/3/0/0").await.assert_done();
    assert_eq!(client.count("registered"), 1, "the registration is the same");
    let after = rest.credential(id, purpose, "live").await;
    assert_eq!(after["last_used_at"], before["last_used_at"], "no other session was opened by it");
}

/// The description of the fatal alert (RFC 5246 §7.2) that a client is answered with in the clear.
async fn alert(tap: &mut Tap) -> u8 {
    // A record of epoch 0: 13 bytes of header, the level and the description.
    let is = |bytes: &[u8]| bytes.len() == 15 && bytes[0] == 21 && bytes[3..5] == [0, 0] && bytes[13] == 2;
    tap.next_from(Side::Server, "an alert", is).await[14]
}

/// A client that comes by way of a relay and is refused: the alert that it is told.
async fn refused(stage: &Stage, endpoint: &str, files: &Files) -> u8 {
    let spec = Spec { security: files.certificate(), ..Spec::new(endpoint) };
    let mut tap = Tap::before(stage.server_of(&spec));
    let mut client = stage.peer.start(tap.address(), &spec);
    let alert = alert(&mut tap).await;
    assert!(!client.has_told("registered"), "{endpoint} is refused");
    alert
}

// RFC 5246 §7.2.
const CERTIFICATE_REVOKED: u8 = 44;
const CERTIFICATE_EXPIRED: u8 = 45;
const CERTIFICATE_UNKNOWN: u8 = 46;
const UNKNOWN_CA: u8 = 48;
