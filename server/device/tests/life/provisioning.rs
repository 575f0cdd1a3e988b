//! What a bootstrap server of the tests writes.

use coap::{Method, Request};
use device::{Account, BootstrapAccount, Device, Factory, Profile, Security};
use objects::{
    ContentFormat, Instance, InstanceId, Models, Node, Object, Registry, Resource, ResourceId, Value,
    Version, codec,
};

use crate::world::{Link, World, path, seconds, sensor};

pub(crate) const BOOTSTRAP: &str = "coaps://bootstrap.example:5784";
pub(crate) const MANAGEMENT: &str = "coaps://management.example:5684";

pub(crate) fn bootstrap_account() -> Account {
    Account::psk(BOOTSTRAP, "claim", b"a key for claims")
}

pub(crate) fn account(key: &str) -> Account {
    Account::psk(MANAGEMENT, "node-7", key.as_bytes())
}

/// A sensor that knows its bootstrap server, in this instance of the Security object.
pub(crate) fn blank(instance: u16) -> Profile {
    let mut profile = sensor();
    let account = bootstrap_account();
    let bootstrap = BootstrapAccount { instance: InstanceId(instance), account, hold_off: seconds(0) };
    profile.factory = Factory { management: None, bootstrap: Some(bootstrap) };
    profile
}

/// A sensor that knows both servers: `/0/0` is the bootstrap server's, `/0/1` and `/1/0` the management server's.
pub(crate) fn provisioned(key: &str) -> Profile {
    let mut profile = blank(0);
    profile.factory.management = Some(account(key));
    profile
}

fn instance(resources: impl IntoIterator<Item = (u16, Value)>) -> Instance {
    let resources = resources.into_iter();
    Instance { resources: resources.map(|(id, value)| (ResourceId(id), Resource::Single(value))).collect() }
}

/// A Security instance of a management server.
pub(crate) fn security(account: &Account, ssid: i64) -> Instance {
    let (mode, identity, key) = match &account.security {
        Security::NoSec => (3, Vec::new(), Vec::new()),
        Security::Psk { identity, key } => (0, identity.clone(), key.clone()),
    };
    instance([
        (0, Value::String(account.uri.clone())),
        (1, Value::Boolean(false)),
        (2, Value::Integer(mode)),
        (3, Value::Opaque(identity)),
        (4, Value::Opaque(Vec::new())),
        (5, Value::Opaque(key)),
        (10, Value::Integer(ssid)),
    ])
}

/// A Server instance.
pub(crate) fn server(ssid: i64) -> Instance {
    instance([
        (0, Value::Integer(ssid)),
        (1, Value::Integer(120)),
        (6, Value::Boolean(false)),
        (7, Value::String("U".into())),
    ])
}

/// A Write of a node.
pub(crate) fn write(format: ContentFormat, at: &str, node: &Node) -> Request {
    let registry = Registry::core();
    let models = Models { registry: &registry, versions: &|_| Version::V1_1 };
    let payload = codec::encode(format, &path(at), node, &models).unwrap();
    Request { content_format: Some(format.0), payload, ..Request::new(Method::Put, at) }
}

/// A Write of an instance in TLV.
pub(crate) fn write_instance(at: &str, instance: Instance) -> Request {
    write(ContentFormat::TLV, at, &Node::Instance(instance))
}

/// A Write of an object with one instance in TLV.
pub(crate) fn write_object(at: &str, id: u16, instance: Instance) -> Request {
    let object = Object { instances: [(InstanceId(id), instance)].into() };
    write(ContentFormat::TLV, at, &Node::Object(object))
}

/// An Execute of the Bootstrap-Request Trigger.
pub(crate) fn trigger() -> Request {
    Request::new(Method::Post, "/1/0/9")
}

pub(crate) fn finish() -> Request {
    Request::new(Method::Post, "/bs")
}

pub(crate) fn delete(at: &str) -> Request {
    Request::new(Method::Delete, at)
}

impl World {
    /// A device that has asked for a bootstrap over a perfect link.
    pub(crate) fn bootstrapping(profile: Profile) -> Self {
        let mut world = Self::new(1, Link::PERFECT, profile);
        world.call(Device::start);
        world.run(seconds(1));
        assert!(world.device.is_bootstrapping());
        world
    }

    /// A device that has registered with the account of the factory.
    pub(crate) fn settled(profile: Profile) -> Self {
        let mut world = Self::registered(profile);
        assert_eq!(world.visited(), [MANAGEMENT]);
        world.connections.clear();
        world
    }

    /// A device that knew its management server and was told to bootstrap.
    pub(crate) fn triggered(profile: Profile) -> Self {
        let mut world = Self::settled(profile);
        assert_eq!(world.code(trigger()), "2.04");
        world.run(seconds(5));
        assert!(world.device.is_bootstrapping());
        world
    }

    /// Writes an account to instance 1 of both objects; the answers are to be good.
    pub(crate) fn provision(&mut self, account: &Account) {
        assert_eq!(self.code(write_instance("/0/1", security(account, 7))), "2.04");
        assert_eq!(self.code(write_instance("/1/1", server(7))), "2.04");
    }

    /// Whether the device has registered with this account, in its present session.
    pub(crate) fn is_registered_with(&self, account: &Account) -> bool {
        self.device.is_registered() && self.connections.last().is_some_and(|(_, to)| to == account)
    }

    /// The servers that the device wanted a session with.
    pub(crate) fn visited(&self) -> Vec<&str> {
        self.connections.iter().map(|(_, to)| to.uri.as_str()).collect()
    }
}
