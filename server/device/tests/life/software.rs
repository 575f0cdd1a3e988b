//! Software packages, one an instance (LwM2M Core 1.1.1 §E.10).

use coap::{Code, Method, Request};
use device::{
    FirmwareFault, Mishap, Profile, Software, SoftwareResult,
    SoftwareState::{Delivered, DownloadStarted, Downloaded, Initial, Installed},
    TestImage, UpdateResult,
};
use objects::{ContentFormat, InstanceId, Value};

use crate::{
    firmware::{execute, image, text},
    world::{World, seconds, sensor, with},
};

fn software() -> Profile {
    Profile { software: Some(Software { instances: 2, ..Software::default() }), ..sensor() }
}

fn failing(mishap: Mishap) -> World {
    let mut profile = software();
    profile.faults.software = vec![FirmwareFault::once(mishap)];
    World::registered(profile)
}

fn package(instance: u16, bytes: Vec<u8>) -> Request {
    with(Method::Put, &format!("/9/{instance}/2"), ContentFormat::OPAQUE, bytes)
}

impl World {
    fn status(&self, instance: u16) -> (device::SoftwareState, SoftwareResult) {
        let (state, result, _) = self.device.software(InstanceId(instance)).unwrap();
        (state, result)
    }

    fn deliver(&mut self, instance: u16, version: &str) {
        assert_eq!(self.code(package(instance, TestImage::bytes(version, 5_000))), "2.04");
        assert_eq!(self.status(instance).0, Downloaded);
        self.run(seconds(2));
        assert_eq!(self.status(instance), (Delivered, SoftwareResult::Verified));
    }

    fn install(&mut self, instance: u16) {
        assert_eq!(self.code(execute(&format!("/9/{instance}/4"))), "2.04");
        self.run(seconds(3));
    }
}

#[test]
fn a_package_is_delivered_installed_activated_and_removed() {
    let mut world = World::registered(software());
    assert_eq!((world.read("/9/1/7"), world.read("/9/1/9")), (Value::Integer(0), Value::Integer(0)));
    world.deliver(1, "3.1");
    assert_eq!((world.read("/9/1/7"), world.read("/9/1/9")), (Value::Integer(3), Value::Integer(3)));
    assert_eq!((world.read("/9/1/0"), world.read("/9/1/1")), (text(TestImage::NAME), text("3.1")));
    world.install(1);
    assert_eq!(world.status(1), (Installed, SoftwareResult::Installed));
    assert_eq!((world.read("/9/1/7"), world.read("/9/1/9")), (Value::Integer(4), Value::Integer(2)));
    for (at, active) in [("/9/1/10", true), ("/9/1/11", false), ("/9/1/10", true)] {
        assert_eq!(world.code(execute(at)), "2.04");
        assert_eq!(world.read("/9/1/12"), Value::Boolean(active));
    }
    assert_eq!(world.code(execute("/9/1/6")), "2.04");
    assert_eq!(world.status(1), (Initial, SoftwareResult::Initial));
    assert_eq!((world.read("/9/1/12"), world.read("/9/1/1")), (Value::Boolean(false), text("")));
    assert_eq!(world.status(0), (Initial, SoftwareResult::Initial), "the other one knows nothing of it");
}

#[test]
fn what_does_not_fit_the_state_is_refused() {
    let mut world = World::registered(software());
    for at in ["/9/0/4", "/9/0/6", "/9/0/10", "/9/0/11"] {
        assert_eq!(world.code(execute(at)), "4.05", "{at}");
    }
    world.deliver(0, "1");
    assert_eq!(world.code(package(0, image())), "4.05", "one is there");
    assert_eq!(world.code(execute("/9/0/10")), "4.05", "it is not installed");
    assert_eq!(world.code(execute("/9/0/4")), "2.04");
    assert_eq!(world.code(execute("/9/0/4")), "4.05", "it is being installed");
    assert_eq!(world.code(execute("/9/0/6")), "4.05", "it is being installed");
}

#[test]
fn instances_are_created_and_deleted_with_all_that_belongs_to_them() {
    let mut world = World::registered(software());
    let created = world.ask(with(Method::Post, "/9", ContentFormat::TLV, []));
    assert_eq!((created.code, created.location_path), (Code::CREATED, vec!["9".into(), "2".into()]));
    world.deliver(2, "7");
    world.install(2);
    assert_eq!(world.code(Request::new(Method::Delete, "/9/2")), "2.02");
    assert_eq!(world.device.software(InstanceId(2)), None);
    world.deliver(0, "1");
}

#[test]
fn each_result_comes_at_its_moment() {
    for (result, code) in [
        (UpdateResult::NoStorage, 50),
        (UpdateResult::NoMemory, 51),
        (UpdateResult::ConnectionLost, 52),
        (UpdateResult::Integrity, 53),
        (UpdateResult::PackageType, 54),
    ] {
        let mut world = failing(Mishap::Ends(result));
        let answer = world.code(package(0, image()));
        assert_eq!(answer == "2.04", result == UpdateResult::Integrity, "{answer}");
        world.run(seconds(2));
        assert_eq!(world.status(0), (Initial, SoftwareResult::Failed(result)));
        assert_eq!(world.read("/9/0/9"), Value::Integer(code));
        world.deliver(0, "1");
    }
    let mut world = failing(Mishap::Ends(UpdateResult::UpdateFailed));
    world.deliver(0, "1");
    world.install(0);
    assert_eq!((world.read("/9/0/7"), world.read("/9/0/9")), (Value::Integer(3), Value::Integer(58)));
    world.install(0);
    assert_eq!(world.status(0).0, Installed);
}

#[test]
fn a_package_is_fetched_one_at_a_time() {
    let mut world = World::registered(software());
    let uri =
        |instance: u16, uri: &str| with(Method::Put, &format!("/9/{instance}/3"), ContentFormat::TEXT, uri);
    assert_eq!(world.code(uri(0, "coap://192.0.2.1/f")), "2.04");
    assert_eq!(world.code(uri(1, "coap://192.0.2.1/f")), "4.05", "the other one is under way");
    while world.status(0).0 == DownloadStarted {
        let until = world.now + seconds(100);
        assert!(world.step(until));
    }
    world.run(seconds(2));
    assert_eq!(world.status(0), (Delivered, SoftwareResult::Verified));
    assert_eq!(world.read("/9/0/1"), text("2.0"));
    for (bad, code) in [("software", 56), ("http://192.0.2.1/f", 56)] {
        assert_eq!(world.code(uri(1, bad)), "2.04");
        assert_eq!(world.read("/9/1/9"), Value::Integer(code));
    }
    assert_eq!(world.code(uri(1, "coap://192.0.2.1/f")), "2.04");
    world.call(|device, now| device.fetch_failed(now, true));
    assert_eq!(world.read("/9/1/9"), Value::Integer(52));
    assert_eq!(world.device.software(InstanceId(0)).unwrap().0, Delivered);
}

#[test]
fn a_power_cut_loses_what_was_coming_and_keeps_what_is_there() {
    let mut world = World::registered(software());
    world.deliver(1, "1");
    let cut = Mishap::PowerCut { at: 2_000, back_after: seconds(5), remembers: false };
    world.device.faults_mut().software = vec![FirmwareFault::once(cut)];
    let answered = world.outcome(package(0, image())).1;
    assert!(
        answered.is_ok_and(|response| response.code == Code::REQUEST_ENTITY_INCOMPLETE),
        "it came back meanwhile"
    );
    assert_eq!((world.status(0).0, world.status(1).0), (Initial, Delivered));
}
