//! How times and values are written for people.

use fleet::Timestamp;
use objects::Value;
use sha2::{Digest, Sha256};
use tower_sessions::cookie::time::OffsetDateTime;

/// A moment as a page shows it: absolute in UTC, and how long ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For the `datetime` attribute.
    pub(crate) iso: String,
    /// For people, in UTC.
    pub(crate) text: String,
    /// Seen from when the page was made.
    pub(crate) ago: String,
    /// Milliseconds, from which the script counts on.
    pub(crate) ms: i64,
}

impl Moment {
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        let seconds = at.0.div_euclid(1_000);
        let (iso, text) = match OffsetDateTime::from_unix_timestamp(seconds) {
            Ok(time) => {
                let (day, clock) = (time.date(), time.time());
                let day = format!("{:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day());
                let clock = format!("{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second());
                (format!("{day}T{clock}Z"), format!("{day} {clock}"))
            }
            // Beyond year 9999.
            Err(_) => (String::new(), format!("{seconds} s since 1970")),
        };
        Self { iso, text, ago: ago((now.0.saturating_sub(at.0)).div_euclid(1_000)), ms: at.0 }
    }
}

fn ago(seconds: i64) -> String {
    if (0..5).contains(&seconds) {
        return "just now".to_owned();
    }
    let text = span(seconds.unsigned_abs());
    if seconds > 0 { format!("{text} ago") } else { format!("in {text}") }
}

/// A span of time in its largest unit.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A number of bytes in its largest unit of 1024.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} bytes"),
        1_024..1_048_576 => format!("{}.{} KiB", count / 1_024, count % 1_024 * 10 / 1_024),
        _ => format!("{}.{} MiB", count / 1_048_576, count % 1_048_576 * 10 / 1_048_576),
    }
}

/// A value as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The value.
    pub(crate) text: String,
    /// What is said beside it, such as how much was left out.
    pub(crate) note: String,
}

impl Shown {
    /// How many characters of a value a table shows.
    pub(crate) const SHORT: usize = 120;
    /// How many its own page shows.
    pub(crate) const LONG: usize = 8_192;

    pub(crate) fn new(value: &Value, limit: usize) -> Self {
        match value {
            Value::Opaque(bytes) => {
                let shown = bytes.iter().take(limit / 2).map(|byte| format!("{byte:02x}")).collect();
                let unit = if bytes.len() == 1 { "byte" } else { "bytes" };
                let note = if bytes.len() > limit / 2 {
                    format!("…, {} {unit}, SHA-256 {}", bytes.len(), sha256(bytes))
                } else {
                    format!("{} {unit}", bytes.len())
                };
                Self { text: shown, note }
            }
            Value::Time(seconds) => {
                let at = Moment::new(Timestamp(seconds.saturating_mul(1_000)), Timestamp(0));
                if at.iso.is_empty() {
                    return Self { text: seconds.to_string(), note: "seconds since 1970".to_owned() };
                }
                Self { text: at.text, note: "UTC".to_owned() }
            }
            Value::String(text) | Value::CoreLink(text) => Self::text(text, limit),
            _ => Self { text: value.to_string(), note: String::new() },
        }
    }

    fn text(text: &str, limit: usize) -> Self {
        if text.is_empty() {
            return Self { text: String::new(), note: "empty".to_owned() };
        }
        let length = text.chars().count();
        let note = if length > limit { format!("…, {length} characters") } else { String::new() };
        Self { text: visible(text.chars().take(limit)), note }
    }
}

/// By which what is too long to be shown can be compared all the same.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Control characters as their pictures, so that they can neither hide nor break a line of a stream.
pub(crate) fn visible(text: impl Iterator<Item = char>) -> String {
    text.map(|character| match character {
        '\n' | '\t' => character,
        '\u{7f}' => '\u{2421}',
        control if control.is_ascii_control() => {
            char::from_u32(0x2400 + u32::from(control)).unwrap_or('\u{fffd}')
        }
        control if control.is_control() => '\u{fffd}',
        // Marks that turn the direction of what follows.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        other => other,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_absolute_and_relative() {
        let now = Timestamp(1_700_000_000_000);
        let at = Moment::new(now, now);
        assert_eq!(
            (at.iso.as_str(), at.text.as_str(), at.ago.as_str()),
            ("2023-11-14T22:13:20Z", "2023-11-14 22:13:20", "just now")
        );
        for (ms, expected) in
            [(-59_000, "59 s ago"), (-3_600_000, "1 h ago"), (90_000, "in 1 min"), (-90_000_000, "1 d ago")]
        {
            assert_eq!(Moment::new(Timestamp(now.0 + ms), now).ago, expected);
        }
    }

    #[test]
    fn moments_beyond_the_calendar_do_not_panic() {
        for ms in [i64::MIN, i64::MAX] {
            Moment::new(Timestamp(ms), Timestamp(0));
        }
        assert_eq!(Shown::new(&Value::Time(i64::MAX), 10).note, "seconds since 1970");
    }

    #[test]
    fn bytes_are_told_in_the_largest_unit_that_they_fill() {
        for (count, expected) in [
            (0, "0 bytes"),
            (1_023, "1023 bytes"),
            (1_536, "1.5 KiB"),
            (1_048_576, "1.0 MiB"),
            (u64::MAX, "17592186044415.9 MiB"),
        ] {
            assert_eq!(bytes(count), expected);
        }
    }

    #[test]
    fn long_and_strange_values_stay_readable() {
        assert_eq!(
            Shown::new(&Value::Opaque(vec![0xab; 100]), 8),
            Shown {
                text: "abababab".into(),
                note: format!("…, 100 bytes, SHA-256 {}", sha256(&[0xab; 100]))
            }
        );
        assert_eq!(
            Shown::new(&Value::String("a\r\u{1b}[2J\u{202e}".into()), 80).text,
            "a\u{240d}\u{241b}[2J\u{fffd}"
        );
        assert_eq!(Shown::new(&Value::String("x".repeat(9)), 4).note, "…, 9 characters");
    }
}
