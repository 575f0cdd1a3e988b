//! Firmware that the device fetches: by CoAP from a depot, by HTTP from whoever runs it.

use std::time::Duration;

use coap::{Boot, Code, Config, Endpoint, Method, Response};
use device::{
    Account, Delivery, Fetch, Firmware, FirmwareFault,
    FirmwareState::{Downloaded, Downloading, Idle},
    Mishap, Profile, Protocol, Security, UpdateResult,
};
use objects::{ContentFormat, Value};

use crate::{
    firmware::{execute, image, package, text, updatable},
    provisioning::provisioned,
    world::{Link, Side, World, seconds, with},
};

/// A server with one file.
pub(crate) struct Depot {
    pub(crate) session: u8,
    endpoint: Endpoint<u8>,
    file: Vec<u8>,
    /// What is answered instead of the file.
    code: Option<Code>,
    /// Whether no session comes to stand.
    unreachable: bool,
    /// What the device has asked for, but for datagrams.
    asked: Vec<Fetch>,
    requests: Vec<String>,
}

impl Default for Depot {
    fn default() -> Self {
        let config = Config {
            bounds: coap::Bounds { unverified_reply_bytes: usize::MAX, ..Default::default() },
            ..Config::default()
        };
        Self {
            session: 0,
            endpoint: Endpoint::new(config, Boot { number: 9, seed: [9; 32] }),
            file: image(),
            code: None,
            unreachable: false,
            asked: Vec::new(),
            requests: Vec::new(),
        }
    }
}

impl Depot {
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        self.endpoint.poll_timeout()
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
    }
}

impl World {
    pub(crate) fn fetch(&mut self, fetch: Fetch) {
        match &fetch {
            Fetch::Transmit { bytes } => return self.fly(Side::Depot, self.depot.session, bytes.clone()),
            Fetch::Connect { .. } if self.depot.unreachable => self.device.fetch_failed(self.now, true),
            Fetch::Connect { .. } => {
                self.depot.session += 1;
                self.device.fetch_connected(self.now);
            }
            Fetch::Get { .. } => {}
            Fetch::End => self.depot.session += 1,
        }
        self.depot.asked.push(fetch);
    }

    /// The depot answers what it is asked.
    pub(crate) fn hand_out(&mut self, bytes: &[u8]) {
        self.depot.endpoint.handle_datagram(self.now, self.depot.session, bytes);
        while let Some(output) = self.depot.endpoint.poll_output() {
            match output {
                coap::Output::Transmit { peer, bytes } => self.fly(Side::Fetcher, peer, bytes),
                coap::Output::Event(coap::Event::Request { exchange, request, .. }) => {
                    self.depot.requests.push(format!(
                        "{}?{}",
                        request.path.join("/"),
                        request.queries.join("&")
                    ));
                    let file = Response::new(Code::CONTENT).with_payload(42, self.depot.file.clone());
                    let response = self.depot.code.map_or(file, Response::new);
                    self.depot.endpoint.respond(self.now, exchange, response);
                }
                coap::Output::Event(_) => {}
            }
        }
    }

    fn pull(&mut self, uri: &str) -> String {
        self.code(with(Method::Put, "/5/0/1", ContentFormat::TEXT, uri))
    }

    /// Runs until the download has come to an end.
    fn run_download(&mut self) {
        let until = self.now + seconds(2_000);
        while self.firmware().0 == Downloading && self.step(until) {}
    }
}

const URI: &str = "coap://192.0.2.1/f/k3y?v=2";

/// A device that fetches in every way.
fn fetching() -> Profile {
    let protocols = vec![Protocol::Coap, Protocol::Coaps, Protocol::Http, Protocol::Https];
    Profile { firmware: Some(Firmware { protocols, ..Firmware::default() }), ..updatable() }
}

fn failing(fault: Mishap) -> World {
    let mut profile = fetching();
    profile.faults.firmware = vec![FirmwareFault::once(fault)];
    World::registered(profile)
}

#[test]
fn a_package_is_fetched_by_coap_and_installed() {
    let mut world = World::registered(fetching());
    assert_eq!(world.pull(URI), "2.04");
    assert_eq!(world.firmware(), (Downloading, UpdateResult::Initial));
    world.run_download();
    assert_eq!(world.firmware(), (Downloaded, UpdateResult::Initial));
    assert_eq!(world.device.firmware().unwrap().delivered.unwrap().len, 10_000);
    let to = Account::no_sec("coap://192.0.2.1:5683");
    assert_eq!(world.depot.asked, [Fetch::Connect { to }, Fetch::End]);
    assert_eq!(world.depot.requests, ["f/k3y?v=2"], "the blocks after the first one are of the same answer");
    assert_eq!(world.code(execute("/5/0/2")), "2.04");
    world.run(seconds(30));
    assert_eq!(world.versions(), (text("2.0"), text("2.0")));
    assert_eq!(world.read("/5/0/1"), text(URI));
}

#[test]
fn by_coaps_it_goes_with_the_key_of_the_management_server_or_with_one_of_its_own() {
    let firmware = Some(Firmware::default());
    let mut world =
        World::new(1, Link::PERFECT, Profile { firmware: firmware.clone(), ..provisioned("key") });
    world.call(device::Device::start);
    world.run(seconds(1));
    assert_eq!(world.pull("coaps://192.0.2.1:7000/f"), "2.04");
    world.run_download();
    let management = world.device.management_account().unwrap();
    let to = Account { uri: "coaps://192.0.2.1:7000".into(), ..management };
    assert_eq!(world.depot.asked[0], Fetch::Connect { to });
    assert_eq!(world.firmware().0, Downloaded);

    let own = Security::Psk { identity: b"depot".to_vec(), key: b"key".to_vec() };
    let firmware = firmware.map(|firmware| Firmware { security: Some(own.clone()), ..firmware });
    let mut world = World::registered(Profile { firmware, ..updatable() });
    world.pull("coaps://[2001:db8::1]/f");
    world.run_download();
    assert_eq!(
        world.depot.asked[0],
        Fetch::Connect { to: Account { uri: "coaps://[2001:db8::1]:5684".into(), security: own } }
    );
}

#[test]
fn by_coaps_without_any_key_the_connection_is_lost() {
    let mut world = World::registered(fetching());
    assert_eq!(world.pull("coaps://192.0.2.1/f"), "2.04");
    assert_eq!(world.firmware(), (Idle, UpdateResult::ConnectionLost));
}

#[test]
fn by_http_the_bytes_come_from_whoever_runs_the_device() {
    let mut world = World::registered(fetching());
    let uri = "https://host.example/f?k=1".to_owned();
    assert_eq!(world.pull(&uri), "2.04");
    assert_eq!(world.depot.asked, [Fetch::Get { uri, from: 0 }]);
    let image = image();
    for (number, piece) in image.chunks(3000).enumerate() {
        assert_eq!(world.firmware().0, Downloading);
        world.call(|device, now| device.fetched(now, piece, number == 3));
    }
    assert_eq!(world.firmware(), (Downloaded, UpdateResult::Initial));
    assert_eq!(world.depot.asked.last(), Some(&Fetch::End));
    world.call(|device, now| device.fetched(now, b"more", true));
    assert_eq!(world.firmware(), (Downloaded, UpdateResult::Initial), "nothing is wanted any more");
}

#[test]
fn what_cannot_be_had_ends_with_result_4_or_7() {
    for (found, result) in [(true, UpdateResult::ConnectionLost), (false, UpdateResult::InvalidUri)] {
        let mut world = World::registered(fetching());
        world.pull("http://host.example/f");
        world.call(|device, now| device.fetch_failed(now, found));
        assert_eq!(world.firmware(), (Idle, result));
    }
    for (code, result) in [
        (Code::NOT_FOUND, UpdateResult::InvalidUri),
        (Code::SERVICE_UNAVAILABLE, UpdateResult::ConnectionLost),
    ] {
        let mut world = World::registered(fetching());
        world.depot.code = Some(code);
        world.pull(URI);
        world.run_download();
        assert_eq!(world.firmware(), (Idle, result));
    }
    let mut world = World::registered(fetching());
    world.depot.unreachable = true;
    assert_eq!(world.pull(URI), "2.04");
    world.run_download();
    assert_eq!(world.firmware(), (Idle, UpdateResult::ConnectionLost));
}

#[test]
fn a_uri_that_is_none_or_whose_scheme_is_not_listed_says_so() {
    for (uri, result) in [
        ("firmware", UpdateResult::InvalidUri),
        ("coap://a.name.example/f", UpdateResult::InvalidUri),
        ("ftp://192.0.2.1/f", UpdateResult::Protocol),
        ("http://192.0.2.1/f", UpdateResult::Protocol),
    ] {
        let mut world = World::registered(updatable());
        assert_eq!(world.pull(uri), "2.04", "{uri}");
        assert_eq!(world.firmware(), (Idle, result), "{uri}");
        assert!(world.depot.asked.is_empty());
    }
}

#[test]
fn one_that_only_takes_what_is_written_refuses_a_uri() {
    let firmware = Some(Firmware { delivery: Delivery::Push, ..Firmware::default() });
    let mut world = World::registered(Profile { firmware, ..updatable() });
    assert_eq!(world.pull(URI), "4.05");
    assert_eq!((world.firmware(), world.read("/5/0/1")), ((Idle, UpdateResult::Initial), text("")));
}

#[test]
fn each_result_of_a_download_comes_at_its_moment() {
    for (result, requests) in [
        (UpdateResult::NoStorage, 1),
        (UpdateResult::NoMemory, 1),
        (UpdateResult::ConnectionLost, 1),
        (UpdateResult::Integrity, 1),
        (UpdateResult::PackageType, 1),
        (UpdateResult::InvalidUri, 0),
        (UpdateResult::Protocol, 0),
    ] {
        let mut world = failing(Mishap::Ends(result));
        assert_eq!(world.pull(URI), "2.04");
        world.run_download();
        assert_eq!((world.firmware(), world.depot.requests.len()), ((Idle, result), requests), "{result:?}");
        assert_eq!(world.read("/5/0/5"), Value::Integer(result as i64));
        assert_eq!(world.pull(URI), "2.04");
        world.run_download();
        assert_eq!(world.firmware(), (Downloaded, UpdateResult::Initial), "{result:?}");
    }
}

#[test]
fn while_it_is_fetched_it_can_be_cancelled_or_reset_and_nothing_else_is_taken() {
    for (request, result) in [
        (execute("/5/0/10"), UpdateResult::Cancelled),
        (with(Method::Put, "/5/0/1", ContentFormat::TEXT, ""), UpdateResult::Initial),
    ] {
        let mut world = World::registered(fetching());
        world.pull(URI);
        assert_eq!(world.code(package(image())), "4.05");
        assert_eq!(world.pull("coap://192.0.2.1/other"), "4.05");
        assert_eq!(world.read("/5/0/1"), text(URI));
        assert_eq!(world.firmware().0, Downloading);
        assert_eq!(world.code(request), "2.04");
        world.run(seconds(10));
        assert_eq!((world.firmware(), world.depot.asked.last()), ((Idle, result), Some(&Fetch::End)));
    }
}

#[test]
fn a_power_cut_in_the_middle_ends_it_or_it_goes_on_from_there() {
    for remembers in [false, true] {
        let mut world = failing(Mishap::PowerCut { at: 3_000, back_after: seconds(30), remembers });
        world.pull(URI);
        world.run(seconds(20));
        assert!(!world.device.is_registered());
        assert_eq!(world.depot.asked.last(), Some(&Fetch::End));
        world.run(seconds(12));
        world.run_download();
        if remembers {
            assert_eq!(world.firmware(), (Downloaded, UpdateResult::Initial));
            assert_eq!(world.depot.asked.len(), 4, "{:?}", world.depot.asked);
            assert_eq!(world.device.firmware().unwrap().delivered.unwrap().len, 10_000);
        } else {
            assert_eq!(world.firmware(), (Idle, UpdateResult::Initial));
        }
    }
    let mut world = failing(Mishap::PowerCut { at: 3_000, back_after: seconds(30), remembers: true });
    let uri = "http://host.example/f".to_owned();
    world.pull(&uri);
    for piece in image().chunks(2000) {
        world.call(|device, now| device.fetched(now, piece, false));
    }
    world.run(seconds(40));
    assert_eq!(world.depot.asked.last(), Some(&Fetch::Get { uri, from: 4_000 }));
}

#[test]
fn a_download_that_stands_still_is_given_up_with_result_4() {
    let mut world = failing(Mishap::FallsSilent { at: 3_000 });
    world.pull(URI);
    world.run(seconds(200));
    assert_eq!(world.firmware(), (Downloading, UpdateResult::Initial));
    world.run(seconds(100));
    assert_eq!(world.firmware(), (Idle, UpdateResult::ConnectionLost));

    let mut world = World::registered(fetching());
    world.pull(URI);
    world.link = Link::CUT;
    world.run(seconds(100));
    assert_eq!(world.firmware(), (Idle, UpdateResult::ConnectionLost), "as soon as CoAP has given up");
}

#[test]
fn blocks_of_two_files_never_meet_in_one_package() {
    let mut world = World::registered(fetching());
    world.pull(URI);
    while world.device.firmware().unwrap().received < 3_000 {
        let until = world.now + seconds(1);
        world.step(until);
    }
    // Another file stands there, and the depot has forgotten the first one.
    let lost = Depot { session: world.depot.session, file: vec![1; 10_000], ..Depot::default() };
    world.depot = lost;
    world.run_download();
    assert_eq!(world.firmware(), (Idle, UpdateResult::Integrity));
}

#[test]
fn it_is_fetched_in_bad_weather_too() {
    let mut whole = 0;
    for seed in 0..20 {
        let mut world = World::registered(fetching());
        world.random = rand::SeedableRng::seed_from_u64(seed);
        world.link = Link::BAD;
        world.device.faults_mut().firmware = Vec::new();
        if world.pull(URI) == "2.04" {
            world.run_download();
        }
        match world.firmware() {
            (Downloaded, _) => whole += 1,
            other => assert_eq!(other, (Idle, UpdateResult::ConnectionLost), "seed {seed}"),
        }
    }
    assert!(whole > 10, "{whole}");
}
