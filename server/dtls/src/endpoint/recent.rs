//! ClientHellos whose handshake is over. One that comes late and a second time, as the network likes, does not begin another
//! one: its cookie is still good, and the rest of the client's flight may come a second time as well.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// The randoms of ClientHellos, for a while.
#[derive(Debug, Default)]
pub(super) struct Recent {
    until: BTreeMap<[u8; 32], Duration>,
    oldest: VecDeque<[u8; 32]>,
}

impl Recent {
    /// Remembers one more, of `most` at once; the oldest make room.
    pub(super) fn add(&mut self, now: Duration, random: [u8; 32], most: usize) {
        while let Some(oldest) = self.oldest.front()
            && (self.oldest.len() >= most || !self.has(now, oldest))
        {
            self.until.remove(oldest);
            self.oldest.pop_front();
        }
        if self.until.insert(random, now + WHILE).is_none() {
            self.oldest.push_back(random);
        }
    }

    pub(super) fn has(&self, now: Duration, random: &[u8; 32]) -> bool {
        self.until.get(random).is_some_and(|until| *until > now)
    }
}

/// How late copies come. Not longer: a client without good randomness may say the same again after its next start.
const WHILE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_is_remembered_for_a_while_and_within_the_bound() {
        let at = Duration::from_secs;
        let mut recent = Recent::default();
        recent.add(at(1), [1; 32], 2);
        recent.add(at(2), [2; 32], 2);
        assert!(recent.has(at(10), &[1; 32]) && recent.has(at(10), &[2; 32]));
        assert!(!recent.has(at(11), &[1; 32]) && recent.has(at(11), &[2; 32]));
        recent.add(at(3), [3; 32], 2);
        assert!(!recent.has(at(3), &[1; 32]) && recent.has(at(3), &[3; 32]));
        recent.add(at(60), [4; 32], 2);
        assert_eq!((recent.oldest.len(), recent.until.len()), (1, 1));
    }
}
