//! Problems: every error of the API (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// What kind of problem: the last part of its `type`, `urn:muster:problem:…`. Words are added, never changed.
    ProblemKind {
        /// 409: something of that name is there already, or as many as there may be.
        AlreadyThere,
        /// 400: the query, the body or a header is malformed; `errors` say where.
        BadRequest,
        /// 403: the token's scope, or its owner's role, does not hold that.
        Forbidden,
        /// 422: the key was used for another request.
        IdempotencyKeyReused,
        /// 409: the request with this key is under way, or it was broken off: whether it was done can't be said.
        IdempotencyUnderWay,
        /// 500: the fault is the server's; its log says more under the request's id.
        Internal,
        /// 422: the request can be read, and can't be done as it is; `errors` say which field.
        Invalid,
        /// 409: nobody who can administer the server would be left.
        LastAdministrator,
        /// 405: the address knows other methods; see `Allow`.
        MethodNotAllowed,
        /// 406: the answer can't be had in a form that the request accepts.
        NotAcceptable,
        /// 404: no such address, or no such thing.
        NotFound,
        /// 409: the device is not registered.
        NotRegistered,
        /// 422: the operation does not fit the device's object model.
        OperationRefused,
        /// 429: as many operations as may be wait for the device.
        QueueFull,
        /// 503: the server took too long; it may have gone on with it.
        TimedOut,
        /// 413: the body is larger than this address takes.
        TooLarge,
        /// 409: it was sent or has ended.
        TooLate,
        /// 429: too many requests of this kind; see `Retry-After`.
        TooManyRequests,
        /// 401: no token, or none that is good.
        Unauthenticated,
        /// 503: the store can't be reached; try again.
        Unavailable,
        /// 415: the body is in a form that this address does not take.
        UnsupportedMediaType,
    }
}

/// Why a request was not done: `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What kind: `urn:muster:problem:` and a word of the list of kinds.
    #[serde(rename = "type")]
    #[schema(example = "urn:muster:problem:not-found")]
    pub kind: String,
    /// The kind in a few words.
    #[schema(example = "There is no such thing")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What is wrong with this request.
    #[schema(example = "there is no such device")]
    pub detail: String,
    /// This very request: `urn:uuid:` and its id, as in the header `x-request-id` and in the server's log.
    #[schema(example = "urn:uuid:5f0c7a52-d1f3-4d5b-8d6f-2f2a9f3f4c11")]
    pub instance: String,
    /// Which fields are wrong, where it is about fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// Which: `credential.key` in a body, the name of a parameter in a query or a path.
    #[schema(example = "endpoint")]
    pub field: String,
    /// What is wrong with it.
    #[schema(example = "an endpoint name is not empty")]
    pub detail: String,
}

impl ProblemKind {
    /// What stands before the word in a problem's `type`.
    pub const URN: &str = "urn:muster:problem:";

    /// Its status.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::AlreadyThere
            | Self::IdempotencyUnderWay
            | Self::LastAdministrator
            | Self::NotRegistered
            | Self::TooLate => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::IdempotencyKeyReused | Self::Invalid | Self::OperationRefused => 422,
            Self::QueueFull | Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::TimedOut | Self::Unavailable => 503,
        }
    }

    /// The kind in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::AlreadyThere => "It is there already",
            Self::BadRequest => "The request can't be read",
            Self::Forbidden => "The token may not do that",
            Self::IdempotencyKeyReused => "The key was used for another request",
            Self::IdempotencyUnderWay => "The request with this key has no answer yet",
            Self::Internal => "Something went wrong in the server",
            Self::Invalid => "The request can't be done as it is",
            Self::LastAdministrator => "This is the last administrator",
            Self::MethodNotAllowed => "This address knows other methods",
            Self::NotAcceptable => "There is no such form of the answer",
            Self::NotFound => "There is no such thing",
            Self::NotRegistered => "The device is not registered",
            Self::OperationRefused => "The operation does not fit the device",
            Self::QueueFull => "The device's queue is full",
            Self::TimedOut => "The server took too long",
            Self::TooLarge => "The body is too large",
            Self::TooLate => "It is too late for that",
            Self::TooManyRequests => "Too many requests",
            Self::Unauthenticated => "A token is needed",
            Self::Unavailable => "The server can't do that now",
            Self::UnsupportedMediaType => "The body is in another form",
        }
    }
}

impl Problem {
    /// Its content type.
    pub const CONTENT_TYPE: &str = "application/problem+json";

    /// Which word of the list it is, for a client; none of a later version's.
    pub fn word(&self) -> Option<ProblemKind> {
        self.kind.strip_prefix(ProblemKind::URN)?.parse().ok()
    }
}
