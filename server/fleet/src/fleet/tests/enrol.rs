//! Devices that are added and removed.

use super::*;
use crate::{
    CredentialState, DeviceState, EndReason, GivenPsk, NewDevice, PskIdentity, PskKey, Purpose, Removal,
    Shown,
};

#[test]
fn what_is_left_out_of_a_credential_is_made() {
    let bench = Bench::new();
    let enrolled = add(&bench, "sensor").unwrap();
    let [bootstrap, management] = &enrolled.shown[..] else { panic!("two of them") };
    assert_eq!(bootstrap.credential.identity.text(), "sensor", "the name, as it is free");
    assert_ne!(management.credential.identity.text(), "sensor");
    assert_ne!(bootstrap.secret, management.secret);
    for shown in &enrolled.shown {
        assert_eq!(shown.psk().unwrap().as_bytes().len(), PskKey::MADE_BYTES);
        assert_eq!(shown.credential.state, CredentialState::Staged);
        assert_eq!(shown.credential.created_by, "administrator");
        let row = block_on(bench.store.credential_row(shown.credential.id)).unwrap();
        assert_eq!(row, Some((shown.credential.clone(), shown.secret.clone())));
    }
    let view = block_on(bench.store.device(enrolled.device.public_id)).unwrap().unwrap();
    assert_eq!((view.state, view.secured), (DeviceState::Awaited, true));
    let management = management.credential.identity.text();
    assert_eq!(
        bench.audit(),
        [
            "add credential · administrator · bootstrap credential sensor".to_owned(),
            format!("add credential · administrator · management credential {management}"),
            "add device · administrator · sensor".to_owned(),
        ]
    );
    assert_eq!(
        bench.timeline(enrolled.device.id),
        [
            "enrolment: added by administrator".to_owned(),
            "credential: bootstrap credential sensor made by administrator".to_owned(),
            format!("credential: management credential {management} made by administrator"),
        ]
    );
    assert_eq!(bench.script.followed.lock().unwrap().len(), 1, "the hot state has followed");
}

#[test]
fn what_is_given_is_taken_as_it_is() {
    let bench = Bench::new();
    let key = PskKey::from_hex("00112233445566778899aabbccddeef0").unwrap();
    let given = GivenPsk { identity: Some(identity("mine")), key: Some(key.clone()) };
    let new =
        NewDevice { endpoint: endpoint("a"), class: None, bootstrap: None, management: Some(given.into()) };
    let enrolled = block_on(bench.fleet.add_device(&context(Role::Administrator), new)).unwrap();
    let [Shown { credential, secret: shown, .. }] = &enrolled.shown[..] else { panic!("one of them") };
    assert_eq!((credential.identity.text().as_str(), credential.purpose), ("mine", Purpose::Management));
    assert_eq!(shown.psk(), Some(&key));
}

#[test]
fn a_name_and_an_identity_belong_to_one_device() {
    let bench = Bench::new();
    add(&bench, "sensor").unwrap();
    assert!(matches!(add(&bench, "sensor"), Err(FleetError::AlreadyThere("device"))));
    assert!(matches!(add(&bench, "node-1"), Err(FleetError::AlreadyThere("device"))), "a lab device, too");
    let given = GivenPsk { identity: Some(identity("sensor")), key: None };
    let both = |bootstrap, management| {
        let new = NewDevice { endpoint: endpoint("other"), class: None, bootstrap, management };
        block_on(bench.fleet.add_device(&context(Role::Administrator), new))
    };
    assert!(matches!(both(None, Some(given.into())), Err(FleetError::AlreadyThere("credential"))));
    let same = || Some(GivenPsk { identity: Some(identity("same")), key: None }.into());
    assert!(matches!(both(same(), same()), Err(FleetError::AlreadyThere("credential"))));
    both(None, None).unwrap();
}

#[test]
fn a_long_name_is_no_identity_and_gets_a_random_one() {
    let bench = Bench::new();
    let enrolled = add(&bench, &"x".repeat(EndpointName::MAX_BYTES)).unwrap();
    assert_eq!(enrolled.shown[0].credential.identity.text().len(), 32);
}

#[test]
fn a_full_fleet_takes_no_more() {
    let bench = Bench::new();
    *bench.script.room.lock().unwrap() = 1;
    add(&bench, "last").unwrap();
    assert!(matches!(add(&bench, "one more"), Err(FleetError::FleetFull)));
    let unknown = NewDevice { class: Some(ClassId(77)), ..new("x") };
    let refused = block_on(bench.fleet.add_device(&context(Role::Administrator), unknown));
    assert!(matches!(refused, Err(FleetError::NotFound("class"))));
}

#[test]
fn a_device_is_put_into_another_class() {
    let bench = Bench::new();
    let admin = context(Role::Administrator);
    let class = block_on(bench.fleet.add_class(&admin, "meters")).unwrap();
    block_on(bench.fleet.classify_device(&admin, public_id(1), class.id)).unwrap();
    let view = block_on(bench.store.device(public_id(1))).unwrap().unwrap();
    assert_eq!((view.device.class, view.class_name.as_str()), (class.id, "meters"));
    assert_eq!(bench.timeline(DeviceId(1)), ["enrolment: put into the class meters by administrator"]);
    let nowhere = block_on(bench.fleet.classify_device(&admin, public_id(1), ClassId(77)));
    assert!(matches!(nowhere, Err(FleetError::NotFound("class"))));
}

#[test]
fn a_removed_device_has_nothing_left_that_opens() {
    let bench = Bench::new();
    let enrolled = add(&bench, "sensor").unwrap();
    remove(&bench, enrolled.device.public_id, true).unwrap();
    let view = block_on(bench.store.device(enrolled.device.public_id)).unwrap().unwrap();
    assert_eq!((view.state, view.secured), (DeviceState::Removed, false));
    let held = block_on(bench.store.credentials(enrolled.device.id)).unwrap();
    assert!(held.iter().all(|credential| credential.state == CredentialState::Revoked));
    let ending = bench.script.endings.lock().unwrap()[0].clone();
    assert_eq!((ending.reason, ending.credentials.len()), (EndReason::Removed, 2));
    assert_eq!(
        bench.audit().last().unwrap(),
        "remove device · administrator · sensor; its data is kept; sold"
    );
    assert_eq!(
        bench.timeline(enrolled.device.id).last().unwrap(),
        "enrolment: removed by administrator: sold"
    );
    let again = remove(&bench, enrolled.device.public_id, true);
    assert!(matches!(again, Err(FleetError::NotFound("device"))), "it is not removed twice");
}

#[test]
fn what_a_device_left_is_deleted_with_it_if_so_wished() {
    let bench = Bench::new();
    bench.answer(Taken::Queued);
    bench.operate(Role::Operator, write()).unwrap();
    remove(&bench, public_id(1), false).unwrap();
    assert!(bench.timeline(DeviceId(1)).is_empty());
    let page = PageRequest::first(10);
    assert!(block_on(bench.store.operations(DeviceId(1), &page)).unwrap().rows.is_empty());
    assert_eq!(block_on(bench.store.device(public_id(1))).unwrap().unwrap().registration, None);
    assert!(
        bench.audit().last().unwrap().ends_with("node-1; its data is deleted; sold"),
        "the audit log stays"
    );
}

#[test]
fn a_removed_device_comes_back_by_a_new_enrolment_only() {
    let bench = Bench::new();
    let before = add(&bench, "sensor").unwrap();
    remove(&bench, before.device.public_id, true).unwrap();
    let admin = context(Role::Administrator);
    let id = before.device.public_id;
    let refused = [
        block_on(bench.fleet.classify_device(&admin, id, ClassId::DEFAULT)).unwrap_err(),
        block_on(bench.fleet.add_credential(&admin, id, Purpose::Bootstrap, GivenPsk::default()))
            .unwrap_err(),
        block_on(bench.fleet.revoke_device(&admin, id, "again")).unwrap_err(),
        block_on(bench.fleet.trigger_bootstrap(&admin, id)).unwrap_err(),
    ];
    assert!(refused.iter().all(|error| matches!(error, FleetError::NotFound("device"))), "{refused:?}");
    let after = add(&bench, "sensor").unwrap();
    assert_eq!((after.device.id, after.device.public_id), (before.device.id, id), "under its row");
    assert_ne!(after.shown[0].secret, before.shown[0].secret);
    assert_eq!(block_on(bench.store.device(id)).unwrap().unwrap().state, DeviceState::Awaited);
    assert!(bench.timeline(after.device.id).contains(&"enrolment: added again by administrator".to_owned()));
}

#[test]
fn a_reason_is_mandatory_and_one_line() {
    let bench = Bench::new();
    for nothing in ["", " ", "\t\n "] {
        let removal = Removal { keep_data: true, reason: nothing.into() };
        let refused =
            block_on(bench.fleet.remove_device(&context(Role::Administrator), public_id(1), removal));
        assert!(matches!(refused, Err(FleetError::Invalid { field: "reason", .. })));
    }
    let hostile = format!("a\r\nforged · line\u{1b}[2J{}", "x".repeat(1_000));
    let removal = Removal { keep_data: true, reason: hostile };
    block_on(bench.fleet.remove_device(&context(Role::Administrator), public_id(1), removal)).unwrap();
    let line = bench.audit().pop().unwrap();
    assert!(!line.chars().any(char::is_control) && line.len() < 400, "{line}");
}

#[test]
fn many_are_removed_and_each_that_is_not_is_named() {
    let bench = Bench::new();
    let removal = || Removal { keep_data: true, reason: "sold".into() };
    let admin = context(Role::Administrator);
    let mut ids: Vec<_> =
        (0..40).map(|number| add(&bench, &format!("s{number}")).unwrap().device.public_id).collect();
    ids.insert(20, public_id(99));
    let report = block_on(bench.fleet.remove_devices(&admin, ids, removal())).unwrap();
    assert_eq!(report.done, 40);
    assert_eq!(report.failed, [(public_id(99), "there is no such device".to_owned())]);
    let too_many = vec![public_id(1); Removal::MAX_DEVICES + 1];
    let refused = block_on(bench.fleet.remove_devices(&admin, too_many, removal()));
    assert!(matches!(refused, Err(FleetError::Invalid { field: "devices", .. })));
}

pub(super) fn endpoint(text: &str) -> EndpointName {
    EndpointName::new(text).unwrap()
}

pub(super) fn identity(text: &str) -> PskIdentity {
    PskIdentity::new(text).unwrap()
}

pub(super) fn new(name: &str) -> NewDevice {
    let made = Some(crate::GivenCredential::from(GivenPsk::default()));
    NewDevice { endpoint: endpoint(name), class: None, bootstrap: made.clone(), management: made }
}

/// Adds a device with both credentials.
pub(super) fn add(bench: &Bench, name: &str) -> Result<Enrolled, FleetError> {
    block_on(bench.fleet.add_device(&context(Role::Administrator), new(name)))
}

pub(super) fn remove(bench: &Bench, id: PublicId, keep_data: bool) -> Result<(), FleetError> {
    let removal = Removal { keep_data, reason: "sold".into() };
    block_on(bench.fleet.remove_device(&context(Role::Administrator), id, removal))
}
