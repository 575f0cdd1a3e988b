//! When to look at which of many things that go on by themselves, each one step at a time.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use futures::task::AtomicWaker;

use crate::Timestamp;

/// What waits for its time, and what takes a step now.
pub(super) struct Schedule<K> {
    max_stepping: usize,
    due: BTreeSet<(Timestamp, K)>,
    items: HashMap<K, Item>,
}

enum Item {
    Waits(Timestamp),
    /// A step of it is being taken; it is looked at again right after, if something happened meanwhile.
    Steps {
        hastened: bool,
    },
}

impl<K: Copy + Ord + Hash> Schedule<K> {
    /// No more than `max_stepping` take a step at the same moment.
    pub(super) fn new(max_stepping: usize) -> Self {
        Self { max_stepping, due: BTreeSet::new(), items: HashMap::new() }
    }

    pub(super) fn contains(&self, key: K) -> bool {
        self.items.contains_key(&key)
    }

    /// False for what is there already: its time stays.
    pub(super) fn plan(&mut self, key: K, at: Timestamp) -> bool {
        let is_new = !self.contains(key);
        if is_new {
            self.wait(key, at);
        }
        is_new
    }

    /// What is known is looked at now.
    pub(super) fn hasten(&mut self, key: K, now: Timestamp) {
        match self.items.get_mut(&key) {
            Some(Item::Steps { hastened }) => *hastened = true,
            Some(Item::Waits(at)) if *at > now => {
                self.due.remove(&(*at, key));
                self.wait(key, now);
            }
            Some(Item::Waits(_)) | None => {}
        }
    }

    /// What to take a step of now; each is to be followed by [`Schedule::stepped`] or a removal.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<K> {
        let room = self.max_stepping.saturating_sub(self.stepping());
        let mut taken = Vec::new();
        while taken.len() < room
            && let Some((at, key)) = self.due.pop_first()
        {
            if at > now {
                self.due.insert((at, key));
                break;
            }
            self.items.insert(key, Item::Steps { hastened: false });
            taken.push(key);
        }
        taken
    }

    /// When [`Schedule::take_due`] has something, if nothing happens before that. None while as many take a step as may: the end
    /// of one is waited for.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let is_full = self.stepping() >= self.max_stepping;
        self.due.first().filter(|_| !is_full).map(|(at, _)| *at)
    }

    /// Whether so many are due.
    pub(super) fn has_due(&self, count: usize, now: Timestamp) -> bool {
        self.due.iter().take_while(|(at, _)| *at <= now).take(count).count() >= count
    }

    /// A step was taken, and the next one is due then: now, if something happened meanwhile.
    pub(super) fn stepped(&mut self, key: K, next: Timestamp, now: Timestamp) {
        if let Some(Item::Steps { hastened }) = self.items.get(&key) {
            let at = if *hastened { next.min(now) } else { next };
            self.wait(key, at);
        }
    }

    /// A step was taken, and nothing is left to do, unless something happened meanwhile.
    pub(super) fn settled(&mut self, key: K, now: Timestamp) {
        match self.items.get(&key) {
            Some(Item::Steps { hastened: true }) => self.wait(key, now),
            _ => self.remove(key),
        }
    }

    /// It goes on no more.
    pub(super) fn remove(&mut self, key: K) {
        if let Some(Item::Waits(at)) = self.items.remove(&key) {
            self.due.remove(&(at, key));
        }
    }

    fn wait(&mut self, key: K, at: Timestamp) {
        self.items.insert(key, Item::Waits(at));
        self.due.insert((at, key));
    }

    fn stepping(&self) -> usize {
        self.items.len() - self.due.len()
    }
}

/// Tells one who waits that something was hastened.
#[derive(Debug, Default)]
pub(super) struct Wake {
    waker: AtomicWaker,
    is_woken: AtomicBool,
}

impl Wake {
    pub(super) fn wake(&self) {
        self.is_woken.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Ready once after [`Wake::wake`].
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        match self.is_woken.swap(false, Ordering::AcqRel) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);
    const LATER: Timestamp = Timestamp(2_000);

    #[test]
    fn each_takes_one_step_at_a_time() {
        let mut schedule = Schedule::<u8>::new(10);
        assert!(schedule.plan(1, NOW) && schedule.plan(2, LATER) && !schedule.plan(1, LATER));
        assert_eq!(schedule.take_due(NOW), [1]);
        assert_eq!((schedule.take_due(NOW), schedule.next()), (vec![], Some(LATER)));
        schedule.hasten(1, NOW);
        assert!(schedule.take_due(NOW).is_empty(), "its step is under way");
        schedule.stepped(1, LATER, NOW);
        assert_eq!(schedule.take_due(NOW), [1], "something happened meanwhile");
        schedule.stepped(1, LATER, NOW);
        schedule.hasten(2, NOW);
        assert_eq!((schedule.take_due(NOW), schedule.take_due(LATER)), (vec![2], vec![1]));
    }

    #[test]
    fn nothing_is_next_while_as_many_step_as_may() {
        let mut schedule = Schedule::<u8>::new(2);
        for key in 0..3 {
            schedule.plan(key, NOW);
        }
        assert!(schedule.has_due(3, NOW) && !schedule.has_due(4, NOW));
        assert_eq!(schedule.take_due(NOW), [0, 1]);
        assert_eq!((schedule.next(), schedule.take_due(NOW)), (None, vec![]));
        schedule.remove(1);
        assert_eq!((schedule.next(), schedule.take_due(NOW)), (Some(NOW), vec![2]));
    }

    #[test]
    fn what_is_settled_is_forgotten_unless_something_happened() {
        let mut schedule = Schedule::<u8>::new(2);
        schedule.plan(1, NOW);
        schedule.take_due(NOW);
        schedule.hasten(1, NOW);
        schedule.settled(1, NOW);
        assert_eq!(schedule.take_due(NOW), [1]);
        schedule.settled(1, NOW);
        assert!(!schedule.contains(1) && schedule.next().is_none());
        schedule.stepped(1, NOW, NOW);
        assert!(!schedule.contains(1), "a step that ends after its removal brings nothing back");
    }
}
