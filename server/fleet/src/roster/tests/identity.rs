//! Who a device is: by its session's identity, and without security by its address alone.

use super::*;
use crate::{
    ClassId, Credential, CredentialId, CredentialKind, CredentialState, Device, DomainId, EndReason, Ending,
    EndpointName, Holder, Identity, NewCredential, PskIdentity, PskKey, PublicId, Purpose, Restored, Secret,
};

const SECURE: ListenerId = ListenerId(1);

fn device(number: i64, endpoint: &str) -> Device {
    Device {
        id: DeviceId(number << 8 | 7),
        public_id: PublicId::from_random([number as u8; 16]),
        domain: DomainId::ROOT,
        class: ClassId::DEFAULT,
        endpoint: EndpointName::new(endpoint).unwrap(),
        created_at: Timestamp(1),
        removed_at: None,
    }
}

fn credential(number: i64, device: &Device) -> Change {
    let credential = Credential {
        id: CredentialId(number),
        public_id: PublicId::from_random([number as u8; 16]),
        holder: Holder::Device(device.id),
        purpose: Purpose::Management,
        kind: CredentialKind::Psk,
        state: CredentialState::Staged,
        identity: PskIdentity::new(format!("id-{number}")).unwrap().into(),
        parent: None,
        valid_from: Timestamp(1),
        valid_to: None,
        created_by: "ada".into(),
        created_at: Timestamp(1),
        changed_at: Timestamp(1),
        last_used_at: None,
    };
    let secret = Secret::Psk(PskKey::from_hex("5f1d3c0a99e27b4466018d2fca3b7710").unwrap());
    Change::CredentialAdded(Box::new(NewCredential { credential, secret }))
}

fn session(credential: i64, device: &Device, port: u16) -> Origin {
    let holder = Holder::Device(device.id);
    let identity = Identity { credential: CredentialId(credential), holder, purpose: Purpose::Management };
    Origin { source: Source { listener: SECURE, ..at(port) }, identity: Some(identity) }
}

/// A roster with two devices that have a credential each: 1 and 2.
fn secured(limits: Limits) -> (Bench, Device, Device) {
    let mut bench = Bench::new(limits);
    let (one, two) = (device(1, "one"), device(2, "two"));
    for (number, device) in [(1, &one), (2, &two)] {
        bench.roster.apply(bench.now, &commit(Change::DeviceAdded(device.clone())));
        bench.roster.apply(bench.now, &commit(credential(number, device)));
    }
    (bench, one, two)
}

fn registered(bench: &mut Bench, origin: Origin) -> RegistrationId {
    let Reply::Created(id) = bench.uplink(origin, register(&["lwm2m=1.1"], LINKS)).reply else { panic!() };
    id
}

#[test]
fn without_an_endpoint_name_the_identity_says_who_registers() {
    let (mut bench, one, _) = secured(Limits::default());
    let decision = bench.uplink(session(1, &one, 1), register(&["lwm2m=1.1"], LINKS));
    assert_eq!(decision.device, one.id);
    let registration = bench.roster.registration(one.id).unwrap();
    assert_eq!(registration.credential, Some(CredentialId(1)));
}

#[test]
fn an_endpoint_name_must_be_that_of_the_identity() {
    let (mut bench, one, two) = secured(Limits::default());
    let foreign = bench.decide(session(1, &one, 1), register(&["ep=two", "lwm2m=1.1"], LINKS));
    assert_eq!(foreign, Err(Refusal::EndpointNotIdentity));
    let unknown = bench.decide(session(1, &one, 1), register(&["ep=three", "lwm2m=1.1"], LINKS));
    assert_eq!(unknown, Err(Refusal::EndpointNotIdentity));
    assert!(bench.roster.registration(two.id).is_none());
    bench.uplink(session(1, &one, 1), register(&["ep=one", "lwm2m=1.1"], LINKS));
}

#[test]
fn nobody_acts_for_another_identity() {
    let (mut bench, one, two) = secured(Limits::default());
    let id = registered(&mut bench, session(1, &one, 1));
    bench.observe(one.id, "/3303/0/5700", 1);
    // From the very address of the device, too.
    let thief = session(2, &two, 1);
    for uplink in
        [update(id, &["lt=20"], ""), Uplink::Deregister(id), notify(one.id, 1, Some(7), &["/3303/0/5700"])]
    {
        assert_eq!(bench.decide(thief, uplink), Err(Refusal::ForeignSource));
    }
    assert_eq!(bench.decide(thief, Uplink::Send(report(&["/3/0/9"]))), Err(Refusal::UnknownRegistration));
    // Nor without any.
    for uplink in [update(id, &["lt=20"], ""), Uplink::Deregister(id)] {
        assert_eq!(bench.decide(at(1), uplink), Err(Refusal::ForeignSource));
    }
}

#[test]
fn a_device_moves_with_its_sessions() {
    let (mut bench, one, _) = secured(Limits::default());
    let id = registered(&mut bench, session(1, &one, 1));
    let moved = session(1, &one, 9);
    assert_eq!(bench.roster.follow_session(moved), Some(session(1, &one, 1).source));
    assert_eq!(bench.roster.follow_session(moved), None);
    assert_eq!(bench.roster.registration(one.id).unwrap().source, moved.source);
    // What it sends there is its own, and the first Update makes the address durable.
    bench.uplink(moved, Uplink::Send(report(&["/3/0/9"])));
    let decision = bench.uplink(moved, update(id, &[], ""));
    let [Change::Registered(registration), Change::Timeline(_)] = decision.commit.changes.as_slice() else {
        panic!("{:?}", decision.commit)
    };
    assert_eq!(registration.source, moved.source);
    assert_eq!(bench.uplink(moved, update(id, &[], "")).commit.changes, []);
}

#[test]
fn an_endpoint_with_a_credential_does_not_come_without_security() {
    let (mut bench, ..) = secured(Limits { lab: true, ..Limits::default() });
    let plain = bench.decide(at(1), register(&["ep=one", "lwm2m=1.1"], LINKS));
    assert_eq!(plain, Err(Refusal::Secured));
    bench.uplink(at(1), register(&["ep=three", "lwm2m=1.1"], LINKS));

    // Nor does it after a restart, nor once it is given one while it is registered.
    let (id, three) = (bench.roster.device_at(at(1)).unwrap(), "three");
    let location = bench.roster.registration(id).unwrap().id;
    bench.roster.apply(bench.now, &commit(credential(3, &Device { id, ..device(3, three) })));
    assert_eq!(bench.decide(at(1), update(location, &[], "")), Err(Refusal::ForeignSource));
    let mut again = Bench::lab();
    let one = device(1, "one");
    let restored = Restored { secured: [one.id].into(), devices: vec![one], ..Restored::default() };
    again.roster.restore(again.now, restored);
    let plain = again.decide(at(1), register(&["ep=one", "lwm2m=1.1"], LINKS));
    assert_eq!(plain, Err(Refusal::Secured));
}

#[test]
fn a_bootstrap_credential_does_not_register() {
    let (mut bench, one, _) = secured(Limits::default());
    let mut origin = session(1, &one, 1);
    if let Some(identity) = &mut origin.identity {
        identity.purpose = Purpose::Bootstrap;
    }
    let refused = bench.decide(origin, register(&["lwm2m=1.1"], LINKS));
    assert_eq!(refused, Err(Refusal::WrongPurpose { purpose: Purpose::Bootstrap }));
}

#[test]
fn a_revoked_credential_takes_its_registration_with_it_and_no_other() {
    let (mut bench, one, two) = secured(Limits::default());
    registered(&mut bench, session(1, &one, 1));
    registered(&mut bench, session(2, &two, 2));
    let ending = |device: &Device, credential, reason| Ending {
        device: device.id,
        credentials: vec![CredentialId(credential)],
        reason,
        commit: commit(Change::CredentialEnded {
            id: CredentialId(credential),
            state: CredentialState::Revoked,
            at: Timestamp(5),
        }),
    };
    // Another credential of the same device: its registration stays.
    let commit = bench.roster.end_device(bench.now, &ending(&one, 8, EndReason::Revoked));
    assert!(matches!(commit.changes.as_slice(), [Change::CredentialEnded { .. }]), "{commit:?}");

    let commit = bench.roster.end_device(bench.now, &ending(&one, 1, EndReason::Revoked));
    let ended =
        |change: &Change| matches!(change, Change::RegistrationEnded { reason: EndReason::Revoked, .. });
    assert!(commit.changes.iter().any(ended), "{commit:?}");
    bench.roster.apply(bench.now, &commit);
    assert!(bench.roster.registration(one.id).is_none());
    assert!(bench.roster.registration(two.id).is_some());
}

#[test]
fn a_removed_device_comes_back_by_a_new_enrolment_only() {
    let (mut bench, one, two) = secured(Limits { lab: true, max_devices: 2, ..Limits::default() });
    let at = bench.now.wall;
    let gone = Ending {
        device: one.id,
        credentials: vec![CredentialId(1)],
        reason: EndReason::Removed,
        commit: commit(Change::DeviceRemoved { device: one.id, at, keep_data: true }),
    };
    registered(&mut bench, session(1, &one, 1));
    let commit_ = bench.roster.end_device(bench.now, &gone);
    bench.roster.apply(bench.now, &commit_);
    assert!(bench.roster.registration(one.id).is_none());
    let secure = bench.decide(session(1, &one, 1), register(&["lwm2m=1.1"], LINKS));
    assert_eq!(secure, Err(Refusal::Removed));
    let plain = bench.decide(super::at(1), register(&["ep=one", "lwm2m=1.1"], LINKS));
    assert_eq!(plain, Err(Refusal::Removed));

    // It takes no place in the fleet.
    assert_eq!(bench.roster.reserve(2), None);
    assert_eq!(bench.roster.reserve(1).map(|ids| ids.len()), Some(1));
    let again = Change::DeviceEnrolledAgain { device: one.id, class: ClassId::DEFAULT };
    bench.roster.apply(bench.now, &commit(again));
    assert_eq!(bench.roster.reserve(1), None);
    bench.uplink(session(9, &one, 1), register(&["lwm2m=1.1"], LINKS));
    bench.uplink(session(2, &two, 2), register(&["lwm2m=1.1"], LINKS));
}
