//! A small device: instances with a few numbers, attributes, and a memory of what it was told to execute.

use std::collections::BTreeMap;

use objects::{Attributes, Instance, InstanceId, Node, ObjectId, Path, Resource, ResourceId, Value};

use crate::{Operation, WriteMode};

type Values = BTreeMap<u16, i64>;

/// What it holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Device {
    instances: BTreeMap<(u16, u16), Values>,
    attributes: BTreeMap<Path, Option<u32>>,
    /// For each instance, what it held whenever something of it was executed.
    executed: BTreeMap<(u16, u16), Vec<Option<Values>>>,
    /// What was written to Firmware Update, where a Write is a step.
    steps: Vec<i64>,
}

impl Device {
    pub(super) fn new() -> Self {
        let instances = [((3, 0), Values::new()), ((3303, 0), Values::new()), ((5, 0), Values::new())];
        Self {
            instances: instances.into(),
            attributes: BTreeMap::new(),
            executed: BTreeMap::new(),
            steps: Vec::new(),
        }
    }

    /// Does it, and gives what it finds.
    pub(super) fn act(&mut self, operation: &Operation) -> Vec<((u16, u16), Values)> {
        match operation {
            Operation::Read { path, .. } => return self.within(path),
            Operation::Write { path, mode, node, .. } => self.write(path, *mode, node),
            Operation::WriteComposite { values, .. } => {
                for (path, value) in values {
                    self.set(path, value);
                }
            }
            Operation::WriteAttributes { path, set, .. } => drop(self.attributes.insert(*path, set.pmin)),
            Operation::Execute { path, .. } => {
                let at = key(path).unwrap();
                let holds = self.instances.get(&at).cloned();
                self.executed.entry(at).or_default().push(holds);
            }
            Operation::Delete { path } => drop(key(path).and_then(|at| self.instances.remove(&at))),
            Operation::Create { object, instance, node, .. } => {
                let id = instance.map_or_else(
                    || (0..).find(|id| !self.instances.contains_key(&(object.0, *id))).unwrap(),
                    |instance| instance.0,
                );
                let Node::Instance(node) = node else { unreachable!() };
                self.instances.entry((object.0, id)).or_insert_with(|| numbers(node));
            }
            other => unreachable!("{other:?}"),
        }
        Vec::new()
    }

    fn write(&mut self, path: &Path, mode: WriteMode, node: &Node) {
        match node {
            Node::Resource(Resource::Single(value)) => self.set(path, value),
            Node::Instance(instance) => {
                let Some(known) = key(path).and_then(|at| self.instances.get_mut(&at)) else { return };
                if mode == WriteMode::Replace {
                    known.clear();
                }
                known.extend(numbers(instance));
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn set(&mut self, path: &Path, value: &Value) {
        let (Some(at), Some(resource), Value::Integer(value)) = (key(path), path.resource(), value) else {
            unreachable!()
        };
        if at.0 == 5 {
            self.steps.push(*value);
        }
        // 4.04 where there is no such instance.
        if let Some(instance) = self.instances.get_mut(&at) {
            instance.insert(resource.0, *value);
        }
    }

    fn within(&self, path: &Path) -> Vec<((u16, u16), Values)> {
        let below = |at: &(u16, u16), resource: u16| {
            Path::Resource(ObjectId(at.0), InstanceId(at.1), ResourceId(resource)).is_within(path)
        };
        let holds = |(at, values): (&(u16, u16), &Values)| {
            let values: Values =
                values.iter().filter(|(id, _)| below(at, **id)).map(|(id, value)| (*id, *value)).collect();
            below(at, values.keys().next().copied().unwrap_or(0)).then_some((*at, values))
        };
        self.instances.iter().filter_map(holds).collect()
    }
}

pub(super) fn write_instance(at: &str, mode: WriteMode, value: i64) -> Operation {
    let node = Node::Instance(instance(value));
    Operation::Write { path: at.parse().unwrap(), mode, node, format: None }
}

pub(super) fn create(id: Option<u16>, value: i64) -> Operation {
    let node = Node::Instance(instance(value));
    Operation::Create { object: ObjectId(3303), instance: id.map(InstanceId), node, format: None }
}

pub(super) fn attributes(at: &str, pmin: u32) -> Operation {
    let set = Attributes { pmin: Some(pmin), ..Attributes::default() };
    Operation::WriteAttributes { path: at.parse().unwrap(), set, unset: vec![] }
}

fn instance(value: i64) -> Instance {
    let resource = |id| (ResourceId(id), Resource::Single(Value::Integer(value)));
    Instance { resources: [resource(15), resource(5_601)].into() }
}

fn numbers(instance: &Instance) -> Values {
    let number = |(id, resource): (&ResourceId, &Resource)| match resource {
        Resource::Single(Value::Integer(value)) => (id.0, *value),
        other => unreachable!("{other:?}"),
    };
    instance.resources.iter().map(number).collect()
}

fn key(path: &Path) -> Option<(u16, u16)> {
    Some((path.object()?.0, path.instance()?.0))
}
