//! `b` and `Q`: how a device is reached, which each version writes its own way.

use objects::Version;

use super::Binding;

/// Why `b` and `Q` do not fit the enabler version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// `b` is none of what the version knows.
    #[error("LwM2M {version} knows b as {known}")]
    Unknown {
        /// The version.
        version: Version,
        /// What it knows.
        known: &'static str,
    },
    /// The parameter `Q`, which came with LwM2M 1.1.
    #[error("LwM2M {version} has no parameter Q: queue mode is part of b")]
    QueueModeParameter {
        /// The version.
        version: Version,
    },
}

impl Binding {
    /// Reads `b` and `Q` as a version writes them; where there is no `b` it is U (LwM2M Core 1.1.1 §6.2.1).
    ///
    /// LwM2M 1.0 knows U, UQ, S, SQ, US and UQS, taken in any order of the letters (LwM2M 1.0.2 §5.3.1.1). LwM2M 1.1 knows
    /// any set of U, T, S and N, and `Q` as a parameter of its own (LwM2M Core 1.1.1 §6.2.1.2). Each refuses the other's way.
    pub fn parse(version: Version, b: Option<&str>, queue_parameter: bool) -> Result<Self, BindingError> {
        let b = b.unwrap_or("U");
        if version < Version::V1_1 {
            if queue_parameter {
                return Err(BindingError::QueueModeParameter { version });
            }
            let known = is_set_of(b, "USQ") && b != "Q";
            // Queue mode on both UDP and SMS is written UQS: it is that of UDP.
            return known
                .then(|| Self { transports: b.replace('Q', ""), queue_mode: b.contains('Q') })
                .ok_or(BindingError::Unknown { version, known: "U, UQ, S, SQ, US or UQS" });
        }
        is_set_of(b, "UTSN")
            .then(|| Self { transports: b.to_owned(), queue_mode: queue_parameter })
            .ok_or(BindingError::Unknown { version, known: "a set of U, T, S and N" })
    }
}

/// Whether `b` holds at least one letter, each of `letters`, none twice.
fn is_set_of(b: &str, letters: &str) -> bool {
    let unique = |(at, letter): (usize, char)| letters.contains(letter) && !b[..at].contains(letter);
    !b.is_empty() && b.char_indices().all(unique)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(version: Version, b: &str) -> Option<(String, bool)> {
        Binding::parse(version, Some(b), false).ok().map(|b| (b.transports, b.queue_mode))
    }

    #[test]
    fn lwm2m_1_0_writes_queue_mode_as_a_letter() {
        for (b, transports, queue_mode) in [
            ("U", "U", false),
            ("UQ", "U", true),
            ("S", "S", false),
            ("SQ", "S", true),
            ("US", "US", false),
            ("UQS", "US", true),
            ("USQ", "US", true),
        ] {
            assert_eq!(parse(Version::V1_0, b), Some((transports.into(), queue_mode)), "{b}");
        }
        for b in ["", "Q", "T", "UT", "UU", "u", "N", "UQSQ", "é"] {
            assert_eq!(parse(Version::V1_0, b), None, "{b}");
        }
    }

    #[test]
    fn lwm2m_1_1_writes_queue_mode_as_a_parameter() {
        for b in ["U", "T", "S", "N", "UT", "UTSN", "NU"] {
            assert_eq!(parse(Version::V1_1, b), Some((b.into(), false)), "{b}");
            assert!(Binding::parse(Version::V1_1, Some(b), true).unwrap().queue_mode);
        }
        for b in ["", "UQ", "Q", "UU", "M", "H", "ut"] {
            assert_eq!(parse(Version::V1_1, b), None, "{b}");
        }
        let refused = Binding::parse(Version::V1_0, Some("U"), true);
        assert_eq!(refused, Err(BindingError::QueueModeParameter { version: Version::V1_0 }));
    }

    #[test]
    fn without_b_a_device_listens_on_udp() {
        let udp = Binding { transports: "U".into(), queue_mode: false };
        assert_eq!(Binding::parse(Version::V1_0, None, false), Ok(udp.clone()));
        assert_eq!(Binding::parse(Version::V1_1, None, true), Ok(Binding { queue_mode: true, ..udp }));
    }
}
