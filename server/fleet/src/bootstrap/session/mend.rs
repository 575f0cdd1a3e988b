//! Mending: a device has refused to finish, or to take something that stands in the way of something else. What it holds is
//! looked at, held against what it was to hold, and put right; then it is asked again. At most [`Repair::MAX_ROUNDS`] times.

use std::collections::BTreeSet;

use objects::{ContentFormat, ObjectId, Path, Version, codec};

use super::{
    BootstrapResult, Complaint, Looking, Session, Task,
    compare::{Discrepancy, Meant, Remedy, Shown, compare},
    explain,
};
use crate::{
    DiaryCause, Timestamp,
    bootstrap::{
        Finding, Repair,
        plan::{ACCESS_CONTROL, SECURITY, SERVER},
    },
    timeline::one_line,
};

impl Session {
    pub(super) fn finished(&mut self, now: Timestamp) {
        let format = self.format;
        if let Some(Repair { anew: Some(anew), .. }) = self.record.repairs.last_mut() {
            *anew = format;
        }
        self.end(now, BootstrapResult::Finished, String::new());
    }

    // LwM2M Core 1.1.1 §6.1.7.7: 4.06 says that what the device holds does not fit together.
    pub(super) fn not_finished(&mut self, now: Timestamp, complaint: Complaint) {
        if complaint.code() != (4, 6) {
            let reason = format!("the device took every step and refused to finish with {complaint}");
            return self.fail(now, DiaryCause::BootstrapRefused, reason);
        }
        let cause = format!("Finish: {complaint}");
        self.refused_write = None;
        self.complaints.push(complaint);
        self.repair(now, cause);
    }

    /// Whether looking and mending may help where a write was refused in each format: 4.00, 4.04, 4.06 and 4.09 may speak of what
    /// else stands there; 4.08, 5.00 and 5.03 of the moment, or of room. Others (4.01, 4.03, 4.05, 4.13, 4.15, 5.01) say what
    /// no repair changes.
    pub(super) fn may_help(&self, complaint: &Complaint) -> bool {
        matches!(complaint.code(), (4, 0 | 4 | 6 | 8 | 9) | (5, 0 | 3)) && self.may_repair()
    }

    /// Begins a round, if there may be one.
    pub(super) fn repair(&mut self, now: Timestamp, cause: String) {
        if !self.may_repair() || self.is_late(now) {
            return self.give_up(now);
        }
        let cause = one_line(&cause, Repair::MAX_TEXT);
        self.record.repairs.push(Repair { at: now, cause, findings: Vec::new(), anew: None });
        self.looking = Looking::Repairing;
        self.tasks.clear();
        self.found = None;
        self.read.clear();
        self.tasks.extend(self.discovers.map(Task::Discover));
        self.tasks.extend(self.to_read().into_iter().map(Task::Read));
        self.tasks.push_back(Task::Compare);
    }

    /// Holds what was seen against what was to be, and says what is to be done about it.
    pub(super) fn mend(&mut self, now: Timestamp) {
        let found = self.discrepancies();
        let seen = self.found.is_some() || !self.read.is_empty();
        let is_known = self.is_known(&found);
        let mendable = found.iter().any(|one| !matches!(one.remedy, Remedy::Nothing(_)));
        // It was all tried, and nothing else is to be seen.
        let is_stuck = self.is_complete && (is_known || !mendable);
        let is_futile = self.refused_write.as_ref().is_some_and(|refused| is_futile(refused, &found));
        let finding = |one: &Discrepancy| Finding {
            path: one.path,
            what: one.what.clone(),
            done: match one.remedy {
                _ if is_stuck || is_futile => "nothing: it was tried".to_owned(),
                Remedy::Nothing(why) => why.to_owned(),
                _ => String::new(),
            },
        };
        let findings = found.iter().map(finding).collect();
        if let Some(repair) = self.record.repairs.last_mut() {
            repair.findings = findings;
        }
        self.open =
            found.iter().filter(|one| one.remedy != Remedy::Take).map(|one| one.what.clone()).collect();
        if is_stuck || is_futile {
            return self.give_up(now);
        }
        let is_anew = is_known || !mendable;
        if is_anew {
            self.begin_anew();
        }
        let is_written = |one: &&Discrepancy| matches!(one.remedy, Remedy::Write | Remedy::Take);
        let writes: BTreeSet<Path> = found.iter().filter(is_written).map(|one| one.path).collect();
        let of = |remedy| {
            let found = found.iter().filter(move |one| one.remedy == remedy);
            found.map(|one| Task::Delete(one.path)).collect::<Vec<_>>()
        };
        let wanted = |task: &Task| match task {
            Task::Write { path, .. } => {
                writes.contains(path)
                    // Where nothing can be seen, all of it may be missing; else what is not an account is there.
                    || is_anew && (!seen || matches!(path.object(), Some(SECURITY | SERVER)))
            }
            _ => false,
        };
        self.tasks.extend(of(Remedy::DeleteFirst));
        self.tasks.extend(self.writes().into_iter().filter(wanted));
        self.tasks.extend(of(Remedy::DeleteLast));
        self.tasks.push_back(Task::Finish);
        // What follows the write that was refused has not been done either.
        if self.refused_write.is_some() {
            let done: BTreeSet<Path> = found.iter().map(|one| one.path).collect();
            let rest = self.layout.delete_last.iter().filter(|path| !done.contains(path));
            let rest: Vec<Task> = rest.copied().map(Task::Delete).collect();
            let finish = self.tasks.pop_back();
            self.tasks.extend(rest);
            self.tasks.extend(finish);
        }
    }

    /// What became of what a round has ordered.
    pub(super) fn note_mended(&mut self, task: &Task, said: &str) {
        let (Task::Delete(at) | Task::Write { path: at, .. }) = task else { return };
        let Some(asked) = self.record.steps.last().map(|step| step.asked.clone()) else { return };
        let Some(repair) = self.record.repairs.last_mut() else { return };
        if let Some(finding) = repair.findings.iter_mut().find(|finding| finding.path == *at) {
            finding.done = one_line(&format!("{asked}: {said}"), Repair::MAX_TEXT);
        }
    }

    // === Reading ===

    pub(super) fn has_read(
        &mut self,
        now: Timestamp,
        object: ObjectId,
        format: Option<ContentFormat>,
        payload: &[u8],
    ) {
        let path = Path::Object(object);
        let format = format.unwrap_or(self.format);
        match codec::decode(format, &path, payload, &self.models(), now.0) {
            Ok(samples) => {
                let values = samples.iter().flat_map(|sample| sample.node.values(sample.path));
                let values = values.map(|(path, value)| (path, value.clone())).collect();
                self.read.insert(object, values);
            }
            Err(error) => {
                self.note(&format!("2.05, but it can't be read: {error}"));
                self.unreadable.insert(object);
            }
        }
    }

    // Bootstrap-Read came with LwM2M 1.1, and is missing in many clients.
    pub(super) fn not_read(&mut self, task: &Task) {
        if let Task::Read(object) = task {
            self.unreadable.insert(*object);
        }
    }

    /// What a look reads: the servers, and the rights where the plan has some.
    fn to_read(&self) -> Vec<ObjectId> {
        let plan = &self.prepared.plan;
        let rights = plan.deletes(&Path::Object(ACCESS_CONTROL))
            || plan.writes.iter().any(|(path, _)| path.object() == Some(ACCESS_CONTROL));
        let readable =
            |object: ObjectId| self.lwm2m != Some(Version::V1_0) && !self.unreadable.contains(&object);
        let objects = [(SERVER, true), (ACCESS_CONTROL, rights)];
        objects
            .into_iter()
            .filter(|(object, wanted)| *wanted && readable(*object))
            .map(|(object, _)| object)
            .collect()
    }

    // === Judging ===

    fn discrepancies(&self) -> Vec<Discrepancy> {
        let writes = self.writes();
        let meant = Meant {
            plan: &self.prepared.plan,
            account: &self.prepared.account,
            layout: &self.layout,
            writes: &writes,
            taken: &self.taken,
        };
        let shown = Shown {
            links: self.found.as_ref().map(|found| found.links.as_slice()),
            is_whole: self.discovers == Some(Path::Root),
            read: &self.read,
        };
        compare(&meant, &shown)
    }

    /// All that is written but for the bootstrap server's own account, which no repair touches.
    fn writes(&self) -> Vec<Task> {
        self.account_tasks(self.is_complete).into_iter().chain(self.planned_tasks()).collect()
    }

    /// Whether the round before has found, and mended, the same.
    fn is_known(&self, found: &[Discrepancy]) -> bool {
        let [.., before, _] = self.record.repairs.as_slice() else { return false };
        let known = before.findings.iter().map(|finding| &finding.what);
        !found.is_empty() && known.eq(found.iter().map(|one| &one.what))
    }

    /// Everything is written once more: in another format, and with every resource that some client might miss.
    fn begin_anew(&mut self) {
        self.is_complete = true;
        self.refused.push((self.format, Complaint::none()));
        self.change_format();
        self.refused.clear();
        let format = self.format;
        if let Some(repair) = self.record.repairs.last_mut() {
            repair.anew = Some(format);
        }
    }

    fn may_repair(&self) -> bool {
        self.prepared.lessons.may_repair && self.record.repairs.len() < Repair::MAX_ROUNDS
    }

    fn is_late(&self, now: Timestamp) -> bool {
        self.record.repairs.first().is_some_and(|first| now.since(first.at) >= Repair::WITHIN)
    }

    fn give_up(&mut self, now: Timestamp) {
        match self.refused_write.take() {
            Some((task, complaint)) => self.refuse_to_go_on(now, &task, &complaint),
            None => {
                let reason = explain::inconsistent(self);
                self.fail(now, DiaryCause::InconsistentConfiguration, reason);
            }
        }
    }

    /// What was found and is still so, as the end of a sentence.
    pub(super) fn unresolved(&self) -> String {
        let rests = self.rests();
        let found = match self.open.as_slice() {
            [] => String::new(),
            open => format!("; found: {}", open.join("; ")),
        };
        format!("{found}{rests}")
    }

    /// Why it was not repaired, as the end of a sentence.
    pub(super) fn rests(&self) -> &'static str {
        if self.prepared.lessons.may_repair {
            ""
        } else {
            "; no repair is tried, for one came to nothing less than an hour ago: see the sessions before"
        }
    }
}

/// Whether a write that was refused would be asked again though nothing that stood in its way was found. A device that says
/// that it can't at the moment may be asked once more.
fn is_futile((task, complaint): &(Task, Complaint), found: &[Discrepancy]) -> bool {
    let Task::Write { path, .. } = task else { return false };
    let momentary = matches!(complaint.code(), (4, 8) | (5, 0 | 3));
    // What had not been asked yet does not stand in anybody's way.
    let stands = |one: &Discrepancy| one.path != *path && one.remedy != Remedy::Take;
    !momentary && !found.iter().any(stands)
}
