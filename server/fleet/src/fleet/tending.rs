//! Carries out what classes wish: looks at one device, asks what is left to ask, and notes what came of it.
//!
//! What is asked is not stored as an operation: a device that sleeps is asked when it is heard, and one that the server forgot
//! to ask when it stopped is planned anew. What makes that safe is the mark that stands before each Observe
//! ([`WishChange::Asked`]): an observation that lives and bears none is somebody else's.

use crate::{
    CancelMode, Change, Commit, Context, DeviceId, DeviceState, Failure, Fleet, FleetError, Operation, Order,
    Outcome, Presence, Priority, RegistrationId, Taken, Target, Timestamp,
    store::DeviceView,
    wish::{self, Kept, Owned, Plan, Seen, Step, Tended, Trouble, WishChange, Written},
};

/// How many steps are taken of a device before others have their turn: as many as it can have observations, thrice.
const MAX_STEPS: usize = 3 * crate::Observation::MAX_PER_DEVICE;

/// What became of one step.
enum Stepped {
    /// It is known, and planned anew.
    On,
    /// The device sleeps.
    Asleep,
    /// Its registration has ended, or its queue is full: it is looked at with its next sign.
    Gone,
}

impl Fleet {
    /// How many devices a sweep comes upon at once.
    pub const TENDED_TOGETHER: usize = 200;

    /// The next devices by their rows that something is or was wished of, and whether there are more.
    pub async fn wished_after(&self, after: Option<DeviceId>) -> Result<(Vec<DeviceId>, bool), FleetError> {
        let wishes = self.all_wishes().await?;
        let classes = wishes.keys().copied().collect();
        let devices = self.store.wished_of(&classes, after, Self::TENDED_TOGETHER).await?;
        let goes_on = devices.len() == Self::TENDED_TOGETHER;
        Ok((devices, goes_on))
    }

    /// Asks a device whatever its class wishes and it does not tell yet. To be called for one device once at a time.
    pub async fn tend(
        &self,
        device: DeviceId,
        now: impl Fn() -> Timestamp + Send + Sync,
    ) -> Result<Tended, FleetError> {
        for _ in 0..MAX_STEPS {
            let Some(view) = self.store.device_row(device).await? else { return Ok(Tended::Gone) };
            let live = view.registration.as_ref().filter(|_| view.state == DeviceState::Registered);
            let Some(registration) = live else { return Ok(Tended::Gone) };
            let wishes = self.wishes_of(view.device.class).await?;
            let kept = self.store.kept_wishes(device).await?;
            if wishes.is_empty() && kept == Kept::default() {
                return Ok(Tended::Settled(None));
            }
            let observations = self.store.observations(device).await?;
            let composites = self.may_use_composites(device).await?;
            let seen =
                Seen { registration, observations: &observations, kept: &kept, composites, now: now() };
            let plan = wish::plan(&wishes, seen);
            if self.note_plan(device, &kept, &plan, seen).await? {
                continue;
            }
            let Some(step) = plan.steps.into_iter().next() else {
                return Ok(Tended::Settled(plan.again_at));
            };
            if self.downlink.presence(device).await == Presence::Asleep {
                return Ok(Tended::Asleep);
            }
            let under = registration.id;
            match self.step_of_wish(&view, under, &kept, step, &now).await? {
                Stepped::On => {}
                Stepped::Asleep => return Ok(Tended::Asleep),
                Stepped::Gone => return Ok(Tended::Gone),
            }
        }
        // Others have their turn.
        Ok(Tended::Settled(Some(now())))
    }

    /// Notes what the plan has found, if anything.
    async fn note_plan(
        &self,
        device: DeviceId,
        kept: &Kept,
        plan: &Plan,
        seen: Seen<'_>,
    ) -> Result<bool, FleetError> {
        let lost = plan.lost.iter().map(|target| {
            let before = kept.owned.get(target).and_then(|owned| owned.trouble.as_ref());
            let trouble = Trouble::after(before, seen.now, "the observation has ended");
            let owned = Owned { registration: None, trouble: Some(trouble) };
            WishChange::Answered { device, target: target.clone(), owned }
        });
        let under = Some(seen.registration.id);
        let found = plan.found.iter().map(|target| {
            let owned = Owned { registration: under, trouble: None };
            WishChange::Answered { device, target: target.clone(), owned }
        });
        let let_go = plan.let_go.iter().map(|target| WishChange::LetGo { device, target: target.clone() });
        let unwritten =
            plan.unwritten.iter().map(|path| WishChange::Wrote { device, path: *path, written: None });
        let changes: Vec<WishChange> = lost.chain(found).chain(let_go).chain(unwritten).collect();
        let any = !changes.is_empty();
        if any {
            self.note_wishes(changes).await?;
        }
        Ok(any)
    }

    async fn step_of_wish(
        &self,
        view: &DeviceView,
        under: RegistrationId,
        kept: &Kept,
        step: Step,
        now: &(impl Fn() -> Timestamp + Send + Sync),
    ) -> Result<Stepped, FleetError> {
        let device = view.device.id;
        match step {
            Step::Write { path, set, unset } => {
                let before = kept.written.get(&path);
                let operation = Operation::WriteAttributes { path, set, unset };
                let answer = self.ask_by_wish(view, operation, now()).await?;
                let written = match answer.trouble(before.and_then(|known| known.trouble.as_ref()), now()) {
                    Ok(None) if set.is_empty() => None,
                    Ok(None) => Some(Written { attributes: set, registration: Some(under), trouble: None }),
                    Ok(trouble) => Some(Written { trouble, ..before.cloned().unwrap_or_default() }),
                    Err(stepped) => return Ok(stepped),
                };
                self.note_wishes(vec![WishChange::Wrote { device, path, written }]).await?;
            }
            Step::Observe(target) => {
                let before = kept.owned.get(&target).and_then(|owned| owned.trouble.as_ref());
                let asked = WishChange::Asked { device, target: target.clone() };
                self.note_wishes(vec![asked]).await?;
                let operation = Operation::observe(target.clone(), None);
                let owned = match self.ask_by_wish(view, operation, now()).await?.trouble(before, now()) {
                    Ok(None) => Owned { registration: Some(under), trouble: None },
                    Ok(trouble) => Owned { registration: None, trouble },
                    Err(stepped) => return Ok(stepped),
                };
                self.note_wishes(vec![WishChange::Answered { device, target, owned }]).await?;
            }
            Step::Cancel(target) => return self.stop_observing(view, target, now()).await,
        }
        Ok(Stepped::On)
    }

    /// Whatever the device says, the observation has ended: its next notification is reset.
    async fn stop_observing(
        &self,
        view: &DeviceView,
        target: Target,
        now: Timestamp,
    ) -> Result<Stepped, FleetError> {
        let operation = Operation::cancel(target.clone(), CancelMode::Active);
        if let Answer::Stopped(stepped) = self.ask_by_wish(view, operation, now).await? {
            return Ok(stepped);
        }
        // The end is told even where the store could not take it yet: until it has, the observation stays one by wish.
        let live = self.store.observations(view.device.id).await?;
        if live.iter().any(|observation| observation.target == target) {
            return Err(crate::StoreError::Unavailable.into());
        }
        self.note_wishes(vec![WishChange::LetGo { device: view.device.id, target }]).await?;
        Ok(Stepped::On)
    }

    /// Asks something of a device that leaves no row.
    async fn ask_by_wish(
        &self,
        view: &DeviceView,
        operation: Operation,
        now: Timestamp,
    ) -> Result<Answer, FleetError> {
        match self.check(view, &operation).await {
            Ok(()) => {}
            Err(FleetError::BadOperation(bad)) => return Ok(Answer::Refused(bad.to_string())),
            Err(FleetError::NotRegistered) => return Ok(Answer::Stopped(Stepped::Gone)),
            Err(error) => return Err(error),
        }
        let context = Context { actor: crate::Actor::RULE, now, request: self.random_request() };
        let order = Order {
            id: self.operation_id(&context),
            device: view.device.id,
            operation,
            request: context.request,
            stored: false,
            expires_at: now.after(Order::DEFAULT_EXPIRY),
            priority: Priority::Background,
        };
        Ok(match self.downlink.send(order).await {
            Taken::Ended { outcome, .. } => match outcome {
                Outcome::Success { .. } | Outcome::Local => Answer::Done,
                // Its registration has ended, or it has another; it is looked at with that.
                Outcome::Failed(Failure::Cancelled) => Answer::Stopped(Stepped::Gone),
                Outcome::Failed(Failure::NotStored) => return Err(crate::StoreError::Unavailable.into()),
                Outcome::Refused { .. } => Answer::Refused(outcome.result()),
                Outcome::Failed(Failure::NotObserved | Failure::Unreadable { .. }) => {
                    Answer::Refused(outcome.result())
                }
                Outcome::Failed(_) => Answer::Unanswered(outcome.result()),
            },
            Taken::Queued | Taken::Asleep => Answer::Stopped(Stepped::Asleep),
            Taken::NotRegistered | Taken::QueueFull => Answer::Stopped(Stepped::Gone),
            Taken::Stopping => return Err(crate::StoreError::Unavailable.into()),
        })
    }

    async fn note_wishes(&self, changes: Vec<WishChange>) -> Result<(), FleetError> {
        let changes = changes.into_iter().map(Change::Wish).collect();
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        Ok(())
    }
}

/// What came of asking.
enum Answer {
    Done,
    Refused(String),
    Unanswered(String),
    Stopped(Stepped),
}

impl Answer {
    /// What is noted of it, after what was before; or that nothing is known.
    fn trouble(self, before: Option<&Trouble>, at: Timestamp) -> Result<Option<Trouble>, Stepped> {
        match self {
            Self::Done => Ok(None),
            Self::Refused(reason) => Ok(Some(Trouble::after(before, at, &reason))),
            Self::Unanswered(reason) => Ok(Some(Trouble::unanswered(before, at, &reason))),
            Self::Stopped(stepped) => Err(stepped),
        }
    }
}
