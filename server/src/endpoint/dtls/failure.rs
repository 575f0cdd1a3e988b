//! How a handshake fails: what the client is told, and what a person reads.

use dtls::{Alert, Claim, Failure, Reason, Step};
use fleet::{DiaryCause, PskIdentity};

use super::{gate::Refused, suites};

/// The alert that a refusal is told by. Who has proved nothing learns only that its identity opens nothing.
pub(super) fn alert(refused: &Refused, proved: bool) -> Alert {
    match refused.cause {
        DiaryCause::ServerUnavailable => Alert::INTERNAL_ERROR,
        DiaryCause::CertificateExpired | DiaryCause::CertificateNotYetValid => Alert::CERTIFICATE_EXPIRED,
        DiaryCause::CertificateRevoked => Alert::CERTIFICATE_REVOKED,
        DiaryCause::CertificateUntrusted => Alert::UNKNOWN_CA,
        DiaryCause::UnknownCertificate => Alert::CERTIFICATE_UNKNOWN,
        _ if proved => Alert::ACCESS_DENIED,
        _ => Alert::UNKNOWN_PSK_IDENTITY,
    }
}

/// Under which cause a failure is filed; none where nobody needs to know.
pub(super) fn cause(reason: &Reason) -> Option<DiaryCause> {
    Some(match reason {
        Reason::TakenBack => return None,
        Reason::Version(_) => DiaryCause::NoCommonVersion,
        Reason::NoCommonSuite | Reason::NoCommon { .. } => DiaryCause::NoCommonSuite,
        Reason::Malformed { .. }
        | Reason::Unexpected { .. }
        | Reason::WrongFinished
        | Reason::WrongSignature
        | Reason::NoCertificate
        | Reason::WrongServer
        | Reason::Computation => DiaryCause::MalformedHandshake,
        Reason::TimedOut | Reason::BegunAnew => DiaryCause::HandshakeTimedOut,
        Reason::AlertReceived(_) => DiaryCause::HandshakeAborted,
        Reason::WrongKey => DiaryCause::WrongKey,
        Reason::TooMany { .. } => DiaryCause::TooManyHandshakes,
        // Its cause is the refusal's.
        Reason::Refused(_) => return None,
    })
}

/// Who a peer said it is, as people know it.
pub(super) fn subject(claim: &Claim) -> String {
    match claim {
        Claim::Psk(identity) => PskIdentity::new(identity.as_slice())
            .map_or_else(|_| format!("an identity of {} bytes", identity.len()), |identity| identity.text()),
        Claim::RawPublicKey(key) => format!("raw public key {}", fleet::Fingerprint::of(key)),
        Claim::Certificate { chain, .. } => match chain.first().map(|first| fleet::Certificate::parse(first))
        {
            Some(Ok(certificate)) => certificate.to_string(),
            _ => "a certificate that can't be read".to_owned(),
        },
    }
}

/// What a person reads of a failure.
pub(super) fn detail(failure: &Failure) -> String {
    let what = match &failure.reason {
        Reason::NoCommonSuite => {
            return format!("offered: {}; served: {}", suites::names(&failure.offered), suites::served());
        }
        Reason::NoCommon { what } => {
            return format!(
                "no {what} of the client's is served, for these suites: {}",
                suites::names(&failure.offered)
            );
        }
        Reason::AlertReceived(alert) => format!("alert {}: {}", step(failure.step), explained(*alert)),
        Reason::TimedOut => format!("nothing came {}", step(failure.step)),
        Reason::BegunAnew => format!("the client began anew {}", step(failure.step)),
        Reason::WrongKey => "the client's Finished can't be decrypted by the key that is stored".to_owned(),
        other => format!("{other}, {}", step(failure.step)),
    };
    if failure.offered.is_empty() {
        what
    } else {
        format!("{what}; offered: {}", suites::names(&failure.offered))
    }
}

fn step(step: Step) -> &'static str {
    match step {
        Step::ClientHello => "at its ClientHello",
        Step::ClientKeyExchange => "after our ServerHelloDone",
        Step::Caller => "while it was looked up",
        Step::Finished => "after its ClientKeyExchange",
        Step::ServerHello => "after our ClientHello",
        Step::ServerFinished => "after our Finished",
    }
}

/// An alert of a client, and what is behind it most of the time.
fn explained(alert: Alert) -> String {
    let (name, meaning) = match alert.0 {
        0 => ("close_notify", "the client gave up"),
        10 => ("unexpected_message", "the client takes a message of the handshake for misplaced"),
        20 => ("bad_record_mac", "the client's key is another, or the datagram was altered"),
        40 => ("handshake_failure", "the client takes no suite or parameter that was chosen"),
        42 => ("bad_certificate", "the client can't use the server's certificate"),
        43 => ("unsupported_certificate", "the client takes no certificate of this kind"),
        44 => ("certificate_revoked", "the client takes the server's certificate for revoked"),
        45 => ("certificate_expired", "the server's certificate is not valid by the client's clock"),
        46 => ("certificate_unknown", "the client does not accept the server's certificate"),
        47 => ("illegal_parameter", "the client takes a field of the handshake for wrong"),
        48 => ("unknown_ca", "the client does not know the authority of the server's certificate"),
        50 => ("decode_error", "the client can't read a message of the handshake"),
        51 => ("decrypt_error", "the client's key is another, or it was told of another server key"),
        70 => ("protocol_version", "the client does not speak DTLS 1.2"),
        71 => ("insufficient_security", "the client demands a stronger suite"),
        80 => ("internal_error", "the client failed for reasons of its own: no memory, no key configured"),
        90 => ("user_canceled", "the client gave up"),
        110 => ("unsupported_extension", "the client takes an extension for one it has not asked for"),
        115 => ("unknown_psk_identity", "the client has no identity for this server"),
        other => return format!("alert {other}"),
    };
    format!("{name}: {meaning}")
}
