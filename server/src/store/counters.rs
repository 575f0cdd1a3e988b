//! The metrics of the store.

use std::time::Duration;

use fleet::{Committed, StoreError};
use metrics::{counter, describe_counter, describe_histogram, histogram};

const COMMITS: &str = "muster_store_commits_total";
const ERRORS: &str = "muster_store_errors_total";
const GROUP_SECONDS: &str = "muster_store_group_seconds";
const GROUP_SIZE: &str = "muster_store_group_commits";
const QUEUE_FULL: &str = "muster_store_queue_full_total";

pub(super) fn describe() {
    describe_counter!(COMMITS, "Commits by their result.");
    describe_counter!(ERRORS, "Times the database could not be reached, read or written.");
    describe_histogram!(
        GROUP_SECONDS,
        metrics::Unit::Seconds,
        "How long a transaction took until it was durable."
    );
    describe_histogram!(GROUP_SIZE, "How many commits shared a transaction.");
    describe_counter!(QUEUE_FULL, "Commits that had to wait for room in the queue of the store.");
}

pub(super) fn committed(outcome: &Result<Committed, StoreError>) {
    let result = match outcome {
        Ok(Committed { duplicate: false, .. }) => "stored",
        Ok(Committed { duplicate: true, .. }) => "duplicate",
        Err(StoreError::Conflict) => "conflict",
        Err(_) => "unavailable",
    };
    counter!(COMMITS, "result" => result).increment(1);
}

pub(super) fn group(commits: usize, took: Duration) {
    // A group is far below the 2^53 that a float holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    histogram!(GROUP_SIZE).record(commits as f64);
    histogram!(GROUP_SECONDS).record(took.as_secs_f64());
}

pub(super) fn error() {
    counter!(ERRORS).increment(1);
}

pub(super) fn queue_full() {
    counter!(QUEUE_FULL).increment(1);
}
