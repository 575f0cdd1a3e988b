//! The port to the bytes of artefacts: files that are named by what they hold.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::Fingerprint;

mod memory;
pub use memory::MemoryBlobs;

/// Keeps bytes under their SHA-256. The same bytes are kept once.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Begins to take bytes. What is not finished is gone: when the writer is dropped, or at the next start.
    async fn begin(&self) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// So many bytes from a place on; fewer if there are not as many.
    async fn read(&self, digest: Fingerprint, offset: u64, len: usize) -> Result<Vec<u8>, BlobError>;

    /// By what a change of the bytes is noticed without reading them.
    async fn mark(&self, digest: Fingerprint) -> Result<BlobMark, BlobError>;

    /// Forgets bytes. Nothing if they are not there.
    async fn remove(&self, digest: Fingerprint) -> Result<(), BlobError>;

    /// Forgets all bytes but these, and whatever was left of unfinished writers: to be called at each start, before the first
    /// upload. How much was forgotten.
    async fn keep_only(&self, digests: &BTreeSet<Fingerprint>) -> Result<usize, BlobError>;
}

/// Takes the bytes of one blob.
#[async_trait]
pub trait BlobWriter: Send + Sync {
    /// Takes more of them.
    async fn append(&mut self, bytes: &[u8]) -> Result<(), BlobError>;

    /// Keeps them. Returns only once they would survive a power loss.
    async fn finish(self: Box<Self>) -> Result<Blob, BlobError>;
}

/// Bytes that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Their SHA-256.
    pub digest: Fingerprint,
    /// How many they are.
    pub size: u64,
}

/// By what a change of bytes is noticed without reading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobMark {
    /// How many they are.
    pub size: u64,
    /// When they were written last, in nanoseconds since 1970.
    pub modified: u128,
}

/// Why bytes are not kept or given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// The disk is full.
    #[error("the disk is full: make room in the data folder, and try again")]
    Full,
    /// They are not there.
    #[error("the bytes of the artefact are gone from the data folder: upload it again, or restore a backup")]
    Gone,
    /// It can't be reached; the details are in the log.
    #[error("the bytes of artefacts can't be read or written")]
    Unavailable,
}
