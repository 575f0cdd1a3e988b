//! The passphrase that keeps the keys of a backup.

use zeroize::Zeroizing;

/// What the keys of a backup are sealed under. Prints redacted.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

/// Why a passphrase keeps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// Longer than is hashed.
    #[error("a passphrase has at most {} bytes", Passphrase::MAX_BYTES)]
    TooLong,
    /// Whoever has the file may try as often as they like.
    #[error("a passphrase needs {} characters or more", Passphrase::MIN_CHARACTERS)]
    TooShort,
}

impl Passphrase {
    /// The shortest one that a backup is made with: as for passwords.
    pub const MIN_CHARACTERS: usize = fleet::PasswordHash::MIN_CHARACTERS;
    /// The longest one.
    pub const MAX_BYTES: usize = fleet::PasswordHash::MAX_BYTES;

    /// One to make a backup with.
    pub fn new(text: Zeroizing<String>) -> Result<Self, PassphraseError> {
        if text.chars().count() < Self::MIN_CHARACTERS {
            return Err(PassphraseError::TooShort);
        }
        Self::given(text)
    }

    /// One that a backup may have been made with.
    pub fn given(text: Zeroizing<String>) -> Result<Self, PassphraseError> {
        if text.len() > Self::MAX_BYTES { Err(PassphraseError::TooLong) } else { Ok(Self(text)) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}
