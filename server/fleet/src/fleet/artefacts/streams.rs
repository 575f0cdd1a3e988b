//! Bytes of artefacts on their way here, and to people.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::{Blob, BlobWriter, Blobs, Fingerprint, FleetError};

/// Bytes that are on their way here. Dropped, they are forgotten.
pub struct Upload {
    writer: Box<dyn BlobWriter>,
    size: u64,
    max_bytes: u64,
    place: Place,
}

/// What devices are sent of an artefact, for a person, part by part.
pub struct Download {
    /// What it is called.
    pub name: String,
    /// How many bytes there are.
    pub size: u64,
    blobs: Arc<dyn Blobs>,
    digest: Fingerprint,
    at: u64,
    left: u64,
}

/// How much is uploaded at the same time, and how large one may be.
#[derive(Debug)]
pub(in crate::fleet) struct Uploads {
    max_bytes: u64,
    under_way: Arc<AtomicUsize>,
    turned_away: Arc<AtomicU64>,
    /// How often something was refused, by [`Misfit::name`].
    misfits: Mutex<BTreeMap<&'static str, u64>>,
}

/// One of the places for uploads.
struct Place {
    under_way: Arc<AtomicUsize>,
    turned_away: Arc<AtomicU64>,
}

impl Upload {
    /// How many may be under way.
    pub const MAX: usize = 8;
    /// How large one is at most, unless the configuration says otherwise: 64 MiB.
    pub const MAX_BYTES: u64 = 64 << 20;

    /// Takes more bytes.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), FleetError> {
        self.size += bytes.len() as u64;
        if self.size > self.max_bytes {
            self.place.turned_away.fetch_add(1, Ordering::Relaxed);
            return Err(FleetError::TooLarge { max_bytes: self.max_bytes });
        }
        Ok(self.writer.append(bytes).await?)
    }

    pub(super) async fn finish(self) -> Result<Blob, FleetError> {
        Ok(self.writer.finish().await?)
    }
}

impl Download {
    /// How many bytes one part has at most.
    pub const PART: usize = 64 << 10;

    /// What lies so long from one place of a blob on.
    pub(super) fn new(
        name: String,
        blobs: Arc<dyn Blobs>,
        (digest, at, size): (Fingerprint, u64, u64),
    ) -> Self {
        Self { name, size, blobs, digest, at, left: size }
    }

    /// The next part; none after the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, FleetError> {
        if self.left == 0 {
            return Ok(None);
        }
        let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(Self::PART);
        let part = self.blobs.read(self.digest, self.at, len).await?;
        if part.is_empty() {
            return Err(crate::BlobError::Gone.into());
        }
        self.at += part.len() as u64;
        self.left = self.left.saturating_sub(part.len() as u64);
        Ok(Some(part))
    }
}

impl Uploads {
    pub(in crate::fleet) fn new(max_bytes: u64) -> Self {
        Self { max_bytes, under_way: Arc::default(), turned_away: Arc::default(), misfits: Mutex::default() }
    }

    /// Begins to take one more.
    pub(super) async fn begin(&self, blobs: &dyn Blobs) -> Result<Upload, FleetError> {
        let place = self.place()?;
        Ok(Upload { writer: blobs.begin().await?, size: 0, max_bytes: self.max_bytes, place })
    }

    /// How many were turned away.
    pub(super) fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// How often something was refused, by its name.
    pub(super) fn misfits(&self) -> BTreeMap<&'static str, u64> {
        self.misfits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A place for one more.
    fn place(&self) -> Result<Place, FleetError> {
        let (under_way, turned_away) = (Arc::clone(&self.under_way), Arc::clone(&self.turned_away));
        let place = Place { under_way, turned_away };
        if self.under_way.fetch_add(1, Ordering::Relaxed) >= Upload::MAX {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            return Err(FleetError::TooMany { what: "uploads under way", max: Upload::MAX });
        }
        Ok(place)
    }

    /// Counts what was refused because it does not fit.
    pub(in crate::fleet) fn counted<T>(&self, decided: Result<T, FleetError>) -> Result<T, FleetError> {
        if let Err(FleetError::Misfit(misfit)) = &decided {
            let mut misfits = self.misfits.lock().unwrap_or_else(PoisonError::into_inner);
            *misfits.entry(misfit.name()).or_default() += 1;
        }
        decided
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
