//! When a device in queue mode listens, and what its answers teach of that. LwM2M Transport 1.1.1 §6.5.

use std::time::Duration;

use super::{
    Roster,
    hot::{Hot, Live, OwnAwake},
};
use crate::{
    Change, DeviceId, Now, Presence,
    queue::{Awake, AwakeScope, AwakeTime, AwakeTimes, Learned, QueueChange},
};

impl Roster {
    /// How long a device is called after it was heard, and why so long; none if it is not known. That of one that is not in
    /// queue mode does not matter.
    pub fn awake_time(&self, device: DeviceId) -> Option<AwakeTime> {
        self.devices.get(&device).map(|hot| self.awake_of(hot))
    }

    /// Whether a device has woken up, be it by its Register or after it slept. True once for each time.
    pub fn take_woken(&mut self, device: DeviceId) -> bool {
        self.live_mut(device).is_some_and(|live| std::mem::take(&mut live.woke))
    }

    /// A device answers. To be called before [`Roster::heard`]: how late it answers teaches how long it listens.
    pub fn answered(&mut self, now: Now, device: DeviceId) {
        self.learn(now, device, |before, heard_at| {
            Learned::answered(before, now.mono.saturating_sub(heard_at), now.wall)
        });
    }

    /// A device has neither answered nor acknowledged what was sent to it at a time, however often it was sent again. Unless
    /// it was heard since, it is taken to sleep.
    pub fn unanswered(&mut self, now: Now, device: DeviceId, sent_at: Duration) {
        let Some(hot) = self.devices.get(&device) else { return };
        let patience = self.awake_of(hot).time.min(Presence::AWAKE_FOR);
        let Some(live) = hot.live.as_deref() else { return };
        if !live.registration.binding.queue_mode || live.heard_at > sent_at {
            return;
        }
        // Never within MAX_TRANSMIT_WAIT of when it was heard, however soon the exchange was given up.
        let is_silent = now.mono.saturating_sub(live.heard_at) >= patience;
        self.learn(now, device, |before, heard_at| {
            Learned::silent(before, sent_at.saturating_sub(heard_at), now.wall)
        });
        if let Some(live) = self.live_mut(device) {
            live.silent |= is_silent;
        }
    }

    pub(super) fn sleeps(&self, now: Now, hot: &Hot, live: &Live) -> bool {
        let is_over = || live.heard_at.saturating_add(self.awake_of(hot).time) <= now.mono;
        live.registration.binding.queue_mode && (live.silent || is_over())
    }

    /// It listens from now on.
    pub(super) fn hear(&mut self, now: Now, device: DeviceId) {
        let slept = self.presence(now, device) == Presence::Asleep;
        let Some(live) = self.live_mut(device) else { return };
        live.heard_at = now.mono;
        live.silent = false;
        live.woke |= slept;
    }

    pub(super) fn say_awake(&mut self, scope: AwakeScope, time: Option<Duration>) {
        match (scope, time) {
            (AwakeScope::Class(class), Some(time)) => drop(self.class_awake.insert(class, time)),
            (AwakeScope::Class(class), None) => drop(self.class_awake.remove(&class)),
            (AwakeScope::Device(device), time) => self.with(device, |hot| own(hot).said = time),
        }
    }

    pub(super) fn restore_awake(&mut self, restored: &AwakeTimes) {
        self.class_awake.extend(&restored.classes);
        for (device, awake) in &restored.devices {
            self.with(*device, |hot| *own(hot) = OwnAwake { said: awake.device, learned: awake.learned });
        }
    }

    /// What was learned since the last call, to be written with the leases.
    pub(super) fn take_learned(&mut self) -> Vec<Change> {
        let taught = std::mem::take(&mut self.taught);
        let learned = |device| self.devices.get(&device)?.awake.as_ref()?.learned;
        let change = |device| Some(QueueChange::AwakeLearned { device, learned: learned(device)? });
        taught.into_iter().filter_map(change).map(Change::Queue).collect()
    }

    fn learn(
        &mut self,
        now: Now,
        device: DeviceId,
        lesson: impl Fn(Option<Learned>, Duration) -> Option<Learned>,
    ) {
        let Some(hot) = self.devices.get_mut(&device) else { return };
        let Some(live) = hot.live.as_deref() else { return };
        // One that was brought back or has been silent was not heard at any known time.
        if !live.registration.binding.queue_mode || live.heard_at > now.mono || live.silent {
            return;
        }
        let before = hot.awake.as_ref().and_then(|awake| awake.learned);
        if let Some(learned) = lesson(before, live.heard_at) {
            own(hot).learned = Some(learned);
            self.taught.insert(device);
        }
    }

    fn awake_of(&self, hot: &Hot) -> AwakeTime {
        let own = hot.awake.as_deref().copied().unwrap_or_default();
        let class = self.class_awake.get(&hot.class).copied();
        Awake { device: own.said, class, learned: own.learned }.time(self.limits.awake_for)
    }
}

fn own(hot: &mut Hot) -> &mut OwnAwake {
    hot.awake.get_or_insert_default()
}
