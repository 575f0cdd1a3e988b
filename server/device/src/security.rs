//! The Security object: held apart from the tree, since no management server ever sees it (LwM2M Core 1.1.1 §E.1).

use std::{collections::BTreeSet, fmt, time::Duration};

use objects::{InstanceId, ObjectId, Path, Value};

use crate::{Account, Factory, Security, Tree, tree::SERVER};

/// The Security instances of a device.
#[derive(Clone)]
pub(crate) struct Accounts(Tree);

/// Why a device does not take the configuration that a bootstrap has left (LwM2M Core 1.1.1 §6.1.7, Bootstrap-Finish).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistency {
    /// A resource is not there, or empty.
    #[error("{path} is missing")]
    Missing {
        /// Which one.
        path: Path,
    },
    /// 0 and 65535 are reserved.
    #[error("{id} at {path} is no short server id")]
    ShortServerId {
        /// Where it is.
        path: Path,
        /// What is there.
        id: i64,
    },
    /// A security mode that the device has not.
    #[error("mode {mode} at {path} is not supported")]
    Mode {
        /// Where it is.
        path: Path,
        /// What is there.
        mode: i64,
    },
    /// `coap` goes without security, `coaps` with it.
    #[error("the scheme at {path} does not fit the security mode")]
    Scheme {
        /// Where the URI is.
        path: Path,
    },
    /// Two instances of an object name the same server.
    #[error("{path} has a short server id that another instance has")]
    Ambiguous {
        /// The second of them.
        path: Path,
    },
    /// No management server has both a Security and a Server instance.
    #[error("no Server instance has the short server id of a Security instance")]
    NoAccount,
}

impl Accounts {
    /// What a device has when it comes out of the factory; `tree` has its Server instance.
    pub(crate) fn of(factory: &Factory, tree: &Tree) -> Self {
        let mut accounts = Self(tree.without_objects());
        accounts.0.add_object(SECURITY);
        let mut free = InstanceId(0);
        if let Some(bootstrap) = &factory.bootstrap {
            let hold_off = i64::try_from(bootstrap.hold_off.as_secs()).unwrap_or(i64::MAX);
            accounts.add(bootstrap.instance, &bootstrap.account, true);
            accounts.put(bootstrap.instance, HOLD_OFF, Value::Integer(hold_off));
            free.0 = u16::from(bootstrap.instance == free);
        }
        if let Some(management) = &factory.management {
            accounts.add(free, management, false);
            let id = tree.instances(SERVER).find_map(|server| short_server_id(tree, SERVER, server));
            accounts.put(free, SHORT_SERVER_ID, Value::Integer(id.unwrap_or(1)));
        }
        accounts
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.0
    }

    pub(crate) fn tree_mut(&mut self) -> &mut Tree {
        &mut self.0
    }

    /// The instance of the bootstrap server.
    pub(crate) fn bootstrap(&self) -> Option<InstanceId> {
        self.0.instances(SECURITY).find(|instance| self.is_bootstrap(*instance))
    }

    pub(crate) fn is_bootstrap(&self, instance: InstanceId) -> bool {
        self.get(instance, IS_BOOTSTRAP) == Some(&Value::Boolean(true))
    }

    /// How long to wait before a bootstrap.
    pub(crate) fn hold_off(&self) -> Duration {
        let value = self.bootstrap().and_then(|instance| self.get(instance, HOLD_OFF));
        let Some(Value::Integer(seconds)) = value else { return Duration::ZERO };
        Duration::from_secs(u64::try_from(*seconds).unwrap_or_default())
    }

    /// The first management server that has a usable Security instance and a Server instance: both.
    pub(crate) fn management(&self, tree: &Tree) -> Option<(InstanceId, InstanceId)> {
        let usable = |instance: &InstanceId| !self.is_bootstrap(*instance) && self.account(*instance).is_ok();
        self.0.instances(SECURITY).filter(usable).find_map(|instance| {
            let id = short_server_id(&self.0, SECURITY, instance)?;
            let same = |server: &InstanceId| short_server_id(tree, SERVER, *server) == Some(id);
            Some((instance, tree.instances(SERVER).find(same)?))
        })
    }

    /// What an instance says of its server.
    pub(crate) fn account(&self, instance: InstanceId) -> Result<Account, Inconsistency> {
        let missing = |resource| Inconsistency::Missing { path: at(instance, resource) };
        let uri = match self.get(instance, URI) {
            Some(Value::String(uri)) if !uri.is_empty() => uri.clone(),
            _ => return Err(missing(URI)),
        };
        let bytes = |resource| match self.get(instance, resource) {
            Some(Value::Opaque(bytes)) if !bytes.is_empty() => Ok(bytes.clone()),
            _ => Err(missing(resource)),
        };
        let (security, scheme) = match self.get(instance, MODE) {
            Some(Value::Integer(NO_SEC)) => (Security::NoSec, "coap://"),
            Some(Value::Integer(PSK)) => {
                (Security::Psk { identity: bytes(IDENTITY)?, key: bytes(KEY)? }, "coaps://")
            }
            Some(Value::Integer(mode)) => {
                return Err(Inconsistency::Mode { path: at(instance, MODE), mode: *mode });
            }
            _ => return Err(missing(MODE)),
        };
        if uri.starts_with(scheme) {
            Ok(Account { uri, security })
        } else {
            Err(Inconsistency::Scheme { path: at(instance, URI) })
        }
    }

    /// Whether a device can work with what is here and in the Server instances.
    pub(crate) fn check(&self, tree: &Tree) -> Result<(), Inconsistency> {
        let mut seen = BTreeSet::new();
        for instance in self.0.instances(SECURITY) {
            self.account(instance)?;
            if self.is_bootstrap(instance) {
                continue;
            }
            if self.get(instance, IS_BOOTSTRAP).is_none() {
                return Err(Inconsistency::Missing { path: at(instance, IS_BOOTSTRAP) });
            }
            check_short_server_id(&self.0, at(instance, SHORT_SERVER_ID), &mut seen)?;
        }
        seen.clear();
        for instance in tree.instances(SERVER) {
            for resource in [0, 1, 7] {
                let path = Path::Resource(SERVER, instance, objects::ResourceId(resource));
                match tree.get(&path) {
                    None => return Err(Inconsistency::Missing { path }),
                    Some(_) if resource == 0 => check_short_server_id(tree, path, &mut seen)?,
                    Some(_) => {}
                }
            }
        }
        self.management(tree).map(|_| ()).ok_or(Inconsistency::NoAccount)
    }

    fn get(&self, instance: InstanceId, resource: u16) -> Option<&Value> {
        self.0.get(&at(instance, resource))
    }

    fn add(&mut self, instance: InstanceId, account: &Account, bootstrap: bool) {
        self.put(instance, URI, Value::String(account.uri.clone()));
        self.put(instance, IS_BOOTSTRAP, Value::Boolean(bootstrap));
        let (mode, identity, key) = match &account.security {
            Security::NoSec => (NO_SEC, Vec::new(), Vec::new()),
            Security::Psk { identity, key } => (PSK, identity.clone(), key.clone()),
        };
        self.put(instance, MODE, Value::Integer(mode));
        self.put(instance, IDENTITY, Value::Opaque(identity));
        self.put(instance, KEY, Value::Opaque(key));
    }

    fn put(&mut self, instance: InstanceId, resource: u16, value: Value) {
        self.0
            .set(at(instance, resource), value)
            .expect("these values are of the types that object 0 defines");
    }
}

/// The short server id of a Security or Server instance.
pub(crate) fn short_server_id(tree: &Tree, object: ObjectId, instance: InstanceId) -> Option<i64> {
    let resource = if object == SECURITY { SHORT_SERVER_ID } else { 0 };
    match tree.get(&Path::Resource(object, instance, objects::ResourceId(resource)))? {
        Value::Integer(id) => Some(*id),
        _ => None,
    }
}

/// The URI of a Security instance.
pub(crate) fn uri(tree: &Tree, instance: InstanceId) -> Option<&str> {
    match tree.get(&at(instance, URI))? {
        Value::String(uri) => Some(uri),
        _ => None,
    }
}

fn check_short_server_id(tree: &Tree, path: Path, seen: &mut BTreeSet<i64>) -> Result<(), Inconsistency> {
    match tree.get(&path) {
        Some(Value::Integer(id)) if !(1..=65_534).contains(id) => {
            Err(Inconsistency::ShortServerId { path, id: *id })
        }
        Some(Value::Integer(id)) if seen.insert(*id) => Ok(()),
        Some(Value::Integer(_)) => Err(Inconsistency::Ambiguous { path }),
        _ => Err(Inconsistency::Missing { path }),
    }
}

fn at(instance: InstanceId, resource: u16) -> Path {
    Path::Resource(SECURITY, instance, objects::ResourceId(resource))
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.instances(SECURITY)).finish()
    }
}

/// LwM2M Security.
pub(crate) const SECURITY: ObjectId = ObjectId(0);

const URI: u16 = 0;
const IS_BOOTSTRAP: u16 = 1;
const MODE: u16 = 2;
const IDENTITY: u16 = 3;
const KEY: u16 = 5;
const SHORT_SERVER_ID: u16 = 10;
const HOLD_OFF: u16 = 11;

const PSK: i64 = 0;
const NO_SEC: i64 = 3;
