//! How long a device in queue mode listens after it was heard: by default, as its answers have taught, or as people say.

use std::{collections::BTreeMap, time::Duration};

use crate::{ClassId, DeviceId, Presence, Timestamp};

/// How long a device in queue mode is called after it was heard, and why so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwakeTime {
    /// How long.
    pub time: Duration,
    /// Why.
    pub from: AwakeFrom,
}

/// Where an awake time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AwakeFrom {
    /// MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2), which LwM2M Transport 1.1.1 §6.5 recommends.
    Default,
    /// The device has answered later than that.
    Learned,
    /// Somebody has said it of its class.
    Class,
    /// Somebody has said it of the device.
    Device,
}

/// What is known of how long a device listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Awake {
    /// What somebody has said of the device.
    pub device: Option<Duration>,
    /// What somebody has said of its class.
    pub class: Option<Duration>,
    /// What its answers have taught.
    pub learned: Option<Learned>,
}

/// What the answers of a device, and its silences, have taught of how long it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// For about so long it listens; whole milliseconds.
    pub time: Duration,
    /// How many answers came later than was expected.
    pub answers: u32,
    /// How often it did not answer though it was expected to.
    pub silences: u32,
    /// When it was learned last.
    pub at: Timestamp,
}

/// Of whom an awake time is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AwakeScope {
    /// Of all devices of a class.
    Class(ClassId),
    /// Of one device. It goes before its class.
    Device(DeviceId),
}

/// All that is stored of awake times, or a part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AwakeTimes {
    /// By device: what was said of it, and what was learned. [`Awake::class`] is none.
    pub devices: BTreeMap<DeviceId, Awake>,
    /// What was said of classes.
    pub classes: BTreeMap<ClassId, Duration>,
}

impl AwakeTime {
    /// The shortest that may be said.
    pub const MIN: Duration = Duration::from_secs(1);
    /// The longest that may be said: a device that listens longer needs no queue.
    pub const MAX: Duration = Duration::from_secs(86_400);
}

impl AwakeFrom {
    /// A word for it, as it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Learned => "learned",
            Self::Class => "class",
            Self::Device => "device",
        }
    }
}

impl Awake {
    /// How long the device is called after it was heard. What people say goes first, the device's before its class's. What
    /// was learned only prolongs: a device is never called asleep within `default` by a guess.
    pub fn time(&self, default: Duration) -> AwakeTime {
        let learned = self.learned.map(|learned| learned.time).filter(|time| *time > default);
        let (time, from) = match (self.device, self.class, learned) {
            (Some(time), ..) => (time, AwakeFrom::Device),
            (None, Some(time), _) => (time, AwakeFrom::Class),
            (None, None, Some(time)) => (time, AwakeFrom::Learned),
            (None, None, None) => (default, AwakeFrom::Default),
        };
        AwakeTime { time, from }
    }
}

impl Learned {
    /// The least that is learned.
    pub const MIN: Duration = Duration::from_secs(1);
    /// The most that is learned.
    pub const MAX: Duration = Duration::from_secs(600);
    /// An answer is late that comes so much later than was expected: less is the time on its way.
    const MARGIN: Duration = Duration::from_secs(2);

    /// The device has answered so long after it was heard before. None if that teaches nothing.
    ///
    /// One answer goes a quarter of the way, so that a single one that a network had kept does not count for much.
    pub fn answered(before: Option<Self>, after: Duration, at: Timestamp) -> Option<Self> {
        let known = before.unwrap_or_else(|| Self::start(at));
        let after = after.min(Self::MAX);
        if after < known.time + Self::MARGIN {
            return None;
        }
        let time = whole(known.time + (after - known.time) / 4);
        Some(Self { time, answers: known.answers.saturating_add(1), at, ..known })
    }

    /// The device has not answered what was sent so long after it was heard. None if that was to be expected.
    pub fn silent(before: Option<Self>, after: Duration, at: Timestamp) -> Option<Self> {
        let known = before.unwrap_or_else(|| Self::start(at));
        if after >= known.time {
            return None;
        }
        let time = whole(known.time - (known.time - after) / 4).max(Self::MIN);
        Some(Self { time, silences: known.silences.saturating_add(1), at, ..known })
    }

    fn start(at: Timestamp) -> Self {
        Self { time: Presence::AWAKE_FOR, answers: 0, silences: 0, at }
    }
}

fn whole(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(7);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_people_say_goes_first_and_a_guess_never_shortens() {
        let learned = |seconds| Some(Learned { time: s(seconds), answers: 1, silences: 1, at: AT });
        for (device, class, learned, expected) in [
            (None, None, None, (93, AwakeFrom::Default)),
            (None, None, learned(10), (93, AwakeFrom::Default)),
            (None, None, learned(120), (120, AwakeFrom::Learned)),
            (None, Some(20), learned(120), (20, AwakeFrom::Class)),
            (Some(5), Some(20), learned(120), (5, AwakeFrom::Device)),
            (Some(300), Some(20), None, (300, AwakeFrom::Device)),
        ] {
            let awake = Awake { device: device.map(s), class: class.map(s), learned };
            let (time, from) = expected;
            assert_eq!(awake.time(Presence::AWAKE_FOR), AwakeTime { time: s(time), from });
        }
    }

    /// A device that listens for 300 s and is asked at all times after it was heard is known after a while; one stray answer
    /// and some losses do not count for much.
    #[test]
    fn what_is_learned_comes_near_to_what_is_so() {
        for listens in [12, 40, 93, 200, 300] {
            let mut learned = None;
            for asked in (0..200_u64).map(|n| n * 37 % 450) {
                let next = match asked < listens {
                    true => Learned::answered(learned, s(asked), AT),
                    false => Learned::silent(learned, s(asked), AT),
                };
                learned = next.or(learned);
            }
            let time = learned.map_or(Presence::AWAKE_FOR, |learned| learned.time).as_secs();
            assert!(time.abs_diff(listens) <= listens / 4 + 12, "{listens}: {time}");
            let stray = Learned::answered(learned, s(7_000), AT).unwrap();
            assert!(stray.time <= Learned::MAX && stray.time.as_secs() <= time + (600 - time) / 4 + 1);
        }
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let mut learned = None;
        for _ in 0..100 {
            learned = Learned::silent(learned, s(0), AT).or(learned);
        }
        assert!(learned.unwrap().time >= Learned::MIN);
        for _ in 0..100 {
            learned = Learned::answered(learned, s(1_000_000), AT).or(learned);
        }
        assert!(learned.unwrap().time <= Learned::MAX);
        assert_eq!(Learned::answered(None, s(94), AT), None, "that was its way");
        assert_eq!(Learned::silent(None, s(93), AT), None, "nothing was expected");
    }
}
