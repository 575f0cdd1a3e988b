//! Which live device was heard when, in order: kept in memory, because an index over `lease` would be rewritten with
//! every batch of renewals (measured: it makes them two and a half times as dear). Follows each commit; filled at start.

use std::collections::{BTreeSet, HashMap};

/// The live devices by when they were last heard. About 50 bytes a device.
#[derive(Debug, Default)]
pub(super) struct Recency {
    by_time: BTreeSet<(i64, std::cmp::Reverse<i64>)>,
    seen_at: HashMap<i64, i64>,
}

/// What a commit changes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A registration lives, heard then.
    Lives { device: i64, seen_at: i64 },
    /// A registration that may live was heard then.
    Renewed { device: i64, seen_at: i64 },
    /// A registration ended.
    Ended { device: i64 },
}

impl Recency {
    pub(super) fn apply(&mut self, heard: Heard) {
        match heard {
            Heard::Lives { device, seen_at } => self.put(device, seen_at),
            Heard::Renewed { device, seen_at } => {
                if self.seen_at.get(&device).is_some_and(|&before| before < seen_at) {
                    self.put(device, seen_at);
                }
            }
            Heard::Ended { device } => self.remove(device),
        }
    }

    /// The devices after a place, the last heard first, then by their number.
    pub(super) fn after(&self, place: Option<(i64, i64)>, limit: usize) -> Vec<(i64, i64)> {
        let end = place.map_or(std::ops::Bound::Unbounded, |(seen_at, device)| {
            std::ops::Bound::Excluded((seen_at, std::cmp::Reverse(device)))
        });
        let range = self.by_time.range((std::ops::Bound::Unbounded, end));
        range.rev().take(limit).map(|&(seen_at, std::cmp::Reverse(device))| (seen_at, device)).collect()
    }

    fn put(&mut self, device: i64, seen_at: i64) {
        self.remove(device);
        self.seen_at.insert(device, seen_at);
        self.by_time.insert((seen_at, std::cmp::Reverse(device)));
    }

    fn remove(&mut self, device: i64) {
        if let Some(seen_at) = self.seen_at.remove(&device) {
            self.by_time.remove(&(seen_at, std::cmp::Reverse(device)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_the_last_heard_and_ties_go_by_number() {
        let mut recency = Recency::default();
        for (device, seen_at) in [(1, 10), (2, 30), (3, 10), (4, 20)] {
            recency.apply(Heard::Lives { device, seen_at });
        }
        assert_eq!(recency.after(None, 3), [(30, 2), (20, 4), (10, 1)]);
        assert_eq!(recency.after(Some((10, 1)), 3), [(10, 3)]);
        recency.apply(Heard::Renewed { device: 3, seen_at: 40 });
        recency.apply(Heard::Renewed { device: 2, seen_at: 5 });
        recency.apply(Heard::Renewed { device: 9, seen_at: 50 });
        recency.apply(Heard::Ended { device: 4 });
        assert_eq!(recency.after(None, 9), [(40, 3), (30, 2), (10, 1)]);
    }
}
