//! The causes, each with what a person reads and what they can do.

/// Why something did not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiaryCause {
    // The datagram.
    /// A datagram of plain CoAP came to a port of DTLS.
    PlainOnSecurePort,
    /// A DTLS record came to a port of plain CoAP.
    DtlsOnPlainPort,
    /// A message that is no CoAP.
    MalformedMessage,
    // The handshake.
    /// A ClientHello that can't be read.
    MalformedHandshake,
    /// The client offers no version of DTLS that is served.
    NoCommonVersion,
    /// The client offers no cipher suite that is served.
    NoCommonSuite,
    /// No credential of that identity.
    UnknownIdentity,
    /// The identity is known and its key is another.
    WrongKey,
    /// The client went silent within the handshake.
    HandshakeTimedOut,
    /// The client ended the handshake with an alert.
    HandshakeAborted,
    /// More handshakes were under way than the bounds allow.
    TooManyHandshakes,
    // The credential.
    /// The credential is past its time.
    CredentialExpired,
    /// The credential's time has not come.
    CredentialNotYetValid,
    /// The credential was taken away.
    CredentialRevoked,
    /// The credential was replaced by another that has proved itself.
    CredentialReplaced,
    /// A bootstrap credential at the management server.
    BootstrapCredentialAtManagement,
    /// A management credential at the bootstrap server.
    ManagementCredentialAtBootstrap,
    /// The device was removed and not enrolled again.
    DeviceRemoved,
    // The claim.
    /// The claim credential has enrolled as many devices as it may.
    QuotaUsedUp,
    /// Outside the window of the claim credential.
    ClaimWindowClosed,
    /// A device of this name was claimed before.
    SecondClaim,
    // The request.
    /// The endpoint name is not that of the identity.
    EndpointNotIdentity,
    /// No endpoint name, and nothing else that tells who it is.
    MissingEndpoint,
    /// A parameter or the object list is malformed.
    MalformedRegister,
    /// A version of LwM2M that is not served.
    UnsupportedVersion,
    /// Plain CoAP by an endpoint that has a credential.
    SecuredEndpointWithoutSecurity,
    /// An endpoint that may not register here.
    NotEnrolled,
    /// The fleet is as large as it may get.
    FleetFull,
    /// An Update or Deregister of a registration that is not this device's, or of none.
    UnknownRegistration,
    // The bootstrap.
    /// Nothing to write into this device: its plan is missing or wrong.
    NoBootstrapPlan,
    /// The device refused a step of its bootstrap.
    BootstrapRefused,
    /// The device says at Finish that what it holds does not fit together.
    InconsistentConfiguration,
    /// The device went silent within its bootstrap.
    BootstrapTimedOut,
    /// The device's bootstrap did not lead to a registration.
    NeverRegisteredAfterBootstrap,
    // The silence.
    /// The device was not heard for longer than its lifetime.
    SleepingTooLong,
}
