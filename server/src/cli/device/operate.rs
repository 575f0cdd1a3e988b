//! What is asked of a device: `muster device read` and so on (LwM2M Core 1.1.1 §6.3 and §6.4).

use std::{collections::BTreeMap, path::PathBuf};

use clap::Subcommand;
use ureq::http::Method;
use web::api::v1::types::{
    CancelMode, Format, NewOperation, NodePath, Operation, OperationRequest, Value, WriteMode,
};

use super::DeviceName;
use crate::cli::{
    Session,
    address::Address,
    event::{Following, Wanted},
    failure::Failure,
    file,
    operation::{Waiting, judge, report, settle},
    value::Assignment,
};

#[derive(Subcommand)]
pub(crate) enum OperateCommand {
    /// Reads a node.
    Read {
        #[command(flatten)]
        target: Target,
        /// In which format the device is to answer, such as senml-json.
        #[arg(long, value_name = "FORMAT")]
        format: Option<Format>,
    },
    /// Asks what there is at a node.
    Discover {
        #[command(flatten)]
        target: Target,
    },
    /// Writes a resource, or several values of an instance.
    Write {
        #[command(flatten)]
        target: Target,
        /// The value of one resource, read as the type that the object's definition gives.
        #[arg(allow_negative_numbers = true)]
        value: Option<String>,
        #[command(flatten)]
        values: Values,
        /// Whether what is not given is taken away (replace) or kept (update) [default: replace].
        #[arg(long, value_name = "MODE")]
        mode: Option<WriteMode>,
        /// In which format; the server chooses if nothing is said.
        #[arg(long, value_name = "FORMAT")]
        format: Option<Format>,
    },
    /// Executes a resource.
    Execute {
        #[command(flatten)]
        target: Target,
        /// Arguments, as in `0='a',1`.
        #[arg(default_value = "")]
        arguments: String,
    },
    /// Creates an instance.
    Create {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        values: Values,
        /// In which format; the server chooses if nothing is said.
        #[arg(long, value_name = "FORMAT")]
        format: Option<Format>,
    },
    /// Deletes an instance.
    Delete {
        #[command(flatten)]
        target: Target,
    },
    /// Begins an observation.
    Observe {
        #[command(flatten)]
        target: Target,
        /// In which format the device is to report.
        #[arg(long, value_name = "FORMAT")]
        format: Option<Format>,
        /// Prints what the device reports from then on, until it is interrupted.
        #[arg(long)]
        follow: bool,
    },
    /// Ends an observation.
    CancelObservation {
        #[command(flatten)]
        target: Target,
        /// Whether the device is asked to end it (active), or the next report is refused (passive) [default: active].
        #[arg(long, value_name = "MODE")]
        mode: Option<CancelMode>,
    },
    /// Reads several nodes at once; since LwM2M 1.1.
    ReadComposite {
        #[command(flatten)]
        nodes: Nodes,
        /// senml-cbor, senml-json, or since LwM2M 1.2 lwm2m-cbor, senml-etch-cbor or senml-etch-json.
        #[arg(long, value_name = "FORMAT")]
        format: Option<Format>,
    },
    /// Writes several values at once, all of them or none; since LwM2M 1.1.
    WriteComposite {
        /// The device's id or endpoint name.
        device: DeviceName,
        /// A value with its type, such as /1/0/1=integer:300, by its path.
        #[arg(long, value_name = "PATH=TYPE:VALUE", required = true)]
        set: Vec<Assignment>,
        /// senml-cbor, senml-json, or since LwM2M 1.2 lwm2m-cbor, senml-etch-cbor or senml-etch-json.
        #[arg(long, value_name = "FORMAT")]
        format: Option<Format>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Begins one observation of several nodes; since LwM2M 1.1.
    ObserveComposite {
        #[command(flatten)]
        nodes: Nodes,
        /// senml-cbor, senml-json, or since LwM2M 1.2 lwm2m-cbor, senml-etch-cbor or senml-etch-json.
        #[arg(long, value_name = "FORMAT")]
        format: Option<Format>,
    },
    /// Ends an observation of several nodes, named in the order in which they were observed.
    CancelCompositeObservation {
        #[command(flatten)]
        nodes: Nodes,
        /// Whether the device is asked to end it (active), or the next report is refused (passive) [default: active].
        #[arg(long, value_name = "MODE")]
        mode: Option<CancelMode>,
    },
    /// Sets and unsets notification attributes.
    WriteAttributes {
        #[command(flatten)]
        target: Target,
        /// An attribute to set, such as pmin=10.
        #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
        set: Vec<(String, String)>,
        /// The name of an attribute to unset.
        #[arg(long, value_name = "NAME")]
        unset: Vec<String>,
    },
}

/// Of whom, where, and for how long.
#[derive(clap::Args)]
pub(crate) struct Target {
    /// The device's id or endpoint name.
    device: DeviceName,
    /// The node: an object such as /3, an instance /3/0, a resource /3/0/9 or a resource instance /3/0/6/1.
    path: NodePath,
    #[command(flatten)]
    waiting: Waiting,
}

/// Of whom, several nodes, and for how long.
#[derive(clap::Args)]
pub(crate) struct Nodes {
    /// The device's id or endpoint name.
    device: DeviceName,
    /// The nodes, none within another: /3/0/9 /3303.
    #[arg(required = true)]
    paths: Vec<NodePath>,
    #[command(flatten)]
    waiting: Waiting,
}

/// Several values.
#[derive(clap::Args)]
pub(crate) struct Values {
    /// A value with its type, such as 5700=float:21.5 or 6/0=integer:1, by its path below.
    #[arg(long, value_name = "BELOW=TYPE:VALUE")]
    set: Vec<Assignment>,
    /// The same as a JSON object, `-` for stdin: {"5700": {"type": "float", "value": 21.5}}.
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    values: Option<PathBuf>,
}

impl OperateCommand {
    pub(super) fn run(self, session: &mut Session) -> Result<(), Failure> {
        let mut follow = false;
        let (target, request) = match self {
            Self::ReadComposite { nodes: Nodes { device, paths, waiting }, format } => {
                (Target::root(device, waiting), OperationRequest::ReadComposite { paths, format })
            }
            Self::WriteComposite { device, set, format, waiting } => {
                let values = set.into_iter().map(value_at).collect::<Result<_, _>>()?;
                (Target::root(device, waiting), OperationRequest::WriteComposite { values, format })
            }
            Self::ObserveComposite { nodes: Nodes { device, paths, waiting }, format } => {
                (Target::root(device, waiting), OperationRequest::ObserveComposite { paths, format })
            }
            Self::CancelCompositeObservation { nodes: Nodes { device, paths, waiting }, mode } => {
                (Target::root(device, waiting), OperationRequest::CancelCompositeObservation { paths, mode })
            }
            Self::Read { target, format } => {
                let path = target.path;
                (target, OperationRequest::Read { path, format })
            }
            Self::Discover { target } => {
                let path = target.path;
                (target, OperationRequest::Discover { path })
            }
            Self::Write { target, value, values, mode, format } => {
                let (path, values) = (target.path, values.read()?);
                if value.is_some() == values.is_some() {
                    return Err(Failure::Usage(
                        "say what to write: a value, --set, or --values, and one of them",
                    ));
                }
                (target, OperationRequest::Write { path, mode, value: None, text: value, values, format })
            }
            Self::Execute { target, arguments } => {
                let path = target.path;
                (target, OperationRequest::Execute { path, arguments })
            }
            Self::Create { target, values, format } => {
                let (path, values) = (target.path, values.read()?.unwrap_or_default());
                (target, OperationRequest::Create { path, values, format })
            }
            Self::Delete { target } => {
                let path = target.path;
                session.consent.to(&format!("Delete {path} of {}", target.device))?;
                (target, OperationRequest::Delete { path })
            }
            Self::Observe { target, format, follow: wanted } => {
                follow = wanted;
                let path = target.path;
                (target, OperationRequest::Observe { path, format })
            }
            Self::CancelObservation { target, mode } => {
                let path = target.path;
                (target, OperationRequest::CancelObservation { path, mode })
            }
            Self::WriteAttributes { target, set, unset } => {
                let path = target.path;
                let set = set.into_iter().collect();
                (target, OperationRequest::WriteAttributes { path, set, unset })
            }
        };
        let Target { device, path, waiting } = target;
        let id = device.id(&session.client)?;
        let new = NewOperation {
            request,
            wait_seconds: Some(waiting.at_the_server(session.client.timeout())),
            expires_in_seconds: waiting.expires_in_seconds(),
            priority: waiting.priority(),
        };
        let address = Address::new(&["devices", &id, "operations"]);
        if !follow {
            let operation: Operation = session.client.send(Method::POST, &address, &new)?;
            return report(session, &id, operation, waiting.patience());
        }
        // Opened before it is asked, so that no report comes unseen.
        let mut following = Following::open(&session.client, Wanted::readings(id.clone(), path))?;
        let operation: Operation = session.client.send(Method::POST, &address, &new)?;
        let operation = settle(session, &id, operation, waiting.patience())?;
        judge(&operation, &id, waiting.patience())?;
        following.print(session)
    }
}

impl Target {
    /// Of what names its nodes itself.
    fn root(device: DeviceName, waiting: Waiting) -> Self {
        Self { device, path: objects::Path::Root.into(), waiting }
    }
}

impl Values {
    fn read(self) -> Result<Option<BTreeMap<String, Value>>, Failure> {
        if let Some(file) = self.values {
            return file::json(&file).map(Some);
        }
        let values: BTreeMap<_, _> = self.set.into_iter().map(|it| (it.below, it.value)).collect();
        Ok((!values.is_empty()).then_some(values))
    }
}

fn value_at(assignment: Assignment) -> Result<(NodePath, Value), Failure> {
    let path = format!("/{}", assignment.below).parse();
    let path =
        path.map_err(|_| Failure::Usage("the path of a value is that of its resource: /1/0/1=integer:300"))?;
    Ok((path, assignment.value))
}

fn attribute(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected a name and a value, such as pmin=10")?;
    Ok((name.to_owned(), value.to_owned()))
}
