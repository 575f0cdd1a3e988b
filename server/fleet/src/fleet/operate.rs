//! The verbs that ask something of a device.

use std::{sync::PoisonError, time::Duration};

use futures::future::{ready, select};
use objects::Models;

use crate::{
    AuditEntry, BadOperation, Change, Commit, Content, Context, EventKind, Failure, Fleet, FleetError,
    Operation, OperationId, OperationRecord, OperationState, Order, Outcome, Permission, Presence, Priority,
    PublicId, Taken, Terms, Verb, WireTrace,
    fleet::{recent::RecentOutcome, trail::Ticket},
    store::{DeviceView, StoreError},
    update::veil_node,
    wish::WishChange,
};

/// What became of an operation that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Operated {
    /// Its name, under which [`Fleet::operation`] finds it for a while even if no row of it is stored.
    pub id: OperationId,
    /// Its outcome; none while it waits for the device.
    pub outcome: Option<Outcome>,
    /// The exchange on the wire.
    pub trace: Option<WireTrace>,
}

/// An operation that was taken on: it is stored, unless it is a Read or Discover of a device that listens.
#[derive(Debug)]
pub struct Begun {
    order: Order,
    view: DeviceView,
    /// The audit entry of one that is not stored.
    ticket: Option<Ticket>,
}

impl Begun {
    /// Its name.
    pub fn id(&self) -> OperationId {
        self.order.id
    }

    /// What is asked.
    pub fn operation(&self) -> &Operation {
        &self.order.operation
    }
}

/// An operation as its page shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationView {
    /// What was asked, and where it stands.
    pub record: OperationRecord,
    /// What came of it, while that is remembered: the last few hundred outcomes of this run of the server.
    pub outcome: Option<Outcome>,
    /// The exchange on the wire, as long.
    pub trace: Option<WireTrace>,
}

impl OperationView {
    /// Without the key of an address to fetch from.
    fn veiled(mut self) -> Self {
        self.record.veil();
        if let Some(Outcome::Success { content: Content::Samples(samples), .. }) = &mut self.outcome {
            for sample in samples {
                veil_node(sample.path, &mut sample.node);
            }
        }
        self
    }
}

impl OperationRecord {
    /// Takes the key out of an address to fetch from.
    pub(super) fn veil(&mut self) {
        if let Operation::Write { path, node, .. } = &mut self.operation {
            veil_node(*path, node);
        }
    }
}

impl Fleet {
    /// Asks an operation of a device and waits for its outcome, or leaves it in the queue of a device that sleeps: see
    /// [`Fleet::begin`] and [`Fleet::carry_out`].
    pub async fn operate(
        &self,
        context: &Context,
        id: PublicId,
        operation: Operation,
        terms: impl Into<Terms> + Send,
    ) -> Result<Operated, FleetError> {
        let begun = self.begin(context, id, operation, terms).await?;
        self.carry_out(context, begun).await
    }

    /// Takes an operation on, to be carried out next. Who asked for it may be told from here on.
    ///
    /// It is checked against the models of the device first ([`Operation::check`]). A Read or Discover of a device that
    /// is awake leaves no row; anything else is stored before it is sent. `terms` bounds how long it waits, and says what goes
    /// before it.
    ///
    /// Run both in a task of their own: what is begun and not carried out stays queued until the server starts again.
    pub async fn begin(
        &self,
        context: &Context,
        id: PublicId,
        operation: Operation,
        terms: impl Into<Terms> + Send,
    ) -> Result<Begun, FleetError> {
        let terms = terms.into();
        self.demand(context, Permission::Operate, "operate").await?;
        let view = self.view(id).await?;
        let (order, presence) = self.order(context, &view, operation, terms).await?;
        let mut object = format!("{} {}", order.operation.name(), order.operation.target());
        if order.priority != Priority::Normal {
            object.push_str(&format!(" ({})", order.priority.name()));
        }
        let entry = AuditEntry::by(context, Verb::Operate, Some(order.device), object);
        if order.operation.is_read_only() && presence == Presence::Awake {
            let ticket = self.trail.push(&*self.store, entry).await?;
            return Ok(Begun { order, view, ticket: Some(ticket) });
        }
        // What somebody observes by hand is theirs, whatever the class of the device wishes.
        let target = order.operation.target();
        let by_hand =
            order.operation.is_observe().then_some(WishChange::LetGo { device: order.device, target });
        let by_hand = by_hand.map(Change::Wish).into_iter().collect();
        let order = self.keep(context, &view, order, by_hand, Some(entry)).await?;
        Ok(Begun { order, view, ticket: None })
    }

    /// Takes an operation on for a job of the server's own. It is stored whatever it is, in one transaction with what the job
    /// notes of it, so that a job that was cut off finds it again. What made the job is in the audit log already.
    pub(super) async fn begin_for(
        &self,
        context: &Context,
        view: DeviceView,
        operation: Operation,
        expires_in: Duration,
        also: Box<dyn FnOnce(OperationId) -> Vec<Change> + Send>,
    ) -> Result<Begun, FleetError> {
        let terms = Terms { expires_in: Some(expires_in), priority: Priority::Background };
        let (order, _) = self.order(context, &view, operation, terms).await?;
        let also = also(order.id);
        let order = self.keep(context, &view, order, also, None).await?;
        Ok(Begun { order, view, ticket: None })
    }

    /// An order that can be asked of its device, and whether that listens.
    async fn order(
        &self,
        context: &Context,
        view: &DeviceView,
        operation: Operation,
        terms: Terms,
    ) -> Result<(Order, Presence), FleetError> {
        self.check(view, &operation).await?;
        let device = view.device.id;
        let presence = self.downlink.presence(device).await;
        if presence == Presence::NotRegistered {
            return Err(FleetError::NotRegistered);
        }
        let expiry = terms.expires_in.unwrap_or(Order::DEFAULT_EXPIRY).min(Order::MAX_EXPIRY);
        let order = Order {
            id: self.operation_id(context),
            device,
            operation,
            request: context.request,
            stored: false,
            expires_at: context.now.after(expiry),
            priority: terms.priority,
        };
        Ok((order, presence))
    }

    /// Hands an operation over to its device and waits for its outcome, or leaves it in the queue of a device that sleeps.
    pub async fn carry_out(&self, context: &Context, begun: Begun) -> Result<Operated, FleetError> {
        let Begun { mut order, view, ticket } = begun;
        if let Some(ticket) = ticket {
            match self.downlink.send(order.clone()).await {
                // It has fallen asleep meanwhile.
                Taken::Asleep => {
                    let entry = self.trail.take_back(ticket);
                    order = self.keep(context, &view, order, Vec::new(), entry).await?;
                }
                taken => return self.taken(context, order, taken).await,
            }
        }
        let taken = self.downlink.send(order.clone()).await;
        self.end_turned_away(context, &view, order.id, &taken).await?;
        self.taken(context, order, taken).await
    }

    /// Hands an operation that was taken on by [`Fleet::begin_for`] over to its device. What comes of it is not waited for: it
    /// is in its row, and whoever follows the device is told. For a push, which takes long. The error is that of one that was
    /// turned away.
    pub(super) async fn hand_over(&self, context: &Context, begun: Begun) -> Result<(), FleetError> {
        let Begun { order, view, .. } = begun;
        let id = order.id;
        let taken = self.downlink.hand_over(order).await;
        self.end_turned_away(context, &view, id, &taken).await?;
        match taken {
            Taken::Queued | Taken::Ended { .. } | Taken::Stopping => Ok(()),
            Taken::QueueFull => Err(FleetError::QueueFull),
            Taken::Asleep | Taken::NotRegistered => Err(FleetError::NotRegistered),
        }
    }

    /// The row of an operation that its shard did not take in ends.
    async fn end_turned_away(
        &self,
        context: &Context,
        view: &DeviceView,
        id: OperationId,
        taken: &Taken,
    ) -> Result<(), FleetError> {
        let result = match taken {
            Taken::QueueFull => FleetError::QueueFull.to_string(),
            Taken::Asleep | Taken::NotRegistered => FleetError::NotRegistered.to_string(),
            Taken::Ended { .. } | Taken::Queued | Taken::Stopping => return Ok(()),
        };
        self.end(context, view, id, OperationState::Failed, result, None).await
    }

    /// One operation of a device.
    pub async fn operation(
        &self,
        context: &Context,
        device: PublicId,
        id: OperationId,
    ) -> Result<OperationView, FleetError> {
        self.demand(context, Permission::View, "operation").await?;
        let device = self.view(device).await?.device.id;
        let stored = self.store.operation(id).await?;
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner).find(id).cloned();
        let (outcome, trace) = match &recent {
            Some(recent) => (Some(recent.outcome.clone()), recent.trace.clone()),
            None => (None, None),
        };
        stored
            .or_else(|| recent.map(|recent| recent.record))
            .filter(|record| record.device == device)
            .map(|record| OperationView { record, outcome, trace }.veiled())
            .ok_or(FleetError::NotFound("operation"))
    }

    /// Takes an operation out of the queue of its device.
    pub async fn cancel_operation(
        &self,
        context: &Context,
        device: PublicId,
        id: OperationId,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Operate, "cancel operation").await?;
        let view = self.view(device).await?;
        let stored = self.store.operation(id).await?.filter(|record| record.device == view.device.id);
        let record = stored.ok_or(FleetError::NotFound("operation"))?;
        let mut put_back = self.cancelling.lock().await;
        if record.state != OperationState::Queued || !self.downlink.cancel(record.device, id).await {
            return Err(FleetError::TooLate);
        }
        let object = format!("{} {}", record.operation.name(), record.operation.target());
        let entry = AuditEntry::by(context, Verb::CancelOperation, Some(record.device), object);
        let result = format!("cancelled by {}", context.actor.name());
        let ended = self.end(context, &view, id, OperationState::Cancelled, result, Some(entry)).await;
        if ended.is_err() {
            // Its row still waits, so must it: at the end of the queue.
            put_back.note(id);
            drop(put_back);
            self.put_back(record).await;
        }
        ended
    }

    /// Puts an operation into the queue again whose row still waits.
    pub(super) async fn put_back(&self, record: OperationRecord) {
        // Handed over, and not waited for: what the device says is for nobody here.
        select(self.downlink.send(Order::of(record)), ready(())).await;
    }

    pub(super) async fn check(&self, view: &DeviceView, operation: &Operation) -> Result<(), FleetError> {
        let live = view.registration.as_ref().filter(|_| view.state == crate::DeviceState::Registered);
        let registration = live.ok_or(FleetError::NotRegistered)?;
        let versions = |object| registration.links.version_of(object, registration.lwm2m);
        let registry = self.registry();
        let models = Models { registry: &registry, versions: &versions };
        operation.check(registration, &models)?;
        if operation.cancels().is_some() {
            let (target, observations) = (operation.target(), self.store.observations(view.device.id).await?);
            if !observations.iter().any(|observation| observation.target == target) {
                return Err(BadOperation::NotObserved { target }.into());
            }
        }
        Ok(())
    }

    /// Makes an operation durable.
    async fn keep(
        &self,
        context: &Context,
        view: &DeviceView,
        order: Order,
        also: Vec<Change>,
        entry: Option<AuditEntry>,
    ) -> Result<Order, FleetError> {
        let order = Order { stored: true, ..order };
        let queued = Change::OperationQueued(Box::new(record_of(context, &order)));
        #[cfg(planted)]
        let queued = (!planted::is(planted::Fault::OperationForgotten)).then_some(queued);
        #[cfg(not(planted))]
        let queued = Some(queued);
        let changes = queued.into_iter().chain(also).collect();
        self.store.commit(Commit { changes, audit: entry.into_iter().collect() }).await?;
        self.tell(context, view, order.id, OperationState::Queued);
        Ok(order)
    }

    /// What the caller is told; an outcome is remembered for the page that shows it.
    async fn taken(&self, context: &Context, order: Order, taken: Taken) -> Result<Operated, FleetError> {
        match taken {
            Taken::Ended { outcome: Outcome::Failed(Failure::Cancelled), .. }
                if self.cancelling.lock().await.take(order.id) =>
            {
                Ok(Operated { id: order.id, outcome: None, trace: None })
            }
            Taken::Ended { outcome, trace } => {
                let id = order.id;
                let record = OperationRecord {
                    state: outcome.state(&order.operation),
                    sent_at: Some(context.now),
                    ended_at: Some(context.now),
                    result: Some(outcome.result()),
                    ..record_of(context, &order)
                };
                let recent = RecentOutcome { record, outcome: outcome.clone(), trace: trace.clone() };
                self.recent.lock().unwrap_or_else(PoisonError::into_inner).push(recent);
                Ok(Operated { id, outcome: Some(outcome), trace })
            }
            Taken::Queued => Ok(Operated { id: order.id, outcome: None, trace: None }),
            Taken::QueueFull => Err(FleetError::QueueFull),
            Taken::Stopping => Err(StoreError::Unavailable.into()),
            // A stored order is never sent back as asleep: the shard that says so has lost its device.
            Taken::Asleep | Taken::NotRegistered => Err(FleetError::NotRegistered),
        }
    }

    async fn end(
        &self,
        context: &Context,
        view: &DeviceView,
        id: OperationId,
        state: OperationState,
        result: String,
        entry: Option<AuditEntry>,
    ) -> Result<(), FleetError> {
        let ended = Change::OperationEnded { id, state, at: context.now, result };
        self.store.commit(Commit { changes: vec![ended], audit: entry.into_iter().collect() }).await?;
        self.tell(context, view, id, state);
        Ok(())
    }

    pub(super) fn tell(&self, context: &Context, view: &DeviceView, id: OperationId, state: OperationState) {
        // The device has done none of these.
        let kind = EventKind::Operation { id, state, changed: false };
        self.feed.publish(context.now, view.device.id, view.device.public_id, kind);
    }

    /// A new name, greater than all names before it, so that operations are ordered by it (RFC 9562 §6.2).
    pub(super) fn operation_id(&self, context: &Context) -> OperationId {
        let mut random = [0; 10];
        (self.entropy)(&mut random);
        let fresh = OperationId::new(context.now, random);
        let mut last = self.last_operation.lock().unwrap_or_else(PoisonError::into_inner);
        let id = match *last {
            Some(last) if last >= fresh => OperationId(uuid::Uuid::from_u128(last.0.as_u128() + 1)),
            _ => fresh,
        };
        *last = Some(id);
        id
    }
}

fn record_of(context: &Context, order: &Order) -> OperationRecord {
    OperationRecord {
        id: order.id,
        device: order.device,
        operation: order.operation.clone(),
        requested_by: context.actor.name().to_owned(),
        request: order.request,
        priority: order.priority,
        state: OperationState::Queued,
        queued_at: context.now,
        sent_at: None,
        ended_at: None,
        expires_at: order.expires_at,
        result: None,
        superseded_by: None,
    }
}
