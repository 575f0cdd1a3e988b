//! Requests of programs that name themselves.

use super::fixture::*;
use crate::{Change, Store, Submission, Timestamp};

fn began(key: u8, fingerprint: u8, at: Timestamp) -> Change {
    Change::SubmissionBegan { key: [key; 32], fingerprint: [fingerprint; 32], at }
}

/// Begun once, answered, and found again with its answer.
pub async fn a_submission_is_begun_once_and_answered(store: &dyn Store) {
    assert_eq!(store.submission(&[1; 32]).await.unwrap(), None);
    commit(store, [began(1, 7, at(1)), began(2, 7, at(2))]).await;
    let expected = Submission { fingerprint: [7; 32], answer: None, at: at(1) };
    assert_eq!(store.submission(&[1; 32]).await.unwrap(), Some(expected.clone()));
    refused(store, [began(1, 7, at(3))]).await;
    refused(store, [began(1, 8, at(3))]).await;
    let answer: Vec<u8> = (0..Submission::MAX_BYTES).map(|index| (index % 251) as u8).collect();
    let answered =
        |key: u8, answer: &[u8]| Change::SubmissionAnswered { key: [key; 32], answer: answer.to_vec() };
    commit(store, [answered(1, &answer), answered(9, b"nobody asked"), answered(2, b"")]).await;
    assert_eq!(
        store.submission(&[1; 32]).await.unwrap(),
        Some(Submission { answer: Some(answer), ..expected })
    );
    assert_eq!(store.submission(&[2; 32]).await.unwrap().unwrap().answer, Some(vec![]));
    assert_eq!(store.submission(&[9; 32]).await.unwrap(), None);
}

/// For a day; then its name is free again.
pub async fn a_submission_is_forgotten_in_time(store: &dyn Store) {
    commit(store, [began(1, 7, at(0)), began(2, 7, at(60))]).await;
    store.purge(at(30).after(Submission::KEPT)).await.unwrap();
    assert_eq!(store.submission(&[1; 32]).await.unwrap(), None);
    assert!(store.submission(&[2; 32]).await.unwrap().is_some());
    commit(store, [began(1, 8, at(90_000))]).await;
}
