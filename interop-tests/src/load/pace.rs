//! When the next operation begins.

use std::time::Duration;

/// By a schedule, whatever the server does, or as others end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    Open { started: Duration, rate: f64, begun: u64 },
    Closed { outstanding: usize },
}

impl Pace {
    pub(super) fn new(started: Duration, rate: Option<f64>, outstanding: u32) -> Self {
        match rate {
            Some(rate) => Self::Open { started, rate, begun: 0 },
            None => Self::Closed { outstanding: outstanding as usize },
        }
    }

    /// When the operation was due that is to begin now, if one is.
    pub(super) fn due(&self, now: Duration, under_way: usize) -> Option<Duration> {
        match *self {
            Self::Open { .. } => self.next().filter(|due| *due <= now),
            Self::Closed { outstanding } => (under_way < outstanding).then_some(now),
        }
    }

    /// Takes note that it has begun.
    pub(super) fn begin(&mut self) {
        if let Self::Open { begun, .. } = self {
            *begun += 1;
        }
    }

    /// When the next one is due, where that is known.
    #[expect(clippy::cast_precision_loss, reason = "nothing runs for 2^52 operations")]
    pub(super) fn next(&self) -> Option<Duration> {
        match *self {
            Self::Open { started, rate, begun } => {
                Some(started + Duration::from_secs_f64(begun as f64 / rate))
            }
            Self::Closed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_loop_keeps_its_schedule_when_it_is_late() {
        let mut pace = Pace::new(Duration::from_secs(1), Some(10.0), 1);
        let now = Duration::from_secs(2);
        let mut due = Vec::new();
        while let Some(at) = pace.due(now, usize::MAX) {
            due.push(at.as_millis());
            pace.begin();
        }
        assert_eq!(due, (10..=20).map(|tenth| tenth * 100).collect::<Vec<_>>());
        assert_eq!(pace.next(), Some(Duration::from_millis(2_100)));
    }

    #[test]
    fn a_closed_loop_waits_for_what_is_under_way() {
        let pace = Pace::new(Duration::ZERO, None, 2);
        assert_eq!(pace.due(Duration::ZERO, 1), Some(Duration::ZERO));
        assert_eq!(pace.due(Duration::ZERO, 2), None);
    }
}
