//! The latest events over the whole fleet, for the overview: remembered in memory, since the server started.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use fleet::{
    Actor, BootstrapResult, Context, Event, EventKind, Fleet, OperationState, PublicId, RequestId, Timestamp,
    Watched, configuration::ConfiguredState, update::UpdatePhase,
};
use tokio::task::JoinHandle;

/// The latest events, and the task that follows the feed for them. The task ends with it.
pub(crate) struct Latest {
    known: Arc<Mutex<VecDeque<Happening>>>,
    task: JoinHandle<()>,
}

/// One line of the overview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) device: PublicId,
    pub(crate) at: Timestamp,
    pub(crate) what: What,
    /// How often in a row.
    pub(crate) count: usize,
}

/// What happened, as far as the overview tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Registered,
    Updated,
    Deregistered,
    Expired,
    Revoked,
    Removed,
    Values,
    Operation(OperationState),
    Awake,
    Observations,
    Bootstrap(BootstrapResult),
    Update(UpdatePhase),
    Configuration(ConfiguredState),
}

impl Latest {
    /// How many lines are remembered.
    const MAX: usize = 12;

    /// Follows the feed from now on.
    pub(crate) fn follow(fleet: Arc<Fleet>, now: Timestamp) -> Self {
        let known = Arc::new(Mutex::new(VecDeque::new()));
        let lines = Arc::clone(&known);
        let context =
            Context { actor: Actor::Server("overview"), now, request: RequestId::from_random([0; 16]) };
        let task = tokio::spawn(async move {
            let Ok(mut subscription) = fleet.subscribe(&context).await else { return };
            // The subscription keeps the feed; the fleet itself is not to be held by this task.
            drop(fleet);
            while let Some(watched) = subscription.next().await {
                if let Watched::Event(event) = watched {
                    note(&mut lines.lock().unwrap_or_else(PoisonError::into_inner), &event);
                }
            }
        });
        Self { known, task }
    }

    /// The latest first.
    pub(crate) fn lines(&self) -> Vec<Happening> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Drop for Latest {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl What {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Updated => "updated its registration",
            Self::Deregistered => "said goodbye",
            Self::Expired => "was not heard within its lifetime",
            Self::Revoked => "was revoked",
            Self::Removed => "was removed",
            Self::Values => "reported values",
            Self::Operation(OperationState::Queued) => "has an operation waiting",
            Self::Operation(OperationState::Sent) => "was sent an operation",
            Self::Operation(OperationState::Done) => "did an operation",
            Self::Operation(OperationState::Failed) => "failed an operation",
            Self::Operation(OperationState::Expired) => "missed an operation",
            Self::Operation(OperationState::Cancelled) => "had an operation cancelled",
            Self::Operation(OperationState::Superseded) => "was asked anew",
            Self::Operation(OperationState::Unknown) => "left an operation unanswered",
            Self::Update(UpdatePhase::Succeeded) => "was updated",
            Self::Update(UpdatePhase::Failed) => "failed its update",
            Self::Update(UpdatePhase::Cancelled) => "had its update cancelled",
            Self::Update(UpdatePhase::Refused) => "may not be given its update",
            Self::Update(UpdatePhase::Waiting) => "waits for its update",
            Self::Update(UpdatePhase::Delivering) => "is being given an update",
            Self::Update(UpdatePhase::Installing) => "installs an update",
            Self::Update(UpdatePhase::Verifying) => "runs an update and is to prove itself",
            Self::Configuration(ConfiguredState::InLine) => "has what it is to have",
            Self::Configuration(ConfiguredState::Drifted) => "has something else than it is to have",
            Self::Configuration(ConfiguredState::Refused) => "does not take what it is to have",
            Self::Configuration(ConfiguredState::Failed) => "could not be given what it is to have",
            Self::Configuration(ConfiguredState::Flapping) => "does not keep what it is to have",
            Self::Configuration(ConfiguredState::Waiting | ConfiguredState::Working) => {
                "is being given what it is to have"
            }
            Self::Awake => "listens again",
            Self::Observations => "changed what it is observed for",
            Self::Bootstrap(BootstrapResult::Finished) => "was bootstrapped",
            Self::Bootstrap(BootstrapResult::Failed) => "failed its bootstrap",
            Self::Bootstrap(BootstrapResult::UnderWay) => "is being bootstrapped",
        }
    }
}

fn note(lines: &mut VecDeque<Happening>, event: &Event) {
    let what = match &event.kind {
        EventKind::Registered => What::Registered,
        EventKind::Updated { .. } => What::Updated,
        EventKind::Deregistered => What::Deregistered,
        EventKind::Expired => What::Expired,
        EventKind::Revoked => What::Revoked,
        EventKind::Removed => What::Removed,
        EventKind::Readings(_) => What::Values,
        EventKind::Operation { state, .. } => What::Operation(*state),
        EventKind::Awake => What::Awake,
        EventKind::Observations => What::Observations,
        EventKind::Bootstrap(result) => What::Bootstrap(*result),
        EventKind::Update { phase, .. } => What::Update(*phase),
        EventKind::Configuration { state, .. } => What::Configuration(*state),
    };
    let same = lines.iter().position(|line| line.device == event.public_id && line.what == what);
    let count = same.and_then(|index| lines.remove(index)).map_or(1, |line| line.count + 1);
    lines.push_front(Happening { device: event.public_id, at: event.at, what, count });
    lines.truncate(Latest::MAX);
}
