//! A device as rules see it, for tests of rules.

use std::{collections::BTreeSet, sync::Arc};

use objects::{
    ObjectId, Version,
    link::{ObjectEntry, ObjectLinks},
};

use super::{Candidate, DeviceView};
use crate::{
    Binding, ClassId, Device, DeviceId, DeviceState, DomainId, EndpointName, Lifetime, ListenerId, NodeId,
    PublicId, Reading, Registration, RegistrationId, Source, StoredReading, Timestamp,
};

/// A meter that sleeps, with the objects 3 and 5.
pub(crate) fn candidate(labels: &str, values: Vec<(&str, objects::Value)>) -> Candidate {
    let device = Device {
        id: DeviceId(1),
        public_id: PublicId::from_random([1; 16]),
        domain: DomainId::ROOT,
        class: ClassId(2),
        endpoint: EndpointName::new("urn:imei:0815").unwrap(),
        created_at: Timestamp(1_700_000_000_000),
        removed_at: None,
    };
    let entry = |version| ObjectEntry { version, ..ObjectEntry::default() };
    let links = ObjectLinks {
        objects: [(ObjectId(3), entry(None)), (ObjectId(5), entry(Some(Version { major: 1, minor: 2 })))]
            .into(),
        ..ObjectLinks::default()
    };
    let at = Timestamp(1_700_000_000_000);
    let registration = Registration {
        device: device.id,
        id: RegistrationId(1),
        lwm2m: Version::V1_1,
        lifetime: Lifetime(300),
        binding: Binding { transports: "UT".into(), queue_mode: true },
        sms_number: None,
        links: Arc::new(links),
        extra: Vec::new(),
        source: Source { listener: ListenerId(0), address: "127.0.0.1:5683".parse().unwrap() },
        credential: None,
        registered_at: at,
        updated_at: at,
        expires_at: at,
        node: NodeId::SINGLE,
        epoch: 1,
    };
    let stored = |(path, value): (&str, objects::Value)| StoredReading {
        reading: Reading { path: path.parse().unwrap(), value, device_time: None },
        received_at: at,
        sequence: 1,
    };
    Candidate {
        view: DeviceView {
            device,
            state: DeviceState::Registered,
            registration: Some(registration),
            seen_at: Some(at),
            secured: true,
            class_name: "meters".into(),
        },
        labels: labels.parse().unwrap(),
        values: values.into_iter().map(stored).collect(),
        groups: BTreeSet::new(),
        contested: BTreeSet::new(),
    }
}
