//! Until when something is good, as a page shows it.

use std::time::Duration;

use fleet::{SeenCertificate, Timestamp};

use crate::{
    console::badge::Badge,
    show::{Moment, Shown, visible},
};

/// How long before its end something is said to end soon.
pub(crate) const SOON: Duration = Duration::from_secs(30 * 86_400);

/// The end of something.
pub(crate) struct Expiry {
    pub(crate) badge: Badge,
    pub(crate) at: Moment,
}

/// A certificate that a device came with.
pub(crate) struct Seen {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) serial: String,
    pub(crate) expiry: Expiry,
}

impl Expiry {
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        let badge = if at <= now {
            Badge { tone: "bad", icon: "cross", text: "Expired" }
        } else if at <= now.after(SOON) {
            Badge { tone: "warn", icon: "clock", text: "Expires soon" }
        } else {
            Badge { tone: "good", icon: "check", text: "Good" }
        };
        Self { badge, at: Moment::new(at, now) }
    }
}

impl Seen {
    pub(crate) fn new(seen: &SeenCertificate, now: Timestamp) -> Self {
        Self {
            subject: name(&seen.subject),
            issuer: name(&seen.issuer),
            serial: seen.serial.clone(),
            expiry: Expiry::new(seen.not_after, now),
        }
    }
}

/// The name of a subject or an issuer: as long as a line takes, whatever a certificate says.
pub(crate) fn name(text: &str) -> String {
    let mut shown = visible(text.chars().take(Shown::SHORT)).replace(['\n', '\t'], " ");
    if text.chars().nth(Shown::SHORT).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_before_it_comes() {
        let now = Timestamp(1_700_000_000_000);
        for (ms, text) in [
            (0, "Expired"),
            (-1, "Expired"),
            (1, "Expires soon"),
            (30 * 86_400_000, "Expires soon"),
            (30 * 86_400_000 + 1, "Good"),
        ] {
            assert_eq!(Expiry::new(Timestamp(now.0 + ms), now).badge.text, text, "{ms}");
        }
    }

    #[test]
    fn a_name_is_a_line_however_long_it_is() {
        assert_eq!(name("CN=a\nb\0"), "CN=a b\u{2400}");
        assert_eq!(name(&"x".repeat(10_000)).chars().count(), Shown::SHORT + 1);
    }
}
