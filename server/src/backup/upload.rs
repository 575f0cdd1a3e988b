//! A backup that comes over HTTP to a server that nobody has set up.

use std::{
    io::{self, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::body::Bytes;
use fleet::Actor;
use futures::{FutureExt as _, StreamExt as _, stream::BoxStream};
use tempfile::NamedTempFile;
use tokio::{
    runtime::Handle,
    sync::{Mutex, Notify},
    task::spawn_blocking,
    time::timeout,
};
use tracing::warn;
use zeroize::Zeroizing;

use super::{BackupError, Passphrase, restore::stage};
use crate::{Config, data_dir::restored};

/// What is left of the disk for everything else.
const LEFT: u64 = 64 << 20;

/// How long an upload may stand still.
const SILENCE: Duration = Duration::from_secs(60);

/// Takes a backup, one at a time, and asks for a new start once it lies ready.
pub(crate) fn receiver(config: &Config, start_again: Arc<Notify>) -> web::Restore {
    let (config, turn) = (Arc::new(config.clone()), Arc::new(Mutex::new(())));
    Arc::new(move |chunks, passphrase| {
        let (config, turn) = (Arc::clone(&config), Arc::clone(&turn));
        let (passphrase, start_again) = (Zeroizing::new(passphrase), Arc::clone(&start_again));
        async move {
            let _turn =
                turn.try_lock().map_err(|_| "Another backup is being restored already.".to_owned())?;
            take(config, chunks, passphrase).await?;
            start_again.notify_one();
            Ok(())
        }
        .boxed()
    })
}

async fn take(
    config: Arc<Config>,
    chunks: BoxStream<'static, io::Result<Bytes>>,
    passphrase: Zeroizing<String>,
) -> Result<(), String> {
    let passphrase = Passphrase::given(passphrase).map_err(|error| sentence(&error))?;
    let file = receive(&config.data_dir.0, chunks).await?;
    // Hashing, unpacking and SQLite's look at it are nothing for a thread that serves others.
    let staged = spawn_blocking(move || {
        let staged = stage(&config, file.path(), &passphrase, Actor::Server("set-up"), &());
        Handle::current().block_on(staged).map(drop)
    });
    staged.await.expect("restoring does not panic").map_err(|error| {
        warn!(%error, "a backup was not restored");
        match error {
            BackupError::Damaged { damage, .. } => sentence(&damage),
            error => sentence(&error),
        }
    })
}

/// Writes the upload beside the data, as long as there is room for it, for what is in it, and for bringing that up to date.
async fn receive(
    data_dir: &Path,
    mut chunks: BoxStream<'static, io::Result<Bytes>>,
) -> Result<NamedTempFile, String> {
    let told = |error: io::Error| format!("The server can't keep it: {error}.");
    let mut file = tempfile::Builder::new().prefix(restored::UPLOADED).tempfile_in(data_dir).map_err(told)?;
    let mut room = free(data_dir).map_err(told)?.saturating_sub(LEFT) / 3;
    loop {
        let chunk = match timeout(SILENCE, chunks.next()).await {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(None) => return Ok(file),
            Ok(Some(Err(_))) | Err(_) => return Err("It did not come whole: send it again.".to_owned()),
        };
        room = room.checked_sub(chunk.len() as u64).ok_or_else(|| {
            "There is no room for it: three times its size must be free on the server's disk.".to_owned()
        })?;
        file.write_all(&chunk).map_err(told)?;
    }
}

fn free(folder: &Path) -> io::Result<u64> {
    let system = rustix::fs::statvfs(folder)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(characters).chain(['.']).collect()
}
