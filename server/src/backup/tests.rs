//! Backups of a real store: whole, found out when damaged, and restored.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use fleet::{
    Change, ClassId, Commit, Device, DeviceId, DomainId, EndpointName, Operation, OperationId,
    OperationRecord, OperationState, PublicId, RequestId, Store as _, Timestamp, Verb,
    store::{AuditQuery, PageRequest},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    BackupError, Damage, KeysError, Manifest, Passphrase, Replace, archive, create::create_at, keys,
    keys::Cost, restore, verify,
};
use crate::{Config, SqlStore, config, data_dir::DataDir, open_store};

mod artefacts;
mod damage;
mod restored;
mod upload;

struct World {
    folder: tempfile::TempDir,
    config: Config,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Self::config(folder.path(), "data");
        Self { folder, config }
    }

    fn config(folder: &Path, name: &str) -> Config {
        let mut config = Config::default();
        config.data_dir = config::DataDir(folder.join(name));
        config
    }

    fn elsewhere(&self) -> Config {
        Self::config(self.folder.path(), "elsewhere")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn open(&self) -> (DataDir, SqlStore) {
        open(&self.config).await
    }

    async fn backup(&self, name: &str) -> Manifest {
        create_at(&self.config, &self.file(name), &passphrase(), Cost::NONE, &()).await.unwrap()
    }
}

async fn open(config: &Config) -> (DataDir, SqlStore) {
    let data_dir = DataDir::open(&config.data_dir.0).unwrap();
    let store = open_store(config).await.unwrap();
    data_dir.seed().unwrap();
    (data_dir, store)
}

fn passphrase() -> Passphrase {
    words("correct horse battery")
}

fn words(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

fn added(number: i64) -> Change {
    Change::DeviceAdded(Device {
        id: DeviceId(number),
        public_id: PublicId(Uuid::from_u128(u128::try_from(number).unwrap())),
        domain: DomainId::ROOT,
        class: ClassId::DEFAULT,
        endpoint: EndpointName::new(format!("node-{number}")).unwrap(),
        created_at: Timestamp(1_000),
        removed_at: None,
    })
}

fn commit(changes: Vec<Change>) -> Commit {
    Commit { changes, audit: Vec::new() }
}

/// Writes a backup down with these keys, and all sums right.
fn write_down(file: &Path, mut manifest: Manifest, keys: &[u8], database: &Path) {
    manifest.members[0].bytes = keys.len() as u64;
    manifest.members[0].sha256 = archive::digest(&mut &*keys, &()).unwrap().1;
    let mut to = fs::File::create(file).unwrap();
    let mut database = fs::File::open(database).unwrap();
    archive::write(&mut to, &manifest, keys, &mut database, Path::new("/nowhere"), &()).unwrap();
}
