//! The verbs on the event log.

use crate::{Context, Fleet, FleetError, LoggedEvent, Permission};

impl Fleet {
    /// The entries of the event log after a sequence number, in order; at most `limit` and [`LoggedEvent::MAX_READ`].
    pub async fn logged_events(
        &self,
        context: &Context,
        after: i64,
        limit: usize,
    ) -> Result<Vec<LoggedEvent>, FleetError> {
        self.demand(context, Permission::View, "logged events").await?;
        Ok(self.store.events(after, limit).await?)
    }

    /// The numbers of the first and the last entry that the event log holds: who asks for what lies before the first has
    /// missed something.
    pub async fn event_range(&self, context: &Context) -> Result<(i64, i64), FleetError> {
        self.demand(context, Permission::View, "event range").await?;
        Ok(self.store.event_range().await?)
    }
}
