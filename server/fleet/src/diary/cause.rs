//! The causes, each with what a person reads and what they can do.

mod remedy;

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
    /// The server could not look anything up.
    ServerUnavailable,
    // The credential.
    /// The credential is past its time.
    CredentialExpired,
    /// The credential's time has not come.
    CredentialNotYetValid,
    /// The credential was taken away.
    CredentialRevoked,
    /// The credential was replaced by another that has proved itself.
    CredentialReplaced,
    /// The class of the device does not let in this kind of credential.
    CredentialKindNotAllowed,
    /// No credential of that raw public key.
    UnknownPublicKey,
    /// No credential of anything that stands in the certificate.
    UnknownCertificate,
    /// The certificate names several devices.
    AmbiguousCertificate,
    /// No trusted authority vouches for the certificate.
    CertificateUntrusted,
    /// The certificate is past its time.
    CertificateExpired,
    /// The certificate's time has not come.
    CertificateNotYetValid,
    /// The authority has taken the certificate back.
    CertificateRevoked,
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
    // The download.
    /// Somebody asked for a package and gets no byte of it.
    DownloadRefused,
    // The silence.
    /// The device was not heard for longer than its lifetime.
    SleepingTooLong,
}

impl DiaryCause {
    /// All of them.
    pub const ALL: [Self; 45] = [
        Self::PlainOnSecurePort,
        Self::DtlsOnPlainPort,
        Self::MalformedMessage,
        Self::MalformedHandshake,
        Self::NoCommonVersion,
        Self::NoCommonSuite,
        Self::UnknownIdentity,
        Self::WrongKey,
        Self::HandshakeTimedOut,
        Self::HandshakeAborted,
        Self::TooManyHandshakes,
        Self::ServerUnavailable,
        Self::CredentialExpired,
        Self::CredentialNotYetValid,
        Self::CredentialRevoked,
        Self::CredentialReplaced,
        Self::CredentialKindNotAllowed,
        Self::UnknownPublicKey,
        Self::UnknownCertificate,
        Self::AmbiguousCertificate,
        Self::CertificateUntrusted,
        Self::CertificateExpired,
        Self::CertificateNotYetValid,
        Self::CertificateRevoked,
        Self::BootstrapCredentialAtManagement,
        Self::ManagementCredentialAtBootstrap,
        Self::DeviceRemoved,
        Self::QuotaUsedUp,
        Self::ClaimWindowClosed,
        Self::SecondClaim,
        Self::EndpointNotIdentity,
        Self::MissingEndpoint,
        Self::MalformedRegister,
        Self::UnsupportedVersion,
        Self::SecuredEndpointWithoutSecurity,
        Self::NotEnrolled,
        Self::FleetFull,
        Self::UnknownRegistration,
        Self::NoBootstrapPlan,
        Self::BootstrapRefused,
        Self::InconsistentConfiguration,
        Self::BootstrapTimedOut,
        Self::NeverRegisteredAfterBootstrap,
        Self::DownloadRefused,
        Self::SleepingTooLong,
    ];

    /// A word for it, as it is stored and stands in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlainOnSecurePort => "plain-on-secure-port",
            Self::DtlsOnPlainPort => "dtls-on-plain-port",
            Self::MalformedMessage => "malformed-message",
            Self::MalformedHandshake => "malformed-handshake",
            Self::NoCommonVersion => "no-common-version",
            Self::NoCommonSuite => "no-common-suite",
            Self::UnknownIdentity => "unknown-identity",
            Self::WrongKey => "wrong-key",
            Self::HandshakeTimedOut => "handshake-timed-out",
            Self::HandshakeAborted => "handshake-aborted",
            Self::TooManyHandshakes => "too-many-handshakes",
            Self::ServerUnavailable => "server-unavailable",
            Self::CredentialExpired => "credential-expired",
            Self::CredentialNotYetValid => "credential-not-yet-valid",
            Self::CredentialRevoked => "credential-revoked",
            Self::CredentialReplaced => "credential-replaced",
            Self::CredentialKindNotAllowed => "credential-kind-not-allowed",
            Self::UnknownPublicKey => "unknown-public-key",
            Self::UnknownCertificate => "unknown-certificate",
            Self::AmbiguousCertificate => "ambiguous-certificate",
            Self::CertificateUntrusted => "certificate-untrusted",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::CertificateRevoked => "certificate-revoked",
            Self::BootstrapCredentialAtManagement => "bootstrap-credential-at-management",
            Self::ManagementCredentialAtBootstrap => "management-credential-at-bootstrap",
            Self::DeviceRemoved => "device-removed",
            Self::QuotaUsedUp => "quota-used-up",
            Self::ClaimWindowClosed => "claim-window-closed",
            Self::SecondClaim => "second-claim",
            Self::EndpointNotIdentity => "endpoint-not-identity",
            Self::MissingEndpoint => "missing-endpoint",
            Self::MalformedRegister => "malformed-register",
            Self::UnsupportedVersion => "unsupported-version",
            Self::SecuredEndpointWithoutSecurity => "secured-endpoint-without-security",
            Self::NotEnrolled => "not-enrolled",
            Self::FleetFull => "fleet-full",
            Self::UnknownRegistration => "unknown-registration",
            Self::NoBootstrapPlan => "no-bootstrap-plan",
            Self::BootstrapRefused => "bootstrap-refused",
            Self::InconsistentConfiguration => "inconsistent-configuration",
            Self::BootstrapTimedOut => "bootstrap-timed-out",
            Self::NeverRegisteredAfterBootstrap => "never-registered-after-bootstrap",
            Self::DownloadRefused => "download-refused",
            Self::SleepingTooLong => "sleeping-too-long",
        }
    }

    /// One line for a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::PlainOnSecurePort => "plain CoAP came to the DTLS port",
            Self::DtlsOnPlainPort => "DTLS came to the plain CoAP port",
            Self::MalformedMessage => "a message that is no CoAP",
            Self::MalformedHandshake => "a ClientHello that can not be read",
            Self::NoCommonVersion => "no common version of DTLS",
            Self::NoCommonSuite => "no common cipher suite",
            Self::UnknownIdentity => "nobody has this PSK identity",
            Self::WrongKey => "the key is not the one of this identity",
            Self::HandshakeTimedOut => "the client went silent within the handshake",
            Self::HandshakeAborted => "the client ended the handshake",
            Self::TooManyHandshakes => "too many handshakes at one time",
            Self::ServerUnavailable => "the server could not look the device up",
            Self::CredentialExpired => "the credential is past its time",
            Self::CredentialNotYetValid => "the credential's time has not come",
            Self::CredentialRevoked => "the credential was revoked",
            Self::CredentialReplaced => "the credential was replaced",
            Self::CredentialKindNotAllowed => "the class does not let in this kind of credential",
            Self::UnknownPublicKey => "nobody has this raw public key",
            Self::UnknownCertificate => "the certificate names nobody",
            Self::AmbiguousCertificate => "the certificate names several devices",
            Self::CertificateUntrusted => "no trusted authority vouches for the certificate",
            Self::CertificateExpired => "the certificate is past its time",
            Self::CertificateNotYetValid => "the certificate's time has not come",
            Self::CertificateRevoked => "the certificate was taken back by its authority",
            Self::BootstrapCredentialAtManagement => "a bootstrap credential at the management port",
            Self::ManagementCredentialAtBootstrap => "a management credential at the bootstrap port",
            Self::DeviceRemoved => "the device was removed",
            Self::QuotaUsedUp => "the claim's quota is used up",
            Self::ClaimWindowClosed => "outside the window of the claim",
            Self::SecondClaim => "this device was claimed before",
            Self::EndpointNotIdentity => "the endpoint name is not the identity's",
            Self::MissingEndpoint => "no endpoint name",
            Self::MalformedRegister => "the registration is malformed",
            Self::UnsupportedVersion => "a version of LwM2M that is not served",
            Self::SecuredEndpointWithoutSecurity => "plain CoAP by a device with a credential",
            Self::NotEnrolled => "an endpoint that nobody has added",
            Self::FleetFull => "the fleet is full",
            Self::UnknownRegistration => "no such registration",
            Self::NoBootstrapPlan => "nothing to write into this device",
            Self::BootstrapRefused => "the device refused a step of its bootstrap",
            Self::InconsistentConfiguration => "the device found its configuration inconsistent",
            Self::BootstrapTimedOut => "the device went silent within its bootstrap",
            Self::NeverRegisteredAfterBootstrap => "bootstrapped and never registered",
            Self::DownloadRefused => "a package was asked for and not given",
            Self::SleepingTooLong => "silent for longer than its lifetime",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cause_has_a_name_a_title_and_a_remedy_of_its_own() {
        let of = |text: fn(DiaryCause) -> &'static str| {
            DiaryCause::ALL.into_iter().map(text).collect::<BTreeSet<_>>()
        };
        let all = BTreeSet::from(DiaryCause::ALL).len();
        assert_eq!(all, DiaryCause::ALL.len(), "none is twice in the list");
        assert_eq!(of(DiaryCause::name).len(), all);
        assert_eq!(of(DiaryCause::title).len(), all);
        assert_eq!(of(DiaryCause::remedy).len(), all);
        assert!(all >= 20);
    }

    #[test]
    fn names_are_words_and_remedies_are_sentences() {
        for cause in DiaryCause::ALL {
            let (name, title, remedy) = (cause.name(), cause.title(), cause.remedy());
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            assert!(title.len() <= 60 && !title.ends_with('.'), "{title}");
            assert!(remedy.ends_with('.') && !remedy.contains("  "), "{remedy}");
        }
    }
}
