//! What the weather is next: of a device's network, and of the store.

use std::time::Duration;

use device::Weather;
use rand::{Rng, RngExt};

use crate::store::StoreWeather;

/// How a network is next.
pub fn of_network(random: &mut impl Rng) -> Weather {
    match random.random_range(0..10) {
        0..=3 => Weather::CLEAR,
        4..=6 => Weather::ROUGH,
        7 => Weather::STORM,
        8 => Weather { jitter: Duration::from_secs(1), doubled: 0.3, ..Weather::FAR },
        _ => Weather::lossy(1.0),
    }
}

/// How the store is next, and whether `ambiguity` is among what it may do.
pub fn of_store(random: &mut impl Rng, ambiguity: bool) -> StoreWeather {
    let fair = StoreWeather::FAIR;
    let seconds = |from, to| (Duration::from_millis(from), Duration::from_millis(to));
    let weather = match random.random_range(0..12) {
        0..=4 => fair,
        5..=6 => StoreWeather { commit: seconds(20, 3_000), ..fair },
        7 => StoreWeather { commit: seconds(4_000, 30_000), ..fair },
        8 => StoreWeather { full: true, ..fair },
        9 => StoreWeather { down: true, ..fair },
        10 => StoreWeather { failing: 0.2, ..fair },
        _ => StoreWeather { commit: seconds(1, 500), failing: 0.05, ..fair },
    };
    let ambiguous = if ambiguity && random.random_bool(0.3) { 0.1 } else { 0.0 };
    StoreWeather { ambiguous, ..weather }
}

/// A time to wait, of which the mean is known: most are shorter, some much longer.
pub fn pause(random: &mut impl Rng, mean_seconds: f64) -> Duration {
    let uniform: f64 = random.random_range(0.000_1..1.0);
    let millis = -uniform.ln() * mean_seconds * 1_000.0;
    Duration::from_millis(millis as u64 + 1)
}
