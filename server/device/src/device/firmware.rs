//! The Firmware Update object at work (LwM2M Core 1.1.1 §E.6): what a server asks of it, and what it sees.
//!
//! `delivery` takes packages that are written, `fetch` fetches them, `install` installs them.

mod delivery;
mod fetch;
pub(super) use fetch::{Fetching, Target};
mod install;

use std::time::Duration;

use coap::{Code, Response};
use objects::{Path, Value};

use super::{Device, management::Done};
use crate::{
    Delivered, Event, FirmwareState, Mishap, UpdateResult,
    firmware::{
        CANCEL, CHANGED_AT, FIRMWARE, PACKAGE, PACKAGE_URI, RESULT, STATE, UPDATE, Update, VERSION, at, put,
        strike,
    },
    refusal::Refusal,
};

/// What there is to know of the firmware of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirmwareStatus<'d> {
    /// `/5/0/3`
    pub state: FirmwareState,
    /// `/5/0/5`
    pub result: UpdateResult,
    /// The version that runs, whatever the device says.
    pub version: &'d str,
    /// How often another firmware was installed.
    pub installs: u32,
    /// How many bytes of a package have come that is not whole yet.
    pub received: usize,
    /// The last package that has come whole.
    pub delivered: Option<&'d Delivered>,
}

impl Device {
    /// How far an update is, and which firmware runs; nothing if the device has no such object.
    pub fn firmware(&self) -> Option<FirmwareStatus<'_>> {
        let update = self.update.as_ref()?;
        Some(FirmwareStatus {
            state: update.state,
            result: update.result,
            version: &update.running,
            installs: update.installs,
            received: update.received(),
            delivered: update.delivered.as_deref(),
        })
    }

    /// What a Write of the Package URI that is refused leaves as it was.
    pub(super) fn package_uri(&self) -> Option<Value> {
        self.update.as_ref().and_then(|_| self.tree.get(&at(PACKAGE_URI)).cloned())
    }

    /// Does what it means that a server has written something, otherwise than block by block.
    pub(super) fn take_written(
        &mut self,
        now: Duration,
        path: Path,
        mut changed: Vec<Path>,
        uri_before: Option<Value>,
    ) -> Result<Done, Refusal> {
        if let Some(done) = self.software_written(now, &changed)? {
            changed.extend(done.changed);
            return Ok(Done { changed, event: Some(Event::Written { path }), ..done });
        }
        let done = Done::with(Code::CHANGED, Event::Written { path });
        let Some(uri_before) = uri_before else { return Ok(Done { changed, ..done }) };
        let taken = match self.tree.get(&at(PACKAGE)).cloned() {
            Some(Value::Opaque(bytes)) if changed.contains(&at(PACKAGE)) => {
                // It is not kept.
                put(&mut self.tree, at(PACKAGE), Value::Opaque(Vec::new()));
                self.push_whole(now, path, &bytes)
            }
            _ if changed.contains(&at(PACKAGE_URI)) => self.pull(now, path),
            _ => return Ok(Done { changed, ..done }),
        };
        if taken.is_err() {
            put(&mut self.tree, at(PACKAGE_URI), uri_before);
        }
        let taken = taken?;
        changed.extend(taken.changed);
        Ok(Done { changed, event: done.event, ..taken })
    }

    /// Does what an Execute of the object means.
    pub(super) fn execute_firmware(&mut self, now: Duration, path: Path) -> Result<Vec<Path>, Refusal> {
        let state = self.update.as_ref().map(|update| update.state);
        match (path.ids().last(), state) {
            (Some(&UPDATE), Some(FirmwareState::Downloaded)) => self.ask_user(now),
            (Some(&CANCEL), Some(FirmwareState::Downloading | FirmwareState::Downloaded)) => {
                self.end_update(now, UpdateResult::Cancelled);
            }
            _ => return Err(Refusal::NotAllowed { path }),
        }
        Ok(self.show_update())
    }

    /// Puts into the tree what there is to see of an update, and says what has changed.
    pub(super) fn show_update(&mut self) -> Vec<Path> {
        if self.update.as_ref().is_some_and(|update| update.state != FirmwareState::Downloading) {
            self.end_fetch_of(Target::Firmware);
        }
        let Some(update) = &self.update else { return Vec::new() };
        let mut shown = vec![
            (at(RESULT), Value::Integer(update.result as i64)),
            (at(STATE), Value::Integer(update.state as i64)),
            (at(VERSION), Value::String(update.named.clone())),
        ];
        if self.tree.version(FIRMWARE) > objects::Version::V1_0 {
            shown.push((at(CHANGED_AT), Value::Time(self.time_ms(update.moved_at) / 1000)));
        }
        if update.installs > 0 {
            shown.push((Update::RUNNING, Value::String(update.running.clone())));
        }
        let (state, result) = (update.state, update.result);
        shown.retain(|(path, value)| self.tree.get(path) != Some(value));
        let changed: Vec<Path> = shown.iter().map(|(path, _)| *path).collect();
        shown.into_iter().for_each(|(path, value)| put(&mut self.tree, path, value));
        if changed.contains(&at(STATE)) || changed.contains(&at(RESULT)) {
            self.emit(Event::Firmware { state, result });
        }
        changed
    }

    /// The same, and tells whom it concerns.
    fn tell_update(&mut self, now: Duration) {
        let changed = self.show_update();
        if !changed.is_empty() {
            self.changed(now, &changed);
        }
    }

    fn answer_of_update(&mut self, code: Code) -> Done {
        Done { changed: self.show_update(), ..Done::new(Response::new(code)) }
    }

    fn check_not_updating(&self, path: &Path) -> Result<(), Refusal> {
        match &self.update {
            Some(update) if update.state == FirmwareState::Updating => {
                Err(Refusal::NotAllowed { path: *path })
            }
            _ => Ok(()),
        }
    }

    /// Ends whatever is going on with this result.
    fn end_update(&mut self, now: Duration, result: UpdateResult) {
        if let Some(update) = &mut self.update {
            update.end(now, result);
        }
    }

    /// Finds something that is to go wrong now.
    fn strike<T>(&mut self, fits: impl Fn(Mishap) -> Option<T>) -> Option<T> {
        strike(&mut self.faults.firmware, fits)
    }

    /// Ends with this result if that is to go wrong.
    fn meet(&mut self, result: UpdateResult) -> Result<(), UpdateResult> {
        let met = self.strike(|mishap| (mishap == Mishap::Ends(result)).then_some(result));
        met.map_or(Ok(()), Err)
    }
}
