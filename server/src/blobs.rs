//! The bytes of artefacts as files of the data folder: `artefacts/` and the SHA-256, in hexadecimal digits.
//!
//! A file has its name only once all of it is on the disk. Plain files, without a library for object stores: nothing but a local
//! folder is served, and none of them syncs the folder.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::UNIX_EPOCH,
};

use async_trait::async_trait;
use fleet::{Blob, BlobError, BlobMark, BlobWriter, Blobs, Fingerprint};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

/// The folder in the data folder.
pub(crate) const FOLDER: &str = "artefacts";
/// How the names begin of files that are not whole.
const UNFINISHED: &str = "unfinished-";

/// Keeps bytes as files.
#[derive(Clone, Debug)]
pub(crate) struct FileBlobs {
    folder: Arc<Path>,
    begun: Arc<AtomicU64>,
}

impl FileBlobs {
    /// In a data folder, where the folder for them is made if it is not there.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        File::open(data_dir)?.sync_all()?;
        Ok(Self { folder: folder.into(), begun: Arc::default() })
    }

    fn path(&self, digest: Fingerprint) -> PathBuf {
        self.folder.join(digest.to_string())
    }
}

#[async_trait]
impl Blobs for FileBlobs {
    async fn begin(&self) -> Result<Box<dyn BlobWriter>, BlobError> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{UNFINISHED}{number}"));
        let folder = Arc::clone(&self.folder);
        blocking(move || {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            Ok(Box::new(Unfinished { file: Some(file), path, folder, hash: Sha256::new(), size: 0 })
                as Box<dyn BlobWriter>)
        })
        .await
    }

    async fn read(&self, digest: Fingerprint, offset: u64, len: usize) -> Result<Vec<u8>, BlobError> {
        let path = self.path(digest);
        blocking(move || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(len as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        })
        .await
    }

    async fn mark(&self, digest: Fingerprint) -> Result<BlobMark, BlobError> {
        let path = self.path(digest);
        blocking(move || {
            let file = fs::metadata(path)?;
            let modified = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            Ok(BlobMark { size: file.len(), modified })
        })
        .await
    }

    async fn remove(&self, digest: Fingerprint) -> Result<(), BlobError> {
        let path = self.path(digest);
        blocking(move || match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }

    async fn keep_only(&self, digests: &BTreeSet<Fingerprint>) -> Result<usize, BlobError> {
        let names: BTreeSet<String> = digests.iter().map(Fingerprint::to_string).collect();
        let folder = Arc::clone(&self.folder);
        blocking(move || {
            let mut forgotten = 0;
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                // What somebody else has put there is not this server's to delete.
                let is_ours = name.starts_with(UNFINISHED) || Fingerprint::from_hex(&name).is_some();
                if is_ours && !names.contains(&name) {
                    fs::remove_file(entry.path())?;
                    forgotten += 1;
                }
            }
            Ok(forgotten)
        })
        .await
    }
}

/// A file that is not whole. Dropped, it is gone.
struct Unfinished {
    /// None while it is written to, or after that went wrong.
    file: Option<File>,
    path: PathBuf,
    folder: Arc<Path>,
    hash: Sha256,
    size: u64,
}

#[async_trait]
impl BlobWriter for Unfinished {
    async fn append(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let mut file = self.file.take().ok_or(BlobError::Unavailable)?;
        let owned = bytes.to_vec();
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        let written = blocking(move || file.write_all(&owned).map(|()| file)).await?;
        self.file = Some(written);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Blob, BlobError> {
        let file = self.file.take().ok_or(BlobError::Unavailable)?;
        let hash = std::mem::take(&mut self.hash);
        let blob = Blob { digest: Fingerprint(hash.finalize().into()), size: self.size };
        let (path, folder) = (self.path.clone(), Arc::clone(&self.folder));
        blocking(move || {
            file.sync_all()?;
            // In place of one of that name: the same bytes, unless somebody has changed them.
            fs::rename(path, folder.join(blob.digest.to_string()))?;
            File::open(folder)?.sync_all()
        })
        .await?;
        Ok(blob)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // One that was finished has another name.
        let _ = fs::remove_file(&self.path);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    let done = spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => BlobError::Full,
        ErrorKind::NotFound => BlobError::Gone,
        _ => {
            tracing::error!(error = %error, "the bytes of artefacts can't be read or written");
            BlobError::Unavailable
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn kept(blobs: &FileBlobs, parts: &[&[u8]]) -> Blob {
        let mut writer = blobs.begin().await.unwrap();
        for part in parts {
            writer.append(part).await.unwrap();
        }
        writer.finish().await.unwrap()
    }

    fn files(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder.join(FOLDER)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn the_same_bytes_are_one_file_under_their_digest() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FileBlobs::open(folder.path()).unwrap();
        let one = kept(&blobs, &[b"an ", b"image"]).await;
        assert_eq!(one, Blob { digest: Fingerprint::of(b"an image"), size: 8 });
        assert_eq!(kept(&blobs, &[b"an image"]).await, one);
        assert_eq!(files(folder.path()), [one.digest.to_string()]);
        assert_eq!(blobs.read(one.digest, 3, 100).await.unwrap(), b"image");
        assert_eq!(blobs.read(one.digest, 0, 2).await.unwrap(), b"an");
        assert_eq!(blobs.read(one.digest, 9, 2).await.unwrap(), b"");
        assert_eq!(blobs.mark(one.digest).await.unwrap().size, 8);
        blobs.remove(one.digest).await.unwrap();
        blobs.remove(one.digest).await.unwrap();
        assert_eq!(blobs.read(one.digest, 0, 2).await, Err(BlobError::Gone));
        assert_eq!(blobs.mark(one.digest).await, Err(BlobError::Gone));
    }

    #[tokio::test]
    async fn an_upload_that_is_broken_off_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FileBlobs::open(folder.path()).unwrap();
        let mut writer = blobs.begin().await.unwrap();
        writer.append(b"half of it").await.unwrap();
        assert_eq!(files(folder.path()).len(), 1);
        drop(writer);
        assert!(files(folder.path()).is_empty());
    }

    #[tokio::test]
    async fn what_a_killed_server_has_left_goes_at_the_next_start_and_what_is_needed_stays() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FileBlobs::open(folder.path()).unwrap();
        let (needed, spare) = (kept(&blobs, &[b"needed"]).await, kept(&blobs, &[b"spare"]).await);
        let foreign = folder.path().join(FOLDER).join("README");
        for file in [&foreign, &folder.path().join(FOLDER).join("unfinished-0")] {
            fs::write(file, "half").unwrap();
        }
        let blobs = FileBlobs::open(folder.path()).unwrap();
        assert_eq!(blobs.keep_only(&[needed.digest].into()).await.unwrap(), 2);
        assert_eq!(blobs.read(spare.digest, 0, 1).await, Err(BlobError::Gone));
        let mut expected = vec![needed.digest.to_string(), "README".to_owned()];
        expected.sort();
        assert_eq!(files(folder.path()), expected);
    }

    #[tokio::test]
    async fn a_full_disk_is_said_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FileBlobs::open(folder.path()).unwrap();
        // A device that is always full takes the file's place (null(4)).
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let path = folder.path().join(FOLDER).join("unfinished-7");
        let mut writer = Box::new(Unfinished {
            file: Some(full),
            path,
            folder: Arc::clone(&blobs.folder),
            hash: Sha256::new(),
            size: 0,
        });
        assert_eq!(writer.append(b"more").await, Err(BlobError::Full));
        assert_eq!(writer.append(b"more").await, Err(BlobError::Unavailable));
        assert!(matches!(writer.finish().await, Err(BlobError::Unavailable)));
        assert!(files(folder.path()).is_empty());
    }
}
