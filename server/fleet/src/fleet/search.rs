//! The verb that finds a device by what it proves itself with.

use crate::{Context, CredentialName, Fleet, FleetError, Permission, store::DeviceView};

impl Fleet {
    /// The device that holds, or held last, the credential of a name.
    pub async fn device_by_identity(
        &self,
        context: &Context,
        name: &CredentialName,
    ) -> Result<DeviceView, FleetError> {
        self.demand(context, Permission::View, "device by identity").await?;
        let found = self.store.credential_by_name(name).await?;
        let device = found.and_then(|(credential, _)| match credential.holder {
            crate::Holder::Device(device) => Some(device),
            crate::Holder::Claim(_) => None,
        });
        let device = device.ok_or(FleetError::NotFound("device"))?;
        self.store.device_row(device).await?.ok_or(FleetError::NotFound("device"))
    }
}
