//! Lines, and what is planned of them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use objects::{Attributes, Path, Version, link::ObjectLinks};
use proptest::prelude::*;

use super::*;
use crate::{
    DeviceId, Now, Observation, ObservationToken, Paths, Registration, RegistrationId, Target, Timestamp,
    store::sample::candidate,
};

const NOW: Timestamp = Timestamp(1_700_000_100_000);

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn wishes(text: &str) -> Wishes {
    Wishes::parse(text).unwrap()
}

fn one(text: &str) -> Target {
    path(text).into()
}

fn several(texts: &[&str]) -> Target {
    texts.iter().map(|text| path(text)).collect::<Paths>().into()
}

fn registration(links: &str) -> Registration {
    let registration = candidate("", vec![]).view.registration.unwrap();
    let links = Arc::new(ObjectLinks::parse(links.as_bytes()).unwrap());
    Registration { links, registered_at: Timestamp(NOW.0 - 1_000), ..registration }
}

fn sensors() -> Registration {
    registration("</1/0>,</3/0>,</3303/0>,</3303/1>,</3303/7>")
}

fn lives(target: Target) -> Observation {
    let token = ObservationToken::new(&[1]).unwrap();
    Observation { device: DeviceId(1), target, token, format: None, since: NOW, number: None }
}

/// What a device has come to when it has done all that it was asked.
struct World {
    registration: Registration,
    observations: Vec<Observation>,
    kept: Kept,
    composites: bool,
    now: Timestamp,
}

impl World {
    fn new(registration: Registration) -> Self {
        let (observations, kept) = (Vec::new(), Kept::default());
        Self { registration, observations, kept, composites: true, now: NOW }
    }

    fn plan(&self, wishes: &Wishes) -> Plan {
        let Self { registration, observations, kept, composites, now } = self;
        plan(wishes, Seen { registration, observations, kept, composites: *composites, now: *now })
    }

    /// Carries out one plan as the fleet does, but that `refuses` is refused. Says whether there was something to do.
    fn step(&mut self, wishes: &Wishes, refuses: &dyn Fn(&Step) -> bool) -> Option<Step> {
        let plan = self.plan(wishes);
        for target in plan.lost {
            let trouble = Some(Trouble::after(None, self.now, "lost"));
            self.kept.owned.insert(target, Owned { registration: None, trouble });
        }
        for target in plan.found {
            let registration = Some(self.registration.id);
            self.kept.owned.insert(target, Owned { registration, trouble: None });
        }
        for target in plan.let_go {
            self.kept.owned.remove(&target);
        }
        for path in plan.unwritten {
            self.kept.written.remove(&path);
        }
        let step = plan.steps.into_iter().next()?;
        let registration = Some(self.registration.id);
        let refused = refuses(&step);
        let trouble = |before: Option<&Trouble>| Some(Trouble::after(before, self.now, "4.05"));
        match &step {
            Step::Write { path, .. } if refused => {
                let kept = self.kept.written.entry(*path).or_default();
                kept.trouble = trouble(kept.trouble.as_ref());
            }
            Step::Write { path, set, .. } if set.is_empty() => drop(self.kept.written.remove(path)),
            Step::Write { path, set, .. } => {
                let written = Written { attributes: *set, registration, trouble: None };
                self.kept.written.insert(*path, written);
            }
            Step::Observe(target) if refused => {
                let kept = self.kept.owned.entry(target.clone()).or_default();
                *kept = Owned { registration: None, trouble: trouble(kept.trouble.as_ref()) };
            }
            Step::Observe(target) => {
                assert!(self.observations.iter().all(|live| live.target != *target), "it lives already");
                self.kept.owned.insert(target.clone(), Owned { registration, trouble: None });
                self.observations.push(lives(target.clone()));
            }
            Step::Cancel(target) => {
                assert!(self.kept.owned.remove(target).is_some(), "what is somebody else's is left alone");
                self.observations.retain(|live| live.target != *target);
            }
        }
        Some(step)
    }

    /// Until nothing is left to ask.
    fn settle(&mut self, wishes: &Wishes) -> Vec<Step> {
        self.settle_but(wishes, &|_| false)
    }

    fn settle_but(&mut self, wishes: &Wishes, refuses: &dyn Fn(&Step) -> bool) -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..1_000 {
            match self.step(wishes, refuses) {
                Some(step) => steps.push(step),
                None if self.plan(wishes).is_done() => return steps,
                None => {}
            }
        }
        panic!("it comes to no end: {steps:?}");
    }

    fn live(&self) -> BTreeSet<Target> {
        self.observations.iter().map(|live| live.target.clone()).collect()
    }
}

#[test]
fn lines_are_read_and_written_the_same() {
    let text = "/3303/*/5700 pmin=10 pmax=60 gt=25.5\n/3/0/9\n/16/*/0/1\n/6 con=1\n/3303/*";
    assert_eq!(wishes(text).to_string(), text);
    assert_eq!(wishes("\n  /3/0/9   pmin=1 \n\n").to_string(), "/3/0/9 pmin=1");
    assert!(wishes(" \n").is_empty());
}

#[test]
fn each_line_that_is_wrong_is_named() {
    let text = "3/0/9\n/3/0/9 pmin=10 pmax=5\n/3/0/9\n/*/0\n/3/0/9 gt=1\n/3/0/13 pmin\n/\n/3303/*/* pmin=1\n/3/0/9 wat=1";
    let errors = Wishes::parse(text).unwrap_err();
    let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 2, 4, 5, 6, 7, 8, 9]);
    assert_eq!(errors[3].error, WishError::Twice);
    assert!(errors[1].to_string().starts_with("line 2: pmin (10 s) must not be above pmax"), "{}", errors[1]);
    let many: String = (0..=Wishes::MAX).map(|number| format!("/3303/{number}\n")).collect();
    let errors = Wishes::parse(&many).unwrap_err();
    assert_eq!((errors.len(), errors[0].line), (1, Wishes::MAX + 1));
}

#[test]
fn lines_are_held_against_the_definitions() {
    let registry = Registry::core();
    for (line, expected) in [
        ("/3303/*/5700 gt=25", None),
        ("/3303 pmin=10", None),
        ("/3/0/6/0", None),
        ("/33033/0/5700", Some("not known here")),
        ("/3/0/99", Some("no such resource")),
        ("/3/0/4", Some("can't be read")),
        ("/3/0/9/0", Some("has one value")),
        ("/3/0/0 gt=1", Some("means nothing")),
        ("/3303/* gt=1", Some("thresholds stand at resources")),
    ] {
        let read = Wishes::read(&format!("/3/0/9\n{line}"), &registry);
        match (read, expected) {
            (Ok(_), None) => {}
            (Err(errors), Some(expected)) => {
                let [error] = &errors[..] else { panic!("{errors:?}") };
                assert!(error.line == 2 && error.to_string().contains(expected), "{error}");
            }
            (read, _) => panic!("{line}: {read:?}"),
        }
    }
}

#[test]
fn each_instance_is_observed_and_what_shares_its_attributes_is_one_observation() {
    let mut world = World::new(sensors());
    let wishes = wishes("/3303/*/5700 pmin=10\n/3303/7/5700 pmin=10 pmax=60\n/3/0/9\n/4/0/1");
    let steps = world.settle(&wishes);
    let together = several(&["/3303/0/5700", "/3303/1/5700"]);
    assert_eq!(world.live(), [together, one("/3303/7/5700"), one("/3/0/9")].into());
    assert_eq!(steps.iter().filter(|step| matches!(step, Step::Write { .. })).count(), 3);
    let seven = world.kept.written[&path("/3303/7/5700")].attributes;
    assert_eq!((seven.pmin, seven.pmax), (Some(10), Some(60)), "a line that names the instance is stronger");
    assert!(world.settle(&wishes).is_empty(), "asked again nothing is left");
}

#[test]
fn a_device_of_1_0_is_asked_path_by_path_and_with_what_it_knows() {
    let mut world = World::new(Registration { lwm2m: Version::V1_0, ..sensors() });
    world.composites = false;
    let wishes = wishes("/3303/*/5700 pmin=10 epmin=1 epmax=2 con=1\n/3/0/6/0");
    world.settle(&wishes);
    assert_eq!(world.live(), ["/3303/0/5700", "/3303/1/5700", "/3303/7/5700"].map(one).into());
    let only_pmin = Attributes { pmin: Some(10), ..Attributes::default() };
    assert!(world.kept.written.values().all(|written| written.attributes == only_pmin));
}

#[test]
fn what_is_not_wished_any_more_ends_with_its_attributes() {
    let mut world = World::new(sensors());
    world.settle(&wishes("/3303/*/5700 pmin=10 gt=5\n/3/0/9"));
    let steps = world.settle(&wishes("/3303/0/5700 pmin=10\n/3/0/9"));
    assert_eq!(world.live(), [one("/3303/0/5700"), one("/3/0/9")].into());
    assert_eq!(world.kept.written.keys().copied().collect::<Vec<_>>(), [path("/3303/0/5700")]);
    let unset = steps.iter().filter_map(|step| match step {
        Step::Write { path, unset, .. } => Some((path.to_string(), unset.len())),
        _ => None,
    });
    let unset: Vec<_> = unset.collect();
    assert_eq!(unset.len(), 3);
    assert!(unset.contains(&("/3303/0/5700".into(), 1)) && unset.contains(&("/3303/7/5700".into(), 2)));
    world.settle(&wishes(""));
    assert!(world.live().is_empty() && world.kept == Kept::default(), "nothing is left behind");
}

#[test]
fn what_somebody_observes_by_hand_is_left_alone_and_not_doubled() {
    let mut world = World::new(sensors());
    world.observations = vec![lives(one("/3303/1/5700")), lives(one("/5/0/3"))];
    let all = wishes("/3303/*/5700");
    world.settle(&all);
    let hand = [one("/3303/1/5700"), one("/5/0/3")];
    let wished = several(&["/3303/0/5700", "/3303/7/5700"]);
    assert_eq!(world.live(), hand.iter().cloned().chain([wished.clone()]).collect());
    world.settle(&wishes(""));
    assert_eq!(world.live(), hand.into());
    // They end theirs: the path is observed by wish again.
    world.observations.clear();
    world.settle(&all);
    assert_eq!(world.live(), [several(&["/3303/0/5700", "/3303/1/5700", "/3303/7/5700"])].into());
}

#[test]
fn an_observation_that_the_device_ends_is_begun_again_after_a_while() {
    let mut world = World::new(sensors());
    let wishes = wishes("/3/0/9");
    world.settle(&wishes);
    world.observations.clear();
    assert!(world.settle(&wishes).is_empty());
    let plan = world.plan(&wishes);
    assert_eq!(plan.again_at, Some(NOW.after(Trouble::FIRST_WAIT)));
    world.now = NOW.after(Trouble::FIRST_WAIT);
    assert_eq!(world.settle(&wishes), [Step::Observe(one("/3/0/9"))]);
    // With a new registration at once.
    world.observations.clear();
    world.settle(&wishes);
    let registered_at = Timestamp(world.now.0 + 1);
    world.registration = Registration { id: RegistrationId(2), registered_at, ..sensors() };
    world.now = registered_at;
    assert_eq!(world.settle(&wishes), [Step::Observe(one("/3/0/9"))]);
}

#[test]
fn what_had_failed_and_is_there_after_all_is_no_trouble() {
    let mut world = World::new(sensors());
    let wishes = wishes("/3/0/9");
    world.settle_but(&wishes, &|step| matches!(step, Step::Observe(_)));
    assert!(world.kept.owned[&one("/3/0/9")].trouble.is_some());
    world.observations.push(lives(one("/3/0/9")));
    assert!(world.settle(&wishes).is_empty());
    assert_eq!(world.kept.owned[&one("/3/0/9")].trouble, None);
}

#[test]
fn attributes_are_written_once_in_each_registration() {
    let mut world = World::new(sensors());
    let wishes = wishes("/3/0/9 pmin=5");
    assert_eq!(world.settle(&wishes).len(), 2);
    world.registration = Registration { id: RegistrationId(2), ..sensors() };
    let again = world.settle(&wishes);
    assert!(matches!(again[..], [Step::Write { .. }]), "the observation lives: {again:?}");
    assert!(world.settle(&wishes).is_empty());
}

#[test]
fn a_composite_that_fails_is_asked_path_by_path() {
    let mut world = World::new(sensors());
    let wishes = wishes("/3303/*/5700");
    let composite = |step: &Step| matches!(step, Step::Observe(Target::Several(_)));
    world.settle_but(&wishes, &composite);
    assert_eq!(world.live(), ["/3303/0/5700", "/3303/1/5700", "/3303/7/5700"].map(one).into());
    assert!(world.settle(&wishes).is_empty());
    // A device that has started anew is given the chance.
    let registered_at = Timestamp(world.now.0 + 1);
    world.registration = Registration { id: RegistrationId(2), registered_at, ..sensors() };
    world.now = registered_at;
    world.settle(&wishes);
    assert_eq!(world.live(), [several(&["/3303/0/5700", "/3303/1/5700", "/3303/7/5700"])].into());
}

#[test]
fn a_device_that_refuses_one_path_has_the_others_and_is_asked_ever_less() {
    let mut world = World::new(sensors());
    let wishes = wishes("/3/0/9\n/3/0/13 pmin=1\n/3303/0/5700 pmin=2");
    let bad = |step: &Step| matches!(step, Step::Observe(target) if *target == one("/3/0/13"));
    let mut tries = 0;
    let end = NOW.after(Trouble::LONGEST_WAIT * 8);
    while world.now < end {
        tries += world.settle_but(&wishes, &bad).iter().filter(|step| bad(step)).count();
        assert_eq!(world.live(), [one("/3/0/9"), one("/3303/0/5700")].into());
        world.now = world.plan(&wishes).again_at.expect("it is tried again");
    }
    assert!((10..20).contains(&tries), "{tries}");
    let trouble = world.kept.owned[&one("/3/0/13")].trouble.clone().unwrap();
    assert_eq!((trouble.reason.as_str(), trouble.times as usize), ("4.05", tries));
}

#[test]
fn no_more_is_wished_of_a_device_than_may_be() {
    let links: Vec<String> = (0..400).map(|number| format!("</3303/{number}>")).collect();
    let mut world = World::new(registration(&links.join(",")));
    let wishes = wishes("/3303/*/5700");
    world.settle(&wishes);
    assert_eq!(world.live().iter().map(|target| target.paths().len()).sum::<usize>(), Plan::MAX_PATHS);
    assert_eq!(world.live().len(), Plan::MAX_PATHS / Paths::MAX);
    let left_out: Vec<Why> = world.plan(&wishes).left_out.into_iter().map(|left_out| left_out.why).collect();
    assert_eq!(left_out, [Why::TooMany(400 - Plan::MAX_PATHS)]);
}

#[test]
fn what_is_not_asked_of_a_device_is_said_line_by_line_with_its_reason() {
    let old = Registration { lwm2m: Version::V1_0, ..sensors() };
    let wishes = wishes("/3303/*/5700 pmin=10 epmin=1 con=1\n/3/0/6/0\n/4/0/2\n/6/*/0\n/3/0/9 pmax=5");
    let said = |registration: &Registration| -> Vec<String> {
        let said = left_out(&wishes, registration).into_iter();
        said.map(|left_out| format!("{}: {}", left_out.wish.pattern, left_out.why)).collect()
    };
    let there = |object| format!("{object}: the device has registered nothing there");
    assert_eq!(
        said(&old),
        [
            "/3/0/6/0: its version of LwM2M can't be asked about one instance of a resource".to_owned(),
            there("/4/0/2"),
            "/3303/*/5700: its version of LwM2M does not know epmin, con there: it is observed without"
                .to_owned(),
            there("/6/*/0"),
        ]
    );
    let new = Registration { lwm2m: Version::V1_1, ..sensors() };
    assert_eq!(
        said(&new)[1],
        "/3303/*/5700: its version of LwM2M does not know con there: it is observed without"
    );
}

#[test]
fn the_agenda_looks_at_each_device_once_at_a_time() {
    let (device, other) = (DeviceId(1), DeviceId(2));
    let at = |ms| Now { mono: Duration::from_secs(9) + Duration::from_millis(ms), wall: NOW };
    let now = at(0);
    let mut agenda = Agenda::new();
    assert_eq!(agenda.sweeps_after(), Some(None));
    agenda.swept(&[device], false);
    assert_eq!((agenda.sweeps_after(), agenda.take_due(now)), (None, vec![device]));
    agenda.happened(device, &crate::EventKind::Updated { changed: false }, true);
    assert_eq!(agenda.take_due(now), []);
    agenda.tended(now, device, Tended::Settled(None));
    assert_eq!(agenda.take_due(now), [device], "something has happened meanwhile");
    agenda.tended(now, device, Tended::Asleep);
    agenda.happened(other, &crate::EventKind::Readings(vec![]), true);
    assert_eq!(agenda.take_due(now), []);
    agenda.happened(device, &crate::EventKind::Readings(vec![]), true);
    assert_eq!(agenda.take_due(now), [device], "who sleeps is looked at when it is heard");
    agenda.tended(now, device, Tended::Settled(Some(Timestamp(NOW.0 + 5))));
    assert_eq!((agenda.take_due(now), agenda.next_at()), (vec![], Some(at(5).mono)));
    assert_eq!(agenda.take_due(at(5)), [device]);
    agenda.tended(now, device, Tended::Gone);
    assert!(agenda.is_idle());
    agenda.happened(device, &crate::EventKind::Updated { changed: false }, false);
    assert!(agenda.is_idle(), "nobody wishes anything");
    agenda.look_at(device);
    assert_eq!(agenda.take_due(now), [device]);
    agenda.tended(now, device, Tended::Asleep);
    agenda.happened(device, &crate::EventKind::Updated { changed: false }, false);
    assert_eq!(agenda.take_due(now), [device], "but there is something left to end");
}

#[test]
fn more_devices_than_may_wait_are_found_by_a_sweep() {
    let mut agenda = Agenda::default();
    for number in 0..i64::try_from(Agenda::MAX_DUE).unwrap() {
        assert!(agenda.look_at(DeviceId(number)));
    }
    assert!(!agenda.look_at(DeviceId(-1)));
    assert_eq!((agenda.load().0, agenda.sweeps_after()), (0, Some(None)));
}

proptest! {
    /// Whatever is wished, lives, fails and is forgotten: in the end what lives by wish is what is wished, none twice, and what
    /// is by hand is as it was.
    #[test]
    fn it_settles_on_what_is_wished(
        wished in proptest::collection::vec((0..6_usize, 0..3_u32), 0..6),
        before in proptest::collection::vec((0..6_usize, 0..3_u32), 0..6),
        by_hand in proptest::collection::btree_set(0..8_usize, 0..3),
        lost in proptest::collection::btree_set(0..4_usize, 0..3),
        refused in proptest::option::of(0..8_usize),
        composites: (bool, bool),
    ) {
        const LINES: [&str; 6] =
            ["/3303/*/5700", "/3303/1/5700", "/3303/0", "/3/0/9", "/3/0", "/9/0/1"];
        const PATHS: [&str; 8] = [
            "/3303/0/5700", "/3303/1/5700", "/3303/7/5700", "/3303/0", "/3/0/9", "/3/0", "/3/0/13", "/5/0/3",
        ];
        let read = |lines: &[(usize, u32)]| {
            let mut seen = BTreeSet::new();
            let lines = lines.iter().filter(|(line, _)| seen.insert(*line));
            let lines = lines.map(|(line, pmin)| match pmin {
                0 => LINES[*line].to_owned(),
                pmin => format!("{} pmin={pmin}", LINES[*line]),
            });
            wishes(&lines.collect::<Vec<_>>().join("\n"))
        };
        let mut world = World::new(sensors());
        let hand: BTreeSet<Target> = by_hand.iter().map(|path| one(PATHS[*path])).collect();
        world.observations = hand.iter().cloned().map(lives).collect();
        world.composites = composites.0;
        world.settle(&read(&before));
        let mut at = 0;
        world.observations.retain(|live| {
            at += 1;
            hand.contains(&live.target) || !lost.contains(&at)
        });
        world.composites = composites.1;
        let wishes = read(&wished);
        let bad = refused.map(|path| one(PATHS[path]));
        let refuses = |step: &Step| matches!(step, Step::Observe(target) if Some(target) == bad.as_ref());
        world.settle_but(&wishes, &refuses);
        // What was lost comes after its while; what is refused does not come.
        world.now = world.now.after(Trouble::LONGEST_WAIT);
        world.settle_but(&wishes, &refuses);
        let mut seen = Vec::new();
        for live in &world.observations {
            seen.extend(live.target.paths().iter().copied());
        }
        let unique: BTreeSet<Path> = seen.iter().copied().collect();
        prop_assert_eq!(seen.len(), unique.len(), "none twice");
        let hand_paths: BTreeSet<Path> = hand.iter().flat_map(|target| target.paths()).copied().collect();
        let wanted: BTreeSet<Path> =
            wishes.iter().flat_map(|wish| wish.pattern.paths(&world.registration.links)).collect();
        let bad: BTreeSet<Path> = bad
            .iter()
            .flat_map(Target::paths)
            .copied()
            .filter(|path| !hand_paths.contains(path) && !world.live().contains(&Target::One(*path)))
            .filter(|path| !unique.contains(path))
            .collect();
        let expected: BTreeSet<Path> = wanted.union(&hand_paths).copied().filter(|path| !bad.contains(path)).collect();
        prop_assert_eq!(&unique, &expected);
        prop_assert!(hand.is_subset(&world.live()), "what is by hand is as it was");
        prop_assert!(world.settle_but(&wishes, &refuses).is_empty(), "and nothing is left");
    }
}
