//! Background work: each job idempotent, so that it may be cut off anywhere.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use fleet::{
    Fleet, Now, Store, StoreError, Timestamp,
    store::{AuditQuery, PageRequest},
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, interval_at},
};
use tracing::warn;

use crate::{Stop, clock::Clock};

/// How often what is written in batches is written: audit entries of Reads, the diary, when credentials were used.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// How often the store is rid of what is past its bound.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// How often the store is rid of values that their class keeps no more: all paths are looked at.
const PURGE_VALUES_EVERY: Duration = Duration::from_secs(3_600);

/// Runs until `stop`, and then writes what is left to write.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    fleet: Arc<Fleet>,
    clock: Clock,
    believed: Believed,
    mut stop: Stop,
) {
    let mut purging = pin!(purge(store, clock.clone(), believed));
    let mut each_second = interval(FLUSH_EVERY);
    each_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = each_second.tick() => flush(&fleet, clock.wall()).await,
            never = &mut purging => match never {},
        }
    }
    flush(&fleet, clock.wall()).await;
}

/// What the next of these tasks has come to; none while there are none. One that panics takes the caller along.
pub(crate) async fn next_of<T: 'static>(tasks: &mut JoinSet<T>) -> Option<T> {
    match tasks.join_next().await? {
        Ok(done) => Some(done),
        Err(error) => error.try_into_panic().map_or(None, |panic| std::panic::resume_unwind(panic)),
    }
}

async fn purge(store: Arc<dyn Store>, clock: Clock, mut believed: Believed) -> Infallible {
    let mut purge = interval_at(Instant::now() + PURGE_EVERY, PURGE_EVERY);
    let mut values = interval_at(Instant::now() + PURGE_EVERY, PURGE_VALUES_EVERY);
    purge.set_missed_tick_behavior(MissedTickBehavior::Delay);
    values.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let purged = tokio::select! {
            biased;
            _ = purge.tick() => store.purge(believed.next(clock.now())).await,
            _ = values.tick() => store.purge_values(believed.next(clock.now())).await,
        };
        if let Err(error) = purged {
            warn!(%error, "purging failed and is tried again");
        }
    }
}

/// The time by which is purged. A wall clock that is set ahead by years does not make all that is kept old at once: it is believed
/// when it has said so for a day, in which who sees it can set it right.
pub(crate) struct Believed {
    at: Timestamp,
    /// When that was.
    mono: Duration,
    /// Since when the wall clock has been ahead of it.
    doubted: Option<Duration>,
}

impl Believed {
    /// How far ahead is believed at once.
    const MOST: Duration = Duration::from_secs(3_600);
    /// How long a clock that is further ahead is doubted.
    const DOUBTED_FOR: Duration = Duration::from_secs(86_400);

    /// It begins with when something was noted last.
    pub(crate) async fn begin(store: &dyn Store, now: Now) -> Result<Self, StoreError> {
        let (_, last) = store.event_range().await?;
        let event = store.events(last - 1, 1).await?.pop().map(|event| event.at);
        let page = PageRequest { after: None, limit: 1 };
        let query = AuditQuery { actor: None, verb: None, device: None, since: None, until: None, page };
        let audited = store.audit(&query).await?.rows.pop().map(|record| record.entry.at);
        Ok(Self::new(now, event.max(audited)))
    }

    fn new(now: Now, newest: Option<Timestamp>) -> Self {
        Self { at: newest.map_or(now.wall, |newest| newest.min(now.wall)), mono: now.mono, doubted: None }
    }

    fn next(&mut self, now: Now) -> Timestamp {
        let expected = self.at.after(now.mono.saturating_sub(self.mono));
        let is_ahead = now.wall > expected.after(Self::MOST);
        let since = if is_ahead { *self.doubted.get_or_insert(now.mono) } else { now.mono };
        let is_doubted = is_ahead && now.mono < since + Self::DOUBTED_FOR;
        if !is_doubted {
            self.doubted = None;
        }
        (self.at, self.mono) = (if is_doubted { expected } else { now.wall }, now.mono);
        self.at
    }
}

async fn flush(fleet: &Fleet, now: Timestamp) {
    for flushed in [fleet.flush_audit().await, fleet.flush_diary(now).await] {
        if let Err(error) = flushed {
            warn!(%error, "what is written in batches is not written yet");
        }
    }
    metrics::counter!("muster_diary_turned_away_total").absolute(fleet.incidents_turned_away());
    metrics::counter!("muster_artefact_uploads_turned_away_total").absolute(fleet.uploads_turned_away());
    for (reason, count) in fleet.misfits() {
        metrics::counter!("muster_artefact_refusals_total", "reason" => reason).absolute(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(mono: u64, wall: u64) -> Now {
        Now { mono: Duration::from_secs(mono), wall: at(wall) }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(1_767_225_600_000).after(Duration::from_secs(seconds))
    }

    const YEARS: u64 = 315_360_000;

    #[test]
    fn a_wall_clock_that_jumps_ahead_is_believed_after_a_day_and_one_that_is_set_back_at_once() {
        let mut believed = Believed::new(now(0, 0), None);
        assert_eq!(believed.next(now(60, 60)), at(60));
        assert_eq!(believed.next(now(120, YEARS)), at(120));
        assert_eq!(believed.next(now(180, 240)), at(240), "it was set right");
        assert_eq!(believed.next(now(240, 30)), at(30));
        assert_eq!(believed.next(now(300, YEARS)), at(90));
        assert_eq!(believed.next(now(300 + 86_399, YEARS)), at(90 + 86_399));
        assert_eq!(believed.next(now(300 + 86_400, YEARS)), at(YEARS));
        assert_eq!(believed.next(now(300 + 86_460, YEARS + 60)), at(YEARS + 60));
    }

    #[test]
    fn a_start_with_a_clock_that_is_far_ahead_of_what_was_noted_last_purges_by_that() {
        let mut believed = Believed::new(now(5, YEARS), Some(at(7)));
        assert_eq!(believed.next(now(65, YEARS + 60)), at(67));
        let mut believed = Believed::new(now(5, 100), Some(at(YEARS)));
        assert_eq!(believed.next(now(65, 160)), at(160));
    }
}
