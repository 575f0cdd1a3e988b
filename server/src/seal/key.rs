//! The key that seals: where it comes from, and what is no key.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::data_dir::write_private;

/// The one secret that all others are sealed with.
pub(crate) struct SealKey(Zeroizing<[u8; KEY]>);

/// Why there is no key to seal with.
#[derive(Debug, thiserror::Error)]
pub enum SealKeyError {
    /// The variable and the file hold different keys.
    #[error("MUSTER_KEY and {} hold different keys; keep the one that the database was sealed with", .0.display())]
    Differ(PathBuf),
    /// Others may read the file.
    #[error("{} can be read or written by others (mode {mode:03o}); make it the owner's alone: chmod 600", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Not the form of a key.
    #[error("{0} does not hold 64 hexadecimal digits; make a key with `openssl rand -hex 32`")]
    Form(KeySource),
    /// The system refuses.
    #[error("can't use {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is gone, but not what was sealed with it.
    #[error(
        "{} is missing, and the database holds secrets that were sealed with it; restore it from a backup, or give its \
         content in MUSTER_KEY. No other key opens them",
        .0.display()
    )]
    Lost(PathBuf),
    /// A key that anybody would guess.
    #[error("{0} holds a key that can be guessed; make one with `openssl rand -hex 32`")]
    Weak(KeySource),
}

/// Where a key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file.
    File(PathBuf),
    /// The environment variable.
    Variable,
}

/// The file's name in the data folder.
pub(crate) const KEY_FILE: &str = "seal.key";

/// The variable that holds the key instead.
pub(crate) const KEY_VARIABLE: &str = "MUSTER_KEY";

const KEY: usize = 32;

impl SealKeyError {
    /// The key that the database was sealed with is not in the data folder.
    pub(crate) fn lost(folder: &Path) -> Self {
        Self::Lost(folder.join(KEY_FILE))
    }
}

impl SealKey {
    /// The key in `variable`, the value of `MUSTER_KEY`, or else in the data folder, or else a new one that is written
    /// there, which `may_make` allows only as long as nothing is sealed.
    pub(crate) fn load(folder: &Path, variable: Option<&str>, may_make: bool) -> Result<Self, SealKeyError> {
        if let Some(key) = Self::find(folder, variable)? {
            return Ok(key);
        }
        let path = folder.join(KEY_FILE);
        if !may_make {
            return Err(SealKeyError::lost(folder));
        }
        let io_error = |source| SealKeyError::Io { path: path.clone(), source };
        let mut bytes = Zeroizing::new([0; KEY]);
        getrandom::fill(&mut *bytes).map_err(|error| io_error(io::Error::other(error)))?;
        let key = Self(bytes);
        key.write(folder).map_err(io_error)?;
        Ok(key)
    }

    /// Writes it into a data folder.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        write_private(&folder.join(KEY_FILE), in_hex(&self.0).as_bytes())
    }

    /// Whether another is the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }

    /// The key that is there already. Makes nothing.
    pub(crate) fn find(folder: &Path, variable: Option<&str>) -> Result<Option<Self>, SealKeyError> {
        let path = folder.join(KEY_FILE);
        let written = read(&path)?.map(|text| parse(&text, &KeySource::File(path.clone()))).transpose()?;
        let given = variable.map(|text| parse(text, &KeySource::Variable)).transpose()?;
        match (given, written) {
            (Some(given), Some(written)) if given.0 != written.0 => Err(SealKeyError::Differ(path)),
            (given, written) => Ok(given.or(written)),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    /// One that was kept elsewhere.
    pub(crate) fn from_bytes(bytes: [u8; KEY]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>, SealKeyError> {
    let io_error = |source| SealKeyError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(error)),
    };
    let mode = file.metadata().map_err(io_error)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SealKeyError::Exposed { path: path.to_owned(), mode });
    }
    // Long enough for the digits and a line's end; read at once, so that no copy stays behind in a buffer that grew.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * KEY + 3));
    file.take(2 * KEY as u64 + 3).read_to_end(&mut bytes).map_err(io_error)?;
    // What is no text is no key either.
    Ok(Some(Zeroizing::new(str::from_utf8(&bytes).unwrap_or_default().to_owned())))
}

fn parse(text: &str, source: &KeySource) -> Result<SealKey, SealKeyError> {
    let digits = text.trim().as_bytes();
    let form = || SealKeyError::Form(source.clone());
    if digits.len() != 2 * KEY {
        return Err(form());
    }
    let mut key = Zeroizing::new([0; KEY]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(0).zip(digit(1)).map(|(high, low)| high << 4 | low).ok_or_else(form)?;
    }
    if is_weak(&key) { Err(SealKeyError::Weak(source.clone())) } else { Ok(SealKey(key)) }
}

// Not a measure of randomness: finds what people type, all zero, one pattern over and over, or counting up and down.
// Not one in 2^70 random keys has fewer than 13 different bytes.
fn is_weak(key: &[u8; KEY]) -> bool {
    let mut seen = [false; 256];
    key.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    let different = seen.iter().filter(|&&seen| seen).count();
    let step = key[1].wrapping_sub(key[0]);
    different < 13 || key.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step)
}

fn in_hex(key: &[u8; KEY]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY + 1));
    for byte in key {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text.push('\n');
    text
}

impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable => f.write_str(KEY_VARIABLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    const GIVEN: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn loaded(folder: &Path, variable: Option<&str>, may_make: bool) -> Result<[u8; KEY], SealKeyError> {
        SealKey::load(folder, variable, may_make).map(|key| *key.0)
    }

    #[test]
    fn the_first_start_makes_a_key_for_the_owner_alone_and_the_next_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = loaded(folder.path(), None, true).unwrap();
        assert_eq!(loaded(folder.path(), None, false).unwrap(), first);
        let mode = fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = fs::read_to_string(folder.path().join(KEY_FILE)).unwrap();
        assert_eq!(
            loaded(folder.path(), Some(&text), false).unwrap(),
            first,
            "the file's text fits the variable"
        );
    }

    #[test]
    fn two_installations_have_nothing_in_common() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, other) =
            (loaded(one.path(), None, true).unwrap(), loaded(other.path(), None, true).unwrap());
        assert!(!one.windows(4).any(|part| other.windows(4).any(|theirs| theirs == part)));
    }

    #[test]
    fn a_lost_key_is_not_replaced_while_something_is_sealed_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let lost = loaded(folder.path(), None, false).unwrap_err();
        assert!(
            matches!(lost, SealKeyError::Lost(_)) && lost.to_string().contains("restore it from a backup")
        );
        assert!(!folder.path().join(KEY_FILE).exists());
        assert!(loaded(folder.path(), Some(GIVEN), false).is_ok());
        assert!(!folder.path().join(KEY_FILE).exists(), "a key that is given is not written down");
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        loaded(folder.path(), None, true).unwrap();
        let path = folder.path().join(KEY_FILE);
        for mode in [0o640, 0o604, 0o660, 0o622] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = loaded(folder.path(), None, false).unwrap_err();
            assert!(matches!(refused, SealKeyError::Exposed { mode: seen, .. } if seen == mode), "{refused}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(loaded(folder.path(), None, false).is_ok());
    }

    #[test]
    fn what_is_empty_short_or_easily_guessed_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let odd = format!("{}zz", &GIVEN[..62]);
        let long = format!("{GIVEN}00");
        for text in ["", " ", "secret", &GIVEN[..62], &odd, &long] {
            let refused = loaded(folder.path(), Some(text), true).unwrap_err();
            assert!(matches!(refused, SealKeyError::Form(KeySource::Variable)), "{text}: {refused}");
            assert!(text.len() < 6 || !refused.to_string().contains(text), "a key is not repeated");
        }
        let counting =
            |step: u8| -> String { (0..32u8).map(|at| format!("{:02x}", at.wrapping_mul(step))).collect() };
        for text in [
            "00".repeat(32),
            "ff".repeat(32),
            "deadbeef".repeat(8),
            GIVEN[..16].repeat(4),
            counting(1),
            counting(255),
        ] {
            let refused = loaded(folder.path(), Some(&text), true).unwrap_err();
            assert!(matches!(refused, SealKeyError::Weak(_)), "{text}: {refused}");
            let path = folder.path().join(KEY_FILE);
            write_private(&path, text.as_bytes()).unwrap();
            assert!(matches!(loaded(folder.path(), None, true), Err(SealKeyError::Weak(KeySource::File(_)))));
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn two_keys_at_once_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        loaded(folder.path(), None, true).unwrap();
        assert!(matches!(loaded(folder.path(), Some(GIVEN), true), Err(SealKeyError::Differ(_))));
    }

    #[test]
    fn a_damaged_file_is_named_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        write_private(&folder.path().join(KEY_FILE), &[0xff; 64]).unwrap();
        let refused = loaded(folder.path(), None, true).unwrap_err();
        assert!(matches!(refused, SealKeyError::Form(KeySource::File(_))), "{refused}");
    }
}
