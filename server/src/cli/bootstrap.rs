//! `muster bootstrap`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use ureq::http::Method;
use web::api::v1::types::{BootstrapSession, EffectivePlan, Plan, Registering, Time};

use super::{
    Command, Session,
    address::Address,
    device::DeviceName,
    failure::Failure,
    file,
    operation::{Patience, report},
    output::{Tabular, or_empty, yes},
    paging::print_whole,
    value::parts,
};

#[derive(Subcommand)]
pub(crate) enum BootstrapCommand {
    /// Asks a device to bootstrap anew (Execute /1/x/9).
    Trigger {
        /// Its id or endpoint name.
        device: DeviceName,
    },
    /// Lists the bootstraps of a device, newest first.
    Sessions {
        /// Its id or endpoint name.
        device: DeviceName,
    },
    /// Shows the steps of a bootstrap, each with its answer.
    Session {
        /// The device's id or endpoint name.
        device: DeviceName,
        /// The bootstrap's id.
        id: String,
    },
    /// What devices are given by bootstrap.
    #[command(subcommand)]
    Plan(PlanCommand),
}

#[derive(Subcommand)]
pub(crate) enum PlanCommand {
    /// Shows the plan that holds for a device or a class, and whose it is.
    Show(Scope),
    /// Sets a plan. A file of `{}` is the default plan; `.plan` of `plan show --output json` is one to begin with.
    Set {
        #[command(flatten)]
        scope: Scope,
        /// The plan as JSON, `-` for stdin.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Takes a plan back: that of the class, or the default, holds.
    Unset(Scope),
}

/// Whose plan.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Scope {
    /// The device's id or endpoint name.
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceName>,
    /// The class's name.
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
}

impl Command for BootstrapCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Trigger { device } => {
                let id = device.id(&session.client)?;
                let address = Address::new(&["devices", &id, "bootstraps"]);
                let operation = session.client.act_for(Method::POST, &address)?;
                report(session, &id, operation, Patience::NONE)
            }
            Self::Sessions { device } => {
                let id = device.id(&session.client)?;
                print_whole::<BootstrapSession>(session, &Address::new(&["devices", &id, "bootstraps"]))
            }
            Self::Session { device, id } => {
                let device = device.id(&session.client)?;
                let address = Address::new(&["devices", &device, "bootstraps", &id]);
                let bootstrap: BootstrapSession = session.client.get(&address)?;
                match session.output.form() {
                    super::Form::Json => session.output.one(&bootstrap),
                    super::Form::Table | super::Form::Csv => session.output.rows(steps(bootstrap)),
                }
            }
            Self::Plan(command) => command.run(session),
        }
    }
}

impl PlanCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Show(scope) => {
                let address = scope.address(session)?;
                let plan: EffectivePlan = session.client.get(&address)?;
                session.output.one(&plan)
            }
            Self::Set { scope, file } => {
                let plan: Plan = file::json(&file)?;
                let address = scope.address(session)?;
                session.client.tell(Method::PUT, &address, &plan)?;
                session.output.done("It holds from the next bootstrap on.")
            }
            Self::Unset(scope) => {
                let address = scope.address(session)?;
                session.client.act(Method::DELETE, &address)?;
                session.output.done("It is taken back.")
            }
        }
    }
}

impl Scope {
    fn address(&self, session: &Session) -> Result<Address, Failure> {
        match (&self.device, &self.class) {
            (Some(device), _) => {
                let id = device.id(&session.client)?;
                Ok(Address::new(&["devices", &id, "plan"]))
            }
            (None, class) => Ok(Address::new(&["classes", class.as_deref().unwrap_or_default(), "plan"])),
        }
    }
}

/// A step, as a row.
#[derive(Serialize)]
struct Step {
    at: Time,
    asked: String,
    answer: String,
}

/// The steps, with what a repair has found before those that mend it, and at the end how it ended.
fn steps(bootstrap: BootstrapSession) -> Vec<Step> {
    let BootstrapSession { started_at, ended_at, result, reason, steps, repairs, .. } = bootstrap;
    let mut rows: Vec<Step> =
        steps.into_iter().map(|step| Step { at: step.at, asked: step.asked, answer: step.answer }).collect();
    for repair in repairs {
        let said = format!("repair: {}", repair.cause);
        let anew = repair.anew.map(|format| format!("everything is written anew, in {format}"));
        rows.push(Step { at: repair.at, asked: said, answer: anew.unwrap_or_default() });
        let at = repair.at;
        rows.extend(repair.findings.into_iter().map(|finding| Step {
            at,
            asked: finding.what,
            answer: finding.done,
        }));
    }
    rows.push(Step { at: ended_at.unwrap_or(started_at), asked: result.to_string(), answer: reason });
    rows
}

impl Tabular for Step {
    const COLUMNS: &'static [&'static str] = &["at", "asked", "answer"];

    fn cells(&self) -> Vec<String> {
        vec![self.at.to_string(), self.asked.clone(), self.answer.clone()]
    }
}

impl Tabular for BootstrapSession {
    const COLUMNS: &'static [&'static str] = &["id", "started_at", "ended_at", "result", "steps", "reason"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.started_at.to_string(),
            or_empty(self.ended_at.as_ref()),
            self.result.to_string(),
            self.steps.len().to_string(),
            self.reason.clone(),
        ]
    }
}

/// What is said of how a device registers, such as `retry_count=5 mute_send=true`.
fn registering(registering: &Registering) -> String {
    let fields = serde_json::to_value(registering).unwrap_or_default();
    let fields = fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    fields.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

impl Tabular for EffectivePlan {
    const COLUMNS: &'static [&'static str] = &[
        "origin",
        "lifetime_seconds",
        "default_pmin_seconds",
        "default_pmax_seconds",
        "notification_storing",
        "binding",
        "registering",
        "hold_off_seconds",
        "own_bootstrap_credential",
        "delete",
        "writes",
        "format",
    ];

    fn cells(&self) -> Vec<String> {
        let Self { plan, origin } = self;
        let deleted: Vec<String> = plan.delete.iter().map(ToString::to_string).collect();
        let written = plan.writes.iter().map(|write| format!("{}={}", write.path, parts(&write.value).1));
        vec![
            origin.to_string(),
            plan.lifetime_seconds.to_string(),
            or_empty(plan.default_pmin_seconds.as_ref()),
            or_empty(plan.default_pmax_seconds.as_ref()),
            yes(plan.notification_storing),
            plan.binding.clone(),
            registering(&plan.registering),
            or_empty(plan.hold_off_seconds.as_ref()),
            yes(plan.own_bootstrap_credential),
            deleted.join(" "),
            written.collect::<Vec<_>>().join(" "),
            or_empty(plan.format.as_ref()),
        ]
    }
}
