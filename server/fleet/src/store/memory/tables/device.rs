//! Devices: what they registered, and what they gave.

use std::collections::BTreeMap;

use super::{Tables, unique};
use crate::{
    Class, ClassId, CredentialState, Delivery, Device, DeviceId, DeviceState, EndReason, Notified,
    ObservationToken, Plan, PlanScope, PublicId, Reading, Registration, StoreError, StoredReading, Timestamp,
    store::{DeviceSummary, DeviceView, RegisteredSummary},
};

#[derive(Clone, Debug)]
pub(in crate::store::memory) struct RegistrationRow {
    pub(in crate::store::memory) registration: Registration,
    pub(in crate::store::memory) state: DeviceState,
    pub(in crate::store::memory) seen_at: Timestamp,
}

impl Tables {
    pub(super) fn add_device(&mut self, device: Device) -> Result<(), StoreError> {
        unique(
            self.classes.contains_key(&device.class)
                && !self.devices.contains_key(&device.id)
                && !self.by_endpoint.contains_key(&device.endpoint)
                && self.devices.values().all(|other| other.public_id != device.public_id),
        )?;
        self.by_endpoint.insert(device.endpoint.clone(), device.id);
        self.devices.insert(device.id, device);
        Ok(())
    }

    pub(super) fn enrol_again(&mut self, id: DeviceId, class: ClassId) -> Result<(), StoreError> {
        unique(self.classes.contains_key(&class))?;
        let device = self.devices.get_mut(&id).filter(|device| device.removed_at.is_some());
        let device = device.ok_or(StoreError::Conflict)?;
        device.removed_at = None;
        device.class = class;
        if let Some(row) = self.registrations.get_mut(&id) {
            row.state = DeviceState::Awaited;
        }
        Ok(())
    }

    pub(super) fn classify(&mut self, id: DeviceId, class: ClassId) -> Result<(), StoreError> {
        unique(self.classes.contains_key(&class))?;
        self.devices.get_mut(&id).ok_or(StoreError::Conflict)?.class = class;
        self.groups.settle(id);
        Ok(())
    }

    pub(super) fn remove_device(
        &mut self,
        id: DeviceId,
        at: Timestamp,
        keep_data: bool,
    ) -> Result<(), StoreError> {
        let device = self.devices.get_mut(&id).ok_or(StoreError::Conflict)?;
        device.removed_at.get_or_insert(at);
        self.end_registration(id, at, EndReason::Removed);
        let held: Vec<_> = self.credentials_of(id).map(|credential| credential.id).collect();
        for credential in held {
            self.end_credential(credential, CredentialState::Revoked, at);
            if !keep_data {
                self.erase_secret(credential);
            }
        }
        self.observations.retain(|(other, _), _| *other != id);
        self.groups.leave_all(id);
        self.configuration.end(id);
        if !keep_data {
            self.groups.unlabel(id);
            self.artefacts.forget_installed(id);
            self.updates.forget(id);
            self.wishes.forget(id);
            self.awake.forget(id);
            self.configuration.forget(id);
            self.registrations.remove(&id);
            self.latest.retain(|(other, _), _| *other != id);
            self.history.retain(|(other, _), _| *other != id);
            self.timeline.retain(|record| record.entry.device != id);
            self.operations.retain(|_, record| record.device != id);
            self.bootstraps.retain(|_, record| record.device != id);
            self.plans.remove(&PlanScope::Device(id));
        }
        Ok(())
    }

    pub(super) fn add_class(&mut self, class: Class) -> Result<(), StoreError> {
        unique(self.classes.values().all(|other| other.id != class.id && other.name != class.name))?;
        self.classes.insert(class.id, class);
        Ok(())
    }

    pub(super) fn save_plan(&mut self, scope: PlanScope, plan: Option<Plan>) -> Result<(), StoreError> {
        match scope {
            PlanScope::Class(class) => unique(self.classes.contains_key(&class))?,
            PlanScope::Device(device) => self.known(device)?,
        }
        match plan {
            Some(plan) => self.plans.insert(scope, plan),
            None => self.plans.remove(&scope),
        };
        Ok(())
    }

    /// Whether this very registration lives.
    pub(super) fn holds(&self, registration: &Registration) -> bool {
        self.registrations
            .get(&registration.device)
            .is_some_and(|row| row.state == DeviceState::Registered && row.registration.id == registration.id)
    }

    pub(super) fn register(&mut self, registration: Registration) -> Result<(), StoreError> {
        let device = registration.device;
        self.known(device)?;
        unique(self.devices.get(&device).is_none_or(|device| device.removed_at.is_none()))?;
        unique(
            self.registrations
                .values()
                .all(|row| row.registration.device == device || row.registration.id != registration.id),
        )?;
        let before = self.registrations.get(&device);
        // A stale owner's write: an older registration, or one that has ended already.
        unique(before.is_none_or(|row| {
            let epoch = row.registration.epoch;
            registration.epoch > epoch || registration.epoch == epoch && row.state == DeviceState::Registered
        }))?;
        let seen_at = before.map_or(registration.updated_at, |row| row.seen_at.max(registration.updated_at));
        let row = RegistrationRow { registration, state: DeviceState::Registered, seen_at };
        self.registrations.insert(device, row);
        Ok(())
    }

    /// Whether there was one to end.
    pub(super) fn end_registration(&mut self, device: DeviceId, at: Timestamp, reason: EndReason) -> bool {
        let Some(row) = self.live(device) else { return false };
        row.registration.expires_at = at;
        row.state = reason.state();
        if reason == EndReason::Deregistered {
            row.seen_at = row.seen_at.max(at);
        }
        true
    }

    pub(super) fn live(&mut self, device: DeviceId) -> Option<&mut RegistrationRow> {
        self.registrations.get_mut(&device).filter(|row| row.state == DeviceState::Registered)
    }

    /// Whether a delivery is new. A message id and token may come again once EXCHANGE_LIFETIME has passed.
    pub(super) fn deliver(&mut self, device: DeviceId, delivery: &Delivery, at: Timestamp) -> bool {
        let same = |row: &(DeviceId, Delivery, Timestamp)| row.0 == device && row.1 == *delivery;
        if self.deliveries.iter().any(|row| same(row) && row.2.after(Delivery::KEPT) > at) {
            return false;
        }
        self.deliveries.retain(|row| !same(row));
        self.deliveries.push((device, delivery.clone(), at));
        true
    }

    /// The newest notification under each token.
    pub(in crate::store::memory) fn notified(
        &self,
        devices: &BTreeMap<DeviceId, Device>,
    ) -> BTreeMap<DeviceId, BTreeMap<ObservationToken, Notified>> {
        let mut stored: Vec<_> = self.deliveries.iter().filter(|row| devices.contains_key(&row.0)).collect();
        stored.sort_by_key(|(_, delivery, at)| (*at, delivery.observe));
        let mut notified = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (device, delivery, at) in stored {
            if let (Some(token), Some(number)) = (ObservationToken::new(&delivery.token), delivery.observe) {
                notified.entry(*device).or_default().insert(token, Notified { at: *at, number });
            }
        }
        notified
    }

    pub(super) fn read(&mut self, device: DeviceId, received_at: Timestamp, reading: Reading) {
        let path = reading.path;
        let stored = StoredReading { reading, received_at, sequence: self.next_sequence() };
        let key = (device, path.ids());
        if self.latest.get(&key).is_none_or(|latest| latest.at() <= stored.at()) {
            self.latest.insert(key, stored.clone());
        }
        let history = self.history.entry((device, path)).or_default();
        history.push(stored);
        history.sort_by_key(|stored| (stored.at(), stored.sequence));
    }

    // === What is asked ===

    pub(in crate::store::memory) fn state(&self, device: &Device) -> DeviceState {
        match (device.removed_at, self.registrations.get(&device.id)) {
            (Some(_), _) => DeviceState::Removed,
            (None, Some(row)) => row.state,
            (None, None) => DeviceState::Awaited,
        }
    }

    pub(in crate::store::memory) fn public(&self, id: PublicId) -> Option<&Device> {
        self.devices.values().find(|device| device.public_id == id)
    }

    pub(in crate::store::memory) fn view(&self, device: &Device) -> DeviceView {
        let row = self.registrations.get(&device.id);
        DeviceView {
            device: device.clone(),
            state: self.state(device),
            registration: row.map(|row| row.registration.clone()),
            seen_at: row.map(|row| row.seen_at),
            secured: self.secured(device.id),
            class_name: self.class_name(device.class),
        }
    }

    pub(in crate::store::memory) fn summary(&self, device: &Device) -> DeviceSummary {
        let registered = self.registrations.get(&device.id).map(|row| RegisteredSummary {
            lwm2m: row.registration.lwm2m,
            binding: row.registration.binding.clone(),
            source: row.registration.source,
            seen_at: row.seen_at,
            expires_at: row.registration.expires_at,
        });
        DeviceSummary {
            device: device.clone(),
            state: self.state(device),
            secured: self.secured(device.id),
            class_name: self.class_name(device.class),
            registered,
        }
    }

    fn class_name(&self, class: ClassId) -> String {
        self.classes.get(&class).map(|class| class.name.clone()).unwrap_or_default()
    }
}
