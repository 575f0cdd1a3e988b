//! The files of artefacts, as a backup takes them along.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use tracing::warn;

use super::{
    Progress, archive,
    manifest::{Member, is_blob_name},
};
use crate::blobs;

/// Puts the files of artefacts as they are now into a folder of their own, where no removal reaches them, and hashes them. One that
/// is not what its name says is left out: it is sent to no device, either.
pub(super) fn gather(data_dir: &Path, into: &Path, progress: &dyn Progress) -> io::Result<Vec<Member>> {
    DirBuilder::new().mode(0o700).create(into)?;
    let listed = match fs::read_dir(data_dir.join(blobs::FOLDER)) {
        Ok(listed) => listed,
        // A server that has not been started since artefacts are known.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    for entry in listed {
        let entry = entry?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(is_blob_name) {
            continue;
        }
        match take(&entry.path(), &into.join(&name)) {
            // It was removed just now: what is removed from the server is not in its backup.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            taken => taken?,
        }
    }
    let mut members = Vec::new();
    for entry in fs::read_dir(into)? {
        let entry = entry?;
        let mut file = File::open(entry.path())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        progress.begin("Hashing the artefacts", file.metadata()?.len());
        let (bytes, sha256) = archive::digest(&mut file, progress)?;
        if sha256 == name {
            members.push(Member::of_blob(&name, bytes));
        } else {
            warn!(file = %name, "the file of an artefact is not what its name says: it is not in the backup; upload it again");
        }
    }
    members.sort_by(|one, next| one.name.cmp(&next.name));
    Ok(members)
}

/// By a second name where the file system has that: the files are never changed.
fn take(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}
