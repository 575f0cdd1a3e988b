//! Who may come in.

use std::{net::SocketAddr, time::Duration};

use super::{
    claims::{add_claim, new_claim},
    credentials::live,
    enrol::{add, endpoint, remove},
    *,
};
use crate::{
    Claimed, Closed, Credential, CredentialState, DiaryCause, GivenPsk, Holder, Identity, NewCredential,
    Opening, Purpose, Secret, Shown, TimelineKind,
};

#[test]
fn a_credential_opens_the_server_it_is_for_and_no_other() {
    let bench = Bench::new();
    let enrolled = add(&bench, "sensor").unwrap();
    let wrong = [DiaryCause::BootstrapCredentialAtManagement, DiaryCause::ManagementCredentialAtBootstrap];
    let pairs = enrolled.shown.iter().zip([Purpose::Management, Purpose::Bootstrap]).zip(wrong);
    for ((Shown { credential, secret, .. }, other), cause) in pairs {
        let Opening { key: given, identity, endpoint } =
            open(&bench, credential, credential.purpose).unwrap();
        assert_eq!(given.as_ref(), secret.psk());
        assert_eq!(identity, identity_of(credential));
        assert_eq!(endpoint.as_ref(), Some(&enrolled.device.endpoint));
        let closed = open(&bench, credential, other).unwrap_err();
        assert_eq!((closed.cause, closed.device), (cause, Some(enrolled.device.id)));
    }
}

#[test]
fn an_identity_that_nobody_has_is_unknown_whatever_it_holds() {
    let bench = Bench::new();
    for bytes in [&b""[..], b"nobody", b"\xff\xfe\x00", &[b'x'; 129], &[b'x'; 60_000], b"' OR 1=1 --"] {
        let closed = block_on(bench.fleet.opening(Purpose::Management, bytes, START)).unwrap().unwrap_err();
        assert_eq!((closed.cause, closed.device), (DiaryCause::UnknownIdentity, None));
    }
    bench.store.set_unavailable(true);
    assert!(
        block_on(bench.fleet.opening(Purpose::Management, b"x", START)).is_err(),
        "nothing is known then"
    );
}

#[test]
fn who_is_refused_is_refused_for_the_reason_that_helps() {
    let (hour, key) = (Duration::from_secs(3_600), || Secret::Psk(Bench::new().fleet.random_key()));
    let at = START.after(hour);
    type Change = fn(&mut Credential, Timestamp);
    let cases: [(Change, DiaryCause, &str); 4] = [
        (
            |one, _| one.state = CredentialState::Revoked,
            DiaryCause::CredentialRevoked,
            "revoked on 2023-11-14 22:13:20 UTC",
        ),
        (
            |one, _| one.state = CredentialState::Retired,
            DiaryCause::CredentialReplaced,
            "replaced on 2023-11-14 22:13:20 UTC",
        ),
        (
            |one, at| one.valid_to = Some(at),
            DiaryCause::CredentialExpired,
            "its time was over on 2023-11-14 23:13:20 UTC",
        ),
        (
            |one, at| one.valid_from = Timestamp(at.0 + 1),
            DiaryCause::CredentialNotYetValid,
            "good from 2023-11-14 23:13:20 UTC on",
        ),
    ];
    for (change, cause, detail) in cases {
        let bench = Bench::new();
        let [_, mut credential] = live(&bench, 1);
        credential.id = CredentialId(7);
        credential.public_id = public_id(77);
        credential.identity = bench.fleet.random_identity().into();
        change(&mut credential, at);
        let new = NewCredential { credential: credential.clone(), secret: key() };
        bench.commit(vec![crate::Change::CredentialAdded(Box::new(new))]);
        let closed = open_at(&bench, &credential, Purpose::Management, at).unwrap_err();
        assert_eq!((closed.cause, closed.device, closed.detail.as_str()), (cause, Some(DeviceId(1)), detail));
    }
}

#[test]
fn a_revoked_credential_says_since_when_and_by_whom() {
    let bench = Bench::new();
    let [_, credential] = live(&bench, 1);
    let (id, admin) = (credential.public_id, context(Role::Administrator));
    block_on(bench.fleet.revoke_credential(&admin, public_id(1), id, "stolen")).unwrap();
    let closed = open(&bench, &credential, Purpose::Management).unwrap_err();
    assert_eq!(closed.cause, DiaryCause::CredentialRevoked);
    assert_eq!(closed.detail, "revoked on 2023-11-14 22:13:20 UTC by administrator");
}

#[test]
fn a_removed_device_is_told_apart_also_when_its_data_is_gone() {
    for keep_data in [true, false] {
        let bench = Bench::new();
        let enrolled = add(&bench, "sensor").unwrap();
        remove(&bench, enrolled.device.public_id, keep_data).unwrap();
        let closed = open(&bench, &enrolled.shown[0].credential, Purpose::Bootstrap).unwrap_err();
        assert_eq!((closed.cause, closed.device), (DiaryCause::DeviceRemoved, Some(enrolled.device.id)));
        assert_eq!(closed.detail, "sensor was removed on 2023-11-14 22:13:20 UTC");
    }
}

#[test]
fn the_first_handshake_proves_a_credential_and_retires_the_ones_before_it() {
    let bench = Bench::new();
    let [bootstrap, old] = live(&bench, 1);
    let (admin, one) = (context(Role::Administrator), public_id(1));
    let new = block_on(bench.fleet.add_credential(&admin, one, Purpose::Management, GivenPsk::default()));
    let new = new.unwrap().credential;
    assert!(open(&bench, &old, Purpose::Management).is_ok(), "the old one is good until then");
    opened(&bench, &new).unwrap();
    assert_eq!(
        [&bootstrap, &old, &new].map(|one| state(&bench, one)),
        [CredentialState::Live, CredentialState::Retired, CredentialState::Live,]
    );
    assert_eq!(bench.ended(), [old.id]);
    let closed = open(&bench, &old, Purpose::Management).unwrap_err();
    assert_eq!(closed.cause, DiaryCause::CredentialReplaced);
    let audit = bench.audit();
    assert_eq!(
        audit[audit.len() - 2..],
        [
            format!("prove credential · node-1 · management credential {}; 192.0.2.1:5000", new.identity),
            format!("retire credential · node-1 · management credential {}; 192.0.2.1:5000", old.identity),
        ]
    );
    let page = PageRequest::first(10);
    let page = block_on(bench.store.timeline(DeviceId(1), &page)).unwrap();
    assert!(page.rows[..2].iter().all(|record| record.entry.kind == TimelineKind::Credential));
    opened(&bench, &new).unwrap();
    assert_eq!(bench.audit().len(), audit.len(), "it is proved once");
    assert!(bench.ended().is_empty());
}

#[test]
fn who_was_revoked_within_the_handshake_does_not_come_in() {
    let bench = Bench::new();
    let enrolled = add(&bench, "sensor").unwrap();
    let credential = &enrolled.shown[1].credential;
    open(&bench, credential, Purpose::Management).unwrap();
    let admin = context(Role::Administrator);
    block_on(bench.fleet.revoke_device(&admin, enrolled.device.public_id, "stolen")).unwrap();
    assert_eq!(opened(&bench, credential).unwrap_err().cause, DiaryCause::CredentialRevoked);
    assert_eq!(state(&bench, credential), CredentialState::Revoked);
    let nobody = Identity { credential: CredentialId(77), ..identity_of(credential) };
    let from: SocketAddr = "192.0.2.1:5000".parse().unwrap();
    assert!(block_on(bench.fleet.opened(nobody, from, None, None, START)).unwrap().is_err());
    let other =
        Identity { holder: Holder::Device(DeviceId(1)), ..identity_of(&enrolled.shown[0].credential) };
    assert!(
        block_on(bench.fleet.opened(other, from, None, None, START)).unwrap().is_err(),
        "the row is another's"
    );
}

#[test]
fn the_last_use_is_written_in_batches() {
    let bench = Bench::new();
    let [_, credential] = live(&bench, 1);
    opened(&bench, &credential).unwrap();
    let last_used = || block_on(bench.store.credential(credential.public_id)).unwrap().unwrap().last_used_at;
    assert_eq!(last_used(), None);
    bench.store.set_full(true);
    assert!(block_on(bench.fleet.flush_audit()).is_err());
    bench.store.set_full(false);
    block_on(bench.fleet.flush_audit()).unwrap();
    assert_eq!(last_used(), Some(START));
}

#[test]
fn a_claim_opens_within_its_window() {
    let bench = Bench::new();
    let hour = Duration::from_secs(3_600);
    let opens_at = START.after(hour);
    let closes_at = opens_at.after(hour);
    let (claim, shown) = add_claim(&bench, NewClaim { quota: 1, opens_at, closes_at, ..new_claim("batch") });
    let closed = |at| open_at(&bench, &shown.credential, Purpose::Bootstrap, at).unwrap_err();
    assert_eq!(closed(START).cause, DiaryCause::ClaimWindowClosed);
    assert_eq!(closed(closes_at).cause, DiaryCause::ClaimWindowClosed);
    assert_eq!(closed(START).detail, "the claim batch opens on 2023-11-14 23:13:20 UTC");
    let opening = open_at(&bench, &shown.credential, Purpose::Bootstrap, opens_at).unwrap();
    assert_eq!((opening.endpoint, opening.identity.holder), (None, Holder::Claim(claim.id)));
    block_on(bench.fleet.opened(opening.identity, "192.0.2.1:1".parse().unwrap(), None, None, opens_at))
        .unwrap()
        .unwrap();
    assert_eq!(state(&bench, &shown.credential), CredentialState::Live);
    let management = open_at(&bench, &shown.credential, Purpose::Management, opens_at).unwrap_err();
    assert_eq!(management.cause, DiaryCause::BootstrapCredentialAtManagement);
    let device = DeviceId(1);
    let endpoint = endpoint("node-1");
    bench.commit(vec![Change::ClaimUsed(Claimed {
        claim: claim.id,
        device,
        endpoint,
        at: opens_at,
        again_until: None,
    })]);
    assert!(
        open_at(&bench, &shown.credential, Purpose::Bootstrap, opens_at).is_ok(),
        "the quota is judged where the device is known: the last one may go on"
    );
}

pub(super) fn open(bench: &Bench, credential: &Credential, purpose: Purpose) -> Result<Opening, Closed> {
    open_at(bench, credential, purpose, START)
}

pub(super) fn open_at(
    bench: &Bench,
    credential: &Credential,
    purpose: Purpose,
    at: Timestamp,
) -> Result<Opening, Closed> {
    block_on(bench.fleet.opening(purpose, &credential.identity.to_bytes(), at)).unwrap()
}

fn identity_of(credential: &Credential) -> Identity {
    Identity { credential: credential.id, holder: credential.holder, purpose: credential.purpose }
}

pub(super) fn opened(bench: &Bench, credential: &Credential) -> Result<(), Closed> {
    block_on(bench.fleet.opened(
        identity_of(credential),
        "192.0.2.1:5000".parse().unwrap(),
        None,
        None,
        START,
    ))
    .unwrap()
}

fn state(bench: &Bench, credential: &Credential) -> CredentialState {
    block_on(bench.store.credential_row(credential.id)).unwrap().unwrap().0.state
}
