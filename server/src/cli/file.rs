//! Files that a command reads; `-` is stdin.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::failure::Failure;

/// The largest file that is read: more than the server takes.
const MAX_FILE: u64 = 256 << 20;

/// All that is in it.
pub(crate) fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let fails = |source| Failure::File { file: file.to_owned(), source };
    let mut bytes = Vec::new();
    let mut source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(file).map_err(fails)?)
    };
    source.by_ref().take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(fails)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(fails(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}

/// What its JSON says.
pub(crate) fn json<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    serde_json::from_slice(&bytes(file)?)
        .map_err(|error| Failure::FileContent { file: file.to_owned(), reason: error.to_string() })
}

/// A key or a certificate: PEM as it is, and what is no text in hexadecimal digits.
pub(crate) fn key_or_certificate(file: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(bytes(file)?);
    Ok(text.unwrap_or_else(|error| error.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// The one line of it, which is a secret.
pub(crate) fn secret(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = Zeroizing::new(bytes(file)?);
    let text = str::from_utf8(&bytes)
        .map_err(|error| Failure::FileContent { file: file.to_owned(), reason: error.to_string() })?;
    let text = text.trim();
    if text.lines().count() > 1 {
        let reason = "it holds more than one line, and a secret is one".to_owned();
        return Err(Failure::FileContent { file: file.to_owned(), reason });
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// The mode of a file that others than its owner may read or write.
pub(crate) fn exposed(file: &Path) -> Option<u32> {
    let metadata = file.metadata().ok().filter(|metadata| metadata.is_file())?;
    Some(metadata.mode() & 0o777).filter(|mode| mode & 0o077 != 0)
}
