//! What is next in an update: decided by its row, by what was seen of the device, and by the time.
//!
//! The engine asks at most one thing of the device at a time. Whatever came of it, the device's own word counts: its state
//! and result, by observation or by a Read. So a step that was cut off anywhere is taken up by looking again.

mod deliver;
mod prove;

use std::time::Duration;

use objects::{ContentFormat, Node, Resource, Value};

use super::{Ask, Asked, DeviceStage, ResultClass, Seen, Update, UpdatePhase};
use crate::{CancelMode, Operation, Timestamp, WriteMode};

/// What is next.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The row as it is now; [`Update::asking`] is filled in once the operation has a name.
    pub update: Update,
    /// What to ask of the device.
    pub ask: Option<(Ask, Operation)>,
}

/// How long after a Read that was not answered the next one is sent; twice as long after each further one.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How many Reads in a row may be unanswered.
const MAX_UNANSWERED: u8 = 5;
/// How often the device is looked at that says nothing by itself.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long after a failure the next try begins; twice as long after each further one.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// How often a device may start again while it is to prove itself, and how often it is told to install, or to drop a package.
const MAX_RESTARTS: u8 = 3;

impl Update {
    /// What is next, by what was seen of the device. To be asked whenever the device is heard, when what was asked of it has
    /// ended, and when [`Update::due_at`] has come.
    pub fn step(&self, seen: &Seen, now: Timestamp) -> Step {
        let update = Self { asking: None, due_at: now, ..self.clone() };
        let mut steps = Steps { update, seen, now, last: None, ask: None };
        match (self.asking, &seen.asked) {
            (Some(_), Some(Asked::UnderWay)) => {
                return Step { update: Self { due_at: Self::look_again(now), ..self.clone() }, ask: None };
            }
            (Some((_, ask)), Some(Asked::Done)) => steps.done(ask),
            (Some((_, ask)), Some(Asked::Failed(reason))) => steps.failed(ask, reason),
            (Some((_, ask)), Some(Asked::CutOff)) => steps.cut_off(ask),
            // Its row is gone.
            (Some((_, ask)), None) => steps.failed(ask, "nothing is known of it"),
            (None, _) => {}
        }
        steps.heed_revocation();
        if steps.ask.is_none() && !steps.update.has_ended() && steps.update.due_at <= now {
            steps.go_on();
        }
        Step { update: steps.update, ask: steps.ask }
    }
}

struct Steps<'s> {
    update: Update,
    seen: &'s Seen,
    now: Timestamp,
    /// What the device has just done or refused.
    last: Option<Ask>,
    ask: Option<(Ask, Operation)>,
}

impl Steps<'_> {
    /// The device did what it was asked.
    fn done(&mut self, ask: Ask) {
        self.last = Some(ask);
        match ask {
            Ask::Look | Ask::Version => self.update.unanswered = 0,
            Ask::Explain => self.push_explained(),
            Ask::ObserveState | Ask::ObserveResult | Ask::Severity | Ask::Defer => {}
            Ask::Reset => self.mark(),
            Ask::Push => {
                self.update.delivered = true;
                self.update.sent = self.update.size;
                self.word_is_due("the device has all of the package");
            }
            Ask::Fetch => {
                self.update.delivered = true;
                self.word_is_due("the device was told where to fetch the package");
            }
            Ask::Install => self.word_is_due("the device was told to install"),
        }
    }

    /// It did not, or nobody knows whether it did.
    fn failed(&mut self, ask: Ask, reason: &str) {
        self.last = Some(ask);
        if self.update.cancelling && ask != Ask::Look {
            return;
        }
        match ask {
            Ask::Look => self.unanswered(reason),
            // Without it the version of the package has to do, and what it does not tell by itself is looked at.
            Ask::Version | Ask::ObserveState | Ask::ObserveResult => {}
            Ask::Severity | Ask::Defer => {
                self.note(format!("the device does not take the {}: {reason}", ask.name()));
            }
            Ask::Reset => self.try_again(&format!("the package there could not be dropped: {reason}")),
            Ask::Push => self.push_failed(reason),
            Ask::Explain => self.push_explained(),
            Ask::Fetch => self.fetch_failed(reason),
            Ask::Install => {
                self.note(format!("the device did not say that it installs: {reason}"));
                self.look();
            }
        }
    }

    /// The server itself did not see to the end what it asked.
    fn cut_off(&mut self, ask: Ask) {
        const REASON: &str = "the server was restarted meanwhile";
        if ask != Ask::Push || self.update.cancelling || self.seen.registered.is_none() {
            return self.failed(ask, REASON);
        }
        // That is not the device's fault, and no try the less.
        self.note(REASON);
        self.mark();
        self.look();
    }

    /// Whoever takes the credential of a device away that is on its way to a package does not want it to come back for the rest.
    fn heed_revocation(&mut self) {
        let phase = self.update.phase;
        let is_on_its_way =
            phase == UpdatePhase::Delivering || phase == UpdatePhase::Waiting && self.update.attempt > 1;
        if self.seen.is_revoked && is_on_its_way && !self.update.cancelling {
            let (sent, size) = (self.update.sent, self.update.size);
            let reason = format!(
                "the credential of the device was revoked: nothing more is sent after {sent} of {size} bytes"
            );
            self.ask = None;
            self.end(UpdatePhase::Failed, reason);
        }
    }

    fn go_on(&mut self) {
        if self.update.cancelling && self.can_be_cancelled() {
            return self.cancel();
        }
        match self.update.phase {
            UpdatePhase::Waiting => self.begin(),
            UpdatePhase::Delivering => self.deliver(),
            UpdatePhase::Installing => self.install(),
            UpdatePhase::Verifying => self.verify(),
            UpdatePhase::Succeeded | UpdatePhase::Failed | UpdatePhase::Cancelled | UpdatePhase::Refused => {}
        }
    }

    fn begin(&mut self) {
        if self.has_given_up() {
            return;
        }
        if let Some(misfit) = &self.seen.misfit {
            let how_much = if self.update.attempt > 1 { "nothing more" } else { "not a byte" };
            return self.end(UpdatePhase::Refused, format!("{how_much} was sent: {misfit}"));
        }
        let Some(registered) = self.seen.registered else {
            self.note("waits for the device to register");
            return self.wait(LOOK_EVERY * 60);
        };
        if !registered.has_target {
            let instance = self.update.target.instance();
            return self.end(
                UpdatePhase::Failed,
                format!("the device does not list {instance}: it takes no such package"),
            );
        }
        if let Some(until) = self.seen.rests_until.filter(|until| !self.update.rested && *until > self.now) {
            self.note("the device rests: too many of its updates have failed lately");
            self.update.due_at = until;
            return;
        }
        self.enter(UpdatePhase::Delivering);
        self.mark();
        self.look();
    }

    /// The device is not registered, or has not come for too long.
    fn has_given_up(&mut self) -> bool {
        let over = self.update.created_at.after(self.update.terms.give_up_after) <= self.now;
        if over {
            let days = self.update.terms.give_up_after.as_secs() / 86_400;
            self.end(UpdatePhase::Failed, format!("the device could not be reached within {days} days"));
        }
        over
    }

    /// Reads the object. What it says is known when the next step is taken.
    fn look(&mut self) {
        let path = self.update.target.instance();
        self.request(Ask::Look, Operation::Read { path, format: None });
    }

    fn unanswered(&mut self, reason: &str) {
        if self.update.cancelling {
            return self.end(
                UpdatePhase::Cancelled,
                "cancelled; the device could not be asked to drop the package".into(),
            );
        }
        self.update.unanswered = self.update.unanswered.saturating_add(1);
        let path = self.update.target.instance();
        if self.seen.registered.is_none() {
            self.note("waits for the device to register");
            // It may take its time: how much, the phase says.
            self.update.unanswered = 0;
            return self.wait(LOOK_EVERY);
        }
        if self.update.unanswered >= MAX_UNANSWERED {
            self.update.unanswered = 0;
            return self.try_again(&format!("a Read of {path} has no answer: {reason}"));
        }
        self.note(format!("a Read of {path} has no answer: {reason}"));
        self.wait(LOOK_AGAIN * (1 << (self.update.unanswered - 1)));
    }

    /// This try has failed. Another one follows, if there may be one.
    fn try_again(&mut self, reason: &str) {
        if self.update.attempt >= self.update.terms.attempts {
            let tries = self.update.attempt;
            return self.end(UpdatePhase::Failed, format!("{reason} ({tries} of {tries} tries)"));
        }
        self.note(format!("try {} of {}: {reason}", self.update.attempt, self.update.terms.attempts));
        let pause = TRY_AGAIN * (1 << (self.update.attempt - 1).min(6));
        // What was fetched is fetched anew, from another address.
        let keeps = self.update.terms.resume && !self.update.delivered && self.update.download.is_none();
        if !keeps {
            self.update.sent = 0;
        }
        self.update.attempt += 1;
        self.update.download = None;
        self.update.delivered = false;
        self.update.installed_at = None;
        self.update.version_at = None;
        self.update.restarts = 0;
        self.enter(UpdatePhase::Waiting);
        self.wait(pause);
    }

    /// The device has told a result that says that it is over.
    fn failed_with(&mut self, code: i64) {
        let result = self.update.target.explain(code);
        let reason = match result.remedy {
            "" => format!("the device says {code}: {}", result.meaning),
            remedy => format!("the device says {code}: {}; {remedy}", result.meaning),
        };
        match result.class {
            ResultClass::Package => self.end(UpdatePhase::Failed, reason),
            ResultClass::Operator => self.end(UpdatePhase::Cancelled, reason),
            ResultClass::Uri => self.uri_failed(&reason),
            ResultClass::None | ResultClass::Retry | ResultClass::Success | ResultClass::Wait => {
                self.try_again(&reason)
            }
        }
    }

    /// What is being installed can't be stopped (LwM2M Core 1.1.1 Annex E.6, `/5/0/10`).
    fn can_be_cancelled(&self) -> bool {
        match self.update.phase {
            UpdatePhase::Waiting => true,
            UpdatePhase::Delivering => self.seen.stage(&self.update) != Some(DeviceStage::Updating),
            UpdatePhase::Installing => self.update.installed_at.is_none(),
            _ => false,
        }
    }

    fn cancel(&mut self) {
        let has_some = self.update.delivered || self.update.sent > 0 || self.last == Some(Ask::Push);
        if self.seen.registered.is_none() || !has_some {
            return self.end(UpdatePhase::Cancelled, "cancelled".to_owned());
        }
        match self.seen.stage(&self.update) {
            Some(DeviceStage::Downloading | DeviceStage::Downloaded) if self.last != Some(Ask::Reset) => {
                self.reset()
            }
            None if self.last != Some(Ask::Look) => self.look(),
            _ => self.end(UpdatePhase::Cancelled, "cancelled".to_owned()),
        }
    }

    /// Has the device drop what it has of a package: an empty one takes it back to Idle (LwM2M Core 1.1.1 Annex E.6).
    fn reset(&mut self) {
        let path = self.update.target.package();
        let empty = Node::Resource(Resource::Single(Value::Opaque(Vec::new())));
        let (mode, format) = (WriteMode::Replace, Some(ContentFormat::OPAQUE));
        self.request(Ask::Reset, Operation::Write { path, mode, node: empty, format });
    }

    fn end(&mut self, phase: UpdatePhase, text: String) {
        self.note(text);
        self.enter(phase);
        self.update.ended_at = Some(self.now);
        self.update.download = None;
    }

    fn enter(&mut self, phase: UpdatePhase) {
        self.update.phase = phase;
        self.update.since = self.now;
        self.update.due_at = self.now;
    }

    /// What is seen from now on counts.
    fn mark(&mut self) {
        self.update.mark = self.now;
    }

    fn wait(&mut self, time: Duration) {
        self.update.due_at = self.now.after(time);
    }

    /// Waits until the device says something, and looks if it does not.
    fn wait_for_word(&mut self) {
        self.wait(if self.update.is_observed() { LOOK_EVERY } else { LOOK_EVERY / 6 });
    }

    /// The device has taken what it was asked, and says next how it goes.
    fn word_is_due(&mut self, text: &str) {
        self.note(text);
        self.update.progress_at = self.now;
        self.wait_for_word();
    }

    fn note(&mut self, text: impl Into<String>) {
        self.update.note(self.now, text);
    }

    fn request(&mut self, ask: Ask, operation: Operation) {
        self.ask = Some((ask, operation));
    }
}

impl Update {
    /// When to look again at what is on its way.
    pub fn look_again(now: Timestamp) -> Timestamp {
        now.after(LOOK_EVERY)
    }

    /// The operations that let the device go once its update has ended: it is not observed any more for it.
    pub fn farewell(&self) -> Vec<Operation> {
        if !self.is_observed() {
            return Vec::new();
        }
        let mode = CancelMode::Active;
        [self.target.state(), self.target.result()]
            .map(|path| Operation::CancelObservation { path, mode })
            .into()
    }
}
