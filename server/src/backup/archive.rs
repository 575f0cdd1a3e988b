//! The file: a tar of which every byte is either hashed or known. [`write`] and [`read`] are each other's mirror: the
//! reader makes each header anew and compares, so that there is one way only to write a backup down. Neither holds more
//! than a buffer of the database in memory.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{Damage, Manifest, Progress, keys, manifest::Member};
use crate::data_dir::private;

/// Why a file is no backup to rely on, or can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a backup holds, but for its database.
pub(super) struct Held {
    pub(super) manifest: Manifest,
    pub(super) keys: Vec<u8>,
}

const BLOCK: usize = 512;
const BUFFER: usize = 64 << 10;

/// Writes a backup down. `database` and what is in the folder `blobs` are what the manifest says.
pub(super) fn write(
    to: &mut impl Write,
    manifest: &Manifest,
    keys: &[u8],
    database: &mut impl Read,
    blobs: &Path,
    progress: &dyn Progress,
) -> io::Result<()> {
    let text = manifest.to_bytes();
    let sums = manifest.sums(&hex(&Sha256::digest(&text)));
    let mut tar = tar::Builder::new(to);
    let mut member = |name: &str, bytes: u64, content: &mut dyn Read| {
        tar.append(&header(name, bytes, manifest).map_err(|_| io::ErrorKind::InvalidInput)?, content)
    };
    member(Manifest::NAME, length(&text), &mut &text[..])?;
    member(Manifest::KEYS, length(keys), &mut &keys[..])?;
    member(Manifest::DATABASE, manifest.database_bytes(), &mut Watched { inner: database, progress })?;
    member(Manifest::BLOBS, 0, &mut io::empty())?;
    for blob in manifest.blobs() {
        let mut inner = File::open(blobs.join(blob.blob()))?;
        // What has become longer since is cut; what has become shorter is an error of the reader's hash.
        let mut inner = (&mut inner).take(blob.bytes);
        member(&blob.name, blob.bytes, &mut Watched { inner: &mut inner, progress })?;
    }
    member(Manifest::SUMS, length(sums.as_bytes()), &mut sums.as_bytes())?;
    tar.finish()
}

/// Reads a backup to its last byte, and copies its database to `database` and the files of artefacts into the folder `blobs`,
/// if one is named.
pub(super) fn read(
    from: &mut impl Read,
    database: &mut impl Write,
    blobs: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Held, ReadError> {
    let first = block(from)?;
    let parsed = tar::Header::from_byte_slice(&first);
    // Whatever else it is, a file that does not begin so is no backup.
    if !parsed.path_bytes().eq_ignore_ascii_case(Manifest::NAME.as_bytes()) {
        return Err(Damage::NoBackup.into());
    }
    let bytes = parsed.entry_size().map_err(|_| Damage::Header(Manifest::NAME))?;
    if bytes > Manifest::MAX_BYTES {
        return Err(Damage::Manifest.into());
    }
    let mut text = Vec::new();
    let of_manifest = content(from, bytes, &mut text, &())?;
    let manifest = Manifest::parse(&text)?;
    same(&first, Manifest::NAME, bytes, &manifest)?;

    let [sealed, copied, ..] = &manifest.members[..] else { return Err(Damage::Manifest.into()) };
    if sealed.bytes > keys::MAX_BYTES {
        return Err(Damage::Manifest.into());
    }
    let mut keys = Vec::new();
    member(from, sealed, &manifest, Manifest::KEYS, Manifest::KEYS, &mut keys, &())?;
    keys::check(&keys).map_err(Damage::Keys)?;
    progress.begin("Reading", manifest.bytes());
    member(from, copied, &manifest, Manifest::DATABASE, Manifest::DATABASE, database, progress)?;
    same(&block(from)?, Manifest::BLOBS, 0, &manifest)?;
    for blob in manifest.blobs() {
        let name = &blob.name;
        match blobs {
            None => member(from, blob, &manifest, name, Manifest::BLOBS, &mut io::sink(), progress)?,
            Some(folder) => {
                let path = folder.join(blob.blob());
                let mut to =
                    BufWriter::new(private(File::options().write(true).create_new(true)).open(path)?);
                member(from, blob, &manifest, name, Manifest::BLOBS, &mut to, progress)?;
                to.flush()?;
                to.get_ref().sync_all()?;
            }
        }
    }
    let sums = manifest.sums(&of_manifest);
    same(&block(from)?, Manifest::SUMS, length(sums.as_bytes()), &manifest)?;
    let mut found = Vec::new();
    content(from, length(sums.as_bytes()), &mut found, &())?;
    if found != sums.as_bytes() {
        return Err(Damage::Hash(Manifest::SUMS).into());
    }
    for _ in 0..2 {
        if block(from)? != [0; BLOCK] {
            return Err(Damage::End.into());
        }
    }
    if from.read(&mut [0])? > 0 {
        return Err(Damage::End.into());
    }
    Ok(Held { manifest, keys })
}

/// The SHA-256 of all there is to read, and how much it is.
pub(super) fn digest(from: &mut impl Read, progress: &dyn Progress) -> io::Result<(u64, String)> {
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; BUFFER]);
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hex(&hash.finalize())));
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
        progress.advance(read as u64)?;
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn member(
    from: &mut impl Read,
    expected: &Member,
    manifest: &Manifest,
    name: &str,
    told: &'static str,
    to: &mut impl Write,
    progress: &dyn Progress,
) -> Result<(), ReadError> {
    named(&block(from)?, name, told, expected.bytes, manifest)?;
    let hash = content(from, expected.bytes, to, progress)?;
    if hash == expected.sha256 { Ok(()) } else { Err(Damage::Hash(told).into()) }
}

/// Copies so many bytes and what fills their last block, which is zero. Gives the hash.
fn content(
    from: &mut impl Read,
    bytes: u64,
    to: &mut impl Write,
    progress: &dyn Progress,
) -> Result<String, ReadError> {
    let (mut hash, mut left, mut buffer) = (Sha256::new(), bytes, vec![0; BUFFER]);
    while left > 0 {
        let part = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
        exact(from, &mut buffer[..part])?;
        hash.update(&buffer[..part]);
        to.write_all(&buffer[..part])?;
        left -= part as u64;
        progress.advance(part as u64)?;
    }
    let over = (bytes % BLOCK as u64) as usize;
    if over > 0 {
        exact(from, &mut buffer[..BLOCK - over])?;
        if buffer[..BLOCK - over].iter().any(|&byte| byte != 0) {
            return Err(Damage::End.into());
        }
    }
    Ok(hex(&hash.finalize()))
}

fn block(from: &mut impl Read) -> Result<[u8; BLOCK], ReadError> {
    let mut block = [0; BLOCK];
    exact(from, &mut block)?;
    Ok(block)
}

fn exact(from: &mut impl Read, buffer: &mut [u8]) -> Result<(), ReadError> {
    from.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Damage::Short.into(),
        _ => error.into(),
    })
}

fn same(found: &[u8; BLOCK], name: &'static str, bytes: u64, manifest: &Manifest) -> Result<(), Damage> {
    named(found, name, name, bytes, manifest)
}

/// Whether this is the header of a member, which people are told of as `told`.
fn named(
    found: &[u8; BLOCK],
    name: &str,
    told: &'static str,
    bytes: u64,
    manifest: &Manifest,
) -> Result<(), Damage> {
    if found == header(name, bytes, manifest)?.as_bytes() { Ok(()) } else { Err(Damage::Header(told)) }
}

/// The one header that a member has: for its owner alone, of nobody in particular, of the time of the backup.
fn header(name: &str, bytes: u64, manifest: &Manifest) -> Result<tar::Header, Damage> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).map_err(|_| Damage::Manifest)?;
    header.set_size(bytes);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(u64::try_from(manifest.made_at_ms / 1_000).unwrap_or(0));
    let (kind, mode) = if name.ends_with('/') {
        (tar::EntryType::Directory, 0o700)
    } else {
        (tar::EntryType::Regular, 0o600)
    };
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_cksum();
    Ok(header)
}

fn length(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

/// Tells how far it is.
struct Watched<'a, R> {
    inner: &'a mut R,
    progress: &'a dyn Progress,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.advance(read as u64)?;
        Ok(read)
    }
}
