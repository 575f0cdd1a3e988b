//! Operations on several nodes at once.

use fleet::{CancelMode, Paths};
use objects::ContentFormat;

use super::*;

fn paths(texts: &[&str]) -> Paths {
    texts.iter().map(|text| path(text)).collect()
}

/// Each in which several nodes can be asked for.
const COMPOSITE: [ContentFormat; 5] = [
    ContentFormat::SENML_JSON,
    ContentFormat::SENML_CBOR,
    ContentFormat::SENML_ETCH_JSON,
    ContentFormat::SENML_ETCH_CBOR,
    ContentFormat::LWM2M_CBOR,
];

fn both() -> Paths {
    paths(&["/3/0/9", "/3303/0/5700"])
}

fn observe() -> Operation {
    Operation::ObserveComposite { paths: both(), format: None }
}

#[test]
fn several_nodes_are_read_in_one_request_and_what_is_not_there_is_left_out() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    for format in COMPOSITE {
        assert!(!world.answers_no_composites(node));
        let paths = paths(&["/3/0/9", "/3303/0/5700", "/3/0/9999", "/3304"]);
        let read = world.order(node, Operation::ReadComposite { paths, format: Some(format) });
        let Outcome::Success { content: Content::Samples(samples), .. } = read else { panic!("{read:?}") };
        let found: Vec<String> = samples.iter().map(|sample| sample.path.to_string()).collect();
        assert_eq!(found, ["/3/0/9", "/3303/0/5700"], "{format}");
    }
    assert_eq!(world.latest(node, path("/3/0/9")), Some(Value::Integer(100)));
    assert_eq!(world.latest(node, path("/3303/0/5700")), Some(Value::Float(20.0)));
}

#[test]
fn the_root_is_everything_but_what_belongs_to_the_bootstrap_server() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let read = world.order(node, Operation::ReadComposite { paths: paths(&["/"]), format: None });
    let Outcome::Success { content: Content::Samples(samples), .. } = read else { panic!("{read:?}") };
    let objects: std::collections::BTreeSet<u16> =
        samples.iter().filter_map(|sample| sample.path.object()).map(|object| object.0).collect();
    assert!(objects.contains(&1) && objects.contains(&3303) && !objects.contains(&0), "{objects:?}");
}

#[test]
fn several_values_are_written_in_every_format() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    for (format, seconds) in COMPOSITE.into_iter().zip([600, 700, 800, 900, 1_000]) {
        let written = Value::Integer(seconds);
        let values =
            [(path("/1/0/1"), written.clone()), (path("/3/0/15"), Value::String("Europe/Rome".into()))];
        let values = values.into_iter().collect();
        let outcome = world.order(node, Operation::WriteComposite { values, format: Some(format) });
        assert_eq!(line(&outcome), "2.04 Changed", "{format}");
        assert_eq!(world.device(node).objects().get(&path("/1/0/1")), Some(&written), "{format}");
    }
}

#[test]
fn several_values_are_written_all_or_none() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let write = |values: &[(&str, Value)]| Operation::WriteComposite {
        values: values.iter().map(|(text, value)| (path(text), value.clone())).collect(),
        format: None,
    };
    let zone = |zone: &str| Value::String(zone.into());
    let values = [("/1/0/1", Value::Integer(600)), ("/3/0/15", zone("Europe/Rome"))];
    let outcome = world.order(node, write(&values));
    assert_eq!(line(&outcome), "2.04 Changed");
    let at = |world: &World, text| world.device(node).objects().get(&path(text)).cloned();
    assert_eq!(
        (at(&world, "/1/0/1"), at(&world, "/3/0/15")),
        (Some(values[0].1.clone()), Some(zone("Europe/Rome")))
    );
    let refused =
        world.order(node, write(&[("/3/0/15", zone("Europe/Oslo")), ("/3/0/9", Value::Integer(1))]));
    assert_eq!(line(&refused).split(':').next(), Some("4.05 Method Not Allowed"));
    assert_eq!(at(&world, "/3/0/15"), Some(zone("Europe/Rome")), "nothing of it was written");
}

#[test]
fn several_nodes_are_observed_as_one_and_again_after_a_registration() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let temperature = path("/3303/0/5700");
    assert_eq!(line(&world.order(node, observe())), "2.05 Content");
    assert_eq!(world.stored_observations(node).len(), 1);
    assert_eq!(world.stored_observations(node)[0].target, both().into());
    world.set(node, temperature, Value::Float(23.5));
    world.run_for(3 * SECOND);
    assert_eq!(world.latest(node, temperature), Some(Value::Float(23.5)));

    world.reboot(node);
    world.run_for(5 * SECOND);
    assert_eq!(world.device(node).observed().collect::<Vec<_>>(), *both());
    world.set(node, temperature, Value::Float(24.5));
    world.run_for(3 * SECOND);
    assert_eq!(world.latest(node, temperature), Some(Value::Float(24.5)));
    assert_eq!(world.stored_observations(node).len(), 1);
}

#[test]
fn an_observation_of_several_nodes_outlives_a_restart_with_its_token() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let battery = path("/3/0/9");
    world.order(node, observe());
    let token = world.stored_observations(node)[0].token;
    world.crash_and_restart();
    world.set(node, battery, Value::Integer(42));
    world.run_for(5 * SECOND);
    assert_eq!(world.latest(node, battery), Some(Value::Integer(42)));
    assert_eq!(world.stored_observations(node)[0].token, token);
    assert_eq!(world.device(node).observed().count(), 2, "it was not reset");
}

#[test]
fn an_observation_of_several_nodes_ends_both_ways_and_leaves_those_of_each_alone() {
    let temperature = path("/3303/0/5700");
    for mode in [CancelMode::Active, CancelMode::Passive] {
        for format in [None, Some(ContentFormat::SENML_JSON)] {
            let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
            world.order(node, Operation::Observe { path: path("/3/0/9"), format: None });
            world.order(node, Operation::ObserveComposite { paths: both(), format });
            assert_eq!(world.stored_observations(node).len(), 2);
            world.order(node, Operation::CancelCompositeObservation { paths: both(), mode });
            world.set(node, temperature, Value::Float(30.0));
            world.run_for(3 * SECOND);
            assert_eq!(world.device(node).observed().collect::<Vec<_>>(), [path("/3/0/9")], "{mode:?}");
            assert_eq!(world.stored_observations(node).len(), 1);
            assert_eq!(world.latest(node, temperature), Some(Value::Float(20.0)));
        }
    }
}

#[test]
fn a_long_answer_and_a_long_report_come_block_by_block() {
    let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let temperature = path("/3303/0/5700");
    let long = Value::Opaque((0..4000_u32).map(|at| (at % 251) as u8).collect());
    world.set(node, path("/19/0/0/0"), long.clone());
    let paths = paths(&["/19/0/0", "/3303/0/5700"]);
    let observed = world.order(node, Operation::ObserveComposite { paths, format: None });
    assert_eq!(line(&observed), "2.05 Content");
    assert_eq!(world.latest(node, path("/19/0/0/0")), Some(long.clone()));
    world.set(node, temperature, Value::Float(31.0));
    world.run_for(10 * SECOND);
    assert_eq!(world.latest(node, temperature), Some(Value::Float(31.0)));
    assert_eq!(world.latest(node, path("/19/0/0/0")), Some(long));
}

#[test]
fn a_device_that_never_answers_them_fails_them_and_is_served_on() {
    let mut profile = Profile::sensor("wakaama", Version::V1_1);
    profile.faults = device::Faults::never_answering_composites();
    let (mut world, node) = World::with_one(profile);
    let read = world.order(node, Operation::ReadComposite { paths: both(), format: None });
    assert_eq!(read, Outcome::Failed(Failure::TimedOut { acknowledged: true }));
    assert!(world.answers_no_composites(node), "and is remembered");
    let single = world.order(node, Operation::Read { path: path("/3/0/9"), format: None });
    assert_eq!(line(&single), "2.05 Content");
}
