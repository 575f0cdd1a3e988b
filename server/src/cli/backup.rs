//! `muster backup` and `muster restore`: they work on the data of this machine's server, and speak to none.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use server::{
    Config,
    backup::{self, BackupError, Manifest, Passphrase, Progress, Replace},
    config::ConfigError,
    limit,
};
use tokio::sync::Notify;
use web::api::v1::types::Time;
use zeroize::Zeroizing;

use super::{ask, failure::Failure, file, note, now, output::print, visible::visible};

/// Commands on the data of this machine's server, to be run as the user that it runs as.
#[derive(Subcommand)]
pub(crate) enum Local {
    /// Makes a backup, whether the server runs or not: one file with the database, and the keys under a passphrase.
    #[command(args_conflicts_with_subcommands = true)]
    Backup {
        #[command(subcommand)]
        command: Option<BackupCommand>,
        /// The file to make [default: named after this moment].
        file: Option<PathBuf>,
        #[command(flatten)]
        given: Given,
    },
    /// Restores a backup into the data folder of a server that does not run.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Moves data that is there aside, into a folder beside it.
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        given: Given,
    },
}

#[derive(Subcommand)]
pub(crate) enum BackupCommand {
    /// Looks at every byte of a backup. With the passphrase the keys are tried, too.
    Verify {
        /// The backup.
        file: PathBuf,
        /// Asks for the passphrase.
        #[arg(long)]
        ask_passphrase: bool,
        #[command(flatten)]
        given: Given,
    },
}

/// Where the passphrase comes from.
#[derive(Args)]
pub(crate) struct Given {
    /// A file with the passphrase. Otherwise it is taken from MUSTER_BACKUP_PASSPHRASE, or asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Does a command.
pub(super) fn run(
    command: Local,
    config: impl FnOnce() -> Result<Config, ConfigError>,
) -> Result<(), Failure> {
    match command {
        Local::Backup { command: Some(BackupCommand::Verify { file, ask_passphrase, given }), .. } => {
            let passphrase = given.find()?;
            let passphrase = match passphrase {
                None if ask_passphrase => Some(ask::passphrase()?),
                passphrase => passphrase,
            };
            let passphrase = passphrase.map(Passphrase::given).transpose()?;
            let manifest = watched(async |watch| backup::verify(&file, passphrase.as_ref(), watch).await)?;
            let tried = match passphrase {
                Some(_) => "The passphrase opens its keys, and they open the database's secrets.",
                None => "Its keys were not tried: that takes the passphrase.",
            };
            let whole = format!("All of {} is there and as it was.", file.display());
            say(&[&whole, tried, &description(&manifest)])?;
        }
        Local::Backup { command: None, file, given } => {
            let config = config()?;
            let file = file.unwrap_or_else(|| format!("muster-{}.muster", moment()).into());
            let passphrase = given.find()?.map_or_else(ask::new_passphrase, Ok)?;
            let passphrase = Passphrase::new(passphrase)?;
            let manifest = watched(async |watch| backup::create(&config, &file, &passphrase, watch).await)?;
            say(&[&format!("{} is made.", file.display()), &description(&manifest)])?;
        }
        Local::Restore { file, replace, given } => {
            let config = config()?;
            let passphrase = given.find()?.map_or_else(ask::passphrase, Ok)?;
            let passphrase = Passphrase::given(passphrase)?;
            let replace = if replace { Replace::MovingAside } else { Replace::Never };
            let manifest =
                watched(async |watch| backup::restore(&config, &file, &passphrase, replace, watch).await)?;
            let restored = format!("{} is restored into {}.", file.display(), config.data_dir.0.display());
            let revoked = "What was revoked or disabled since then is not any more: look at that first.";
            say(&[&restored, &description(&manifest), revoked])?;
        }
    }
    Ok(())
}

/// Prints lines, in which what a backup says of itself can't steer the terminal.
fn say(lines: &[&str]) -> Result<(), Failure> {
    print(&lines.iter().map(|line| visible(line) + "\n").collect::<String>())
}

fn description(manifest: &Manifest) -> String {
    let rows = |table| manifest.rows.get(table).copied().unwrap_or_default();
    format!(
        "Made at {} by Muster {}. Devices: {}. Accounts: {}. Bytes of the database: {}.",
        Time::from(manifest.made_at()),
        manifest.muster,
        rows("device"),
        rows("user_account"),
        manifest.database_bytes()
    )
}

/// This moment as part of a file's name.
fn moment() -> String {
    Time::from(now()).to_string().chars().filter(|character| !matches!(character, ':' | '-')).collect()
}

impl Given {
    fn find(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(path) = &self.passphrase_file {
            if let Some(mode) = file::exposed(path) {
                note(&format!(
                    "warning: {} can be read or written by others (mode {mode:03o}): chmod 600 it",
                    path.display()
                ));
            }
            return file::secret(path).map(Some);
        }
        // What is not Unicode is taken as it is best read: it opens nothing.
        let variable = std::env::var_os("MUSTER_BACKUP_PASSPHRASE");
        Ok(variable.map(|text| Zeroizing::new(text.to_string_lossy().into_owned())))
    }
}

/// Does something with a bar on the terminal. Ctrl-C ends it, and what was half made is gone.
fn watched<T>(work: impl AsyncFnOnce(&Watch) -> Result<T, BackupError>) -> Result<T, Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    let watch = Arc::new(Watch::default());
    runtime.block_on(async {
        limit::outlive().map_err(Failure::Runtime)?;
        let interrupted = Arc::clone(&watch);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                interrupted.interrupted.store(true, Ordering::Relaxed);
                interrupted.wake.notify_one();
            }
        });
        let done = tokio::select! {
            done = work(&watch) => done.map_err(Failure::from),
            () = watch.wake.notified() => Err(Failure::Declined),
        };
        watch.clear();
        done
    })
}

/// Watches with a bar, and for Ctrl-C.
#[derive(Default)]
struct Watch {
    bar: Mutex<Option<ProgressBar>>,
    interrupted: AtomicBool,
    wake: Notify,
}

impl Watch {
    fn show(&self, bar: Option<ProgressBar>) {
        let before = std::mem::replace(&mut *self.bar.lock().unwrap_or_else(PoisonError::into_inner), bar);
        if let Some(before) = before {
            before.finish_and_clear();
        }
    }

    fn clear(&self) {
        self.show(None);
    }
}

impl Progress for Watch {
    fn begin(&self, what: &'static str, bytes: u64) {
        // Nothing is drawn where stderr is no terminal.
        let bar = ProgressBar::new(bytes).with_message(what);
        let template = if bytes == 0 { "{msg} …" } else { "{msg} {wide_bar} {bytes}/{total_bytes}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.tick();
        self.show(Some(bar));
    }

    fn advance(&self, bytes: u64) -> io::Result<()> {
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.inc(bytes);
        }
        if self.interrupted.load(Ordering::Relaxed) { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}
