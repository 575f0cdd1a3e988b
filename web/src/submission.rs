//! Submissions: what a form asks for runs in a task of its own, once, however often the form is sent.
//!
//! The form carries a token that names its rendering; account, what is asked, and a digest of token and fields make the
//! [`SubmissionKey`]. Who sends the same form again waits for the task that runs already and is led to the same page.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet::{FleetError, OperationId, StoreError, UserId};
use futures::future::{BoxFuture, FutureExt, Shared};

use crate::{console::Target, session::SignedIn};

/// What a submission leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Concluded {
    /// The operation that was asked.
    pub(crate) id: OperationId,
    /// Whether the device has done it.
    pub(crate) done: bool,
}

/// The submissions of the last time, the oldest of them dropped for new ones.
pub(crate) struct Submissions<T>(Mutex<Known<T>>);

struct Known<T> {
    order: VecDeque<SubmissionKey>,
    running: HashMap<SubmissionKey, Submission<T>>,
}

/// How long a request waits for a device before it answers with a page that waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// Names a submission.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubmissionKey {
    /// Who sent the form.
    pub(crate) user: UserId,
    /// The digest of the form with its token.
    pub(crate) once: String,
    /// What it asks, as far as one form can ask several things.
    pub(crate) what: String,
}

impl SubmissionKey {
    pub(crate) fn new(
        login: &SignedIn,
        once: String,
        target: &Target,
        asked: &str,
        about: &fleet::Target,
    ) -> Self {
        Self { user: login.user(), once, what: format!("{} {asked} {about}", target.id) }
    }

    /// Of a form that asks one thing.
    pub(crate) fn of_form(login: &SignedIn, once: String, what: impl Into<String>) -> Self {
        Self { user: login.user(), once, what: what.into() }
    }
}

/// A submission under way or concluded.
pub(crate) type Submission<T> = Shared<BoxFuture<'static, Result<T, Arc<FleetError>>>>;

impl<T> Default for Submissions<T> {
    fn default() -> Self {
        Self(Mutex::new(Known { order: VecDeque::new(), running: HashMap::new() }))
    }
}

impl<T: Clone + Send + Sync + 'static> Submissions<T> {
    /// How many are remembered.
    pub(crate) const MAX: usize = 1_024;

    /// Runs `work`, or finds the submission that runs under this key already.
    pub(crate) fn submit(
        &self,
        key: SubmissionKey,
        work: impl Future<Output = Result<T, FleetError>> + Send + 'static,
    ) -> Submission<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(submission) = known.running.get(&key) {
            return submission.clone();
        }
        if known.order.len() >= Self::MAX
            && let Some(oldest) = known.order.pop_front()
        {
            known.running.remove(&oldest);
            metrics::counter!("muster_console_submissions_forgotten_total").increment(1);
        }
        let task = tokio::spawn(work);
        let submission = async move {
            match task.await {
                Ok(concluded) => concluded.map_err(Arc::new),
                Err(error) => {
                    tracing::error!(%error, "a form's task failed");
                    Err(Arc::new(FleetError::Store(StoreError::Unavailable)))
                }
            }
        };
        let submission = submission.boxed().shared();
        known.order.push_back(key.clone());
        known.running.insert(key, submission.clone());
        submission
    }

    /// A submission that was made.
    pub(crate) fn find(&self, key: &SubmissionKey) -> Option<Submission<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running.get(key).cloned()
    }

    /// Forgets a submission that came to nothing, so that the form can be mended and sent again.
    pub(crate) fn forget(&self, key: &SubmissionKey) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.running.remove(key);
        known.order.retain(|other| other != key);
    }
}
