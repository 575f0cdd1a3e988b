//! The verbs on labels.

use std::collections::BTreeMap;

use crate::{
    AuditEntry, BulkReport, Change, Commit, Context, DeviceId, Fleet, FleetError, GroupChange, Label, Labels,
    Permission, PublicId, Verb,
};

impl Fleet {
    /// How many devices are labelled by one call at most.
    pub const MAX_LABELLED: usize = 10_000;

    /// The labels of a device.
    pub async fn labels(&self, context: &Context, id: PublicId) -> Result<Labels, FleetError> {
        self.demand(context, Permission::View, "labels").await?;
        let device = self.view(id).await?.device.id;
        Ok(self.store.labels(device).await?)
    }

    /// The labels of those of some devices that have any.
    pub async fn labels_of(
        &self,
        context: &Context,
        devices: &[DeviceId],
    ) -> Result<BTreeMap<DeviceId, Labels>, FleetError> {
        self.demand(context, Permission::View, "labels of devices").await?;
        Ok(self.store.labels_of(devices).await?)
    }

    /// Says which labels a device has: all of them.
    pub async fn set_labels(
        &self,
        context: &Context,
        id: PublicId,
        labels: Labels,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "set labels").await?;
        let device = self.enrolled(id).await?.device.id;
        self.store.commit(labelled(context, device, labels)).await?;
        self.evaluate(context.now, &[device]).await.map(drop)
    }

    /// Puts labels on devices and takes labels off, at most [`Fleet::MAX_LABELLED`] devices; one that can't be labelled keeps
    /// none of the others.
    pub async fn label_devices(
        &self,
        context: &Context,
        ids: &[PublicId],
        set: &Labels,
        unset: &[String],
    ) -> Result<BulkReport, FleetError> {
        self.demand(context, Permission::Administer, "label devices").await?;
        if ids.len() > Self::MAX_LABELLED {
            let reason = format!("at most {} devices at one time", Self::MAX_LABELLED);
            return Err(FleetError::Invalid { field: "devices", reason });
        }
        let (mut report, mut devices) = (BulkReport::default(), Vec::new());
        for id in ids {
            match self.label(context, *id, set, unset).await {
                Ok(device) => {
                    devices.push(device);
                    report.done += 1;
                }
                Err(FleetError::Store(error)) => return Err(error.into()),
                Err(error) => report.failed.push((*id, error.to_string())),
            }
        }
        self.evaluate(context.now, &devices).await?;
        Ok(report)
    }

    async fn label(
        &self,
        context: &Context,
        id: PublicId,
        set: &Labels,
        unset: &[String],
    ) -> Result<DeviceId, FleetError> {
        let device = self.enrolled(id).await?.device.id;
        let mut labels = self.store.labels(device).await?;
        for key in unset {
            labels.unset(key);
        }
        for (key, value) in set.iter() {
            let label = Label { key: key.to_owned(), value: value.to_owned() };
            labels
                .set(label)
                .map_err(|error| FleetError::Invalid { field: "labels", reason: error.to_string() })?;
        }
        self.store.commit(labelled(context, device, labels)).await?;
        Ok(device)
    }
}

fn labelled(context: &Context, device: DeviceId, labels: Labels) -> Commit {
    let object = if labels.is_empty() { "none".to_owned() } else { labels.to_string() };
    Commit {
        audit: vec![AuditEntry::by(context, Verb::LabelDevice, Some(device), object)],
        changes: vec![Change::Group(GroupChange::Labelled { device, labels })],
    }
}
