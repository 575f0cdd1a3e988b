//! Certificate authorities: whom the server trusts to say which device is which, what they have taken back, and the
//! server's own one.
//!
//! Issuing needs a key, randomness and a library of cryptography, none of which has a place here: [`Issuer`] is the port.

use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

use crate::{
    AuthorityId, Certificate, CertificateError, EndpointName, Fingerprint, KeyPair, PublicId, Timestamp,
    credential::number,
};

/// An authority that is trusted to name devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Its row.
    pub id: AuthorityId,
    /// Its name in URLs.
    pub public_id: PublicId,
    /// What people call it; unique.
    pub name: String,
    /// Its certificate, in DER; unique.
    pub certificate: Vec<u8>,
    /// Of its subject's name, in DER: what it has issued names it so.
    pub subject_name: Fingerprint,
    /// Whether its key is the server's.
    pub own: bool,
    /// Until when its certificate is good.
    pub not_after: Timestamp,
    /// What it has taken back.
    pub revocations: Option<RevocationList>,
    /// Who added it, by name.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// What an authority has taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// The list, in DER.
    pub der: Vec<u8>,
    /// Its number, as hexadecimal digits without leading zeros; none if it has none.
    pub number: Option<String>,
    /// When it was made.
    pub this_update: Timestamp,
    /// When there is to be another one.
    pub next_update: Option<Timestamp>,
    /// How many certificates it takes back.
    pub revoked: u32,
}

/// Why a list can't be that of an authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevocationListError {
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] CertificateError),
    /// Another authority has issued it.
    #[error("this list was issued by somebody else: look at its issuer")]
    ForeignIssuer,
    /// The authority has not signed it.
    #[error("the signature of this list is not that of this authority")]
    BadSignature,
    /// It is of no use to the handshakes, such as one without a number (RFC 5280 §5.2.3).
    #[error(
        "handshakes can't use this list ({why}): let its authority issue a list of version 2 with a number (crlNumber)"
    )]
    Unusable {
        /// Why not.
        why: String,
    },
    /// A newer one is there.
    #[error("this list is older than the one that is there")]
    Older,
    /// It takes back more than is looked through.
    #[error("a list takes back at most {max} certificates", max = RevocationList::MAX_REVOKED)]
    TooManyRevoked,
}

/// Makes keys and certificates. Implemented by the server; by a deterministic one in tests.
pub trait Issuer: Send + Sync + 'static {
    /// Makes a key pair on P-256: PKCS#8, and [`Public::Key`](crate::Public).
    fn key_pair(&self) -> Result<KeyPair, IssueError>;

    /// Makes an authority: a key pair and [`Public::Chain`](crate::Public) of one certificate that the key itself has signed.
    fn authority(&self, name: &str, valid: Validity) -> Result<KeyPair, IssueError>;

    /// Issues a certificate by an authority, for a public key (SubjectPublicKeyInfo, in DER) or for a new key pair.
    fn issue(
        &self,
        authority: &KeyPair,
        subject: &CertificateSubject,
        public_key: Option<&[u8]>,
        valid: Validity,
    ) -> Result<IssuedCertificate, IssueError>;
}

/// Whom a certificate is issued to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSubject {
    /// A device: its endpoint name is the common name, and where it may stand in one a subject alternative name
    /// (`urn:` as URI); for client authentication.
    Device(EndpointName),
    /// This server: the host names and addresses by which devices reach it; for server authentication.
    Server(Vec<String>),
}

/// From when until when a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From then on.
    pub from: Timestamp,
    /// Until then.
    pub to: Timestamp,
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// It, and those that lead to its authority, in DER. The authority's own is left out.
    pub chain: Vec<Vec<u8>>,
    /// The private key, if it was made.
    pub private: Option<crate::PrivateKey>,
}

/// Why nothing was issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no certificate could be issued: {reason}")]
pub struct IssueError {
    /// What the library says.
    pub reason: String,
}

/// A key of the server's own, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnKey {
    /// That of its authority.
    Authority,
    /// The one by which devices know it.
    Server,
}

/// How devices know this server: what bootstrap writes to `/0/x/4`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerKeys {
    /// For raw public keys: the SubjectPublicKeyInfo, in DER.
    pub public_key: Option<Vec<u8>>,
    /// For certificates: the server's, in DER.
    pub certificate: Option<Vec<u8>>,
}

/// Why a chain that a device came with is not trusted, as the handshake has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// One of its certificates is past its time.
    Expired,
    /// The time of one has not come.
    NotYetValid,
    /// The authority has taken one back.
    Revoked,
    /// It leads to no authority that is trusted, or something is wrong with it. A pinned key is let in all the same.
    Unknown {
        /// What was found, in one line.
        detail: String,
    },
}

impl Authority {
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 64;
    /// How many there may be.
    pub const MAX: usize = 64;
    /// What the server's own one is called.
    pub const OWN_NAME: &str = "Muster";
    /// For how long the certificates of the server itself and of its own authority are good.
    pub const OWN_VALID: std::time::Duration = std::time::Duration::from_secs(20 * 365 * 86_400);
    /// For how long the certificates are good that are issued to devices. Rotation is due long before.
    pub const DEVICE_VALID: std::time::Duration = std::time::Duration::from_secs(365 * 86_400);
}

impl RevocationList {
    /// How many bytes a list has at most.
    pub const MAX_BYTES: usize = 4 * 1_024 * 1_024;
    /// How many certificates a list takes back at most.
    pub const MAX_REVOKED: usize = 65_536;

    /// Reads a list in DER that `authority` (its certificate, in DER) has signed.
    pub fn parse(der: &[u8], authority: &[u8]) -> Result<Self, RevocationListError> {
        if der.len() > Self::MAX_BYTES {
            return Err(CertificateError::TooLong { max: Self::MAX_BYTES, len: der.len() }.into());
        }
        let list = parsed(der)?;
        let unreadable = CertificateError::Malformed { what: "certificate" };
        let (_, authority) = X509Certificate::from_der(authority).map_err(|_| unreadable)?;
        if list.issuer().as_raw() != authority.subject().as_raw() {
            return Err(RevocationListError::ForeignIssuer);
        }
        list.verify_signature(authority.public_key()).map_err(|_| RevocationListError::BadSignature)?;
        // By what the handshakes read it with.
        webpki::OwnedCertRevocationList::from_der(der)
            .map_err(|error| RevocationListError::Unusable { why: error.to_string() })?;
        let revoked = list.iter_revoked_certificates().count();
        if revoked > Self::MAX_REVOKED {
            return Err(RevocationListError::TooManyRevoked);
        }
        let at = |seconds: i64| Timestamp(seconds.saturating_mul(1_000));
        Ok(Self {
            der: der.to_vec(),
            number: list.crl_number().map(|value| number(&value.to_bytes_be())),
            this_update: at(list.last_update().timestamp()),
            next_update: list.next_update().map(|time| at(time.timestamp())),
            revoked: u32::try_from(revoked).unwrap_or(u32::MAX),
        })
    }

    /// Whether this list may take the place of another one: its number is not lower, or where one of them has none, it was
    /// not made before.
    pub fn follows(&self, before: &Self) -> bool {
        match (&self.number, &before.number) {
            (Some(number), Some(before)) => (number.len(), number) >= (before.len(), before),
            _ => self.this_update >= before.this_update,
        }
    }

    /// The serial numbers that it takes back, as [`Certificate::serial`] has them.
    pub fn serials(&self) -> std::collections::BTreeSet<String> {
        let list = parsed(&self.der);
        let serials = list.iter().flat_map(|list| list.iter_revoked_certificates());
        serials.map(|revoked| number(revoked.raw_serial())).collect()
    }
}

impl OwnKey {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Authority, Self::Server];

    /// A word for it, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Server => "server",
        }
    }
}

impl ServerKeys {
    /// Of the server's own key pair.
    pub fn of(pair: &KeyPair) -> Self {
        let facts = Certificate::parse(pair.leaf()).ok();
        Self { public_key: facts.map(|facts| facts.public_key), certificate: Some(pair.leaf().to_vec()) }
    }
}

fn parsed(der: &[u8]) -> Result<CertificateRevocationList<'_>, CertificateError> {
    let malformed = CertificateError::Malformed { what: "revocation list" };
    let (rest, list) = CertificateRevocationList::from_der(der).map_err(|_| malformed)?;
    if rest.is_empty() { Ok(list) } else { Err(malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate;

    #[test]
    fn a_list_that_handshakes_cannot_use_is_refused_with_what_to_do() {
        // By `openssl ca -gencrl` without a crlnumber file: version 1, without a number.
        let read = |hex: &str| hex.split_whitespace().collect::<String>();
        let authority = certificate::certificate(read(AUTHORITY).as_bytes()).unwrap();
        let list = certificate::revocation_list(read(LIST).as_bytes()).unwrap();
        let refused = RevocationList::parse(&list, &authority).unwrap_err();
        assert!(matches!(refused, RevocationListError::Unusable { .. }), "{refused:?}");
        assert!(refused.to_string().contains("crlNumber"), "{refused}");
    }

    const AUTHORITY: &str = "
        3082017430820119a00302010202142e72ddd99e3713ced6575b4eb5e49904b26057b3300a06082a8648ce3d040302300e31
        0c300a06035504030c034f6c643020170d3236313132323138353033345a180f32313236313032393138353033345a300e31
        0c300a06035504030c034f6c643059301306072a8648ce3d020106082a8648ce3d030107034200046f1af6d758a9d7e322c5
        2922385a4f753e30bc928050b3527c58cc42465868841dde9629379eb703162a086ef08f0b8b651a9377558a4fdbf58d5c9c
        d110b0fea3533051301d0603551d0e041604143c89629c876e5a8226165590ff0ef07f1e2744d9301f0603551d2304183016
        80143c89629c876e5a8226165590ff0ef07f1e2744d9300f0603551d130101ff040530030101ff300a06082a8648ce3d0403
        020349003046022100aa7f01fc404db4bbc27294e1f8a25944ecde72e989515f961421a743eabd4cfb022100ac7bd085184e
        7d3dfc745624418a22ea8c6c55b75d32bb5f99467f90c9dd8eb1";
    const LIST: &str = "
        308194303c300a06082a8648ce3d040302300e310c300a06035504030c034f6c64170d3236313132323138353033345a180f
        32313236313032393138353033345a300a06082a8648ce3d0403020348003045022003471d9cb59a58d107285eb1aadb3779
        1b662060d2bb04b2f54c741cce2d93a1022100f23284ecc735a0234144b053d7edc29217d99b988fa7ee5aecb5ee7ca579b8
        c2";
}
