//! What is kept in memory between two pages of one person: secrets to be shown once, a list that was frozen, an import
//! that was looked at. Under a name that nobody can guess, for a while, and in bounded number.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use fleet::{Timestamp, UserId};

/// Things of one kind, the oldest dropped for new ones.
pub(crate) struct Kept<T> {
    max: usize,
    things: Mutex<VecDeque<Thing<T>>>,
}

struct Thing<T> {
    token: String,
    user: UserId,
    until: Timestamp,
    what: T,
}

impl<T> Kept<T> {
    /// How long a thing is kept.
    pub(crate) const FOR: Duration = Duration::from_secs(15 * 60);

    /// Keeps at most `max` things.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, things: Mutex::default() }
    }

    /// Keeps a thing for somebody under a token.
    pub(crate) fn put(&self, token: String, user: UserId, now: Timestamp, what: T) {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        things.retain(|thing| thing.until > now && thing.token != token);
        if things.len() >= self.max {
            things.pop_front();
            metrics::counter!("muster_console_kept_dropped_total").increment(1);
        }
        things.push_back(Thing { token, user, until: now.after(Self::FOR), what });
    }

    /// Gives a thing away: nobody finds it again.
    pub(crate) fn take(&self, token: &str, user: UserId, now: Timestamp) -> Option<T> {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        things.retain(|thing| thing.until > now);
        let index = things.iter().position(|thing| thing.token == token && thing.user == user)?;
        things.remove(index).map(|thing| thing.what)
    }
}

impl<T: Clone> Kept<T> {
    /// Looks at a thing.
    pub(crate) fn find(&self, token: &str, user: UserId, now: Timestamp) -> Option<T> {
        let things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        let found =
            things.iter().find(|thing| thing.token == token && thing.user == user && thing.until > now);
        found.map(|thing| thing.what.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserId = UserId(1);
    const NOW: Timestamp = Timestamp(0);

    #[test]
    fn what_is_taken_is_not_found_again() {
        let kept = Kept::new(2);
        kept.put("a".into(), ADA, NOW, "secret");
        assert_eq!(kept.take("a", UserId(2), NOW), None, "it belongs to somebody else");
        assert_eq!(kept.take("a", ADA, NOW), Some("secret"));
        assert_eq!(kept.take("a", ADA, NOW), None);
    }

    #[test]
    fn nothing_is_kept_for_long_and_not_without_end() {
        let kept = Kept::new(2);
        for token in ["a", "b", "c"] {
            kept.put(token.into(), ADA, NOW, token);
        }
        assert_eq!((kept.find("a", ADA, NOW), kept.find("c", ADA, NOW)), (None, Some("c")));
        let later = NOW.after(Kept::<&str>::FOR);
        assert_eq!(kept.find("c", ADA, later), None);
    }
}
