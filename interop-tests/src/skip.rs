//! What can't be run here, and why.

/// Something this machine has not got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What it is and how to get it.
    pub what: String,
}

impl Missing {
    /// Says what is missing.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }

    /// Tells on standard error that something is skipped.
    ///
    /// # Panics
    /// With `CI=true`: there, everything that can be installed is installed.
    pub fn skip(&self, name: &str) {
        assert!(!is_ci(), "{name} must not be skipped with CI=true: {}", self.what);
        eprintln!("SKIPPED: {name}: {}", self.what);
    }
}

/// Whether nothing may be skipped.
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
