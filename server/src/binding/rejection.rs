//! What a device is told when its message is not accepted: one code a rule (LwM2M Transport 1.1.1 §6.7).

use fleet::{DiaryCause, Malformed, Purpose, Refusal};
use objects::codec::DecodeError;

/// A negative answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The response code.
    pub(crate) code: coap::Code,
    /// Why, for the diagnostic payload and the device's timeline. It quotes nothing secret.
    pub(crate) reason: String,
    /// What the connection diary says of it; none for what is no matter of getting in.
    pub(crate) cause: Option<DiaryCause>,
}

impl Rejection {
    pub(crate) fn new(code: coap::Code, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), cause: None }
    }

    /// The response; its diagnostic payload (RFC 7252 §5.5.2) is cut so that an answer stays small.
    pub(crate) fn response(&self) -> coap::Response {
        let mut response = coap::Response::new(self.code);
        response.max_age = (self.code == coap::Code::SERVICE_UNAVAILABLE).then_some(COME_AGAIN_S);
        let cut = self.reason.floor_char_boundary(MAX_DIAGNOSTIC_BYTES.min(self.reason.len()));
        response.payload = self.reason.as_bytes()[..cut].to_vec();
        response
    }
}

/// Keeps an error answer below the size that an unverified address may be sent.
const MAX_DIAGNOSTIC_BYTES: usize = 100;

/// After how many seconds somebody who is turned away may come again (RFC 7252 §5.9.3.4; unsaid it would be a minute).
const COME_AGAIN_S: u32 = 10;

impl From<&Refusal> for Rejection {
    fn from(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::Forbidden | Refusal::Removed | Refusal::Secured | Refusal::WrongPurpose { .. } => {
                coap::Code::FORBIDDEN
            }
            Refusal::EndpointNotIdentity | Refusal::Malformed(_) => coap::Code::BAD_REQUEST,
            Refusal::UnsupportedContentFormat { .. } => coap::Code::UNSUPPORTED_CONTENT_FORMAT,
            Refusal::UnsupportedVersion { .. } => coap::Code::PRECONDITION_FAILED,
            // A stranger learns no more than that there is nothing for it here.
            Refusal::ForeignSource
            | Refusal::NotRegisteredPath { .. }
            | Refusal::UnknownObservation
            | Refusal::UnknownRegistration => coap::Code::NOT_FOUND,
            Refusal::Busy | Refusal::FleetFull | Refusal::StoreUnavailable => coap::Code::SERVICE_UNAVAILABLE,
        };
        let reason = match refusal {
            Refusal::ForeignSource => Refusal::UnknownRegistration.to_string(),
            _ => refusal.to_string(),
        };
        Self { code, reason, cause: cause(refusal) }
    }
}

fn cause(refusal: &Refusal) -> Option<DiaryCause> {
    Some(match refusal {
        Refusal::EndpointNotIdentity => DiaryCause::EndpointNotIdentity,
        Refusal::FleetFull => DiaryCause::FleetFull,
        Refusal::Forbidden => DiaryCause::NotEnrolled,
        Refusal::ForeignSource | Refusal::UnknownRegistration => DiaryCause::UnknownRegistration,
        Refusal::Malformed(Malformed::MissingEndpoint) => DiaryCause::MissingEndpoint,
        Refusal::Malformed(_) | Refusal::UnsupportedContentFormat { .. } => DiaryCause::MalformedRegister,
        Refusal::Removed => DiaryCause::DeviceRemoved,
        Refusal::Secured => DiaryCause::SecuredEndpointWithoutSecurity,
        Refusal::UnsupportedVersion { .. } => DiaryCause::UnsupportedVersion,
        Refusal::WrongPurpose { purpose: Purpose::Bootstrap } => DiaryCause::BootstrapCredentialAtManagement,
        Refusal::WrongPurpose { purpose: Purpose::Management } => DiaryCause::ManagementCredentialAtBootstrap,
        Refusal::Busy
        | Refusal::NotRegisteredPath { .. }
        | Refusal::StoreUnavailable
        | Refusal::UnknownObservation => return None,
    })
}

impl From<&DecodeError> for Rejection {
    fn from(error: &DecodeError) -> Self {
        let code = match error {
            DecodeError::Unsupported { .. } | DecodeError::Level { .. } => {
                coap::Code::UNSUPPORTED_CONTENT_FORMAT
            }
            _ => coap::Code::BAD_REQUEST,
        };
        Self { code, reason: error.to_string(), cause: None }
    }
}

#[cfg(test)]
mod tests {
    use objects::{ContentFormat, Version};

    use super::*;

    #[test]
    fn each_refusal_has_the_code_of_the_specification() {
        let rows = [
            (Refusal::Busy, "5.03"),
            (Refusal::FleetFull, "5.03"),
            (Refusal::EndpointNotIdentity, "4.00"),
            (Refusal::Forbidden, "4.03"),
            (Refusal::Removed, "4.03"),
            (Refusal::Secured, "4.03"),
            (Refusal::WrongPurpose { purpose: Purpose::Bootstrap }, "4.03"),
            (Refusal::ForeignSource, "4.04"),
            (Refusal::Malformed(Malformed::MissingEndpoint), "4.00"),
            (Refusal::NotRegisteredPath { path: objects::Path::Root }, "4.04"),
            (Refusal::StoreUnavailable, "5.03"),
            (Refusal::UnknownObservation, "4.04"),
            (Refusal::UnknownRegistration, "4.04"),
            (Refusal::UnsupportedVersion { version: Version { major: 1, minor: 2 } }, "4.12"),
        ];
        for (refusal, code) in rows {
            assert_eq!(Rejection::from(&refusal).code.to_string(), code, "{refusal:?}");
        }
    }

    #[test]
    fn content_that_is_not_understood_is_told_from_content_that_is_broken() {
        let unsupported = DecodeError::Unsupported { format: ContentFormat(9_999) };
        assert_eq!(Rejection::from(&unsupported).code, coap::Code::UNSUPPORTED_CONTENT_FORMAT);
    }

    #[test]
    fn who_is_turned_away_is_told_when_to_come_again() {
        let response = |refusal: Refusal| Rejection::from(&refusal).response();
        assert_eq!(response(Refusal::StoreUnavailable).max_age, Some(10));
        assert_eq!(response(Refusal::Forbidden).max_age, None);
    }

    #[test]
    fn a_stranger_is_told_the_same_as_if_the_registration_were_unknown() {
        let [foreign, unknown] =
            [Refusal::ForeignSource, Refusal::UnknownRegistration].map(|r| Rejection::from(&r));
        assert_eq!(foreign.response(), unknown.response());
    }

    #[test]
    fn the_diagnostic_payload_is_cut_at_a_character() {
        let response = Rejection::new(coap::Code::BAD_REQUEST, "ä".repeat(80)).response();
        assert_eq!(response.payload.len(), 100);
        assert!(String::from_utf8(response.payload).is_ok());
    }
}
