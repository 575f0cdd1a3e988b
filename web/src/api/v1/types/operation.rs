//! Operations on devices.

use std::collections::BTreeMap;

use objects::ContentFormat;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NodePath, Priority, Reading, Time};
// utoipa takes whatever is called `Value` for any JSON.
use super::Value as TypedValue;

words! {
    /// A content format.
    Format { Text, Opaque, Cbor, SenmlJson, SenmlCbor, SenmlEtchJson, SenmlEtchCbor, Tlv, Lwm2mJson, Lwm2mCbor }
}

words! {
    /// How a Write treats what is there (LwM2M Core 1.1.1 §6.3.3).
    WriteMode = WriteMode {
        /// Replaces the instance or resource.
        Replace,
        /// Adds or replaces only what is given.
        Update,
    }
}

words! {
    /// How an observation is ended.
    CancelMode = CancelMode {
        /// The server asks the device to end it.
        Active,
        /// The server forgets it and resets the next notification.
        Passive,
    }
}

words! {
    /// The state of an operation.
    OperationState = OperationState {
        /// Waits for the device.
        Queued,
        /// On its way.
        Sent,
        /// The device did it.
        Done,
        /// The device refused it, or there was no usable answer.
        Failed,
        /// It waited too long.
        Expired,
        /// A person or the end of the registration cancelled it.
        Cancelled,
        /// A later one made it pointless before it was sent: see `superseded_by`.
        Superseded,
        /// It was sent, and whether the device did it is not known.
        Unknown,
    }
}

/// What is asked of a device (LwM2M Core 1.1.1 §6.3 and §6.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "operation", rename_all = "kebab-case", deny_unknown_fields)]
#[schema(example = json!({"operation": "read", "path": "/3/0"}))]
pub enum OperationRequest {
    /// Reads a node.
    Read {
        /// Object, instance, resource or resource instance.
        path: NodePath,
        /// In which format the device is to answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Format>,
    },
    /// Asks what there is at a node.
    Discover {
        /// Object, instance or resource.
        path: NodePath,
    },
    /// Writes a node. One of `value`, `text` and `values` is to be given.
    Write {
        /// Instance, resource or resource instance.
        path: NodePath,
        /// Replace, if nothing is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<WriteMode>,
        /// The value of one resource or resource instance.
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<TypedValue>,
        /// The same as a person types it: read as the type that the object's definition gives.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Several values, by their path below `path`: `15` or `11/0` below an instance, `0` below a resource.
        #[serde(skip_serializing_if = "Option::is_none")]
        values: Option<BTreeMap<String, TypedValue>>,
        /// In which format; the server chooses if nothing is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Format>,
    },
    /// Sets and unsets notification attributes.
    WriteAttributes {
        /// Where they apply.
        path: NodePath,
        /// Those to set, by name, each as in a query: `{"pmin": "10"}`.
        #[serde(default)]
        set: BTreeMap<String, String>,
        /// The names of those to unset.
        #[serde(default)]
        unset: Vec<String>,
    },
    /// Executes a resource.
    Execute {
        /// The resource.
        path: NodePath,
        /// Arguments, as in `0='a',1`.
        #[serde(default)]
        arguments: String,
    },
    /// Creates an instance.
    Create {
        /// The object, or the instance if its id is to be that.
        path: NodePath,
        /// Its resources, by their path below the instance: `5` or `6/0`.
        #[serde(default)]
        values: BTreeMap<String, TypedValue>,
        /// In which format; the server chooses if nothing is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Format>,
    },
    /// Deletes an instance.
    Delete {
        /// The instance.
        path: NodePath,
    },
    /// Begins an observation.
    Observe {
        /// Object, instance, resource or resource instance.
        path: NodePath,
        /// In which format the device is to report.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Format>,
    },
    /// Ends an observation.
    CancelObservation {
        /// What is observed.
        path: NodePath,
        /// Active, if nothing is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<CancelMode>,
    },
    /// Reads several nodes at once; since LwM2M 1.1. What the device does not have is left out of its answer.
    ReadComposite {
        /// Nodes of any level, none within another, at most 64.
        paths: Vec<NodePath>,
        /// SenML JSON or SenML CBOR; the server chooses if nothing is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Format>,
    },
    /// Writes several values at once; since LwM2M 1.1. The device writes all of them, or none.
    WriteComposite {
        /// The values, by the path of their resource or resource instance: `/1/0/1`.
        values: BTreeMap<NodePath, TypedValue>,
        /// As for read-composite.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Format>,
    },
    /// Begins one observation of several nodes; since LwM2M 1.1.
    ObserveComposite {
        /// As for read-composite.
        paths: Vec<NodePath>,
        /// As for read-composite.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Format>,
    },
    /// Ends an observation of several nodes.
    CancelCompositeObservation {
        /// What is observed, in the order in which it was asked for.
        paths: Vec<NodePath>,
        /// Active, if nothing is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<CancelMode>,
    },
}

/// An operation to ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOperation {
    /// What is asked.
    pub request: OperationRequest,
    /// How long the answer may be waited for, at most 25; 10 if nothing is said. Then the answer is 202, and says where
    /// the operation is found.
    #[schema(example = 10)]
    pub wait_seconds: Option<u64>,
    /// How long it may wait for a device that sleeps; 7 days if nothing is said, at most 30.
    #[schema(example = 86_400)]
    pub expires_in_seconds: Option<u64>,
    /// How soon it is sent among those that wait for the device; normal if nothing is said.
    pub priority: Option<Priority>,
}

/// An operation and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    /// Its id.
    #[schema(example = "0193c8d7b1a27c5e8d6f2f2a9f3f4c11")]
    pub id: String,
    /// What is asked, by the specification's name.
    #[schema(example = "Read")]
    pub operation: String,
    /// Where; the root if it is about several nodes.
    pub path: NodePath,
    /// The nodes, if it is about several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<NodePath>,
    /// Where it stands.
    #[schema(example = "done")]
    pub state: OperationState,
    /// How soon it is sent among those that wait for the device.
    pub priority: Priority,
    /// Who asked.
    #[schema(example = "ada/ci")]
    pub requested_by: String,
    /// When it was asked for.
    pub queued_at: Time,
    /// When it was last sent.
    pub sent_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// After this it is not sent any more.
    pub expires_at: Time,
    /// The device's answer, or why there is none, in one line, without values.
    #[schema(example = "2.05 Content")]
    pub result: Option<String>,
    /// The id of the later one that made it pointless, if it is superseded: the answer is there.
    pub superseded_by: Option<String>,
    /// What came of it; only while that is remembered, and never in a list.
    pub answer: Option<Answer>,
    /// The exchange as it went over the wire, one line a message; as long.
    #[schema(example = json!(["→ CON GET /3/0 Accept: TLV (12 bytes)", "← ACK 2.05 Content TLV (41 bytes)"]))]
    pub exchange: Vec<String>,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[schema(example = json!({"outcome": "success", "code": "2.05", "content": {
    "readings": [{"path": "/3/0/15", "value": {"type": "string", "value": "Europe/Berlin"}}],
    "links": [], "location": null}}))]
pub enum Answer {
    /// The device answered with a success.
    Success {
        /// The response code, such as `2.05`.
        code: String,
        /// What it sent along.
        content: Content,
    },
    /// The device answered with an error.
    Refused {
        /// The response code, such as `4.04`.
        code: String,
        /// What the device said.
        diagnostic: String,
    },
    /// The server did it alone.
    Local,
    /// There is no answer that can be used.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What a successful answer carries; what it does not carry is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Content {
    /// The values of a Read or Observe.
    #[serde(default)]
    pub readings: Vec<Reading>,
    /// The links of a Discover.
    #[serde(default)]
    pub links: Vec<DiscoveredLink>,
    /// Where a created instance lies.
    pub location: Option<NodePath>,
}

/// A node that a device says it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiscoveredLink {
    /// Which.
    pub path: NodePath,
    /// The notification attributes set there, by name.
    #[schema(example = json!({"pmin": "10"}))]
    pub attributes: BTreeMap<String, String>,
    /// How many resource instances there are.
    pub dimension: Option<u32>,
    /// The object's version.
    pub version: Option<String>,
    /// The short server id, of a Security, Server or OSCORE instance.
    pub short_server_id: Option<u16>,
    /// The server's address, of a Security instance.
    pub uri: Option<String>,
}

impl Format {
    /// The format of a number; none if it has no name here.
    pub(crate) fn of(format: ContentFormat) -> Option<Self> {
        let same = |named: &&Self| ContentFormat::from(**named) == format.registered();
        Self::ALL.iter().find(same).copied()
    }
}

impl From<Format> for ContentFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::TEXT,
            Format::Opaque => Self::OPAQUE,
            Format::Cbor => Self::CBOR,
            Format::SenmlJson => Self::SENML_JSON,
            Format::SenmlCbor => Self::SENML_CBOR,
            Format::SenmlEtchJson => Self::SENML_ETCH_JSON,
            Format::SenmlEtchCbor => Self::SENML_ETCH_CBOR,
            Format::Tlv => Self::TLV,
            Format::Lwm2mJson => Self::LWM2M_JSON,
            Format::Lwm2mCbor => Self::LWM2M_CBOR,
        }
    }
}

impl From<fleet::OperationRecord> for Operation {
    fn from(record: fleet::OperationRecord) -> Self {
        Self {
            id: record.id.to_string(),
            operation: record.operation.name().to_owned(),
            path: record.operation.path().into(),
            paths: several(&record.operation.target()),
            state: record.state.into(),
            priority: record.priority.into(),
            requested_by: record.requested_by,
            queued_at: record.queued_at.into(),
            sent_at: record.sent_at.map(Time::from),
            ended_at: record.ended_at.map(Time::from),
            expires_at: record.expires_at.into(),
            result: record.result,
            superseded_by: record.superseded_by.map(|id| id.to_string()),
            answer: None,
            exchange: Vec::new(),
        }
    }
}

impl From<fleet::OperationView> for Operation {
    fn from(view: fleet::OperationView) -> Self {
        Self {
            answer: view.outcome.map(Answer::from),
            exchange: view.trace.map(|trace| trace.lines).unwrap_or_default(),
            ..Self::from(view.record)
        }
    }
}

impl From<fleet::Outcome> for Answer {
    fn from(outcome: fleet::Outcome) -> Self {
        match outcome {
            fleet::Outcome::Success { code, content } => {
                Self::Success { code: number(code), content: content.into() }
            }
            fleet::Outcome::Refused { code, diagnostic } => Self::Refused { code: number(code), diagnostic },
            fleet::Outcome::Local => Self::Local,
            fleet::Outcome::Failed(failure) => Self::Failed { reason: failure.to_string() },
        }
    }
}

impl From<fleet::Content> for Content {
    fn from(content: fleet::Content) -> Self {
        match content {
            fleet::Content::Empty => Self::default(),
            fleet::Content::Samples(samples) => {
                Self { readings: samples.iter().flat_map(readings).collect(), ..Self::default() }
            }
            fleet::Content::Links(found) => {
                Self { links: found.links.into_iter().map(DiscoveredLink::from).collect(), ..Self::default() }
            }
            fleet::Content::Location(path) => Self { location: Some(path.into()), ..Self::default() },
        }
    }
}

impl From<objects::link::DiscoveredLink> for DiscoveredLink {
    fn from(link: objects::link::DiscoveredLink) -> Self {
        let attributes = link
            .attributes
            .names()
            .filter_map(|attribute| Some((attribute.name().to_owned(), link.attributes.text(attribute)?)));
        Self {
            path: link.path.into(),
            attributes: attributes.collect(),
            dimension: link.dimension,
            version: link.version.map(|version| version.to_string()),
            short_server_id: link.ssid,
            uri: link.uri,
        }
    }
}

/// The paths of a target that is several.
pub(crate) fn several(target: &fleet::Target) -> Vec<NodePath> {
    match target {
        fleet::Target::One(_) => Vec::new(),
        fleet::Target::Several(paths) => paths.iter().copied().map(NodePath::from).collect(),
    }
}

fn readings(sample: &objects::Sample) -> Vec<Reading> {
    let device_time = sample.time_ms.map(|ms| Time::from(fleet::Timestamp(ms)));
    let values = sample.node.values(sample.path).into_iter();
    let reading = |(path, value): (objects::Path, &objects::Value)| Reading {
        path: path.into(),
        value: value.clone().into(),
        device_time,
        received_at: None,
    };
    values.map(reading).collect()
}

/// Such as `2.05`, without the name.
fn number(code: fleet::ResponseCode) -> String {
    format!("{}.{:02}", code.class, code.detail)
}
