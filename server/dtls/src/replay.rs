//! The window of sequence numbers that are new (RFC 6347 §4.1.2.6).

/// The last 64 sequence numbers of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// One more than the newest that was seen.
    next: u64,
    /// Bit `n` stands for `next - 1 - n`.
    seen: u64,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self::restored(0)
    }

    /// Everything below `next` counts as seen.
    pub(crate) fn restored(next: u64) -> Self {
        Self { next, seen: u64::MAX }
    }

    pub(crate) fn is_new(&self, sequence: u64) -> bool {
        #[cfg(planted)]
        if planted::is(planted::Fault::ReplayTaken) {
            return true;
        }
        match self.bit(sequence) {
            None => true,
            Some(bit) => bit < u64::from(u64::BITS) && self.seen & (1 << bit) == 0,
        }
    }

    /// Whether it is newer than all that were seen (RFC 9146 §6: only such a record moves an address).
    pub(crate) fn is_newest(&self, sequence: u64) -> bool {
        sequence >= self.next
    }

    pub(crate) fn enter(&mut self, sequence: u64) {
        match self.bit(sequence) {
            Some(bit) if bit < u64::from(u64::BITS) => self.seen |= 1 << bit,
            Some(_) => {}
            None => {
                let ahead = sequence - self.next;
                // Those between were not seen.
                self.seen =
                    u32::try_from(ahead + 1).ok().and_then(|by| self.seen.checked_shl(by)).unwrap_or(0) | 1;
                self.next = sequence + 1;
            }
        }
    }

    /// One more than the newest that was seen: a window that is [`restored`](Self::restored) from it takes nothing again.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    fn bit(&self, sequence: u64) -> Option<u64> {
        (self.next.checked_sub(1)?).checked_sub(sequence)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_number_is_new_once() {
        let mut window = Window::new();
        for sequence in [0, 2, 1, 66, 70, 69, 200, 1 << 40] {
            assert!(window.is_new(sequence), "{sequence}");
            window.enter(sequence);
            assert!(!window.is_new(sequence), "{sequence}");
        }
        assert_eq!(window.next(), (1 << 40) + 1);
    }

    #[test]
    fn a_number_that_left_the_window_is_old() {
        let mut window = Window::new();
        window.enter(100);
        assert!(window.is_new(37) && !window.is_new(36));
        assert!(window.is_newest(101) && !window.is_newest(99));
    }

    #[test]
    fn a_restored_window_has_seen_all_that_is_below() {
        let window = Window::restored(100);
        assert!((0..100).all(|sequence| !window.is_new(sequence)));
        assert!(window.is_new(100) && window.is_newest(100));
    }

    proptest! {
        #[test]
        fn a_window_is_the_set_of_what_it_saw(start in 0..200_u64, steps in prop::collection::vec(0..300_u64, 0..200)) {
            let mut window = Window::restored(start);
            let mut seen: BTreeSet<u64> = (0..start).collect();
            for sequence in steps {
                let newest = seen.last().copied();
                let too_old = newest.is_some_and(|newest| sequence + 64 <= newest);
                prop_assert_eq!(window.is_new(sequence), !too_old && !seen.contains(&sequence));
                prop_assert_eq!(window.is_newest(sequence), newest.is_none_or(|newest| sequence > newest));
                if window.is_new(sequence) {
                    window.enter(sequence);
                    seen.insert(sequence);
                }
                prop_assert_eq!(window.next(), seen.last().map_or(0, |last| last + 1));
            }
        }
    }
}
