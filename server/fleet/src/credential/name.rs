//! What a handshake names a credential by.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{
    CredentialKind, PskIdentity,
    hex::{from_hex, hex},
};

/// What a handshake names a credential by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialName {
    /// Of a pre-shared key: its identity.
    Psk(PskIdentity),
    /// Of a raw public key: its fingerprint.
    PublicKey(Fingerprint),
    /// Of an X.509 certificate: something that stands in it.
    Certificate(CertificateName),
}

/// What of a certificate names its device; the class says which of them counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateName {
    /// The common name of its subject.
    CommonName(String),
    /// One of its subject alternative names: a DNS name, a URI or a mail address.
    SubjectAltName(String),
    /// Its serial number: hexadecimal digits in lower case, without leading zeros. Of whatever issuer that is trusted.
    SerialNumber(String),
    /// The key it is for, whoever has issued it: a pinned certificate.
    PublicKey(Fingerprint),
}

/// SHA-256 of a SubjectPublicKeyInfo, or of another thing in DER.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// Why a text is no name of a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty or longer than [`CertificateName::MAX_BYTES`].
    #[error("a name of a certificate has 1 to {max} bytes, this one has {len}", max = CertificateName::MAX_BYTES)]
    Length {
        /// Its length.
        len: usize,
    },
    /// It does not begin with `cn:`, `san:`, `serial:` or `spki:`.
    #[error("a name of a certificate begins with cn:, san:, serial: or spki:")]
    NoPrefix,
    /// Its digits are no hexadecimal number, or no SHA-256.
    #[error("spki: takes the 64 hexadecimal digits of a SHA-256, and serial: at most 40 such digits")]
    NotHex,
    /// It is no PSK identity.
    #[error(transparent)]
    Psk(#[from] super::PskError),
}

impl CredentialName {
    /// Of what kind the credentials are that are named so.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Psk(_) => CredentialKind::Psk,
            Self::PublicKey(_) => CredentialKind::RawPublicKey,
            Self::Certificate(_) => CredentialKind::Certificate,
        }
    }

    /// The PSK identity, if it is one.
    pub fn psk(&self) -> Option<&PskIdentity> {
        match self {
            Self::Psk(identity) => Some(identity),
            Self::PublicKey(_) | Self::Certificate(_) => None,
        }
    }

    /// As it is shown: a PSK identity by [`PskIdentity::text`], the others as `spki:…`, `cn:…`, `san:…`, `serial:…`.
    pub fn text(&self) -> String {
        match self {
            Self::Psk(identity) => identity.text(),
            Self::PublicKey(fingerprint) => format!("{SPKI}{fingerprint}"),
            Self::Certificate(name) => name.text(),
        }
    }

    /// The reverse of [`CredentialName::text`].
    pub fn from_text(kind: CredentialKind, text: &str) -> Result<Self, NameError> {
        Ok(match kind {
            CredentialKind::Psk => Self::Psk(PskIdentity::from_text(text)?),
            CredentialKind::RawPublicKey => {
                let digits = text.strip_prefix(SPKI).ok_or(NameError::NoPrefix)?;
                Self::PublicKey(Fingerprint::from_hex(digits).ok_or(NameError::NotHex)?)
            }
            CredentialKind::Certificate => Self::Certificate(CertificateName::from_text(text)?),
        })
    }

    /// As the store looks it up, within its kind.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Psk(identity) => identity.as_bytes().to_vec(),
            Self::PublicKey(fingerprint) => fingerprint.0.to_vec(),
            Self::Certificate(name) => name.text().into_bytes(),
        }
    }

    /// The reverse of [`CredentialName::to_bytes`]; none where the bytes are no name of that kind.
    pub fn from_bytes(kind: CredentialKind, bytes: &[u8]) -> Option<Self> {
        match kind {
            CredentialKind::Psk => PskIdentity::new(bytes).ok().map(Self::Psk),
            CredentialKind::RawPublicKey => bytes.try_into().ok().map(Fingerprint).map(Self::PublicKey),
            CredentialKind::Certificate => {
                let name = CertificateName::from_text(std::str::from_utf8(bytes).ok()?).ok()?;
                Some(Self::Certificate(name))
            }
        }
    }
}

impl CertificateName {
    /// How many bytes a common name or subject alternative name has at most: as many as an endpoint name.
    pub const MAX_BYTES: usize = crate::EndpointName::MAX_BYTES;
    /// How many digits a serial number has at most: 20 bytes (RFC 5280 §4.1.2.2).
    pub const MAX_DIGITS: usize = 40;

    /// A serial number as it stands in a certificate, big endian.
    pub fn serial(bytes: &[u8]) -> Self {
        Self::SerialNumber(number(bytes))
    }

    /// As it is shown and kept.
    pub fn text(&self) -> String {
        match self {
            Self::CommonName(name) => format!("{COMMON_NAME}{name}"),
            Self::SubjectAltName(name) => format!("{SUBJECT_ALT_NAME}{name}"),
            Self::SerialNumber(digits) => format!("{SERIAL}{digits}"),
            Self::PublicKey(fingerprint) => format!("{SPKI}{fingerprint}"),
        }
    }

    /// The reverse of [`CertificateName::text`]. A serial number is taken with colons and leading zeros too.
    pub fn from_text(text: &str) -> Result<Self, NameError> {
        let fits = |name: &str| match (1..=Self::MAX_BYTES).contains(&name.len()) {
            true => Ok(name.to_owned()),
            false => Err(NameError::Length { len: name.len() }),
        };
        if let Some(name) = text.strip_prefix(COMMON_NAME) {
            return fits(name).map(Self::CommonName);
        }
        if let Some(name) = text.strip_prefix(SUBJECT_ALT_NAME) {
            return fits(name).map(Self::SubjectAltName);
        }
        if let Some(digits) = text.strip_prefix(SPKI) {
            return Fingerprint::from_hex(digits).map(Self::PublicKey).ok_or(NameError::NotHex);
        }
        let digits = text.strip_prefix(SERIAL).ok_or(NameError::NoPrefix)?.replace(':', "");
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = digits.trim_start_matches('0').to_ascii_lowercase();
        match is_number && digits.len() <= Self::MAX_DIGITS {
            true if digits.is_empty() => Ok(Self::SerialNumber("0".to_owned())),
            true => Ok(Self::SerialNumber(digits)),
            false => Err(NameError::NotHex),
        }
    }
}

impl Fingerprint {
    /// Of something in DER.
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// Takes 64 hexadecimal digits, also with colons between the bytes.
    pub fn from_hex(text: &str) -> Option<Self> {
        from_hex(&text.replace(':', ""))?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CredentialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl From<PskIdentity> for CredentialName {
    fn from(identity: PskIdentity) -> Self {
        Self::Psk(identity)
    }
}

/// A number as hexadecimal digits without leading zeros.
pub(crate) fn number(bytes: &[u8]) -> String {
    let digits = hex(bytes);
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() { "0".to_owned() } else { digits.to_owned() }
}

const COMMON_NAME: &str = "cn:";
const SUBJECT_ALT_NAME: &str = "san:";
const SERIAL: &str = "serial:";
const SPKI: &str = "spki:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_so_that_it_can_be_read_back() {
        let fingerprint = Fingerprint::of(b"a key");
        for name in [
            CredentialName::Psk(PskIdentity::new("cn:node-7").unwrap()),
            CredentialName::Psk(PskIdentity::new([0, 255]).unwrap()),
            CredentialName::PublicKey(fingerprint),
            CredentialName::Certificate(CertificateName::CommonName("ä: node 7".into())),
            CredentialName::Certificate(CertificateName::SubjectAltName("urn:dev:7".into())),
            CredentialName::Certificate(CertificateName::serial(&[0, 0x0a, 0xbc])),
            CredentialName::Certificate(CertificateName::serial(&[])),
            CredentialName::Certificate(CertificateName::PublicKey(fingerprint)),
        ] {
            assert_eq!(CredentialName::from_text(name.kind(), &name.text()), Ok(name.clone()), "{name}");
            assert_eq!(CredentialName::from_bytes(name.kind(), &name.to_bytes()), Some(name));
        }
    }

    #[test]
    fn a_serial_number_is_the_same_however_it_is_written() {
        for text in ["serial:0A:BC", "serial:abc", "serial:0000abc", "serial:ABC"] {
            assert_eq!(CertificateName::from_text(text).unwrap().text(), "serial:abc");
        }
        assert_eq!(CertificateName::from_text("serial:00").unwrap().text(), "serial:0");
    }

    #[test]
    fn a_text_that_is_no_name_says_what_would_be() {
        let long = format!("cn:{}", "x".repeat(253));
        for (text, error) in [
            ("node-7", NameError::NoPrefix),
            ("cn:", NameError::Length { len: 0 }),
            (long.as_str(), NameError::Length { len: 253 }),
            ("serial:", NameError::NotHex),
            ("serial:xyz", NameError::NotHex),
            ("spki:00", NameError::NotHex),
        ] {
            assert_eq!(CertificateName::from_text(text), Err(error), "{text}");
        }
        assert_eq!(CredentialName::from_bytes(CredentialKind::RawPublicKey, &[1; 31]), None);
        assert_eq!(CredentialName::from_bytes(CredentialKind::Certificate, b"\xff"), None);
    }
}
