//! Where randomness comes from.

use std::{fmt, sync::Arc};

/// Bytes that nobody can guess, or in a simulation those of its seed.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Entropy {
    /// The system's.
    pub(crate) fn system() -> Result<Self, getrandom::Error> {
        getrandom::fill(&mut [0; 32])?;
        Ok(Self::new(crate::fill_random))
    }

    /// What `fill` fills slices with.
    pub fn new(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        (self.0)(bytes);
    }

    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}
