//! Credentials that are added, rotated and revoked.

use super::{
    enrol::{add, identity},
    *,
};
use crate::{
    Credential, CredentialState, EndReason, GivenPsk, Holder, Purpose, Rotation, Secret, Shown,
    fleet::make::Made,
};

#[test]
fn one_credential_a_purpose_waits_for_its_proof() {
    let bench = Bench::new();
    let device = add(&bench, "sensor").unwrap().device;
    for purpose in Purpose::ALL {
        let waits = add_credential(&bench, device.public_id, purpose);
        assert!(matches!(waits, Err(FleetError::Invalid { field: "credential", .. })), "{waits:?}");
    }
    let shown = add_credential(&bench, public_id(1), Purpose::Bootstrap).unwrap();
    assert_eq!(shown.credential.holder, Holder::Device(DeviceId(1)));
    let given = GivenPsk { identity: Some(identity("sensor")), key: None };
    let taken = block_on(bench.fleet.add_credential(&admin(), public_id(1), Purpose::Management, given));
    assert!(matches!(taken, Err(FleetError::AlreadyThere("credential"))));
}

#[test]
fn credentials_are_listed_without_their_secrets() {
    let bench = Bench::new();
    let enrolled = add(&bench, "sensor").unwrap();
    let viewer = context(Role::Viewer);
    let listed = block_on(bench.fleet.credentials(&viewer, enrolled.device.public_id)).unwrap();
    assert_eq!(listed.len(), 2);
    assert!(enrolled.shown.iter().all(|shown| listed.contains(&shown.credential)));
}

#[test]
fn a_registered_device_is_asked_to_bootstrap_for_its_new_management_credential() {
    let bench = Bench::new();
    let [_, management] = live(&bench, 1);
    bench.answer(ended());
    let rotation = rotate(&bench, public_id(1), &management).unwrap();
    assert!(matches!(rotation, Rotation::Triggered(_)));
    let order = bench.orders().pop().unwrap().order;
    assert_eq!(order.operation, Operation::Execute { path: path("/1/0/9"), arguments: String::new() });
    assert_eq!(
        held(&bench, 1),
        [(Purpose::Management, CredentialState::Live), (Purpose::Bootstrap, CredentialState::Live)]
    );
}

#[test]
fn where_the_device_can_not_do_that_a_new_one_is_shown_and_the_old_one_stays_good() {
    for case in 0..3 {
        let bench = Bench::new();
        let number = if case == 0 { 3 } else { 1 };
        let [bootstrap, management] = live(&bench, number);
        match case {
            // Never registered.
            0 => {}
            // It has nothing to bootstrap with.
            1 => bench.commit(vec![Change::CredentialEnded {
                id: bootstrap.id,
                state: CredentialState::Revoked,
                at: START,
            }]),
            // It has no such resource.
            _ => {
                let code = ResponseCode { class: 4, detail: 4 };
                let outcome = Outcome::Refused { code, diagnostic: String::new() };
                bench.answer(Taken::Ended { outcome, trace: None });
            }
        }
        let rotation = rotate(&bench, public_id(number), &management).unwrap();
        let Rotation::Shown(Shown { credential, .. }) = rotation else { panic!("case {case}: {rotation:?}") };
        assert_eq!((credential.purpose, credential.parent), (Purpose::Management, Some(management.id)));
        let row = block_on(bench.store.credential(management.public_id)).unwrap().unwrap();
        assert_eq!(row.state, CredentialState::Live, "case {case}");
        let again = rotate(&bench, public_id(number), &management);
        assert!(matches!(again, Err(FleetError::Invalid { field: "credential", .. })), "one waits already");
        assert!(bench.ended().is_empty());
    }
}

#[test]
fn a_new_bootstrap_credential_takes_the_place_of_one_that_was_never_used() {
    let bench = Bench::new();
    let enrolled = add(&bench, "sensor").unwrap();
    let first = enrolled.shown[0].credential.clone();
    let Rotation::Shown(second) = rotate(&bench, enrolled.device.public_id, &first).unwrap() else {
        panic!("shown")
    };
    let state = |id| block_on(bench.store.credential_row(id)).unwrap().unwrap().0.state;
    assert_eq!(
        (state(first.id), state(second.credential.id)),
        (CredentialState::Retired, CredentialState::Staged)
    );
    assert_eq!(bench.ended(), [first.id], "and whoever is about to use it is cut off");
    let gone = rotate(&bench, enrolled.device.public_id, &first);
    assert!(matches!(gone, Err(FleetError::Invalid { field: "credential", .. })));
}

#[test]
fn a_revoked_credential_ends_what_was_opened_with_it_in_one_transaction() {
    let bench = Bench::new();
    let [_, management] = live(&bench, 1);
    revoke(&bench, 1, &management, "stolen").unwrap();
    let endings = bench.script.endings.lock().unwrap().clone();
    assert_eq!(endings.len(), 1);
    assert_eq!((endings[0].reason, &endings[0].credentials[..]), (EndReason::Revoked, &[management.id][..]));
    let row = block_on(bench.store.credential(management.public_id)).unwrap().unwrap();
    assert_eq!((row.state, row.changed_at), (CredentialState::Revoked, START));
    let name = format!("management credential {}", management.identity);
    assert_eq!(bench.audit().last().unwrap(), &format!("revoke credential · administrator · {name}; stolen"));
    assert_eq!(
        bench.timeline(DeviceId(1)).last().unwrap(),
        &format!("credential: {name} revoked by administrator: stolen")
    );
    revoke(&bench, 1, &management, "again").unwrap();
    assert_eq!(bench.script.endings.lock().unwrap().len(), 1, "it is revoked once");
    assert!(matches!(revoke(&bench, 1, &management, " "), Err(FleetError::Invalid { field: "reason", .. })));
}

#[test]
fn a_key_that_was_revoked_is_not_given_again() {
    let bench = Bench::new();
    let enrolled = add(&bench, "sensor").unwrap();
    let Shown { credential, secret, .. } = enrolled.shown[1].clone();
    let key = secret.psk().unwrap().clone();
    let id = enrolled.device.public_id;
    block_on(bench.fleet.revoke_device(&admin(), id, "stolen")).unwrap();
    let given = |key| {
        let given = GivenPsk { identity: credential.identity.psk().cloned(), key };
        block_on(bench.fleet.add_credential(&admin(), id, Purpose::Management, given))
    };
    assert!(matches!(given(Some(key)), Err(FleetError::Invalid { field: "key", .. })));
    given(None).unwrap();
}

#[test]
fn all_that_a_device_has_is_revoked_at_once() {
    let bench = Bench::new();
    live(&bench, 1);
    block_on(bench.fleet.revoke_device(&admin(), public_id(1), "lost")).unwrap();
    assert!(held(&bench, 1).iter().all(|(_, state)| *state == CredentialState::Revoked));
    assert_eq!(bench.script.endings.lock().unwrap().len(), 1, "in one transaction");
    let nothing = block_on(bench.fleet.revoke_device(&admin(), public_id(1), "lost"));
    assert!(matches!(nothing, Err(FleetError::NotFound("credential"))));
}

#[test]
fn a_credential_of_another_device_is_not_found() {
    let bench = Bench::new();
    let [_, of_one] = live(&bench, 1);
    assert!(matches!(revoke(&bench, 2, &of_one, "x"), Err(FleetError::NotFound("credential"))));
    assert!(matches!(rotate(&bench, public_id(2), &of_one), Err(FleetError::NotFound("credential"))));
}

#[test]
fn nothing_is_done_that_can_not_be_written() {
    let bench = Bench::new();
    let [_, management] = live(&bench, 1);
    bench.store.set_full(true);
    assert!(matches!(revoke(&bench, 1, &management, "stolen"), Err(FleetError::Store(_))));
    assert!(add(&bench, "sensor").is_err());
    bench.store.set_full(false);
    assert!(bench.ended().is_empty() && bench.script.followed.lock().unwrap().is_empty());
}

fn admin() -> Context {
    context(Role::Administrator)
}

fn add_credential(bench: &Bench, device: PublicId, purpose: Purpose) -> Result<Shown, FleetError> {
    block_on(bench.fleet.add_credential(&admin(), device, purpose, GivenPsk::default()))
}

fn rotate(bench: &Bench, device: PublicId, credential: &Credential) -> Result<Rotation, FleetError> {
    block_on(bench.fleet.rotate_credential(&admin(), device, credential.public_id))
}

fn revoke(bench: &Bench, device: u8, credential: &Credential, reason: &str) -> Result<(), FleetError> {
    block_on(bench.fleet.revoke_credential(&admin(), public_id(device), credential.public_id, reason))
}

/// The bootstrap and the management credential of a device, both live; device 3 is made for it and never registered.
pub(super) fn live(bench: &Bench, number: u8) -> [Credential; 2] {
    if number == 3 {
        bench.commit(vec![Change::DeviceAdded(device(3))]);
    }
    Purpose::ALL.map(|purpose| {
        let secret = Secret::Psk(bench.fleet.random_key());
        let psk = Made::of(bench.fleet.random_identity().into(), secret);
        let holder = Holder::Device(DeviceId(number.into()));
        let new = bench.fleet.new_credential(&admin(), holder, purpose, psk, None);
        let credential = Credential { state: CredentialState::Live, ..new.credential.clone() };
        let live = crate::NewCredential { credential: credential.clone(), ..new };
        bench.commit(vec![Change::CredentialAdded(Box::new(live))]);
        credential
    })
}

fn held(bench: &Bench, number: i64) -> Vec<(Purpose, CredentialState)> {
    let mut held = block_on(bench.store.credentials(DeviceId(number))).unwrap();
    held.sort_by_key(|credential| std::cmp::Reverse(credential.purpose));
    held.iter().map(|credential| (credential.purpose, credential.state)).collect()
}
