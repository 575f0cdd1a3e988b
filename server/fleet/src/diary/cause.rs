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
    // The silence.
    /// The device was not heard for longer than its lifetime.
    SleepingTooLong,
}

impl DiaryCause {
    /// All of them.
    pub const ALL: [Self; 44] = [
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
            Self::SleepingTooLong => "silent for longer than its lifetime",
        }
    }

    /// What to do about it, in one to three sentences.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::PlainOnSecurePort => {
                "The device speaks CoAP without security to a coaps port. Let its server URI begin with \
                 coaps:// and give it a PSK identity and key; or, in the lab profile only, point it at \
                 the coap:// port."
            }
            Self::DtlsOnPlainPort => {
                "The device speaks DTLS to a coap port. Let its server URI name the coaps port of this \
                 server: 5684 for management and 5784 for bootstrap, unless they were changed."
            }
            Self::MalformedMessage => {
                "What arrived is not CoAP (RFC 7252): often a scanner, or another protocol on the wrong \
                 port. If the address is a device of yours, capture the datagram and look at its \
                 client's version."
            }
            Self::MalformedHandshake => {
                "What arrived begins like DTLS and is none. Look for a scanner first; if it is a device \
                 of yours, bring its DTLS library up to date."
            }
            Self::NoCommonVersion => {
                "The client offers no version that is served here. Build it with DTLS 1.2 (RFC 6347)."
            }
            Self::NoCommonSuite => {
                "The client offers no cipher suite that is served here. Let it offer \
                 TLS_PSK_WITH_AES_128_CCM_8, which LwM2M makes mandatory for PSK, or \
                 TLS_PSK_WITH_AES_128_GCM_SHA256."
            }
            Self::UnknownIdentity => {
                "No credential has this identity. Compare it with the one in the device, letter by \
                 letter (case and blanks count). If the device is yours, add it by the button here, \
                 with this identity."
            }
            Self::WrongKey => {
                "The identity is known and the key that came with it is another. Compare how the key \
                 was given to the device: it is hexadecimal here, and clients often take the digits for \
                 text. If it is lost, revoke this credential and add a new one."
            }
            Self::HandshakeTimedOut => {
                "The handshake began and did not end in time. Look at the way to the device: a firewall \
                 or a NAT that drops answers, or an MTU below the size of a flight. A wrong key looks \
                 like this too, where the client gives up without a word."
            }
            Self::HandshakeAborted => {
                "The client has sent an alert; its name stands in the details. Look up that alert in \
                 the client's own log: it knows what it did not like."
            }
            Self::TooManyHandshakes => {
                "More handshakes were under way than the bounds allow. If many devices came back at \
                 once, they get in by themselves as they try again. If not, look at the addresses: this \
                 may be a flood."
            }
            Self::ServerUnavailable => {
                "The fault is here: the database did not answer. Look at the server's log and at /readyz. The device \
                 tries again by itself."
            }
            Self::CredentialExpired => {
                "The credential's time is over. Make a new one on the device's page and give it to the \
                 device, or let it bootstrap anew."
            }
            Self::CredentialNotYetValid => {
                "The credential is good from a later time on. Look at the server's clock, or make a \
                 credential that is good now."
            }
            Self::CredentialRevoked => {
                "The credential was taken away; who did it stands in the audit log. If the device shall \
                 come back, make a new credential on its page. If not, somebody still holds the old \
                 one: find it."
            }
            Self::CredentialReplaced => {
                "Another credential of this device has proved itself and taken this one's place. The \
                 device fell back to the old one, or two devices share an identity. Let the device \
                 bootstrap anew, or give it the new credential."
            }
            Self::CredentialKindNotAllowed => {
                "The credential is good, and the device's class does not let in its kind. Give the device a \
                 credential of a kind that the class lets in, put it into another class, or change what \
                 its class lets in."
            }
            Self::UnknownPublicKey => {
                "No device has this raw public key. Compare its SHA-256 with the one in the device. If the \
                 device is yours, give it a credential of that key on its page; if its key was made \
                 anew, its old one is of no use any more."
            }
            Self::UnknownCertificate => {
                "The certificate is good, and nothing in it is the name of a device's credential. Look at \
                 what the class says a certificate names its device by (common name, subject alternative \
                 name, serial number or key), and give the device a credential of that name."
            }
            Self::AmbiguousCertificate => {
                "Several devices have a credential that this certificate fits, each by another of its names. \
                 Take the name off all but one, or pin the certificate to the device it belongs to."
            }
            Self::CertificateUntrusted => {
                "The certificate leads to no authority that is trusted here, or its chain is not complete. Add \
                 the authority, let the device send the certificates in between, or pin the device's \
                 certificate on its page."
            }
            Self::CertificateExpired => {
                "The device needs a new certificate: rotate its credential, or let it bootstrap anew. If the \
                 date is not past, look at the server's clock."
            }
            Self::CertificateNotYetValid => {
                "The certificate is good from a later time on. Look at the server's clock, and at that of the \
                 machine which has issued the certificate."
            }
            Self::CertificateRevoked => {
                "The authority's revocation list names this certificate. If the device shall come back, issue \
                 a new certificate for a new key; if not, somebody still holds the old one: find it."
            }
            Self::BootstrapCredentialAtManagement => {
                "The device uses its bootstrap credential where it should use its management one. Point \
                 its server URI at the bootstrap port (5784 unless it was changed) and mark that \
                 account as bootstrap server, or give it a management credential."
            }
            Self::ManagementCredentialAtBootstrap => {
                "The device uses its management credential at the bootstrap server. Point its server \
                 URI at the management port (5684 unless it was changed), or give it a bootstrap \
                 credential."
            }
            Self::DeviceRemoved => {
                "The device was removed here and tries to come back. If it shall, add it anew under its \
                 name; if not, take its credentials off the device or switch it off."
            }
            Self::QuotaUsedUp => {
                "The claim has enrolled as many devices as it may. If more are to come, open a new \
                 claim with a new credential; if not, find out who uses this one."
            }
            Self::ClaimWindowClosed => {
                "The claim is not open yet, or it has closed. Open a new claim with a new credential \
                 for the devices that are still to come."
            }
            Self::SecondClaim => {
                "A device of this name has enrolled itself by a claim already. If it lost what it was \
                 given then, approve it here: it may claim once more within the hour. If not, two \
                 devices have one serial number, or somebody copies one."
            }
            Self::EndpointNotIdentity => {
                "The device names an endpoint that its credential does not belong to. Let it send the \
                 endpoint name that the credential was made for, or none at all: the identity tells who \
                 it is."
            }
            Self::MissingEndpoint => {
                "The request names no endpoint, and nothing else tells who sent it. Let the client send \
                 ep=, or come with a credential."
            }
            Self::MalformedRegister => {
                "A parameter or the list of objects breaks the specification; the details say which. \
                 Correct it in the client's configuration, or bring the client up to date."
            }
            Self::UnsupportedVersion => {
                "This server speaks LwM2M 1.0 and 1.1. Let the client send lwm2m=1.1 or lwm2m=1.0, and \
                 no object of a later version."
            }
            Self::SecuredEndpointWithoutSecurity => {
                "This endpoint has a credential, so it may not come without security. Let the device \
                 use it at the coaps port; if somebody else uses its name, find out who."
            }
            Self::NotEnrolled => {
                "This server takes devices that were added. If the device is yours, add it by the \
                 button here and give it a credential."
            }
            Self::FleetFull => {
                "The server holds as many devices as it may. Remove devices that are gone, or raise the \
                 limit in the configuration."
            }
            Self::UnknownRegistration => {
                "The device goes on with a registration that this server does not know: it expired, or \
                 it belongs to another device. Most devices register anew by themselves; if this one \
                 does not, restart it."
            }
            Self::NoBootstrapPlan => {
                "The device's bootstrap plan is missing or can not be sent. Look at the plan of the \
                 device or of its class, mend what is marked there, and let the device try again."
            }
            Self::BootstrapRefused => {
                "The device answered a step with an error; the bootstrap's record shows which and what \
                 it said. Mostly it lacks an object or a resource that the plan writes: take it out of \
                 the plan."
            }
            Self::InconsistentConfiguration => {
                "The device answered Finish with 4.06: something that belongs together is missing. The \
                 bootstrap's record says what was written; compare it with what the device needs and \
                 add that to the plan."
            }
            Self::BootstrapTimedOut => {
                "The device answered for a while and stopped. It tries again by itself in most cases; \
                 if it stops at the same step each time, the bootstrap's record shows at which."
            }
            Self::NeverRegisteredAfterBootstrap => {
                "The device took everything and did not register afterwards. Look whether it can reach \
                 the management address that was written (name, port, firewall), and whether this diary \
                 holds a handshake of its new identity."
            }
            Self::SleepingTooLong => {
                "The device was not heard within its lifetime, so that its registration has ended. Look \
                 at its power and its network first. If it sleeps by design, give it a lifetime longer \
                 than its sleep."
            }
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
