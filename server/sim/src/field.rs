//! Field devices under updates: a server that is killed every few seconds, and many devices that do with an update what
//! devices in the field do.
//!
//! It is a run like that of a seed, with less in it: nothing happens but updates. [`run`] gives an [`Account`] of each device,
//! and [`Behaviour::expected`] says what it has to be, whether the server was killed or not.

mod behaviour;
pub use behaviour::{Behaviour, Expected};

mod world;

use std::time::Duration;

use fleet::update::UpdatePhase;

pub use crate::yard::Kills;

/// What is played.
#[derive(Clone, Debug)]
pub struct Field {
    /// Makes the keys and all that is drawn.
    pub seed: u64,
    /// How many devices there are; they behave in turns as [`Behaviour::ALL`] says.
    pub devices: usize,
    /// How likely a datagram is lost, each way.
    pub loss: f64,
    /// When the server is killed, if it is.
    pub kills: Option<Kills>,
    /// How long the image is, in bytes.
    pub image: usize,
}

/// What came of the update of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// How it behaves.
    pub behaviour: Behaviour,
    /// Where its update stands.
    pub phase: UpdatePhase,
    /// What the update says of it.
    pub detail: String,
    /// What was noted on the way.
    pub notes: Vec<String>,
    /// How often the device has installed another firmware.
    pub installs: u32,
    /// The version that it runs, whatever it says.
    pub runs: String,
    /// Whether a byte of a package has reached it.
    pub touched: bool,
}

/// What came of it all.
#[derive(Clone, Debug)]
pub struct Report {
    /// Each device, in order.
    pub accounts: Vec<Account>,
    /// How often the server was started.
    pub lives: u32,
    /// How long it took, by its own time.
    pub lasted: Duration,
    /// What went wrong with the server itself.
    pub violation: Option<String>,
}

/// The version that all are to have.
pub const VERSION: &str = "2.0";

/// Plays it, until every update has ended.
pub fn run(field: &Field) -> Report {
    world::play(field)
}

impl Account {
    /// What is wrong with it, in words.
    pub fn fault(&self) -> Option<String> {
        let Expected { phase, runs_new, why } = self.behaviour.expected();
        let faults = [
            (self.phase != phase, format!("it is to be {}", phase.name())),
            (!self.detail.contains(why), format!("it is to say {why:?}")),
            ((self.runs == VERSION) != runs_new, "it runs the wrong version".to_owned()),
            (self.installs > 1, "it has installed more than once".to_owned()),
            (phase == UpdatePhase::Refused && self.touched, "a byte has reached it".to_owned()),
        ];
        let fault = faults.into_iter().find(|(is_there, _)| *is_there);
        fault.map(|(_, what)| format!("{self:?}: {what}"))
    }
}
