//! What levels want of devices: baselines, and what a change of one would do.

use std::time::Duration;

use fleet::{
    DryRunDevice,
    configuration::{LevelName, write_lines},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

words! {
    /// What is done where a device has something else.
    BaselineMode = fleet::configuration::Mode {
        /// It is said, and nothing is written.
        Report,
        /// It is written once a person has said so.
        Ask,
        /// It is written.
        Repair,
    }
}

words! {
    /// What would happen to a line.
    DryRunEffect = fleet::configuration::Effect {
        /// It is written.
        Write,
        /// It is read, and written if it is something else.
        Look,
        /// The device has it already.
        Keep,
        /// It is said that the device has something else.
        Tell,
        /// Nobody wants it any more: the device keeps what it has.
        Leave,
        /// Nobody wants them any more: the attributes that were set are taken back.
        TakeBack,
    }
}

/// A version of what a level wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Baseline {
    /// For whom: `fleet`, `class:NAME`, `group:ID` or `device:ID`.
    #[schema(example = "class:default")]
    pub level: String,
    /// What that is called.
    #[schema(example = "default")]
    pub name: String,
    /// From 1 on; 0 if it never wanted anything.
    #[schema(example = 3)]
    pub version: u32,
    /// The version that this one brings back, if it does.
    pub rolls_back_to: Option<u32>,
    /// Its lines, as they are written: `/1/0/1 = 86400`, `/3303/0/5700 ? pmin=10`, `/10/0/3 secret`. Values of secrets are never told.
    #[schema(example = "/1/0/1 = 86400\n")]
    pub lines: String,
    /// What is done where a device has something else.
    pub mode: BaselineMode,
    /// How often devices are looked at that say nothing by themselves.
    #[schema(example = 86_400)]
    pub check_every_seconds: u64,
    /// The change ticket it belongs to.
    #[schema(example = "CHG-1042")]
    pub ticket: Option<String>,
    /// What it is for.
    pub comment: String,
    /// Who made it.
    #[schema(example = "ada")]
    pub by: String,
    /// When.
    pub at: Option<Time>,
}

/// The newest baselines of the fleet, of classes and of groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Baselines {
    /// In the order in which they override each other.
    pub baselines: Vec<Baseline>,
}

/// What a level is to want.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBaseline {
    /// The lines. `secret` without a value keeps the one there is.
    #[schema(example = "/1/0/1 = 86400\n")]
    pub lines: String,
    /// What is done where a device has something else; `repair` if it is left out.
    pub mode: Option<BaselineMode>,
    /// 60 to 2 592 000; 86 400 if it is left out.
    #[schema(example = 86_400)]
    pub check_every_seconds: Option<u64>,
    /// The change ticket it belongs to, at most 100 characters.
    #[schema(example = "CHG-1042")]
    pub ticket: Option<String>,
    /// What it is for, at most 500 characters.
    #[serde(default)]
    pub comment: String,
    /// The version that it is meant to follow: it is refused if there is another by now.
    pub after: Option<u32>,
}

/// To which version a level goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// The version.
    #[schema(example = 2)]
    pub to: u32,
    /// The change ticket it belongs to.
    pub ticket: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub comment: String,
}

/// What a change would do to some devices of a level. Devices to which nothing would happen are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    /// The devices.
    pub rows: Vec<DryRunRow>,
    /// How many devices were looked at for this page.
    pub looked_at: u64,
    /// Where to go on; none at the end of the level.
    pub next: Option<String>,
}

/// What would happen to one line of one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunRow {
    /// The device's id.
    pub device: String,
    /// Its endpoint name.
    #[schema(example = "node-7")]
    pub endpoint: String,
    /// Which line; attributes end with `?`.
    #[schema(example = "/1/0/1")]
    pub line: String,
    /// What was wanted before.
    pub before: Option<String>,
    /// What is wanted then.
    pub wanted: Option<String>,
    /// What the device has, as far as that is known.
    pub actual: Option<String>,
    /// What would happen.
    pub effect: DryRunEffect,
}

impl Baseline {
    /// As it is told; none has been made if there is none.
    pub(crate) fn new(
        level: &LevelName,
        name: String,
        baseline: Option<&fleet::configuration::Baseline>,
    ) -> Self {
        let draft = baseline.map(|baseline| baseline.draft.clone()).unwrap_or_default();
        Self {
            level: level.to_string(),
            name,
            version: baseline.map_or(0, |baseline| baseline.version),
            rolls_back_to: baseline.and_then(|baseline| baseline.rolls_back_to),
            lines: write_lines(&draft.lines),
            mode: draft.mode.into(),
            check_every_seconds: draft.check_every.as_secs(),
            ticket: draft.ticket,
            comment: draft.comment,
            by: baseline.map(|baseline| baseline.by.clone()).unwrap_or_default(),
            at: baseline.map(|baseline| baseline.at.into()),
        }
    }
}

impl NewBaseline {
    /// With its lines as they were read.
    pub(crate) fn draft(self, lines: Vec<fleet::configuration::Line>) -> fleet::configuration::Draft {
        let usual = fleet::configuration::Draft::default();
        fleet::configuration::Draft {
            lines,
            mode: self.mode.map_or(usual.mode, Into::into),
            check_every: self.check_every_seconds.map_or(usual.check_every, Duration::from_secs),
            ticket: self.ticket,
            comment: self.comment,
        }
    }
}

impl DryRun {
    pub(crate) fn new(run: fleet::DryRun) -> Self {
        let rows = run.devices.iter().flat_map(DryRunRow::of_device).collect();
        Self { rows, looked_at: run.looked_at, next: run.next.map(|cursor| cursor.0) }
    }
}

impl DryRunRow {
    fn of_device(of: &DryRunDevice) -> Vec<Self> {
        let row = |one: &fleet::configuration::Difference| Self {
            device: of.device.public_id.to_string(),
            endpoint: of.device.endpoint.as_str().to_owned(),
            line: one.key.to_string(),
            before: one.before.clone(),
            wanted: one.wanted.clone(),
            actual: one.actual.clone(),
            effect: one.effect.into(),
        };
        of.differences.iter().map(row).collect()
    }
}
