//! How a command ends, as a number for scripts.

use std::{fmt::Write as _, process::ExitCode};

/// How a command ended. The numbers are an interface: they are added to, never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Forbidden = 4,
    Conflict = 5,
    Unreachable = 6,
    NotYet = 7,
    DeviceRefused = 8,
    Partly = 9,
    Configuration = 78,
}

impl Exit {
    pub(crate) const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::Forbidden,
        Self::Conflict,
        Self::Unreachable,
        Self::NotYet,
        Self::DeviceRefused,
        Self::Partly,
        Self::Configuration,
    ];

    /// What an HTTP status means here.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            400 | 405 | 406 | 413 | 415 | 422 => Self::Usage,
            401 | 403 => Self::Forbidden,
            404 | 410 => Self::NotFound,
            409 | 412 => Self::Conflict,
            429 => Self::NotYet,
            502..=504 => Self::Unreachable,
            _ => Self::Failed,
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Done => "It was done.",
            Self::Failed => "It was not done, for another reason than those below.",
            Self::Usage => "The command line, or what was given with it, is not right. Nothing was done.",
            Self::NotFound => "There is no such thing.",
            Self::Forbidden => "There is no good token, or it may not do that.",
            Self::Conflict => "It is there already, or it is too late, or the device is not registered.",
            Self::Unreachable => "The server was not reached, or can't do it now.",
            Self::NotYet => "Not yet: it waits for the device, or there were too many requests.",
            Self::DeviceRefused => "The device refused it, or gave no answer that can be used.",
            Self::Partly => "It was done to some and not to others, which are listed.",
            Self::Configuration => "The configuration of the server is not right (EX_CONFIG).",
        }
    }

    /// All of them, a line each.
    pub(crate) fn table() -> String {
        let mut text = "How commands end, as a number for scripts:\n\n".to_owned();
        for exit in Self::ALL {
            // Writing to a String does not fail.
            let _ = writeln!(text, "  {:>2}  {}", exit as u8, exit.meaning());
        }
        text
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use web::api::v1::types::ProblemKind;

    use super::*;

    #[test]
    fn every_kind_of_problem_has_an_end_of_its_own_kind() {
        for kind in ProblemKind::ALL {
            let exit = Exit::of_status(kind.status());
            let expected = match kind {
                ProblemKind::Forbidden | ProblemKind::Unauthenticated => Exit::Forbidden,
                ProblemKind::NotFound => Exit::NotFound,
                ProblemKind::Internal => Exit::Failed,
                ProblemKind::QueueFull | ProblemKind::TooManyRequests => Exit::NotYet,
                ProblemKind::TimedOut | ProblemKind::Unavailable => Exit::Unreachable,
                _ if kind.status() == 409 => Exit::Conflict,
                _ => Exit::Usage,
            };
            assert_eq!(exit, expected, "{kind}");
        }
    }
}
