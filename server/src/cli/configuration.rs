//! `muster configuration`: whether devices have what they are to have, and what people do about those that have not.

use std::{convert::Infallible, str::FromStr};

use clap::{Args, Subcommand};
use ureq::http::Method;
use web::api::v1::types::{
    Acceptance, Baseline, Configuration, ConfigurationAct, ConfigurationFinding, ConfigurationLine,
    ConfigurationRow, ConfigurationState, Group, Page,
};

use super::{
    Command, Session,
    address::Address,
    client::Client,
    device::DeviceName,
    failure::Failure,
    output::{Form, Tabular, or_empty},
    paging::Paging,
};

#[derive(Subcommand)]
pub(crate) enum ConfigurationCommand {
    /// Lists the devices of which something is wanted.
    List {
        /// Only those that stand there, such as drifted or flapping.
        #[arg(long, value_name = "STATE")]
        state: Option<ConfigurationState>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows a device line by line: expected, actual, and who wrote last.
    Show {
        /// The device's id or endpoint name.
        device: DeviceName,
        /// What was found to be another than it had been, instead.
        #[arg(long)]
        findings: bool,
    },
    /// Writes to a device now what it does not have, whatever its baselines say of that.
    Repair(Act),
    /// Lets a device go on that was stopped because it did not stay as it is to be.
    Resume(Act),
    /// Wants of a device what it has.
    Accept {
        #[command(flatten)]
        act: Act,
        /// Which lines, such as /1/0/1; without any, all that are not as they are to be.
        lines: Vec<String>,
    },
}

/// To which device, and why.
#[derive(Args)]
pub(crate) struct Act {
    /// The device's id or endpoint name.
    device: DeviceName,
    /// The change ticket it belongs to.
    #[arg(long, value_name = "TEXT")]
    ticket: Option<String>,
}

impl Command for ConfigurationCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List { state, paging } => {
                let address = Address::new(&["configurations"]).with_some("state", state);
                paging.print::<ConfigurationRow>(session, &address)
            }
            Self::Show { device, findings } => {
                let device = device.id(&session.client)?;
                let shown: Configuration =
                    session.client.get(&Address::new(&["devices", &device, "configuration"]))?;
                if findings {
                    return session.output.rows(shown.findings);
                }
                if session.output.form() == Form::Json {
                    return session.output.one(&shown);
                }
                session.output.rows(shown.lines)?;
                session.output.done(&shown.detail)
            }
            Self::Repair(act) => act.run(session, "repair", "It is written as soon as the device listens."),
            Self::Resume(act) => act.run(session, "resume", "It goes on."),
            Self::Accept { act, lines } => {
                let device = act.device.id(&session.client)?;
                let address = Address::new(&["devices", &device, "configuration", "accept"]);
                let acceptance = Acceptance { lines, ticket: act.ticket };
                session.client.tell(Method::POST, &address, &acceptance)?;
                session.output.done("That is what it is to have.")
            }
        }
    }
}

impl Act {
    fn run(self, session: &mut Session, act: &str, done: &str) -> Result<(), Failure> {
        let device = self.device.id(&session.client)?;
        let address = Address::new(&["devices", &device, "configuration", act]);
        session.client.tell(Method::POST, &address, &ConfigurationAct { ticket: self.ticket })?;
        session.output.done(done)
    }
}

/// A level as people name it: by the name of its class, group or device, or as the API does.
#[derive(Clone)]
pub(crate) struct LevelArgument(String);

impl LevelArgument {
    /// As the API names it.
    pub(crate) fn name(&self, client: &Client) -> Result<String, Failure> {
        let Some((kind, named)) = self.0.split_once(':') else { return Ok(self.0.clone()) };
        let id = match kind {
            "group" => {
                let groups: Page<Group> = client.get(&Address::new(&["groups"]))?;
                groups.items.into_iter().find(|group| group.name == named).map(|group| group.id)
            }
            "device" => {
                let Ok(device) = named.parse::<DeviceName>();
                Some(device.id(client)?)
            }
            _ => None,
        };
        Ok(format!("{kind}:{}", id.as_deref().unwrap_or(named)))
    }

    /// What it wants.
    pub(crate) fn baseline(&self, client: &Client, version: Option<u32>) -> Result<Baseline, Failure> {
        let level = self.name(client)?;
        client.get(&Address::new(&["baselines", &level]).with_some("version", version))
    }
}

impl FromStr for LevelArgument {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl Tabular for Configuration {
    const COLUMNS: &'static [&'static str] =
        &["device", "state", "generation", "reported", "checked_at", "detail"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.device.clone(),
            or_empty(self.state.as_ref()),
            self.generation.to_string(),
            self.reported.to_string(),
            or_empty(self.checked_at.as_ref()),
            self.detail.clone(),
        ]
    }
}

impl Tabular for ConfigurationRow {
    const COLUMNS: &'static [&'static str] =
        &["device", "state", "since", "generation", "reported", "detail"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.device.clone(),
            self.state.to_string(),
            self.since.to_string(),
            self.generation.to_string(),
            self.reported.to_string(),
            self.detail.clone(),
        ]
    }
}

impl Tabular for ConfigurationLine {
    const COLUMNS: &'static [&'static str] =
        &["line", "expected", "actual", "standing", "wanted_by", "writer", "refused", "repairs"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.line.clone(),
            self.expected.clone(),
            or_empty(self.actual.as_ref()),
            self.standing.to_string(),
            self.wanted_by.clone(),
            or_empty(self.writer.as_ref()),
            or_empty(self.refused.as_ref()),
            self.repairs.to_string(),
        ]
    }
}

impl Tabular for ConfigurationFinding {
    const COLUMNS: &'static [&'static str] = &["at", "line", "expected", "actual", "writer"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.at.to_string(),
            self.line.clone(),
            self.expected.clone(),
            or_empty(self.actual.as_ref()),
            or_empty(self.writer.as_ref()),
        ]
    }
}
