//! How an update is to be done.

use std::time::Duration;

/// How an update is to be done; what a person leaves open is the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateTerms {
    /// How the package comes to the device.
    pub delivery: Delivery,
    /// Whether a push that was interrupted goes on where it was, or begins anew.
    pub resume: bool,
    /// The largest block of a push, in bytes: 16 to 1024. It becomes smaller where the link or the device asks for it.
    pub block_bytes: u16,
    /// How often it is tried.
    pub attempts: u8,
    /// `/5/0/11`: 0 critical, 1 mandatory, 2 optional.
    pub severity: Option<u8>,
    /// `/5/0/13`: for how long a user of the device may put it off.
    pub defer_up_to: Option<Duration>,
    /// Where the device says which version it runs.
    pub version_at: VersionAt,
    /// For how long the device is to run the new version before that counts as success.
    pub quiet: Duration,
    /// How long the device may take from one sign of progress to the next while it fetches or checks the package.
    pub download_within: Duration,
    /// How long the device may take to install.
    pub install_within: Duration,
    /// How long it is waited for the device.
    pub give_up_after: Duration,
    /// Whether the device may be given a version that it has, or one that is older.
    pub again: bool,
}

/// How a package comes to the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// As the device says that it can (`/5/0/9`): pushed, if it leaves the choice.
    #[default]
    Any,
    /// Written to the device.
    Push,
    /// Fetched by the device.
    Pull,
}

/// By what a device can fetch; the number is that of `/5/0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Without security.
    Coap = 0,
    /// Over DTLS.
    Coaps = 1,
    /// Without security.
    Http = 2,
    /// Over TLS.
    Https = 3,
}

/// Where a device says which version it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionAt {
    /// At `/3/0/3` if it has that, else at the version of the package.
    #[default]
    Any,
    /// At `/3/0/3`.
    Device,
    /// At `/5/0/7` or `/9/x/1`.
    Package,
}

/// Why terms can't be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateTermsError {
    /// Not a block size of RFC 7959.
    #[error("blocks have 16, 32, 64, 128, 256, 512 or 1024 bytes")]
    BlockBytes,
    /// Too many, or none.
    #[error("an update is tried once at least and {max} times at most", max = UpdateTerms::MAX_ATTEMPTS)]
    Attempts,
    /// Not 0 to 2.
    #[error("the severity is 0 (critical), 1 (mandatory) or 2 (optional)")]
    Severity,
    /// Too long.
    #[error("no time of an update is longer than {} days", UpdateTerms::MAX_TIME.as_secs() / 86_400)]
    Time,
}

impl UpdateTerms {
    /// How often an update is tried at most.
    pub const MAX_ATTEMPTS: u8 = 10;
    /// The longest of its times.
    pub const MAX_TIME: Duration = Duration::from_secs(365 * 86_400);

    /// Whether it can be one.
    pub fn check(&self) -> Result<(), UpdateTermsError> {
        if !self.block_bytes.is_power_of_two() || !(16..=1_024).contains(&self.block_bytes) {
            return Err(UpdateTermsError::BlockBytes);
        }
        if !(1..=Self::MAX_ATTEMPTS).contains(&self.attempts) {
            return Err(UpdateTermsError::Attempts);
        }
        if self.severity.is_some_and(|severity| severity > 2) {
            return Err(UpdateTermsError::Severity);
        }
        let times = [self.quiet, self.download_within, self.install_within, self.give_up_after];
        if times.into_iter().chain(self.defer_up_to).any(|time| time > Self::MAX_TIME) {
            return Err(UpdateTermsError::Time);
        }
        Ok(())
    }
}

impl Default for UpdateTerms {
    fn default() -> Self {
        Self {
            delivery: Delivery::Any,
            resume: true,
            block_bytes: 1_024,
            attempts: 3,
            severity: None,
            defer_up_to: None,
            version_at: VersionAt::Any,
            quiet: Duration::from_secs(300),
            download_within: Duration::from_secs(900),
            install_within: Duration::from_secs(1_800),
            give_up_after: Duration::from_secs(30 * 86_400),
            again: false,
        }
    }
}

impl Delivery {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Any, Self::Push, Self::Pull];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Push => "push",
            Self::Pull => "pull",
        }
    }
}

impl Scheme {
    /// All of them, the best first: with security, and by what a constrained device has anyway.
    pub const ALL: [Self; 4] = [Self::Coaps, Self::Https, Self::Coap, Self::Http];

    /// As it stands in a URI.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coap => "coap",
            Self::Coaps => "coaps",
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl VersionAt {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Any, Self::Device, Self::Package];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Device => "device",
            Self::Package => "package",
        }
    }
}
