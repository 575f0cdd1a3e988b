//! Back-pressure: what is turned away while the store is slow, and what goes on.
//!
//! An Update that changes nothing, an acknowledgement and an answer need no commit and go on as ever. What needs one waits
//! for its turn up to a bound, in number and in time. Beyond it a Register is told when to come again; what a registered
//! device sends meets silence, for its client sends it again by itself, and would register anew if it were refused.

use std::time::Duration;

use fleet::{Now, Refusal, Reply};

use super::{
    Shard,
    uplink::count_request,
    work::{After, turned_away},
};
use crate::binding::rejection::Rejection;

/// The commits that the store has not answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// How many there are.
    pub(crate) commits: usize,
    /// How long the oldest of them waits.
    pub(crate) oldest: Duration,
}

impl Backlog {
    /// How many commits of a shard are in flight at most before new work is turned away: half of what the store's queue
    /// holds, so that people and handshakes find room in it.
    pub(crate) const MAX_COMMITS: usize = crate::store::MAX_WAITING / 2;
    /// How long a commit may wait before new work is turned away: a second retransmission would be under way
    /// (RFC 7252 §4.8).
    pub(crate) const MAX_WAIT: Duration = Duration::from_secs(5);

    /// Whether new work is turned away.
    pub(crate) fn is_too_much(&self) -> bool {
        self.commits >= Self::MAX_COMMITS || self.oldest >= Self::MAX_WAIT
    }
}

impl Shard {
    /// What waits for the store.
    pub(crate) fn backlog(&self, now: Now) -> Backlog {
        // Tickets are given out in order.
        let oldest = self.commits.first_key_value().map(|(_, in_flight)| in_flight.since);
        Backlog {
            commits: self.commits.len(),
            oldest: oldest.map_or(Duration::ZERO, |since| now.mono.saturating_sub(since)),
        }
    }

    /// How many more commits may be made that nobody waits for.
    pub(super) fn room(&self, now: Now) -> usize {
        let backlog = self.backlog(now);
        if backlog.is_too_much() { 0 } else { Backlog::MAX_COMMITS - backlog.commits }
    }

    /// What a message would have led to is not begun.
    pub(super) fn turn_away(&mut self, now: Now, after: After) {
        turned_away("commits_in_flight");
        match after {
            After::Reply { exchange, decision, .. } if matches!(decision.reply, Reply::Created(_)) => {
                let rejection = Rejection::from(&Refusal::StoreUnavailable);
                count_request(rejection.code);
                self.coap.respond(now.mono, exchange, rejection.response());
            }
            After::Reply { exchange, .. } => self.coap.drop_exchange(now.mono, exchange),
            After::Acknowledge { id, .. } => self.coap.drop_notification(now.mono, id),
            _ => {}
        }
    }
}
