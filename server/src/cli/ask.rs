//! What a person is asked: whether they mean it, passwords and passphrases.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use zeroize::Zeroizing;

use super::{failure::Failure, visible::visible};

/// Whether what can't be taken back is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Consent {
    /// `--yes`.
    Given,
    /// To be asked for.
    Asked,
}

impl Consent {
    /// Asks on a terminal; elsewhere nobody is there.
    pub(crate) fn to(self, what: &str) -> Result<(), Failure> {
        if let Self::Given = self {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(Failure::Unconfirmed { what: what.to_owned() });
        }
        eprint!("{}? [y/N] ", visible(what));
        io::stderr().flush().map_err(Failure::Stdout)?;
        let mut answer = String::new();
        io::stdin().lock().take(64).read_line(&mut answer).map_err(|source| Failure::Password { source })?;
        let meant = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
        if meant { Ok(()) } else { Err(Failure::Declined) }
    }
}

/// Far more than a password may have.
const MAX_PASSWORD: u64 = 4 << 10;

/// A new password: asked for twice, without being shown, or the first line of stdin.
pub(crate) fn new_password(from_stdin: bool) -> Result<Zeroizing<String>, Failure> {
    let fails = |source| Failure::Password { source };
    if from_stdin {
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().take(MAX_PASSWORD).read_line(&mut line).map_err(fails)?;
        let end = line.trim_end_matches(['\r', '\n']).len();
        line.truncate(end);
        return Ok(line);
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "nobody is there to be asked for a password: give it by --password-stdin",
        ));
    }
    twice("New password: ")
}

/// A new passphrase for a backup: asked for twice.
pub(crate) fn new_passphrase() -> Result<Zeroizing<String>, Failure> {
    somebody_is_there()?;
    eprintln!("Without the passphrase nobody restores the backup, you neither.");
    twice("New passphrase: ")
}

/// The passphrase of a backup.
pub(crate) fn passphrase() -> Result<Zeroizing<String>, Failure> {
    somebody_is_there()?;
    once("Passphrase of the backup: ")
}

fn somebody_is_there() -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::Usage(
        "nobody is there to be asked for a passphrase: give it by --passphrase-file or MUSTER_BACKUP_PASSPHRASE",
    ))
}

fn twice(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let (first, second) = (once(prompt)?, once("The same again: ")?);
    if first == second { Ok(first) } else { Err(Failure::PasswordsDiffer) }
}

fn once(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|source| Failure::Password { source })
}
