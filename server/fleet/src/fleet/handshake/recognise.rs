//! Those who have proved that they hold a private key: whom it belongs to.

use super::Closed;
use crate::{
    Certificate, CertificateName, Class, Credential, CredentialName, DiaryCause, Distrust, Fingerprint,
    Fleet, FleetError, Holder, Opening, Purpose, Timestamp, fleet::when::utc,
};

/// A credential that something in a certificate names.
struct Candidate {
    credential: Credential,
    /// The class of whoever holds it; none where they are not there any more.
    class: Option<Class>,
}

/// Whom a certificate belongs to.
#[derive(Debug, PartialEq)]
enum Match {
    /// This credential, whatever it opens.
    One(Box<Credential>),
    /// Several, which different devices hold.
    Several,
    /// One that no trusted authority vouches for.
    Untrusted(Option<Holder>),
    /// Nobody.
    Nobody,
}

impl Fleet {
    /// Whom a raw public key belongs to, a SubjectPublicKeyInfo in DER: who holds its private key has come to the server
    /// for `purpose`.
    pub async fn opening_by_key(
        &self,
        purpose: Purpose,
        public_key: &[u8],
        now: Timestamp,
    ) -> Result<Result<Opening, Closed>, FleetError> {
        let fingerprint = Fingerprint::of(public_key);
        let Some((credential, _)) =
            self.store.credential_by_name(&CredentialName::PublicKey(fingerprint)).await?
        else {
            let detail = format!("no credential has the key spki:{fingerprint}");
            return Ok(Err(Closed { cause: DiaryCause::UnknownPublicKey, device: None, detail }));
        };
        Ok(self.judge(credential, purpose, now).await?.map(|found| found.opening(None)))
    }

    /// Whom a certificate belongs to: who holds its private key has come to the server for `purpose`, and `trusted` says what
    /// became of its chain.
    ///
    /// Everything in it that may name a device is looked up, and the class of the device says what counts. A pinned key
    /// counts in every class, and no authority needs to vouch for it.
    pub async fn opening_by_certificate(
        &self,
        purpose: Purpose,
        certificate: &Certificate,
        trusted: Result<(), Distrust>,
        now: Timestamp,
    ) -> Result<Result<Opening, Closed>, FleetError> {
        let names: Vec<_> = certificate.names().into_iter().map(CredentialName::Certificate).collect();
        let mut candidates = Vec::new();
        for (credential, _) in self.store.credentials_by_names(&names).await? {
            let class = self.class_of(&credential).await?;
            candidates.push(Candidate { credential, class });
        }
        let closed = |cause, holder: Option<Holder>, detail: String| {
            let device = holder.and_then(|holder| match holder {
                Holder::Device(device) => Some(device),
                Holder::Claim(_) => None,
            });
            Ok(Err(Closed { cause, device, detail }))
        };
        let credential = match choose(candidates, purpose, trusted.is_ok()) {
            Match::One(credential) => credential,
            Match::Several => {
                let detail = format!("{certificate}: several devices are named by what stands in it");
                return closed(DiaryCause::AmbiguousCertificate, None, detail);
            }
            Match::Untrusted(holder) => {
                let (cause, why) = distrusted(trusted.err());
                return closed(cause, holder, format!("{certificate}: {why}"));
            }
            Match::Nobody => {
                let (cause, why) = match trusted {
                    Ok(()) => (DiaryCause::UnknownCertificate, "no credential is of a name in it".to_owned()),
                    Err(distrust) => distrusted(Some(distrust)),
                };
                return closed(cause, None, format!("{certificate}: {why}"));
            }
        };
        let holder = Some(credential.holder);
        if now < certificate.not_before {
            let detail = format!("{certificate}: good from {} on", utc(certificate.not_before));
            return closed(DiaryCause::CertificateNotYetValid, holder, detail);
        }
        // The second it names is its last one (RFC 5280 §4.1.2.5).
        if certificate.not_after.after(LAST_SECOND) <= now {
            let detail = format!("{certificate}: its time was over on {}", utc(certificate.not_after));
            return closed(DiaryCause::CertificateExpired, holder, detail);
        }
        // What is past its time or taken back is let in by no pin.
        if let Err(distrust @ (Distrust::Expired | Distrust::NotYetValid | Distrust::Revoked)) = trusted {
            let (cause, why) = distrusted(Some(distrust));
            return closed(cause, holder, format!("{certificate}: {why}"));
        }
        Ok(self.judge(*credential, purpose, now).await?.map(|found| found.opening(None)))
    }
}

/// Whom a certificate belongs to, among all whose credentials something in it names.
fn choose(candidates: Vec<Candidate>, purpose: Purpose, trusted: bool) -> Match {
    let is_pin = |credential: &Credential| {
        matches!(credential.identity, CredentialName::Certificate(CertificateName::PublicKey(_)))
    };
    // What was said of this very key comes before everything that is said of names: if it was taken back, it was.
    let pin = candidates.iter().find(|candidate| is_pin(&candidate.credential));
    if let Some(pin) = pin.filter(|pin| pin.credential.purpose == purpose || !pin.credential.state.opens()) {
        return Match::One(Box::new(pin.credential.clone()));
    }
    let counts = |candidate: &Candidate| match (&candidate.credential.identity, &candidate.class) {
        (CredentialName::Certificate(name), Some(class)) => class.policy.mapping.takes(name),
        // Whoever held it is not there any more, which is what they are told.
        (CredentialName::Certificate(_), None) => true,
        _ => false,
    };
    let counting: Vec<Credential> =
        candidates.into_iter().filter(counts).map(|candidate| candidate.credential).collect();
    let (believed, unbelieved): (Vec<_>, Vec<_>) =
        counting.into_iter().partition(|credential| trusted || is_pin(credential));
    let opens = believed.iter().any(|credential| credential.state.opens());
    let standing: Vec<_> = believed.into_iter().filter(|one| one.state.opens() == opens).collect();
    if standing.iter().any(|one| opens && one.holder != standing[0].holder) {
        return Match::Several;
    }
    match standing.into_iter().max_by_key(|one| (one.purpose == purpose, one.created_at)) {
        Some(credential) => Match::One(Box::new(credential)),
        None if unbelieved.is_empty() => Match::Nobody,
        None => Match::Untrusted(unbelieved.first().map(|credential| credential.holder)),
    }
}

fn distrusted(distrust: Option<Distrust>) -> (DiaryCause, String) {
    match distrust {
        Some(Distrust::Expired) => {
            (DiaryCause::CertificateExpired, "it, or one in its chain, is past its time".to_owned())
        }
        Some(Distrust::NotYetValid) => (
            DiaryCause::CertificateNotYetValid,
            "its time, or that of one in its chain, has not come".to_owned(),
        ),
        Some(Distrust::Revoked) => (
            DiaryCause::CertificateRevoked,
            "its authority has taken it, or one in its chain, back".to_owned(),
        ),
        Some(Distrust::Unknown { detail }) => (DiaryCause::CertificateUntrusted, detail),
        None => (DiaryCause::CertificateUntrusted, "no trusted authority vouches for it".to_owned()),
    }
}

const LAST_SECOND: std::time::Duration = std::time::Duration::from_secs(1);
