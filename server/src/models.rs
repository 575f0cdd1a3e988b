//! Object definitions: those of the core objects, and those of a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ::fleet::{FolderError, ModelFolder};
use objects::{Registry, registry::DdfError};
use tracing::info;

use crate::config::ModelsConfig;

/// Why a folder of definitions is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// A file can't be read.
    #[error("can't read {}: {source}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is no definition of an object.
    #[error("{}: {source}", .path.display())]
    Definition {
        /// Which.
        path: PathBuf,
        /// What is wrong in it.
        source: DdfError,
    },
}

/// Files of OMA's registry that hold no object.
const NO_OBJECTS: [&str; 3] = ["Common.xml", "DDF.xml", "LWM2M_senml_units.xml"];

/// Reads the definitions. Of two of the same object and version, one at the top of the folder wins over one in
/// `version_history`, and either over the server's own.
pub(crate) fn load(config: &ModelsConfig) -> Result<Registry, ModelsError> {
    let mut registry = Registry::core();
    let Some(folder) = &config.folder else { return Ok(registry) };
    let history = folder.join("version_history");
    let mut files = if history.is_dir() { definitions(&history)? } else { Vec::new() };
    files.extend(definitions(folder)?);
    for path in &files {
        let bytes = fs::read(path).map_err(|source| ModelsError::Io { path: path.clone(), source })?;
        registry.load_ddf(&bytes).map_err(|source| ModelsError::Definition { path: path.clone(), source })?;
    }
    info!(files = files.len(), objects = registry.iter().count(), "object definitions read");
    Ok(registry)
}

/// What reads them again while the server runs.
pub(crate) fn folder(config: &ModelsConfig) -> ModelFolder {
    let config = config.clone();
    Box::new(move || {
        load(&config).map_err(|error| {
            let (file, reason) = match &error {
                ModelsError::Io { path, source } => (path, source.to_string()),
                ModelsError::Definition { path, source } => (path, source.to_string()),
            };
            FolderError { file: file.display().to_string(), reason }
        })
    })
}

fn definitions(folder: &Path) -> Result<Vec<PathBuf>, ModelsError> {
    let io_error = |source| ModelsError::Io { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error)? {
        let path = entry.map_err(io_error)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".xml") && !NO_OBJECTS.contains(&name) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
