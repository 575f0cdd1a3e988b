//! What devices fetch packages from: listeners of their own for CoAP and HTTP, with and without security, off unless they are
//! configured.
//!
//! Start with [`Depot`], which both ask: whether who comes with a key gets anything, and the bytes. [`driver`] serves CoAP
//! block by block, [`web`] serves HTTP. Neither keeps anything of a download: a block is read from the pages that all share,
//! so that a device goes on where it was after a restart of the server.

pub(crate) mod driver;
mod question;
pub(crate) mod web;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet::{
    Asker, DeviceId, Fleet,
    update::{DownloadDigest, DownloadKey, NotGiven, Scheme, UpdateId},
};
use tracing::{debug, warn};

use crate::{
    clock::Clock,
    endpoint::packages::Package as _,
    packages::{FleetPackage, Pages},
};

/// Gives bytes to whom the fleet lets have them.
pub(crate) struct Depot {
    fleet: Arc<Fleet>,
    clock: Clock,
    pages: Arc<Pages>,
    granted: Mutex<HashMap<Asked, Granted>>,
}

/// What somebody may read for the moment.
pub(crate) struct Download {
    update: UpdateId,
    package: FleetPackage,
    scheme: Scheme,
}

/// Why somebody gets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// By decision.
    NotGiven(NotGiven),
    /// The store or the files can't be read.
    Unavailable,
}

/// What a decision was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Asked {
    key: DownloadDigest,
    scheme: Scheme,
    device: Option<DeviceId>,
}

struct Granted {
    at: Duration,
    download: Arc<Download>,
}

/// What stands in an address before the key.
pub(crate) const PREFIX: &str = "d";

/// How long a decision counts: a policy, a key or an artefact that has changed ends what is under way within this time.
pub(crate) const GRANTED_FOR: Duration = Duration::from_secs(1);

/// How many decisions are held; those that count no more go first, then all.
const MAX_GRANTED: usize = 4_096;

impl Depot {
    pub(crate) fn new(fleet: Arc<Fleet>, clock: Clock, pages: Arc<Pages>) -> Self {
        Self { fleet, clock, pages, granted: Mutex::default() }
    }

    /// What stands before the key in the addresses at a base such as `coaps://fw.example:5685`.
    pub(crate) fn before_key(base: &str) -> String {
        format!("{base}/{PREFIX}/")
    }

    /// Decides whether who comes with a key gets anything: anew, unless that was decided just now.
    pub(crate) async fn open(&self, key: &DownloadKey, asker: &Asker<'_>) -> Result<Arc<Download>, Refused> {
        let now = self.clock.now();
        let asked = Asked { key: key.digest(), scheme: asker.scheme, device: asker.device };
        if let Some(granted) = self.granted().get(&asked).filter(|granted| counts(granted, now.mono)) {
            return Ok(Arc::clone(&granted.download));
        }
        let decided = self.fleet.download(key, asker, now.wall).await;
        let given = match decided {
            Ok(Ok(given)) => given,
            Ok(Err(reason)) => {
                refused(asker.scheme, reason.name());
                debug!(net.peer = %asker.from, listener = asker.listener, %reason, "a download was refused");
                self.granted().remove(&asked);
                return Err(Refused::NotGiven(reason));
            }
            Err(error) => {
                warn!(%error, "a download could not be decided on");
                refused(asker.scheme, "unavailable");
                return Err(Refused::Unavailable);
            }
        };
        let package = FleetPackage::new(Arc::clone(&self.fleet), given.cleared, Arc::clone(&self.pages));
        let download = Arc::new(Download { update: given.update, package, scheme: asker.scheme });
        let mut held = self.granted();
        if held.len() >= MAX_GRANTED {
            held.retain(|_, granted| counts(granted, now.mono));
        }
        if held.len() >= MAX_GRANTED {
            metrics::counter!("muster_download_decisions_dropped_total").increment(1);
            held.clear();
        }
        held.insert(asked, Granted { at: now.mono, download: Arc::clone(&download) });
        Ok(download)
    }

    /// So many bytes from one on; fewer at the end.
    pub(crate) async fn read(
        &self,
        download: &Download,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, Refused> {
        download.package.read(offset, len).await.map_err(|error| {
            warn!(%error, "a package could not be read");
            refused(download.scheme, "unavailable");
            Refused::Unavailable
        })
    }

    /// Somebody was sent the bytes up to there.
    pub(crate) fn sent(&self, download: &Download, upto: u64, count: usize) {
        let scheme = download.scheme.name();
        metrics::counter!("muster_download_bytes_total", "scheme" => scheme).increment(count as u64);
        self.fleet.download_progressed(download.update, upto, self.clock.wall());
    }

    fn granted(&self) -> std::sync::MutexGuard<'_, HashMap<Asked, Granted>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Download {
    /// How long it is.
    pub(crate) fn size(&self) -> u64 {
        self.package.size()
    }

    /// Tells one package from another: by the SHA-256 of the file it is in, and where in that it begins.
    pub(crate) fn etag(&self) -> [u8; 8] {
        let (digest, at, _) = self.package.cleared().part();
        let mut etag = at.to_be_bytes();
        for (byte, of_digest) in etag.iter_mut().zip(digest.0) {
            *byte ^= of_digest;
        }
        etag
    }
}

fn counts(granted: &Granted, now: Duration) -> bool {
    now < granted.at + GRANTED_FOR
}

fn refused(scheme: Scheme, reason: &'static str) {
    metrics::counter!("muster_downloads_refused_total", "scheme" => scheme.name(), "reason" => reason)
        .increment(1);
}

#[cfg(test)]
pub(crate) mod tests;
