//! Timers on the caller's clock: each key has at most one time at which it is due.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A set of timers, in the order in which they fall due.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    due: BTreeSet<(Duration, K)>,
    at: BTreeMap<K, Duration>,
}

impl<K: Ord + Copy> Timers<K> {
    /// Sets a timer, or moves it.
    pub(crate) fn set(&mut self, key: K, at: Duration) {
        self.cancel(key);
        self.at.insert(key, at);
        self.due.insert((at, key));
    }

    pub(crate) fn cancel(&mut self, key: K) {
        if let Some(at) = self.at.remove(&key) {
            self.due.remove(&(at, key));
        }
    }

    /// Takes the first timer that is due.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<K> {
        let (at, key) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.cancel(key);
        Some(key)
    }

    /// When the next timer falls due.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The time of a timer that is set.
    pub(crate) fn get(&self, key: K) -> Option<Duration> {
        self.at.get(&key).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { due: BTreeSet::new(), at: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fall_due_in_order_and_a_moved_one_only_once() {
        let at = Duration::from_secs;
        let mut timers = Timers::default();
        timers.set('a', at(3));
        timers.set('b', at(2));
        timers.set('a', at(1));
        timers.set('c', at(9));
        timers.cancel('c');
        assert_eq!((timers.next(), timers.get('a')), (Some(at(1)), Some(at(1))));
        assert_eq!([timers.pop(at(2)), timers.pop(at(2)), timers.pop(at(99))], [Some('a'), Some('b'), None]);
        assert_eq!(timers.len(), 0);
    }
}
