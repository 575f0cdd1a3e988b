//! Bad networks, and addresses that are forged: a whole server behind a relay that loses, doubles, reorders and delays.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use coap::{Code, Kind, Message, MessageId, Method, OptionNumber, Token};
use device::{Account, Device, Event, Factory, Interaction, Output, Profile, Weather};
use futures::{StreamExt, stream::FuturesUnordered};
use interop_tests::{
    Console, Deadline, Interface, Relay, Rest, Settings, Subject, Transport, alone, here, until,
};
use objects::Version;
use serde_json::{Value, json};
use server::demo::way::{News, Stack, Way};
use tokio::{net::UdpSocket, sync::mpsc, task::JoinSet};

/// Devices of each kind in each weather.
const PLAIN: usize = 150;
const SECURE: usize = 50;
/// Devices that are read.
const READ: usize = 30;

#[test]
fn as_many_devices_register_and_are_read_in_bad_networks_as_can() {
    alone(here!(), Settings::default(), async |subject| {
        let rest = Rest::of(subject, &Console::set_up(subject).await).await;
        let weathers = [("rough", Weather::ROUGH), ("storm", Weather::STORM)];
        let mut crowds = Vec::new();
        for (seed, (name, weather)) in (1..).zip(weathers) {
            let secure = Crowd::secure(subject, &rest, &format!("{name}-secure"), SECURE, weather).await;
            crowds.push((name, weather, Crowd::plain(subject, name, weather, seed), secure));
        }
        // What an exchange can, it can within MAX_TRANSMIT_SPAN (RFC 7252 §4.8.2) and what its last messages take.
        let end = Instant::now() + Duration::from_secs(45) + 2 * Weather::STORM.held_back;
        for (_, _, plain, secure) in &mut crowds {
            plain.wait_until(end).await;
            secure.wait_until(end).await;
        }
        for (name, weather, plain, secure) in &crowds {
            assert_share(&format!("{name}, plain"), plain.registered.len(), PLAIN, ceiling(*weather));
            // A handshake first, which is tried again if it does not come to its end, and what is left for a Register.
            let floor = if weather.loss < 0.2 { 0.99 } else { 0.9 };
            assert_share(&format!("{name}, secure"), secure.registered.len(), SECURE, floor);
            assert_eq!((plain.relay.overrun(), secure.relay.overrun()), (0, 0));
        }
        let some = registered(&rest, "rough-plain-0").await.into_iter().take(READ);
        let rest = &rest;
        let reads: FuturesUnordered<_> =
            some.map(|device| async move { answers(rest, &device).await }).collect();
        let done = reads.filter(|done| std::future::ready(*done)).count().await;
        // The answer is waited for as long as the API lets one wait: four of the five tries.
        assert_share("reads", done, READ, 0.99);
    });
}

#[test]
fn a_device_with_a_connection_id_goes_on_behind_a_network_that_has_started_anew() {
    alone(here!(), Settings::default(), async |subject| {
        let rest = Rest::of(subject, &Console::set_up(subject).await).await;
        let mut crowd = Crowd::secure(subject, &rest, "moving", 5, Weather::CLEAR).await;
        crowd.wait_until(Instant::now() + Deadline::USUAL).await;
        assert_eq!(crowd.registered.len(), 5);
        let hellos = || crowd.relay.ledgers().values().map(|ledger| ledger.client_hellos).sum::<usize>();
        let shaken = hellos();
        // One without the cookie, one with it; a busy machine may take a second for one.
        assert!(shaken >= 10, "{shaken}");
        let before = addresses(&rest, "moving").await;
        crowd.relay.rebind();
        until("all to be heard from elsewhere", Deadline::usual(), async || {
            addresses(&rest, "moving").await.is_disjoint(&before).then_some(())
        })
        .await;
        for device in registered(&rest, "moving").await {
            assert!(answers(&rest, &device).await, "{device} is reached where it is now");
        }
        assert_eq!(hellos(), shaken, "nobody had to shake hands again");
    });
}

#[test]
fn a_forged_address_gets_three_bytes_at_most_for_one_that_it_seems_to_have_sent() {
    alone(here!(), Settings::default(), async |subject| {
        let rest = Rest::of(subject, &Console::set_up(subject).await).await;
        // Addresses of this host where nobody answers: what comes there is counted.
        let mut victims = Vec::new();
        for number in 0..10_u8 {
            let victim = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 10 + number), 0)).await;
            let (victim, register) = (victim.expect("all of 127/8 is this host"), register(number));
            victim.send_to(&register, subject.coap()).await.expect("it can be sent");
            victims.push((victim, register.len()));
        }
        until("them to be registered", Deadline::usual(), async || {
            (registered(&rest, "forged").await.len() == victims.len()).then_some(())
        })
        .await;
        for device in registered(&rest, "forged").await {
            let read = json!({ "request": { "operation": "read", "path": "/3/0/0" }, "wait_seconds": 0 });
            rest.post(&format!("/devices/{device}/operations"), read).await;
        }
        // Until what is asked would have been sent for the fifth time (RFC 7252 §4.8.2).
        let end = Instant::now() + Duration::from_secs(48);
        for (victim, sent) in &victims {
            let (mut buffer, mut received) = ([0; 2_048], 0);
            while let Ok(Ok(len)) = tokio::time::timeout_at(end.into(), victim.recv(&mut buffer)).await {
                assert!(len <= 136, "{len} bytes at once");
                received += len;
            }
            assert!(received > *sent, "it was answered and asked: {received} bytes for {sent}");
            assert!(received <= 3 * sent, "{received} bytes for {sent}");
        }
    });
}

/// Devices behind a network of their own.
struct Crowd {
    relay: Relay,
    count: usize,
    /// Who has registered, and whoever says so.
    registered: BTreeSet<String>,
    told: mpsc::UnboundedReceiver<String>,
    tell: mpsc::UnboundedSender<String>,
    devices: JoinSet<()>,
}

impl Crowd {
    fn before(server: SocketAddr, weather: Weather, seed: u64) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let relay = Relay::before(server, weather, seed);
        Self { relay, count: 0, registered: BTreeSet::new(), told, tell, devices: JoinSet::new() }
    }

    fn plain(subject: &Subject, name: &str, weather: Weather, seed: u64) -> Self {
        let mut crowd = Self::before(subject.coap(), weather, seed);
        for number in 0..PLAIN {
            let account = Account::no_sec(&format!("coap://{}", crowd.relay.address()));
            crowd.add(&format!("{name}-plain-{number:03}"), account);
        }
        crowd
    }

    /// So many devices with keys that the server is told of.
    async fn secure(subject: &Subject, rest: &Rest, name: &str, count: usize, weather: Weather) -> Self {
        let server = subject.address(Interface::Management, Transport::Dtls);
        let mut crowd = Self::before(server, weather, 99);
        for number in 0..count {
            let endpoint = format!("{name}-{number:03}");
            let number = u8::try_from(number).expect("there are fewer");
            let key: [u8; 16] = std::array::from_fn(|at| b"not a known key!"[at] ^ number);
            let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            let credential = json!({ "identity": endpoint, "key": hex });
            rest.post("/devices", json!({ "endpoint": endpoint, "management": credential })).await;
            let uri = format!("coaps://{}", crowd.relay.address());
            crowd.add(&endpoint, Account::psk(&uri, &endpoint, &key));
        }
        crowd
    }

    fn add(&mut self, endpoint: &str, account: Account) {
        let mut profile = Profile::sensor(endpoint, Version::V1_1);
        // It says something every three seconds.
        profile.update_percent = 1;
        profile.retry = Duration::from_secs(2);
        profile.factory = Factory::management(account);
        let device = Device::new(profile, self.count as u64);
        self.count += 1;
        self.devices.spawn(live(device, self.tell.clone()));
    }

    /// Until all have registered, or not beyond that.
    async fn wait_until(&mut self, at: Instant) {
        while self.registered.len() < self.count {
            match tokio::time::timeout_at(at.into(), self.told.recv()).await {
                Ok(Some(endpoint)) => self.registered.insert(endpoint),
                _ => return,
            };
        }
    }
}

/// The life of a device until its first Register fails.
async fn live(mut device: Device, tell: mpsc::UnboundedSender<String>) {
    let (origin, mut way, mut buffer) = (Instant::now(), Way::Closed, vec![0; 2_048]);
    device.start(Duration::ZERO);
    loop {
        while let Some(output) = device.poll_output() {
            match output {
                Output::Transmit { bytes } => way.send(&bytes).await,
                Output::Connect { to } => way = Way::to(&to, Stack::Engine),
                Output::Event(Event::Registered { .. }) => {
                    drop(tell.send(device.profile().endpoint.clone()));
                }
                // What is counted is its first exchange.
                Output::Event(Event::Unanswered { interaction: Interaction::Register, .. }) => return,
                Output::Fetch(_) | Output::Event(_) => {}
            }
        }
        let due = device.poll_timeout().unwrap_or(Duration::MAX).min(Duration::from_secs(3_600));
        tokio::select! {
            news = way.next(&mut buffer) => match news {
                News::Opened => device.connected(origin.elapsed()),
                News::Datagram(len) => device.handle_datagram(origin.elapsed(), &buffer[..len]),
                News::Failed(_) => device.connection_failed(origin.elapsed()),
            },
            () = tokio::time::sleep_until((origin + due).into()) => device.handle_timeout(origin.elapsed()),
        }
    }
}

/// RFC 7252 §4.8: five tries. A copy of a request is answered too (§4.5), and each of the two answers may arrive.
fn ceiling(weather: Weather) -> f64 {
    let arrives = 1.0 - weather.loss;
    1.0 - (1.0 - arrives * arrives * (1.0 + weather.doubled * weather.loss)).powi(5)
}

/// As many as should, within three standard errors.
fn assert_share(what: &str, count: usize, of: usize, share: f64) {
    let (ratio, error) = (count as f64 / of as f64, (share * (1.0 - share) / of as f64).sqrt());
    println!("{what}: {count} of {of}, {ratio:.4}; {share:.4}, error {error:.4}");
    assert!(ratio >= share - 3.0 * error, "{what}: {count} of {of}, not {share:.4}");
}

/// The devices whose names begin so, as the API has them.
async fn devices(rest: &Rest, prefix: &str) -> Vec<Value> {
    let page = rest.get(&format!("/devices?prefix={prefix}&limit=200")).await;
    page["items"].as_array().expect("it is a page").clone()
}

/// The ids of those that have registered.
async fn registered(rest: &Rest, prefix: &str) -> Vec<String> {
    let is = |device: &&Value| device["lwm2m"].is_string();
    let id = |device: &Value| device["id"].as_str().expect("it has an id").to_owned();
    devices(rest, prefix).await.iter().filter(is).map(id).collect()
}

/// Where they were heard last.
async fn addresses(rest: &Rest, prefix: &str) -> BTreeSet<String> {
    let address = |device: Value| device["address"].as_str().map(str::to_owned);
    devices(rest, prefix).await.into_iter().filter_map(address).collect()
}

/// Whether a device answers a Read.
async fn answers(rest: &Rest, device: &str) -> bool {
    let read = json!({ "request": { "operation": "read", "path": "/3303/0/5700" }, "wait_seconds": 25 });
    let asked = rest.post(&format!("/devices/{device}/operations"), read).await;
    asked["state"] == "done"
}

/// A Register without anything that could be left out, as whoever has forged its address would send it.
fn register(number: u8) -> Vec<u8> {
    let mut message = Message::new(
        Kind::Confirmable,
        Code::from(Method::Post),
        MessageId(u16::from(number)),
        Token::default(),
    );
    message.options.push(OptionNumber::URI_PATH, b"rd".as_slice());
    message.options.push(OptionNumber::URI_QUERY, format!("ep=forged-{number}").as_bytes());
    message.options.push(OptionNumber::URI_QUERY, b"lwm2m=1.1".as_slice());
    message.payload = b"</3/0>".to_vec();
    message.to_bytes().expect("its options are short")
}
