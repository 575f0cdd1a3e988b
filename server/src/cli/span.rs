//! Spans of time and moments as people type them.

use std::{str::FromStr, time::Duration};

use fleet::Timestamp;
use web::api::v1::types::Time;

/// A span such as `90d`, `12h`, `30m`, `45s` or `2w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

/// A moment: RFC 3339, or a span from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Time),
    In(Span),
}

/// A text that is no span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number and a unit: s, m, h, d or w, such as 90d")]
pub(crate) struct SpanError;

/// A text that is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a moment such as 2026-11-22T13:55:40Z, or a span from now on such as 7d")]
pub(crate) struct MomentError;

impl Span {
    /// In whole seconds.
    pub(crate) fn seconds(self) -> u64 {
        self.0.as_secs()
    }
}

impl Moment {
    /// The moment, seen from `now`.
    pub(crate) fn seen_from(self, now: Timestamp) -> Time {
        match self {
            Self::At(time) => time,
            Self::In(span) => now.after(span.0).into(),
        }
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(SpanError)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return Err(SpanError),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SpanError);
        }
        let number: u64 = digits.parse().map_err(|_| SpanError)?;
        // Beyond that, moments can't be counted in milliseconds.
        let seconds = number.checked_mul(seconds).filter(|seconds| *seconds <= 1 << 40).ok_or(SpanError)?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        if let Ok(time) = text.parse() {
            return Ok(Self::At(time));
        }
        text.parse().map(Self::In).map_err(|_| MomentError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        let seconds = |text: &str| text.parse::<Span>().map(Span::seconds);
        assert_eq!(seconds("90d"), Ok(90 * 86_400));
        assert_eq!(seconds("2w"), Ok(14 * 86_400));
        assert_eq!(seconds("0s"), Ok(0));
        for bad in [
            "",
            "d",
            "90",
            "90 d",
            "-1d",
            "+1d",
            "1.5h",
            "1y",
            "99999999999999999999s",
            "9999999999999w",
            "1ä",
        ] {
            assert_eq!(seconds(bad), Err(SpanError), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_one_or_a_span_from_now_on() {
        let moment = |text: &str| text.parse::<Moment>().map(|moment| moment.seen_from(Timestamp(1_000)));
        assert_eq!(moment("1m"), Ok(Timestamp(61_000).into()));
        assert_eq!(moment("1970-01-01T00:00:05Z"), Ok(Timestamp(5_000).into()));
        assert_eq!(moment("tomorrow"), Err(MomentError));
    }
}
