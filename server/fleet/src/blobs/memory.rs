//! Bytes in memory, for tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{Blob, BlobError, BlobMark, BlobWriter, Blobs};
use crate::Fingerprint;

/// Keeps bytes in memory, and loses them with the process.
#[derive(Clone, Debug, Default)]
pub struct MemoryBlobs {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    blobs: BTreeMap<Fingerprint, (Vec<u8>, u128)>,
    /// How many bytes may be there yet; any number if none is said.
    room: Option<usize>,
    writes: u128,
    reads: u64,
}

impl MemoryBlobs {
    /// Nothing is kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes may be there at most from now on.
    pub fn set_room(&self, room: Option<usize>) {
        self.lock().room = room;
    }

    /// Replaces bytes under the name that they had, as somebody does who can write into the data folder.
    pub fn tamper(&self, digest: Fingerprint, bytes: Vec<u8>) {
        let mut inner = self.lock();
        inner.writes += 1;
        let written = inner.writes;
        inner.blobs.insert(digest, (bytes, written));
    }

    /// What is kept.
    pub fn kept(&self) -> BTreeSet<Fingerprint> {
        self.lock().blobs.keys().copied().collect()
    }

    /// How often bytes were read.
    pub fn reads(&self) -> u64 {
        self.lock().reads
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn begin(&self) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(Writer { blobs: self.clone(), bytes: Vec::new() }))
    }

    async fn read(&self, digest: Fingerprint, offset: u64, len: usize) -> Result<Vec<u8>, BlobError> {
        let mut inner = self.lock();
        inner.reads += 1;
        let (bytes, _) = inner.blobs.get(&digest).ok_or(BlobError::Gone)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes.iter().skip(from).take(len).copied().collect())
    }

    async fn mark(&self, digest: Fingerprint) -> Result<BlobMark, BlobError> {
        let inner = self.lock();
        let (bytes, modified) = inner.blobs.get(&digest).ok_or(BlobError::Gone)?;
        Ok(BlobMark { size: bytes.len() as u64, modified: *modified })
    }

    async fn remove(&self, digest: Fingerprint) -> Result<(), BlobError> {
        self.lock().blobs.remove(&digest);
        Ok(())
    }

    async fn keep_only(&self, digests: &BTreeSet<Fingerprint>) -> Result<usize, BlobError> {
        let mut inner = self.lock();
        let before = inner.blobs.len();
        inner.blobs.retain(|digest, _| digests.contains(digest));
        Ok(before - inner.blobs.len())
    }
}

struct Writer {
    blobs: MemoryBlobs,
    bytes: Vec<u8>,
}

#[async_trait]
impl BlobWriter for Writer {
    async fn append(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let inner = self.blobs.lock();
        let held: usize = inner.blobs.values().map(|(bytes, _)| bytes.len()).sum();
        if inner.room.is_some_and(|room| held + self.bytes.len() + bytes.len() > room) {
            return Err(BlobError::Full);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Blob, BlobError> {
        let digest = Fingerprint::of(&self.bytes);
        let size = self.bytes.len() as u64;
        let mut inner = self.blobs.lock();
        inner.writes += 1;
        let written = inner.writes;
        inner.blobs.entry(digest).or_insert((self.bytes, written));
        Ok(Blob { digest, size })
    }
}
