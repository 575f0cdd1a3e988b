//! Requests of programs that name themselves, so that a repetition is not done twice (Idempotency-Key).

use sha2::{Digest, Sha256};

use crate::{Change, Commit, Fleet, FleetError, StoreError, Submission, Timestamp};

/// What is known of a request that names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Began {
    /// It is new, and is to be done now and answered by [`Fleet::end_submission`].
    New,
    /// It was done, and answered so.
    Again(Vec<u8>),
    /// It is being done, or the server stopped within it: whether it was done can't be said.
    UnderWay,
    /// Another request had this name.
    Other,
}

impl Fleet {
    /// Begins a request of `principal` that is called `name`; `fingerprint` is the SHA-256 of the request. A name is
    /// remembered for [`Submission::KEPT`].
    pub async fn begin_submission(
        &self,
        principal: &str,
        name: &str,
        fingerprint: [u8; 32],
        now: Timestamp,
    ) -> Result<Began, FleetError> {
        let key = key(principal, name);
        if let Some(before) = self.store.submission(&key).await? {
            return Ok(began(before, fingerprint));
        }
        let changes = vec![Change::SubmissionBegan { key, fingerprint, at: now }];
        match self.store.commit(Commit { changes, audit: Vec::new() }).await {
            Ok(_) => Ok(Began::New),
            // The same request was faster by another connection.
            Err(StoreError::Conflict) => {
                let before = self.store.submission(&key).await?;
                Ok(before.map_or(Began::UnderWay, |before| began(before, fingerprint)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps what a request was answered, for its repetition; at most [`Submission::MAX_BYTES`].
    pub async fn end_submission(
        &self,
        principal: &str,
        name: &str,
        answer: Vec<u8>,
    ) -> Result<(), FleetError> {
        if answer.len() > Submission::MAX_BYTES {
            let reason = format!("an answer of at most {} bytes is kept", Submission::MAX_BYTES);
            return Err(FleetError::Invalid { field: "answer", reason });
        }
        let changes = vec![Change::SubmissionAnswered { key: key(principal, name), answer }];
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        Ok(())
    }
}

fn began(before: Submission, fingerprint: [u8; 32]) -> Began {
    match before {
        Submission { fingerprint: other, .. } if other != fingerprint => Began::Other,
        Submission { answer: Some(answer), .. } => Began::Again(answer),
        Submission { answer: None, .. } => Began::UnderWay,
    }
}

/// Each with its length before it, so that no two pairs share a key.
fn key(principal: &str, name: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [principal, name] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
