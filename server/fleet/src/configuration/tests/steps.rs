//! One device, step by step.

use std::time::Duration;

use objects::Version;

use super::{world::*, *};
use crate::Operation;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

fn two() -> Vec<Line> {
    vec![value("/1/0/1", 60), value("/1/0/2", 5)]
}

fn other() -> [(Path, i64); 2] {
    [(path("/1/0/1"), 1), (path("/1/0/2"), 1)]
}

fn world(mode: Mode) -> World {
    World::new(1, desired(two(), mode)).having(other())
}

fn is_right(world: &World) -> bool {
    let reported = world.row.reported == world.row.generation;
    world.row.state == ConfiguredState::InLine
        && reported
        && world.values[&path("/1/0/1")] == Value::Integer(60)
        && world.values[&path("/1/0/2")] == Value::Integer(5)
}

#[test]
fn a_device_is_read_written_together_and_read_back() {
    let mut world = world(Mode::Repair);
    world.settle();
    let asks: Vec<Ask> = world.asked.iter().map(|(ask, _)| *ask).collect();
    assert_eq!(asks, [Ask::Look, Ask::Write, Ask::Look]);
    assert!(matches!(&world.asked[1].1, Operation::WriteComposite { values, .. } if values.len() == 2));
    assert!(is_right(&world));
    assert!(world.row.lines.iter().all(|line| line.repairs.is_empty()), "the first time is no repair");
}

#[test]
fn what_a_device_has_already_is_not_written() {
    let mut world = World::new(1, desired(two(), Mode::Repair));
    world = world.having([(path("/1/0/1"), 60), (path("/1/0/2"), 1)]);
    world.settle();
    assert_eq!(world.written, [(path("/1/0/2"), Value::Integer(5))]);
    assert!(is_right(&world));
}

#[test]
fn one_that_knows_no_composite_is_asked_one_by_one() {
    for (quirk, lwm2m) in [(Quirk::NoComposite, Version::V1_1), (Quirk::None, Version::V1_0)] {
        let mut world = World { quirk, lwm2m, ..world(Mode::Repair) };
        world.settle();
        assert!(is_right(&world));
        assert_eq!(world.written.len(), 2);
        let composite = world.asked.iter().filter(|(_, operation)| operation.is_composite()).count();
        assert!(composite <= 1, "what it does not know is not asked of it again");
    }
}

#[test]
fn one_that_says_nothing_to_composites_is_asked_one_by_one_at_once() {
    let mut world = World { quirk: Quirk::MuteToComposites, ..world(Mode::Repair) };
    world.settle();
    assert!(is_right(&world), "{}", world.row.detail);
    let composite = |world: &World| world.asked.iter().filter(|(_, asked)| asked.is_composite()).count();
    assert_eq!(composite(&world), 1);
    world.register();
    world.change(path("/1/0/1"), 1).run_for(2 * DAY);
    assert!(is_right(&world));
    assert_eq!(composite(&world), 1, "what is known of it is not asked again");
}

#[test]
fn what_a_device_has_not_implemented_is_refused() {
    let not_implemented = Asked::failed("5.01 Not Implemented".into());
    assert_eq!(not_implemented, Asked::Refused("5.01 Not Implemented".into()));
    assert!(matches!(Asked::failed("5.03 Service Unavailable".into()), Asked::Failed(_)));
}

#[test]
fn one_that_refuses_is_named_with_its_code_and_takes_the_rest() {
    let mut world = World { quirk: Quirk::Refuses(path("/1/0/2")), ..world(Mode::Repair) };
    world.run_for(3 * DAY);
    assert_eq!(world.row.state, ConfiguredState::Refused);
    assert_ne!(world.row.reported, world.row.generation);
    assert_eq!(world.values[&path("/1/0/1")], Value::Integer(60));
    assert_eq!(world.line("/1/0/2").refused.as_deref(), Some("4.05 Method Not Allowed"));
    assert!(world.row.detail.contains("/1/0/2") && world.row.detail.contains("4.05"), "{}", world.row.detail);
    let attempts = world.asks(Ask::Write);
    assert!(attempts <= 4, "it is not asked again and again: {attempts}");
    // It may have learnt it.
    world.quirk = Quirk::None;
    world.register();
    assert!(is_right(&world));
}

#[test]
fn a_change_behind_the_servers_back_is_found_by_a_notification_and_put_right() {
    let mut world = world(Mode::Repair);
    world.settle();
    world.run_for(HOUR);
    world.change(path("/1/0/2"), 9).notify(path("/1/0/2"));
    assert!(is_right(&world));
    let [finding] = &world.row.findings[..] else { panic!("{:?}", world.row.findings) };
    assert_eq!((finding.expected.as_str(), finding.actual.as_deref()), ("5", Some("9")));
    assert_eq!(finding.writer, Writer::Unknown);
    assert_eq!(world.line("/1/0/2").repairs.len(), 1);
    assert_eq!(world.written.len(), 3, "what is right is not written");
}

#[test]
fn a_change_that_nobody_tells_of_is_found_within_one_check() {
    let mut world = world(Mode::Repair);
    world.settle();
    world.run_for(HOUR);
    world.change(path("/1/0/1"), 9).run_for(DAY);
    assert!(is_right(&world));
    assert_eq!(world.row.findings.len(), 1);
}

#[test]
fn one_that_does_not_stay_as_it_is_to_be_is_stopped_and_named_until_somebody_resumes_it() {
    let mut world = world(Mode::Repair);
    world.settle();
    for _ in 0..5 {
        world.run_for(HOUR);
        world.change(path("/1/0/1"), 7).notify(path("/1/0/1"));
    }
    assert_eq!(world.row.state, ConfiguredState::Flapping);
    assert_eq!(world.line("/1/0/1").standing, Standing::Flapping);
    assert!(
        world.row.detail.starts_with("/1/0/1 was put right 3 times within a day"),
        "{}",
        world.row.detail
    );
    let writes = world.asks(Ask::Write);
    world.run_for(5 * DAY);
    assert_eq!((world.asks(Ask::Write), world.values[&path("/1/0/1")].clone()), (writes, Value::Integer(7)));
    // The others go on.
    world.change(path("/1/0/2"), 7).notify(path("/1/0/2"));
    assert_eq!(world.values[&path("/1/0/2")], Value::Integer(5));
    assert_eq!(world.row.state, ConfiguredState::Flapping);
    world.resume();
    assert!(is_right(&world));
}

#[test]
fn three_repairs_over_more_than_a_day_do_not_count() {
    let mut world = world(Mode::Repair);
    world.settle();
    for _ in 0..6 {
        world.run_for(13 * HOUR);
        world.change(path("/1/0/1"), 7).notify(path("/1/0/1"));
        assert!(is_right(&world));
    }
}

#[test]
fn a_report_writes_nothing_and_a_person_may() {
    for mode in [Mode::Report, Mode::Ask] {
        let mut world = world(mode);
        world.run_for(3 * DAY);
        assert_eq!((world.row.state, world.asks(Ask::Write)), (ConfiguredState::Drifted, 0));
        assert_eq!(world.line("/1/0/1").actual.as_deref(), Some("1"));
        world.repair();
        assert!(is_right(&world));
        // That was for once.
        world.run_for(HOUR);
        world.change(path("/1/0/1"), 7).notify(path("/1/0/1"));
        assert_eq!(world.row.state, ConfiguredState::Drifted);
    }
}

#[test]
fn one_that_sleeps_is_asked_nothing_and_gets_the_newest_when_it_wakes() {
    let mut world = World { awake: false, ..world(Mode::Repair) };
    world.run_for(2 * DAY);
    assert_eq!((world.row.state, world.asked.len()), (ConfiguredState::Waiting, 0));
    world.desired = desired(vec![value("/1/0/1", 30), value("/1/0/2", 5)], Mode::Repair);
    world.run_for(HOUR);
    assert_eq!((world.row.generation, world.row.reported), (2, 0));
    world.awake = true;
    world.settle();
    assert_eq!((world.row.state, world.row.reported), (ConfiguredState::InLine, 2));
    assert_eq!(world.values[&path("/1/0/1")], Value::Integer(30));
    // One that has it stays so while it sleeps.
    world.awake = false;
    world.run_for(3 * DAY);
    assert_eq!(world.row.state, ConfiguredState::InLine);
}

#[test]
fn one_that_does_not_answer_is_tried_five_times_until_the_next_check() {
    let mut world = World { quirk: Quirk::Silent(5), ..world(Mode::Repair) };
    world.run_for(12 * HOUR);
    assert_eq!((world.row.state, world.asked.len()), (ConfiguredState::Failed, 5));
    world.run_for(DAY);
    assert!(is_right(&world));
    let mut other = World { quirk: Quirk::Silent(2), ..self::world(Mode::Repair) };
    other.run_for(HOUR);
    assert!(is_right(&other), "two failures are forgiven");
}

#[test]
fn one_that_takes_a_value_and_has_another_is_given_up() {
    let mut world = World { quirk: Quirk::Clamps(path("/1/0/1"), Value::Integer(50)), ..world(Mode::Repair) };
    world.run_for(12 * HOUR);
    assert_eq!(world.row.state, ConfiguredState::Failed);
    assert!(world.row.detail.starts_with("the device took /1/0/1 and has 50"), "{}", world.row.detail);
    assert!(world.asks(Ask::Write) <= 6, "{}", world.asks(Ask::Write));
}

#[test]
fn a_step_that_is_cut_off_anywhere_is_taken_up() {
    let mut world = World { quirk: Quirk::CutOff, ..world(Mode::Repair) };
    world.run_for(HOUR);
    assert!(is_right(&world));
}

#[test]
fn a_secret_is_written_once_and_never_read() {
    let hidden = Hidden { value: Value::String("s3cret".into()), salt: [7; 16] };
    let lines = vec![Line { path: path("/10/0/3"), want: Want::Secret(hidden) }, value("/1/0/1", 60)];
    let mut world = World::new(1, desired(lines.clone(), Mode::Repair)).having(other());
    world.run_for(3 * DAY);
    assert_eq!((world.row.state, world.asks(Ask::Secret)), (ConfiguredState::InLine, 1));
    assert_eq!(world.values[&path("/10/0/3")], Value::String("s3cret".into()));
    let reads = world.asked.iter().filter(|(ask, _)| *ask == Ask::Look);
    assert!(
        reads
            .flat_map(|(_, operation)| operation.target().paths().to_vec())
            .all(|read| { !path("/10/0/3").is_within(&read) })
    );
    assert!(!format!("{:?}", world.row).contains("s3cret"));
    // Another one is another matter.
    let hidden = Hidden { value: Value::String("0ther".into()), salt: [8; 16] };
    let mut lines = lines;
    lines[0].want = Want::Secret(hidden);
    world.desired = desired(lines, Mode::Repair);
    world.settle();
    assert_eq!((world.row.reported, world.asks(Ask::Secret)), (2, 2));
}

#[test]
fn what_can_only_be_written_is_known_by_what_was_written() {
    let blind = vec![path("/1/0/2")];
    let mut world = World { blind, ..world(Mode::Repair) };
    world.run_for(3 * DAY);
    assert!(is_right(&world));
    assert_eq!(world.written.iter().filter(|(at, _)| *at == path("/1/0/2")).count(), 1);
}

#[test]
fn attributes_are_set_again_when_a_device_registers_anew() {
    let set = |text: &str| {
        let (attributes, _) = objects::Attributes::parse_queries(text.split('&')).unwrap();
        vec![Line { path: path("/3/0/9"), want: Want::Attributes(attributes) }]
    };
    let mut world = World::new(1, desired(set("pmin=10&pmax=60"), Mode::Repair));
    world.run_for(2 * DAY);
    assert_eq!((world.row.state, world.asks(Ask::Attributes)), (ConfiguredState::InLine, 1));
    world.attributes.clear();
    for _ in 0..5 {
        world.register();
    }
    assert_eq!((world.row.state, world.asks(Ask::Attributes)), (ConfiguredState::InLine, 6));
    world.desired = desired(set("pmin=5"), Mode::Repair);
    world.settle();
    assert_eq!(world.attributes[&path("/3/0/9")].to_queries(), ["pmin=5"], "pmax is not wanted any more");
}

#[test]
fn what_a_device_does_not_list_is_refused_without_a_word_to_it() {
    let mut world = World::new(1, desired(vec![value("/11/0/1", 1)], Mode::Repair));
    world.settle();
    assert_eq!((world.row.state, world.asked.len()), (ConfiguredState::Refused, 0));
    assert!(world.row.detail.ends_with("the device does not list /11/0"), "{}", world.row.detail);
}
