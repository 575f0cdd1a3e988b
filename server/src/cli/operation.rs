//! `muster operation`, and how an operation is waited for and printed wherever one is asked.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use ureq::http::Method;
use web::api::v1::types::{
    Answer, CancelledWaiting, Content, DiscoveredLink, NodePath, Operation, OperationState, Priority,
    WaitingOperation,
};

use super::{
    Command, Form, Session,
    address::Address,
    device::DeviceName,
    failure::Failure,
    output::{Tabular, or_empty},
    paging::Paging,
    span::Span,
};

#[derive(Subcommand)]
pub(crate) enum OperationCommand {
    /// Lists what was asked of a device, newest first.
    List {
        /// Its id or endpoint name.
        device: DeviceName,
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows an operation, what came of it, and the exchange on the wire.
    Show {
        /// The device's id or endpoint name.
        device: DeviceName,
        /// The operation's id.
        id: String,
    },
    /// Lists what waits for devices: what is urgent first, and then the oldest.
    Waiting {
        /// Only for this device: its id or endpoint name.
        #[arg(long, value_name = "DEVICE")]
        device: Option<DeviceName>,
        /// Only for devices of this class.
        #[arg(long, value_name = "CLASS")]
        class: Option<String>,
        /// Only of this priority: urgent, normal or background.
        #[arg(long, value_name = "PRIORITY")]
        priority: Option<Priority>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Cancels all that waits for a device.
    CancelAll {
        /// Its id or endpoint name.
        device: DeviceName,
    },
    /// Cancels an operation that waits for its device.
    Cancel {
        /// The device's id or endpoint name.
        device: DeviceName,
        /// The operation's id.
        id: String,
    },
}

/// How long an operation is waited for.
#[derive(Args)]
pub(crate) struct Waiting {
    /// How long the device's answer is waited for.
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    wait: Span,
    /// Does not wait: that the operation is asked for is enough.
    #[arg(long, conflicts_with = "wait")]
    no_wait: bool,
    /// How long the operation may wait for a device that sleeps, such as 1d; 7 days if nothing is said, at most 30.
    #[arg(long, value_name = "SPAN")]
    expires: Option<Span>,
    /// How soon it is sent among those that wait for the device: urgent, normal or background [default: normal].
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<Priority>,
}

/// The same, decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience(Option<Duration>);

/// How often an operation that waits is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest that the server holds a request back.
const SERVER_WAITS: Duration = Duration::from_secs(25);

impl Patience {
    /// That it is asked for is enough.
    pub(crate) const NONE: Self = Self(None);
}

impl Waiting {
    pub(super) fn patience(&self) -> Patience {
        Patience((!self.no_wait).then_some(self.wait.0))
    }

    /// How long the server is to hold the request back, in seconds.
    pub(super) fn at_the_server(&self, timeout: Duration) -> u64 {
        // An answer that comes after the end of the request would be lost.
        self.patience().0.map_or(0, |wait| wait.min(SERVER_WAITS).min(timeout / 2).as_secs())
    }

    pub(super) fn expires_in_seconds(&self) -> Option<u64> {
        self.expires.map(Span::seconds)
    }

    pub(super) fn priority(&self) -> Option<Priority> {
        self.priority
    }
}

impl Command for OperationCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List { device, paging } => {
                let id = device.id(&session.client)?;
                paging.print::<Operation>(session, &Address::new(&["devices", &id, "operations"]))
            }
            Self::Show { device, id } => {
                let device = device.id(&session.client)?;
                let operation: Operation = session.client.get(&of(&device, &id))?;
                session.output.one(&operation)?;
                if session.output.form() == Form::Table {
                    for line in &operation.exchange {
                        session.output.done(&format!("  {line}"))?;
                    }
                    if let Some(Answer::Success { content, .. }) = operation.answer {
                        print_content(session, content)?;
                    }
                }
                Ok(())
            }
            Self::Waiting { device, class, priority, paging } => {
                let device = device.map(|device| device.id(&session.client)).transpose()?;
                let address = Address::new(&["operations", "waiting"])
                    .with_some("device", device)
                    .with_some("class", class)
                    .with_some("priority", priority);
                paging.print::<WaitingOperation>(session, &address)
            }
            Self::CancelAll { device } => {
                let id = device.id(&session.client)?;
                session.consent.to(&format!("Cancel all that waits for {device}"))?;
                let address = Address::new(&["devices", &id, "operations", "cancel"]);
                let report: CancelledWaiting = session.client.act_for(Method::POST, &address)?;
                session.output.one(&report)
            }
            Self::Cancel { device, id } => {
                let device = device.id(&session.client)?;
                let address = Address::new(&["devices", &device, "operations", &id, "cancel"]);
                session.client.act(Method::POST, &address)?;
                session.output.done("It is cancelled.")
            }
        }
    }
}

/// Waits for an operation that was asked for, and prints it.
pub(crate) fn report(
    session: &mut Session,
    device: &str,
    operation: Operation,
    patience: Patience,
) -> Result<(), Failure> {
    let mut operation = settle(session, device, operation, patience)?;
    let judged = judge(&operation, device, patience);
    if session.output.form() == Form::Json {
        session.output.one(&operation)?;
        return judged;
    }
    match operation.answer.take() {
        Some(Answer::Success { content, .. }) if !is_empty(&content) => print_content(session, content)?,
        _ if judged.is_ok() => session.output.one(&operation)?,
        _ => {}
    }
    judged
}

/// Waits until an operation has ended, as long as there is patience.
pub(crate) fn settle(
    session: &Session,
    device: &str,
    mut operation: Operation,
    Patience(patience): Patience,
) -> Result<Operation, Failure> {
    let (asked, patience) = (Instant::now(), patience.unwrap_or_default());
    while matches!(operation.state, OperationState::Queued | OperationState::Sent) {
        let left = patience.saturating_sub(asked.elapsed());
        if left.is_zero() {
            break;
        }
        std::thread::sleep(LOOK_EVERY.min(left));
        operation = session.client.get(&of(device, &operation.id))?;
    }
    Ok(operation)
}

/// Whether it has come off.
pub(crate) fn judge(
    operation: &Operation,
    device: &str,
    Patience(patience): Patience,
) -> Result<(), Failure> {
    match (&operation.answer, operation.state) {
        (Some(Answer::Refused { code, diagnostic }), _) => {
            Err(Failure::DeviceRefused { code: code.clone(), diagnostic: diagnostic.clone() })
        }
        (_, OperationState::Done) => Ok(()),
        (_, OperationState::Queued | OperationState::Sent) if patience.is_none() => Ok(()),
        (_, state @ (OperationState::Queued | OperationState::Sent)) => {
            Err(Failure::NotYet { state, device: device.to_owned(), operation: operation.id.clone() })
        }
        (answer, state) => {
            let reason = match answer {
                Some(Answer::Failed { reason }) => Some(reason),
                _ => operation.result.as_ref(),
            };
            Err(Failure::Operation { state, reason: or_empty(reason) })
        }
    }
}

/// What an operation gave: values, links or a place.
fn print_content(session: &mut Session, content: Content) -> Result<(), Failure> {
    let Content { readings, links, location } = content;
    if !readings.is_empty() {
        return session.output.rows(readings);
    }
    if !links.is_empty() {
        return session.output.rows(links);
    }
    match location {
        Some(path) => session.output.one(&Created { path }),
        None => Ok(()),
    }
}

/// Where a created instance lies.
#[derive(serde::Serialize)]
struct Created {
    path: NodePath,
}

fn of(device: &str, operation: &str) -> Address {
    Address::new(&["devices", device, "operations", operation])
}

fn is_empty(content: &Content) -> bool {
    content.readings.is_empty() && content.links.is_empty() && content.location.is_none()
}

impl Tabular for Operation {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "operation",
        "path",
        "state",
        "priority",
        "result",
        "requested_by",
        "queued_at",
        "sent_at",
        "ended_at",
        "expires_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.operation.clone(),
            self.path.to_string(),
            self.state.to_string(),
            self.priority.to_string(),
            self.result.clone().unwrap_or_default(),
            self.requested_by.clone(),
            self.queued_at.to_string(),
            or_empty(self.sent_at.as_ref()),
            or_empty(self.ended_at.as_ref()),
            self.expires_at.to_string(),
        ]
    }
}

impl Tabular for WaitingOperation {
    const COLUMNS: &'static [&'static str] =
        &["endpoint", "id", "operation", "path", "priority", "requested_by", "queued_at", "expires_at"];

    fn cells(&self) -> Vec<String> {
        let Self { endpoint, operation, .. } = self;
        vec![
            endpoint.clone(),
            operation.id.clone(),
            operation.operation.clone(),
            operation.path.to_string(),
            operation.priority.to_string(),
            operation.requested_by.clone(),
            operation.queued_at.to_string(),
            operation.expires_at.to_string(),
        ]
    }
}

impl Tabular for CancelledWaiting {
    const COLUMNS: &'static [&'static str] = &["cancelled", "too_late"];

    fn cells(&self) -> Vec<String> {
        vec![self.cancelled.to_string(), self.too_late.to_string()]
    }
}

impl Tabular for Created {
    const COLUMNS: &'static [&'static str] = &["path"];

    fn cells(&self) -> Vec<String> {
        vec![self.path.to_string()]
    }
}

impl Tabular for DiscoveredLink {
    const COLUMNS: &'static [&'static str] =
        &["path", "attributes", "dimension", "version", "short_server_id", "uri"];

    fn cells(&self) -> Vec<String> {
        let attributes: Vec<String> =
            self.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        vec![
            self.path.to_string(),
            attributes.join(" "),
            or_empty(self.dimension.as_ref()),
            self.version.clone().unwrap_or_default(),
            or_empty(self.short_server_id.as_ref()),
            self.uri.clone().unwrap_or_default(),
        ]
    }
}
