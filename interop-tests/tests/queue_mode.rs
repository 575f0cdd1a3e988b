//! Queue mode (LwM2M Transport 1.1.1 §6.5), operations that wait, and devices that do not answer.

use std::time::Duration;

use interop_tests::{
    Client, Deadline, Device, Peer, Rest, Settings, Spec, Stage, Transport, here, on_every_peer, on_peers,
    until,
};
use serde_json::{Value, json};

#[test]
fn operations_for_a_sleeping_device_wait_for_its_next_uplink() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (text, new) = (stage.places().text, stage.places().texts[0]);
        let (mut client, device) = stage.registered(Spec::new("sleeper").queue_mode().lifetime(3_000)).await;
        assert!(device.page().await.text("#device-facts").contains("queue mode"));
        // MAX_TRANSMIT_WAIT (93 s, RFC 7252 §4.8.2) after its last message it does not listen any more.
        let asleep = |page: &interop_tests::Page| page.text("#device-state .badge") == "Asleep";
        device.until_by(Deadline::after(Duration::from_secs(150)), "the device to fall asleep", asleep).await;
        let write = device.write(text, new).await;
        assert_eq!(write.state(), "Waiting", "{}", write.0);
        let read = device.read(text).await;
        assert_eq!(read.state(), "Waiting", "{}", read.0);
        assert!(!client.has_told("write"), "nothing is sent to a sleeping device");
        client.run(&format!("send {sensor}")).await;
        client.event_at("write", text).await;
        device.until_ended(&write).await.assert_done();
        device.until_ended(&read).await.assert_done();
        assert_eq!(device.value_of(text).await, new, "in the order they were asked");
    });
}

#[test]
fn an_operation_that_waits_can_be_cancelled() {
    // The kill would end a session of DTLS.
    on_peers(here!(), &Peer::ALL, &[Transport::Udp], Settings::default(), |mut stage| async move {
        let sensor = stage.places().sensor;
        let (text, new) = (stage.places().text, stage.places().texts[0]);
        let (mut client, device) = stage.registered(Spec::new("changed-my-mind").queue_mode()).await;
        // After a start the server does not know whether the device listens, and takes it for asleep.
        stage.subject.kill();
        stage.subject.start_again().await;
        let write = device.write(text, new).await;
        assert_eq!(write.state(), "Waiting", "{}", write.0);
        let page = device.submit_any(write.0.press("button[formaction$='/cancel']")).await;
        assert_eq!(page.text("#operation .badge"), "Cancelled", "{page}");
        client.run(&format!("send {sensor}")).await;
        client.event("sent").await;
        device.read(text).await.assert_done();
        assert!(!client.has_told("write"), "what was cancelled is not sent");
    });
}

#[test]
fn what_waits_for_a_sleeping_device_is_sent_by_priority_and_without_what_is_pointless() {
    let peers = [Peer::Leshan, Peer::Simulated];
    on_peers(here!(), &peers, &Transport::ALL, Settings::default(), |mut stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("patient").queue_mode()).await;
        let rest = Rest::of(&stage.subject, &stage.console).await;
        // After a start the server takes a device in queue mode for asleep, until it is heard.
        stage.subject.kill();
        stage.subject.start_again().await;
        let queue = Queue::fill(&stage, &rest, &device).await;
        assert!(!client.has_told("write-attributes"), "nothing is sent to a sleeping device");
        client.run(&format!("send {sensor}")).await;
        queue.is_sent_in_order(&stage, &rest, &mut client).await;
    });
}

#[test]
fn what_waits_behind_an_operation_is_sent_by_priority_and_without_what_is_pointless() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("busy")).await;
        let rest = Rest::of(&stage.subject, &stage.console).await;
        client.run("pause").await;
        // On its way again and again, as long as nothing comes back.
        let read = json!({ "request": { "operation": "read", "path": "/3/0/0" }, "wait_seconds": 0 });
        rest.post(&format!("/devices/{}/operations", device.id()), read).await;
        let queue = Queue::fill(&stage, &rest, &device).await;
        client.run("resume").await;
        queue.is_sent_in_order(&stage, &rest, &mut client).await;
    });
}

/// What waits for a device: by their ids.
struct Queue {
    device: String,
    background: String,
    pointless: String,
    normal: String,
    urgent: String,
}

impl Queue {
    /// Asks for the last first.
    async fn fill(stage: &Stage, rest: &Rest, device: &Device) -> Self {
        let (text, sensor) = (stage.places().text, stage.places().sensor);
        let [old, new, ..] = stage.places().texts;
        let ask = async |priority: &str, request: Value| {
            let asked = json!({ "request": request, "priority": priority, "wait_seconds": 0 });
            let asked = rest.post(&format!("/devices/{}/operations", device.id()), asked).await;
            assert_eq!(asked["state"], "queued", "{asked:#}");
            asked["id"].as_str().expect("an operation has an id").to_owned()
        };
        let attributes =
            |path: &str| json!({ "operation": "write-attributes", "path": path, "set": { "pmin": "5" } });
        let write = |value: &str| json!({ "operation": "write", "path": text, "text": value });
        let queue = Self {
            device: device.id().to_owned(),
            background: ask("background", attributes("/3/0/9")).await,
            pointless: ask("normal", write(old)).await,
            normal: ask("normal", write(new)).await,
            urgent: ask("urgent", attributes(sensor)).await,
        };
        // Of the whole fleet, by name.
        let waiting = rest.get("/operations/waiting").await;
        let waiting = waiting["items"].as_array().expect("a page has items");
        let names = ["patient", "busy"].map(Value::from);
        assert!(waiting.iter().all(|row| names.contains(&row["endpoint"])), "{waiting:#?}");
        let shown = |id: &str| {
            let row = waiting.iter().find(|row| row["operation"]["id"] == id);
            row.inspect(|row| assert_eq!(row["device"], device.id(), "{row:#}"));
            row.and_then(|row| waiting.iter().position(|other| other == row))
        };
        let places = [&queue.urgent, &queue.normal, &queue.background].map(|id| shown(id));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}: {waiting:#?}");
        assert_eq!(shown(&queue.pointless), None, "it does not wait any more: {waiting:#?}");
        queue
    }

    async fn is_sent_in_order(&self, stage: &Stage, rest: &Rest, client: &mut Client) {
        let (text, sensor) = (stage.places().text, stage.places().sensor);
        let done = until("all of it to be done", Deadline::usual(), async || {
            let mut all = Vec::new();
            for id in [&self.urgent, &self.normal, &self.background] {
                all.push(rest.get(&format!("/devices/{}/operations/{id}", self.device)).await);
            }
            all.iter().all(|one| one["ended_at"].is_string()).then_some(all)
        })
        .await;
        assert!(done.iter().all(|one| one["state"] == "done"), "{done:#?}");
        let pointless = rest.get(&format!("/devices/{}/operations/{}", self.device, self.pointless)).await;
        assert_eq!([&pointless["state"], &pointless["superseded_by"]], ["superseded", &*self.normal]);
        assert_eq!(pointless["sent_at"], Value::Null);
        let told = client.told(&["write", "write-attributes"]);
        let paths: Vec<&str> = told.iter().map(|event| event.text("path")).collect();
        assert_eq!(paths, [sensor, text, "/3/0/9"], "as the client has seen it");
        let value = rest.get(&format!("/devices/{}/operations", self.device)).await;
        let waits = |one: &&Value| one["state"] == "queued" || one["state"] == "sent";
        assert_eq!(
            value["items"].as_array().map(|all| all.iter().filter(waits).count()),
            Some(0),
            "{value:#}"
        );
    }
}

#[test]
fn an_operation_that_is_not_answered_ends_and_the_next_one_works() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("mute")).await;
        client.run("pause").await;
        // Four retransmissions, and the wait after the last (RFC 7252 §4.8.2).
        let report = device.read("/3/0/0").await;
        assert_eq!(report.state(), "Failed", "{}", report.0);
        assert!(report.result().contains("did not answer in time"), "{}", report.result());
        client.run("resume").await;
        device.read("/3/0/0").await.assert_done();
    });
}
