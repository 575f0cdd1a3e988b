//! Wishes of classes, and what came of them.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::StoreError;
use crate::{
    ClassId, DeviceId,
    wish::{Kept, NoComposites, Wishes},
};

/// What the store knows of wishes; a part of [`Store`](crate::Store).
#[async_trait]
pub trait Wishing {
    /// What each class wishes that wishes something, by class.
    async fn wishes(&self) -> Result<Vec<(ClassId, Wishes)>, StoreError>;

    /// What was asked of a device by wish.
    async fn kept_wishes(&self, device: DeviceId) -> Result<Kept, StoreError>;

    /// Whether and since when a device answers no composite operation.
    async fn no_composites(&self, device: DeviceId) -> Result<Option<NoComposites>, StoreError>;

    /// The devices, by their rows after one of them, that are of these classes or of which something is kept; none that is
    /// removed.
    async fn wished_of(
        &self,
        classes: &BTreeSet<ClassId>,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<DeviceId>, StoreError>;
}
