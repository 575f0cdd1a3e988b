//! Nodes: a tree of objects, instances and resources, and samples of it in time.

use std::collections::BTreeMap;

use crate::{InstanceId, Path, ResourceId, ResourceInstanceId, Value};

/// What stands at a [`Path`]: the content of a Read, a Write, a Create or a notification.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// At `/o`.
    Object(Object),
    /// At `/o/i`.
    Instance(Instance),
    /// At `/o/i/r`.
    Resource(Resource),
    /// At `/o/i/r/ri`.
    ResourceInstance(Value),
}

/// The instances of an object. It may have none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// By their id.
    pub instances: BTreeMap<InstanceId, Instance>,
}

/// The resources of an object instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    /// By their id.
    pub resources: BTreeMap<ResourceId, Resource>,
}

/// A resource: one value, or several with an id each.
#[derive(Clone, Debug, PartialEq)]
pub enum Resource {
    /// A single-instance resource.
    Single(Value),
    /// A multiple-instance resource. It may be empty.
    Multiple(BTreeMap<ResourceInstanceId, Value>),
}

/// A node, where it stands and when it was so.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When the device says it was so, in milliseconds since 1970; none where the format or the device gave no time.
    pub time_ms: Option<i64>,
    /// Where it stands.
    pub path: Path,
    /// What stands there. Its level is that of `path`.
    pub node: Node,
}

impl Node {
    /// Every value below `base`, where this node stands, with the path of each, in the order of the paths.
    pub fn values(&self, base: Path) -> Vec<(Path, &Value)> {
        let mut found = Vec::new();
        match self {
            Self::Object(object) => object.collect(base, &mut found),
            Self::Instance(instance) => instance.collect(base, &mut found),
            Self::Resource(resource) => resource.collect(base, &mut found),
            Self::ResourceInstance(value) => found.push((base, value)),
        }
        found
    }

    /// The smallest node at `base` that holds the given values; a path outside `base` or above a value's level is left out
    /// and returned.
    pub fn from_values(
        base: Path,
        values: impl IntoIterator<Item = (Path, Value)>,
    ) -> (Option<Self>, Vec<Path>) {
        let mut outside = Vec::new();
        let mut object = Object::default();
        let mut leaf = None;
        for (path, value) in values {
            if !path.is_within(&base) {
                outside.push(path);
                continue;
            }
            match path {
                Path::Resource(_, i, r) => {
                    object.instances.entry(i).or_default().resources.insert(r, Resource::Single(value));
                }
                Path::ResourceInstance(_, i, r, ri) => {
                    let resources = &mut object.instances.entry(i).or_default().resources;
                    let resource = resources.entry(r).or_insert_with(|| Resource::Multiple(BTreeMap::new()));
                    if let Resource::Single(_) = resource {
                        *resource = Resource::Multiple(BTreeMap::new());
                    }
                    if base == path {
                        leaf = Some(value);
                    } else if let Resource::Multiple(values) = resource {
                        values.insert(ri, value);
                    }
                }
                _ => outside.push(path),
            }
        }
        let node = match base {
            Path::Root => None,
            Path::Object(_) => Some(Self::Object(object)),
            Path::Instance(_, i) => Some(Self::Instance(object.instances.remove(&i).unwrap_or_default())),
            Path::Resource(_, i, r) => object
                .instances
                .remove(&i)
                .and_then(|mut instance| instance.resources.remove(&r))
                .map(Self::Resource),
            Path::ResourceInstance(..) => leaf.map(Self::ResourceInstance),
        };
        (node, outside)
    }
}

impl Object {
    fn collect<'a>(&'a self, base: Path, found: &mut Vec<(Path, &'a Value)>) {
        for (id, instance) in &self.instances {
            if let Some(path) = base.child(id.0) {
                instance.collect(path, found);
            }
        }
    }
}

impl Instance {
    fn collect<'a>(&'a self, base: Path, found: &mut Vec<(Path, &'a Value)>) {
        for (id, resource) in &self.resources {
            if let Some(path) = base.child(id.0) {
                resource.collect(path, found);
            }
        }
    }
}

impl Resource {
    fn collect<'a>(&'a self, base: Path, found: &mut Vec<(Path, &'a Value)>) {
        match self {
            Self::Single(value) => found.push((base, value)),
            Self::Multiple(values) => {
                found.extend(values.iter().filter_map(|(id, value)| Some((base.child(id.0)?, value))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn values_and_node_are_two_views_of_one_tree() {
        let values = vec![
            (path("/3/0/0"), Value::String("maker".into())),
            (path("/3/0/6/0"), Value::Integer(1)),
            (path("/3/0/6/2"), Value::Integer(5)),
        ];
        for base in ["/3", "/3/0"] {
            let (node, outside) = Node::from_values(path(base), values.clone());
            let node = node.unwrap();
            assert!(outside.is_empty());
            let seen: Vec<_> = node.values(path(base)).into_iter().map(|(p, v)| (p, v.clone())).collect();
            assert_eq!(seen, values);
        }
    }

    #[test]
    fn a_value_outside_the_base_is_named_not_swallowed() {
        let (node, outside) = Node::from_values(
            path("/3/0/6/2"),
            [(path("/3/0/6/2"), Value::Integer(5)), (path("/3/0/6/3"), Value::Integer(6))],
        );
        assert_eq!(node, Some(Node::ResourceInstance(Value::Integer(5))));
        assert_eq!(outside, [path("/3/0/6/3")]);
    }
}
