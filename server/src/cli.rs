//! The command line for a server's API: `muster device list` and so on; and backups ([`Local`]). Serving is `main`'s.
//!
//! Start with [`Remote`], the table of families; each family is a module: its commands as clap reads them, and below what
//! they do. A family knows addresses of the API and its types (`web::api::v1::types`), and how its rows are printed;
//! `client` speaks, `output` prints, `failure` and `exit` say how it ended.

use std::{io, process::ExitCode, time::SystemTime};

use clap::{Args, Subcommand};
use fleet::Timestamp;

mod address;
mod artefact;
mod ask;
mod audit;
mod authority;
mod awake;
mod backup;
mod baseline;
mod bootstrap;
mod claim;
mod class;
mod client;
mod configuration;
mod connection;
mod credential;
mod db;
mod device;
mod diary;
mod event;
mod exit;
mod failure;
mod file;
mod form;
mod group;
mod model;
mod operation;
mod output;
mod overview;
mod paging;
mod span;
mod token;
mod update;
mod user;
mod value;
mod visible;
mod webhook;

use ask::Consent;
use client::Client;
use connection::Connection;
use failure::Failure;
use output::{Form, Output};

pub(crate) use backup::Local;
pub(crate) use exit::Exit;

/// The families of commands that speak to a server.
#[derive(Subcommand)]
pub(crate) enum Remote {
    /// Devices: list, add, remove, import; read, write, execute, observe.
    Device(Family<device::DeviceCommand>),
    /// What was asked of devices, and what came of it.
    Operation(Family<operation::OperationCommand>),
    /// Updates of firmware and software: begin, watch, cancel.
    Update(Family<update::UpdateCommand>),
    /// What devices are to be set to: by the fleet, a class, a group or a device; versions, dry runs.
    Baseline(Family<baseline::BaselineCommand>),
    /// Whether devices have what they are to have: drift, repair, acceptance.
    Configuration(Family<configuration::ConfigurationCommand>),
    /// The keys of devices.
    Credential(Family<credential::CredentialCommand>),
    /// Bootstrap: plans, sessions, and asking a device to do it anew.
    Bootstrap(Family<bootstrap::BootstrapCommand>),
    /// Claims: one key for a batch of devices that enrol themselves.
    Claim(Family<claim::ClaimCommand>),
    /// Classes of devices.
    Class(Family<class::ClassCommand>),
    /// Groups: the devices that a rule names.
    Group(Family<group::GroupCommand>),
    /// Firmware and software for devices: sign, upload, withdraw.
    Artefact(Family<artefact::ArtefactCommand>),
    /// Certificate authorities: who is trusted to say which device is which.
    Authority(Family<authority::AuthorityCommand>),
    /// The connection diary: who did not get in, and why.
    Diary(Family<diary::DiaryCommand>),
    /// Object definitions.
    Model(Family<model::ModelCommand>),
    /// Events as they happen.
    Event(Family<event::EventCommand>),
    /// Webhooks.
    Webhook(Family<webhook::WebhookCommand>),
    /// Accounts of people; two of these commands work on a server that does not run, too.
    User(Family<user::UserCommand>),
    /// Tokens for programs.
    Token(Family<token::TokenCommand>),
    /// Who did what.
    Audit(Family<audit::AuditCommand>),
    /// The database of a server that does not run.
    Db(db::Db),
    /// Counts over the fleet.
    Overview(Manner),
}

/// A family of commands with what they have in common.
#[derive(Args)]
pub(crate) struct Family<C: Subcommand> {
    #[command(subcommand)]
    command: C,
    #[command(flatten)]
    manner: Manner,
}

/// How a command is done.
#[derive(Args)]
pub(crate) struct Manner {
    /// The form of the output [default: table on a terminal, json elsewhere].
    #[arg(short, long, value_name = "FORM", global = true)]
    output: Option<Form>,
    /// Does what can't be taken back without asking.
    #[arg(short, long, global = true)]
    yes: bool,
    #[command(flatten)]
    connection: Connection,
}

/// A command that speaks to a server.
pub(crate) trait Command {
    /// Does it.
    fn run(self, session: &mut Session) -> Result<(), Failure>;
}

/// What a command works with.
pub(crate) struct Session {
    client: Client,
    output: Output,
    consent: Consent,
}

/// What `muster help exit-codes` says.
pub(crate) fn exit_codes() -> String {
    Exit::table()
}

/// Does a command, and says how it ended. `config` reads the server's configuration, which accounts may need.
pub(crate) fn run(
    remote: Remote,
    config: impl FnOnce() -> Result<server::Config, server::config::ConfigError>,
) -> ExitCode {
    let done = match remote {
        Remote::Device(family) => family.run(),
        Remote::Operation(family) => family.run(),
        Remote::Update(family) => family.run(),
        Remote::Baseline(family) => family.run(),
        Remote::Configuration(family) => family.run(),
        Remote::Credential(family) => family.run(),
        Remote::Bootstrap(family) => family.run(),
        Remote::Claim(family) => family.run(),
        Remote::Class(family) => family.run(),
        Remote::Group(family) => family.run(),
        Remote::Artefact(family) => artefact::run(family.command, &family.manner),
        Remote::Authority(family) => family.run(),
        Remote::Diary(family) => family.run(),
        Remote::Model(family) => family.run(),
        Remote::Event(family) => family.run(),
        Remote::Webhook(family) => family.run(),
        Remote::User(family) => user::run(family.command, &family.manner, config),
        Remote::Token(family) => family.run(),
        Remote::Audit(family) => family.run(),
        Remote::Db(db) => db::run(db, config),
        Remote::Overview(manner) => manner.open().and_then(|mut session| overview::show(&mut session)),
    };
    end(done)
}

/// Does a command on the data of this machine's server, and says how it ended.
pub(crate) fn run_local(
    local: Local,
    config: impl FnOnce() -> Result<server::Config, server::config::ConfigError>,
) -> ExitCode {
    end(backup::run(local, config))
}

/// Prints a text of ours, and says how that ended.
pub(crate) fn print(text: &str) -> ExitCode {
    end(output::print(text))
}

fn end(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => Exit::Done.into(),
        // Who reads has read enough, as in `muster device list | head`.
        Err(Failure::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done.into(),
        Err(failure) => {
            eprintln!("muster: {}", failure.line());
            failure.exit().into()
        }
    }
}

impl<C: Command + Subcommand> Family<C> {
    fn run(self) -> Result<(), Failure> {
        self.command.run(&mut self.manner.open()?)
    }
}

impl Manner {
    fn open(&self) -> Result<Session, Failure> {
        Ok(Session { client: self.connection.open()?, output: self.output(), consent: self.consent() })
    }

    fn output(&self) -> Output {
        Output::stdout(self.output)
    }

    fn consent(&self) -> Consent {
        if self.yes { Consent::Given } else { Consent::Asked }
    }
}

/// Says something beside the output.
fn note(text: &str) {
    eprintln!("muster: {}", visible::visible(text));
}

/// This moment.
fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
