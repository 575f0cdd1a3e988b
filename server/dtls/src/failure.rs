//! What is told of a handshake that came to nothing, so that a person can act on it.

use std::net::SocketAddr;

use crate::{Alert, Claim, HandshakeId, Tag};

/// A handshake that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which; none where it ended before it was one.
    pub handshake: Option<HandshakeId>,
    /// From where.
    pub from: SocketAddr,
    /// What it was waiting for.
    pub step: Step,
    /// Why.
    pub reason: Reason,
    /// Who the peer said it is, if it came so far.
    pub claim: Option<Claim>,
    /// What the caller knew it by, if it came so far.
    pub tag: Option<Tag>,
    /// The suites the peer offered, by number.
    pub offered: Vec<u16>,
}

/// How far a handshake was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The ClientHello was looked at.
    ClientHello,
    /// The client's key exchange, and its certificate, were awaited.
    ClientKeyExchange,
    /// The caller was asked who that is, or for computation.
    Caller,
    /// The client's Finished was awaited.
    Finished,
    /// As the client: the server's first flight was awaited.
    ServerHello,
    /// As the client: the server's Finished was awaited.
    ServerFinished,
}

/// Why a handshake came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The peer sent an alert.
    #[error("the peer gave up with alert {}", .0.0)]
    AlertReceived(Alert),
    /// It took too long.
    #[error("it took too long")]
    TimedOut,
    /// The caller said no.
    #[error("it was refused with alert {}", .0.0)]
    Refused(Alert),
    /// The version is not 1.2.
    #[error("the peer speaks version 0x{0:04x} of DTLS, served is 1.2 (0xfefd)")]
    Version(u16),
    /// No suite of both sides; what was wanting beside it.
    #[error("no suite is served that was offered")]
    NoCommonSuite,
    /// A suite would do, but no curve, signature or certificate type of both sides.
    #[error("no {what} of the peer's is served")]
    NoCommon {
        /// What: `curve`, `signature algorithm`, `certificate type`.
        what: &'static str,
    },
    /// A message can't be read, or is too long.
    #[error("the {what} can't be read")]
    Malformed {
        /// Which field.
        what: &'static str,
    },
    /// A message came where it may not.
    #[error("message {kind} came where it may not")]
    Unexpected {
        /// Its number.
        kind: u8,
    },
    /// The Finished could not be decrypted three times, or once by a client that then gave up: another key.
    #[error("the Finished can't be decrypted by the key that is known")]
    WrongKey,
    /// The Finished tells of other messages.
    #[error("the Finished tells of other messages than came here")]
    WrongFinished,
    /// The signature of the CertificateVerify, or of the server's key exchange, is wrong.
    #[error("the signature is wrong")]
    WrongSignature,
    /// The peer has sent no certificate.
    #[error("the peer has no certificate")]
    NoCertificate,
    /// The server's certificate or key is not the one that is known.
    #[error("the server has another key than the one that is known")]
    WrongServer,
    /// A bound was reached.
    #[error("too many {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
    },
    /// The peer began anew from the same address.
    #[error("the peer began anew")]
    BegunAnew,
    /// The caller ended what the peer proved, or shut down.
    #[error("it was taken back")]
    TakenBack,
    /// A computation failed for reasons of this side's.
    #[error("a computation failed")]
    Computation,
}
