//! One device on virtual time: what it is asked it does, and time goes on to when it is looked at again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use objects::{
    Attributes, InstanceId, Node, ObjectId, Path, Value, Version,
    link::{ObjectEntry, ObjectLinks},
};

use super::*;
use crate::{Binding, Lifetime, Operation, OperationId, PublicId, RegistrationId};

/// What a device does otherwise than it should.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Quirk {
    #[default]
    None,
    /// Answers composite operations with 4.05.
    NoComposite,
    /// Acknowledges composite operations and says no more, as is known of it after the first.
    MuteToComposites,
    /// Answers a Write there with 4.05; of several values it takes none.
    Refuses(Path),
    /// Takes what is written there and has something else.
    Clamps(Path, Value),
    /// Does not answer so many times.
    Silent(usize),
    /// Whoever asks it is forgotten, before or after it did so.
    CutOff,
}

pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) row: Configured,
    pub(super) desired: Desired,
    /// What it has.
    pub(super) values: BTreeMap<Path, Value>,
    pub(super) attributes: BTreeMap<Path, Attributes>,
    /// What it has said.
    pub(super) said: BTreeMap<Path, Known>,
    pub(super) quirk: Quirk,
    pub(super) awake: bool,
    pub(super) registration: Option<u64>,
    pub(super) lwm2m: Version,
    pub(super) blind: Vec<Path>,
    /// What its registration says.
    pub(super) terms: AccountTerms,
    /// Whether it is known to answer composites.
    pub(super) composites: bool,
    /// What others have written by this server.
    pub(super) overwritten: BTreeMap<LineKey, Overwritten>,
    pub(super) wished: BTreeMap<Path, Attributes>,
    /// How many instances of the object Server it has.
    pub(super) accounts: u16,
    /// What it was asked, in order.
    pub(super) asked: Vec<(Ask, Operation)>,
    /// What was written to it, and took hold.
    pub(super) written: Vec<(Path, Value)>,
    pub(super) operations: u64,
}

impl World {
    pub(super) fn new(number: i64, desired: Desired) -> Self {
        let now = Timestamp(1_700_000_000_000);
        Self {
            now,
            row: Configured::new(DeviceId(number), PublicId::from_random([1; 16]), now),
            desired,
            values: BTreeMap::new(),
            attributes: BTreeMap::new(),
            said: BTreeMap::new(),
            quirk: Quirk::None,
            awake: true,
            registration: Some(1),
            lwm2m: Version::V1_1,
            blind: Vec::new(),
            terms: AccountTerms {
                lifetime: Lifetime(300),
                binding: Binding { transports: "U".into(), queue_mode: false },
            },
            composites: true,
            overwritten: BTreeMap::new(),
            wished: BTreeMap::new(),
            accounts: 1,
            asked: Vec::new(),
            written: Vec::new(),
            operations: 0,
        }
    }

    /// With values that the server knows already.
    pub(super) fn having(mut self, values: impl IntoIterator<Item = (Path, i64)>) -> Self {
        for (path, number) in values {
            self.values.insert(path, Value::Integer(number));
            self.said.insert(path, Known { value: Value::Integer(number), at: self.now });
        }
        self
    }

    /// Takes steps until there is nothing to be asked.
    pub(super) fn settle(&mut self) -> &mut Self {
        let mut asked = None;
        for _ in 0..1_000 {
            let seen = Seen {
                registered: self.registration.map(|id| Listening {
                    id: RegistrationId(id),
                    lwm2m: self.lwm2m,
                    terms: self.terms.clone(),
                    composites: self.lwm2m >= Version::V1_1
                        && self.composites
                        && (self.quirk != Quirk::MuteToComposites || !self.has_heard_a_composite()),
                    awake: self.awake,
                    links: Arc::new(links(self.accounts)),
                    blind: self.blind.clone(),
                }),
                values: self.said.clone(),
                writers: BTreeMap::new(),
                overwritten: self.overwritten.clone(),
                wished: self.wished.clone(),
                asked: asked.take(),
            };
            let step = self.row.step(&self.desired, &seen, self.now);
            self.row = step.row;
            let Some(Request { ask, lines, operation }) = step.request else { return self };
            assert!(self.awake, "a device that sleeps is asked nothing");
            self.operations += 1;
            let id = OperationId::new(self.now, [0; 10]);
            self.row.asking = Some(Asking { operation: id, ask, lines });
            self.now = self.now.after(Duration::from_millis(40));
            self.asked.push((ask, operation.clone()));
            asked = match self.quirk {
                Quirk::CutOff if self.operations % 3 == 1 => None,
                Quirk::CutOff if self.operations % 3 == 2 => {
                    self.answer(ask, &operation);
                    None
                }
                Quirk::Silent(times) if times > 0 => {
                    self.quirk = Quirk::Silent(times - 1);
                    Some(Asked::Failed("the device did not answer in time".into()))
                }
                _ => Some(self.answer(ask, &operation)),
            };
        }
        panic!("the engine does not stop asking");
    }

    /// Time goes on, and the device is looked at whenever it is due.
    pub(super) fn run_for(&mut self, time: Duration) -> &mut Self {
        let end = self.now.after(time);
        self.settle();
        while self.row.due_at <= end {
            self.now = self.row.due_at.max(self.now.after(Duration::from_millis(1)));
            self.settle();
        }
        self.now = end;
        self
    }

    /// Somebody at the device changes something.
    pub(super) fn change(&mut self, path: Path, number: i64) -> &mut Self {
        self.values.insert(path, Value::Integer(number));
        self
    }

    /// The device says by itself what it has.
    pub(super) fn notify(&mut self, path: Path) -> &mut Self {
        self.now = self.now.after(Duration::from_millis(10));
        self.say(path);
        self.settle()
    }

    pub(super) fn repair(&mut self) -> &mut Self {
        self.row.repair_at = Some(self.now);
        self.settle()
    }

    pub(super) fn resume(&mut self) -> &mut Self {
        self.row.resume_at = Some(self.now);
        self.settle()
    }

    pub(super) fn register(&mut self) -> &mut Self {
        self.registration = Some(self.registration.unwrap_or(0) + 1);
        self.settle()
    }

    pub(super) fn line(&self, at: &str) -> &LineState {
        let key = LineKey { path: path(at), attributes: false };
        self.row.lines.iter().find(|line| line.key == key).unwrap()
    }

    pub(super) fn asks(&self, ask: Ask) -> usize {
        self.asked.iter().filter(|(asked, _)| *asked == ask).count()
    }

    pub(super) fn has_heard_a_composite(&self) -> bool {
        self.asked.iter().any(|(_, operation)| operation.is_composite())
    }

    fn say(&mut self, path: Path) {
        if let Some(value) = self.values.get(&path) {
            self.said.insert(path, Known { value: value.clone(), at: self.now });
        }
    }

    fn answer(&mut self, ask: Ask, operation: &Operation) -> Asked {
        let refused = || Asked::failed("4.05 Method Not Allowed".into());
        match operation {
            Operation::ReadComposite { .. } | Operation::WriteComposite { .. }
                if self.quirk == Quirk::NoComposite =>
            {
                return refused();
            }
            Operation::ReadComposite { .. } | Operation::WriteComposite { .. }
                if self.quirk == Quirk::MuteToComposites =>
            {
                return Asked::failed("the device acknowledged, and did not answer in time".into());
            }
            Operation::ReadComposite { paths, .. } => paths.iter().for_each(|path| self.say(*path)),
            Operation::Read { path, .. } => {
                let there: Vec<Path> =
                    self.values.keys().filter(|value| value.is_within(path)).copied().collect();
                if there.is_empty() {
                    return Asked::failed("4.04 Not Found".into());
                }
                there.into_iter().for_each(|path| self.say(path));
            }
            Operation::WriteComposite { values, .. } => {
                if matches!(self.quirk, Quirk::Refuses(path) if values.contains_key(&path)) {
                    return refused();
                }
                for (path, value) in values {
                    self.take(*path, value);
                }
            }
            Operation::Write { path, node, .. } => {
                if self.quirk == Quirk::Refuses(*path) {
                    return refused();
                }
                for (path, value) in Node::values(node, *path) {
                    self.take(path, value);
                }
            }
            Operation::WriteAttributes { path, set, unset } => {
                if self.quirk == Quirk::Refuses(*path) {
                    return refused();
                }
                let mut there = set.merged_over(&self.attributes.get(path).copied().unwrap_or_default());
                unset.iter().for_each(|attribute| there.unset(*attribute));
                self.attributes.insert(*path, there);
            }
            other => panic!("{ask:?} asks {other:?}"),
        }
        Asked::Done
    }

    fn take(&mut self, path: Path, value: &Value) {
        self.written.push((path, value.clone()));
        let has = match &self.quirk {
            Quirk::Clamps(at, clamped) if *at == path => clamped.clone(),
            _ => value.clone(),
        };
        self.values.insert(path, has);
    }
}

/// Objects 1, 3 and 10 with an instance each.
fn links(accounts: u16) -> ObjectLinks {
    let entry = || ObjectEntry { instances: [InstanceId(0)].into(), ..ObjectEntry::default() };
    let mut objects = BTreeMap::from([1, 3, 10].map(|object| (ObjectId(object), entry())));
    let servers = objects.get_mut(&ObjectId(1)).unwrap();
    servers.instances = (0..accounts).map(InstanceId).collect();
    ObjectLinks { objects, ..ObjectLinks::default() }
}
