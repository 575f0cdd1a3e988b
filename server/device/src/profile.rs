//! What kind of device it is.

use std::time::Duration;

use coap::Config;
use objects::{ContentFormat, InstanceId, ObjectId, Path, Registry, Value, Version};

use crate::{
    Factory, Faults, Firmware, Software, Tree,
    registration::{BINDING, LIFETIME},
    software::{SOFTWARE, place},
    tree::SERVER,
};

/// All that makes one device differ from another. The fields can be set at will before [`Device::new`](crate::Device::new).
#[derive(Clone, Debug)]
pub struct Profile {
    /// The endpoint name, `ep`.
    pub endpoint: String,
    /// Whether the device says that name. Since LwM2M 1.1 it may leave that to its security identity. It does.
    pub names_itself: bool,
    /// The servers it knows when it comes out of the factory. One management server whose address is the caller's business.
    pub factory: Factory,
    /// The format that a bootstrap server is to write in, `pct`. SenML CBOR; none for LwM2M 1.0.
    pub preferred_bootstrap_format: Option<ContentFormat>,
    /// The lifetime in seconds, `lt`. It goes to the Server object where that has none, and there a server may change it. 300.
    pub lifetime: u32,
    /// The binding, `b`, without queue mode. It goes to the Server object, too. `U`.
    pub binding: String,
    /// Whether the device hears only for some time after each message.
    pub queue_mode: bool,
    /// How long that is. 93 s (MAX_TRANSMIT_WAIT, LwM2M Transport 1.1.1 §6.5).
    pub awake: Duration,
    /// After how much of the lifetime the device sends an Update, in percent. 50.
    pub update_percent: u32,
    /// How long to wait after the first Register or bootstrap that failed; after each further one twice as long, at most sixteen times.
    /// 60 s (LwM2M Core 1.1.1 §6.2.1.2, Communication Retry Timer). The Server object may say otherwise (`/1/x/18`).
    pub retry: Duration,
    /// How long a reboot takes. No time.
    pub boot_time: Duration,
    /// The path below which the objects lie, such as `/lwm2m`, if that is not the root.
    pub root: Option<String>,
    /// The format of what the server reads without Accept, and of Send where it is SenML. TLV.
    pub preferred_format: ContentFormat,
    /// Whether notifications are confirmable. One in 24 hours always is. They are not.
    pub confirmable_notifications: bool,
    /// Milliseconds since 1970 at the origin of the caller's clock, for what carries a time. 2024-01-01.
    pub epoch_ms: i64,
    /// The objects, and the version of LwM2M.
    pub objects: Tree,
    /// Its Firmware Update object, if it has one. None.
    pub firmware: Option<Firmware>,
    /// Its Software Management object, if it has one. None.
    pub software: Option<Software>,
    /// What the device does wrong.
    pub faults: Faults,
    /// The CoAP endpoint: timers, block size, bounds.
    pub coap: Config,
}

impl Profile {
    /// A device with what every device has: the objects Server and Device.
    pub fn new(endpoint: &str, lwm2m: Version) -> Self {
        let mut objects = Tree::new(Registry::core(), lwm2m);
        put(&mut objects, &[1, 0, 0], Value::Integer(1));
        put(&mut objects, &[1, 0, 2], Value::Integer(0));
        put(&mut objects, &[1, 0, 3], Value::Integer(0));
        put(&mut objects, &[1, 0, 5], Value::Integer(86_400));
        put(&mut objects, &[1, 0, 6], Value::Boolean(false));
        if lwm2m >= Version::V1_1 {
            put(&mut objects, &[1, 0, 23], Value::Boolean(false));
        }
        for (resource, text) in [(0, "Muster"), (1, "Simulated"), (2, endpoint), (3, "1.0")] {
            put(&mut objects, &[3, 0, resource], Value::String(text.to_owned()));
        }
        for (instance, (source, voltage, current)) in [(1, 3800, 125), (5, 5000, 900)].into_iter().enumerate()
        {
            let instance = u16::try_from(instance).unwrap_or_default();
            put(&mut objects, &[3, 0, 6, instance], Value::Integer(source));
            put(&mut objects, &[3, 0, 7, instance], Value::Integer(voltage));
            put(&mut objects, &[3, 0, 8, instance], Value::Integer(current));
        }
        put(&mut objects, &[3, 0, 9], Value::Integer(100));
        put(&mut objects, &[3, 0, 10], Value::Integer(15));
        put(&mut objects, &[3, 0, 11, 0], Value::Integer(0));
        put(&mut objects, &[3, 0, 13], Value::Time(1_704_067_200));
        put(&mut objects, &[3, 0, 14], Value::String("+00:00".to_owned()));
        put(&mut objects, &[3, 0, 15], Value::String("Etc/UTC".to_owned()));
        put(&mut objects, &[3, 0, 16], Value::String("U".to_owned()));
        Self {
            endpoint: endpoint.to_owned(),
            names_itself: true,
            factory: Factory::default(),
            preferred_bootstrap_format: (lwm2m >= Version::V1_1).then_some(ContentFormat::SENML_CBOR),
            lifetime: 300,
            binding: "U".to_owned(),
            queue_mode: false,
            awake: Duration::from_secs(93),
            update_percent: 50,
            retry: Duration::from_secs(60),
            boot_time: Duration::ZERO,
            root: None,
            preferred_format: ContentFormat::TLV,
            confirmable_notifications: false,
            epoch_ms: 1_704_067_200_000,
            objects,
            firmware: None,
            software: None,
            faults: Faults::default(),
            coap: Config::default(),
        }
    }

    /// A device with a thermometer, some bytes of an application's that can be written (19), and an object whose instances
    /// a server creates (16).
    pub fn sensor(endpoint: &str, lwm2m: Version) -> Self {
        let mut profile = Self::new(endpoint, lwm2m);
        let objects = &mut profile.objects;
        put(objects, &[3303, 0, 5700], Value::Float(20.0));
        put(objects, &[3303, 0, 5701], Value::String("Cel".to_owned()));
        put(objects, &[3303, 0, 5601], Value::Float(20.0));
        put(objects, &[3303, 0, 5602], Value::Float(20.0));
        put(objects, &[19, 0, 0, 0], Value::Opaque(Vec::new()));
        objects.add_object(ObjectId(16));
        profile
    }

    /// A sensor in queue mode that hears for ten seconds after each message.
    pub fn sleeper(endpoint: &str, lwm2m: Version) -> Self {
        Self { queue_mode: true, awake: Duration::from_secs(10), ..Self::sensor(endpoint, lwm2m) }
    }

    /// The objects as they are when the device comes out of the factory.
    pub(crate) fn tree(&self) -> Tree {
        let mut tree = self.objects.clone();
        if let Some(firmware) = &self.firmware {
            firmware.place(&mut tree);
        }
        if let Some(software) = &self.software {
            tree.add_object(SOFTWARE);
            (0..software.instances).for_each(|id| place(&mut tree, InstanceId(id)));
        }
        if self.factory.bootstrap.is_some() && self.factory.management.is_none() {
            tree.bootstrap_delete(&Path::Object(SERVER), |_, _| false);
            return tree;
        }
        let lifetime = Value::Integer(self.lifetime.into());
        for (resource, value) in [(LIFETIME, lifetime), (BINDING, Value::String(self.binding.clone()))] {
            if tree.account(resource).is_none() {
                tree.set(tree.account_path(resource), value).expect("lifetime and binding have these types");
            }
        }
        tree
    }
}

fn put(objects: &mut Tree, ids: &[u16], value: Value) {
    let path = Path::from_ids(ids).expect("the paths above are well-formed");
    objects.set(path, value).expect("the values above are of the defined type");
}
