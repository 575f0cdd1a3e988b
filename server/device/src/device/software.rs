//! The Software Management object at work (LwM2M Core 1.1.1 §E.10): packages come, are installed, activated and removed.

use std::time::Duration;

use coap::{Block, Code, Request, Response};
use objects::{InstanceId, Path, Value};

use super::{Device, firmware::Target, management::Done};
use crate::{
    Argument, Event, How, Mishap, SoftwareResult, SoftwareState, UpdateResult,
    firmware::{Kind, put, strike},
    refusal::Refusal,
    software::{
        ACTIVATE, Component, DEACTIVATE, INSTALL, PACKAGE, PACKAGE_URI, SOFTWARE, Step, UNINSTALL, at, place,
    },
};

impl Device {
    /// How far an instance is, and whether it is active.
    pub fn software(&self, instance: InstanceId) -> Option<(SoftwareState, SoftwareResult, bool)> {
        self.components.get(&instance).map(|component| (component.state, component.result, component.active))
    }

    /// A server has created an instance.
    pub(super) fn software_created(&mut self, path: Path) {
        if let (Path::Instance(SOFTWARE, instance), Some(_)) = (path, &self.profile.software) {
            place(&mut self.tree, instance);
            self.components.insert(instance, Component::default());
        }
    }

    pub(super) fn software_deleted(&mut self, path: Path) {
        if let Path::Instance(SOFTWARE, instance) = path {
            self.components.remove(&instance);
        }
    }

    /// Takes one block of a package.
    pub(super) fn push_software_block(
        &mut self,
        path: Path,
        now: Duration,
        request: &Request,
        block: Block,
    ) -> Result<Done, Refusal> {
        let missing = Refusal::NotFound { path };
        let (Some(instance), Some(software)) = (path.instance(), &self.profile.software) else {
            return Err(missing);
        };
        let size = software.block_size.min(block.size);
        let mut done = self.push_software(now, instance, block.offset(), &request.payload, !block.more)?;
        if done.response.code == Code::CONTINUE {
            done.response.block1 = Some(Block { size, ..block });
        }
        Ok(done)
    }

    /// Does what it means that a server has written into an instance, otherwise than block by block.
    pub(super) fn software_written(
        &mut self,
        now: Duration,
        changed: &[Path],
    ) -> Result<Option<Done>, Refusal> {
        let written = |path: &&Path| path.object() == Some(SOFTWARE) && path.depth() == 3;
        let Some(path) = changed.iter().filter(written).find(|path| {
            let resource = path.resource().map(|resource| resource.0);
            matches!(resource, Some(PACKAGE | PACKAGE_URI))
        }) else {
            return Ok(None);
        };
        let (Some(instance), Some(_)) = (path.instance(), &self.profile.software) else { return Ok(None) };
        match self.tree.get(path).cloned() {
            Some(Value::Opaque(bytes)) => {
                // It is not kept.
                put(&mut self.tree, *path, Value::Opaque(Vec::new()));
                self.push_software(now, instance, 0, &bytes, true).map(Some)
            }
            Some(Value::String(uri)) => self.pull_software(now, instance, uri).map(Some),
            _ => Ok(None),
        }
    }

    /// Does what an Execute of an instance means.
    pub(super) fn execute_software(
        &mut self,
        now: Duration,
        path: Path,
        arguments: &[Argument],
    ) -> Result<Vec<Path>, Refusal> {
        let refused = Refusal::NotAllowed { path };
        let (Some(instance), Some(software)) = (path.instance(), &self.profile.software) else {
            return Err(refused);
        };
        let install_time = software.install_time;
        let Some(component) = self.components.get_mut(&instance) else { return Err(refused) };
        let is_free = component.due.is_none();
        match (path.ids().last(), component.state) {
            (Some(&INSTALL), SoftwareState::Delivered) if is_free => {
                component.due = Some((now + install_time, Step::Installed));
            }
            // Argument 1 makes way for an update of it: what is installed stays so until the update is (§E.10, Uninstall).
            (Some(&UNINSTALL), SoftwareState::Delivered | SoftwareState::Installed) if is_free => {
                let is_update = arguments.iter().any(|argument| argument.digit == 1);
                let delivered = component.delivered.take().filter(|_| is_update);
                component.end(SoftwareResult::Initial);
                component.delivered = delivered;
            }
            (Some(&ACTIVATE), SoftwareState::Installed) => component.active = true,
            (Some(&DEACTIVATE), SoftwareState::Installed) => component.active = false,
            _ => return Err(refused),
        }
        Ok(self.show_software(instance))
    }

    pub(super) fn software_due(&self) -> Option<Duration> {
        let on = !matches!(self.phase, super::client::Phase::Off { .. });
        self.components.values().filter(|_| on).filter_map(|component| component.due).map(|(at, _)| at).min()
    }

    /// Does what time brings to the instances.
    pub(super) fn go_on_with_software(&mut self, now: Duration) {
        if self.software_due().is_none_or(|due| due > now) {
            return;
        }
        let is_due = |component: &Component| component.due.is_some_and(|(at, _)| at <= now);
        let due =
            self.components.iter().filter(|(_, component)| is_due(component)).map(|(instance, _)| *instance);
        for instance in due.collect::<Vec<_>>() {
            let step = self.components.get_mut(&instance).and_then(|component| component.due.take());
            match step.map(|(_, step)| step) {
                Some(Step::Stalled) => self.fail_software(instance, UpdateResult::ConnectionLost),
                Some(Step::Verified) => match self.meet_software(UpdateResult::Integrity) {
                    Err(result) => self.fail_software(instance, result),
                    Ok(()) => {
                        self.move_software(instance, SoftwareState::Delivered, SoftwareResult::Verified)
                    }
                },
                Some(Step::Installed) => match self.meet_software(UpdateResult::UpdateFailed) {
                    // It is still there, and can be installed again.
                    Err(result) => {
                        self.move_software(
                            instance,
                            SoftwareState::Delivered,
                            SoftwareResult::Failed(result),
                        );
                    }
                    Ok(()) => {
                        self.move_software(instance, SoftwareState::Installed, SoftwareResult::Installed)
                    }
                },
                None => {}
            }
            self.tell_software(now, instance);
        }
    }

    /// What was coming is lost with the power.
    pub(super) fn software_loses_power(&mut self) {
        for instance in self.components.keys().copied().collect::<Vec<_>>() {
            if let Some(component) = self.components.get_mut(&instance)
                && component.state == SoftwareState::DownloadStarted
            {
                component.end(SoftwareResult::Initial);
            }
            self.show_software(instance);
        }
    }

    /// Shows an instance, and tells whom it concerns.
    pub(super) fn tell_software(&mut self, now: Duration, instance: InstanceId) {
        let changed = self.show_software(instance);
        if !changed.is_empty() {
            self.changed(now, &changed);
        }
    }

    pub(super) fn fail_software(&mut self, instance: InstanceId, result: UpdateResult) {
        if let Some(component) = self.components.get_mut(&instance) {
            component.end(SoftwareResult::Failed(result));
        }
    }

    pub(super) fn software_received(&self, instance: InstanceId) -> usize {
        self.components.get(&instance).map_or(0, Component::received)
    }

    /// Takes the next bytes of a package, or ends with the result that says why not.
    pub(super) fn take_software(
        &mut self,
        now: Duration,
        instance: InstanceId,
        bytes: &[u8],
        last: bool,
    ) -> Result<(), UpdateResult> {
        let taken = self.try_take_software(now, instance, bytes, last);
        if let Err(result) = taken {
            self.fail_software(instance, result);
        }
        taken
    }

    fn try_take_software(
        &mut self,
        now: Duration,
        instance: InstanceId,
        bytes: &[u8],
        last: bool,
    ) -> Result<(), UpdateResult> {
        self.meet_software(UpdateResult::NoStorage)?;
        let have = self.software_received(instance);
        if have > 0 || last {
            self.meet_software(UpdateResult::NoMemory)?;
            self.meet_software(UpdateResult::ConnectionLost)?;
        }
        self.meet_software(UpdateResult::PackageType)?;
        let (Some(software), Some(component)) = (&self.profile.software, self.components.get_mut(&instance))
        else {
            return Ok(());
        };
        if have + bytes.len() > software.max_bytes {
            return Err(UpdateResult::NoStorage);
        }
        let Some(package) = &mut component.package else { return Ok(()) };
        package.take(bytes);
        match package.kind() {
            Kind::Foreign => return Err(UpdateResult::PackageType),
            Kind::Unknown if last => return Err(UpdateResult::PackageType),
            Kind::Unknown | Kind::Test(_) => {}
        }
        component.due = Some((now + software.patience, Step::Stalled));
        if last {
            component.delivered =
                component.package.take().and_then(|package| package.delivered()).map(Box::new);
            component.state = SoftwareState::Downloaded;
            component.due = Some((now + software.verify_time, Step::Verified));
        }
        Ok(())
    }

    fn push_software(
        &mut self,
        now: Duration,
        instance: InstanceId,
        offset: usize,
        bytes: &[u8],
        last: bool,
    ) -> Result<Done, Refusal> {
        let path = at(instance, PACKAGE);
        let Some(component) = self.components.get_mut(&instance) else {
            return Err(Refusal::NotFound { path });
        };
        match component.state {
            SoftwareState::Initial if offset == 0 => component.begin(false),
            SoftwareState::DownloadStarted if component.pulls => return Err(Refusal::NotAllowed { path }),
            SoftwareState::DownloadStarted if offset == 0 => component.begin(false),
            SoftwareState::DownloadStarted | SoftwareState::Initial => {}
            _ => return Err(Refusal::NotAllowed { path }),
        }
        let have = component.received();
        if component.package.is_none() || offset > have {
            // RFC 7959 §2.9.2
            return Ok(self.answer_of_software(instance, Code::REQUEST_ENTITY_INCOMPLETE));
        }
        let instead = strike(&mut self.faults.software, |mishap| match mishap {
            Mishap::PowerCut { at, back_after, .. } if have >= at => Some(How::PowerCut(back_after)),
            Mishap::Answers { at, code } if have >= at => Some(How::AnswerWith(code)),
            Mishap::FallsSilent { at } if have >= at => Some(How::Ignore),
            _ => None,
        });
        if instead.is_some() {
            return Ok(Done { instead, ..self.answer_of_software(instance, Code::CONTINUE) });
        }
        let bytes = bytes.get(have - offset..).unwrap_or_default();
        let code = match self.take_software(now, instance, bytes, last) {
            Ok(()) if last => Code::CHANGED,
            Ok(()) => Code::CONTINUE,
            Err(UpdateResult::NoStorage) => Code::REQUEST_ENTITY_TOO_LARGE,
            Err(UpdateResult::PackageType) => Code::BAD_REQUEST,
            Err(_) => Code::INTERNAL_SERVER_ERROR,
        };
        let done = self.answer_of_software(instance, code);
        Ok(Done { event: last.then_some(Event::Written { path }), ..done })
    }

    fn pull_software(&mut self, now: Duration, instance: InstanceId, uri: String) -> Result<Done, Refusal> {
        let path = at(instance, PACKAGE_URI);
        let state = self.components.get(&instance).map(|component| component.state);
        // There is one download at a time.
        if state != Some(SoftwareState::Initial) || self.fetching.is_some() {
            return Err(Refusal::NotAllowed { path });
        }
        if let Err(result) = self.fetch_for(now, Target::Software(instance), uri) {
            self.fail_software(instance, result);
        }
        Ok(self.answer_of_software(instance, Code::CHANGED))
    }

    pub(super) fn begin_software(&mut self, now: Duration, instance: InstanceId) {
        let (Some(software), Some(component)) = (&self.profile.software, self.components.get_mut(&instance))
        else {
            return;
        };
        component.begin(true);
        component.due = Some((now + software.patience, Step::Stalled));
    }

    fn move_software(&mut self, instance: InstanceId, state: SoftwareState, result: SoftwareResult) {
        if let Some(component) = self.components.get_mut(&instance) {
            (component.state, component.result) = (state, result);
        }
    }

    fn answer_of_software(&mut self, instance: InstanceId, code: Code) -> Done {
        Done { changed: self.show_software(instance), ..Done::new(Response::new(code)) }
    }

    /// Puts into the tree what there is to see of an instance, and says what has changed.
    fn show_software(&mut self, instance: InstanceId) -> Vec<Path> {
        let Some(component) = self.components.get(&instance) else { return Vec::new() };
        let (state, result) = (component.state, component.result);
        let mut shown = component.shown(instance).to_vec();
        shown.retain(|(path, value)| self.tree.get(path) != Some(value));
        if state != SoftwareState::DownloadStarted {
            self.end_fetch_of(Target::Software(instance));
        }
        let changed: Vec<Path> = shown.iter().map(|(path, _)| *path).collect();
        shown.into_iter().for_each(|(path, value)| put(&mut self.tree, path, value));
        if !changed.is_empty() {
            self.emit(Event::Software { instance, state, result });
        }
        changed
    }

    fn meet_software(&mut self, result: UpdateResult) -> Result<(), UpdateResult> {
        let met =
            strike(&mut self.faults.software, |mishap| (mishap == Mishap::Ends(result)).then_some(result));
        met.map_or(Ok(()), Err)
    }
}
