//! Looking at the device: what stands where, before anything is written and when it does not finish.

use objects::{Path, link::Discovered};

use super::{Layout, Looking, Session, Task, account};
use crate::bootstrap::plan::{SECURITY, SERVER};

impl Session {
    pub(super) fn discovered(&mut self, path: Path, payload: &[u8]) {
        match Discovered::parse(payload) {
            Ok(found) => {
                // A look begins at the root or at the accounts, and replaces the one before it.
                if path != Path::Object(SERVER) {
                    self.found = None;
                    self.discovers = Some(path);
                }
                let all = self.found.get_or_insert_default();
                self.lwm2m = found.lwm2m.or(self.lwm2m);
                all.links.extend(found.links);
                // Where the root can't be discovered the two objects of accounts may be.
                if path == Path::Object(SECURITY) {
                    self.tasks.push_front(Task::Discover(Path::Object(SERVER)));
                } else {
                    self.lay_out();
                }
            }
            Err(error) => {
                self.note(&format!("2.05, but it can't be read: {error}"));
                self.not_discovered(path);
            }
        }
    }

    // Bootstrap-Discover is optional for clients of LwM2M 1.0, and missing in some of later versions.
    pub(super) fn not_discovered(&mut self, path: Path) {
        if path == Path::Root && self.looking != Looking::Again && self.discovers.is_none() {
            self.tasks.push_front(Task::Discover(Path::Object(SECURITY)));
        } else {
            self.lay_out();
        }
    }

    pub(super) fn lay_out(&mut self) {
        // What follows is in the queue.
        if self.looking == Looking::Repairing {
            return;
        }
        let plan = &self.prepared.plan;
        let ssid = self.prepared.account.short_server_id;
        let layout = match &self.found {
            Some(found) => Layout::of(&found.links, plan, ssid),
            None => Layout::assumed(plan),
        };
        if layout.ambiguous && self.looking == Looking::First && plan.deletes(&Path::Object(SECURITY)) {
            self.looking = Looking::Again;
            self.tasks.push_back(Task::Delete(Path::Object(SECURITY)));
            self.tasks.push_back(Task::Discover(Path::Root));
            return;
        }
        for (path, why) in &layout.left_out {
            self.remark(format!("Delete {path}"), format!("not sent: {why}"));
        }
        self.tasks.extend(layout.delete_first.iter().copied().map(Task::Delete));
        match (&self.prepared.own_bootstrap, layout.bootstrap) {
            (Some(own), Some(instance)) => {
                self.tasks.push_back(account::bootstrap(own, instance));
            }
            (Some(_), None) => self.remark(
                "Write of the bootstrap account".to_owned(),
                "not sent: the device does not say where it is".to_owned(),
            ),
            (None, _) => {}
        }
        self.layout = layout;
        self.tasks.extend(self.account_tasks(self.is_complete));
        self.tasks.extend(self.planned_tasks());
        self.tasks.extend(self.layout.delete_last.iter().copied().map(Task::Delete));
        self.tasks.push_back(Task::Finish);
    }
}
