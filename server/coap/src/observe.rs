//! Observations of resources of a peer, and the order of their notifications (RFC 7641 §3.4).

use std::time::Duration;

use crate::{MessageId, Request, Token, exchange::SendId};

/// An observation that was registered with a peer.
#[derive(Debug)]
pub(crate) struct Observation {
    /// The request, to fetch the rest of a notification that comes block-wise.
    pub(crate) request: Request,
    /// The newest notification that the caller has accepted.
    pub(crate) accepted: Option<Freshness>,
    /// Notifications that wait for the caller's verdict, the newest last.
    pub(crate) pending: Vec<NotificationId>,
    /// What is being fetched block by block: the first response, or a notification.
    pub(crate) fetch: Option<SendId>,
}

impl Observation {
    pub(crate) fn new(request: Request, accepted: Option<Freshness>) -> Self {
        Self { request, accepted, pending: Vec::new(), fetch: None }
    }

    /// Whether nothing newer was accepted.
    pub(crate) fn is_new(&self, freshness: Freshness) -> bool {
        self.accepted.is_none_or(|newest| freshness.is_newer_than(newest))
    }

    /// Takes note that a notification was accepted; one that is older than the newest changes nothing.
    pub(crate) fn accept(&mut self, freshness: Freshness) {
        if self.is_new(freshness) {
            self.accepted = Some(freshness);
        }
    }
}

/// The sequence number of a notification and the time of its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Freshness {
    number: u32,
    /// When any number counts as newer: 128 s after the arrival.
    stale_at: Duration,
    arrived: Duration,
}

impl Freshness {
    /// A notification with this number that has arrived `age` ago.
    pub(crate) fn new(number: u32, now: Duration, age: Duration) -> Self {
        // The arrival may lie before the origin of this clock, so what is kept is the time that counts.
        let stale_at = (now + ANY_NUMBER_AFTER).saturating_sub(age);
        Self { number: number & 0x00ff_ffff, stale_at, arrived: now.saturating_sub(age) }
    }

    /// RFC 7641 §3.4: `(V1 < V2 and V2 - V1 < 2^23) or (V1 > V2 and V1 - V2 > 2^23) or (T2 > T1 + 128 s)`.
    pub(crate) fn is_newer_than(self, older: Self) -> bool {
        let (v1, v2) = (older.number, self.number);
        v1 < v2 && v2 - v1 < 1 << 23 || v1 > v2 && v1 - v2 > 1 << 23 || self.arrived > older.stale_at
    }
}

const ANY_NUMBER_AFTER: Duration = Duration::from_secs(128);

/// A notification that waits for the caller's verdict.
#[derive(Debug)]
pub(crate) struct Pending<P> {
    pub(crate) peer: P,
    pub(crate) token: Token,
    pub(crate) message_id: MessageId,
    pub(crate) confirmable: bool,
    /// Nothing for one that ends the observation.
    pub(crate) freshness: Option<Freshness>,
}

/// Names a notification towards the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotificationId(pub(crate) u64);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u32, seconds: u64) -> Freshness {
        Freshness::new(number, Duration::from_secs(seconds), Duration::ZERO)
    }

    #[test]
    fn order_is_that_of_rfc_7641_section_3_4() {
        assert!(at(2, 0).is_newer_than(at(1, 0)));
        assert!(!at(1, 0).is_newer_than(at(2, 0)));
        assert!(!at(1, 0).is_newer_than(at(1, 0)));
        assert!(at(0, 0).is_newer_than(at(0x00ff_ffff, 0)));
        assert!(!at(0x00ff_ffff, 0).is_newer_than(at(0, 0)));
        assert!(!at(1 << 23, 0).is_newer_than(at(0, 0)));
        assert!(!at(0, 0).is_newer_than(at(1 << 23, 0)));
        assert!(!at(1, 128).is_newer_than(at(2, 0)));
        assert!(at(1, 129).is_newer_than(at(2, 0)));
    }

    #[test]
    fn an_age_that_reaches_behind_the_origin_of_the_clock_still_counts() {
        let restored = Freshness::new(9, Duration::from_secs(1), Duration::from_secs(120));
        assert!(!at(3, 8).is_newer_than(restored));
        assert!(at(3, 10).is_newer_than(restored));
    }
}
