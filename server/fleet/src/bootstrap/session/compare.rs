//! What a device shows, held against what it was to have: LwM2M Core 1.1.1 §6.1.7.3 (Bootstrap-Discover), §6.1.7.4
//! (Bootstrap-Read, of Server and Access Control alone), §E.1 and §E.2 (one Security and one Server instance a server).

use std::collections::{BTreeMap, BTreeSet};

use objects::{InstanceId, ObjectId, Path, Value, link::DiscoveredLink};

use super::{Layout, Task};
use crate::{
    bootstrap::{
        Account, Plan, Repair,
        plan::{ACCESS_CONTROL, OSCORE, SECURITY, SERVER},
    },
    configuration::same,
    timeline::one_line,
};

/// What is known of a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    /// What it has discovered; none where it can't.
    pub(super) links: Option<&'a [DiscoveredLink]>,
    /// Whether that is all that it has, or the accounts alone.
    pub(super) is_whole: bool,
    /// What was read, object by object.
    pub(super) read: &'a BTreeMap<ObjectId, Vec<(Path, Value)>>,
}

/// What it was to have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meant<'a> {
    pub(super) plan: &'a Plan,
    pub(super) account: &'a Account,
    pub(super) layout: &'a Layout,
    /// All that is written, the account first.
    pub(super) writes: &'a [Task],
    /// What of it the device has taken.
    pub(super) taken: &'a BTreeSet<Path>,
}

/// One thing that is not as it was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Discrepancy {
    pub(super) path: Path,
    pub(super) what: String,
    pub(super) remedy: Remedy,
}

/// What mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// It is of no use to the device: it goes before anything is written.
    DeleteFirst,
    /// It may be an account that works: it goes once ours is written.
    DeleteLast,
    /// It is written once more.
    Write,
    /// It is written: the device has not taken it yet.
    Take,
    /// Nothing that this server may do.
    Nothing(&'static str),
}

/// Whatever is not as it was to be, at most [`Repair::MAX_FINDINGS`].
pub(super) fn compare(meant: &Meant<'_>, shown: &Shown<'_>) -> Vec<Discrepancy> {
    let mut found = Found { meant, shown, discrepancies: Vec::new() };
    found.writes();
    found.left_over();
    found.pairs();
    found.twice();
    found.discrepancies.truncate(Repair::MAX_FINDINGS);
    found.discrepancies
}

struct Found<'a> {
    meant: &'a Meant<'a>,
    shown: &'a Shown<'a>,
    discrepancies: Vec<Discrepancy>,
}

impl Found<'_> {
    /// What was to be written and is not there, or is something else.
    fn writes(&mut self) {
        for task in self.meant.writes {
            let Task::Write { path, values, .. } = task else { continue };
            if !self.meant.taken.contains(path) {
                self.note(*path, format!("{path} is not written yet"), Remedy::Take);
            } else if self.is_missing(path) {
                self.note(*path, format!("{path} was written and is not there"), Remedy::Write);
            } else if let Some(what) = self.other_account(path).or_else(|| self.other_values(values)) {
                self.note(*path, what, Remedy::Write);
            }
        }
    }

    fn is_missing(&self, path: &Path) -> bool {
        let (Some(object), Some(instance)) = (path.object(), path.instance()) else { return false };
        let instance = Path::Instance(object, instance);
        if let Some(values) = self.shown.read.get(&object) {
            return !values.iter().any(|(at, _)| at.is_within(&instance));
        }
        let Some(links) = self.shown.links else { return false };
        // There are devices that show no Security instance at all.
        let is_shown = links.iter().any(|link| link.path.object() == Some(object));
        let all = self.shown.is_whole && object != SECURITY || object == SERVER;
        (is_shown || all) && !links.iter().any(|link| link.path.is_within(&instance))
    }

    /// What `ssid` and `uri` of an account's link say, where they are not ours.
    fn other_account(&self, path: &Path) -> Option<String> {
        if !matches!(path.object(), Some(SECURITY | SERVER)) {
            return None;
        }
        let Account { uri, short_server_id, .. } = self.meant.account;
        let link = self.shown.links?.iter().find(|link| link.path == *path)?;
        if let Some(ssid) = link.ssid.filter(|ssid| ssid != short_server_id) {
            return Some(format!("{path} has the short server id {ssid}, not {short_server_id}"));
        }
        let other = link.uri.as_ref().filter(|other| *other != uri)?;
        Some(format!("{path} has the address {other}, not {uri}"))
    }

    /// What was read and is something else than what was written. What a device leaves out it may not know.
    fn other_values(&self, values: &[(Path, Value)]) -> Option<String> {
        let differs = |(path, wanted): &(Path, Value)| {
            let actual = self.shown.read.get(&path.object()?)?.iter().find(|(at, _)| at == path);
            let (_, actual) = actual.filter(|(_, actual)| !same(wanted, actual))?;
            Some(format!("{path} is {actual}, not {wanted}"))
        };
        let differing: Vec<String> = values.iter().filter_map(differs).collect();
        (!differing.is_empty()).then(|| differing.join(", "))
    }

    /// What the plan deletes and the device still has. Objects that hold no account are left as they are: many devices make
    /// their instances anew at once.
    fn left_over(&mut self) {
        for object in [SECURITY, SERVER, ACCESS_CONTROL, OSCORE] {
            for instance in self.instances(object) {
                let path = Path::Instance(object, instance);
                if self.meant.plan.deletes(&path) && self.is_strange(&path) {
                    let accounts = matches!(object, SECURITY | SERVER);
                    let remedy = if accounts { Remedy::DeleteLast } else { Remedy::DeleteFirst };
                    self.note(path, format!("{path} is left over: the plan deletes it"), remedy);
                }
            }
        }
    }

    /// A Security instance without its Server instance, and the reverse. Neither is of use to anybody.
    fn pairs(&mut self) {
        for (object, other) in [(SERVER, SECURITY), (SECURITY, SERVER)] {
            let partners: BTreeSet<u16> = self.ssids(other).into_iter().map(|(_, ssid)| ssid).collect();
            // A device that names no short server ids can't be judged by them.
            if partners.is_empty() {
                continue;
            }
            for (instance, ssid) in self.ssids(object) {
                let path = Path::Instance(object, instance);
                if ssid != self.meant.account.short_server_id
                    && self.is_strange(&path)
                    && !partners.contains(&ssid)
                {
                    let what =
                        format!("{path} has the short server id {ssid}, and no instance of /{other} has it");
                    self.discrepancies.retain(|known| known.path != path);
                    self.note(path, what, Remedy::DeleteFirst);
                }
            }
        }
    }

    /// Two instances of one object for the same server.
    fn twice(&mut self) {
        for object in [SECURITY, SERVER] {
            let mut seen = BTreeMap::new();
            for (instance, ssid) in self.ssids(object) {
                let path = Path::Instance(object, instance);
                if ssid == self.meant.account.short_server_id {
                    if self.is_strange(&path) {
                        let kept = self.place(object);
                        let what = format!("{path} has the short server id {ssid}, as {kept} has");
                        self.note(path, what, Remedy::DeleteLast);
                    }
                } else if let Some(first) = seen.insert(ssid, path) {
                    let what = format!("{first} and {path} both have the short server id {ssid}");
                    let why = "which of them counts is for another server to say: let the plan delete one";
                    self.note(path, what, Remedy::Nothing(why));
                }
            }
        }
    }

    /// Whether an instance may be touched: it is neither written by this session nor, perhaps, the bootstrap server's.
    fn is_strange(&self, path: &Path) -> bool {
        let Path::Instance(object, instance) = *path else { return false };
        let is_written = |task: &Task| matches!(task, Task::Write { path: at, .. } if at.is_within(path));
        if self.meant.writes.iter().any(is_written) {
            return false;
        }
        if object != SECURITY {
            return true;
        }
        // LwM2M Core 1.1.1 §6.1.7.3: the bootstrap server's account has no short server id.
        match self.meant.layout.bootstrap {
            Some(bootstrap) => bootstrap != instance,
            None => self.ssids(SECURITY).iter().any(|(of, _)| *of == instance),
        }
    }

    fn place(&self, object: ObjectId) -> Path {
        let Layout { security, server, .. } = *self.meant.layout;
        Path::Instance(object, if object == SECURITY { security } else { server })
    }

    fn instances(&self, object: ObjectId) -> BTreeSet<InstanceId> {
        let links = self.shown.links.into_iter().flatten().map(|link| link.path);
        let read = self.shown.read.get(&object).into_iter().flatten().map(|(path, _)| *path);
        let of = |path: Path| path.instance().filter(|_| path.object() == Some(object));
        links.chain(read).filter_map(of).collect()
    }

    /// The short server ids, as the links have them, else as they were read. 0 and 65535 name no server.
    fn ssids(&self, object: ObjectId) -> Vec<(InstanceId, u16)> {
        let named = |instance: InstanceId| {
            let path = Path::Instance(object, instance);
            let link = self.shown.links.into_iter().flatten().find(|link| link.path == path);
            let read = || {
                let (values, at) = (self.shown.read.get(&object)?, path.child(0)?);
                match values.iter().find(|(path, _)| *path == at && object == SERVER)? {
                    (_, Value::Integer(ssid)) => u16::try_from(*ssid).ok(),
                    _ => None,
                }
            };
            link.and_then(|link| link.ssid).or_else(read)
        };
        let ssids =
            self.instances(object).into_iter().filter_map(|instance| Some((instance, named(instance)?)));
        ssids.filter(|(_, ssid)| (1..=65_534).contains(ssid)).collect()
    }

    fn note(&mut self, path: Path, what: String, remedy: Remedy) {
        if !self.discrepancies.iter().any(|known| known.path == path) {
            let what = one_line(&what, Repair::MAX_TEXT);
            self.discrepancies.push(Discrepancy { path, what, remedy });
        }
    }
}

#[cfg(test)]
mod tests;
