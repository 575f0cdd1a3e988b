//! Configuration: what devices are to have is written to them, and found again where somebody has changed it (LwM2M Core 1.1.1
//! §6.3 and §7.3).

use std::time::Duration;

use interop_tests::{
    Client, Deadline, Device, Peer, Rest, Settings, Spec, Stage, Transport, here, on_every_peer, on_peers,
};
use serde_json::{Value, json};

#[test]
fn a_device_is_given_what_its_class_wants() {
    on_every_peer(here!(), |stage| async move {
        let (text, sensor) = (stage.places().text, stage.places().sensor);
        let [new, other, ..] = stage.places().texts;
        let mut set = Set::up(&stage, Spec::new("wanted")).await;
        let attributes = format!("{sensor} ? pmin=2&pmax=300");
        set.want(&[&format!("{text} = {new}"), "/1/0/1 = 600", &attributes], "repair").await;
        let stands = set.until_in_line(1).await;
        assert_eq!(stands["lines"].as_array().map(Vec::len), Some(3), "{stands:#}");
        let told = ["write", "write-composite"].map(|event| set.client.count(event));
        assert!(told.iter().sum::<usize>() >= 1, "it was written to");
        assert_eq!(set.read(text).await, new);
        assert_eq!(set.read("/1/0/1").await, "600 s");
        set.client.event_at("write-attributes", sensor).await;
        let discovered = set.device.discover(sensor).await;
        let links = discovered.assert_done().links();
        let has = links.iter().find(|(path, _)| path == sensor).map(|(_, attributes)| attributes.as_str());
        assert!(has.is_some_and(|has| has.contains("pmin=2") && has.contains("pmax=300")), "{links:?}");

        // Another generation, of which one line alone is another.
        let before = set.client.count("write-attributes");
        set.want(&[&format!("{text} = {other}"), "/1/0/1 = 600", &attributes], "repair").await;
        set.until_in_line(2).await;
        assert_eq!(set.read(text).await, other);
        assert_eq!(set.client.count("write-attributes"), before, "what it has is not written again");
    });
}

#[test]
fn what_is_changed_behind_the_servers_back_is_found_within_a_check_and_put_right() {
    on_every_peer(here!(), |stage| async move {
        let text = stage.places().text;
        let [new, other, ..] = stage.places().texts;
        let mut set = Set::up(&stage, Spec::new("drifting")).await;
        set.want(&[&format!("{text} = {new}")], "repair").await;
        let before = set.until_in_line(1).await;
        assert_eq!(before["findings"], json!([]), "what it had before is no drift");
        assert_eq!(before["lines"][0]["repairs"], 0);
        set.client.event_at("write", text).await;
        set.client.run(&format!("set {text} {other}")).await;
        // A check a minute, and nobody tells it otherwise.
        let found = |stands: &Value| stands["findings"][0].is_object();
        let deadline = Deadline::after(CHECK + Duration::from_secs(20));
        let stands = set.until_by(deadline, "the drift", found).await;
        let finding = &stands["findings"][0];
        assert_eq!([&finding["line"], &finding["expected"]], [text, new], "{finding}");
        assert_eq!([&finding["actual"], &finding["writer"]], [other, "unknown"], "{finding}");
        set.client.event_at("write", text).await;
        let stands = set.until_in_line(1).await;
        assert_eq!(stands["lines"][0]["repairs"], 1, "{stands:#}");
        assert_eq!(set.read(text).await, new);
    });
}

#[test]
fn what_is_not_to_be_repaired_is_said_and_written_when_a_person_says_so() {
    on_every_peer(here!(), |stage| async move {
        let text = stage.places().text;
        let [new, other, third, ..] = stage.places().texts;
        let line = format!("{text} = {new}");
        let mut set = Set::up(&stage, Spec::new("reported")).await;
        set.device.write(text, new).await.assert_done();
        set.client.event_at("write", text).await;
        set.want(&[&line], "report").await;
        set.until_in_line(1).await;

        set.client.run(&format!("set {text} {other}")).await;
        assert_eq!(set.read(text).await, other);
        let stands = set.until("the drift", |stands| stands["state"] == "drifted").await;
        let row = &stands["lines"][0];
        assert_eq!([&row["expected"], &row["actual"]], [new, other], "{row}");
        assert_eq!([&row["standing"], &row["writer"]], ["out", "unknown"], "{row}");
        assert_eq!(stands["findings"][0]["writer"], "unknown");

        // By hand, and so it is known whose hand that was.
        set.device.write(text, third).await.assert_done();
        assert_eq!(set.read(text).await, third);
        let by_ada = |stands: &Value| stands["lines"][0]["actual"] == third;
        let stands = set.until("what was written by hand", by_ada).await;
        let writer = stands["lines"][0]["writer"].as_str().unwrap_or_default();
        assert!(writer.starts_with("ada, operation "), "{writer}");
        let page = set.device.tab("configuration").await;
        let shown = page.rows("#lines").concat();
        assert!(
            [text, new, third, writer].iter().all(|part| shown.iter().any(|cell| cell == part)),
            "{page}"
        );

        // Until a person says so, nothing is written in this mode either.
        set.want(&[&line], "ask").await;
        let asks = |stands: &Value| stands["lines"][0]["wanted_by"] == "default, version 2";
        let stands = set.until("the next version", asks).await;
        assert_eq!(stands["state"], "drifted", "{stands:#}");
        assert_eq!(set.read(text).await, third);
        assert_eq!(set.client.count("write"), 2, "only what was written by hand");
        set.rest.post(&set.path("/repair"), json!({ "ticket": "CHG-1" })).await;
        let stands = set.until_in_line(1).await;
        assert_eq!(set.read(text).await, new);
        assert_eq!(stands["lines"][0]["writer"], Value::Null);
        assert_eq!(set.client.count("write"), 3);
    });
}

#[test]
fn what_a_device_refuses_is_said_with_its_reason() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (line, code) = stage.places().refused;
        let attributes = format!("{sensor} ? pmin=2");
        let mut set = Set::up(&stage, Spec::new("unwilling")).await;
        set.want(&[line, &attributes], "repair").await;
        let stands = set.until("the refusal", |stands| stands["state"] == "refused").await;
        let [refused, taken] = [&stands["lines"][0], &stands["lines"][1]];
        let (path, _) = line.split_once(' ').expect("a path and a value");
        assert_eq!([&refused["line"], &refused["standing"]], [path, "refused"], "{stands:#}");
        assert!(refused["refused"].as_str().is_some_and(|reason| reason.starts_with(code)), "{refused}");
        assert!(
            stands["detail"].as_str().is_some_and(|detail| detail.contains(path) && detail.contains(code)),
            "{stands:#}"
        );
        assert_eq!(taken["standing"], "in-line", "the rest of it is taken: {stands:#}");
        assert_eq!(stands["reported"], 0);
        set.client.event_at("write-attributes", sensor).await;
        set.want(&[&attributes], "repair").await;
        set.until_in_line(2).await;
    });
}

#[test]
fn a_value_that_does_not_stay_is_left_alone_until_a_person_resumes_it() {
    on_every_peer(here!(), |stage| async move {
        let text = stage.places().text;
        let [new, other, ..] = stage.places().texts;
        let mut set = Set::up(&stage, Spec::new("stubborn")).await;
        set.want(&[&format!("{text} = {new}")], "repair").await;
        set.until_in_line(1).await;
        set.client.event_at("write", text).await;
        for repaired in 1..=3 {
            set.client.run(&format!("set {text} {other}")).await;
            assert_eq!(set.read(text).await, other);
            set.client.event_at("write", text).await;
            let is =
                |stands: &Value| stands["state"] == "in-line" && stands["lines"][0]["repairs"] == repaired;
            set.until(&format!("repair {repaired}"), is).await;
        }
        set.client.run(&format!("set {text} {other}")).await;
        assert_eq!(set.read(text).await, other);
        let stands = set.until("the end of repairs", |stands| stands["state"] == "flapping").await;
        assert!(stands["detail"].as_str().is_some_and(|detail| detail.contains(text)), "{stands:#}");
        assert_eq!(stands["lines"][0]["standing"], "flapping");
        let page = set.console_of_configuration(&stage).await;
        assert!(page.text("main").contains("stubborn"), "{page}");
        assert_eq!(set.read(text).await, other, "it is left alone");
        assert_eq!(set.client.count("write"), 4, "once to begin with, and three repairs");

        let form = set.device.tab("configuration").await.press("#act button[value=resume]");
        set.device.submit_any(form.fill("ticket", "CHG-2")).await;
        set.until_in_line(1).await;
        assert_eq!(set.read(text).await, new);
        assert_eq!(set.client.count("write"), 5);
    });
}

#[test]
fn a_device_that_sleeps_is_given_the_latest_when_it_wakes() {
    let peers = [Peer::Leshan, Peer::Simulated];
    on_peers(here!(), &peers, &Transport::ALL, Settings::default(), |mut stage| async move {
        let (text, sensor) = (stage.places().text, stage.places().sensor);
        let [new, other, ..] = stage.places().texts;
        let mut set = Set::up(&stage, Spec::new("sleeping").queue_mode()).await;
        // After a start the server takes a device in queue mode for asleep, until it is heard.
        stage.subject.kill();
        stage.subject.start_again().await;
        set.want(&[&format!("{text} = {new}")], "repair").await;
        let waits = |generation: u64| {
            move |stands: &Value| {
                let sleeps = stands["detail"].as_str().is_some_and(|detail| detail.contains("sleeps"));
                stands["state"] == "waiting" && stands["generation"] == generation && sleeps
            }
        };
        set.until("the wait", waits(1)).await;
        set.want(&[&format!("{text} = {other}")], "repair").await;
        let stands = set.until("the wait for the other", waits(2)).await;
        assert_eq!(stands["reported"], 0);
        assert!(
            !set.client.has_told("write") && !set.client.has_told("read"),
            "nothing is sent while it sleeps"
        );
        set.client.run(&format!("send {sensor}")).await;
        set.until_in_line(2).await;
        assert_eq!(set.read(text).await, other);
        assert_eq!(set.client.count("write"), 1, "what is not wanted any more is not written first");
    });
}

#[test]
fn an_earlier_version_is_wanted_again_at_the_console() {
    on_every_peer(here!(), |stage| async move {
        let text = stage.places().text;
        let [new, other, ..] = stage.places().texts;
        let mut set = Set::up(&stage, Spec::new("rolled-back")).await;
        for (version, value) in [(1, new), (2, other)] {
            let page = stage.console.open(BASELINE).await;
            let form = page.form("form#baseline").fill("lines", &format!("{text} = {value}\n"));
            let page = stage.console.submit(form.fill("mode", "repair")).await;
            assert!(page.text(".lead").contains(&format!("Version {version} counts")), "{page}");
            set.until_in_line(version).await;
            assert_eq!(set.read(text).await, value);
        }
        let page = stage.console.open(BASELINE).await;
        let back = page.press("form.roll-back[action$='/roll-back/1'] button");
        let page = stage.console.submit(back).await;
        assert!(page.text(".lead").contains("Version 3 counts"), "{page}");
        let stands = set.until_in_line(3).await;
        assert_eq!(stands["lines"][0]["wanted_by"], "default, version 3");
        assert_eq!(set.read(text).await, new);
        assert_eq!(set.client.count("write"), 3);
        let newest = set.rest.get("/baselines/class:default").await;
        assert_eq!(newest["rolls_back_to"], 1, "{newest:#}");
    });
}

#[test]
fn a_configuration_that_a_kill_cuts_off_is_finished() {
    on_peers(here!(), &Peer::ALL, &[Transport::Udp], Settings::default(), |mut stage| async move {
        let text = stage.places().text;
        let new = stage.places().texts[0];
        let mut set = Set::up(&stage, Spec::new("cut-off")).await;
        set.client.run("pause").await;
        set.want(&[&format!("{text} = {new}")], "repair").await;
        set.until("its first step", |stands| stands["state"] == "working").await;
        stage.subject.kill();
        stage.subject.start_again().await;
        set.client.run("resume").await;
        set.until_by(Deadline::after(Duration::from_secs(150)), "the end of it", is_in_line(1)).await;
        assert_eq!(set.read(text).await, new);
        assert_eq!(set.client.count("registered"), 1, "the client has not registered again");
    });
}

#[test]
fn who_may_do_what_is_written_to_the_access_control_object() {
    on_every_peer(here!(), |stage| async move {
        let mut set = Set::up(&stage, Spec::new("guarded")).await;
        if stage.peer == Peer::Leshan {
            // It begins without an instance.
            let values = json!({
                "0": { "type": "integer", "value": 3303 },
                "1": { "type": "integer", "value": 0 },
                "3": { "type": "integer", "value": 123 },
            });
            let asked = json!({ "request": { "operation": "create", "path": "/2/0", "values": values } });
            set.rest.post(&format!("/devices/{}/operations", set.device.id()), asked).await;
            set.client.event("updated").await;
        }
        set.want(&["/2/0/2/123 = 3"], "repair").await;
        set.until_in_line(1).await;
        let read = set.device.read("/2/0/2").await;
        let values = read.assert_done().values();
        assert!(values.contains(&("/2/0/2/123".to_owned(), "3".to_owned())), "{values:?}");
    });
}

/// How often devices are looked at, at most.
const CHECK: Duration = Duration::from_secs(60);

/// Where the baseline of the default class is.
const BASELINE: &str = "/configuration/baselines/class:default";

/// A device that has registered, and somebody who says what it is to have.
struct Set {
    rest: Rest,
    client: Client,
    device: Device,
}

impl Set {
    async fn up(stage: &Stage, spec: Spec) -> Self {
        let rest = Rest::of(&stage.subject, &stage.console).await;
        let (client, device) = stage.registered(spec).await;
        Self { rest, client, device }
    }

    async fn want(&self, lines: &[&str], mode: &str) {
        self.rest.baseline(lines, mode).await;
    }

    async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.until_by(Deadline::usual(), what, is).await
    }

    async fn until_by(&self, deadline: Deadline, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.rest.configured(self.device.id(), deadline, what, is).await
    }

    /// Once it has what is wanted in this generation. A client that answers no composite operation is waited for once, for as
    /// long as an answer may take.
    async fn until_in_line(&self, generation: u64) -> Value {
        let deadline = Deadline::after(Duration::from_secs(180));
        self.until_by(deadline, &format!("generation {generation}"), is_in_line(generation)).await
    }

    /// What the device has there, by its own word.
    async fn read(&self, path: &str) -> String {
        self.device.read(path).await.assert_done().values().remove(0).1
    }

    fn path(&self, act: &str) -> String {
        format!("/devices/{}/configuration{act}", self.device.id())
    }

    async fn console_of_configuration(&self, stage: &Stage) -> interop_tests::Page {
        stage.console.open("/configuration?state=flapping").await
    }
}

fn is_in_line(generation: u64) -> impl Fn(&Value) -> bool {
    move |stands| {
        stands["state"] == "in-line" && stands["generation"] == generation && stands["reported"] == generation
    }
}
