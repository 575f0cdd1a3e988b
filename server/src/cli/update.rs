//! `muster update`: devices are given new firmware and software.

use std::{
    io::{IsTerminal as _, stderr},
    time::Duration,
};

use clap::{Args, Subcommand};
use ureq::http::Method;
use web::api::v1::types::{
    NewUpdates, Update, UpdateBegun, UpdateDelivery, UpdatePhase, UpdateSeverity, UpdateTerms, UpdatesBegun,
};

use super::{
    Command, Session,
    address::Address,
    device::DeviceName,
    failure::Failure,
    output::{Tabular, or_empty},
    paging::Paging,
    span::Span,
    visible::visible,
};

#[derive(Subcommand)]
pub(crate) enum UpdateCommand {
    /// Begins to update devices; each of them is told about alone.
    Begin(Begin),
    /// Lists updates, the newest first.
    List {
        /// Only those of this device: its id or endpoint name.
        #[arg(long, value_name = "DEVICE")]
        device: Option<DeviceName>,
        /// Only those with the artefact of this id.
        #[arg(long, value_name = "ID")]
        artefact: Option<String>,
        /// Only those that stand there, such as delivering.
        #[arg(long, value_name = "PHASE")]
        phase: Option<UpdatePhase>,
        /// Only those that have not ended.
        #[arg(long)]
        running: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows an update, and what was done in it.
    Show {
        /// The update's id.
        id: String,
    },
    /// Ends an update as soon as that can be: what a device installs already it goes on with.
    Cancel {
        /// The update's id.
        id: String,
    },
    /// Lets a device off that rests because its updates have failed too often.
    LetOff {
        /// The id of the update that waits for it.
        id: String,
    },
    /// Follows an update to its end: 0 if it has succeeded, 8 if the device has failed it, else 1.
    Watch {
        /// The update's id.
        id: String,
    },
}

/// What is begun; what is not named is as it is best for most devices.
#[derive(Args)]
pub(crate) struct Begin {
    /// The artefact's id.
    artefact: String,
    /// The devices' ids or endpoint names.
    #[arg(required = true)]
    devices: Vec<DeviceName>,
    /// For software: the instance of object 9 that takes it.
    #[arg(long, value_name = "NUMBER")]
    instance: Option<u16>,
    /// The change ticket it belongs to.
    #[arg(long, value_name = "TEXT")]
    ticket: Option<String>,
    /// How the package gets there: any, push, pull.
    #[arg(long, value_name = "HOW")]
    delivery: Option<UpdateDelivery>,
    /// The largest block of a push, in bytes.
    #[arg(long, value_name = "BYTES")]
    block_bytes: Option<u16>,
    /// How often it is tried.
    #[arg(long, value_name = "TIMES")]
    attempts: Option<u8>,
    /// How urgent it is: critical, mandatory, optional.
    #[arg(long, value_name = "WORD")]
    severity: Option<UpdateSeverity>,
    /// For how long a user of the device may put it off, such as 8h.
    #[arg(long, value_name = "SPAN")]
    defer_up_to: Option<Span>,
    /// For how long the device must run it before that is a success, such as 5min.
    #[arg(long, value_name = "SPAN")]
    quiet: Option<Span>,
    /// For how long it is waited for the device, such as 30d.
    #[arg(long, value_name = "SPAN")]
    give_up_after: Option<Span>,
    /// Begins a push that was interrupted anew.
    #[arg(long)]
    no_resume: bool,
    /// Also where the device runs this version, or a newer one.
    #[arg(long)]
    again: bool,
}

/// How often an update that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Command for UpdateCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Begin(begin) => begin.run(session),
            Self::List { device, artefact, phase, running, paging } => {
                let device = device.map(|device| device.id(&session.client)).transpose()?;
                let address = Address::new(&["updates"])
                    .with_some("device", device)
                    .with_some("artefact", artefact)
                    .with_some("phase", phase)
                    .with_some("running", running.then_some(true));
                paging.print::<Update>(session, &address)
            }
            Self::Show { id } => {
                let update: Update = session.client.get(&of(&id))?;
                session.output.one(&update)?;
                for note in &update.notes {
                    session.output.done(&format!("  {}  {}", note.at, visible(&note.text)))?;
                }
                if let Some(result) = update.result.filter(|result| !result.remedy.is_empty()) {
                    session.output.done(&format!(
                        "The device says: {}. What helps: {}.",
                        result.meaning, result.remedy
                    ))?;
                }
                Ok(())
            }
            Self::Cancel { id } => {
                session.client.act(Method::POST, &Address::new(&["updates", &id, "cancel"]))?;
                session.output.done("It ends as soon as that can be.")
            }
            Self::LetOff { id } => {
                session.client.act(Method::POST, &Address::new(&["updates", &id, "let-off"]))?;
                session.output.done("The device does not rest.")
            }
            Self::Watch { id } => watch(session, &id),
        }
    }
}

impl Begin {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        let usual = UpdateTerms::default();
        let seconds = |span: Option<Span>, usual| span.map_or(usual, Span::seconds);
        let devices: Result<Vec<String>, Failure> =
            self.devices.iter().map(|device| device.id(&session.client)).collect();
        let new = NewUpdates {
            artefact: self.artefact,
            instance: self.instance,
            devices: devices?,
            terms: UpdateTerms {
                delivery: self.delivery.unwrap_or(usual.delivery),
                resume: !self.no_resume,
                block_bytes: self.block_bytes.unwrap_or(usual.block_bytes),
                attempts: self.attempts.unwrap_or(usual.attempts),
                severity: self.severity,
                defer_up_to_seconds: self.defer_up_to.map(Span::seconds),
                quiet_seconds: seconds(self.quiet, usual.quiet_seconds),
                give_up_after_seconds: seconds(self.give_up_after, usual.give_up_after_seconds),
                again: self.again,
                ..usual
            },
            ticket: self.ticket,
        };
        let begun: UpdatesBegun = session.client.send(Method::POST, &Address::new(&["updates"]), &new)?;
        let total = begun.devices.len() as u64;
        let failed = begun.devices.iter().filter(|device| device.update.is_none()).count() as u64;
        session.output.rows(begun.devices)?;
        if failed == 0 { Ok(()) } else { Err(Failure::Partly { failed, total }) }
    }
}

/// Follows an update to its end, with a line on the terminal that says how far it is.
fn watch(session: &mut Session, id: &str) -> Result<(), Failure> {
    let terminal = stderr().is_terminal();
    let mut said = String::new();
    loop {
        let update: Update = session.client.get(&of(id))?;
        let line = progress(&update);
        if line != said {
            if terminal {
                eprint!("\r\x1b[K{line}")
            } else {
                eprintln!("{line}")
            }
            said = line;
        }
        if update.ended_at.is_some() {
            if terminal {
                eprintln!();
            }
            session.output.one(&update)?;
            return judge(&update);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Where an update stands, in one line that can't steer a terminal.
fn progress(update: &Update) -> String {
    let sent = match update.phase {
        UpdatePhase::Delivering => {
            format!(" {} % ({} of {} bytes)", update.percent(), update.sent_bytes, update.size_bytes)
        }
        _ => String::new(),
    };
    visible(&format!("{}{sent}: {}", update.phase, update.detail))
}

fn judge(update: &Update) -> Result<(), Failure> {
    match update.phase {
        UpdatePhase::Succeeded => Ok(()),
        phase => Err(Failure::Update { phase, reason: update.detail.clone() }),
    }
}

fn of(id: &str) -> Address {
    Address::new(&["updates", id])
}

impl Tabular for Update {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "device",
        "version",
        "target",
        "phase",
        "sent",
        "attempt",
        "result",
        "ticket",
        "created_at",
        "detail",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.device.clone(),
            self.version.clone(),
            self.target.to_string(),
            self.phase.to_string(),
            format!("{} %", self.percent()),
            self.attempt.to_string(),
            or_empty(self.result.as_ref().map(|result| result.code).as_ref()),
            or_empty(self.ticket.as_ref()),
            self.created_at.to_string(),
            self.detail.clone(),
        ]
    }
}

impl Tabular for UpdateBegun {
    const COLUMNS: &'static [&'static str] = &["device", "update", "problem"];

    fn cells(&self) -> Vec<String> {
        let problem = self.problem.as_ref().map(|problem| &problem.detail);
        vec![self.device.clone(), or_empty(self.update.as_ref()), or_empty(problem)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn an_update_ends_the_command_by_its_outcome() {
        let exit = |phase| Failure::Update { phase, reason: String::new() }.exit();
        assert_eq!(exit(UpdatePhase::Failed), Exit::DeviceRefused);
        assert_eq!(exit(UpdatePhase::Cancelled), Exit::Failed);
        assert_eq!(exit(UpdatePhase::Refused), Exit::Failed);
    }
}
