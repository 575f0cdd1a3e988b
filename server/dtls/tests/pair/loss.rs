//! How many handshakes succeed, and how fast, where the network loses, doubles, reorders and delays.
//!
//! By a pre-shared key and with the cookie a handshake takes three answers of the server's to three flights of the client's, and
//! each side repeats its flight after 1 s, 2 s, 4 s and so on (RFC 6347 §4.2.4.1). A minute is enough for 99.9 % at a loss of a tenth
//! each way, for 99 % at a fifth, and for 94.8 % at three tenths.

use std::time::Duration;

use dtls::Connect;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::simulation::{DELAY, IDENTITY, KEY, Link, Pair, psk};

/// Handshakes of each kind; `MUSTER_EXCHANGES` names another number.
const HANDSHAKES: u32 = 400;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
struct Weather {
    loss: f64,
    doubled: f64,
    /// Anything from one to the other is as likely.
    delay: (Duration, Duration),
}

const CLEAR: Weather = Weather { loss: 0.0, doubled: 0.0, delay: (DELAY, DELAY) };

fn handshakes() -> u32 {
    std::env::var("MUSTER_EXCHANGES").map_or(HANDSHAKES, |count| count.parse().unwrap())
}

fn link(weather: Weather, seed: u64) -> Link {
    let mut random = StdRng::seed_from_u64(seed);
    let fate = move |_, _: &_| {
        let arrives = !random.random_bool(weather.loss);
        let copies = usize::from(arrives) + usize::from(arrives && random.random_bool(weather.doubled));
        (0..copies).map(|_| random.random_range(weather.delay.0..=weather.delay.1)).collect()
    };
    Link { fate: Box::new(fate) }
}

/// How long each of so many handshakes takes in this weather until both sides have a session; nothing for those that do not
/// get there.
fn times(weather: Weather, seed: u64, count: u32) -> Vec<Option<Duration>> {
    let handshake = |number: u32| {
        let mut pair = Pair::new();
        pair.link = link(weather, seed << 32 | u64::from(number));
        pair.connect(Connect { connection_id: number.is_multiple_of(2), ..psk(IDENTITY, KEY) });
        let begun = pair.now;
        while !is_connected(&pair) && pair.now < begun + MINUTE {
            pair.run_for(Duration::from_millis(100));
        }
        is_connected(&pair).then(|| pair.now - begun)
    };
    (0..count).map(handshake).collect()
}

fn is_connected(pair: &Pair) -> bool {
    !pair.client.caller.connected.is_empty() && !pair.server.caller.connected.is_empty()
}

fn assert_share_within_a_minute(weather: Weather, seed: u64, floor: f64) {
    let count = handshakes();
    let mut times: Vec<Duration> = times(weather, seed, count).into_iter().flatten().collect();
    times.sort_unstable();
    let ratio = times.len() as f64 / f64::from(count);
    let error = (floor * (1.0 - floor) / f64::from(count)).sqrt();
    let of = |share: f64| times.get((f64::from(count) * share) as usize).map_or(MINUTE, |time| *time);
    let (median, late) = (of(0.5), of(0.99));
    println!("loss {}: {} of {count}, {ratio:.5}; half {median:?}, 99 % {late:?}", weather.loss, times.len());
    assert!(ratio >= floor - 3.0 * error, "loss {}: {ratio:.5}, not {floor}", weather.loss);
}

#[test]
fn a_minute_is_enough_for_as_many_handshakes_as_it_can_be() {
    for (seed, (loss, floor)) in [(0.1, 0.999), (0.2, 0.99), (0.3, 0.948)].into_iter().enumerate() {
        assert_share_within_a_minute(Weather { loss, ..CLEAR }, seed as u64, floor);
    }
}

#[test]
fn doubling_and_reordering_take_nothing_away() {
    let delay = (DELAY, Duration::from_millis(1_500));
    for (seed, (loss, floor)) in [(0.1, 0.999), (0.2, 0.99), (0.3, 0.948)].into_iter().enumerate() {
        assert_share_within_a_minute(Weather { loss, doubled: 0.2, delay }, 10 + seed as u64, floor);
    }
}

#[test]
fn two_seconds_of_delay_are_twelve_seconds_of_handshake() {
    let far = Weather { delay: (Duration::from_secs(2), Duration::from_secs(2)), ..CLEAR };
    for time in times(far, 1, 20) {
        let time = time.expect("it gets there");
        assert!(time >= Duration::from_secs(10) && time <= Duration::from_secs(13), "{time:?}");
    }
}

#[test]
fn more_loss_than_anything_gets_through_shows() {
    let connected = times(Weather { loss: 0.7, ..CLEAR }, 1, 50).into_iter().flatten().count();
    assert!(connected < 25, "{connected}");
}
