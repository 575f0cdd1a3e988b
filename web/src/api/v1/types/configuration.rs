//! Whether devices have what they are to have.

use std::collections::BTreeMap;

use fleet::{
    ConfigurationDetail,
    configuration::{Configured, Desired, LineState, Wanted},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

words! {
    /// Where a device stands with its configuration.
    ConfigurationState = fleet::configuration::ConfiguredState {
        /// It waits for the device to register or to wake up, or until it has rested.
        Waiting,
        /// It is being looked at or written to.
        Working,
        /// It has what it is to have.
        InLine,
        /// It has something else, and nobody has said that it is to be written to.
        Drifted,
        /// It does not take some of it.
        Refused,
        /// It did not answer, or did not keep what it took, as often as it may.
        Failed,
        /// It was put right too often: a person is to say that it goes on.
        Flapping,
    }
}

words! {
    /// Where one line of a configuration stands.
    LineStanding = fleet::configuration::Standing {
        /// It is not known yet.
        Unknown,
        /// The device has what is wanted.
        InLine,
        /// It has something else.
        Out,
        /// It does not take it.
        Refused,
        /// It was put right too often.
        Flapping,
    }
}

/// Where a device stands with its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Configuration {
    /// The device's id.
    pub device: String,
    /// Where it stands; none if nothing is wanted of it, or it was not looked at yet.
    pub state: Option<ConfigurationState>,
    /// Since when.
    pub since: Option<Time>,
    /// Grows by one when something else is desired.
    #[schema(example = 4)]
    pub generation: u64,
    /// The generation that the device had last as a whole; 0 if none.
    #[schema(example = 3)]
    pub reported: u64,
    /// When all of it was looked at last.
    pub checked_at: Option<Time>,
    /// What is going on.
    pub detail: String,
    /// What it is to have, line by line.
    pub lines: Vec<ConfigurationLine>,
    /// Lines of which two groups want different things.
    pub conflicts: Vec<ConfigurationConflict>,
    /// Where attributes are still to be taken back that were set and are not wanted any more.
    pub taking_back: Vec<String>,
    /// What was found to be another than it had been, the oldest first.
    pub findings: Vec<ConfigurationFinding>,
}

/// One line of what a device is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationLine {
    /// Which line; attributes end with `?`.
    #[schema(example = "/1/0/1")]
    pub line: String,
    /// What is wanted.
    pub expected: String,
    /// What the device has, as far as that is known and may be shown.
    pub actual: Option<String>,
    /// Where it stands.
    pub standing: LineStanding,
    /// Whose baseline wants it, and its version.
    #[schema(example = "fleet, version 3")]
    pub wanted_by: String,
    /// Who has written last what is wrong: a person or program with the operation, `unknown` behind the server's back.
    pub writer: Option<String>,
    /// Why the device does not take it.
    pub refused: Option<String>,
    /// How often it was put right lately.
    pub repairs: u64,
}

/// Two groups that want different things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationConflict {
    /// Of which line.
    pub line: String,
    /// The group whose word counts.
    pub won: String,
    /// The other one.
    pub lost: String,
}

/// A line that had been right and was found to be another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationFinding {
    /// When.
    pub at: Time,
    /// Which line.
    pub line: String,
    /// What was wanted.
    pub expected: String,
    /// What the device had.
    pub actual: Option<String>,
    /// Who had written it.
    pub writer: Option<String>,
}

/// A device in a list of those of which something is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationRow {
    /// The device's id.
    pub device: String,
    /// Where it stands.
    pub state: ConfigurationState,
    /// Since when.
    pub since: Time,
    /// Which generation is desired.
    pub generation: u64,
    /// Which one it had last.
    pub reported: u64,
    /// What is going on.
    pub detail: String,
}

/// How many devices stand where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationCounts {
    /// By state; one in which there is none is left out.
    pub states: BTreeMap<ConfigurationState, u64>,
}

/// Why a person acts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationAct {
    /// The change ticket it belongs to.
    pub ticket: Option<String>,
}

/// What of a device is to be wanted from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Which lines; without any, all that are not as they are to be.
    #[schema(example = json!(["/1/0/1"]))]
    #[serde(default)]
    pub lines: Vec<String>,
    /// The change ticket it belongs to.
    pub ticket: Option<String>,
}

impl From<ConfigurationDetail> for Configuration {
    fn from(detail: ConfigurationDetail) -> Self {
        let ConfigurationDetail { view, desired, row } = detail;
        let of = |row: Option<&Configured>| ConfigurationLine::all(&desired, row);
        let findings = row.iter().flat_map(|row| &row.findings).map(|finding| ConfigurationFinding {
            at: finding.at.into(),
            line: finding.key.to_string(),
            expected: finding.expected.clone(),
            actual: finding.actual.clone(),
            writer: writer(&finding.writer),
        });
        let leaving = row.iter().flat_map(|row| &row.leaving).map(|leaving| leaving.path.to_string());
        let conflicts = desired.conflicts.iter().map(|conflict| ConfigurationConflict {
            line: conflict.key.to_string(),
            won: conflict.won.clone(),
            lost: conflict.lost.clone(),
        });
        Self {
            device: view.device.public_id.to_string(),
            state: row.as_ref().map(|row| row.state.into()),
            since: row.as_ref().map(|row| row.since.into()),
            generation: row.as_ref().map_or(0, |row| row.generation),
            reported: row.as_ref().map_or(0, |row| row.reported),
            checked_at: row.as_ref().and_then(|row| row.checked_at).map(Into::into),
            detail: row.as_ref().map(|row| row.detail.clone()).unwrap_or_default(),
            lines: of(row.as_ref()),
            conflicts: conflicts.collect(),
            taking_back: leaving.collect(),
            findings: findings.collect(),
        }
    }
}

impl ConfigurationLine {
    /// The lines of a device, in the order of the paths.
    pub(crate) fn all(desired: &Desired, row: Option<&Configured>) -> Vec<Self> {
        let state = |wanted: &Wanted| {
            let key = wanted.line.key();
            row.and_then(|row| row.lines.iter().find(|line| line.key == key))
        };
        desired.lines.values().map(|wanted| Self::new(wanted, state(wanted))).collect()
    }

    fn new(wanted: &Wanted, state: Option<&LineState>) -> Self {
        use fleet::configuration::Standing;
        let standing = state.map_or(Standing::Unknown, |state| state.standing);
        let is_wrong = !matches!(standing, Standing::InLine | Standing::Unknown);
        Self {
            line: wanted.line.key().to_string(),
            expected: wanted.line.want.shown(),
            actual: state.and_then(|state| state.actual.clone()),
            standing: standing.into(),
            wanted_by: format!("{}, version {}", wanted.name, wanted.version),
            writer: state.filter(|_| is_wrong).and_then(|state| writer(&state.writer)),
            refused: state.and_then(|state| state.refused.clone()),
            repairs: state.map_or(0, |state| state.repairs.len() as u64),
        }
    }
}

impl From<Configured> for ConfigurationRow {
    fn from(row: Configured) -> Self {
        Self {
            device: row.device_public_id.to_string(),
            state: row.state.into(),
            since: row.since.into(),
            generation: row.generation,
            reported: row.reported,
            detail: row.detail,
        }
    }
}

fn writer(writer: &fleet::configuration::Writer) -> Option<String> {
    use fleet::configuration::Writer;
    match writer {
        Writer::Nobody => None,
        Writer::Unknown => Some("unknown".to_owned()),
        Writer::Operation { operation, who } => Some(format!("{who}, operation {operation}")),
    }
}
