//! `kill -9` and a new start on the same data: nothing is forgotten (RFC 7641 §4.2 for what a device still reports), nor
//! are the keys of DTLS sessions: a client goes on with its next record.

use interop_tests::{
    Device, Peer, Settings, Spec, Stage, Tap, Transport, here, on_every_secure_peer, on_peers,
};

#[test]
fn a_secure_session_survives_a_kill_without_a_handshake() {
    on_every_secure_peer(here!(), |stage| outlives_a_kill(stage, Spec::new("returning")));
}

#[test]
fn a_secure_session_without_connection_id_survives_a_kill_without_a_handshake() {
    on_peers(here!(), &[Peer::Leshan], &[Transport::Dtls], Settings::default(), |stage| {
        outlives_a_kill(stage, Spec::new("returning").without_connection_id())
    });
}

#[test]
fn a_connection_id_keeps_a_registration_from_another_port_and_after_a_kill() {
    on_peers(here!(), &[Peer::Leshan], &[Transport::Dtls], Settings::default(), |mut stage| async move {
        let sensor = stage.places().sensor;
        let spec = stage.with_key(Spec::new("roaming").impatient());
        stage.console.enrol(&spec).await;
        let mut tap = Tap::before(stage.server_of(&spec));
        let mut client = stage.peer.start(tap.address(), &spec);
        client.event("registered").await;
        let device = stage.console.device("roaming").await;
        device.observe(sensor).await.assert_done();
        client.event_at("observe", sensor).await;
        let before = device.page().await;
        assert!(tap.client_hellos() > 0, "there was a handshake");
        for (value, is_killed) in [("20.5", false), ("20.75", true)] {
            let address = device.page().await.fact("Address");
            if is_killed {
                stage.subject.kill();
                stage.subject.start_again().await;
            }
            tap.rebind();
            client.run(&format!("set {sensor} {value}")).await;
            device.until_value(sensor, value).await;
            // Of a session that was restored, an answer has to show that nothing was replayed.
            device.read("/3/0/0").await.assert_done();
            device.until("another address", |page| page.fact("Address") != address).await;
        }
        assert_eq!(
            device.page().await.fact("Location"),
            before.fact("Location"),
            "the registration is the same"
        );
        assert_eq!(client.count("registered"), 1);
        assert_eq!(tap.client_hellos(), 0, "there was no other handshake");
    });
}

/// A client of this kind goes on with its next record after a kill, and what it observes is reported.
async fn outlives_a_kill(mut stage: Stage, spec: Spec) {
    let sensor = stage.places().sensor;
    let spec = stage.with_key(spec);
    stage.console.enrol(&spec).await;
    let mut tap = Tap::before(stage.server_of(&spec));
    let mut client = stage.peer.start(tap.address(), &spec);
    client.event("registered").await;
    let device = stage.console.device(&spec.endpoint).await;
    device.observe(sensor).await.assert_done();
    client.event_at("observe", sensor).await;
    let before = device.page().await;
    assert!(tap.client_hellos() > 0, "there was a handshake");

    stage.subject.kill();
    stage.subject.start_again().await;

    let value = "22.75";
    client.run(&format!("set {sensor} {value}")).await;
    device.until_value(sensor, value).await;
    device.read("/3/0/0").await.assert_done();
    let after = device.page().await;
    assert_eq!(after.text("#device-state .badge"), "Awake");
    assert_eq!(after.fact("Location"), before.fact("Location"), "the registration is the same");
    assert_eq!(client.count("registered"), 1, "it has not registered again");
    assert_eq!(tap.client_hellos(), 0, "there was no other handshake");
    let proved = device.credentials().await;
    assert!(proved.iter().all(|credential| credential.is("management", "Live")), "{proved:?}");
}

#[test]
fn a_device_and_its_observation_survive_a_kill() {
    over_udp(here!(), |mut stage| async move {
        let sensor = stage.places().sensor;
        let (text, new) = (stage.places().text, stage.places().texts[0]);
        let (mut client, device) = stage.registered(Spec::new("survivor")).await;
        device.read("/3/0").await.assert_done();
        device.write(text, new).await.assert_done();
        device.observe(sensor).await.assert_done();
        client.event_at("observe", sensor).await;
        client.run(&format!("set {sensor} 21.5")).await;
        device.until_value(sensor, "21.5").await;
        let before = Kept::of(&device).await;
        let (operations, timeline) = (device.operations().await, device.timeline().await);
        assert!(!before.values.is_empty());

        stage.subject.kill();
        stage.subject.start_again().await;

        // The session has survived, too: nobody logs in again.
        assert_eq!(Kept::of(&device).await, before, "every row is still there");
        assert_eq!(without_times(&device.operations().await), without_times(&operations));
        let after = device.timeline().await;
        assert_eq!(after[after.len() - timeline.len()..], timeline[..], "no line of the timeline is lost");

        client.run(&format!("set {sensor} 22.75")).await;
        device.until_value(sensor, "22.75").await;
        assert_eq!(Kept::of(&device).await.location, before.location, "the registration is the same");
        assert_eq!(client.count("registered"), 1, "the client has not registered again");
        assert!(!client.has_told("notification-reset"), "its report was taken");
        device.read("/3/0/0").await.assert_done();
    });
}

#[test]
fn the_queue_of_a_sleeping_device_survives_a_kill() {
    over_udp(here!(), |mut stage| async move {
        let sensor = stage.places().sensor;
        let (text, new) = (stage.places().text, stage.places().texts[0]);
        let (mut client, device) = stage.registered(Spec::new("dormouse").queue_mode()).await;
        // After a start the server takes a device in queue mode for asleep, until it is heard.
        stage.subject.kill();
        stage.subject.start_again().await;
        assert_eq!(device.page().await.text("#device-state .badge"), "Asleep");
        let first = device.write(text, new).await;
        let second = device.execute("/3/0/4", "5").await;
        assert_eq!([first.state(), second.state()], ["Waiting", "Waiting"]);
        let queued = without_times(&device.operations().await);

        stage.subject.kill();
        stage.subject.start_again().await;

        assert_eq!(without_times(&device.operations().await), queued, "the queue is still there");
        assert!(!client.has_told("write"));
        client.run(&format!("send {sensor}")).await;
        client.event_at("write", text).await;
        let executed = client.event_at("execute", "/3/0/4").await;
        assert_eq!(executed.text("arguments"), "5");
        device.until_ended(&first).await.assert_done();
        device.until_ended(&second).await.assert_done();
        assert_eq!(client.count("execute"), 1, "once");
        assert_eq!(client.count("registered"), 1, "the client has not registered again");
    });
}

/// What must be the same before and after.
#[derive(Debug, PartialEq)]
struct Kept {
    endpoint: String,
    location: String,
    registered: String,
    lifetime: String,
    address: String,
    objects: Vec<String>,
    values: Vec<String>,
    observed: Vec<String>,
}

impl Kept {
    async fn of(device: &Device) -> Self {
        let (page, objects) = (device.page().await, device.objects().await);
        Self {
            endpoint: page.text("h1"),
            location: page.fact("Location"),
            registered: page.fact("Registered").split(" · ").next().unwrap_or_default().to_owned(),
            lifetime: page.fact("Lifetime"),
            address: page.fact("Address"),
            objects: objects.texts("details.object summary h3"),
            values: objects.texts("table.resources .cell .values"),
            observed: page.texts("#device-observations tbody td:first-child"),
        }
    }
}

/// Rows without how long ago it was.
fn without_times(rows: &[Vec<String>]) -> Vec<[String; 3]> {
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    rows.iter()
        .map(|row| {
            let result = cell(row, 3);
            let result = if result.starts_with("expires") { "expires".to_owned() } else { result };
            [cell(row, 0), cell(row, 1), result]
        })
        .collect()
}

#[test]
fn two_kills_in_a_row_change_nothing() {
    over_udp(here!(), |mut stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("twice")).await;
        device.observe(sensor).await.assert_done();
        for (value, new) in ["18.5", "19.5"].into_iter().zip(stage.places().texts) {
            stage.subject.kill();
            stage.subject.start_again().await;
            device.write(stage.places().text, new).await.assert_done();
            client.run(&format!("set {sensor} {value}")).await;
            device.until_value(sensor, value).await;
            let page = device.page().await;
            assert_eq!(page.rows("#device-observations table").len(), 1, "{page}");
        }
        assert_eq!(client.count("registered"), 1);
        assert!(!client.has_told("notification-reset"));
        assert!(!device.value_of(sensor).await.is_empty());
    });
}

/// Plays a scenario with every peer over plain CoAP.
fn over_udp<F: Future<Output = ()>>(scenario: &str, play: impl Fn(Stage) -> F) {
    on_peers(scenario, &Peer::ALL, &[Transport::Udp], Settings::default(), play);
}
