//! How a handshake fails: what the client is told, and what a person reads.

use fleet::{DeviceId, DiaryCause};

use super::{
    gate::Refused,
    hello::{self, Unacceptable},
    malformed::Malformed,
    record::Alert,
};

/// How far a handshake has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Cookie,
    KeyExchange,
    Finished,
}

/// How a handshake fails.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was taken back: its credential is revoked, or the server stops. Nothing to be told.
    TakenBack,
    /// The client began anew; what its silence meant until then.
    BegunAnew(Box<Self>),
    Unacceptable(Unacceptable),
    TimedOut(Step),
    Aborted(Alert, Step),
    /// The identity opens nothing, or not any more; `proved` once the key was right.
    Refused {
        refused: Refused,
        proved: bool,
    },
    WrongKey(Option<DeviceId>),
    Altered,
    Engine {
        reason: String,
        panic: bool,
    },
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Unacceptable(malformed.into())
    }
}

impl From<Unacceptable> for Failure {
    fn from(unacceptable: Unacceptable) -> Self {
        Self::Unacceptable(unacceptable)
    }
}

impl Failure {
    /// Why, for the diary.
    pub(super) fn cause(&self) -> Option<DiaryCause> {
        match self {
            Self::TakenBack => None,
            Self::BegunAnew(before) => before.cause(),
            Self::Unacceptable(Unacceptable::Version(_)) => Some(DiaryCause::NoCommonVersion),
            Self::Unacceptable(Unacceptable::Suites(_)) => Some(DiaryCause::NoCommonSuite),
            Self::Unacceptable(Unacceptable::Malformed(_)) | Self::Altered | Self::Engine { .. } => {
                Some(DiaryCause::MalformedHandshake)
            }
            Self::TimedOut(_) => Some(DiaryCause::HandshakeTimedOut),
            Self::Aborted(..) => Some(DiaryCause::HandshakeAborted),
            Self::Refused { refused, .. } => Some(refused.cause),
            Self::WrongKey(_) => Some(DiaryCause::WrongKey),
        }
    }

    /// What the client is told, always in clear: it has no keys of ours yet.
    pub(super) fn alert(&self) -> Option<Alert> {
        match self {
            // It would end the handshake that has begun since.
            Self::BegunAnew(_) => None,
            Self::TakenBack | Self::TimedOut(_) | Self::Aborted(..) => None,
            Self::Unacceptable(Unacceptable::Version(_)) => Some(Alert::PROTOCOL_VERSION),
            Self::Unacceptable(Unacceptable::Suites(_)) | Self::Engine { .. } => {
                Some(Alert::HANDSHAKE_FAILURE)
            }
            Self::Unacceptable(Unacceptable::Malformed(Malformed::Resumption)) => {
                Some(Alert::HANDSHAKE_FAILURE)
            }
            Self::Unacceptable(Unacceptable::Malformed(_)) => Some(Alert::DECODE_ERROR),
            // Nothing the client could mend: it is not to take its key for refused.
            Self::Refused { refused: Refused { cause: DiaryCause::ServerUnavailable, .. }, .. } => {
                Some(Alert::INTERNAL_ERROR)
            }
            // RFC 4279 §2 leaves the choice between this and decrypt_error, which hides who is known. Whoever sets a
            // device up needs the difference; and all refusals look alike until the key is proved.
            Self::Refused { proved: false, .. } => Some(Alert::UNKNOWN_PSK_IDENTITY),
            Self::Refused { proved: true, .. } => Some(Alert::ACCESS_DENIED),
            // RFC 4279 §2, RFC 5246 §7.2.2.
            Self::WrongKey(_) | Self::Altered => Some(Alert::DECRYPT_ERROR),
        }
    }

    /// What was seen.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::TakenBack => String::new(),
            Self::BegunAnew(before) => format!("{}; the client began anew", before.detail()),
            Self::Unacceptable(Unacceptable::Malformed(malformed)) => malformed.to_string(),
            Self::Unacceptable(Unacceptable::Version(version)) => {
                format!("the client speaks version 0x{version:04x} of DTLS, served is 1.2 (0xfefd)")
            }
            Self::Unacceptable(Unacceptable::Suites(offered)) => {
                format!("offered: {}; served: {}", hello::names(offered), hello::names(&hello::SERVED))
            }
            Self::TimedOut(Step::Cookie) => {
                "no answer to the HelloVerifyRequest: the address is false, or our datagrams do not arrive"
                    .into()
            }
            Self::TimedOut(Step::KeyExchange) => "no ClientKeyExchange after our ServerHelloDone".into(),
            Self::TimedOut(Step::Finished) => "no Finished after the ClientKeyExchange".into(),
            Self::Aborted(alert, step) => {
                let step = match step {
                    Step::Cookie => "the HelloVerifyRequest",
                    Step::KeyExchange => "our ServerHelloDone",
                    Step::Finished => "its ClientKeyExchange",
                };
                format!("alert after {step}: {}", alert.explained())
            }
            Self::Refused { refused, .. } => refused.detail.clone(),
            Self::WrongKey(_) => "the client's Finished can't be decrypted by the key that is stored".into(),
            Self::Altered => "the client's Finished tells of other messages than came here".into(),
            Self::Engine { reason, .. } => format!("given up: {reason}"),
        }
    }

    /// Whose credential it was about.
    pub(super) fn device(&self) -> Option<DeviceId> {
        match self {
            Self::Refused { refused, .. } => refused.device,
            Self::WrongKey(device) => *device,
            Self::BegunAnew(before) => before.device(),
            _ => None,
        }
    }
}
