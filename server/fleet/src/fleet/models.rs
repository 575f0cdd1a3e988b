//! The verbs on object definitions.

use std::sync::{Arc, Mutex};

use objects::{ObjectId, Registry, Version, registry::ddf};

use super::lock;
use crate::{
    AuditEntry, Change, Commit, Context, Fleet, FleetError, Permission, Verb, registration::rules::HOLD_KEYS,
    store::StoredModel,
};

/// Reads the definitions that come with the server, and over them those of its folder. It may take a while and may be
/// called again.
pub type ModelFolder = Box<dyn Fn() -> Result<Registry, FolderError> + Send + Sync>;

/// Why the folder of definitions can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct FolderError {
    /// Which file, or the folder itself.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// An object definition in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// The object.
    pub object: ObjectId,
    /// Its version.
    pub version: Version,
    /// Its name, such as `Device`.
    pub name: String,
    /// Where it is from.
    pub source: ModelSource,
}

/// Where an object definition is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelSource {
    /// It comes with the server.
    BuiltIn,
    /// A file in the server's folder.
    Folder,
    /// It was uploaded.
    Uploaded,
}

/// Where definitions come from, beside the uploaded ones in the store.
pub(super) struct Models {
    folder: ModelFolder,
    /// As the folder was read last.
    read: Mutex<Arc<Registry>>,
    /// Held while the library is put together, so that none of two uploads is lost.
    changing: futures::lock::Mutex<()>,
}

impl Models {
    pub(super) fn new(folder: ModelFolder, read: Arc<Registry>) -> Self {
        Self { folder, read: Mutex::new(read), changing: futures::lock::Mutex::default() }
    }
}

impl ModelEntry {
    /// How many definitions are uploaded at most.
    pub const MAX_UPLOADED: usize = 1_024;
}

impl ModelSource {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built in",
            Self::Folder => "folder",
            Self::Uploaded => "uploaded",
        }
    }
}

impl Fleet {
    /// Puts the uploaded definitions over those of the folder, which were read already. To be called once, before devices
    /// are served; gives how many there are.
    pub async fn load_models(&self) -> Result<usize, FleetError> {
        let _guard = self.models.changing.lock().await;
        self.merge_models().await
    }

    /// The definitions in use, by object and version.
    pub async fn models(&self, context: &Context) -> Result<Vec<ModelEntry>, FleetError> {
        self.demand(context, Permission::View, "models").await?;
        let core = Registry::core();
        let uploaded = self.store.models().await?;
        let registry = self.registry();
        let entries = registry.iter().map(|model| {
            let key = (model.id, model.version);
            let built_in = core.iter().any(|own| (own.id, own.version) == key && own == model);
            let source = match built_in {
                _ if uploaded.iter().any(|stored| (stored.object, stored.version) == key) => {
                    ModelSource::Uploaded
                }
                true => ModelSource::BuiltIn,
                false => ModelSource::Folder,
            };
            ModelEntry { object: model.id, version: model.version, name: model.name.clone(), source }
        });
        Ok(entries.collect())
    }

    /// Takes a definition file (DDF, XML): each object in it replaces one of the same object and version, wherever that is
    /// from. What can't be read says in which line ([`FleetError::Invalid`]).
    pub async fn upload_model(&self, context: &Context, xml: &str) -> Result<Vec<ModelEntry>, FleetError> {
        self.demand(context, Permission::Administer, "upload model").await?;
        let invalid = |error: objects::registry::DdfError| FleetError::Invalid {
            field: "xml",
            reason: error.to_string(),
        };
        let models = ddf::parse(xml.as_bytes()).map_err(invalid)?;
        // A definition that makes keys readable would have them read.
        if models.iter().any(|model| HOLD_KEYS.contains(&model.id)) {
            let reason = "the objects 0, 21 and 23 hold keys: their definitions are not replaced".to_owned();
            return Err(FleetError::Invalid { field: "xml", reason });
        }
        let _guard = self.models.changing.lock().await;
        let there = self.store.models().await?;
        let is_there =
            |object, version| there.iter().any(|stored| (stored.object, stored.version) == (object, version));
        let new = models.iter().filter(|model| !is_there(model.id, model.version)).count();
        if there.len() + new > ModelEntry::MAX_UPLOADED {
            return Err(FleetError::TooMany { what: "uploaded definitions", max: ModelEntry::MAX_UPLOADED });
        }
        let mut commit = Commit::default();
        for model in &models {
            let (object, version) = (model.id, model.version);
            commit.changes.push(Change::ModelSaved { object, version, xml: xml.to_owned() });
            commit.audit.push(AuditEntry::by(context, Verb::SaveModel, None, name_of(object, version)));
        }
        self.store.commit(commit).await?;
        self.merge_models().await?;
        let entry = |model: objects::ObjectModel| ModelEntry {
            object: model.id,
            version: model.version,
            name: model.name,
            source: ModelSource::Uploaded,
        };
        Ok(models.into_iter().map(entry).collect())
    }

    /// Takes an uploaded definition back; that of the folder or the server holds again, if there is one.
    pub async fn remove_model(
        &self,
        context: &Context,
        object: ObjectId,
        version: Version,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "remove model").await?;
        let _guard = self.models.changing.lock().await;
        let uploaded = self.store.models().await?;
        if !uploaded.iter().any(|stored| (stored.object, stored.version) == (object, version)) {
            return Err(FleetError::NotFound("uploaded definition"));
        }
        let commit = Commit {
            changes: vec![Change::ModelRemoved { object, version }],
            audit: vec![AuditEntry::by(context, Verb::RemoveModel, None, name_of(object, version))],
        };
        self.store.commit(commit).await?;
        self.merge_models().await?;
        Ok(())
    }

    /// Reads the folder anew and gives how many definitions there are. If a file can't be read, all stays as it was.
    ///
    /// The folder is read before this first yields: call it where that may take some tenths of a second.
    pub async fn reload_models(&self, context: &Context) -> Result<usize, FleetError> {
        self.demand(context, Permission::Administer, "reload models").await?;
        let _guard = self.models.changing.lock().await;
        let read = (self.models.folder)();
        let invalid = |error: FolderError| FleetError::Invalid { field: "folder", reason: error.to_string() };
        *lock(&self.models.read) = Arc::new(read.map_err(invalid)?);
        let count = self.merge_models().await?;
        self.write(AuditEntry::by(context, Verb::ReloadModels, None, format!("{count} definitions"))).await?;
        Ok(count)
    }

    /// One file that can't be read any more, after an upgrade, keeps out no other.
    async fn merge_models(&self) -> Result<usize, FleetError> {
        let mut registry = Registry::clone(&*Arc::clone(&lock(&self.models.read)));
        for StoredModel { object, version, xml } in self.store.models().await? {
            let models = ddf::parse(xml.as_bytes()).unwrap_or_default();
            let wanted = models.into_iter().filter(|model| (model.id, model.version) == (object, version));
            wanted.for_each(|model| registry.insert(model));
        }
        let count = registry.iter().count();
        self.library.replace(Arc::new(registry));
        Ok(count)
    }
}

fn name_of(object: ObjectId, version: Version) -> String {
    format!("object {object} version {version}")
}
