//! Writing: the account and what the plan has beside it, and what follows when the device refuses.

use objects::{ContentFormat, Version};

use super::{Complaint, Prepared, Session, Task, What, account, explain, levels};
use crate::{
    DiaryCause, Timestamp,
    bootstrap::{Plan, plan::SECURITY},
};

impl Session {
    pub(super) fn account_tasks(&self, complete: bool) -> [Task; 2] {
        let Prepared { account, plan, .. } = &self.prepared;
        let speaks_1_0 = self.lwm2m == Some(Version::V1_0);
        [
            account::security(account, plan, self.layout.security, complete),
            account::server(account, plan, self.layout.server, complete, speaks_1_0),
        ]
    }

    /// What the plan has beside the account. An instance goes whole where the plan has all that its definition calls
    /// mandatory, for it may have to be made; otherwise resource by resource, for the rest of it is to stay.
    pub(super) fn planned_tasks(&self) -> Vec<Task> {
        let mut tasks: Vec<Task> = Vec::new();
        for (path, value) in &self.prepared.plan.writes {
            let Some((instance, resource)) = levels(path) else { continue };
            let whole = explain::missing(&self.models(), instance, &self.prepared.plan.writes).is_empty();
            let at = if whole { instance } else { resource };
            let same = tasks.iter_mut().find_map(|task| match task {
                Task::Write { path, values, .. } if *path == at => Some(values),
                _ => None,
            });
            match same {
                Some(values) => values.push((*path, value.clone())),
                None => tasks.push(Task::Write {
                    what: What::Planned,
                    path: at,
                    values: vec![(*path, value.clone())],
                }),
            }
        }
        tasks
    }

    pub(super) fn write_refused(&mut self, now: Timestamp, task: Task, complaint: Complaint) {
        let code = (complaint.code.class, complaint.code.detail);
        // 4.15 and 4.06 speak of the format. 4.00 and 5.01 may, as long as nothing was taken in it; and where keys are
        // written they always may: Wakaama takes SenML JSON until a key has a `-` or `_` in its base64.
        let has_keys = matches!(task, Task::Write { path, .. } if path.object() == Some(SECURITY));
        let is_doubtful = has_keys || !self.format_proved;
        let of_format = matches!(code, (4, 15) | (4, 6)) || matches!(code, (4, 0) | (5, 1)) && is_doubtful;
        self.refused.push((self.format, complaint));
        if of_format && self.change_format() {
            self.tasks.push_front(task);
        } else {
            self.give_write_up(now, &task);
        }
    }

    pub(super) fn broken(&mut self, now: Timestamp, task: Task, reason: &str) {
        let asked = self.last_asked();
        match task {
            Task::Discover(path) => self.not_discovered(path),
            Task::Read(_) => self.not_read(&task),
            Task::Write { what: What::Bootstrap, .. } => {}
            _ => self.fail(now, DiaryCause::BootstrapRefused, format!("{asked} could not be done: {reason}")),
        }
    }

    /// Goes on in a format that has not been refused for the present write.
    pub(super) fn change_format(&mut self) -> bool {
        let tried = |format: &ContentFormat| self.refused.iter().any(|(refused, _)| refused == format);
        let Some(next) = Plan::FORMATS.into_iter().find(|format| !tried(format)) else { return false };
        self.format = next;
        self.format_proved = false;
        true
    }

    pub(super) fn give_write_up(&mut self, now: Timestamp, task: &Task) {
        let refused = std::mem::take(&mut self.refused);
        // Back to where it began: what was refused in all formats was not refused for the format.
        let Some((format, complaint)) = refused.into_iter().next() else { return };
        self.format = format;
        let Task::Write { what, .. } = task else { return };
        match what {
            What::Bootstrap => {}
            _ if self.may_help(&complaint) => {
                let cause = format!("{}: {complaint}", self.last_asked());
                self.refused_write = Some((task.clone(), complaint));
                self.repair(now, cause);
            }
            _ => self.refuse_to_go_on(now, task, &complaint),
        }
    }

    /// The device does not take what it is to have.
    pub(super) fn refuse_to_go_on(&mut self, now: Timestamp, task: &Task, complaint: &Complaint) {
        let Task::Write { what, path, .. } = task else { return };
        let reason = if *what == What::Planned {
            let missing = explain::missing_in(&self.models(), *path, &self.prepared.plan.writes);
            format!(
                "the device refused {path} of the plan with {complaint}{missing}; change it in the plan or take it out"
            )
        } else {
            format!(
                "the device refused the account at {path} with {complaint}; its log may say which value it does not take"
            )
        };
        self.fail(now, DiaryCause::BootstrapRefused, format!("{reason}{}", self.unresolved()));
    }
}
