//! Moments.

use std::{fmt, str::FromStr};

use fleet::Timestamp;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use utoipa::ToSchema;

/// A moment: RFC 3339, written in UTC with milliseconds; read with any offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T13:55:40.123Z")]
pub struct Time(Timestamp);

/// A text that is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a moment such as 2026-11-22T13:55:40Z (RFC 3339)")]
pub struct TimeError;

impl Time {
    /// The last moment that four digits of a year hold; what lies beyond is written as this one.
    const LAST: i64 = 253_402_300_799_999;
    /// The first moment of year 0.
    const FIRST: i64 = -62_167_219_200_000;

    /// The moment as the server counts it.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(Timestamp(at.0.clamp(Self::FIRST, Self::LAST)))
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for Time {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimeError)?;
        let ms = at.to_offset(UtcOffset::UTC).unix_timestamp_nanos().div_euclid(1_000_000);
        Ok(Self(Timestamp(i64::try_from(ms).map_err(|_| TimeError)?)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ms) = (self.0.0.div_euclid(1_000), self.0.0.rem_euclid(1_000));
        let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = (at.hour(), at.minute(), at.second());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_back_as_it_was_written() {
        for ms in [0, -1, 1_790_000_000_123, Time::FIRST, Time::LAST] {
            let time = Time::from(Timestamp(ms));
            assert_eq!(time.to_string().parse(), Ok(time), "{time}");
        }
        assert_eq!(Time::from(Timestamp(1_790_000_000_120)).to_string(), "2026-09-21T14:13:20.120Z");
        assert_eq!(Time::from(Timestamp(i64::MAX)).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn any_offset_is_read_and_nothing_else() {
        let at = |text: &str| text.parse::<Time>().map(|time| time.timestamp().0);
        assert_eq!(at("1970-01-01T01:00:00+01:00"), Ok(0));
        assert_eq!(at("1970-01-01T00:00:00.0019Z"), Ok(1));
        for bad in ["", "0", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "yesterday"] {
            assert_eq!(at(bad), Err(TimeError), "{bad}");
        }
    }
}
