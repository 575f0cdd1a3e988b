//! How many may try to log in: under one name from one network, and from one network. Nobody is held up for what others
//! do elsewhere.

use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::Timestamp;

/// The bounds on logins. How many passwords are compared at one time is bounded by whoever compares them.
pub struct LoginBounds;

impl LoginBounds {
    /// The time over which attempts are counted.
    pub const WINDOW: Duration = Duration::from_secs(60);
    /// Attempts in the window under one name from one network, whether or not such an account exists; a success starts
    /// the count anew.
    pub const PER_NAME_AND_NETWORK: usize = 5;
    /// Attempts in the window under one name from all networks, from which on a network has one instead of
    /// [`LoginBounds::PER_NAME_AND_NETWORK`]: a name that is guessed at from everywhere still lets its owner in from an
    /// address that has not failed.
    pub const UNDER_ATTACK: usize = 50;
    /// Attempts in the window from one network, under whatever names.
    pub const PER_NETWORK: usize = 50;
    /// Attempts from one network that are under way at one time, so that none takes all places of those who wait to have
    /// a password compared.
    pub const UNDER_WAY_PER_NETWORK: usize = 8;
    /// The leading bits of an IPv6 address that are one network: what a household is given (RFC 6177 §2). An IPv4
    /// address is a network by itself.
    pub const IPV6_PREFIX: u8 = 56;
    /// Attempts that are remembered; the oldest give way.
    pub const REMEMBERED: usize = 4_096;
    /// Those who were told to wait in the window, each of which is written down once; more of them are not.
    pub const TOLD: usize = 256;
    /// Failures in the window that are written down, so that the audit log does not grow as fast as passwords are tried.
    pub const WRITTEN: usize = 240;
}

#[derive(Debug, Default)]
pub(super) struct Throttle(Arc<Mutex<Recent>>);

/// The attempts of the last window.
#[derive(Debug, Default)]
struct Recent {
    attempts: VecDeque<Attempt>,
    /// By network; bounded by the connections that the server takes.
    under_way: BTreeMap<Network, usize>,
    /// Who was told to wait since when, so that it is written down once a window.
    told: Vec<(Timestamp, Bound)>,
    written: Vec<Timestamp>,
    overflowed: bool,
    last: u64,
}

#[derive(Debug)]
struct Attempt {
    number: u64,
    at: Timestamp,
    name: String,
    network: Network,
}

/// What attempts are counted by, beside the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Network(IpAddr);

/// What was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Bound {
    Name(Network, String),
    Network(Network),
}

/// An attempt under way. It counts until it is dropped, and afterwards if a password was compared.
#[derive(Debug)]
pub struct LoginPermit {
    recent: Arc<Mutex<Recent>>,
    number: u64,
    name: String,
    network: Network,
    counts: bool,
}

/// An attempt that may not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttled {
    /// Whether this is the first refusal of the window, which is worth a line in the audit log.
    pub(super) first: bool,
    /// When it is worth while to try again.
    pub(super) wait: Duration,
}

/// What is written down of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Not,
    ThatThereAreMore,
    Whole,
}

impl Throttle {
    /// Counts an attempt, or refuses it. It counts as failed until [`LoginPermit::succeeded`].
    pub(super) fn begin(&self, name: &str, from: IpAddr, now: Timestamp) -> Result<LoginPermit, Throttled> {
        let network = Network::of(from);
        let mut recent = lock(&self.0);
        recent.forget(now);
        recent.admit(name, network, now)?;
        if recent.attempts.len() >= LoginBounds::REMEMBERED {
            recent.attempts.pop_front();
        }
        recent.last += 1;
        let number = recent.last;
        recent.attempts.push_back(Attempt { number, at: now, name: name.to_owned(), network });
        *recent.under_way.entry(network).or_default() += 1;
        drop(recent);
        let (recent, name) = (Arc::clone(&self.0), name.to_owned());
        Ok(LoginPermit { recent, number, name, network, counts: false })
    }

    /// Whether one more failure is written down.
    pub(super) fn write(&self, now: Timestamp) -> Written {
        let mut recent = lock(&self.0);
        recent.forget(now);
        if recent.written.len() < LoginBounds::WRITTEN {
            recent.written.push(now);
            recent.overflowed = false;
            return Written::Whole;
        }
        if std::mem::replace(&mut recent.overflowed, true) { Written::Not } else { Written::ThatThereAreMore }
    }
}

impl LoginPermit {
    /// A password is compared: the attempt counts.
    pub(crate) fn count(&mut self) {
        self.counts = true;
    }

    /// Forgets the attempts under the name from the network.
    pub(super) fn succeeded(self) {
        lock(&self.recent)
            .attempts
            .retain(|attempt| attempt.name != self.name || attempt.network != self.network);
    }
}

impl Recent {
    /// Drops what is older than the window, and what lies ahead because the clock was set back.
    fn forget(&mut self, now: Timestamp) {
        let counts = |at: Timestamp| at <= now && now.since(at) < LoginBounds::WINDOW;
        self.attempts.retain(|attempt| counts(attempt.at));
        self.told.retain(|(at, _)| counts(*at));
        self.written.retain(|at| counts(*at));
    }

    fn admit(&mut self, name: &str, network: Network, now: Timestamp) -> Result<(), Throttled> {
        let soon = Duration::from_secs(1);
        if self.under_way.get(&network).is_some_and(|count| *count >= LoginBounds::UNDER_WAY_PER_NETWORK) {
            return Err(Throttled { first: self.tell(Bound::Network(network), now), wait: soon });
        }
        let wait_for = |oldest: Timestamp| LoginBounds::WINDOW.saturating_sub(now.since(oldest)).max(soon);
        let under_name = self.attempts.iter().filter(|attempt| attempt.name == name).count();
        let most = if under_name < LoginBounds::UNDER_ATTACK { LoginBounds::PER_NAME_AND_NETWORK } else { 1 };
        let from_here = || self.attempts.iter().filter(|attempt| attempt.network == network);
        // The one that has to be forgotten before another may be made.
        let in_the_way = |of: Vec<Timestamp>, most: usize| of.len().checked_sub(most).map(|at| of[at]);
        let under_name =
            from_here().filter(|attempt| attempt.name == name).map(|attempt| attempt.at).collect();
        let (bound, oldest) = if let Some(oldest) = in_the_way(under_name, most) {
            (Bound::Name(network, name.to_owned()), oldest)
        } else if let Some(oldest) =
            in_the_way(from_here().map(|attempt| attempt.at).collect(), LoginBounds::PER_NETWORK)
        {
            (Bound::Network(network), oldest)
        } else {
            return Ok(());
        };
        Err(Throttled { first: self.tell(bound, now), wait: wait_for(oldest) })
    }

    /// Whether this is the first time that they are told.
    fn tell(&mut self, bound: Bound, now: Timestamp) -> bool {
        if self.told.len() >= LoginBounds::TOLD || self.told.iter().any(|(_, told)| *told == bound) {
            return false;
        }
        self.told.push((now, bound));
        true
    }
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let mask = u128::MAX << (Ipv6Addr::BITS - u32::from(LoginBounds::IPV6_PREFIX));
                Self(Ipv6Addr::from_bits(address.to_bits() & mask).into())
            }
        }
    }
}

impl Drop for LoginPermit {
    fn drop(&mut self) {
        let mut recent = lock(&self.recent);
        if !self.counts {
            recent.attempts.retain(|attempt| attempt.number != self.number);
        }
        if let Some(count) = recent.under_way.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                recent.under_way.remove(&self.network);
            }
        }
    }
}

fn lock(recent: &Mutex<Recent>) -> MutexGuard<'_, Recent> {
    recent.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_a_network_and_so_is_what_a_household_is_given() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_eq!(network("2001:db8:0:ff01::1"), network("2001:db8:0:ffff:1::2"));
        assert_ne!(network("2001:db8:0:ff01::1"), network("2001:db8:0:fe01::1"));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_give_way() {
        let throttle = Throttle::default();
        let all: Vec<IpAddr> = (0..4_200_u32).map(|number| IpAddr::from(number.to_be_bytes())).collect();
        for from in &all {
            throttle.begin("operator", *from, Timestamp(0)).unwrap().count();
        }
        for from in &all[3_900..] {
            throttle.begin("operator", *from, Timestamp(0)).unwrap_err();
        }
        let recent = lock(&throttle.0);
        assert_eq!(recent.attempts.len(), LoginBounds::REMEMBERED);
        let oldest = recent.attempts.front().map(|attempt| attempt.network);
        assert_eq!(oldest, Some(Network::of(all[all.len() - LoginBounds::REMEMBERED])));
        assert_eq!(recent.told.len(), LoginBounds::TOLD);
        assert!(recent.under_way.is_empty());
    }

    #[test]
    fn it_is_said_when_the_next_attempt_may_be_made() {
        let (throttle, here) = (Throttle::default(), IpAddr::from([192, 0, 2, 1]));
        for second in 0..LoginBounds::PER_NAME_AND_NETWORK {
            let now = Timestamp(1_000 * i64::try_from(second).unwrap());
            throttle.begin("operator", here, now).unwrap().count();
        }
        let refused = throttle.begin("operator", here, Timestamp(20_000)).unwrap_err();
        assert_eq!(refused, Throttled { first: true, wait: Duration::from_secs(40) });
        assert!(throttle.begin("operator", here, Timestamp(60_000)).is_ok());
    }
}
