//! When handshakes fall due, on the caller's clock: each has at most one time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::HandshakeId;

/// A set of timers, in the order in which they fall due.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeSet<(Duration, HandshakeId)>,
    at: BTreeMap<HandshakeId, Duration>,
}

impl Timers {
    /// Sets a timer, or moves it.
    pub(crate) fn set(&mut self, id: HandshakeId, at: Duration) {
        if self.at.get(&id) == Some(&at) {
            return;
        }
        self.cancel(id);
        self.at.insert(id, at);
        self.due.insert((at, id));
    }

    pub(crate) fn cancel(&mut self, id: HandshakeId) {
        if let Some(at) = self.at.remove(&id) {
            self.due.remove(&(at, id));
        }
    }

    /// The first timer that is due. It stays until it is moved or cancelled.
    pub(crate) fn first(&self, now: Duration) -> Option<HandshakeId> {
        self.due.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// When the next timer falls due.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fall_due_in_order_and_a_moved_one_only_once() {
        let (a, b, c) = (HandshakeId(1), HandshakeId(2), HandshakeId(3));
        let at = Duration::from_secs;
        let mut timers = Timers::default();
        timers.set(a, at(3));
        timers.set(b, at(2));
        timers.set(a, at(1));
        timers.set(c, at(9));
        timers.cancel(c);
        assert_eq!((timers.next(), timers.first(at(0)), timers.first(at(2))), (Some(at(1)), None, Some(a)));
        timers.cancel(a);
        assert_eq!((timers.next(), timers.first(at(9))), (Some(at(2)), Some(b)));
    }
}
