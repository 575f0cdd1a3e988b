//! Claims.

use std::time::Duration;

use super::{
    enrol::{add, endpoint},
    handshake::open,
    *,
};
use crate::{Claim, Claimed, CredentialState, DiaryCause, GivenPsk, Incident, NewClaim, Purpose, Shown};

#[test]
fn a_claim_is_opened_listed_and_closed() {
    let bench = Bench::new();
    let admin = context(Role::Administrator);
    let (claim, shown) = add_claim(&bench, new_claim("batch 7"));
    assert_eq!((claim.used, claim.closed, claim.created_by.as_str()), (0, false, "administrator"));
    let listed =
        block_on(bench.fleet.claims(&context(Role::Administrator), &PageRequest::first(10))).unwrap();
    assert_eq!(listed.rows, std::slice::from_ref(&claim));
    block_on(bench.fleet.close_claim(&admin, claim.public_id)).unwrap();
    let row = block_on(bench.store.claim(claim.id)).unwrap().unwrap();
    assert!(row.closed);
    let credential = block_on(bench.store.credential(shown.credential.public_id)).unwrap().unwrap();
    assert_eq!(credential.state, CredentialState::Revoked);
    assert_eq!(bench.ended(), [credential.id], "who is about to use it is cut off");
    let closed = open(&bench, &credential, Purpose::Bootstrap).unwrap_err();
    assert_eq!(closed.cause, DiaryCause::ClaimWindowClosed);
    assert_eq!(closed.detail, "the claim batch 7 was closed by hand");
    let identity = &shown.credential.identity;
    assert_eq!(
        bench.audit(),
        [
            format!("add claim · administrator · batch 7: 10 devices; bootstrap credential {identity}"),
            "close claim · administrator · batch 7".to_owned(),
        ]
    );
}

#[test]
fn a_claim_makes_sense() {
    let bench = Bench::new();
    add_claim(&bench, new_claim("batch"));
    let refused =
        |new| block_on(bench.fleet.add_claim(&context(Role::Administrator), new)).unwrap_err().to_string();
    let cases = [
        (new_claim("batch"), "there is a claim of this name already"),
        (new_claim(" "), "name: 1 to 64 characters, none of them a control character"),
        (new_claim("a\nb"), "name: 1 to 64 characters, none of them a control character"),
        (NewClaim { quota: 0, ..new_claim("x") }, "quota: 1 to 1 000 000 devices"),
        (NewClaim { quota: Claim::MAX_QUOTA + 1, ..new_claim("x") }, "quota: 1 to 1 000 000 devices"),
        (
            NewClaim { closes_at: START, ..new_claim("x") },
            "closes at: must be later than the moment it opens",
        ),
        (NewClaim { class: ClassId(77), ..new_claim("x") }, "there is no such class"),
        (
            NewClaim { opens_at: Timestamp(0), closes_at: Timestamp(1), ..new_claim("x") },
            "closes at: must lie ahead",
        ),
    ];
    for (new, reason) in cases {
        assert_eq!(refused(new), reason);
    }
    assert_eq!(block_on(bench.store.claims(&PageRequest::first(10))).unwrap().rows.len(), 1);
}

#[test]
fn a_second_claim_waits_for_an_administrator_and_is_good_for_one_hour() {
    let bench = Bench::new();
    let admin = context(Role::Administrator);
    let (claim, _) = add_claim(&bench, NewClaim { quota: 1, ..new_claim("batch") });
    let device = add(&bench, "sensor").unwrap().device;
    let claimed = |at| {
        let (claim, device, endpoint) = (claim.id, device.id, endpoint("sensor"));
        vec![Change::ClaimUsed(Claimed { claim, device, endpoint, at, again_until: None })]
    };
    let claim_at = |at| block_on(bench.store.commit(Commit { changes: claimed(at), audit: vec![] }));
    claim_at(START).unwrap();
    assert_eq!(claim_at(START), Err(StoreError::Conflict), "once each");
    bench.fleet.incident(Incident {
        at: START,
        cause: DiaryCause::SecondClaim,
        subject: "sensor".into(),
        from: "192.0.2.1:5000".parse().unwrap(),
        listener: "coaps".into(),
        device: Some(device.id),
        detail: String::new(),
    });
    block_on(bench.fleet.flush_diary(START)).unwrap();
    let query = crate::store::DiaryQuery::all(PageRequest::first(10));
    let entry = block_on(bench.fleet.diary(&admin, &query)).unwrap().rows.remove(0);
    block_on(bench.fleet.approve_claim(&admin, entry.id)).unwrap();
    assert_eq!(block_on(bench.store.diary_entry(entry.id)).unwrap(), None, "it was dealt with");
    let end = START.after(Duration::from_secs(3_600));
    assert_eq!(claim_at(end), Err(StoreError::Conflict), "not after an hour");
    claim_at(Timestamp(end.0 - 1)).unwrap();
    assert_eq!(block_on(bench.store.claim(claim.id)).unwrap().unwrap().used, 1, "nothing of the quota");
    assert_eq!(claim_at(START), Err(StoreError::Conflict), "the approval is used up");
    let gone = block_on(bench.fleet.approve_claim(&admin, entry.id));
    assert!(matches!(gone, Err(FleetError::NotFound("second claim"))));
    assert_eq!(bench.audit().last().unwrap(), "approve claim · administrator · sensor");
}

pub(super) fn new_claim(name: &str) -> NewClaim {
    NewClaim {
        name: name.into(),
        class: ClassId::DEFAULT,
        quota: 10,
        opens_at: START,
        closes_at: START.after(Duration::from_secs(86_400)),
        credential: GivenPsk::default(),
    }
}

pub(super) fn add_claim(bench: &Bench, new: NewClaim) -> (Claim, Shown) {
    block_on(bench.fleet.add_claim(&context(Role::Administrator), new)).unwrap()
}
