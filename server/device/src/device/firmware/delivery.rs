//! How a package comes: written by the server, block by block or in one piece, or fetched by the device.

use std::time::Duration;

use coap::{Block, Code, Request, Response};
use objects::{Path, Value};

use super::super::{Device, management::Done};
use crate::{
    Event, FirmwareState, How, Mishap, UpdateResult,
    firmware::{AUTOMATIC, Delivery, Due, Kind, PACKAGE, PACKAGE_URI, at},
    refusal::Refusal,
};

impl Device {
    /// Takes one block of a package.
    pub(in crate::device) fn push_block(
        &mut self,
        now: Duration,
        path: Path,
        request: &Request,
        block: Block,
    ) -> Result<Done, Refusal> {
        if path != at(PACKAGE) {
            return Err(Refusal::NotFound { path });
        }
        if block.number == 0 && !block.more {
            return self.push_whole(now, path, &request.payload);
        }
        self.check_push(&path)?;
        let wanted = |mishap| match mishap {
            Mishap::WantsSmaller(size) if size < block.size && block.number == 0 => Some(size),
            _ => None,
        };
        if let Some(size) = self.strike(wanted) {
            let response = Response::new(Code::REQUEST_ENTITY_TOO_LARGE);
            return Ok(Done::new(Response {
                block1: Some(Block { more: false, size, ..block }),
                ..response
            }));
        }
        let mut done = self.push(now, block.offset(), &request.payload, !block.more);
        if done.response.code == Code::CONTINUE {
            // RFC 7959 §2.3: the blocks that follow are to be no larger.
            let size = self.profile.firmware.as_ref().map_or(block.size, |firmware| firmware.block_size);
            done.response.block1 = Some(Block { size: block.size.min(size), ..block });
        } else if !block.more {
            done.event = Some(Event::Written { path });
        }
        Ok(done)
    }

    /// Takes a package that has come in one piece. An empty one, or one of a single NUL, ends whatever is going on
    /// (LwM2M Core 1.1.1 §E.6, State).
    pub(super) fn push_whole(&mut self, now: Duration, path: Path, bytes: &[u8]) -> Result<Done, Refusal> {
        if matches!(bytes, [] | [0]) {
            self.check_not_updating(&path)?;
            self.end_update(now, UpdateResult::Initial);
            return Ok(self.answer_of_update(Code::CHANGED));
        }
        self.check_push(&path)?;
        Ok(self.push(now, 0, bytes, true))
    }

    /// Sets out to fetch a package; without a URI whatever is going on ends.
    pub(super) fn pull(&mut self, now: Duration, path: Path) -> Result<Done, Refusal> {
        let (Some(firmware), Some(update)) = (&self.profile.firmware, &self.update) else {
            return Err(Refusal::NotFound { path });
        };
        let written = self.tree.get(&at(PACKAGE_URI));
        if written == Some(&Value::String(String::new())) {
            self.check_not_updating(&path)?;
            self.end_update(now, UpdateResult::Initial);
        } else if update.state != FirmwareState::Idle
            || firmware.delivery == Delivery::Push
            // There is one download at a time.
            || self.fetching.is_some()
        {
            return Err(Refusal::NotAllowed { path });
        } else if let Err(result) = self.fetch(now) {
            self.end_update(now, result);
        }
        Ok(self.answer_of_update(Code::CHANGED))
    }

    fn check_push(&self, path: &Path) -> Result<(), Refusal> {
        let (Some(firmware), Some(update)) = (&self.profile.firmware, &self.update) else {
            return Err(Refusal::NotFound { path: *path });
        };
        let open = match update.state {
            FirmwareState::Idle => true,
            FirmwareState::Downloading => !update.pulls,
            FirmwareState::Downloaded | FirmwareState::Updating => false,
        };
        if open && firmware.delivery != Delivery::Pull {
            Ok(())
        } else {
            Err(Refusal::NotAllowed { path: *path })
        }
    }

    /// Takes the bytes of a package that begin at an offset.
    fn push(&mut self, now: Duration, offset: usize, bytes: &[u8], last: bool) -> Done {
        let Some(update) = &mut self.update else { return Done::new(Response::new(Code::NOT_FOUND)) };
        if offset == 0 {
            update.begin(now, false);
        }
        let have = update.received();
        if update.state != FirmwareState::Downloading || offset > have {
            // RFC 7959 §2.9.2
            return self.answer_of_update(Code::REQUEST_ENTITY_INCOMPLETE);
        }
        if let Some(instead) = self.go_wrong_at(have) {
            return Done { instead: Some(instead), ..self.answer_of_update(Code::CONTINUE) };
        }
        // What has come before is not taken twice.
        let taken = self.take(now, bytes.get(have - offset..).unwrap_or_default(), last);
        let code = match taken {
            Ok(()) if last => Code::CHANGED,
            Ok(()) => Code::CONTINUE,
            // That is found out when it is there.
            Err(UpdateResult::Integrity) => Code::CHANGED,
            Err(UpdateResult::NoStorage) => Code::REQUEST_ENTITY_TOO_LARGE,
            Err(UpdateResult::PackageType) => Code::BAD_REQUEST,
            Err(_) => Code::INTERNAL_SERVER_ERROR,
        };
        let lost = taken == Err(UpdateResult::ConnectionLost);
        Done { instead: lost.then_some(How::Ignore), ..self.answer_of_update(code) }
    }

    /// What is done instead of taking a block when so many bytes are there.
    fn go_wrong_at(&mut self, have: usize) -> Option<How> {
        let mishap = self.strike(|mishap| match mishap {
            Mishap::PowerCut { at, .. } | Mishap::Answers { at, .. } | Mishap::FallsSilent { at }
                if have >= at =>
            {
                Some(mishap)
            }
            _ => None,
        });
        match mishap? {
            Mishap::PowerCut { back_after, remembers, .. } => {
                if let Some(update) = &mut self.update {
                    update.remembers = remembers;
                }
                Some(How::PowerCut(back_after))
            }
            Mishap::Answers { code, .. } => Some(How::AnswerWith(code)),
            _ => Some(How::Ignore),
        }
    }

    /// Takes the next bytes of a package, or ends with the result that says why not.
    pub(super) fn take(&mut self, now: Duration, bytes: &[u8], last: bool) -> Result<(), UpdateResult> {
        let taken = self.try_take(now, bytes, last);
        if let Err(result) = taken {
            self.end_update(now, result);
        }
        taken
    }

    fn try_take(&mut self, now: Duration, bytes: &[u8], last: bool) -> Result<(), UpdateResult> {
        let Some(firmware) = &self.profile.firmware else { return Ok(()) };
        let (max, patience) = (firmware.max_bytes, firmware.patience);
        let have = self.update.as_ref().map_or(0, |update| update.received());
        self.meet(UpdateResult::NoStorage)?;
        if have + bytes.len() > max {
            return Err(UpdateResult::NoStorage);
        }
        if have > 0 || last {
            self.meet(UpdateResult::NoMemory)?;
            self.meet(UpdateResult::ConnectionLost)?;
        }
        let package = self.update.as_mut().and_then(|update| update.package.as_mut());
        let kind = package.map_or(Kind::Unknown, |package| {
            package.take(bytes);
            package.kind()
        });
        match kind {
            Kind::Test(_) => self.meet(UpdateResult::PackageType)?,
            Kind::Unknown if !last => {}
            Kind::Foreign | Kind::Unknown => return Err(UpdateResult::PackageType),
        }
        if last {
            self.meet(UpdateResult::Integrity)?;
            self.take_delivery(now);
            return Ok(());
        }
        let dozes =
            |mishap| matches!(mishap, Mishap::FallsAsleep { at } if have >= at).then_some((now, Due::Sleep));
        let sleep = self.strike(dozes);
        if let Some(update) = &mut self.update {
            update.wait(now, patience);
            update.due = sleep.or(update.due);
        }
        Ok(())
    }

    /// The package is there whole.
    fn take_delivery(&mut self, now: Duration) {
        let delivered = self.update.as_mut().and_then(|update| update.complete(now));
        delivered.into_iter().for_each(|delivered| self.emit(Event::PackageDelivered { delivered }));
        if self.tree.get(&at(AUTOMATIC)) == Some(&Value::Boolean(true)) {
            self.begin_update(now);
        }
    }
}
