//! The verbs on what waits for devices, and on how long these listen.

use std::time::Duration;

use crate::{
    AuditEntry, Change, ClassId, Commit, Context, Fleet, FleetError, OperationRecord, OperationState,
    Permission, Presence, Priority, PublicId, Verb,
    queue::{Awake, AwakeScope, AwakeTime, QueueChange},
    store::{Page, PageRequest, Waiting, WaitingQuery},
};

/// On what terms an operation waits for its device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How long at most; [`crate::Order::DEFAULT_EXPIRY`] if it is left open, and never longer than [`crate::Order::MAX_EXPIRY`].
    pub expires_in: Option<Duration>,
    /// How soon it is sent among those that wait.
    pub priority: Priority,
}

/// How long a device is called after it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwakeDetail {
    /// What is known of it.
    pub awake: Awake,
    /// What follows from that.
    pub time: AwakeTime,
}

/// What became of what waited for a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cancelled {
    /// How many operations were cancelled.
    pub cancelled: usize,
    /// How many were on their way by then, or had ended.
    pub too_late: usize,
}

impl Fleet {
    /// A page of what waits for devices: by priority, and within one by age.
    pub async fn waiting(
        &self,
        context: &Context,
        query: &WaitingQuery,
    ) -> Result<Page<Waiting>, FleetError> {
        self.demand(context, Permission::View, "waiting").await?;
        let mut page = self.store.waiting(query).await?;
        page.rows.iter_mut().for_each(|waiting| waiting.record.veil());
        Ok(page)
    }

    /// Takes all that waits for a device out of its queue. What is on its way goes on.
    pub async fn cancel_waiting(&self, context: &Context, device: PublicId) -> Result<Cancelled, FleetError> {
        self.demand(context, Permission::Operate, "cancel waiting").await?;
        let view = self.view(device).await?;
        let mut put_back = self.cancelling.lock().await;
        let mut report = Cancelled::default();
        let mut taken: Vec<OperationRecord> = Vec::new();
        let mut page = PageRequest::first(PageRequest::MAX_LIMIT);
        loop {
            let query = WaitingQuery { device: Some(view.device.id), ..WaitingQuery::all(page.clone()) };
            let found = self.store.waiting(&query).await?;
            for waiting in found.rows {
                match self.downlink.cancel(view.device.id, waiting.record.id).await {
                    true => taken.push(waiting.record),
                    false => report.too_late += 1,
                }
            }
            match found.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        if taken.is_empty() {
            return Ok(report);
        }
        report.cancelled = taken.len();
        let (state, result) = (OperationState::Cancelled, format!("cancelled by {}", context.actor.name()));
        let end = |record: &OperationRecord| Change::OperationEnded {
            id: record.id,
            state,
            at: context.now,
            result: result.clone(),
        };
        let object = format!("all that waits: {} operations", taken.len());
        let commit = Commit {
            changes: taken.iter().map(end).collect(),
            audit: vec![AuditEntry::by(context, Verb::CancelOperation, Some(view.device.id), object)],
        };
        if let Err(error) = self.store.commit(commit).await {
            for record in &taken {
                put_back.note(record.id);
            }
            drop(put_back);
            for record in taken {
                self.put_back(record).await;
            }
            return Err(error.into());
        }
        for record in &taken {
            self.tell(context, &view, record.id, state);
        }
        Ok(report)
    }

    /// How long a device is called after it was heard, and why so long.
    pub async fn awake_time(&self, context: &Context, id: PublicId) -> Result<AwakeDetail, FleetError> {
        self.demand(context, Permission::View, "awake time").await?;
        let awake = self.store.awake(self.view(id).await?.device.id).await?;
        let time = awake.time(Presence::AWAKE_FOR);
        Ok(AwakeDetail { awake, time })
    }

    /// Says how long a device listens after it was heard; none takes that back. It may be less than
    /// [`Presence::AWAKE_FOR`], which nothing else is.
    pub async fn set_awake_time(
        &self,
        context: &Context,
        id: PublicId,
        time: Option<Duration>,
    ) -> Result<AwakeDetail, FleetError> {
        self.demand(context, Permission::Operate, "set awake time").await?;
        let device = self.view(id).await?.device.id;
        let audit = AuditEntry::by(context, Verb::SaveAwakeTime, Some(device), said(time));
        self.say_awake(AwakeScope::Device(device), time, audit).await?;
        let awake = self.store.awake(device).await?;
        let time = awake.time(Presence::AWAKE_FOR);
        Ok(AwakeDetail { awake, time })
    }

    /// How long the devices of a class listen, if somebody has said it.
    pub async fn class_awake_time(
        &self,
        context: &Context,
        class: ClassId,
    ) -> Result<Option<Duration>, FleetError> {
        self.demand(context, Permission::View, "class awake time").await?;
        let class = self.class(class).await?.id;
        Ok(self.store.class_awake_times().await?.get(&class).copied())
    }

    /// Says how long the devices of a class listen after they were heard; none takes that back.
    pub async fn set_class_awake_time(
        &self,
        context: &Context,
        class: ClassId,
        time: Option<Duration>,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "set class awake time").await?;
        let class = self.class(class).await?;
        let object = format!("{}: {}", class.name, said(time));
        let audit = AuditEntry::by(context, Verb::SaveAwakeTime, None, object);
        self.say_awake(AwakeScope::Class(class.id), time, audit).await
    }

    async fn say_awake(
        &self,
        scope: AwakeScope,
        time: Option<Duration>,
        audit: AuditEntry,
    ) -> Result<(), FleetError> {
        if let Some(time) = time
            && !(AwakeTime::MIN..=AwakeTime::MAX).contains(&time)
        {
            let (min, max) = (AwakeTime::MIN.as_secs(), AwakeTime::MAX.as_secs());
            let reason = format!("a device listens for {min} to {max} seconds; leave it out to take it back");
            return Err(FleetError::Invalid { field: "awake_s", reason });
        }
        let change = Change::Queue(QueueChange::AwakeSet { scope, time });
        let commit = Commit { changes: vec![change], audit: vec![audit] };
        self.commit_and_follow(commit, "awake time").await?;
        Ok(())
    }
}

impl From<Option<Duration>> for Terms {
    fn from(expires_in: Option<Duration>) -> Self {
        Self { expires_in, ..Self::default() }
    }
}

fn said(time: Option<Duration>) -> String {
    time.map_or_else(|| "as it is learned".to_owned(), |time| format!("{} s", time.as_secs()))
}
