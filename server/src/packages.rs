//! The bytes of packages for the shards: from the fleet, which clears each device for each artefact before it gives any.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use fleet::{ArtefactId, Cleared, DeviceId, Fingerprint, Fleet, OperationId};

use crate::{
    clock::Clock,
    endpoint::packages::{Package, Packages},
};

/// Gives what the fleet clears.
pub(crate) struct FleetPackages {
    fleet: Arc<Fleet>,
    clock: Clock,
    pages: Arc<Pages>,
}

/// What one device was cleared for.
pub(crate) struct FleetPackage {
    fleet: Arc<Fleet>,
    cleared: Cleared,
    pages: Arc<Pages>,
}

/// Pages of packages that were read lately: thousands of devices get the same one at the same time.
#[derive(Default)]
pub(crate) struct Pages {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    pages: HashMap<(Fingerprint, u64), Arc<[u8]>>,
    oldest: VecDeque<(Fingerprint, u64)>,
}

/// How large a page is.
const PAGE: u64 = 64 << 10;
/// How many pages are kept: 16 MiB.
const MAX_PAGES: usize = 256;

impl FleetPackages {
    pub(crate) fn new(fleet: Arc<Fleet>, clock: Clock, pages: Arc<Pages>) -> Self {
        Self { fleet, clock, pages }
    }
}

#[async_trait]
impl Packages for FleetPackages {
    async fn open(
        &self,
        device: DeviceId,
        artefact: ArtefactId,
        instance: u16,
    ) -> Result<Arc<dyn Package>, String> {
        let now = self.clock.wall();
        let cleared = self.fleet.clear_artefact(artefact, device, instance, now).await;
        let cleared = cleared.map_err(|error| error.to_string())?;
        let (fleet, pages) = (Arc::clone(&self.fleet), Arc::clone(&self.pages));
        Ok(Arc::new(FleetPackage::new(fleet, cleared, pages)))
    }

    fn progress(&self, operation: OperationId, sent: u64) {
        self.fleet.push_progressed(operation, sent, self.clock.wall());
    }
}

#[async_trait]
impl Package for FleetPackage {
    fn size(&self) -> u64 {
        self.cleared.size()
    }

    async fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, String> {
        let end = self.size().min(offset.saturating_add(len as u64));
        let mut read = Vec::with_capacity(len);
        let mut at = offset;
        while at < end {
            let page = self.page(at / PAGE).await?;
            let from = usize::try_from(at % PAGE).unwrap_or(usize::MAX);
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
            let bytes = page.get(from..).unwrap_or_default();
            let bytes = &bytes[..bytes.len().min(wanted)];
            if bytes.is_empty() {
                break;
            }
            read.extend_from_slice(bytes);
            at += bytes.len() as u64;
        }
        metrics::counter!("muster_update_bytes_sent_total").increment(read.len() as u64);
        self.read_ahead(end, len as u64);
        Ok(read)
    }
}

impl FleetPackage {
    pub(crate) fn new(fleet: Arc<Fleet>, cleared: Cleared, pages: Arc<Pages>) -> Self {
        Self { fleet, cleared, pages }
    }

    /// What it was cleared for.
    pub(crate) fn cleared(&self) -> &Cleared {
        &self.cleared
    }

    async fn page(&self, number: u64) -> Result<Arc<[u8]>, String> {
        // What a device is cleared for may be a part of a file: an image in an envelope.
        let (digest, at, _) = self.cleared.part();
        let key = (digest, at + number * PAGE);
        if let Some(page) = self.pages.get(&key) {
            return Ok(page);
        }
        let read = self.fleet.cleared_part(&self.cleared, number * PAGE, PAGE as usize).await;
        let page: Arc<[u8]> = read.map_err(|error| error.to_string())?.into();
        self.pages.keep(key, &page);
        Ok(page)
    }

    /// The next page is read while the last block of this one is on its way, so that no block waits for the disk.
    fn read_ahead(&self, end: u64, len: u64) {
        let next = (end + len).min(self.size()).saturating_sub(1) / PAGE;
        if end == 0 || next == (end - 1) / PAGE {
            return;
        }
        let Self { fleet, cleared, pages } = self;
        let ahead = Self { fleet: Arc::clone(fleet), cleared: cleared.clone(), pages: Arc::clone(pages) };
        // What fails is read once more when it is due, and told then.
        tokio::spawn(async move { drop(ahead.page(next).await) });
    }
}

impl Pages {
    fn get(&self, key: &(Fingerprint, u64)) -> Option<Arc<[u8]>> {
        self.lock().pages.get(key).cloned()
    }

    fn keep(&self, key: (Fingerprint, u64), page: &Arc<[u8]>) {
        let mut kept = self.lock();
        if kept.pages.insert(key, Arc::clone(page)).is_none() {
            kept.oldest.push_back(key);
        }
        while kept.pages.len() > MAX_PAGES {
            let Some(oldest) = kept.oldest.pop_front() else { return };
            kept.pages.remove(&oldest);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
