//! What must hold after each step.

use std::collections::BTreeSet;

use futures::executor::block_on;

use super::{super::at, world::World};
use crate::{DeviceId, Registration, Roster, Store, store::MemoryStore};

impl World {
    /// Roster, store and model agree.
    pub(super) fn check(&self) {
        self.roster.check();
        let restored = block_on(self.store.restore()).unwrap();
        let mut lives = 0;
        for known in &self.known {
            assert!(known.gone.iter().all(|id| self.roster.device_of_registration(*id).is_none()), "I-3");
            let Some(device) = known.id else { continue };
            let registration = self.roster.registration(device);
            let stored = restored.registrations.iter().find(|registration| registration.device == device);
            assert_eq!(registration.is_some(), known.life.is_some(), "I-1, I-3, I-20");
            assert_eq!(stored.is_some(), known.life.is_some(), "I-1, I-3");
            let (Some(life), Some(registration), Some(stored)) = (&known.life, registration, stored) else {
                continue;
            };
            lives += 1;
            let links = objects::link::ObjectLinks::parse(life.links.as_bytes()).unwrap();
            for registration in [registration, stored] {
                assert_eq!(registration.id, life.id, "I-1");
                assert_eq!(u64::from(registration.lifetime.0), life.lifetime, "I-2");
                assert_eq!(registration.binding.queue_mode, life.queue_mode, "I-2");
                assert_eq!(*registration.links, links, "I-2");
                assert_eq!(registration.source, at(life.port));
            }
            assert_eq!(registration.epoch, stored.epoch);
            assert_eq!(self.roster.device_of_registration(life.id), Some(device));
            let observed = self
                .roster
                .observations(device)
                .map(|observation| (observation.target.clone(), observation.token));
            assert!(observed.eq(life.observed.iter().map(|(path, token)| ((*path).into(), *token))), "I-25");
        }
        assert_eq!(restored.registrations.len(), lives);
        let observed: usize =
            self.known.iter().flat_map(|known| &known.life).map(|life| life.observed.len()).sum();
        assert_eq!(restored.observations.len(), observed, "I-25");
        for port in 1..=super::PORTS {
            let device = self.by_port.get(&port).and_then(|device| self.known[*device].id);
            assert_eq!(self.roster.device_at(at(port)), device);
        }
    }

    /// I-18 and I-5: everything balances to zero, and each operation has its end.
    pub(super) fn check_nothing_remains(&mut self) {
        let restored = block_on(self.store.restore()).unwrap();
        assert_eq!(restored.operations, []);
        assert_eq!(restored.observations, []);
        // The memory store keeps the links of ended registrations.
        self.store = MemoryStore::new();
        let roster = &mut self.roster;
        roster.links.sweep();
        assert!(roster.by_registration.is_empty() && roster.by_source.is_empty());
        assert!(roster.alarms.is_empty() && roster.unwritten.is_empty() && roster.forgotten.is_empty());
        assert!(roster.orders.is_empty());
        assert_eq!(roster.links.len(), 0);
    }

    /// What is let go is not observed any more.
    pub(super) fn check_forgotten(&mut self, device: DeviceId) {
        for token in self.roster.take_forgotten(device) {
            assert_eq!(self.roster.observation_by_token(device, token), None);
        }
    }
}

impl Roster {
    /// The indexes say the same.
    fn check(&self) {
        let lives = || self.devices.values().filter_map(|hot| hot.live.as_deref());
        let count = lives().count();
        assert_eq!(self.by_endpoint.len(), self.devices.len());
        assert_eq!(self.by_registration.len(), count);
        let alarms: BTreeSet<_> = lives().map(|live| (live.alarm, live.registration.device)).collect();
        assert_eq!(self.alarms, alarms);
        for (device, hot) in &self.devices {
            assert_eq!(self.by_endpoint.get(&hot.endpoint), Some(device));
            let Some(live) = &hot.live else { continue };
            let Registration { id, epoch, .. } = live.registration;
            assert_eq!((live.registration.device, epoch), (*device, hot.epoch));
            assert_eq!(self.by_registration.get(&id), Some(device));
        }
        for (source, device) in &self.by_source {
            assert_eq!(self.registration(*device).map(|registration| registration.source), Some(*source));
        }
        assert!(self.unwritten.iter().all(|device| self.live(*device).is_some()));
        self.orders.check();
    }
}
