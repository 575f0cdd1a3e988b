//! The fleet comes back part by part, while devices are served already.
//!
//! What a device says that is not back yet is held, and decided when the device is back or all are: nobody is told that it
//! is unknown, and nobody becomes somebody else, because its turn had not come. Devices that are back are served as ever.

use std::collections::{BTreeMap, VecDeque};

use fleet::{DeviceId, Now, Observation, Origin, Presence, Restored, Source};
use tracing::info;

use super::{
    Shard,
    work::{After, turned_away},
};
use crate::{binding::peek::About, endpoint::sessions::Heard};

/// What waits for devices to come back.
#[derive(Debug, Default)]
pub(super) struct Restoring {
    held: VecDeque<(Source, Option<Heard>, Vec<u8>)>,
    /// Where each such device has sessions.
    sessions: BTreeMap<DeviceId, Vec<Source>>,
    devices: usize,
}

/// How many datagrams are held until their devices are back; one more meets silence and is sent again.
pub(super) const MAX_HELD: usize = 16_384;

impl Shard {
    /// Takes in a part of what was live when the server stopped. Parts come until [`Shard::handle_restore_done`].
    pub(crate) fn handle_restored(&mut self, now: Now, restored: Restored) {
        let devices: Vec<DeviceId> = restored.devices.iter().map(|device| device.id).collect();
        for observation in &restored.observations {
            let Observation { device, token, .. } = *observation;
            let notified = restored.notified.get(&device).and_then(|of_device| of_device.get(&token));
            if let Some(number) = observation.newest(now.wall, notified.copied()) {
                let numbers = self.notified.entry(device).or_insert_with(|| (now.mono, BTreeMap::new()));
                numbers.1.insert(token, number);
            }
        }
        for commit in self.roster.restore(now, restored) {
            self.commit(now, None, commit, After::Nothing);
        }
        for device in &devices {
            self.bring_back(now, *device);
        }
        if let Some(restoring) = &mut self.restoring {
            restoring.devices += devices.len();
        }
        self.drain_coap(now);
        self.release_held(now, false);
    }

    /// All parts were taken in: who is not known now is unknown.
    pub(crate) fn handle_restore_done(&mut self, now: Now) {
        self.release_held(now, true);
    }

    /// Whether parts are still to come.
    pub(crate) fn is_restoring(&self) -> bool {
        self.restoring.is_some()
    }

    /// Holds a datagram back if its device is not back. False if it is to be taken in now.
    pub(super) fn hold(&mut self, source: Source, heard: Option<Heard>, bytes: &[u8]) -> bool {
        if self.restoring.is_none() || self.is_back(source, bytes) {
            return false;
        }
        if let Some(restoring) = &mut self.restoring {
            if restoring.held.len() < MAX_HELD {
                restoring.held.push_back((source, heard, bytes.to_vec()));
            } else {
                turned_away("held_while_restoring");
            }
        }
        true
    }

    /// A session is there whose device may not be back.
    pub(super) fn note_session(&mut self, origin: Origin) {
        let device = origin.identity.and_then(|identity| identity.device());
        if let (Some(restoring), Some(device)) = (&mut self.restoring, device)
            && !self.roster.knows(device)
        {
            restoring.sessions.entry(device).or_default().push(origin.source);
        }
    }

    fn bring_back(&mut self, now: Now, device: DeviceId) {
        // It is reached in the session that began last.
        let sources = self.restoring.as_mut().and_then(|restoring| restoring.sessions.remove(&device));
        let sessions = sources.into_iter().flatten().filter_map(|source| {
            let secure = self.sessions.at(source)?;
            (secure.identity.device() == Some(device)).then_some((secure.began_at, source))
        });
        if let Some((_, source)) = sessions.max_by_key(|(began_at, _)| *began_at) {
            self.roster.follow_session(self.origin(source));
        }
        if self.roster.registration(device).is_none() {
            return;
        }
        self.restore_path(now, device);
        self.keep_observing(now, device);
        if self.roster.presence(now, device) == Presence::Awake {
            self.observe_again(now, device);
        }
        self.send_next(now, device);
    }

    fn release_held(&mut self, now: Now, all: bool) {
        let Some(mut restoring) = self.restoring.take() else { return };
        let (released, held): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut restoring.held)
            .into_iter()
            .partition(|(source, _, bytes)| all || self.is_back(*source, bytes));
        restoring.held = held;
        metrics::gauge!("muster_restore_held").set(restoring.held.len() as f64);
        metrics::gauge!("muster_restored_devices").set(restoring.devices as f64);
        if all {
            info!(devices = restoring.devices, registrations = self.roster.registered(), "restored");
        } else {
            self.restoring = Some(restoring);
        }
        for (source, heard, bytes) in released {
            self.handle_datagram(now, source, heard, &bytes);
        }
    }

    /// Whether it can be said now whose datagram this is.
    fn is_back(&self, source: Source, bytes: &[u8]) -> bool {
        if let Some(identity) = self.origin(source).identity {
            return identity.device().is_none_or(|device| self.roster.knows(device));
        }
        if self.roster.device_at(source).is_some() {
            return true;
        }
        match About::of(bytes) {
            About::Endpoint(endpoint) => self.roster.knows_endpoint(&endpoint),
            About::Registration(id) => self.roster.device_of_registration(id).is_some(),
            About::Sender => false,
            // It is refused whoever sent it.
            About::Nobody => true,
        }
    }
}
