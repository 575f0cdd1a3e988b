//! The connection diary.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

words! {
    /// Why something did not get in.
    DiaryCause = DiaryCause {
        PlainOnSecurePort, DtlsOnPlainPort, MalformedMessage, MalformedHandshake, NoCommonVersion, NoCommonSuite,
        UnknownIdentity, WrongKey, HandshakeTimedOut, HandshakeAborted, TooManyHandshakes, CredentialExpired,
        CredentialNotYetValid, CredentialRevoked, CredentialReplaced, CredentialKindNotAllowed, UnknownPublicKey,
        UnknownCertificate, AmbiguousCertificate, CertificateUntrusted, CertificateExpired, CertificateNotYetValid,
        CertificateRevoked, BootstrapCredentialAtManagement,
        ManagementCredentialAtBootstrap, DeviceRemoved, QuotaUsedUp, ClaimWindowClosed, SecondClaim,
        EndpointNotIdentity, MissingEndpoint, MalformedRegister, UnsupportedVersion, SecuredEndpointWithoutSecurity,
        NotEnrolled, FleetFull, UnknownRegistration, NoBootstrapPlan, BootstrapRefused, InconsistentConfiguration,
        BootstrapTimedOut, NeverRegisteredAfterBootstrap, DownloadRefused, SleepingTooLong, ServerUnavailable,
    }
}

/// Incidents of one cause and one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiaryEntry {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// Why.
    pub cause: DiaryCause,
    /// The cause in a line.
    #[schema(example = "The key is another one")]
    pub title: String,
    /// What can be done about it.
    #[schema(example = "Give the device the key that the server has for this identity.")]
    pub remedy: String,
    /// Who: a PSK identity or an endpoint name, or the address where nothing better is known.
    #[schema(example = "node-7")]
    pub subject: String,
    /// From where, the last time.
    #[schema(example = "192.0.2.7:56830")]
    pub from: String,
    /// At which listener, the last time.
    #[schema(example = "coaps://[::]:5684")]
    pub listener: String,
    /// The device's id, where it is known.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub device: Option<String>,
    /// What was seen the last time.
    #[schema(example = "the record could not be decrypted")]
    pub detail: String,
    /// The first time.
    pub first_at: Time,
    /// The last time.
    pub last_at: Time,
    /// How often.
    #[schema(example = 3)]
    pub count: u64,
    /// When its device was heard after the last incident: it has got in since. Only where one entry is asked for.
    pub got_in_at: Option<Time>,
}

impl From<fleet::DiaryEntry> for DiaryEntry {
    fn from(entry: fleet::DiaryEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            cause: entry.cause.into(),
            title: entry.cause.title().to_owned(),
            remedy: entry.cause.remedy().to_owned(),
            subject: entry.subject,
            from: entry.from.to_string(),
            listener: entry.listener,
            device: entry.device.map(|id| id.to_string()),
            detail: entry.detail,
            first_at: entry.first_at.into(),
            last_at: entry.last_at.into(),
            count: entry.count,
            got_in_at: None,
        }
    }
}
