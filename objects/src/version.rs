//! Versions `major.minor`, of an object and of the enabler itself.

use std::{fmt, str::FromStr};

/// A version such as `1.1`. LwM2M Core 1.1.1 §7.2.2 for objects, §6.2.1 (`lwm2m=`) for the enabler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// A change of it breaks compatibility.
    pub major: u8,
    /// A change of it does not.
    pub minor: u8,
}

/// A text that is no `major.minor`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is two numbers with a dot between them, such as `1.1`")]
pub struct VersionError;

impl Version {
    /// What an object has when nothing is said about its version.
    pub const V1_0: Self = Self { major: 1, minor: 0 };
    /// LwM2M 1.1.
    pub const V1_1: Self = Self { major: 1, minor: 1 };
    /// LwM2M 1.2.
    pub const V1_2: Self = Self { major: 1, minor: 2 };
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten().ok_or(VersionError)
        };
        let (major, minor) = text.split_once('.').ok_or(VersionError)?;
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_survive_text_and_order_by_number() {
        assert_eq!("1.10".parse::<Version>().unwrap().to_string(), "1.10");
        assert!("1.10".parse::<Version>().unwrap() > "1.2".parse().unwrap());
        for bad in ["", "1", "1.", ".1", "1.1.1", "+1.0", "1.256", "a.b"] {
            assert_eq!(bad.parse::<Version>(), Err(VersionError), "{bad}");
        }
    }
}
