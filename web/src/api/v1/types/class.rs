//! Classes of devices.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A class of devices, which share a bootstrap plan. Its name is what it is called by everywhere, and never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Class {
    /// Its name, unique.
    #[schema(example = "default")]
    pub name: String,
}

/// A class to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClass {
    /// Its name: 1 to 64 characters, unique.
    #[schema(example = "water meters")]
    pub name: String,
}

impl From<fleet::Class> for Class {
    fn from(class: fleet::Class) -> Self {
        Self { name: class.name }
    }
}
