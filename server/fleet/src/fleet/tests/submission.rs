//! Requests that name themselves.

use super::*;
use crate::{Began, Submission};

#[test]
fn a_request_is_done_once_and_answered_as_before() {
    let bench = Bench::new();
    assert_eq!(begin(&bench, "ada", "k", 1), Began::New);
    assert_eq!(begin(&bench, "ada", "k", 1), Began::UnderWay);
    assert_eq!(begin(&bench, "ada", "k", 2), Began::Other, "another request under the same name");
    block_on(bench.fleet.end_submission("ada", "k", b"201".to_vec())).unwrap();
    assert_eq!(begin(&bench, "ada", "k", 1), Began::Again(b"201".to_vec()));
    assert_eq!(begin(&bench, "ada", "k", 2), Began::Other);
}

#[test]
fn names_belong_to_who_gave_them() {
    let bench = Bench::new();
    for (principal, name) in [("ada", "bc"), ("adab", "c"), ("", "adabc"), ("adabc", ""), ("ada/ci", "bc")] {
        assert_eq!(begin(&bench, principal, name, 1), Began::New, "{principal} {name}");
    }
}

#[test]
fn a_name_is_forgotten_after_a_day_and_a_long_answer_not_kept() {
    let bench = Bench::new();
    begin(&bench, "ada", "k", 1);
    let large = vec![0; Submission::MAX_BYTES + 1];
    assert!(matches!(
        block_on(bench.fleet.end_submission("ada", "k", large)),
        Err(FleetError::Invalid { field: "answer", .. })
    ));
    let end = START.after(Submission::KEPT);
    block_on(bench.store.purge(Timestamp(end.0 - 1))).unwrap();
    assert_eq!(begin(&bench, "ada", "k", 1), Began::UnderWay);
    block_on(bench.store.purge(end)).unwrap();
    assert_eq!(begin(&bench, "ada", "k", 1), Began::New);
}

fn begin(bench: &Bench, principal: &str, name: &str, request: u8) -> Began {
    block_on(bench.fleet.begin_submission(principal, name, [request; 32], START)).unwrap()
}
