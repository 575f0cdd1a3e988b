//! Why a command was not done, in a line for people and a number for scripts.

use std::{io, path::PathBuf};

use server::{
    PostgresUrlError,
    backup::{BackupError, PassphraseError},
    offline::OfflineError,
};
use web::api::v1::types::{OperationState, Problem, UpdatePhase};

use super::{exit::Exit, visible::visible};

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{server} answers {status}, and not as Muster's API does")]
    Answer { server: String, status: u16 },
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("the token would go to {server} in the clear: use https, or a loopback address")]
    ClearText { server: String },
    #[error(transparent)]
    Configuration(#[from] server::config::ConfigError),
    #[error("the URL of the database {0}")]
    DatabaseUrl(#[source] PostgresUrlError),
    #[error("it was not done")]
    Declined,
    #[error("the device answered {code}{}", if diagnostic.is_empty() { String::new() } else { format!(": {diagnostic}") })]
    DeviceRefused { code: String, diagnostic: String },
    #[error("can't read {}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("{}: {reason}", file.display())]
    FileContent { file: PathBuf, reason: String },
    #[error("the answer of {server} can't be read: {source}")]
    Malformed { server: String, source: serde_json::Error },
    #[error("no token: give one by MUSTER_TOKEN, or in {}", file.display())]
    NoToken { file: PathBuf },
    #[error("there is no {what} `{name}`")]
    NotFound { what: &'static str, name: String },
    #[error("it is {state}: `muster operation show {device} {operation}` says more")]
    NotYet { state: OperationState, device: String, operation: String },
    #[error(transparent)]
    Offline(#[from] OfflineError),
    #[error("the operation {}: {reason}", match state {
        OperationState::Cancelled => "was cancelled",
        OperationState::Expired => "waited too long",
        OperationState::Superseded => "was made pointless by a later one",
        OperationState::Unknown => "was sent, and what became of it is not known",
        _ => "failed",
    })]
    Operation { state: OperationState, reason: String },
    #[error("{failed} of {total} were not done")]
    Partly { failed: u64, total: u64 },
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    #[error("no password: {source}")]
    Password { source: io::Error },
    #[error("the two are not the same")]
    PasswordsDiffer,
    #[error("{}: {}{}", .0.title, .0.detail, fields(.0))]
    Problem(Box<Problem>),
    #[error(
        "the device was asked to bootstrap anew and has not answered yet: look at its credentials in a while"
    )]
    RotationUnderWay,
    #[error("the system gives no runtime: {0}")]
    Runtime(io::Error),
    #[error("`{server}` is no address of a server: expected such as https://muster.example:8443")]
    ServerAddress { server: String },
    #[error("can't write: {0}")]
    Stdout(io::Error),
    #[error("{} can be read or written by others (mode {mode:o}): chmod 600 {}", file.display(), file.display())]
    TokenFileOpen { file: PathBuf, mode: u32 },
    #[error("the token is not in the form that Muster's have")]
    TokenForm,
    #[error("{what}: nobody is there to be asked; say --yes if it is meant")]
    Unconfirmed { what: String },
    #[error("can't reach {server}: {source}")]
    Unreachable { server: String, source: Box<ureq::Error> },
    #[error("the update was {phase}: {reason}")]
    Update { phase: UpdatePhase, reason: String },
    #[error("{0}")]
    Usage(&'static str),
}

impl Failure {
    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Configuration(_) => Exit::Configuration,
            Self::Backup(error) if error.is_of_the_configuration() => Exit::Configuration,
            Self::Backup(error) if error.is_missing() => Exit::NotFound,
            Self::Backup(error) if error.is_taken() => Exit::Conflict,
            Self::Backup(error) if error.is_of_the_passphrase() => Exit::Forbidden,
            Self::Offline(error) if error.is_of_the_configuration() => Exit::Configuration,
            Self::Offline(error) if error.is_missing() => Exit::NotFound,
            Self::Offline(error) if error.is_taken() => Exit::Conflict,
            Self::Offline(error) if error.is_of_the_input() => Exit::Usage,
            Self::Answer { status, .. } => match Exit::of_status(*status) {
                Exit::Usage | Exit::NotFound => Exit::Failed,
                exit => exit,
            },
            Self::Problem(problem) => Exit::of_status(problem.status),
            Self::NoToken { .. } | Self::TokenFileOpen { .. } | Self::TokenForm => Exit::Forbidden,
            Self::ClearText { .. }
            | Self::DatabaseUrl(_)
            | Self::FileContent { .. }
            | Self::Passphrase(_)
            | Self::PasswordsDiffer
            | Self::ServerAddress { .. }
            | Self::Unconfirmed { .. }
            | Self::Usage(_) => Exit::Usage,
            Self::NotFound { .. } => Exit::NotFound,
            Self::NotYet { .. } | Self::RotationUnderWay => Exit::NotYet,
            Self::Update { phase: UpdatePhase::Failed, .. }
            | Self::DeviceRefused { .. }
            | Self::Operation { .. } => Exit::DeviceRefused,
            Self::Partly { .. } => Exit::Partly,
            Self::Unreachable { .. } => Exit::Unreachable,
            Self::Backup(_)
            | Self::Declined
            | Self::File { .. }
            | Self::Malformed { .. }
            | Self::Offline(_)
            | Self::Password { .. }
            | Self::Runtime(_)
            | Self::Stdout(_)
            | Self::Update { .. } => Exit::Failed,
        }
    }

    /// The line for people. What a device or a server has put into it can't steer their terminal.
    pub(crate) fn line(&self) -> String {
        let mut line = visible(&self.to_string());
        if let Self::Problem(problem) = self
            && problem.status >= 500
        {
            line.push_str(&format!(" (request {})", visible(&problem.instance)));
        }
        line
    }
}

fn fields(problem: &Problem) -> String {
    problem.errors.iter().map(|error| format!("; {}: {}", error.field, error.detail)).collect()
}
