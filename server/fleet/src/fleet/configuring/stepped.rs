//! What came of steps.

use crate::configuration::{ConfiguredState, Counted};

/// What came of steps of a device's configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SteppedConfiguration {
    /// Where it stands now, if that is another state than before.
    pub became: Option<ConfiguredState>,
    /// What the steps have come upon.
    pub counted: Counted,
}

impl SteppedConfiguration {
    pub(super) fn count(&mut self, more: Counted) {
        self.counted.found += more.found;
        self.counted.repaired += more.repaired;
        self.counted.stopped += more.stopped;
    }
}
