//! Why a request of the server is refused, and the code that says so (LwM2M Transport 1.1.1 §6.4 and §6.7).

use coap::{Code, Response};
use objects::{
    AttributeError, Path,
    codec::{DecodeError, EncodeError},
};

use crate::Inconsistency;

/// One variant a rule; its text goes to the server as diagnostic payload.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    #[error("{0}, as asked by Accept")]
    NotAcceptable(EncodeError),
    #[error(transparent)]
    Attributes(#[from] AttributeError),
    #[error("`{attribute}` cannot be set at {path}")]
    AttributeMisplaced { attribute: objects::Attribute, path: Path },
    #[error("arguments look like 0='a',1")]
    Arguments,
    #[error("a Content-Format is needed")]
    NoContentFormat,
    #[error("one state can be written at a time, there are {count}")]
    Times { count: usize },
    #[error("one instance can be created at a time, there are {count}")]
    Instances { count: usize },
    #[error("{path} is mandatory and missing")]
    Incomplete { path: Path },
    #[error("{path} has {}", if *.multiple { "instances" } else { "a single value" })]
    Shape { path: Path, multiple: bool },
    #[error("{path} exists")]
    Exists { path: Path },
    #[error("{path} is not for a management server")]
    Unauthorized { path: Path },
    #[error("there is nothing at {path}")]
    NotFound { path: Path },
    #[error("nothing is there")]
    NoPath,
    #[error("this cannot be done at {path}")]
    NotAllowed { path: Path },
    #[error("no such operation")]
    NoOperation,
    #[error("a bootstrap cannot do this at {path}")]
    Bootstrap { path: Path },
    #[error("the bootstrap is over")]
    Finished,
    #[error(transparent)]
    Inconsistent(#[from] Inconsistency),
    #[error("{path} has {max} instances, no more fit")]
    Full { path: Path, max: usize },
}

impl Refusal {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Unreadable(DecodeError::Unsupported { .. } | DecodeError::Level { .. }) => {
                Code::UNSUPPORTED_CONTENT_FORMAT
            }
            Self::Unreadable(_)
            | Self::Attributes(_)
            | Self::AttributeMisplaced { .. }
            | Self::Arguments
            | Self::NoContentFormat
            | Self::Times { .. }
            | Self::Instances { .. }
            | Self::Incomplete { .. }
            | Self::Shape { .. }
            | Self::Exists { .. }
            | Self::Bootstrap { .. } => Code::BAD_REQUEST,
            Self::Unauthorized { .. } => Code::UNAUTHORIZED,
            Self::NotFound { .. } | Self::NoPath => Code::NOT_FOUND,
            Self::NotAllowed { .. } | Self::NoOperation | Self::Finished => Code::METHOD_NOT_ALLOWED,
            Self::NotAcceptable(_) | Self::Inconsistent(_) => Code::NOT_ACCEPTABLE,
            Self::Full { .. } => Code::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        // RFC 7252 §5.5.2: a diagnostic payload has no Content-Format.
        Self { payload: refusal.to_string().into_bytes(), ..Self::new(refusal.code()) }
    }
}
