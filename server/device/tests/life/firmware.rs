//! Firmware updates by push, from the first block to the new version (LwM2M Core 1.1.1 §E.6).

use coap::{BlockSize, Method, Request, Response};
use device::{
    Delivery, Device, Event, Firmware, FirmwareState, How, Misbehaviour, Operation, Profile, TestImage,
    UpdateResult,
};
use objects::{ContentFormat, Value, Version};

use crate::world::{World, attributes, get, path, seconds, sensor, value, with};

/// A device whose firmware can be updated.
pub(crate) fn updatable() -> Profile {
    Profile { firmware: Some(Firmware::default()), boot_time: seconds(2), ..sensor() }
}

pub(crate) fn image() -> Vec<u8> {
    TestImage::bytes("2.0", 10_000)
}

pub(crate) fn package(bytes: impl Into<Vec<u8>>) -> Request {
    with(Method::Put, "/5/0/0", ContentFormat::OPAQUE, bytes)
}

pub(crate) fn execute(at: &str) -> Request {
    Request::new(Method::Post, at)
}

impl World {
    /// State and result.
    pub(crate) fn firmware(&self) -> (FirmwareState, UpdateResult) {
        let status = self.device.firmware().unwrap();
        (status.state, status.result)
    }

    pub(crate) fn read(&mut self, at: &str) -> Value {
        let response = self.ask(get(at, None));
        assert_eq!(response.code.to_string(), "2.05", "{at}");
        value(at, &response)
    }

    /// The firmware version that the device names in object 3, and the one in object 5.
    pub(crate) fn versions(&mut self) -> (Value, Value) {
        (self.read("/3/0/3"), self.read("/5/0/7"))
    }

    /// The states and results that the device has gone through since the last call.
    pub(crate) fn steps(&mut self) -> Vec<(FirmwareState, UpdateResult)> {
        let steps = self.events.drain(..).filter_map(|(_, event)| match event {
            Event::Firmware { state, result } => Some((state, result)),
            _ => None,
        });
        steps.collect()
    }
}

pub(crate) fn text(text: &str) -> Value {
    Value::String(text.into())
}

use FirmwareState::{Downloaded, Downloading, Idle, Updating};

#[test]
fn an_update_by_push_goes_from_state_to_state_and_ends_with_the_new_version() {
    let mut world = World::registered(updatable());
    assert_eq!(world.versions(), (text("1.0"), text("1.0")));
    assert_eq!(world.code(package(image())), "2.04");
    assert_eq!(world.steps(), [(Downloading, UpdateResult::Initial), (Downloaded, UpdateResult::Initial)]);
    assert_eq!(world.versions(), (text("1.0"), text("2.0")), "it is there, and not installed");
    let status = world.device.firmware().unwrap();
    assert_eq!(status.delivered.map(|delivered| delivered.len), Some(10_000));

    assert_eq!(world.code(execute("/5/0/2")), "2.04");
    assert_eq!(world.firmware(), (Updating, UpdateResult::Initial));
    world.run(seconds(6));
    assert!(!world.device.is_registered(), "it starts anew");
    world.run(seconds(3));
    assert!(world.device.is_registered());
    assert_eq!(world.firmware(), (Idle, UpdateResult::Success));
    assert_eq!(world.versions(), (text("2.0"), text("2.0")));
    assert_eq!((world.read("/5/0/3"), world.read("/5/0/5")), (Value::Integer(0), Value::Integer(1)));
    assert_eq!(world.device.firmware().unwrap().installs, 1);
    assert_eq!(world.asked().len(), 1, "it has registered: {:?}", world.asked());
}

#[test]
fn whoever_observes_state_and_result_is_told_of_each() {
    let mut world = World::registered(updatable());
    for at in ["/5/0/3", "/5/0/5"] {
        world.observe(at);
    }
    world.ask(package(image()));
    world.run(seconds(1));
    let told = |world: &World| world.notified.len();
    assert_eq!(told(&world), 2, "downloading, and downloaded");
    world.ask(execute("/5/0/2"));
    world.run(seconds(1));
    assert_eq!(told(&world), 3, "and updating");
    world.run(seconds(30));
    assert_eq!(told(&world), 3, "observations are over when it has started anew");
}

#[test]
fn the_registration_names_the_version_of_the_object() {
    for (version, link) in
        [(Version::V1_0, "</5/0>"), (Version::V1_1, "</5>;ver=1.1"), (Version::V1_2, "</5>;ver=1.2")]
    {
        let firmware = Some(Firmware { version, ..Firmware::default() });
        let mut world = World::new(1, crate::world::Link::PERFECT, Profile { firmware, ..sensor() });
        world.call(Device::start);
        world.run(seconds(1));
        let links = String::from_utf8_lossy(&world.asked[0].request.payload).into_owned();
        assert!(links.contains(link), "{links}");
        let has = |world: &mut World, at: &str| world.code(get(at, None)) == "2.05";
        assert_eq!(has(&mut world, "/5/0/12"), version >= Version::V1_1);
        assert_eq!(has(&mut world, "/5/0/14"), version >= Version::V1_2);
        assert_eq!(world.code(execute("/5/0/10")), if version >= Version::V1_1 { "4.05" } else { "4.04" });
    }
}

#[test]
fn a_package_that_fits_one_message_is_taken_in_any_format() {
    for format in [ContentFormat::OPAQUE, ContentFormat::CBOR] {
        let mut world = World::registered(updatable());
        let bytes = TestImage::bytes("2.0", 0);
        let payload = if format == ContentFormat::CBOR { [&[0x50][..], &bytes].concat() } else { bytes };
        assert_eq!(world.code(with(Method::Put, "/5/0/0", format, payload)), "2.04", "{format:?}");
        assert_eq!(world.firmware(), (Downloaded, UpdateResult::Initial));
        assert_eq!(world.code(get("/5/0/0", None)), "4.05", "it is not kept");
    }
}

#[test]
fn an_empty_package_or_uri_resets_it_unless_it_is_being_installed() {
    let text_at = |at: &str, text: &str| with(Method::Put, at, ContentFormat::TEXT, text.as_bytes());
    for reset in [package([]), package([0]), text_at("/5/0/1", "")] {
        let mut world = World::registered(updatable());
        world.ask(package(image()));
        assert_eq!(world.code(reset.clone()), "2.04");
        assert_eq!(world.firmware(), (Idle, UpdateResult::Initial));
        assert_eq!(world.read("/5/0/7"), text("1.0"));
        world.ask(package(image()));
        world.ask(execute("/5/0/2"));
        assert_eq!(world.code(reset), "4.05");
        assert_eq!(world.firmware(), (Updating, UpdateResult::Initial));
    }
}

#[test]
fn what_does_not_fit_the_state_is_refused() {
    let mut world = World::registered(updatable());
    assert_eq!(world.code(execute("/5/0/2")), "4.05", "nothing is there to be installed");
    assert_eq!(world.code(execute("/5/0/10")), "4.05", "nothing is there to be cancelled");
    world.ask(package(image()));
    assert_eq!(world.code(package(image())), "4.05", "a package is there");
    world.ask(execute("/5/0/2"));
    assert_eq!(world.code(execute("/5/0/2")), "4.05", "it is being installed");
    assert_eq!(world.code(execute("/5/0/10")), "4.05", "it is being installed");
    world.run(seconds(30));
    assert_eq!(world.firmware(), (Idle, UpdateResult::Success));

    let firmware = Some(Firmware { delivery: Delivery::Pull, ..Firmware::default() });
    let mut world = World::registered(Profile { firmware, ..updatable() });
    assert_eq!(world.code(package(image())), "4.05", "it only fetches");
}

#[test]
fn an_update_can_be_cancelled_until_it_is_installed() {
    let mut world = World::registered(updatable());
    world.ask(package(image()));
    assert_eq!(world.code(execute("/5/0/10")), "2.04");
    assert_eq!(world.firmware(), (Idle, UpdateResult::Cancelled));
    assert_eq!(world.code(execute("/5/0/2")), "4.05");
}

#[test]
fn version_1_2_of_the_object_can_install_by_itself() {
    let firmware = Some(Firmware { version: Version::V1_2, ..Firmware::default() });
    let mut world = World::registered(Profile { firmware, ..updatable() });
    assert_eq!(world.code(with(Method::Put, "/5/0/14", ContentFormat::TEXT, "1")), "2.04");
    world.ask(package(image()));
    assert_eq!(world.firmware(), (Updating, UpdateResult::Initial));
    world.run(seconds(30));
    assert_eq!(world.versions(), (text("2.0"), text("2.0")));
}

#[test]
fn blocks_are_as_small_as_the_device_wants_them() {
    let firmware = Some(Firmware { block_size: BlockSize::B128, ..Firmware::default() });
    let mut world = World::registered(Profile { firmware, ..updatable() });
    let before = world.sent;
    assert_eq!(world.code(package(image())), "2.04");
    assert_eq!(world.sent - before, 1 + (10_000 - 1024_usize).div_ceil(128), "one answer a block");
    assert_eq!(world.device.firmware().unwrap().delivered.unwrap().len, 10_000);
}

#[test]
fn a_package_of_a_mebibyte_takes_no_memory() {
    let mut world = World::registered(updatable());
    let id = world.request(package(TestImage::bytes("2.0", 1 << 20)));
    let mut most = 0;
    while world.take_outcome(id).is_none() {
        let until = world.now + seconds(1);
        world.step(until);
        most = most.max(world.device.usage().block_bytes);
    }
    assert_eq!((most, world.firmware().0), (0, Downloaded));
}

#[test]
fn the_digest_is_that_of_the_package_in_bad_weather_too() {
    let mut digests = std::collections::BTreeSet::new();
    for seed in 0..10 {
        let mut world = World::registered(updatable());
        world.random = rand::SeedableRng::seed_from_u64(seed);
        world.link = crate::world::Link::BAD;
        let (_, outcome) = world.outcome(package(image()));
        if outcome.is_ok_and(|response: Response| response.code == coap::Code::CHANGED) {
            digests.insert(world.device.firmware().unwrap().delivered.unwrap().sha256);
        }
    }
    assert_eq!(digests.len(), 1);
}

#[test]
fn a_first_block_begins_anew_and_a_gap_is_not_taken() {
    let mut world = World::registered(updatable());
    world.link = crate::world::Link::CUT;
    let broken = world.request(package(image()));
    world.link = crate::world::Link::PERFECT;
    while world.device.firmware().unwrap().received < 5_000 {
        let until = world.now + seconds(20);
        world.step(until);
    }
    let now = world.now;
    world.server.cancel_request(now, broken);
    assert_eq!(world.code(package(image())), "2.04");
    assert_eq!(world.device.firmware().unwrap().delivered.unwrap().len, 10_000);
}

#[test]
fn a_package_that_stops_coming_is_given_up_with_result_4() {
    let mut world = World::registered(updatable());
    world.request(package(image()));
    while world.device.firmware().unwrap().received < 5_000 {
        let until = world.now + seconds(20);
        world.step(until);
    }
    world.link = crate::world::Link::CUT;
    world.run(seconds(250));
    assert_eq!(world.firmware(), (Idle, UpdateResult::ConnectionLost));
}

#[test]
fn attributes_hold_for_state_and_result() {
    let mut world = World::registered(updatable());
    assert_eq!(world.code(attributes("/5/0/3", "pmin=60")), "2.04");
    world.observe("/5/0/3");
    world.ask(package(image()));
    world.run(seconds(10));
    assert_eq!(world.notified.len(), 0);
    world.run(seconds(60));
    assert_eq!(world.notified.len(), 1);
}

#[test]
fn an_update_that_is_never_answered_still_is_carried_out_or_not() {
    let misbehaviour = |how| Misbehaviour { operation: Operation::Execute, within: path("/5/0/2"), how };
    for (how, state) in [(How::Ignore, Downloaded), (How::AcknowledgeOnly, Downloaded)] {
        let mut world = World::registered(updatable());
        world.device.faults_mut().misbehaviours = vec![misbehaviour(how)];
        world.ask(package(image()));
        assert!(world.outcome(execute("/5/0/2")).1.is_err());
        assert_eq!(world.firmware().0, state);
    }
}

#[test]
fn a_device_without_the_object_takes_no_package() {
    let mut world = World::registered(sensor());
    assert_eq!(world.code(package(image())), "4.04");
    assert_eq!(world.device.firmware(), None);
    let mut world = World::registered(updatable());
    for at in ["/5/1/0", "/9/0/2"] {
        assert_eq!(world.code(with(Method::Put, at, ContentFormat::OPAQUE, image())), "4.04", "{at}");
    }
    assert_eq!(world.firmware().0, Idle);
}

#[test]
fn a_package_uri_comes_in_a_composite_as_well_and_the_object_stays() {
    let mut world = World::registered(updatable());
    let json = |text: &str| with(Method::IPatch, "/", ContentFormat::SENML_JSON, text.as_bytes());
    assert_eq!(
        world.code(json(r#"[{"n":"/5/0/11","v":0},{"n":"/5/0/1","vs":"ftp://192.0.2.1/f"}]"#)),
        "2.04"
    );
    assert_eq!(world.firmware(), (Idle, UpdateResult::Protocol));
    assert_eq!(world.read("/5/0/11"), Value::Integer(0));
    assert_eq!(world.code(Request::new(Method::Delete, "/5/0")), "4.05");
}
