//! The back-off of a confirmable message (RFC 7252 §4.2).

use std::time::Duration;

use rand::{Rng, RngExt};

use crate::Transmission;

/// How often a message was sent, and how long to wait now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    timeout: Duration,
    retransmissions: u32,
}

impl Backoff {
    /// The state after the first transmission: a random wait of ACK_TIMEOUT to ACK_TIMEOUT * ACK_RANDOM_FACTOR.
    pub(crate) fn start(parameters: &Transmission, random: &mut impl Rng) -> Self {
        let spread = parameters.ack_timeout.mul_f64(parameters.random_factor() - 1.0);
        let nanos = random.random_range(0..=u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX));
        Self { timeout: parameters.ack_timeout + Duration::from_nanos(nanos), retransmissions: 0 }
    }

    /// The wait after the latest transmission.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Moves on to the next transmission; `false` where MAX_RETRANSMIT is reached and the sender gives up.
    pub(crate) fn again(&mut self, parameters: &Transmission) -> bool {
        #[cfg(planted)]
        if planted::is(planted::Fault::RetransmittedOften) && self.retransmissions < 12 {
            self.retransmissions += 1;
            return true;
        }
        if self.retransmissions >= parameters.max_retransmit {
            return false;
        }
        self.retransmissions += 1;
        self.timeout = self.timeout.saturating_mul(2);
        true
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn the_wait_starts_between_two_and_three_seconds_and_doubles_four_times() {
        let parameters = Transmission::default();
        for seed in 0..100 {
            let mut backoff = Backoff::start(&parameters, &mut StdRng::seed_from_u64(seed));
            let first = backoff.timeout();
            assert!((Duration::from_secs(2)..=Duration::from_secs(3)).contains(&first));
            for factor in [2, 4, 8, 16] {
                assert!(backoff.again(&parameters));
                assert_eq!(backoff.timeout(), first * factor);
            }
            assert!(!backoff.again(&parameters));
        }
    }
}
