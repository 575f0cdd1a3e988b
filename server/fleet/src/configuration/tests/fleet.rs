//! Ten thousand devices: a fifth asleep, some that refuse, some changed behind the server's back, some that do not stay as they
//! are to be. Every device is looked at in the end, and what a dry run has said is what was written.

use std::{collections::BTreeMap, time::Duration};

use super::{world::*, *};

const DEVICES: i64 = 10_000;
const HOUR: Duration = Duration::from_secs(3_600);

/// What becomes of a device. A fifth sleeps besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Plain,
    /// One in twenty.
    Refuses,
    Changed,
    Flaps,
    NoComposite,
}

fn fate(number: i64) -> Fate {
    match number % 20 {
        3 => Fate::Refuses,
        4 | 9 | 14 => Fate::Changed,
        7 => Fate::Flaps,
        11 | 12 => Fate::NoComposite,
        _ => Fate::Plain,
    }
}

fn sleeps(number: i64) -> bool {
    (number / 20) % 5 == 0
}

struct Levels {
    fleet: Baseline,
    classes: [Baseline; 2],
    groups: [Baseline; 2],
}

fn levels() -> Levels {
    let class = |id, lines| baseline(Level::Class(ClassId(id)), lines);
    let group = |id, lines| baseline(Level::Group(GroupId(id)), lines);
    Levels {
        fleet: baseline(
            Level::Fleet,
            vec![value("/1/0/1", 86_400), value("/1/0/2", 10), value("/1/0/3", 600)],
        ),
        classes: [class(1, vec![value("/1/0/2", 20)]), class(2, vec![value("/1/0/3", 60)])],
        groups: [
            group(1, vec![value("/1/0/1", 3_600)]),
            group(2, vec![value("/1/0/1", 7_200), value("/10/0/1", 4)]),
        ],
    }
}

/// What is to come of the levels, said once more without them.
fn expected(number: i64) -> BTreeMap<Path, i64> {
    let lifetime = match number {
        _ if number % 100 == 0 => 120,
        _ if number % 7 == 0 => 7_200,
        _ if number % 3 == 0 => 3_600,
        _ => 86_400,
    };
    let mut values = BTreeMap::from([
        (path("/1/0/1"), lifetime),
        (path("/1/0/2"), if number % 2 == 1 { 20 } else { 10 }),
        (path("/1/0/3"), if number % 2 == 1 { 600 } else { 60 }),
    ]);
    if number % 7 == 0 {
        values.insert(path("/10/0/1"), 4);
    }
    values
}

fn wanted(number: i64, levels: &Levels) -> Desired {
    let own = baseline(Level::Device(DeviceId(number)), vec![value("/1/0/1", 120)]);
    let class = &levels.classes[usize::from(number % 2 == 0)];
    let mut layers = vec![layer(&levels.fleet, "fleet", 0), layer(class, "class", 0)];
    if number % 3 == 0 {
        layers.push(layer(&levels.groups[0], "cold", 1));
    }
    if number % 7 == 0 {
        layers.push(layer(&levels.groups[1], "warm", 2));
    }
    if number % 100 == 0 {
        layers.push(layer(&own, "node", 0));
    }
    Desired::merge(layers)
}

/// What it has before: one value is right already, but for every other device.
fn before(number: i64) -> Vec<(Path, i64)> {
    let second = if number % 4 < 2 { expected(number)[&path("/1/0/2")] } else { 1 };
    vec![(path("/1/0/1"), 30), (path("/1/0/2"), second), (path("/1/0/3"), 1), (path("/10/0/1"), 1)]
}

fn foreseen(world: &World) -> BTreeMap<Path, String> {
    let actual = world.said.iter().map(|(path, known)| (*path, known.value.clone())).collect();
    let differences = difference(&Desired::default(), &world.desired, &actual, None);
    let written = differences.into_iter().filter(|one| one.effect == Effect::Write);
    written.map(|one| (one.key.path, one.wanted.unwrap())).collect()
}

#[test]
fn ten_thousand_devices_converge_but_for_those_that_refuse() {
    let levels = levels();
    let mut states = BTreeMap::<ConfiguredState, i64>::new();
    for number in 1..=DEVICES {
        let (fate, mut world) =
            (fate(number), World::new(number, wanted(number, &levels)).having(before(number)));
        let conflicts = usize::from(number % 21 == 0);
        assert_eq!(world.desired.conflicts.len(), conflicts, "device {number}");
        world.quirk = match fate {
            Fate::Refuses => Quirk::Refuses(path("/1/0/3")),
            Fate::NoComposite => Quirk::NoComposite,
            Fate::Plain | Fate::Changed | Fate::Flaps => Quirk::None,
        };
        let foreseen = foreseen(&world);
        if sleeps(number) {
            world.awake = false;
            world.run_for(7 * HOUR);
            assert_eq!(
                (world.row.state, world.asked.len()),
                (ConfiguredState::Waiting, 0),
                "device {number}"
            );
            world.awake = true;
        }
        world.run_for(HOUR);
        let written: BTreeMap<Path, String> =
            world.written.iter().map(|(path, value)| (*path, value.to_string())).collect();
        assert_eq!(written.len(), world.written.len(), "device {number}: nothing is written twice");
        let mut foreseen_and_taken = foreseen.clone();
        if fate == Fate::Refuses {
            assert!(foreseen_and_taken.remove(&path("/1/0/3")).is_some());
        }
        assert_eq!(written, foreseen_and_taken, "device {number}");
        // Behind the server's back; it is told of half of them, and finds the others itself.
        match fate {
            Fate::Changed => {
                world.change(path("/1/0/2"), 77);
                if number % 2 == 0 {
                    world.notify(path("/1/0/2"));
                }
            }
            Fate::Flaps => {
                for _ in 0..6 {
                    world.change(path("/1/0/1"), 5).notify(path("/1/0/1"));
                    world.run_for(HOUR);
                }
            }
            Fate::Plain | Fate::Refuses | Fate::NoComposite => {}
        }
        world.run_for(25 * HOUR);
        check(number, fate, &world);
        *states.entry(world.row.state).or_default() += 1;
    }
    let count = |state| states.get(&state).copied().unwrap_or(0);
    assert_eq!(count(ConfiguredState::Refused), DEVICES / 20);
    assert_eq!(count(ConfiguredState::Flapping), DEVICES / 20);
    assert_eq!(count(ConfiguredState::InLine), DEVICES - DEVICES / 10);
}

fn check(number: i64, fate: Fate, world: &World) {
    let mut expected = expected(number);
    let (state, findings) = match fate {
        Fate::Plain | Fate::NoComposite => (ConfiguredState::InLine, 0),
        Fate::Changed => (ConfiguredState::InLine, 1),
        Fate::Refuses => {
            expected.insert(path("/1/0/3"), 1);
            assert_eq!(world.line("/1/0/3").refused.as_deref(), Some("4.05 Method Not Allowed"));
            (ConfiguredState::Refused, 0)
        }
        Fate::Flaps => {
            expected.insert(path("/1/0/1"), 5);
            assert!(world.row.detail.starts_with("/1/0/1 was put right 3 times"), "{}", world.row.detail);
            assert_eq!(world.line("/1/0/1").repairs.len(), 3);
            (ConfiguredState::Flapping, 4)
        }
    };
    let has: BTreeMap<Path, i64> = expected
        .keys()
        .map(|path| match world.values[path] {
            Value::Integer(number) => (*path, number),
            ref other => panic!("{other}"),
        })
        .collect();
    assert_eq!((has, world.row.state), (expected, state), "device {number}, {fate:?}: {}", world.row.detail);
    assert_eq!(world.row.findings.len(), findings, "device {number}, {fate:?}");
    assert_eq!(
        world.row.reported == world.row.generation,
        state == ConfiguredState::InLine || fate == Fate::Flaps
    );
}
