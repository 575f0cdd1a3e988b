//! One bootstrap of one device, step by step.
//!
//! It looks first ([`Step::Discover`]), so that the bootstrap account survives wherever it sits, and writes before it
//! deletes: at every moment the device holds one management account that works, the old one or the new one. What the
//! device refuses is tried in another format; what it calls inconsistent at Finish is looked at, compared with what it was
//! to be, mended, a bounded number of times, and then explained.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use objects::{ContentFormat, Models, ObjectId, Path, Registry, Value, Version, link::Discovered};

use super::{
    Account, BootstrapRecord, BootstrapResult, Lessons, OwnBootstrap, Plan, Step, StepAnswer, StepRecord,
};
use crate::{
    BootstrapId, DeviceId, DiaryCause, EndpointName, PublicId, RequestId, Timestamp, timeline::one_line,
};

mod account;
mod compare;
mod explain;
mod layout;
mod look;
mod mend;
mod task;
mod write;

use layout::Layout;
use task::{Complaint, Task, What};

/// One bootstrap of one device.
///
/// Call [`Session::next`], do the step, tell [`Session::answered`], and so on until there is no step any more; then
/// [`Session::record`] says how it ended, and [`Session::cause`] what to note in the connection diary.
#[derive(Debug)]
pub struct Session {
    prepared: Prepared,
    record: BootstrapRecord,
    cause: Option<DiaryCause>,
    /// What is still to be done, in order.
    tasks: VecDeque<Task>,
    /// What the device was asked and has not answered.
    under_way: Option<Task>,
    looking: Looking,
    found: Option<Discovered>,
    /// What the device could discover the first time: all, or object by object; none if nothing.
    discovers: Option<Path>,
    /// What was read of the device since the repair began, and which objects it does not let read.
    read: BTreeMap<ObjectId, Vec<(Path, Value)>>,
    unreadable: BTreeSet<ObjectId>,
    /// What of the account and of the plan the device has taken.
    taken: BTreeSet<Path>,
    /// What was found by the last look, and was not just still to be written.
    open: Vec<String>,
    /// Which enabler version the device has named.
    lwm2m: Option<Version>,
    /// Whether the account is written with every resource that some client might miss.
    is_complete: bool,
    /// The write that set the repair off, with what was said of it; none where Finish did.
    refused_write: Option<(Task, Complaint)>,
    layout: Layout,
    format: ContentFormat,
    /// The device has taken something in this format, so that what it refuses it refuses for another reason.
    format_proved: bool,
    /// The formats in which the present write was refused, and what the device said the first time.
    refused: Vec<(ContentFormat, Complaint)>,
    /// What the device said to each Finish that it did not take.
    complaints: Vec<Complaint>,
}

/// What a session is made of.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Names it.
    pub id: BootstrapId,
    /// Whose it is.
    pub device: DeviceId,
    /// The device's public name.
    pub public_id: PublicId,
    /// The device's endpoint name.
    pub endpoint: EndpointName,
    /// The request it belongs to.
    pub request: RequestId,
    /// When it begins.
    pub started_at: Timestamp,
    /// What is written and deleted; it has passed [`Plan::check`].
    pub plan: Plan,
    /// The management account.
    pub account: Account,
    /// The bootstrap account's new credential, if it gets one.
    pub own_bootstrap: Option<OwnBootstrap>,
    /// `pct` of the request.
    pub preferred_format: Option<ContentFormat>,
    /// What earlier sessions have shown.
    pub lessons: Lessons,
    /// The object definitions.
    pub registry: Arc<Registry>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// This is to be asked of the device.
    Step(Step),
    /// Nothing: the device has been asked and has not answered, or the session has ended.
    Nothing,
}

/// Why the session looks at the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looking {
    /// To find out what stands where.
    First,
    /// Once more, because several accounts may be the bootstrap server's, and those that are not were deleted.
    Again,
    /// The device has refused to finish, or a write that a repair may help.
    Repairing,
}

impl Session {
    /// A session that has not asked anything yet.
    pub fn new(prepared: Prepared) -> Self {
        let preferred = prepared.preferred_format.map(ContentFormat::registered);
        // LwM2M Core 1.1.1 §6.1.7.5: the format that the device prefers; TLV is the one of those that name none.
        let anew = prepared.lessons.anew.filter(|format| Plan::FORMATS.contains(format));
        let format = anew
            .or_else(|| preferred.filter(|format| Plan::FORMATS.contains(format)))
            .or(prepared.plan.format)
            .unwrap_or(ContentFormat::TLV);
        let record = BootstrapRecord {
            id: prepared.id,
            device: prepared.device,
            request: prepared.request,
            started_at: prepared.started_at,
            ended_at: None,
            result: BootstrapResult::UnderWay,
            reason: String::new(),
            credential: prepared.account.credential.as_ref().map(|credential| credential.id),
            steps: Vec::new(),
            repairs: Vec::new(),
        };
        Self {
            layout: Layout::assumed(&prepared.plan),
            prepared,
            record,
            cause: None,
            tasks: [Task::Discover(Path::Root)].into(),
            under_way: None,
            looking: Looking::First,
            found: None,
            discovers: None,
            read: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            taken: BTreeSet::new(),
            open: Vec::new(),
            lwm2m: None,
            is_complete: anew.is_some(),
            refused_write: None,
            format,
            format_proved: false,
            refused: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// The next step. It is in the record from now on.
    pub fn next(&mut self, now: Timestamp) -> Next {
        if self.under_way.is_some() || self.has_ended() {
            return Next::Nothing;
        }
        if self.tasks.front() == Some(&Task::Compare) {
            self.tasks.clear();
            self.mend(now);
            if self.has_ended() {
                return Next::Nothing;
            }
        }
        if self.record.steps.len() >= BootstrapRecord::MAX_STEPS {
            let reason = format!("it takes more than {} steps; shorten the plan", BootstrapRecord::MAX_STEPS);
            self.fail(now, DiaryCause::BootstrapRefused, reason);
            return Next::Nothing;
        }
        #[cfg(planted)]
        if planted::is(planted::Fault::FinishedEarly) && self.tasks.len() == 2 {
            self.tasks.pop_front();
        }
        let Some(task) = self.tasks.pop_front() else { return Next::Nothing };
        let step = match &task {
            Task::Discover(path) => Step::Discover(*path),
            Task::Read(object) => Step::Read { path: Path::Object(*object), format: self.format },
            Task::Delete(path) => Step::Delete(*path),
            Task::Write { path, values, .. } => {
                Step::Write { path: *path, values: values.clone(), format: self.format }
            }
            Task::Compare => return Next::Nothing,
            Task::Finish => Step::Finish,
        };
        let asked = one_line(&step.to_string(), StepRecord::MAX_TEXT);
        self.record.steps.push(StepRecord { at: now, asked, answer: String::new() });
        self.under_way = Some(task);
        Next::Step(step)
    }

    /// What the device answered to the step that [`Session::next`] gave.
    pub fn answered(&mut self, now: Timestamp, answer: StepAnswer) {
        let Some(task) = self.under_way.take() else { return };
        let (code, payload, format) = match answer {
            StepAnswer::Answered { code, payload, format } => (code, payload, format),
            // Clients that know of no Bootstrap-Read answer nothing to it, some of them. Who is gone is silent once more.
            StepAnswer::Silent | StepAnswer::Reset if matches!(task, Task::Read(_)) => {
                let said = if answer == StepAnswer::Reset { "reset" } else { "no answer" };
                self.note(said);
                return self.not_read(&task);
            }
            StepAnswer::Silent => {
                self.note("no answer");
                let asked = self.last_asked();
                return self.fail(
                    now,
                    DiaryCause::BootstrapTimedOut,
                    format!(
                        "the device did not answer {asked}: it may be out of reach, or have given the bootstrap up"
                    ),
                );
            }
            StepAnswer::Reset => {
                self.note("reset");
                let asked = self.last_asked();
                return self.fail(
                    now,
                    DiaryCause::BootstrapRefused,
                    format!("the device reset {asked}: it has started anew, or is not in a bootstrap"),
                );
            }
            StepAnswer::Broken { reason } => {
                self.note(&reason);
                return self.broken(now, task, &reason);
            }
        };
        let success = code.class == 2;
        let text = if success { String::new() } else { said(&payload) };
        let colon = if text.is_empty() { "" } else { ": " };
        let said = format!("{}.{:02}{colon}{text}", code.class, code.detail);
        self.note(&said);
        self.note_mended(&task, &said);
        match task {
            Task::Discover(path) if success => self.discovered(path, &payload),
            Task::Discover(path) => self.not_discovered(path),
            Task::Read(object) if success => self.has_read(now, object, format, &payload),
            Task::Read(_) => self.not_read(&task),
            // What is not there need not be deleted, and what stays does no harm before the device says so at Finish.
            Task::Delete(_) | Task::Compare => {}
            Task::Write { path, .. } if success => {
                self.format_proved = true;
                self.refused.clear();
                self.taken.insert(path);
            }
            Task::Write { path, .. } => {
                self.taken.remove(&path);
                self.write_refused(now, task, Complaint { code, text });
            }
            Task::Finish if success => self.finished(now),
            Task::Finish => self.not_finished(now, Complaint { code, text }),
        }
    }

    /// Ends it from outside: the device has begun anew, or was silent for too long between two steps.
    pub fn abandon(&mut self, now: Timestamp, cause: Option<DiaryCause>, reason: &str) {
        if !self.has_ended() {
            self.under_way = None;
            self.cause = cause;
            self.end(now, BootstrapResult::Failed, reason.to_owned());
        }
    }

    /// Whether there is nothing more to come.
    pub fn has_ended(&self) -> bool {
        self.record.result != BootstrapResult::UnderWay
    }

    /// All that happened so far.
    pub fn record(&self) -> &BootstrapRecord {
        &self.record
    }

    /// What it is made of.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Why it failed, for the connection diary; none as long as it has not, or where it is nobody's fault.
    pub fn cause(&self) -> Option<DiaryCause> {
        self.cause
    }

    // === The record ===

    fn fail(&mut self, now: Timestamp, cause: DiaryCause, reason: String) {
        self.cause = Some(cause);
        self.end(now, BootstrapResult::Failed, reason);
    }

    fn end(&mut self, now: Timestamp, result: BootstrapResult, reason: String) {
        self.record.result = result;
        self.record.reason = one_line(&reason, BootstrapRecord::MAX_REASON);
        self.record.ended_at = Some(now);
        self.tasks.clear();
    }

    /// What came back for the last step.
    fn note(&mut self, answer: &str) {
        if let Some(last) = self.record.steps.last_mut() {
            last.answer = one_line(answer, StepRecord::MAX_TEXT);
        }
    }

    /// A step that was not taken, and why.
    fn remark(&mut self, asked: String, answer: String) {
        let at = self.record.steps.last().map_or(self.record.started_at, |last| last.at);
        if self.record.steps.len() < BootstrapRecord::MAX_STEPS {
            self.record.steps.push(StepRecord { at, asked, answer });
        }
    }

    fn last_asked(&self) -> String {
        self.record.steps.last().map(|last| last.asked.clone()).unwrap_or_default()
    }

    fn models(&self) -> Models<'_> {
        Models::newest(&self.prepared.registry)
    }
}

/// The instance and the resource that a value lies in.
fn levels(path: &Path) -> Option<(Path, Path)> {
    let (object, instance, resource) = (path.object()?, path.instance()?, path.resource()?);
    Some((Path::Instance(object, instance), Path::Resource(object, instance, resource)))
}

/// What a device says when it refuses: text, or nothing.
fn said(payload: &[u8]) -> String {
    one_line(String::from_utf8_lossy(payload).trim(), StepRecord::MAX_TEXT)
}

#[cfg(test)]
mod tests;
