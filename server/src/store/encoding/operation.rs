//! An operation as JSON: what people find in the table can be read, and it comes back exactly.

use fleet::{CancelMode, Operation, Paths, WriteMode};
use objects::{
    Attribute, Attributes, ContentFormat, Instance, InstanceId, Node, Object, ObjectId, Path, Resource,
    ResourceId, ResourceInstanceId, Value,
};
use serde::{Deserialize, Serialize};

use super::value;

/// The column `operation`.
pub(in crate::store) fn column(operation: &Operation) -> String {
    serde_json::to_string(&Stored::from(operation)).expect("strings, numbers and lists are always JSON")
}

pub(in crate::store) fn operation(column: &str) -> Option<Operation> {
    serde_json::from_str::<Stored>(column).ok()?.operation()
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
enum Stored {
    Read { path: String, format: Option<u16> },
    Discover { path: String },
    Write { path: String, replace: bool, values: Tree, format: Option<u16> },
    WriteAttributes { path: String, set: Vec<String>, unset: Vec<String> },
    Execute { path: String, arguments: String },
    Create { object: u16, instance: Option<u16>, values: Tree, format: Option<u16> },
    Delete { path: String },
    Observe { path: String, format: Option<u16> },
    Push { path: String, artefact: String, from: u64, block_bytes: u16 },
    CancelObservation { path: String, active: bool },
    ReadComposite { paths: Vec<String>, format: Option<u16> },
    WriteComposite { values: Vec<(String, Kept)>, format: Option<u16> },
    ObserveComposite { paths: Vec<String>, format: Option<u16> },
    CancelCompositeObservation { paths: Vec<String>, active: bool },
}

/// A node. Lists of pairs keep what maps with text keys would not: the difference between absent and empty.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Tree {
    Object(Vec<(u16, Vec<(u16, Leaf)>)>),
    Instance(Vec<(u16, Leaf)>),
    Resource(Leaf),
    ResourceInstance(Kept),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Leaf {
    Single(Kept),
    Multiple(Vec<(u16, Kept)>),
}

/// A value: text as it is, everything else as its type and its bytes in hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::store) enum Kept {
    Text(String),
    Bytes(i64, String),
}

impl From<&Operation> for Stored {
    fn from(operation: &Operation) -> Self {
        let number = |format: &Option<ContentFormat>| format.map(|format| format.0);
        let texts = |paths: &Paths| paths.iter().map(Path::to_string).collect();
        match operation {
            Operation::Read { path, format } => Self::Read { path: path.to_string(), format: number(format) },
            Operation::Discover { path } => Self::Discover { path: path.to_string() },
            Operation::Write { path, mode, node, format } => Self::Write {
                path: path.to_string(),
                replace: *mode == WriteMode::Replace,
                values: node.into(),
                format: number(format),
            },
            Operation::WriteAttributes { path, set, unset } => Self::WriteAttributes {
                path: path.to_string(),
                set: set.to_queries(),
                unset: unset.iter().map(|attribute| attribute.name().to_owned()).collect(),
            },
            Operation::Execute { path, arguments } => {
                Self::Execute { path: path.to_string(), arguments: arguments.clone() }
            }
            Operation::Create { object, instance, node, format } => Self::Create {
                object: object.0,
                instance: instance.map(|instance| instance.0),
                values: node.into(),
                format: number(format),
            },
            Operation::Delete { path } => Self::Delete { path: path.to_string() },
            Operation::Observe { path, format } => {
                Self::Observe { path: path.to_string(), format: number(format) }
            }
            Operation::Push { path, artefact, from, block_bytes } => Self::Push {
                path: path.to_string(),
                artefact: artefact.to_string(),
                from: *from,
                block_bytes: *block_bytes,
            },
            Operation::CancelObservation { path, mode } => {
                Self::CancelObservation { path: path.to_string(), active: *mode == CancelMode::Active }
            }
            Operation::ReadComposite { paths, format } => {
                Self::ReadComposite { paths: texts(paths), format: number(format) }
            }
            Operation::WriteComposite { values, format } => Self::WriteComposite {
                values: values.iter().map(|(path, value)| (path.to_string(), value.into())).collect(),
                format: number(format),
            },
            Operation::ObserveComposite { paths, format } => {
                Self::ObserveComposite { paths: texts(paths), format: number(format) }
            }
            Operation::CancelCompositeObservation { paths, mode } => {
                Self::CancelCompositeObservation { paths: texts(paths), active: *mode == CancelMode::Active }
            }
        }
    }
}

impl Stored {
    fn operation(self) -> Option<Operation> {
        let parse = |path: String| path.parse::<Path>().ok();
        let known = |format: Option<u16>| format.map(ContentFormat);
        let all = |paths: Vec<String>| paths.into_iter().map(parse).collect::<Option<Paths>>();
        let cancel = |active| if active { CancelMode::Active } else { CancelMode::Passive };
        Some(match self {
            Self::Read { path, format } => Operation::Read { path: parse(path)?, format: known(format) },
            Self::Discover { path } => Operation::Discover { path: parse(path)? },
            Self::Write { path, replace, values, format } => Operation::Write {
                path: parse(path)?,
                mode: if replace { WriteMode::Replace } else { WriteMode::Update },
                node: values.node()?,
                format: known(format),
            },
            Self::WriteAttributes { path, set, unset } => Operation::WriteAttributes {
                path: parse(path)?,
                set: Attributes::parse_queries(set.iter().map(String::as_str)).ok()?.0,
                unset: unset.iter().map(|name| Attribute::from_name(name)).collect::<Option<_>>()?,
            },
            Self::Execute { path, arguments } => Operation::Execute { path: parse(path)?, arguments },
            Self::Create { object, instance, values, format } => Operation::Create {
                object: ObjectId(object),
                instance: instance.map(InstanceId),
                node: values.node()?,
                format: known(format),
            },
            Self::Delete { path } => Operation::Delete { path: parse(path)? },
            Self::Observe { path, format } => {
                Operation::Observe { path: parse(path)?, format: known(format) }
            }
            Self::CancelObservation { path, active } => {
                Operation::CancelObservation { path: parse(path)?, mode: cancel(active) }
            }
            Self::ReadComposite { paths, format } => {
                Operation::ReadComposite { paths: all(paths)?, format: known(format) }
            }
            Self::WriteComposite { values, format } => {
                let values = values.into_iter().map(|(path, kept)| Some((parse(path)?, kept.value()?)));
                Operation::WriteComposite { values: values.collect::<Option<_>>()?, format: known(format) }
            }
            Self::ObserveComposite { paths, format } => {
                Operation::ObserveComposite { paths: all(paths)?, format: known(format) }
            }
            Self::CancelCompositeObservation { paths, active } => {
                Operation::CancelCompositeObservation { paths: all(paths)?, mode: cancel(active) }
            }
            Self::Push { path, artefact, from, block_bytes } => {
                Operation::Push { path: parse(path)?, artefact: artefact.parse().ok()?, from, block_bytes }
            }
        })
    }
}

impl From<&Node> for Tree {
    fn from(node: &Node) -> Self {
        match node {
            Node::Object(object) => {
                Self::Object(object.instances.iter().map(|(id, instance)| (id.0, leaves(instance))).collect())
            }
            Node::Instance(instance) => Self::Instance(leaves(instance)),
            Node::Resource(resource) => Self::Resource(resource.into()),
            Node::ResourceInstance(value) => Self::ResourceInstance(value.into()),
        }
    }
}

impl Tree {
    fn node(self) -> Option<Node> {
        Some(match self {
            Self::Object(instances) => {
                let instances =
                    instances.into_iter().map(|(id, leaves)| Some((InstanceId(id), instance(leaves)?)));
                Node::Object(Object { instances: instances.collect::<Option<_>>()? })
            }
            Self::Instance(leaves) => Node::Instance(instance(leaves)?),
            Self::Resource(leaf) => Node::Resource(leaf.resource()?),
            Self::ResourceInstance(kept) => Node::ResourceInstance(kept.value()?),
        })
    }
}

fn leaves(instance: &Instance) -> Vec<(u16, Leaf)> {
    instance.resources.iter().map(|(id, resource)| (id.0, resource.into())).collect()
}

fn instance(leaves: Vec<(u16, Leaf)>) -> Option<Instance> {
    let resources = leaves.into_iter().map(|(id, leaf)| Some((ResourceId(id), leaf.resource()?)));
    Some(Instance { resources: resources.collect::<Option<_>>()? })
}

impl From<&Resource> for Leaf {
    fn from(resource: &Resource) -> Self {
        match resource {
            Resource::Single(value) => Self::Single(value.into()),
            Resource::Multiple(values) => {
                Self::Multiple(values.iter().map(|(id, value)| (id.0, value.into())).collect())
            }
        }
    }
}

impl Leaf {
    fn resource(self) -> Option<Resource> {
        Some(match self {
            Self::Single(kept) => Resource::Single(kept.value()?),
            Self::Multiple(values) => {
                let values =
                    values.into_iter().map(|(id, kept)| Some((ResourceInstanceId(id), kept.value()?)));
                Resource::Multiple(values.collect::<Option<_>>()?)
            }
        })
    }
}

impl From<&Value> for Kept {
    fn from(one: &Value) -> Self {
        if let Value::String(text) = one {
            return Self::Text(text.clone());
        }
        let (kind, bytes) = value::columns(one);
        Self::Bytes(kind, Value::Opaque(bytes).to_string())
    }
}

impl Kept {
    pub(in crate::store) fn value(self) -> Option<Value> {
        match self {
            Self::Text(text) => Some(Value::String(text)),
            Self::Bytes(kind, digits) => match Value::parse(objects::DataType::Opaque, &digits).ok()? {
                Value::Opaque(bytes) => value::value(kind, bytes),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use fleet::ArtefactId;
    use objects::ObjectLink;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_operation_comes_back_as_it_was() {
        let path = |text: &str| text.parse::<Path>().unwrap();
        let instance = Instance {
            resources: [
                (ResourceId(0), Resource::Single(Value::String("\0 \"☃'; --".into()))),
                (ResourceId(1), Resource::Single(Value::Float(0.1))),
                (ResourceId(2), Resource::Multiple([].into())),
                (
                    ResourceId(3),
                    Resource::Multiple([(ResourceInstanceId(7), Value::Unsigned(u64::MAX))].into()),
                ),
                (ResourceId(4), Resource::Single(Value::Opaque(vec![0, 255]))),
                (ResourceId(5), Resource::Single(Value::ObjectLink(ObjectLink::NULL))),
            ]
            .into(),
        };
        let set = Attributes {
            pmin: Some(1),
            gt: Some(0.1),
            st: Some(2.5),
            edge: Some(true),
            ..Attributes::default()
        };
        for one in [
            Operation::Read { path: Path::Root, format: None },
            Operation::Discover { path: path("/3") },
            Operation::Write {
                path: path("/3/0"),
                mode: WriteMode::Update,
                node: Node::Instance(instance.clone()),
                format: Some(ContentFormat::TLV),
            },
            Operation::Write {
                path: path("/3"),
                mode: WriteMode::Replace,
                node: Node::Object(Object { instances: [(InstanceId(0), instance.clone())].into() }),
                format: None,
            },
            Operation::Write {
                path: path("/3/0/0/1"),
                mode: WriteMode::Replace,
                node: Node::ResourceInstance(Value::Time(-1)),
                format: None,
            },
            Operation::WriteAttributes {
                path: path("/3/0/9"),
                set,
                unset: vec![Attribute::Pmax, Attribute::Con],
            },
            Operation::Execute { path: path("/3/0/4"), arguments: "0='a\0'".into() },
            Operation::Create {
                object: ObjectId(9),
                instance: Some(InstanceId(2)),
                node: Node::Instance(instance),
                format: Some(ContentFormat::SENML_CBOR),
            },
            Operation::Delete { path: path("/9/2") },
            Operation::Observe { path: path("/3/0/9"), format: Some(ContentFormat(65000)) },
            Operation::Push {
                path: path("/5/0/0"),
                artefact: ArtefactId(Uuid::from_u128(u128::MAX)),
                from: u64::MAX,
                block_bytes: 1_024,
            },
            Operation::CancelObservation { path: path("/3/0/9"), mode: CancelMode::Passive },
        ] {
            let text = column(&one);
            assert_eq!(operation(&text), Some(one), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_operation_is_refused() {
        for text in ["", "{}", r#"{"operation":"read","path":"3","format":null}"#, r#"{"operation":"fly"}"#] {
            assert_eq!(operation(text), None, "{text}");
        }
    }
}
