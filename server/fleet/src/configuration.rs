//! Configuration: what devices are to be set to, and whether they are.
//!
//! A [`Baseline`] says for the fleet, a class, a group or a device which values and notification attributes there are to be.
//! Laid over each other they give what one device is to have: [`Desired`]. Where a device stands is its [`Configured`] row, and
//! [`Configured::step`] says what is next: a pure function of the row, of what is desired, of what was seen of the device and
//! of the time. LwM2M Core 1.1.1 §6.3 (reads and writes), §7.3 (notification attributes).

mod baseline;
pub use baseline::{Baseline, BaselineError, Draft, Mode};

mod change;
pub use change::ConfigurationChange;

mod desired;
pub use desired::{Conflict, Desired, Layer, Wanted};

mod difference;
pub use difference::{Difference, Effect, difference};

mod digest;
pub use digest::Digest;

mod level;
pub use level::{Level, LevelName, LevelNameError};

mod line;
pub(crate) use line::same;
pub use line::{Hidden, Line, LineKey, Want};

mod row;
pub use row::{
    Ask, Asking, Configured, ConfiguredState, Finding, Leaving, LineState, Standing, Way, Writer, Written,
};

mod seen;
pub use seen::{AccountTerms, Asked, Known, Listening, Overwritten, Seen};

mod step;
pub use step::{Counted, Request, Step};

mod text;
pub use text::{TextError, read_lines, write_lines};

mod writer;
pub use writer::{overwritten, who_wrote};

#[cfg(test)]
mod tests;
