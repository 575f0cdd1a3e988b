//! How long values are kept (FLEET.md has it as TE-02 and TE-05).

use crate::{Reading, Timestamp};

/// How long and how many readings of a resource the devices of a class keep. The newest one stays in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For so many days; none for no end.
    pub days: Option<u32>,
    /// So many of each resource.
    pub readings: u32,
}

/// Why a retention can't be that of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetentionError {
    /// The days.
    #[error("1 to {} days, or none for no end", Retention::MAX_DAYS)]
    Days,
    /// The readings.
    #[error("1 to {} readings of a resource", Reading::HISTORY_PER_PATH)]
    Readings,
}

impl Retention {
    /// A hundred years.
    pub const MAX_DAYS: u32 = 36_500;

    /// Whether it can be that of a class.
    pub fn check(&self) -> Result<(), RetentionError> {
        if self.days.is_some_and(|days| !(1..=Self::MAX_DAYS).contains(&days)) {
            return Err(RetentionError::Days);
        }
        let bound = u32::try_from(Reading::HISTORY_PER_PATH).unwrap_or(u32::MAX);
        if (1..=bound).contains(&self.readings) { Ok(()) } else { Err(RetentionError::Readings) }
    }

    /// What was so before this time is not kept, unless it is the newest.
    pub fn since(&self, now: Timestamp) -> Option<Timestamp> {
        self.days.map(|days| Timestamp(now.0.saturating_sub(i64::from(days) * DAY_MS)))
    }
}

impl Default for Retention {
    /// As many as are ever kept, without an end.
    fn default() -> Self {
        Self { days: None, readings: u32::try_from(Reading::HISTORY_PER_PATH).unwrap_or(u32::MAX) }
    }
}

const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_keeps_something_and_no_more_than_is_ever_kept() {
        let retention = |days, readings| Retention { days, readings }.check();
        assert_eq!(Retention::default().check(), Ok(()));
        assert_eq!(retention(Some(1), 1), Ok(()));
        for days in [0, Retention::MAX_DAYS + 1] {
            assert_eq!(retention(Some(days), 1), Err(RetentionError::Days));
        }
        for readings in [0, 1_001] {
            assert_eq!(retention(None, readings), Err(RetentionError::Readings));
        }
    }

    #[test]
    fn days_are_counted_back_from_now() {
        let kept = Retention { days: Some(2), readings: 1 };
        assert_eq!(kept.since(Timestamp(200_000_000)), Some(Timestamp(27_200_000)));
        assert_eq!(Retention::default().since(Timestamp(200_000_000)), None);
    }
}
