//! What a device is asked next: to say what it has, or to take what it is to have.

use std::collections::BTreeMap;

use objects::{Attributes, Instance, Node, Path, Resource, Value, Version};

use super::{
    super::{Ask, LineKey, LineState, Listening, Standing, Want, Way},
    Request, Steps, never_read,
};
use crate::{Operation, Paths, Timestamp, WriteMode};

impl Steps<'_> {
    /// Reads what is not known: several at once if the device may, else instance by instance.
    pub(super) fn look(&self, listening: &Listening) -> Option<Request> {
        let pending: Vec<LineKey> = self
            .row
            .lines
            .iter()
            .filter(|line| self.is_to_be_read(listening, line))
            .map(|line| line.key)
            .collect();
        let first = *pending.first()?;
        let instance = |key: &LineKey| key.path.object().zip(key.path.instance());
        let together: Vec<LineKey> = match self.row.way {
            Way::Composite => pending.into_iter().take(Paths::MAX).collect(),
            Way::Instance => pending.into_iter().filter(|key| instance(key) == instance(&first)).collect(),
            Way::Resource => vec![first],
        };
        let operation = match (&together[..], instance(&first)) {
            ([_], _) | (_, None) => Operation::Read { path: resource(first.path), format: None },
            (keys, _) if self.row.way == Way::Composite => {
                let paths = keys.iter().map(|key| key.path).collect();
                Operation::ReadComposite { paths, format: None }
            }
            (_, Some((object, id))) => Operation::Read { path: Path::Instance(object, id), format: None },
        };
        Some(Request { ask: Ask::Look, lines: together, operation })
    }

    fn is_to_be_read(&self, listening: &Listening, line: &LineState) -> bool {
        let Some(wanted) = self.desired.lines.get(&line.key) else { return false };
        let stopped = line.refused.is_some() || line.key.attributes || line.looked;
        if stopped || never_read(listening, line, &wanted.line.want) {
            return false;
        }
        self.seen.values.get(&line.key.path).is_none_or(|known| known.at <= self.counts_from(line))
    }

    /// Writes what is wrong and may be written: values together if the device may, then secrets and attributes one by one.
    pub(super) fn write(&mut self, listening: &Listening) -> Option<Request> {
        self.stop_flapping();
        let out: Vec<LineKey> = self
            .row
            .lines
            .iter()
            .filter(|line| line.standing == Standing::Out && self.may_write(line.key))
            .map(|line| line.key)
            .collect();
        let want = |key: &LineKey| self.desired.lines.get(key).map(|wanted| &wanted.line.want);
        let values: Vec<(LineKey, &Value)> = out
            .iter()
            .filter_map(|key| match want(key) {
                Some(Want::Value(value)) => Some((*key, value)),
                _ => None,
            })
            .take(Paths::MAX)
            .collect();
        let together = !self.row.singly && self.row.way == Way::Composite;
        if together && values.len() > 1 {
            let lines = values.iter().map(|(key, _)| *key).collect();
            let values: BTreeMap<Path, Value> =
                values.into_iter().map(|(key, value)| (key.path, value.clone())).collect();
            let operation = Operation::WriteComposite { values, format: None };
            return Some(Request { ask: Ask::Write, lines, operation });
        }
        if let Some((key, value)) = values.first() {
            let operation = write_one(key.path, value, listening.lwm2m);
            return Some(Request { ask: Ask::Write, lines: vec![*key], operation });
        }
        let key = *out.first()?;
        match want(&key)? {
            Want::Value(_) => None,
            Want::Secret(hidden) => {
                let operation = write_one(key.path, &hidden.value, listening.lwm2m);
                Some(Request { ask: Ask::Secret, lines: vec![key], operation })
            }
            Want::Attributes(attributes) => {
                let attributes = *attributes;
                let (now, registration) = (self.now, self.row.registration);
                let line = self.line(key)?;
                let operation = set_attributes(line, &attributes);
                // Whatever becomes of it: it may have been done, and is taken back then.
                line.may_have(attributes.names(), now, registration);
                Some(Request { ask: Ask::Attributes, lines: vec![key], operation })
            }
        }
    }

    /// What was put right too often is not written any more, until a person says so.
    fn stop_flapping(&mut self) {
        let now: Timestamp = self.now;
        for place in 0..self.row.lines.len() {
            let may = self.may_write(self.row.lines[place].key);
            let line = &mut self.row.lines[place];
            let counts = |at: &&Timestamp| at.after(LineState::REPAIRS_COUNT_FOR) > now;
            let repairs = line.repairs.iter().filter(counts).count();
            if may
                && line.standing == Standing::Out
                && line.settled
                && !line.proving
                && repairs >= LineState::MAX_REPAIRS
            {
                line.standing = Standing::Flapping;
                self.counted.stopped += 1;
            }
        }
    }
}

/// What is read of a line: of a resource instance the whole resource, which every version can say.
fn resource(path: Path) -> Path {
    match path {
        Path::ResourceInstance(object, instance, resource, _) => Path::Resource(object, instance, resource),
        other => other,
    }
}

fn write_one(path: Path, value: &Value, lwm2m: Version) -> Operation {
    let value = value.clone();
    let (path, mode, node) = match path {
        // LwM2M Core 1.1.1 §6.3.3: one instance of a resource is written to since 1.1; before, as a part of its object instance.
        Path::ResourceInstance(object, instance, id, at) if lwm2m < Version::V1_1 => {
            let values = Resource::Multiple([(at, value)].into());
            let node = Node::Instance(Instance { resources: [(id, values)].into() });
            (Path::Instance(object, instance), WriteMode::Update, node)
        }
        Path::ResourceInstance(object, instance, id, at) => {
            let values = Node::Resource(Resource::Multiple([(at, value)].into()));
            (Path::Resource(object, instance, id), WriteMode::Update, values)
        }
        path => (path, WriteMode::Replace, Node::Resource(Resource::Single(value))),
    };
    Operation::Write { path, mode, node, format: None }
}

/// Sets those that are wanted, and takes back those that were set before and are not wanted any more.
fn set_attributes(line: &LineState, wanted: &Attributes) -> Operation {
    let before = line.set_attributes().iter().copied();
    let unset = before.filter(|attribute| wanted.text(*attribute).is_none()).collect();
    Operation::WriteAttributes { path: line.key.path, set: *wanted, unset }
}
