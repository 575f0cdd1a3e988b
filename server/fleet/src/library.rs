//! The library: the object definitions in use, which can be replaced while the server runs.

use std::sync::{Arc, PoisonError, RwLock};

use objects::Registry;

/// Holds the registry of the moment. A clone is the same library.
#[derive(Clone, Debug)]
pub struct Library(Arc<RwLock<Arc<Registry>>>);

impl Library {
    /// Begins with these definitions.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self(Arc::new(RwLock::new(registry)))
    }

    /// The definitions of the moment: what is done with them is done with one set.
    pub fn current(&self) -> Arc<Registry> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these.
    pub fn replace(&self, registry: Arc<Registry>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = registry;
    }
}
