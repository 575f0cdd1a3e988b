//! What can't be run here, and why.

use std::process::{Command, Stdio};

/// Something this machine has not got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What it is and how to get it.
    pub what: String,
    /// The variable that, set to `1`, makes it needed; with `CI=true` if there is none.
    required_by: Option<&'static str>,
}

impl Missing {
    /// Says what is missing.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), required_by: None }
    }

    /// Something that no package manager has, so that only who has built it can ask for it, by a variable.
    pub fn unless_required(variable: &'static str, what: impl Into<String>) -> Self {
        Self { what: what.into(), required_by: Some(variable) }
    }

    /// Tells on standard error that something is skipped.
    ///
    /// # Panics
    /// If it is needed. With `CI=true`, everything is needed that can be installed.
    pub fn skip(&self, name: &str) {
        match self.required_by {
            None => assert!(!is_ci(), "{name} must not be skipped with CI=true: {}", self.what),
            Some(variable) => {
                let is_required = std::env::var(variable).is_ok_and(|value| value == "1");
                assert!(!is_required, "{name} must not be skipped with {variable}=1: {}", self.what);
            }
        }
        eprintln!("SKIPPED: {name}: {}", self.what);
    }
}

/// Whether nothing may be skipped that can be installed.
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// Whether a program is there: told by running it.
pub(crate) fn is_there(program: &str, argument: &str, what: &str) -> Result<(), Missing> {
    let mut command = Command::new(program);
    let run = command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.map(drop).map_err(|_| Missing::new(what))
}
