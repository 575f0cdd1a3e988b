//! Accounts of people: passwords, sessions and the link that makes the first administrator.
//!
//! Nothing here keeps state or asks the store; the verbs on accounts are those of [`crate::Fleet`].

use std::{fmt, time::Duration};

use argon2::password_hash::phc;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Actor, LoginPermit, PublicId, Role, Timestamp};

mod argon;

/// An account's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub i64);

/// A person's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its row.
    pub id: UserId,
    /// Its name in URLs.
    pub public_id: PublicId,
    /// The name to log in with; unique, compared as it is.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The hash of the password.
    pub password: PasswordHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was disabled, if it was: it can't log in, and its sessions and tokens are void.
    pub disabled_at: Option<Timestamp>,
    /// Sessions that were begun before this are void: the password was changed then, or the account disabled.
    pub sessions_from: Timestamp,
}

/// Why a text can't be an account's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {max} characters, none of them invisible, and no space at its ends", max = User::MAX_NAME)]
pub struct UserNameError;

/// A password as it is kept: an argon2id hash in PHC form. Prints redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is the account's name, whatever the case.
    #[error("the password must not be the name")]
    IsTheName,
    /// It is longer than [`PasswordHash::MAX_BYTES`].
    #[error("a password has at most {max} bytes", max = PasswordHash::MAX_BYTES)]
    TooLong,
    /// It is shorter than [`PasswordHash::MIN_CHARACTERS`].
    #[error("a password has at least {min} characters", min = PasswordHash::MIN_CHARACTERS)]
    TooShort,
}

/// A login on its way: made by [`crate::Fleet::begin_login`], verified off the async threads (it takes tens of
/// milliseconds and 19 MiB), concluded by [`crate::Fleet::finish_login`]. One that is dropped before it was verified does
/// not count.
#[derive(Debug)]
pub struct LoginAttempt {
    /// None where no such account exists; a hash is then computed all the same, so that the time tells nothing.
    pub(crate) user: Option<User>,
    pub(crate) verified: bool,
    /// What counts it.
    pub(crate) permit: LoginPermit,
}

/// A session of the console, as the store keeps it. Prints without its content.
#[derive(Clone, PartialEq, Eq)]
pub struct WebSession {
    /// The SHA-256 of the identifier in the cookie.
    pub key: [u8; 32],
    /// What the web layer keeps in it, opaque here; at most [`WebSession::MAX_BYTES`].
    pub data: Vec<u8>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A request of a program that named itself, so that its repetition is not done twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// SHA-256 of the request: another one under the same name is refused.
    pub fingerprint: [u8; 32],
    /// What it was answered; none while it is worked on, or if the server stopped within it.
    pub answer: Option<Vec<u8>>,
    /// When it began.
    pub at: Timestamp,
}

/// The one-time link of a server without an administrator. Only the hash of its token is held, and only in memory.
pub struct SetupLink {
    pub(crate) token_hash: [u8; 32],
    pub(crate) expires_at: Timestamp,
}

impl User {
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 64;

    /// Whether a text can be a name.
    pub fn check_name(name: &str) -> Result<(), UserNameError> {
        let fits = !name.is_empty()
            && name.chars().count() <= Self::MAX_NAME
            && !name.chars().any(is_invisible)
            && name.trim() == name;
        fits.then_some(()).ok_or(UserNameError)
    }

    /// This person, acting.
    pub fn actor(&self) -> Actor {
        Actor::User { id: self.id, name: self.name.clone(), role: self.role }
    }
}

/// What a person does not see, so that two names would look alike: control characters, marks of writing direction,
/// blanks without width (Unicode's Default_Ignorable_Code_Point, as far as it is in use).
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

impl PasswordHash {
    /// The shortest password (NIST SP 800-63B-4 §3.1.1.2 asks for 15 where nothing else guards an account, ASVS 5.0 6.2.1
    /// for 8 at least and 15 at best).
    pub const MIN_CHARACTERS: usize = 12;
    /// The longest password, so that hashing one stays cheap.
    pub const MAX_BYTES: usize = 1024;

    /// Hashes a new password of the account `name`. Takes tens of milliseconds and 19 MiB: not for an async thread.
    pub fn make(name: &str, password: &str, salt: [u8; 16]) -> Result<Self, PasswordError> {
        if password.chars().count() < Self::MIN_CHARACTERS {
            return Err(PasswordError::TooShort);
        }
        if password.len() > Self::MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        if password.to_lowercase() == name.to_lowercase() {
            return Err(PasswordError::IsTheName);
        }
        Ok(Self(argon::hash(password, &salt).to_string()))
    }

    /// Takes a hash as the store kept it: argon2id in PHC form.
    pub fn from_phc(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let parsed = phc::PasswordHash::new(&text).ok()?;
        (parsed.algorithm.as_str() == "argon2id" && parsed.hash.is_some()).then_some(Self(text))
    }

    /// The PHC form, for the store alone.
    pub fn as_phc(&self) -> &str {
        &self.0
    }

    /// Whether this is the password. Takes as long as [`PasswordHash::make`].
    pub fn verify(&self, password: &str) -> bool {
        password.len() <= Self::MAX_BYTES
            && phc::PasswordHash::new(&self.0).is_ok_and(|kept| argon::verify(password, &kept))
    }
}

impl LoginAttempt {
    /// Compares the password. Takes as long if there is no such account.
    #[must_use]
    pub fn verify(mut self, password: &str) -> Self {
        self.permit.count();
        self.verified = match &self.user {
            Some(user) => user.password.verify(password),
            None => {
                if password.len() <= PasswordHash::MAX_BYTES {
                    std::hint::black_box(argon::hash(password, &[0; 16]));
                }
                false
            }
        };
        self
    }
}

impl WebSession {
    /// How much the web layer may keep in one.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// What a session is kept under, by the identifier in its cookie.
    pub fn key_of(id: &[u8]) -> [u8; 32] {
        Sha256::digest(id).into()
    }
}

impl Submission {
    /// The longest answer that is kept.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// How long one is kept.
    pub const KEPT: Duration = Duration::from_secs(24 * 3_600);
}

impl SetupLink {
    /// How long a link holds.
    pub const VALID_FOR: Duration = Duration::from_secs(30 * 60);

    /// Makes a link from random bytes, and the text of its token, which is held nowhere else.
    pub fn new(token: [u8; 32], now: Timestamp) -> (Self, String) {
        let text: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        (Self { token_hash: Sha256::digest(&text).into(), expires_at: now.after(Self::VALID_FOR) }, text)
    }

    /// Whether `token` is the link's, and in time.
    pub fn opens(&self, token: &str, now: Timestamp) -> bool {
        let offered: [u8; 32] = Sha256::digest(token).into();
        bool::from(offered.ct_eq(&self.token_hash)) && now < self.expires_at
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

impl fmt::Debug for WebSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSession").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl fmt::Debug for SetupLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupLink").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_verified_and_nothing_else_is() {
        let hash = PasswordHash::make("admin", "correct horse battery", [7; 16]).unwrap();
        assert!(hash.verify("correct horse battery"));
        for wrong in ["", "correct horse batter", "Correct horse battery", &"x".repeat(100_000)] {
            assert!(!hash.verify(wrong));
        }
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_phc());
        let kept = PasswordHash::from_phc(hash.as_phc()).unwrap();
        assert!(kept.verify("correct horse battery"));
    }

    #[test]
    fn the_salt_makes_the_hash() {
        let make = |salt| PasswordHash::make("admin", "correct horse battery", salt).unwrap();
        assert_ne!(make([1; 16]), make([2; 16]));
    }

    #[test]
    fn a_password_is_neither_short_nor_endless_nor_the_name() {
        let make = |name, password: &str| PasswordHash::make(name, password, [0; 16]).map(|_| ());
        assert_eq!(make("admin", "eleven char"), Err(PasswordError::TooShort));
        assert_eq!(make("admin", "éééééé"), Err(PasswordError::TooShort), "characters, not bytes");
        assert_eq!(make("admin", &"x".repeat(1_025)), Err(PasswordError::TooLong));
        assert_eq!(make("Administrator", "aDMINISTRATOr"), Err(PasswordError::IsTheName));
        assert_eq!(make("admin", "éééééééééééé"), Ok(()));
    }

    #[test]
    fn only_argon2id_is_taken_from_the_store() {
        for text in [
            "",
            "plain",
            "$argon2i$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$",
        ] {
            assert_eq!(PasswordHash::from_phc(text), None, "{text}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let hash = PasswordHash::make("admin", "correct horse battery", [7; 16]).unwrap();
        assert_eq!(format!("{hash:?}"), "PasswordHash(redacted)");
        let session = WebSession { key: [0xab; 32], data: b"secret".to_vec(), expires_at: Timestamp(1) };
        assert_eq!(format!("{session:?}"), "WebSession { expires_at: Timestamp(1), .. }");
    }

    #[test]
    fn a_name_is_one_that_can_be_read_and_typed() {
        for good in ["a", "Zoë Ünal", "o'hara", &"é".repeat(User::MAX_NAME)] {
            assert_eq!(User::check_name(good), Ok(()), "{good}");
        }
        for bad in [
            "admin\u{200b}",
            "\u{202e}nimda",
            "a\u{ad}dmin",
            "",
            " ",
            " a",
            "a ",
            "a\u{0}",
            "a\u{85}b",
            &"x".repeat(User::MAX_NAME + 1),
        ] {
            assert_eq!(User::check_name(bad), Err(UserNameError), "{bad}");
        }
    }
}
