//! The device installs the package, and then proves that it runs it.

use super::{LOOK_EVERY, MAX_RESTARTS, Steps};
use crate::{
    Operation,
    update::{Ask, DeviceStage, ResultClass, UpdatePhase, UpdateTarget},
    version,
};

impl Steps<'_> {
    pub(super) fn install(&mut self) {
        let begun = self.update.installed_at.unwrap_or(self.now);
        if begun.after(self.update.terms.install_within) <= self.now && !self.may_be_put_off() {
            return self.try_again("the device has been installing for too long");
        }
        if self.seen.registered.is_none() {
            // It starts anew, as it should.
            return self.wait(LOOK_EVERY);
        }
        let Some(stage) = self.seen.stage(&self.update) else { return self.look() };
        let result = self.seen.result(&self.update);
        self.update.result = result.and_then(|result| u8::try_from(result).ok());
        let class = result.map_or(ResultClass::None, |code| self.update.target.explain(code).class);
        match (stage, result) {
            (DeviceStage::Updating, _) => {
                self.note("the device installs");
                self.look_later();
            }
            (DeviceStage::Downloaded, None | Some(_)) if self.update.installed_at.is_none() => self.tell(),
            (DeviceStage::Downloaded, _) if class == ResultClass::Wait => {
                self.note("put off at the device");
                self.look_later();
            }
            (_, Some(code)) if self.update.target.explain(code).is_failure() => self.failed_with(code),
            (DeviceStage::Downloaded, _) if begun.after(LOOK_EVERY) <= self.now => {
                if self.update.restarts >= MAX_RESTARTS {
                    return self
                        .try_again("the device does not begin to install, however often it is told to");
                }
                self.update.restarts += 1;
                self.tell();
            }
            (DeviceStage::Downloaded | DeviceStage::Downloading, _) => self.look_later(),
            (DeviceStage::Idle | DeviceStage::Installed, _) => {
                self.update.restarts = 0;
                self.mark();
                self.enter_and_go(UpdatePhase::Verifying);
            }
        }
    }

    fn may_be_put_off(&self) -> bool {
        let begun = self.update.installed_at.unwrap_or(self.now);
        let allowed = self.update.terms.defer_up_to.unwrap_or_default();
        begun.after(self.update.terms.install_within).after(allowed) > self.now
    }

    fn tell(&mut self) {
        self.update.installed_at = Some(self.now);
        self.mark();
        let path = self.update.target.install();
        self.request(Ask::Install, Operation::Execute { path, arguments: String::new() });
    }

    pub(super) fn verify(&mut self) {
        let gone_for = self.update.terms.quiet + self.update.terms.install_within;
        let Some(registered) = self.seen.registered else {
            if self.update.since.after(gone_for) <= self.now {
                let reason = "the device has not come back after it had installed".to_owned();
                return self.end(UpdatePhase::Failed, reason);
            }
            return self.wait(LOOK_EVERY);
        };
        if registered.at > self.update.since {
            self.update.restarts += 1;
            if self.update.restarts > MAX_RESTARTS {
                let reason = "the device starts again and again with the new version".to_owned();
                return self.end(UpdatePhase::Failed, reason);
            }
            self.enter(UpdatePhase::Verifying);
            self.mark();
            self.update.version_at = None;
        }
        let Some(stage) = self.seen.stage(&self.update) else { return self.look() };
        if self.update.version_at.is_none_or(|at| at < self.update.mark) {
            self.update.version_at = Some(self.now);
            let path = UpdateTarget::DEVICE_VERSION;
            return self.request(Ask::Version, Operation::Read { path, format: None });
        }
        let result = self.seen.result(&self.update);
        self.update.result = result.and_then(|result| u8::try_from(result).ok());
        match result {
            Some(code) if self.update.target.explain(code).is_failure() => self.failed_with(code),
            _ if matches!(stage, DeviceStage::Idle | DeviceStage::Installed) => self.judge(result),
            _ => self.look_later(),
        }
    }

    fn judge(&mut self, result: Option<i64>) {
        let proven_at = self.update.since.after(self.update.terms.quiet);
        let wanted = self.update.version.clone();
        let Some(runs) = self.seen.version(self.update.terms.version_at, self.update.mark) else {
            let reason = "the device does not say which version it runs".to_owned();
            return self.end(UpdatePhase::Failed, reason);
        };
        if version::compare(runs, &wanted).is_ne() {
            let reason =
                format!("the device says that it has installed, and runs {runs} instead of {wanted}");
            return self.end(UpdatePhase::Failed, reason);
        }
        if proven_at > self.now {
            self.note(format!("the device runs {wanted}, and is to prove itself"));
            self.update.due_at = proven_at;
            return;
        }
        if self.update.mark < proven_at {
            // Once more at the end, all of it.
            self.mark();
            return self.look();
        }
        let class = result.map_or(ResultClass::None, |code| self.update.target.explain(code).class);
        if class != ResultClass::Success {
            let reason = format!("the device runs {wanted}, and does not say that the update was a success");
            return self.end(UpdatePhase::Failed, reason);
        }
        self.end(UpdatePhase::Succeeded, format!("the device runs {wanted}"));
    }
}
