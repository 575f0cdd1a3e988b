//! What is wrong with a configuration, in words that say what to do.

use std::path::{Path, PathBuf};

/// Why a configuration is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// One of the errors below, in a file.
    #[error("{}: {error}", .file.display())]
    InFile {
        /// The file.
        file: PathBuf,
        /// What is wrong in it.
        error: Box<Self>,
    },
    /// A value that contradicts a rule beyond its form.
    #[error("`{key}` {reason}")]
    Rule {
        /// The key.
        key: &'static str,
        /// The rule.
        reason: &'static str,
    },
    /// A key that does not exist.
    #[error("line {line}: there is no key `{key}`; {hint}")]
    UnknownKey {
        /// Where it stands.
        line: usize,
        /// What was written.
        key: String,
        /// The key that was probably meant, or all of them.
        hint: String,
    },
    /// The file can't be read.
    #[error("can't read {}: {source}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// An environment variable that does not have the form of its key.
    #[error("the environment variable {name}: {reason}")]
    Variable {
        /// Its name.
        name: String,
        /// What was expected.
        reason: String,
    },
    /// A value that does not have the form of its key, or a text that is not TOML.
    #[error("line {line}: {reason}")]
    WrongForm {
        /// Where it stands.
        line: usize,
        /// What was expected.
        reason: String,
    },
}

impl ConfigError {
    pub(super) fn from_toml(text: &str, error: &toml::de::Error) -> Self {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        Self::WrongForm { line, reason: error.message().to_owned() }
    }

    pub(super) fn in_file(self, file: &Path) -> Self {
        Self::InFile { file: file.to_owned(), error: Box::new(self) }
    }
}

/// The line, counted from one, in which a byte of a text stands.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}
