//! Configuration over many devices: some asleep, some that refuse, values that change behind the server's back, and a server that
//! is killed again and again.
//!
//! First what is wanted is only reported, so that the server knows what each device has. A dry run then says what would be
//! written to whom, and that is put to work. In the end [`Account::fault`] says of each device whether it has what it is to have,
//! whether that is what the dry run has foreseen, and whether what does not stay as it is to be was stopped and named.

mod fate;
pub use fate::Fate;

mod world;

use std::{collections::BTreeMap, time::Duration};

use fleet::configuration::ConfiguredState;
use objects::Path;

pub use crate::yard::Kills;

/// What is played.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Makes the keys and all that is drawn.
    pub seed: u64,
    /// How many devices there are.
    pub devices: usize,
    /// How likely a datagram is lost, each way.
    pub loss: f64,
    /// When the server is killed, if it is.
    pub kills: Option<Kills>,
}

/// What came of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub number: usize,
    /// What is the matter with it.
    pub fate: Fate,
    /// Where it stands.
    pub state: ConfiguredState,
    /// What is said of it.
    pub detail: String,
    /// What the dry run said would be written.
    pub foreseen: BTreeMap<Path, String>,
    /// What it had when all was written for the first time.
    pub then: BTreeMap<Path, i64>,
    /// What it has in the end.
    pub has: BTreeMap<Path, i64>,
    /// What was found to be another than it had been.
    pub findings: BTreeMap<Path, usize>,
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
    /// What went wrong with the server itself, or was not reached in time.
    pub violation: Option<String>,
}

/// Plays it to its end.
pub fn run(configured: &Configured) -> Report {
    world::play(configured)
}

impl Account {
    /// What is wrong with it, in words.
    pub fn fault(&self) -> Option<String> {
        let (before, wanted) = (fate::before(self.number), fate::wanted(self.number));
        let differs = wanted.iter().filter(|(path, value)| before[path] != **value);
        let foreseen: BTreeMap<Path, String> =
            differs.map(|(path, value)| (*path, value.to_string())).collect();
        let mut then = wanted;
        if self.fate == Fate::Refuses {
            then.insert(fate::REFUSED, before[&fate::REFUSED]);
        }
        let mut has = then.clone();
        let (state, findings) = match self.fate {
            Fate::Plain | Fate::NoComposite => (ConfiguredState::InLine, None),
            Fate::Refuses => (ConfiguredState::Refused, None),
            Fate::Changed => (ConfiguredState::InLine, Some(1)),
            Fate::Flaps => {
                has.insert(fate::CHANGED, fate::OTHER);
                (ConfiguredState::Flapping, Some(4))
            }
        };
        let findings: BTreeMap<Path, usize> =
            findings.map(|times| (fate::CHANGED, times)).into_iter().collect();
        let names = |path: Path| self.detail.starts_with(&path.to_string());
        let faults = [
            (self.state != state, format!("it is to be {}", state.name())),
            (self.foreseen != foreseen, format!("the dry run is to say {foreseen:?}")),
            (self.then != then, format!("what was written is to make it {then:?}")),
            (self.has != has, format!("it is to have {has:?}")),
            (self.findings != findings, format!("is to be found: {findings:?}")),
            (self.fate == Fate::Flaps && !names(fate::CHANGED), "it is to say what does not stay".to_owned()),
        ];
        let fault = faults.into_iter().find(|(is_there, _)| *is_there);
        fault.map(|(_, what)| format!("{what}: {self:?}"))
    }
}
