//! Why a request breaks the specification: one variant a rule, each answered 4.00 (LwM2M Transport 1.1.1 §6.7).

use objects::link::LinkError;

use crate::{BindingError, EndpointNameError, Register};

/// Why a Register or Update is not well-formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// `b` or `Q` does not fit the enabler version.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A parameter holds a control character.
    #[error("a query parameter holds a control character")]
    ControlCharacter,
    /// `ep` is no endpoint name.
    #[error(transparent)]
    Endpoint(#[from] EndpointNameError),
    /// `lt` is no number of seconds.
    #[error("lt is a whole number of seconds, 1 to 4294967295")]
    Lifetime,
    /// The payload can't be read as links.
    #[error(transparent)]
    Links(#[from] LinkError),
    /// There is no `ep`, and no identity that would stand for it.
    #[error("ep is missing")]
    MissingEndpoint,
    /// There is no `lwm2m`.
    #[error("lwm2m is missing")]
    MissingVersion,
    /// The payload names no object.
    #[error("the payload names no object")]
    NoObjects,
    /// A parameter is longer than [`Register::MAX_PARAMETER_BYTES`].
    #[error("a query parameter has at most {max} bytes, this one has {len}", max = Register::MAX_PARAMETER_BYTES)]
    ParameterTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// `Q` has a value.
    #[error("Q has no value")]
    QueueModeValue,
    /// A parameter of LwM2M is there twice.
    #[error("{name} is there twice")]
    Repeated {
        /// Which one.
        name: &'static str,
    },
    /// `sms` is longer than [`Register::MAX_SMS_NUMBER_BYTES`].
    #[error("sms has at most {max} bytes, this one has {len}", max = Register::MAX_SMS_NUMBER_BYTES)]
    SmsNumberTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// More than [`Register::MAX_EXTRA`] parameters that LwM2M does not know.
    #[error("more than {max} unknown query parameters", max = Register::MAX_EXTRA)]
    TooManyParameters,
    /// `lwm2m` is no `major.minor`.
    #[error("lwm2m is a version such as 1.1")]
    Version,
}
