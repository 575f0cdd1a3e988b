//! Errors of the domain. [`Refusal`] is what a device is told; [`FleetError`] is what a person or program is told.
//!
//! The edges map them: `binding` a refusal to a response code, `web` an error to a status and a page.

use crate::{Malformed, StoreError};

/// Why a device's message is not accepted: one variant a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// As many messages of this device as may wait are waiting.
    #[error("too many messages of this device are being worked on")]
    Busy,
    /// The device has come with a credential for another purpose.
    #[error("the credential of this session is for {}", purpose.name())]
    WrongPurpose {
        /// What it is for.
        purpose: crate::Purpose,
    },
    /// The endpoint name is not that of the session's identity.
    #[error("the endpoint name is not the one that this identity belongs to")]
    EndpointNotIdentity,
    /// This endpoint may not register here.
    #[error("this endpoint may not register here")]
    Forbidden,
    /// The device was removed; it comes back by a new enrolment only.
    #[error("this endpoint was removed")]
    Removed,
    /// The endpoint has a credential and came without security.
    #[error("this endpoint has a credential: it may not come without security")]
    Secured,
    /// The registration belongs to somebody at another address or listener. The device is told no more than
    /// [`Refusal::UnknownRegistration`].
    #[error("the registration was made from another address")]
    ForeignSource,
    /// The fleet is as large as it may get.
    #[error("the server holds as many devices as it may")]
    FleetFull,
    /// The message breaks the specification.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A Send names objects that the device did not register.
    #[error("{path} is not among the registered objects")]
    NotRegisteredPath {
        /// The first such path.
        path: objects::Path,
    },
    /// The store could not take it.
    #[error("the store is not available")]
    StoreUnavailable,
    /// No such registration, or none at this address.
    #[error("no such registration")]
    UnknownRegistration,
    /// No such observation: the notification is reset.
    #[error("no such observation")]
    UnknownObservation,
    /// The payload is in a format that this message can't have.
    #[error("the payload is {format}, not {expected}")]
    UnsupportedContentFormat {
        /// The format it is in.
        format: objects::ContentFormat,
        /// The format it must be in.
        expected: objects::ContentFormat,
    },
    /// The server does not speak this version of the enabler.
    #[error("LwM2M {version} is not served, only 1.0 and 1.1")]
    UnsupportedVersion {
        /// The version asked for.
        version: objects::Version,
    },
}

/// Why a verb was not done.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The name or the password is wrong.
    #[error("the name or the password is wrong")]
    BadCredentials,
    /// The operation does not fit the object model.
    #[error("{0}")]
    BadOperation(#[from] crate::BadOperation),
    /// The fleet is as large as it may get.
    #[error("the server holds as many devices as it may")]
    FleetFull,
    /// The actor lacks a permission.
    #[error("this account may not do that")]
    Forbidden,
    /// The bytes of an artefact can't be kept or read.
    #[error(transparent)]
    Blob(#[from] crate::BlobError),
    /// An artefact fits no device of its class, or not this one.
    #[error(transparent)]
    Misfit(#[from] crate::Misfit),
    /// More bytes than an artefact may have.
    #[error("an artefact has at most {max_bytes} bytes: artefacts.max_bytes in the configuration says so")]
    TooLarge {
        /// How many it may have.
        max_bytes: u64,
    },
    /// The device is not registered, so nothing can be sent or queued.
    #[error("the device is not registered")]
    NotRegistered,
    /// Something of that name is there already.
    #[error("there is a {0} of this name already")]
    AlreadyThere(&'static str),
    /// A text or a number that does not do.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong with it, and what would do.
        reason: String,
    },
    /// It would leave nobody who can administer the server.
    #[error("this is the last administrator: make another one first")]
    LastAdministrator,
    /// There is one at a time.
    #[error("this device is being updated already: wait until that has ended, or cancel it")]
    AlreadyUpdating,
    /// As many as there may be.
    #[error("there are {max} {what} already, as many as there may be")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// No such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The plan can't be sent to a device.
    #[error(transparent)]
    Plan(#[from] crate::PlanError),
    /// No certificate or key pair could be made.
    #[error(transparent)]
    Issue(#[from] crate::IssueError),
    /// The key or identity does not do.
    #[error(transparent)]
    Psk(#[from] crate::PskError),
    /// The password does not do.
    #[error(transparent)]
    Password(#[from] crate::PasswordError),
    /// The device's queue is full.
    #[error("{max} operations wait for this device already", max = crate::Order::MAX_QUEUED)]
    QueueFull,
    /// The web layer keeps too much in a session.
    #[error("a session holds at most {max} bytes", max = crate::WebSession::MAX_BYTES)]
    SessionTooLarge,
    /// The setup link is wrong, used or too old.
    #[error("this set-up link is not valid any more; restart the server to get a new one")]
    SetupLink,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many failed logins.
    #[error("too many failed attempts; wait a minute")]
    TooManyAttempts {
        /// Until when it is in vain to try again.
        wait: std::time::Duration,
    },
    /// As many passwords as may be are being compared or hashed, and as many as may wait do.
    #[error("too many people log in at this moment")]
    TooManyLogins,
    /// The operation is past cancelling.
    #[error("the operation was sent or has ended")]
    TooLate,
    /// The name of an account does not do.
    #[error(transparent)]
    UserName(#[from] crate::UserNameError),
}
