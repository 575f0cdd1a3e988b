//! How a package is installed: at once or later, with or without success, and what the device says of it.

use std::time::Duration;

use objects::Value;

use super::super::{Device, client::Phase};
use crate::{
    Event, FirmwareState, Mishap, UpdateResult,
    firmware::{Due, MAX_DEFER, at},
};

impl Device {
    /// Installs the package, unless the user puts it off, as far as the server allows that (`/5/0/13`).
    pub(super) fn ask_user(&mut self, now: Duration) {
        if self.meet(UpdateResult::Cancelled).is_err() {
            return self.end_update(now, UpdateResult::Cancelled);
        }
        let allowed = match self.tree.get(&at(MAX_DEFER)) {
            Some(Value::Unsigned(seconds)) => Duration::from_secs(*seconds),
            // Version 1.0 of the object knows nothing of it.
            _ => Duration::ZERO,
        };
        let put_off = self.strike(|mishap| match mishap {
            Mishap::Defers(by) if !allowed.is_zero() => Some(by.min(allowed)),
            _ => None,
        });
        match (put_off, &mut self.update) {
            (Some(by), Some(update)) => {
                update.move_to(now, FirmwareState::Downloaded, UpdateResult::Deferred);
                update.due = Some((now + by, Due::Deferred));
            }
            _ => self.begin_update(now),
        }
    }

    pub(super) fn begin_update(&mut self, now: Duration) {
        let hangs = self.strike(|mishap| (mishap == Mishap::Hangs).then_some(())).is_some();
        if let (Some(firmware), Some(update)) = (&self.profile.firmware, &mut self.update) {
            update.move_to(now, FirmwareState::Updating, UpdateResult::Initial);
            update.due = (!hangs).then_some((now + firmware.install_time, Due::Installed));
        }
    }

    /// When time brings something to an update. A device that is off meets it when it is back.
    pub(in crate::device) fn update_due(&self) -> Option<Duration> {
        let is_off = matches!(self.phase, Phase::Off { .. });
        self.update.as_ref().filter(|_| !is_off)?.due.map(|(at, _)| at)
    }

    /// Does what time brings to an update.
    pub(in crate::device) fn go_on_with_update(&mut self, now: Duration) {
        if self.update_due().is_none_or(|due| due > now) {
            return;
        }
        let due = self.update.as_mut().and_then(|update| update.due.take());
        match due.map(|(_, due)| due) {
            Some(Due::Stalled) => self.end_update(now, UpdateResult::ConnectionLost),
            Some(Due::Deferred) => self.begin_update(now),
            Some(Due::Installed) => self.finish_update(now),
            Some(Due::Flap) => self.come_back(now),
            Some(Due::Sleep) => {
                if let (Some(firmware), Some(update)) = (&self.profile.firmware, &mut self.update) {
                    update.wait(now, firmware.patience);
                }
                self.awake_until = self.awake_until.map(|_| now);
            }
            None => {}
        }
        self.tell_update(now);
    }

    /// The package is installed, or is not. Where it was tried, the device starts anew.
    fn finish_update(&mut self, now: Duration) {
        let fails = self.meet(UpdateResult::UpdateFailed).is_err();
        let ending = self.strike(|mishap| match mishap {
            Mishap::RollsBack { .. } | Mishap::KeepsQuiet | Mishap::Lies => Some(mishap).filter(|_| !fails),
            _ => None,
        });
        let Some(update) = &mut self.update else { return };
        match ending {
            // The package is still there, and Update can be tried again (LwM2M Core 1.1.1 §E.6, State).
            _ if fails => update.move_to(now, FirmwareState::Downloaded, UpdateResult::UpdateFailed),
            Some(Mishap::RollsBack { admits: true }) => {
                update.move_to(now, FirmwareState::Downloaded, UpdateResult::UpdateFailed);
            }
            Some(Mishap::RollsBack { .. }) => update.end(now, UpdateResult::Success),
            Some(Mishap::Lies) => update.move_to(now, FirmwareState::Idle, UpdateResult::Success),
            Some(Mishap::KeepsQuiet) => update.install(now, UpdateResult::Initial),
            _ => update.install(now, UpdateResult::Success),
        }
        if !fails {
            self.come_back(now);
        }
    }

    /// Starts anew, and perhaps not for the last time.
    fn come_back(&mut self, now: Duration) {
        let again = self.strike(|mishap| if let Mishap::Flaps(after) = mishap { Some(after) } else { None });
        if let Some(update) = &mut self.update {
            update.due = again.map(|after| (now + after, Due::Flap));
        }
        self.emit(Event::Rebooting);
        self.reboot(now);
    }
}
