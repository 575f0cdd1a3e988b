//! What is to be played.

use std::time::Duration;

use device::Weather;
use serde::Serialize;

/// How many devices do what, how fast, for how long. The same seed is the same load, as far as the server's answers are.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// How many devices, each with a source address of its own.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub devices: u32,
    /// The number of the first: loads of one server with other numbers have devices of their own.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    pub first: u32,
    /// Whether they have an object 5, so that they can be updated.
    #[arg(long)]
    pub firmware: bool,
    /// How many of a hundred devices have a pre-shared key and speak DTLS; without a number all of them.
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, default_value_t = 0, default_missing_value = "100",
          value_parser = clap::value_parser!(u32).range(0..=100))]
    pub psk: u32,
    /// Open loop: begin so many operations a second, whatever the server does. Latency counts from when each was due.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    pub rate: Option<f64>,
    /// Closed loop: keep so many operations under way. Without --rate.
    #[arg(long, default_value_t = 64, conflicts_with = "rate", value_parser = clap::value_parser!(u32).range(1..=16_384))]
    pub outstanding: u32,
    /// What is done, one after the other.
    #[arg(long, value_delimiter = ',', default_value = "register,update,notify,send,read,deregister")]
    pub phases: Vec<Phase>,
    /// How long each phase lasts at most, but for register and deregister, which are for every device once.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// How many operations a phase has at most.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    pub count: u64,
    /// Makes the devices, their keys and the order in which they act.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How likely a datagram is lost, each way, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub loss: f64,
    /// How likely one comes twice.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub doubled: f64,
    /// How likely one is overtaken: held back for up to four seconds.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub reordered: f64,
    /// How long a datagram takes, each way.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pub delay_ms: u64,
    /// ACK_TIMEOUT of the devices (RFC 7252 §4.8).
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub ack_timeout_ms: u64,
    /// MAX_RETRANSMIT of the devices.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=16))]
    pub max_retransmit: u32,
}

/// What the devices do, or have done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Every device registers, with a handshake if it has a key.
    Register,
    /// Updates that change nothing.
    Update,
    /// Updates with another lifetime.
    Change,
    /// Confirmable notifications of a resource that is observed.
    Notify,
    /// Sends of one value.
    Send,
    /// The server reads from devices, because the API asks it to.
    Read,
    /// Some of each: 55 of a hundred are Updates, 10 change something, 15 are notifications, 15 Sends, and 5 devices leave or
    /// come back.
    Mixed,
    /// Every device deregisters.
    Deregister,
}

impl Options {
    /// What the network does, each way.
    pub fn weather(&self) -> Weather {
        let Self { loss, doubled, reordered, .. } = *self;
        let delay = Duration::from_millis(self.delay_ms);
        Weather { loss, doubled, reordered, delay, jitter: Duration::ZERO, held_back: Duration::from_secs(4) }
    }

    /// Whether this device has a key: they are spread evenly.
    pub fn is_secure(&self, device: u32) -> bool {
        let upto = |count: u32| u64::from(count) * u64::from(self.psk) / 100;
        upto(device + 1) > upto(device)
    }
}

impl Default for Options {
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Defaults {
            #[command(flatten)]
            options: Options,
        }
        <Defaults as clap::Parser>::parse_from([""]).options
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| (0.001..=1_000_000.0).contains(rate));
    rate.ok_or_else(|| "a number from 0.001 to 1000000".to_owned())
}

fn probability(text: &str) -> Result<f64, String> {
    let probability = text.parse().ok().filter(|share: &f64| (0.0..=1.0).contains(share));
    probability.ok_or_else(|| "a number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Parsed {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn a_loop_is_open_or_closed_and_not_both() {
        let parsed = |words: &str| <Parsed as clap::Parser>::try_parse_from(words.split(' '));
        assert_eq!(parsed("load --rate 7").unwrap().options.rate, Some(7.0));
        assert_eq!(parsed("load --outstanding 7").unwrap().options.outstanding, 7);
        let refused = parsed("load --rate 7 --outstanding 7").err().unwrap();
        assert_eq!(refused.kind(), clap::error::ErrorKind::ArgumentConflict);
    }

    #[test]
    fn as_many_devices_have_a_key_as_is_asked_for() {
        for (psk, expected) in [(0, 0), (1, 10), (67, 670), (100, 1_000)] {
            let options = Options { psk, ..Options::default() };
            let secure = (0..1_000).filter(|device| options.is_secure(*device)).count();
            assert_eq!(secure, expected);
        }
    }
}
