//! The feed: what just happened, for whoever watches. Bounded: a slow watcher is told that it missed something.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use async_broadcast::{InactiveReceiver, Receiver, RecvError, Sender};
use futures::Stream;

use crate::{
    BootstrapResult, DeviceId, OperationId, OperationState, PublicId, StoredReading, Timestamp,
    configuration::ConfiguredState,
    update::{UpdateId, UpdatePhase},
};

/// Something that happened and is durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Grows by one an event within one run of the server.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// The device's row.
    pub device: DeviceId,
    /// The device's public name.
    pub public_id: PublicId,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// It registered.
    Registered,
    /// Its registration was renewed.
    Updated {
        /// Something of it is another than before.
        changed: bool,
    },
    /// It deregistered.
    Deregistered,
    /// Its lifetime ran out.
    Expired,
    /// The credential it had registered with was revoked.
    Revoked,
    /// It was removed.
    Removed,
    /// It gave values.
    Readings(Vec<StoredReading>),
    /// An operation changed its state.
    Operation {
        /// Which.
        id: OperationId,
        /// Where it stands now.
        state: OperationState,
        /// The device did it, and is another since.
        changed: bool,
    },
    /// It listens again, having slept; or it listens for the first time, in queue mode.
    Awake,
    /// Its observations changed.
    Observations,
    /// An update of it has got into another phase.
    Update {
        /// Which.
        id: UpdateId,
        /// Where it stands now.
        phase: UpdatePhase,
    },
    /// Where it stands with its configuration.
    Configuration {
        /// Which generation is desired.
        generation: u64,
        /// Whether it has it.
        state: ConfiguredState,
    },
    /// A bootstrap of it has ended.
    Bootstrap(BootstrapResult),
}

/// Where events are published and watched. A clone is the same feed.
#[derive(Clone, Debug)]
pub struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The last sequence, and the sender under one lock, so that events are numbered as they are sent.
    sender: Mutex<(u64, Sender<Arc<Event>>)>,
    /// Keeps the channel open while nobody watches.
    idle: InactiveReceiver<Arc<Event>>,
    missed: AtomicU64,
}

/// One watcher of a [`Feed`]. As a stream it ends only when the feed is gone.
#[derive(Debug)]
pub struct Subscription {
    receiver: Receiver<Arc<Event>>,
    shared: Arc<Shared>,
}

/// What a watcher sees.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    /// Something happened.
    Event(Arc<Event>),
    /// It was too slow: so many events are gone, and what it shows must be read anew.
    Missed(u64),
}

impl Feed {
    /// How many events wait for the slowest watcher; then the oldest is dropped.
    pub const CAPACITY: usize = 4_096;

    /// A feed that nobody watches yet.
    pub fn new() -> Self {
        Self::with_capacity(Self::CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        let (mut sender, receiver) = async_broadcast::broadcast(capacity);
        sender.set_overflow(true);
        let idle = receiver.deactivate();
        Self { shared: Arc::new(Shared { sender: Mutex::new((0, sender)), idle, missed: AtomicU64::new(0) }) }
    }

    /// Tells every watcher. Never waits.
    pub fn publish(&self, at: Timestamp, device: DeviceId, public_id: PublicId, kind: EventKind) {
        let mut guard = self.shared.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let (sequence, sender) = &mut *guard;
        *sequence += 1;
        let event = Event { sequence: *sequence, at, device, public_id, kind };
        // Without a watcher the event is given back; there is nobody to tell.
        drop(sender.try_broadcast(Arc::new(event)));
    }

    /// Watches from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription { receiver: self.shared.idle.activate_cloned(), shared: Arc::clone(&self.shared) }
    }

    /// How many watch.
    pub fn watchers(&self) -> usize {
        self.shared.idle.receiver_count()
    }

    /// How many events slow watchers missed since the start.
    pub fn missed(&self) -> u64 {
        self.shared.missed.load(Ordering::Relaxed)
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

impl Subscription {
    /// Waits for the next event.
    pub async fn next(&mut self) -> Option<Watched> {
        futures::StreamExt::next(self).await
    }
}

impl Stream for Subscription {
    type Item = Watched;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Watched>> {
        let received = std::task::ready!(Pin::new(&mut self.receiver).poll_recv(context));
        Poll::Ready(match received {
            Some(Ok(event)) => Some(Watched::Event(event)),
            Some(Err(RecvError::Overflowed(count))) => {
                self.shared.missed.fetch_add(count, Ordering::Relaxed);
                Some(Watched::Missed(count))
            }
            Some(Err(RecvError::Closed)) | None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, executor::block_on};

    use super::*;

    fn publish(feed: &Feed, number: i64) {
        feed.publish(Timestamp(number), DeviceId(1), PublicId::from_random([1; 16]), EventKind::Registered);
    }

    fn next(subscription: &mut Subscription) -> Watched {
        block_on(subscription.next()).unwrap()
    }

    #[test]
    fn every_watcher_sees_every_event_in_order_from_its_beginning_on() {
        let feed = Feed::new();
        publish(&feed, 1);
        let mut first = feed.subscribe();
        publish(&feed, 2);
        let mut second = feed.subscribe();
        publish(&feed, 3);
        let sequence = |watched| match watched {
            Watched::Event(event) => event.sequence,
            Watched::Missed(count) => panic!("missed {count}"),
        };
        assert_eq!([next(&mut first), next(&mut first)].map(sequence), [2, 3]);
        assert_eq!(sequence(next(&mut second)), 3);
        assert!(first.next().now_or_never().is_none(), "it waits for more");
        assert_eq!(feed.watchers(), 2);
        drop(second);
        assert_eq!(feed.watchers(), 1);
    }

    #[test]
    fn a_slow_watcher_is_told_how_much_it_missed_and_holds_nobody_up() {
        let feed = Feed::with_capacity(4);
        let mut slow = feed.subscribe();
        for number in 1..=10 {
            publish(&feed, number);
        }
        assert_eq!(next(&mut slow), Watched::Missed(6));
        let Watched::Event(event) = next(&mut slow) else { panic!("an event") };
        assert_eq!((event.sequence, event.at), (7, Timestamp(7)));
        assert_eq!(feed.missed(), 6);
    }

    #[test]
    fn without_watchers_nothing_is_kept() {
        let feed = Feed::with_capacity(2);
        for number in 1..=5 {
            publish(&feed, number);
        }
        let mut late = feed.subscribe();
        publish(&feed, 6);
        assert!(matches!(next(&mut late), Watched::Event(event) if event.sequence == 6));
    }

    #[test]
    fn a_watcher_wakes_for_an_event_that_comes_later() {
        let feed = Feed::new();
        let mut waiting = feed.subscribe();
        let woken = block_on(async {
            let publishing = async { publish(&feed, 1) };
            futures::join!(waiting.next(), publishing).0
        });
        assert!(matches!(woken, Some(Watched::Event(_))));
    }
}
