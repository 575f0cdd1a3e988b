//! The package comes to the device: it is written there, or the device fetches it.

use objects::{Node, Resource, Value};

use super::{LOOK_EVERY, MAX_RESTARTS, Steps};
use crate::{
    Operation, WriteMode,
    update::{Ask, Delivery, DeviceStage, Route, Scheme, Seen, UpdatePhase},
    version,
};

impl Steps<'_> {
    pub(super) fn deliver(&mut self) {
        if self.seen.registered.is_none() {
            if self.has_given_up() {
                return;
            }
            self.note("waits for the device to register");
            return self.wait(LOOK_EVERY * 60);
        }
        if let Some(misfit) = self.seen.misfit.as_ref().filter(|_| self.is_being_fetched()) {
            return self.is_kept_back(misfit);
        }
        let Some(stage) = self.seen.stage(&self.update) else { return self.look() };
        let result = self.seen.result(&self.update);
        self.update.result = result.and_then(|result| u8::try_from(result).ok());
        match (stage, self.update.delivered) {
            (DeviceStage::Idle, true) => match result {
                Some(code) if self.update.target.explain(code).is_failure() => self.failed_with(code),
                // Its state may have been heard, and its result not.
                _ if self.last != Some(Ask::Look) => self.look(),
                // It has installed by itself (/5/0/14), or forgotten what it had.
                _ => self.prove_or_try_again(),
            },
            (DeviceStage::Idle | DeviceStage::Installed, false) => self.bring(),
            (DeviceStage::Installed, true) => self.enter_and_go(UpdatePhase::Verifying),
            (DeviceStage::Downloading, true) => self.is_taking(),
            (DeviceStage::Downloading, false) => self.has_a_part(),
            (DeviceStage::Downloaded, true) => self.enter_and_go(UpdatePhase::Installing),
            (DeviceStage::Downloaded, false) => self.drop_it("the device has a package of somebody else"),
            (DeviceStage::Updating, true) => {
                self.update.installed_at.get_or_insert(self.now);
                self.enter_and_go(UpdatePhase::Installing);
            }
            (DeviceStage::Updating, false) => {
                if self.update.since.after(self.update.terms.install_within) <= self.now {
                    return self.try_again("the device has been installing something else for too long");
                }
                self.note("the device installs something else");
                self.look_later();
            }
        }
    }

    /// The device has the address and not the whole package, as far as it has said.
    fn is_being_fetched(&self) -> bool {
        let stage = self.seen.stage(&self.update);
        self.update.download.is_some()
            && !matches!(
                stage,
                Some(DeviceStage::Downloaded | DeviceStage::Updating | DeviceStage::Installed)
            )
    }

    /// The device has nothing yet, or has dropped it.
    fn bring(&mut self) {
        self.update.restarts = 0;
        let terms = &self.update.terms;
        let runs = self.seen.version(terms.version_at, self.update.mark).map(str::to_owned);
        if self.update.version_before.is_none() {
            self.update.version_before.clone_from(&runs);
        }
        if let Some(runs) = runs.filter(|_| !self.update.terms.again)
            && version::compare(&runs, &self.update.version).is_eq()
        {
            return self
                .end(UpdatePhase::Succeeded, format!("the device runs {runs} already: nothing was sent"));
        }
        while let Some(ask) = Ask::BEFORE.get(usize::from(self.update.prepared)) {
            self.update.prepared += 1;
            if let Some(operation) = self.before(*ask) {
                return self.request(*ask, operation);
            }
        }
        let Seen { delivery, protocols, offered, .. } = self.seen;
        match Route::choose(self.update.terms.delivery, *delivery, protocols, offered) {
            Route::Push { why } => self.push(why),
            Route::Pull { scheme, uri, why } => self.fetch(scheme, uri, why),
            Route::None { why } => self.end(UpdatePhase::Failed, why),
        }
    }

    /// What the device is asked before it gets the package; nothing where that is not wanted, or it has no such resource.
    fn before(&self, ask: Ask) -> Option<Operation> {
        let (terms, target) = (&self.update.terms, self.update.target);
        let (path, value) = match ask {
            Ask::ObserveState => return Some(Operation::Observe { path: target.state(), format: None }),
            Ask::ObserveResult => return Some(Operation::Observe { path: target.result(), format: None }),
            Ask::Severity => (target.severity()?, Value::Integer(terms.severity?.into())),
            Ask::Defer => (target.defer()?, Value::Unsigned(terms.defer_up_to?.as_secs())),
            _ => return None,
        };
        let node = Node::Resource(Resource::Single(value));
        Some(Operation::Write { path, mode: WriteMode::Replace, node, format: None })
    }

    fn push(&mut self, why: &str) {
        let (path, from) =
            (self.update.target.package(), if self.update.terms.resume { self.update.sent } else { 0 });
        let (artefact, block_bytes) = (self.update.artefact, self.update.terms.block_bytes);
        self.note(match from {
            0 => format!("the package is written to the device: {why}"),
            from => format!("the package is written to the device from byte {from} on"),
        });
        self.mark();
        self.request(Ask::Push, Operation::Push { path, artefact, from, block_bytes });
    }

    pub(super) fn push_failed(&mut self, reason: &str) {
        let (sent, size) = (self.update.sent, self.update.size);
        let reason = format!("the package could not be written, after {sent} of {size} bytes: {reason}");
        // What the device says of it is worth more than what the exchange says.
        match self.seen.result(&self.update) {
            Some(code) if self.update.target.explain(code).is_failure() => self.failed_with(code),
            _ if self.seen.registered.is_none() => self.try_again(&reason),
            _ => {
                self.note(reason);
                let path = self.update.target.instance();
                self.request(Ask::Explain, Operation::Read { path, format: None });
            }
        }
    }

    /// The device was asked why a push has failed.
    pub(super) fn push_explained(&mut self) {
        // What it said before the first push is of another update.
        let before = self.update.result.filter(|_| self.update.attempt == 1).map(i64::from);
        match self.seen.result(&self.update).filter(|code| Some(*code) != before) {
            Some(code) if self.update.target.explain(code).is_failure() => {
                self.update.result = u8::try_from(code).ok();
                self.failed_with(code);
            }
            _ => self.try_again(&self.update.detail.clone()),
        }
    }

    fn fetch(&mut self, scheme: Scheme, uri: String, why: &str) {
        let path = self.update.target.uri();
        let node = Node::Resource(Resource::Single(Value::String(uri)));
        self.note(format!("the device is told to fetch by {}: {why}", scheme.name()));
        self.update.download = self.seen.download;
        self.update.sent = 0;
        self.update.progress_at = self.now;
        self.mark();
        self.request(Ask::Fetch, Operation::Write { path, mode: WriteMode::Replace, node, format: None });
    }

    /// Whether it has the address or not, it says so itself when it is looked at.
    pub(super) fn fetch_failed(&mut self, reason: &str) {
        self.note(format!("the device did not say that it takes the address: {reason}"));
        self.update.delivered = true;
        self.look();
    }

    /// The artefact may not go to the device any more, which is fetching it: it gets no more bytes, and drops those that it has.
    fn is_kept_back(&mut self, misfit: &str) {
        if self.last == Some(Ask::Reset) {
            let sent = self.update.sent;
            return self
                .end(UpdatePhase::Refused, format!("nothing more was sent after {sent} bytes: {misfit}"));
        }
        self.reset();
    }

    /// The device can't fetch; it may be pushed to.
    pub(super) fn uri_failed(&mut self, reason: &str) {
        if self.update.terms.delivery == Delivery::Any && matches!(self.seen.delivery, None | Some(1 | 2)) {
            self.note(format!("{reason}; it is pushed to instead"));
            self.update.terms.delivery = Delivery::Push;
            self.update.download = None;
            self.update.delivered = false;
            return self.reset();
        }
        self.end(UpdatePhase::Failed, reason.to_owned());
    }

    /// It has the package or its address, and is not through with it.
    fn is_taking(&mut self) {
        if self.update.progress_at.after(self.update.terms.download_within) <= self.now {
            return self.try_again("the device has made no progress with the package for too long");
        }
        self.look_later();
    }

    /// It has a part of a package: of this one, if it was on its way.
    fn has_a_part(&mut self) {
        if self.update.sent > 0 && self.update.terms.resume && self.update.download.is_none() {
            return self.push("it was broken off");
        }
        self.update.sent = 0;
        self.drop_it("the device has a part of a package");
    }

    /// Has the device drop a package that is in the way. One that keeps it, such as one whose object is a stub, is not told so for
    /// ever.
    fn drop_it(&mut self, what: &str) {
        if self.update.restarts >= MAX_RESTARTS {
            return self.try_again(&format!("{what}, and keeps it however often it is told to drop it"));
        }
        self.update.restarts += 1;
        self.note(format!("{what}, which is dropped"));
        self.reset();
    }

    /// It is idle although it had the package.
    fn prove_or_try_again(&mut self) {
        let runs = self.seen.version(self.update.terms.version_at, self.update.mark);
        if runs.is_some_and(|runs| version::compare(runs, &self.update.version).is_eq()) {
            return self.enter_and_go(UpdatePhase::Verifying);
        }
        let is_unfetched = self.update.download.is_some() && self.update.sent == 0;
        self.try_again(match is_unfetched {
            true => "the device was told where to fetch the package, and has not begun to",
            false => "the device has forgotten the package",
        });
    }

    /// Waits for what the device says by itself, and looks after a while.
    pub(super) fn look_later(&mut self) {
        let looked = self.seen.state.as_ref().map_or(self.update.mark, |known| known.at);
        if looked.after(LOOK_EVERY) <= self.now {
            return self.look();
        }
        self.wait_for_word();
    }

    pub(super) fn enter_and_go(&mut self, phase: UpdatePhase) {
        self.enter(phase);
        self.update.restarts = 0;
        self.go_on();
    }
}
