//! `kill -9` and a new start on the same data: nothing is forgotten (RFC 7641 §4.2 for what a device still reports). The
//! keys of DTLS sessions are: there a client comes back by a new handshake.

use interop_tests::{
    Deadline, Device, Peer, Settings, Spec, Stage, Transport, here, on_every_secure_peer, on_peers, until,
};

#[test]
fn a_secure_client_comes_back_by_a_new_handshake() {
    on_every_secure_peer(here!(), |mut stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("returning").impatient()).await;
        device.observe(sensor).await.assert_done();
        client.event_at("observe", sensor).await;
        let before = device.page().await.fact("Location");

        stage.subject.kill();
        stage.subject.start_again().await;

        // Its session is gone: it finds out when it is not answered, makes another, and either goes on with its
        // registration there or begins a new one.
        let since = stage.subject.log().len();
        let again = async || stage.subject.log()[since..].contains("a secure session is open").then_some(());
        until("a new handshake", Deadline::usual(), again).await;
        device.until("it to be back", |page| page.text("#device-state .badge") == "Awake").await;
        device.read("/3/0/0").await.assert_done();
        if device.page().await.fact("Location") != before {
            client.event_at("observe", sensor).await;
        }
        let value = "22.75";
        client.run(&format!("set {sensor} {value}")).await;
        device.until_value(sensor, value).await;
        assert_eq!(device.page().await.text("#device-state .badge"), "Awake");
        let proved = device.credentials().await;
        assert!(proved.iter().all(|credential| credential.is("management", "Live")), "{proved:?}");
    });
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
