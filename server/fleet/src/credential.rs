//! Credentials: what a device proves who it is with. Never columns of the device: several may be good at one time, so
//! that a rotation can overlap.
//!
//! A credential is made `staged`, and is `live` from the first handshake with it. `retired` ones were replaced by one that
//! has proved itself, `revoked` ones were taken away; neither opens a session any more.

use std::fmt;

use zeroize::Zeroizing;

use crate::{ClaimId, CredentialId, DeviceId, EndpointName, PublicId, Timestamp};

/// A credential, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its row.
    pub id: CredentialId,
    /// Its name in URLs.
    pub public_id: PublicId,
    /// Who holds it.
    pub holder: Holder,
    /// What it opens.
    pub purpose: Purpose,
    /// What kind of proof it is.
    pub kind: CredentialKind,
    /// Where it stands.
    pub state: CredentialState,
    /// What a handshake names it by: the PSK identity. Unique among all that are neither retired nor revoked.
    pub identity: PskIdentity,
    /// The credential it replaces, or the claim credential it was made for (lineage).
    pub parent: Option<CredentialId>,
    /// Refused before.
    pub valid_from: Timestamp,
    /// Refused from then on.
    pub valid_to: Option<Timestamp>,
    /// Who made it, by name.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state changed last: proved, retired or revoked.
    pub changed_at: Timestamp,
    /// When it opened a session last, by the last written batch.
    pub last_used_at: Option<Timestamp>,
}

/// Who holds a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// One device.
    Device(DeviceId),
    /// All devices of a batch, each for one bootstrap.
    Claim(ClaimId),
}

/// What a credential opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The bootstrap server.
    Bootstrap,
    /// The management server.
    Management,
}

/// What kind of proof a credential is (LwM2M Core 1.1.1 §E.1, Security Mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialKind {
    /// A pre-shared key.
    Psk,
}

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialState {
    /// Made, and accepted; no handshake has proved it yet.
    Staged,
    /// It has proved itself.
    Live,
    /// Another one that has proved itself took its place.
    Retired,
    /// It was taken away.
    Revoked,
}

/// A PSK identity: 1 to 128 bytes (LwM2M Transport 1.1.1 §5.2.8.1), mostly text, to be shown with care.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PskIdentity(Vec<u8>);

/// A pre-shared key: 1 to 64 bytes (LwM2M Transport 1.1.1 §5.2.8.1). Zeroed when dropped, prints redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PskKey(Zeroizing<Vec<u8>>);

/// A credential with its secret, on its way to the store, which seals the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// The credential.
    pub credential: Credential,
    /// Its secret.
    pub key: PskKey,
}

/// A secret that somebody is shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The credential.
    pub credential: Credential,
    /// Its secret; nobody is shown it again.
    pub key: PskKey,
}

/// Who a secure session was authenticated as. Made by a handshake, believed by the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The credential that opened the session.
    pub credential: CredentialId,
    /// Who holds it.
    pub holder: Holder,
    /// What it opens.
    pub purpose: Purpose,
}

/// Why bytes are no PSK identity or key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PskError {
    /// The identity is empty or longer than [`PskIdentity::MAX_BYTES`].
    #[error("a PSK identity has 1 to {max} bytes, this one has {len}", max = PskIdentity::MAX_BYTES)]
    IdentityLength {
        /// Its length.
        len: usize,
    },
    /// The key is shorter than [`PskKey::MIN_BYTES`] or longer than [`PskKey::MAX_BYTES`].
    #[error("a key has {min} to {max} bytes, this one has {len}", min = PskKey::MIN_BYTES, max = PskKey::MAX_BYTES)]
    KeyLength {
        /// Its length.
        len: usize,
    },
    /// The key is not written in hexadecimal digits.
    #[error("a key is written in hexadecimal digits, two a byte")]
    NotHex,
    /// The key is one that everybody knows, such as all zeros.
    #[error("this key is one that anybody would try first; make a random one")]
    WellKnown,
}

/// The facts of a handshake that names a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The key to prove.
    pub key: PskKey,
    /// Who it would be.
    pub identity: Identity,
    /// The endpoint, for the log; none for a claim credential.
    pub endpoint: Option<EndpointName>,
}

impl Identity {
    /// The device, unless it is a claim credential.
    pub fn device(&self) -> Option<DeviceId> {
        match self.holder {
            Holder::Device(device) => Some(device),
            Holder::Claim(_) => None,
        }
    }
}

impl CredentialState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Staged, Self::Live, Self::Retired, Self::Revoked];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Live => "live",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    /// Whether a handshake may use it.
    pub fn opens(self) -> bool {
        matches!(self, Self::Staged | Self::Live)
    }
}

impl Purpose {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Bootstrap, Self::Management];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Management => "management",
        }
    }
}

impl CredentialKind {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Psk];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Psk => "psk",
        }
    }
}

impl PskIdentity {
    /// The longest identity every server must take.
    pub const MAX_BYTES: usize = 128;

    /// Takes bytes that fit.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, PskError> {
        let bytes = bytes.into();
        let fits = (1..=Self::MAX_BYTES).contains(&bytes.len());
        if fits { Ok(Self(bytes)) } else { Err(PskError::IdentityLength { len: bytes.len() }) }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text where it is printable UTF-8, and as `hex:…` otherwise.
    pub fn text(&self) -> String {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.chars().any(char::is_control) && !text.starts_with("hex:") => text.to_owned(),
            _ => format!("hex:{}", hex(&self.0)),
        }
    }

    /// The reverse of [`PskIdentity::text`].
    pub fn from_text(text: &str) -> Result<Self, PskError> {
        match text.strip_prefix("hex:") {
            Some(digits) => Self::new(from_hex(digits).ok_or(PskError::NotHex)?),
            None => Self::new(text),
        }
    }
}

impl fmt::Debug for PskIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}

impl fmt::Display for PskIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl PskKey {
    /// The shortest key that is taken: 128 bits, as strong as the cipher suites served.
    pub const MIN_BYTES: usize = 16;
    /// The longest key every server must take.
    pub const MAX_BYTES: usize = 64;
    /// The length of the keys made here.
    pub const MADE_BYTES: usize = 16;

    /// Takes bytes that fit.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, PskError> {
        let bytes = Zeroizing::new(bytes.into());
        if !(Self::MIN_BYTES..=Self::MAX_BYTES).contains(&bytes.len()) {
            return Err(PskError::KeyLength { len: bytes.len() });
        }
        // The same byte over and over, or counting up: what examples are full of.
        let steps = || bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        if steps().all(|step| step == 0) || steps().all(|step| step == 1) || steps().all(|step| step == 0x11)
        {
            return Err(PskError::WellKnown);
        }
        Ok(Self(bytes))
    }

    /// Takes hexadecimal digits, two a byte, in either case.
    pub fn from_hex(text: &str) -> Result<Self, PskError> {
        Self::new(from_hex(text).ok_or(PskError::NotHex)?)
    }

    /// The bytes, for the store and the handshake.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As hexadecimal digits, for whoever is shown it once.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(&self.0))
    }
}

impl fmt::Debug for PskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PskKey(…)")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_written_so_that_it_can_be_read_back() {
        for bytes in [&b"node-7"[..], b"\x00\xff", b"hex:41", "ä".as_bytes(), b"a\nb"] {
            let identity = PskIdentity::new(bytes).unwrap();
            assert_eq!(PskIdentity::from_text(&identity.text()).unwrap(), identity, "{}", identity.text());
            assert!(!identity.text().chars().any(char::is_control));
        }
        assert_eq!(PskIdentity::new(""), Err(PskError::IdentityLength { len: 0 }));
        assert_eq!(PskIdentity::new([7; 129]), Err(PskError::IdentityLength { len: 129 }));
    }

    #[test]
    fn a_key_is_long_enough_and_not_the_one_of_the_example() {
        let key = PskKey::from_hex("00112233445566778899aabbccddeef0").unwrap();
        assert_eq!(key.to_hex().as_str(), "00112233445566778899aabbccddeef0");
        assert_eq!(format!("{key:?}"), "PskKey(…)");
        for (text, error) in [
            ("00112233445566778899aabbccddeeff", PskError::WellKnown),
            ("000102030405060708090a0b0c0d0e0f", PskError::WellKnown),
            ("00000000000000000000000000000000", PskError::WellKnown),
            ("0011223344556677", PskError::KeyLength { len: 8 }),
            ("xy", PskError::NotHex),
            ("abc", PskError::NotHex),
        ] {
            assert_eq!(PskKey::from_hex(text), Err(error), "{text}");
        }
    }
}
