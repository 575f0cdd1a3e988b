//! Faults in a bootstrap, and power cuts in the middle of it: old or new account, one always works (I-27).

use std::time::Duration;

use coap::{Code, Failure, Request};
use device::{Account, Device, Event, How, Misbehaviour, Operation};
use objects::ContentFormat;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    provisioning::{account, blank, delete, finish, provisioned, security, server, write_instance},
    world::{Link, MINUTE, World, get, path, seconds},
};

fn fault(operation: Operation, within: &str, how: How) -> Misbehaviour {
    Misbehaviour { operation, within: path(within), how }
}

#[test]
fn a_bootstrap_step_goes_wrong_as_it_is_told_to() {
    let mut world = World::bootstrapping(blank(0));
    let refuse = How::AnswerWith(Code::INTERNAL_SERVER_ERROR);
    world.device.faults_mut().misbehaviours = vec![
        fault(Operation::BootstrapWrite, "/1", refuse),
        fault(Operation::BootstrapFinish, "/", How::AnswerWith(Code::NOT_ACCEPTABLE)),
        fault(Operation::BootstrapDelete, "/", How::Ignore),
    ];
    assert_eq!(world.code(write_instance("/0/1", security(&account("key"), 7))), "2.04");
    assert_eq!(world.code(write_instance("/1/1", server(7))), "5.00");
    assert_eq!(world.code(finish()), "4.06");
    let silent = world.outcome(delete("/")).1;
    assert_eq!(silent, Err(Failure::TimedOut { acknowledged: false }));
    world.device.faults_mut().misbehaviours.clear();
    world.provision(&account("key"));
    assert_eq!(world.code(finish()), "2.04");
}

/// Runs a rotation whose power fails at one step, and says with which account the device comes to register.
fn cut_at(step: usize, keeps: bool) -> Account {
    let (operation, within) = [
        (Operation::BootstrapDiscover, "/"),
        (Operation::BootstrapDelete, "/0"),
        (Operation::BootstrapDelete, "/1"),
        (Operation::BootstrapWrite, "/0"),
        (Operation::BootstrapWrite, "/1"),
        (Operation::BootstrapFinish, "/"),
    ][step];
    let mut world = World::triggered(provisioned("old"));
    let faults = world.device.faults_mut();
    faults.keeps_unfinished_bootstrap = keeps;
    faults.misbehaviours = vec![fault(operation, within, How::PowerCut(seconds(30)))];
    let new = account("new");
    for request in steps(&new) {
        let (_, outcome) = world.outcome(request);
        if outcome.is_err() {
            break;
        }
    }
    assert!(world.device.profile().factory.bootstrap.is_some());
    world.device.faults_mut().misbehaviours.clear();
    world.run(2 * MINUTE);
    if world.device.is_bootstrapping() {
        // Neither account is whole, but that of the bootstrap server is.
        for request in steps(&new) {
            assert!(world.ask(request).code.is_success());
        }
        world.run(seconds(10));
    }
    assert!(world.device.is_registered(), "step {step}");
    world.connections.last().unwrap().1.clone()
}

fn steps(new: &Account) -> [Request; 6] {
    [
        get("/", Some(ContentFormat::LINK)),
        delete("/0"),
        delete("/1"),
        write_instance("/0/1", security(new, 7)),
        write_instance("/1/1", server(7)),
        finish(),
    ]
}

#[test]
fn after_a_power_cut_at_any_step_an_account_works() {
    let old_or_new = |keeps| (0..6).map(|step| cut_at(step, keeps)).collect::<Vec<_>>();
    let (old, new) = (account("old"), account("new"));
    // What is not finished is undone (I-27).
    let undone = [&old, &old, &old, &old, &old, &new].map(Clone::clone);
    assert_eq!(old_or_new(false), undone);
    // What is written is kept, and where that is not whole the device bootstraps again.
    let kept = [&old, &new, &new, &new, &new, &new].map(Clone::clone);
    assert_eq!(old_or_new(true), kept);
}

#[test]
fn a_device_that_loses_its_state_is_blank_again() {
    let mut world = World::bootstrapping(blank(0));
    world.provision(&account("key"));
    world.code(finish());
    world.run(seconds(10));
    world.device.faults_mut().loses_state = true;
    world.call(Device::reboot);
    world.run(seconds(2));
    assert!(world.device.is_bootstrapping());
}

#[test]
fn no_key_is_printed() {
    let mut world = World::bootstrapping(blank(2));
    world.provision(&account("PRIVATE-KEY"));
    let printed = format!("{:?}{:?}{:?}", world.device, world.device.profile(), world.connections);
    assert!(!printed.contains("PRIVATE") && !printed.contains("80, 82, 73, 86"), "{printed}");
    assert!(!printed.contains("a key for claims") && !printed.contains("97, 32, 107, 101, 121"));
}

#[test]
fn an_answer_to_the_finish_that_comes_late_comes() {
    let mut world = World::bootstrapping(blank(0));
    let late = fault(Operation::BootstrapFinish, "/", How::AnswerLate(seconds(20)));
    world.device.faults_mut().misbehaviours.push(late);
    world.provision(&account("key"));
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(5));
    assert!(world.is_registered_with(&account("key")));
}

#[test]
fn in_any_weather_and_with_any_power_an_account_works() {
    let (mut old, mut new, mut cuts) = (0, 0, 0);
    for seed in 0..100 {
        let mut world = World::triggered(provisioned("old"));
        world.random = StdRng::seed_from_u64(seed);
        world.link = Link { loss: (seed % 4) as f64 * 0.1, ..Link::BAD };
        world.device.faults_mut().keeps_unfinished_bootstrap = seed % 2 == 0;
        let mut acknowledged = false;
        for request in steps(&account("new")) {
            let is_finish = request.path == ["bs"];
            if world.random.random_bool(0.1) {
                // The power fails while the request is on its way, done, or answered.
                world.request(request);
                let moment = world.random.random_range(0..3_000);
                world.run(Duration::from_millis(moment));
                world.call(|device, _| device.vanish());
                cuts += 1;
                break;
            }
            let (_, outcome) = world.outcome(request);
            acknowledged = is_finish && outcome.as_ref().is_ok_and(|response| response.code.is_success());
            if outcome.is_err() {
                break;
            }
        }
        world.link = Link::PERFECT;
        world.call(Device::start);
        let until = world.now + 60 * MINUTE;
        while !world.device.is_registered() && world.now < until {
            world.run(seconds(10));
            if world.device.is_bootstrapping() {
                steps(&account("new")).into_iter().for_each(|request| drop(world.outcome(request)));
            }
        }
        let registered = world.connections.last().unwrap().1.clone();
        assert!(world.is_registered_with(&registered), "seed {seed}");
        assert_eq!(world.device.management_account().as_ref(), Some(&registered), "seed {seed}");
        assert!(!acknowledged || registered == account("new"), "seed {seed}: what was acknowledged counts");
        if registered == account("new") {
            assert!(world.count(&Event::Bootstrapped) > 0 || seed % 2 == 0, "seed {seed}: finished or kept");
            new += 1;
        } else {
            assert_eq!(registered, account("old"), "seed {seed}");
            old += 1;
        }
    }
    assert!(old > 5 && new > 20 && cuts > 20, "{old} {new} {cuts}");
}
