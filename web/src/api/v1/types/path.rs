//! Paths of the object model.

use std::{fmt, str::FromStr};

use objects::{Path, PathError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A node of a device: `/3` an object, `/3/0` an instance, `/3/0/9` a resource, `/3/0/6/1` a resource instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^/([0-9]+(/[0-9]+){0,3})?$", example = "/3/0/15")]
pub struct NodePath(pub Path);

impl From<Path> for NodePath {
    fn from(path: Path) -> Self {
        Self(path)
    }
}

impl From<NodePath> for String {
    fn from(path: NodePath) -> Self {
        path.to_string()
    }
}

impl TryFrom<String> for NodePath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl FromStr for NodePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
