//! Outcomes: what came of an operation, and the state and the line that are kept of it.

use std::fmt;

use objects::{Path, Sample, link::Discovered};

use crate::{Operation, OperationId, OperationState};

/// What came of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The device answered with a success.
    Success {
        /// 2.01, 2.02, 2.04 or 2.05.
        code: ResponseCode,
        /// What it sent along.
        content: Content,
    },
    /// The device answered with an error: its answer, as it is.
    Refused {
        /// 4.xx or 5.xx.
        code: ResponseCode,
        /// The diagnostic payload (RFC 7252 §5.5.2), cut to 256 characters.
        diagnostic: String,
    },
    /// The server did it alone, nothing was sent: an observation was cancelled passively.
    Local,
    /// There is no answer that can be used.
    Failed(Failure),
}

/// What a successful answer carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Nodes, each with its time: the answer to Read and Observe.
    Samples(Vec<Sample>),
    /// Links: the answer to Discover.
    Links(Discovered),
    /// Where a created instance lies.
    Location(Path),
}

/// Why there is no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was cancelled by a person, or by the end of the registration.
    #[error("the operation was cancelled")]
    Cancelled,
    /// It waited longer than it may.
    #[error("the operation expired before the device could be reached")]
    Expired,
    /// The device answered, but without beginning an observation (RFC 7641 §3.1: no Observe option).
    #[error("the device answered, but did not begin an observation")]
    NotObserved,
    /// The store could not take it when it had to.
    #[error("the store is not available; try again")]
    NotStored,
    /// The server was restarted after sending an operation that must not be repeated.
    #[error("the server restarted after sending; whether the device acted on it is not known")]
    OutcomeUnknown,
    /// A later operation made it pointless before it was sent.
    #[error("superseded by {by}")]
    Superseded {
        /// Which.
        by: OperationId,
    },
    /// The device reset the exchange.
    #[error("the device rejected the message (Reset)")]
    Reset,
    /// The device has as many observations as one may have.
    #[error("{max} observations of this device live already; cancel one first", max = crate::Observation::MAX_PER_DEVICE)]
    TooManyObservations,
    /// Nothing came in time.
    #[error("the device did not answer in time{}", if *.acknowledged { " (it acknowledged the request)" } else { "" })]
    TimedOut {
        /// An empty acknowledgement had come.
        acknowledged: bool,
    },
    /// It does not fit into what this server or the device transfers.
    #[error("the transfer failed: {reason}")]
    Transfer {
        /// What went wrong.
        reason: String,
    },
    /// The answer could not be read; its beginning is kept.
    #[error("the device's answer can't be read: {reason}")]
    Unreadable {
        /// The decoder's error.
        reason: String,
    },
    /// The request could not be encoded for this device.
    #[error("the request can't be encoded: {reason}")]
    Unencodable {
        /// The encoder's error.
        reason: String,
    },
}

/// A response code of LwM2M Transport 1.1.1 §6.7, such as 4.05.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// 0 to 31.
    pub detail: u8,
}

impl Outcome {
    /// The longest [`Outcome::result`], in bytes.
    pub const MAX_RESULT: usize = 512;

    /// The final state of `operation`, if this came of it.
    pub fn state(&self, operation: &Operation) -> OperationState {
        match self {
            Self::Success { .. } | Self::Local => OperationState::Done,
            Self::Refused { .. } => OperationState::Failed,
            Self::Failed(failure) => match failure {
                Failure::Cancelled => OperationState::Cancelled,
                Failure::Expired => OperationState::Expired,
                Failure::OutcomeUnknown => OperationState::Unknown,
                Failure::Superseded { .. } => OperationState::Superseded,
                // The device may have acted and its answer got lost.
                Failure::TimedOut { .. } if !operation.is_idempotent() => OperationState::Unknown,
                _ => OperationState::Failed,
            },
        }
    }

    /// One line for a person, without values: what the device answered, or why there is no answer.
    pub fn result(&self) -> String {
        let line = match self {
            Self::Success { code, content: Content::Location(path) } => format!("{code} at {path}"),
            Self::Success { code, .. } => code.to_string(),
            Self::Refused { code, diagnostic } if diagnostic.is_empty() => code.to_string(),
            Self::Refused { code, diagnostic } => format!("{code}: {diagnostic}"),
            Self::Local => "done by the server alone".to_owned(),
            Self::Failed(failure) => failure.to_string(),
        };
        crate::timeline::one_line(&line, Self::MAX_RESULT)
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.class, self.detail) {
            (2, 1) => "Created",
            (2, 2) => "Deleted",
            (2, 3) => "Valid",
            (2, 4) => "Changed",
            (2, 5) => "Content",
            (4, 0) => "Bad Request",
            (4, 1) => "Unauthorized",
            (4, 2) => "Bad Option",
            (4, 3) => "Forbidden",
            (4, 4) => "Not Found",
            (4, 5) => "Method Not Allowed",
            (4, 6) => "Not Acceptable",
            (4, 8) => "Request Entity Incomplete",
            (4, 12) => "Precondition Failed",
            (4, 13) => "Request Entity Too Large",
            (4, 15) => "Unsupported Content-Format",
            (5, 0) => "Internal Server Error",
            (5, 1) => "Not Implemented",
            (5, 3) => "Service Unavailable",
            (5, 4) => "Gateway Timeout",
            _ => return write!(f, "{}.{:02}", self.class, self.detail),
        };
        write!(f, "{}.{:02} {name}", self.class, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(class: u8, detail: u8) -> ResponseCode {
        ResponseCode { class, detail }
    }

    fn read() -> Operation {
        Operation::Read { path: Path::Root, format: None }
    }

    fn execute() -> Operation {
        Operation::Execute { path: Path::Root, arguments: String::new() }
    }

    #[test]
    fn every_outcome_has_its_final_state() {
        let success = Outcome::Success { code: code(2, 4), content: Content::Empty };
        let refused = Outcome::Refused { code: code(4, 4), diagnostic: String::new() };
        let reason = || "x".to_owned();
        for (outcome, state) in [
            (success, OperationState::Done),
            (Outcome::Local, OperationState::Done),
            (refused, OperationState::Failed),
            (Outcome::Failed(Failure::Cancelled), OperationState::Cancelled),
            (Outcome::Failed(Failure::Expired), OperationState::Expired),
            (Outcome::Failed(Failure::NotObserved), OperationState::Failed),
            (Outcome::Failed(Failure::OutcomeUnknown), OperationState::Unknown),
            (Outcome::Failed(Failure::Reset), OperationState::Failed),
            (Outcome::Failed(Failure::Transfer { reason: reason() }), OperationState::Failed),
            (Outcome::Failed(Failure::Unreadable { reason: reason() }), OperationState::Failed),
            (Outcome::Failed(Failure::Unencodable { reason: reason() }), OperationState::Failed),
        ] {
            assert_eq!(outcome.state(&read()), state, "{outcome:?}");
            assert!(state.is_final());
        }
    }

    #[test]
    fn an_execute_without_an_answer_may_have_been_done() {
        for acknowledged in [false, true] {
            let outcome = Outcome::Failed(Failure::TimedOut { acknowledged });
            assert_eq!(outcome.state(&execute()), OperationState::Unknown);
            assert_eq!(outcome.state(&read()), OperationState::Failed);
        }
    }

    #[test]
    fn the_result_is_one_short_line_without_values() {
        let at = "/3303/1".parse().unwrap();
        let diagnostic = |text: &str| Outcome::Refused { code: code(4, 0), diagnostic: text.into() };
        for (outcome, line) in [
            (Outcome::Success { code: code(2, 5), content: Content::Samples(vec![]) }, "2.05 Content"),
            (
                Outcome::Success { code: code(2, 1), content: Content::Location(at) },
                "2.01 Created at /3303/1",
            ),
            (diagnostic(""), "4.00 Bad Request"),
            (diagnostic("no\r\nway"), "4.00 Bad Request: no\u{fffd}\u{fffd}way"),
            (
                Outcome::Failed(Failure::TimedOut { acknowledged: true }),
                "the device did not answer in time (it acknowledged the request)",
            ),
        ] {
            assert_eq!(outcome.result(), line);
        }
        let long = diagnostic(&"é".repeat(1_000)).result();
        assert!(long.len() <= Outcome::MAX_RESULT && long.len() > Outcome::MAX_RESULT - 2);
    }
}
