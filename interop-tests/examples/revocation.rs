//! How long a revoked device is still listened to.
//!
//! A thousand simulated devices are registered over DTLS, and each sends a value every second. Then each of them has its
//! credential revoked through the REST API, at a moment of its own. What is measured is the time from the call to the
//! last datagram of the device that the server still acknowledged; the commit lies in between, so that this is an upper
//! bound of the time from the commit.
//!
//!     cargo build --release && cargo run --release -p interop-tests --example revocation [DEVICES]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use device::{Account, Device, Event, Factory, Life, Profile};
use interop_tests::{Console, Interface, Subject, Transport};
use objects::Version;
use serde_json::{Value, json};
use server::demo::{Player, way::Stack};

/// How often each device sends.
const PERIOD: Duration = Duration::from_secs(1);

/// When a device was acknowledged last, if ever.
type Acknowledged = Arc<Mutex<(u64, Option<Instant>)>>;

#[tokio::main]
async fn main() {
    let devices: usize = std::env::args().nth(1).map_or(1_000, |count| count.parse().expect("a number"));
    let subject = Subject::start().await;
    let console = Console::set_up(&subject).await;
    let api = Api::new(&subject, &console).await;
    api.import(devices).await;
    let server = subject.address(Interface::Management, Transport::Dtls);
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    for number in 0..devices {
        let last = Acknowledged::default();
        tokio::spawn(play(device_of(number, &format!("coaps://{server}")), Arc::clone(&last)));
        acknowledged.push(last);
        // Handshakes beside one another, not on top of one another.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ids = api.registered(devices).await;
    println!("{devices} devices are registered; each sends every {} ms", PERIOD.as_millis());
    tokio::time::sleep(PERIOD * 5).await;

    let before: u64 = acknowledged.iter().map(count).sum();
    let began = Instant::now();
    let mut revoked = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let called = Instant::now();
        api.post(&format!("/devices/{id}/revoke"), json!({ "reason": "measured" })).await;
        revoked.push((number, called, called.elapsed()));
    }
    let took = began.elapsed();
    tokio::time::sleep(PERIOD * 5).await;
    let sends: u64 = acknowledged.iter().map(count).sum::<u64>() - before;

    let mut late: Vec<Duration> = revoked
        .iter()
        .map(|(number, called, _)| {
            let (_, last) = *acknowledged[*number].lock().expect("nobody panics with it");
            last.map_or(Duration::ZERO, |last| last.saturating_duration_since(*called))
        })
        .collect();
    let mut calls: Vec<Duration> = revoked.iter().map(|(_, _, took)| *took).collect();
    println!(
        "{sends} sends were acknowledged meanwhile; {devices} revocations in {:.1} s",
        took.as_secs_f64()
    );
    report("the call", &mut calls);
    report("from the call to the last acknowledged datagram", &mut late);
    let p99 = late[late.len() * 99 / 100];
    assert!(p99 <= Duration::from_secs(1), "p99 is {p99:?}, above one second");
}

fn count(acknowledged: &Acknowledged) -> u64 {
    acknowledged.lock().expect("nobody panics with it").0
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    println!("{what}: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", at(50), at(99), at(100));
}

fn endpoint(number: usize) -> String {
    format!("live-{number:05}")
}

fn key(number: usize) -> Vec<u8> {
    (0..16_u64).map(|at| (number as u64 * 31 + at * at * 7 + 13) as u8).collect()
}

fn device_of(number: usize, server: &str) -> Device {
    let endpoint = endpoint(number);
    let mut profile = Profile::sensor(&endpoint, Version::V1_1);
    profile.factory = Factory::management(Account::psk(server, &endpoint, &key(number)));
    profile.lifetime = 3_600;
    Device::new(profile, number as u64)
}

/// A life in which nothing changes but that it sends.
fn play(device: Device, acknowledged: Acknowledged) -> impl Future<Output = ()> {
    let life = Life::new(0, Duration::from_secs(3_600));
    let player = Player::new(device, life, Some(PERIOD)).by(Stack::Engine).telling(move |event| {
        if *event == Event::SendAccepted {
            let mut acknowledged = acknowledged.lock().expect("nobody panics with it");
            *acknowledged = (acknowledged.0 + 1, Some(Instant::now()));
        }
    });
    player.run()
}

/// The REST API.
struct Api {
    base: String,
    token: String,
    client: reqwest::Client,
}

impl Api {
    async fn new(subject: &Subject, console: &Console) -> Self {
        let page = console.open("/settings/tokens").await;
        let form =
            page.form("form:has([name=scope])").fill("name", "revocation").fill("scope", "administrator");
        let shown = console.submit(form).await;
        let token = shown.texts("code").into_iter().find(|text| text.starts_with("muster_"));
        let token = token.expect("the token is shown");
        Self { base: format!("{}/api/v1", subject.console_url()), token, client: reqwest::Client::new() }
    }

    async fn import(&self, devices: usize) {
        let mut rows = String::from("endpoint,management_identity,management_key\n");
        for number in 0..devices {
            let key: String = key(number).iter().map(|byte| format!("{byte:02x}")).collect();
            rows.push_str(&format!("{0},{0},{key}\n", endpoint(number)));
        }
        let request = self.client.post(format!("{}/devices/imports", self.base)).bearer_auth(&self.token);
        let answer = request.header("content-type", "text/csv").body(rows).send().await.expect("it answers");
        let report: Value = answer.json().await.expect("a report");
        assert_eq!(report["added"], json!(devices), "{report}");
    }

    /// The ids of the devices, as soon as all have registered.
    async fn registered(&self, devices: usize) -> Vec<String> {
        loop {
            let mut ids = vec![String::new(); devices];
            let mut next = format!("{}/devices?state=registered&limit=500", self.base);
            loop {
                let answer =
                    self.client.get(&next).bearer_auth(&self.token).send().await.expect("it answers");
                let page: Value = answer.json().await.expect("a page");
                for item in page["items"].as_array().expect("items") {
                    let name = item["endpoint"].as_str().unwrap_or_default();
                    let number: usize = name.trim_start_matches("live-").parse().expect("a number");
                    ids[number] = item["id"].as_str().unwrap_or_default().to_owned();
                }
                let Some(cursor) = page["next"].as_str() else { break };
                next = format!("{}/devices?state=registered&limit=500&after={cursor}", self.base);
            }
            if ids.iter().all(|id| !id.is_empty()) {
                return ids;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn post(&self, path: &str, body: Value) {
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.token).json(&body);
        let answer = request.send().await.expect("it answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
}
