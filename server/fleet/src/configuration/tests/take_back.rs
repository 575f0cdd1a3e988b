//! Attributes that are not wanted any more.

use std::time::Duration;

use objects::{Attribute, Attributes};

use super::{world::*, *};

const DAY: Duration = Duration::from_secs(86_400);

fn attributes(text: &str) -> Attributes {
    Attributes::parse_queries(text.split('&')).unwrap().0
}

fn line(text: &str) -> Line {
    Line { path: path("/3/0/9"), want: Want::Attributes(attributes(text)) }
}

fn has(world: &World) -> Vec<String> {
    world.attributes.get(&path("/3/0/9")).copied().unwrap_or_default().to_queries()
}

/// With attributes and a value.
fn settled() -> World {
    let lines = vec![value("/1/0/2", 5), line("pmin=10&pmax=60")];
    let mut world = World::new(1, desired(lines, Mode::Repair)).having([(path("/1/0/2"), 1)]);
    world.settle();
    assert_eq!((world.row.state, has(&world).len()), (ConfiguredState::InLine, 2));
    world
}

#[test]
fn attributes_of_a_line_that_is_dropped_are_taken_back_and_values_stay() {
    let mut world = settled();
    world.attributes.insert(path("/3/0/9"), attributes("pmin=10&pmax=60&gt=3"));
    world.desired = desired(vec![value("/1/0/3", 1)], Mode::Report);
    world.settle();
    assert_eq!(has(&world), ["gt=3"], "what others have set stays");
    assert_eq!(world.values[&path("/1/0/2")], Value::Integer(5));
    assert_eq!((world.asks(Ask::TakeBack), world.row.leaving.len()), (1, 0));
}

#[test]
fn where_nothing_is_wanted_any_more_they_are_taken_back_when_the_device_wakes() {
    let mut world = World { awake: false, ..settled() };
    assert!(world.row.has_to_take_back());
    world.desired = Desired::default();
    world.run_for(2 * DAY);
    assert_eq!((world.row.state, world.row.has_to_take_back()), (ConfiguredState::Waiting, true));
    world.awake = true;
    world.settle();
    assert_eq!((has(&world), world.row.has_to_take_back()), (vec![], false));
}

#[test]
fn one_that_is_wanted_again_meanwhile_is_not_taken_back_but_what_it_had_more() {
    let mut world = World { awake: false, ..settled() };
    world.desired = desired(vec![value("/1/0/2", 5)], Mode::Repair);
    world.settle();
    assert_eq!(world.row.leaving[0].attributes, [Attribute::Pmin, Attribute::Pmax]);
    world.desired = desired(vec![value("/1/0/2", 5), line("pmin=7")], Mode::Repair);
    world.awake = true;
    world.settle();
    assert_eq!((has(&world), world.asks(Ask::TakeBack)), (vec!["pmin=7".to_owned()], 0));
    assert_eq!((world.row.state, world.row.leaving.len()), (ConfiguredState::InLine, 0));
}

#[test]
fn what_was_being_set_when_it_was_dropped_is_taken_back_too() {
    let mut world =
        World { quirk: Quirk::Silent(1), ..World::new(1, desired(vec![line("pmin=3")], Mode::Repair)) };
    world.settle();
    // It did it, and nobody heard that it did.
    world.attributes.insert(path("/3/0/9"), attributes("pmin=3"));
    world.desired = Desired::default();
    world.run_for(DAY);
    assert_eq!(has(&world), Vec::<String>::new());
}

#[test]
fn what_the_class_wishes_there_comes_back_instead() {
    let mut world = settled();
    world.wished.insert(path("/3/0/9"), attributes("pmax=30&lt=2"));
    world.desired = desired(vec![value("/1/0/2", 5)], Mode::Repair);
    world.settle();
    assert_eq!(has(&world), ["pmax=30"]);
}

#[test]
fn what_the_device_does_not_give_up_or_has_not_any_more_is_let_be() {
    let mut world = World { quirk: Quirk::Refuses(path("/3/0/9")), ..settled() };
    world.desired = desired(vec![value("/1/0/2", 5)], Mode::Repair);
    world.settle();
    assert_eq!((world.row.state, world.asks(Ask::TakeBack)), (ConfiguredState::InLine, 1));
    assert!(world.row.leaving.is_empty());
}

#[test]
fn a_dry_run_says_what_would_be_taken_back() {
    let world = settled();
    let effect = |row| {
        let after = desired(vec![value("/1/0/2", 5)], Mode::Repair);
        let differences = difference(&world.desired, &after, &world.values, row);
        differences.last().map(|one| (one.key.attributes, one.effect))
    };
    assert_eq!(effect(Some(&world.row)), Some((true, Effect::TakeBack)));
    assert_eq!(effect(None), Some((true, Effect::Leave)));
}
