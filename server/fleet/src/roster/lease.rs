//! Liveness: when devices were heard, how long their registrations hold, and what happens when they do not.

use std::time::Duration;

use super::Roster;
use crate::{Change, Commit, DeviceId, EndReason, Now};

impl Roster {
    /// How exactly it is kept when a device was heard; a batch is written about as often.
    const SEEN_RESOLUTION_MS: u64 = 1_000;

    /// Something came from the device, be it a request, an answer or an acknowledgement: from now on it listens for a
    /// while.
    pub fn heard(&mut self, now: Now, device: DeviceId) {
        self.hear(now, device);
        let Some(live) = self.live_mut(device) else { return };
        if now.wall.0.abs_diff(live.seen_at.0) >= Self::SEEN_RESOLUTION_MS {
            live.seen_at = now.wall;
            self.unwritten.insert(device);
        }
    }

    /// What has changed of the devices' liveness since the last call, to be written in one batch.
    pub fn take_leases(&mut self) -> Vec<Change> {
        let devices = std::mem::take(&mut self.unwritten);
        let lease = |device| {
            let live = self.live(device)?;
            let (seen_at, expires_at) = (live.seen_at, live.registration.expires_at);
            Some(Change::LeaseRenewed { device, seen_at, expires_at })
        };
        let mut changes: Vec<Change> = devices.into_iter().filter_map(lease).collect();
        changes.extend(self.take_learned());
        changes
    }

    /// The devices whose registrations have ended by now, so many at most. Each comes up again after
    /// [`Roster::EXPIRY_RETRY`] until its end is applied: hand it to [`Roster::expire`] when no other commit of it is in
    /// flight.
    pub fn expired(&mut self, now: Now, limit: usize) -> Vec<DeviceId> {
        let mut expired = Vec::new();
        #[cfg(planted)]
        if planted::is(planted::Fault::ExpiredNever) {
            return expired;
        }
        while expired.len() < limit
            && let Some(&(at, device)) = self.alarms.first()
            && at <= now.mono
        {
            self.alarms.pop_first();
            self.set_alarm(device, now.mono + Self::EXPIRY_RETRY);
            expired.push(device);
        }
        expired
    }

    /// Ends a registration that has expired; none if the device has been heard in time after all.
    pub fn expire(&self, now: Now, device: DeviceId) -> Option<Commit> {
        let live = self.live(device).filter(|live| live.lease_until <= now.mono)?;
        Some(self.ended(now, live, EndReason::Expired))
    }

    /// An Update that changes nothing.
    pub(super) fn renew(&mut self, now: Now, device: DeviceId) {
        let Some(live) = self.live_mut(device) else { return };
        let registration = &mut live.registration;
        registration.updated_at = now.wall;
        registration.expires_at = now.wall.after(registration.lifetime.duration());
        live.seen_at = now.wall;
        let source = live.registration.source;
        self.by_source.insert(source, device);
        self.unwritten.insert(device);
        self.prolong(now, device);
    }

    /// The lifetime runs from now.
    pub(super) fn prolong(&mut self, now: Now, device: DeviceId) {
        let grace = self.limits.grace;
        #[cfg(planted)]
        let early = planted::is(planted::Fault::ExpiredEarly);
        let Some(live) = self.live_mut(device) else { return };
        live.lease_until =
            now.mono.saturating_add(live.registration.lifetime.duration()).saturating_add(grace);
        #[cfg(planted)]
        if early {
            live.lease_until = now.mono + live.registration.lifetime.duration().mul_f64(0.9);
        }
        let until = live.lease_until;
        self.set_alarm(device, until);
    }

    fn set_alarm(&mut self, device: DeviceId, at: Duration) {
        let Some(live) = self.live_mut(device) else { return };
        let before = std::mem::replace(&mut live.alarm, at);
        self.alarms.remove(&(before, device));
        self.alarms.insert((at, device));
    }
}
