//! Object definitions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// Where an object definition is from.
    ModelSource = ModelSource {
        /// It comes with the server.
        BuiltIn,
        /// A file in the server's folder.
        Folder,
        /// It was uploaded.
        Uploaded,
    }
}

/// An object definition in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// The object.
    #[schema(example = 3)]
    pub object: u16,
    /// Its version.
    #[schema(example = "1.1")]
    pub version: String,
    /// Its name.
    #[schema(example = "Device")]
    pub name: String,
    /// Where it is from.
    pub source: ModelSource,
}

/// How many object definitions are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelCount {
    /// How many.
    pub models: u64,
}

impl From<fleet::ModelEntry> for Model {
    fn from(entry: fleet::ModelEntry) -> Self {
        Self {
            object: entry.object.0,
            version: entry.version.to_string(),
            name: entry.name,
            source: entry.source.into(),
        }
    }
}
