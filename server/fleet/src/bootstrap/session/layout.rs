//! What stands where on a device, and where the account goes.

use std::collections::BTreeSet;

use objects::{InstanceId, ObjectId, Path, link::DiscoveredLink};

use crate::bootstrap::{
    Plan,
    plan::{DEVICE, SECURITY, SERVER},
};

/// Where the account goes, and what goes away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// The instance of `/0` that the account is written to.
    pub(super) security: InstanceId,
    /// The instance of `/1`.
    pub(super) server: InstanceId,
    /// The bootstrap server's account, where it is known.
    pub(super) bootstrap: Option<InstanceId>,
    /// Several accounts may be the bootstrap server's. None of them is touched.
    pub(super) ambiguous: bool,
    /// What is deleted before anything is written: nothing that the device reaches a server by.
    pub(super) delete_first: Vec<Path>,
    /// What is deleted once the account is written: the accounts that it replaces.
    pub(super) delete_last: Vec<Path>,
    /// What the plan deletes and the session does not, with the reason.
    pub(super) left_out: Vec<(Path, &'static str)>,
}

impl Layout {
    /// How many objects and instances are deleted at most.
    const MAX_DELETES: usize = 40;

    /// By what the device has said. An account with a short server id is one of a management server; that of the
    /// bootstrap server has none (LwM2M Core 1.1.1 §6.1.7.3).
    pub(super) fn of(links: &[DiscoveredLink], plan: &Plan, short_server_id: u16) -> Self {
        let accounts = instances(links, SECURITY);
        if accounts.is_empty() {
            // A device has a bootstrap account at least: this one does not show its accounts.
            let servers = instances(links, SERVER);
            let mut layout = Self::assumed(plan);
            layout.server = place(&servers, plan, SERVER, short_server_id);
            layout.left_out.retain(|(path, _)| *path != Path::Root && path.object() == Some(SECURITY));
            layout.delete_first.clear();
            layout.delete_others(links, plan);
            layout.delete_accounts(&servers, plan, SERVER, layout.server);
            return layout;
        }
        let unnamed: Vec<&Found> = accounts.iter().filter(|found| found.ssid.is_none()).collect();
        // Clients that name no short server ids may still name the addresses of management servers.
        let nameless: Vec<&Found> = unnamed.iter().copied().filter(|found| !found.has_uri).collect();
        let bootstrap = match (unnamed.as_slice(), nameless.as_slice()) {
            ([one], _) | (_, [one]) => Some(one.instance),
            _ => None,
        };
        let managed: Vec<Found> = accounts
            .iter()
            .filter(|found| found.ssid.is_some() || bootstrap.is_some())
            .filter(|found| bootstrap != Some(found.instance))
            .copied()
            .collect();
        let servers = instances(links, SERVER);
        let taken: BTreeSet<InstanceId> = accounts.iter().map(|found| found.instance).collect();
        let mut layout = Self {
            security: in_place(&managed, plan, SECURITY, short_server_id).unwrap_or_else(|| free(&taken)),
            server: place(&servers, plan, SERVER, short_server_id),
            bootstrap,
            ambiguous: bootstrap.is_none() && !unnamed.is_empty(),
            ..Self::default()
        };
        layout.delete_others(links, plan);
        layout.delete_accounts(&managed, plan, SECURITY, layout.security);
        layout.delete_accounts(&servers, plan, SERVER, layout.server);
        layout
    }

    /// Where nothing is known: the bootstrap account is taken to be in `/0/0`, where devices leave the factory with it.
    pub(super) fn assumed(plan: &Plan) -> Self {
        let mut layout = Self { security: InstanceId(1), server: InstanceId(0), ..Self::default() };
        for &path in &plan.delete {
            match path {
                Path::Root | Path::Object(SECURITY) | Path::Instance(SECURITY, _) => {
                    layout.left_out.push((path, "the device does not say where its bootstrap account is"));
                }
                // The account is written over what is there.
                Path::Object(SERVER) => {}
                Path::Instance(SERVER, instance) if instance == layout.server => {}
                Path::Instance(SERVER, _) => layout.delete_last.push(path),
                _ => layout.delete_first.push(path),
            }
        }
        layout
    }

    /// Accounts that the new one replaces.
    fn delete_accounts(&mut self, found: &[Found], plan: &Plan, object: ObjectId, kept: InstanceId) {
        for account in found.iter().filter(|account| account.instance != kept) {
            let path = Path::Instance(object, account.instance);
            if plan.deletes(&path) {
                self.delete(path, true);
            }
        }
    }

    /// What is of other objects: whole objects at once, for none of them holds an account.
    fn delete_others(&mut self, links: &[DiscoveredLink], plan: &Plan) {
        let paths: BTreeSet<Path> = links
            .iter()
            .filter(|link| !matches!(link.path.object(), None | Some(SECURITY | SERVER | DEVICE)))
            .filter_map(|link| Some(Path::Instance(link.path.object()?, link.path.instance()?)))
            .filter_map(|instance| {
                let object = instance.parent()?;
                let whole = plan.deletes(&object).then_some(object);
                whole.or_else(|| plan.deletes(&instance).then_some(instance))
            })
            .collect();
        for path in paths {
            self.delete(path, false);
        }
    }

    fn delete(&mut self, path: Path, last: bool) {
        if self.delete_first.len() + self.delete_last.len() >= Self::MAX_DELETES {
            self.left_out.push((path, "more is to be deleted than one session does"));
        } else if last {
            self.delete_last.push(path);
        } else {
            self.delete_first.push(path);
        }
    }
}

/// An instance of Security or Server.
#[derive(Clone, Copy, Debug)]
struct Found {
    instance: InstanceId,
    ssid: Option<u16>,
    has_uri: bool,
}

fn instances(links: &[DiscoveredLink], object: ObjectId) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for link in links {
        let Path::Instance(of, instance) = link.path else { continue };
        if of == object && found.iter().all(|known| known.instance != instance) {
            // 0 and 65535 name no server; some clients put them where a bootstrap account has none.
            let ssid = link.ssid.filter(|ssid| (1..=65_534).contains(ssid));
            found.push(Found { instance, ssid, has_uri: link.uri.is_some() });
        }
    }
    found
}

/// The instance that the account takes over: the one of this server, else one that the plan would delete. So the device
/// needs no room for two, and each Write leaves it with an account that works.
fn in_place(found: &[Found], plan: &Plan, object: ObjectId, short_server_id: u16) -> Option<InstanceId> {
    let own = found.iter().find(|account| account.ssid == Some(short_server_id));
    let replaced = || found.iter().find(|account| plan.deletes(&Path::Instance(object, account.instance)));
    own.or_else(replaced).map(|account| account.instance)
}

fn place(found: &[Found], plan: &Plan, object: ObjectId, short_server_id: u16) -> InstanceId {
    let taken = found.iter().map(|account| account.instance).collect();
    in_place(found, plan, object, short_server_id).unwrap_or_else(|| free(&taken))
}

fn free(taken: &BTreeSet<InstanceId>) -> InstanceId {
    (0..u16::MAX).map(InstanceId).find(|instance| !taken.contains(instance)).unwrap_or_default()
}
