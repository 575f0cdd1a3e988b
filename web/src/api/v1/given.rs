//! Credentials as requests give them: what can't be read is named by its field.

use fleet::{FleetError, GivenCertificate, GivenKey, GivenPsk, PskIdentity, PskKey, certificate};

use super::{
    failure::Failure,
    types::{CredentialKind, GivenCredential, NewPsk},
};

/// A pre-shared key that somebody gives. `within` is the field that holds it, if it is not the body itself.
pub(super) fn psk(psk: NewPsk, within: &str) -> Result<GivenPsk, Failure> {
    let wrong = |part: &str, error: fleet::PskError| Failure::field(&path(within, part), error.to_string());
    let identity = psk.identity.as_deref().map(PskIdentity::from_text).transpose();
    let key = psk.key.as_deref().map(PskKey::from_hex).transpose();
    Ok(GivenPsk {
        identity: identity.map_err(|error| wrong("identity", error))?,
        key: key.map_err(|error| wrong("key", error))?,
    })
}

/// A credential that somebody gives.
pub(super) fn credential(given: GivenCredential, within: &str) -> Result<fleet::GivenCredential, Failure> {
    let GivenCredential { kind, identity, key, public_key, certificate, name } = given;
    let kind = kind.unwrap_or(CredentialKind::Psk);
    let fields = [
        ("identity", identity.is_some(), &[CredentialKind::Psk][..]),
        ("key", key.is_some(), &[CredentialKind::Psk]),
        ("public_key", public_key.is_some(), &[CredentialKind::RawPublicKey, CredentialKind::Certificate]),
        ("certificate", certificate.is_some(), &[CredentialKind::Certificate]),
        ("name", name.is_some(), &[CredentialKind::Certificate]),
    ];
    for (field, is_given, kinds) in fields {
        if is_given && !kinds.contains(&kind) {
            let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
            let detail = format!("goes with the kind {}, and not with {kind}", kinds.join(" or "));
            return Err(Failure::field(&path(within, field), detail));
        }
    }
    Ok(match kind {
        CredentialKind::Psk => psk(NewPsk { identity, key }, within)?.into(),
        CredentialKind::RawPublicKey => fleet::GivenCredential::RawPublicKey(match public_key {
            Some(key) => GivenKey::Public(public_key_of(&key, within)?),
            None => GivenKey::Generated,
        }),
        CredentialKind::Certificate => {
            fleet::GivenCredential::Certificate(x509(public_key, certificate, name, within)?)
        }
    })
}

/// What the domain says of one of the credentials that were given, with the field of the body that held it.
pub(super) fn located(error: FleetError, within: &str) -> Failure {
    match error {
        FleetError::Invalid {
            field: field @ ("kind" | "identity" | "key" | "public_key" | "certificate"),
            reason,
        } => Failure::field(&path(within, field), reason),
        error => error.into(),
    }
}

fn x509(
    public_key: Option<String>,
    certificate: Option<String>,
    name: Option<String>,
    within: &str,
) -> Result<GivenCertificate, Failure> {
    let too_many = |field, other| {
        let detail = format!("a certificate has one of {field} and {other}, not both");
        Err(Failure::field(&path(within, field), detail))
    };
    match (public_key, certificate, name) {
        (Some(_), Some(_), _) => too_many("public_key", "certificate"),
        (Some(_), _, Some(_)) => too_many("public_key", "name"),
        (_, Some(_), Some(_)) => too_many("certificate", "name"),
        (_, Some(given), _) => {
            let der = certificate::certificate(given.as_bytes());
            let der = der.map_err(|error| Failure::field(&path(within, "certificate"), error.to_string()))?;
            Ok(GivenCertificate::Pinned(der))
        }
        (_, _, Some(value)) => Ok(GivenCertificate::Mapped { value: Some(value) }),
        (public_key, None, None) => {
            let public_key = public_key.map(|key| public_key_of(&key, within)).transpose()?;
            Ok(GivenCertificate::Issued { public_key })
        }
    }
}

fn public_key_of(text: &str, within: &str) -> Result<Vec<u8>, Failure> {
    let der = certificate::public_key(text.as_bytes());
    der.map_err(|error| Failure::field(&path(within, "public_key"), error.to_string()))
}

fn path(within: &str, part: &str) -> String {
    if within.is_empty() { part.to_owned() } else { format!("{within}.{part}") }
}
