//! The accounts of a server that does not run, for whoever is locked out of it or starts it unattended.
//!
//! Who may write the data folder is who may do this. It is audited as the command line's.

use std::{path::PathBuf, sync::Arc};

use ::fleet::{
    Actor, Context, Feed, Fleet, FleetError, Library, PasswordError, PasswordHash, RequestId, Role, Store,
    User,
};
use objects::Registry;
use zeroize::Zeroizing;

use crate::{
    Config, CopiedTable, CopyError, CopyHow, Database, OpenError, PostgresError, SealKeyError, StartError,
    clock,
    data_dir::{DataDir, DataDirError, DataDirLock},
    endpoint::driver::ShardHandle,
    fill_random, models, open_store, store,
};

/// The data of a server that does not run; as long as this lives, none can be started on it.
pub struct Offline {
    fleet: Fleet,
    _data_dir: DataDir,
}

/// Copies a database into one that is empty, while no server runs on either. Afterwards none starts on the source: secure
/// sessions have gone with it. `progress` is told the table that is under way, and how many of its rows have been copied.
pub async fn copy_database(
    from: &Database,
    to: &Database,
    progress: impl FnMut(&'static str, u64) + Send,
) -> Result<Vec<CopiedTable>, OfflineError> {
    let _locks = lock(&[from, to])?;
    Ok(store::copy(from, to, CopyHow { with_sessions: true, in_use: false }, progress).await?)
}

/// Takes back that a database was copied away, so that a server starts on it again; devices handshake anew there. Gives where it
/// was copied to.
pub async fn take_back(database: &Database) -> Result<String, OfflineError> {
    if let Database::File(file) = database
        && !file.exists()
    {
        return Err(CopyError::NoSource(file.clone()).into());
    }
    let _locks = lock(&[database])?;
    let place = store::take_back(database).await.map_err(OfflineError::Open)?;
    place.ok_or_else(|| OfflineError::NotCopied(database.clone()))
}

/// Keeps servers away from databases that are files; PostgreSQL does that by itself.
fn lock(databases: &[&Database]) -> Result<Vec<DataDirLock>, DataDirError> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for database in databases {
        if let Database::File(file) = database {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            folders.push(folder.unwrap_or_else(|| std::path::Path::new(".")).to_owned());
        }
    }
    folders.dedup();
    folders.iter().filter(|folder| folder.exists()).map(|folder| DataDirLock::take(folder)).collect()
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The database could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The folder for the data.
    #[error(transparent)]
    DataDir(DataDirError),
    /// The verb was refused.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// There is no data.
    #[error("there is no data in {}: is it the right configuration?", .0.display())]
    NoData(PathBuf),
    /// It was not copied anywhere.
    #[error("{0} is not marked as copied: a server starts on it as it is")]
    NotCopied(Database),
    /// There is no such account.
    #[error("there is no account `{0}`")]
    NoUser(String),
    /// The database could not be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The password does not do.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A server runs on this data.
    #[error("a server runs on {}: give its address by --server and a token, or stop it first", .0.display())]
    Running(PathBuf),
    /// The key that seals credentials.
    #[error(transparent)]
    SealKey(SealKeyError),
    /// What a start would fail for, too.
    #[error(transparent)]
    Start(StartError),
}

impl Offline {
    /// Opens the data of a server, and makes it where there is none.
    pub async fn open_or_make(config: &Config) -> Result<Self, OfflineError> {
        let data_dir = DataDir::open(&config.data_dir.0)?;
        let store: Arc<dyn Store> = Arc::new(open_store(config).await?);
        // Without its calls, nothing reaches a device.
        let (shard, _) = ShardHandle::new();
        let library = Library::new(Arc::new(Registry::core()));
        let folder = models::folder(&config.models);
        let fleet = Fleet::new(store, Arc::new(shard), library, folder, Feed::new(), Box::new(fill_random));
        Ok(Self { fleet, _data_dir: data_dir })
    }

    /// Opens the data of a server, if there is any.
    pub async fn open(config: &Config) -> Result<Self, OfflineError> {
        if matches!(config.database(), Database::File(file) if !file.exists()) {
            return Err(OfflineError::NoData(config.data_dir.0.clone()));
        }
        Self::open_or_make(config).await
    }

    /// Makes an account.
    pub async fn add_user(
        &self,
        name: &str,
        role: Role,
        password: Zeroizing<String>,
    ) -> Result<User, OfflineError> {
        User::check_name(name).map_err(FleetError::from)?;
        let hash = hash(name, password).await?;
        Ok(self.fleet.add_user(&context(), name, role, hash).await?)
    }

    /// Gives an account another password, and ends its sessions. One that was disabled stays so.
    pub async fn reset_password(
        &self,
        name: &str,
        password: Zeroizing<String>,
    ) -> Result<User, OfflineError> {
        let users = self.fleet.users(&context()).await?;
        let user = users.into_iter().find(|user| user.name == name);
        let user = user.ok_or_else(|| OfflineError::NoUser(name.to_owned()))?;
        let hash = hash(name, password).await?;
        self.fleet.set_password(&context(), user.public_id, hash).await?;
        Ok(user)
    }
}

impl OfflineError {
    /// Whether another attempt with the same configuration fails in the same way.
    pub fn is_of_the_configuration(&self) -> bool {
        match self {
            Self::SealKey(_) => true,
            Self::Start(error) => error.is_of_the_configuration(),
            _ => false,
        }
    }

    /// Whether what was named is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::NoData(_) | Self::NoUser(_) | Self::Copy(CopyError::NoSource(_)))
    }

    /// Whether it is there already, or the data is in use.
    pub fn is_taken(&self) -> bool {
        matches!(
            self,
            Self::Running(_)
                | Self::Open(OpenError::Postgres(PostgresError::InUse { .. }))
                | Self::Copy(
                    CopyError::NotEmpty { .. }
                        | CopyError::Open(OpenError::Postgres(PostgresError::InUse { .. }))
                )
                | Self::Fleet(FleetError::AlreadyThere(_))
        )
    }

    /// Whether what was given does not do.
    pub fn is_of_the_input(&self) -> bool {
        matches!(self, Self::Password(_) | Self::Fleet(FleetError::UserName(_)))
    }
}

impl From<DataDirError> for OfflineError {
    fn from(error: DataDirError) -> Self {
        match error {
            DataDirError::InUse(path) => Self::Running(path),
            error => Self::DataDir(error),
        }
    }
}

impl From<StartError> for OfflineError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Open(error) => Self::Open(error),
            StartError::SealKey(error) => Self::SealKey(error),
            error => Self::Start(error),
        }
    }
}

async fn hash(name: &str, password: Zeroizing<String>) -> Result<PasswordHash, PasswordError> {
    let (name, mut salt) = (name.to_owned(), [0; 16]);
    fill_random(&mut salt);
    let made = tokio::task::spawn_blocking(move || PasswordHash::make(&name, &password, salt)).await;
    made.expect("hashing does not panic")
}

fn context() -> Context {
    let mut random = [0; 16];
    fill_random(&mut random);
    Context { actor: Actor::COMMAND_LINE, now: clock::wall(), request: RequestId::from_random(random) }
}

#[cfg(test)]
mod tests {
    use ::fleet::store::{AuditQuery, PageRequest};
    use pg_cluster::Cluster;

    use super::*;

    const PASSWORD: &str = "correct horse battery staple";

    fn config(folder: &std::path::Path) -> Config {
        let mut config = Config::default();
        config.data_dir.0 = folder.join("data");
        config
    }

    fn password(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn an_empty_postgresql_is_not_taken_for_the_fleets() {
        let Some(cluster) = Cluster::shared("an empty PostgreSQL in place of the fleet's") else { return };
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        drop(Offline::open_or_make(&config).await.unwrap());
        config.database.url = Some(cluster.url(&cluster.database()).parse().unwrap());
        let refused = Offline::open(&config).await.err().unwrap();
        assert!(matches!(refused, OfflineError::Start(StartError::LostDatabase { .. })), "{refused}");
        let said = refused.to_string();
        assert!(said.contains("muster.db shows") && said.contains("fill it by `muster db copy`"), "{said}");

        // A data folder of its own is a new server's.
        config.data_dir.0 = folder.path().join("another");
        drop(Offline::open(&config).await.unwrap());
        drop(Offline::open(&config).await.unwrap());
    }

    #[tokio::test]
    async fn an_account_is_made_and_let_in_again_and_both_are_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let nothing = Offline::open(&config).await.err().unwrap();
        assert!(nothing.is_missing() && !config.data_dir.0.exists());

        let offline = Offline::open_or_make(&config).await.unwrap();
        offline.add_user("ada", Role::Administrator, password(PASSWORD)).await.unwrap();
        let again = offline.add_user("ada", Role::Viewer, password(PASSWORD)).await.unwrap_err();
        assert!(again.is_taken(), "{again}");
        let short = offline.add_user("bob", Role::Viewer, password("short")).await.unwrap_err();
        assert!(short.is_of_the_input(), "{short}");
        // As long as it is open, nobody else is let in.
        assert!(matches!(Offline::open(&config).await, Err(OfflineError::Running(_))));
        drop(offline);

        let offline = Offline::open(&config).await.unwrap();
        let before = offline.fleet.users(&context()).await.unwrap().remove(0);
        offline.reset_password("ada", password("another one that is long")).await.unwrap();
        let after = offline.fleet.users(&context()).await.unwrap().remove(0);
        assert!(after.password != before.password && after.sessions_from > before.sessions_from);
        assert!(matches!(
            offline.reset_password("eve", password(PASSWORD)).await,
            Err(OfflineError::NoUser(name)) if name == "eve"
        ));
        let page = PageRequest { after: None, limit: 10 };
        let query = AuditQuery { actor: None, verb: None, device: None, since: None, until: None, page };
        let page = offline.fleet.audit(&context(), &query).await.unwrap();
        let causes: Vec<_> = page.rows.iter().map(|record| record.entry.cause.name()).collect();
        assert_eq!(causes, ["command line"; 2]);
    }
}
