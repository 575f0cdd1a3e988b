//! What a network does to datagrams: it loses, doubles, delays and reorders them, as its seed will have it.
//!
//! A [`Link`] is one direction between two hosts. It holds no datagram: it says when each copy of one arrives, and the
//! caller keeps them until then.

use std::time::Duration;

use crate::random::Random;

/// One direction of a network. Two links of the same seed and weather are the same.
#[derive(Clone, Debug)]
pub struct Link {
    /// What happens on it from now on.
    pub weather: Weather,
    random: Random,
}

/// What happens on a link. Probabilities are from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// How likely a datagram is lost, with all its copies: one of `1 - loss` arrives.
    pub loss: f64,
    /// How likely one that arrives does so twice, each copy in its own time.
    pub doubled: f64,
    /// How likely a copy is held back, so that later ones overtake it.
    pub reordered: f64,
    /// How long a copy takes.
    pub delay: Duration,
    /// How much longer it takes at most; anything up to it is as likely.
    pub jitter: Duration,
    /// How much longer one takes that is held back, at most.
    pub held_back: Duration,
}

impl Link {
    /// A link in this weather.
    pub fn new(weather: Weather, seed: u64) -> Self {
        Self { weather, random: Random::new(seed) }
    }

    /// How long each copy of the next datagram takes: nothing if it is lost, two if it is doubled.
    pub fn deliveries(&mut self) -> impl Iterator<Item = Duration> + use<> {
        let arrives = !self.random.happens(self.weather.loss);
        let doubled = arrives && self.random.happens(self.weather.doubled);
        [arrives.then(|| self.delay()), doubled.then(|| self.delay())].into_iter().flatten()
    }

    fn delay(&mut self) -> Duration {
        let Weather { reordered, delay, jitter, held_back, .. } = self.weather;
        let delay = delay + jitter.mul_f64(self.random.uniform());
        let held = self.random.happens(reordered);
        if held { delay + held_back.mul_f64(self.random.uniform()) } else { delay }
    }
}

impl Weather {
    /// 20 ms, and everything arrives once and in order.
    pub const CLEAR: Self = Self {
        loss: 0.0,
        doubled: 0.0,
        reordered: 0.0,
        delay: Duration::from_millis(20),
        jitter: Duration::ZERO,
        held_back: Duration::ZERO,
    };

    /// A cellular network on a bad day: a tenth is lost, a tenth comes twice, a tenth late. Late is later than the first
    /// retransmission of CoAP (RFC 7252 §4.8: 2 to 3 s).
    pub const ROUGH: Self = Self {
        loss: 0.1,
        doubled: 0.1,
        reordered: 0.1,
        delay: Duration::from_millis(50),
        jitter: Duration::from_millis(150),
        held_back: Duration::from_secs(4),
    };

    /// The worst that anything is to work in: the same with three tenths lost.
    pub const STORM: Self = Self { loss: 0.3, ..Self::ROUGH };

    /// Two seconds each way, as narrow-band networks take: each message is sent again before its answer is there.
    pub const FAR: Self = Self { delay: Duration::from_secs(2), ..Self::CLEAR };

    /// [`Self::CLEAR`] but for this loss.
    pub const fn lossy(loss: f64) -> Self {
        Self { loss, ..Self::CLEAR }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 10_000;

    /// How often something came, of `N`, is within three standard errors of how often it should.
    fn assert_share(count: usize, of: usize, probability: f64) {
        let (count, of) = (count as f64, of as f64);
        let error = (probability * (1.0 - probability) / of).sqrt();
        assert!((count / of - probability).abs() <= 3.0 * error, "{count} of {of}, not {probability}");
    }

    fn sent(weather: Weather, seed: u64) -> Vec<Vec<Duration>> {
        let mut link = Link::new(weather, seed);
        (0..N).map(|_| link.deliveries().collect()).collect()
    }

    #[test]
    fn in_clear_weather_everything_arrives_once_and_in_order() {
        assert!(sent(Weather::CLEAR, 1).iter().all(|copies| copies == &[Weather::CLEAR.delay]));
    }

    #[test]
    fn as_many_are_lost_doubled_and_held_back_as_the_weather_says() {
        for (seed, weather) in [Weather::ROUGH, Weather::STORM, Weather::lossy(0.2)].into_iter().enumerate() {
            let sent = sent(weather, seed as u64);
            let arrived = sent.iter().filter(|copies| !copies.is_empty()).count();
            assert_share(N - arrived, N, weather.loss);
            assert_share(sent.iter().filter(|copies| copies.len() == 2).count(), arrived, weather.doubled);
            let copies: Vec<Duration> = sent.into_iter().flatten().collect();
            let usual = weather.delay + weather.jitter;
            let late = copies.iter().filter(|delay| **delay > usual).count();
            // A few of those held back are so for less than the jitter could have been.
            let hidden = weather.jitter.as_secs_f64() / weather.held_back.as_secs_f64().max(1.0) / 2.0;
            let seen = weather.reordered * (1.0 - hidden);
            assert_share(late, copies.len(), seen);
            assert!(copies.iter().all(|delay| (weather.delay..=usual + weather.held_back).contains(delay)));
        }
    }

    #[test]
    fn the_same_seed_has_the_same_weather_and_another_has_not() {
        assert_eq!(sent(Weather::STORM, 7), sent(Weather::STORM, 7));
        assert_ne!(sent(Weather::STORM, 7), sent(Weather::STORM, 8));
    }

    #[test]
    fn the_weather_may_change() {
        let mut link = Link::new(Weather::lossy(1.0), 1);
        assert_eq!(link.deliveries().count(), 0);
        link.weather = Weather::CLEAR;
        assert_eq!(link.deliveries().count(), 1);
    }
}
