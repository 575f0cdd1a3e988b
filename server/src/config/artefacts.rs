//! The part of the configuration that is about artefacts.

use fleet::Upload;
use serde::Deserialize;

/// Artefacts: the firmware and software that devices are given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArtefactsConfig {
    /// How many bytes an image or an envelope has at most.
    pub max_bytes: u64,
}

impl Default for ArtefactsConfig {
    fn default() -> Self {
        Self { max_bytes: Upload::MAX_BYTES }
    }
}
