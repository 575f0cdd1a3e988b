//! Baselines as rows.

use std::time::Duration;

use fleet::{
    Fingerprint, StoreError, Timestamp,
    configuration::{Baseline, Draft, Hidden, Level, Line, Mode, Want},
};
use objects::Attributes;
use serde::{Deserialize, Serialize};

use super::{OrCorrupt as _, json, operation::Kept, text, text_column};
use crate::store::entity::baseline;

/// A secret is sealed for a number: its level and version give one.
pub(in crate::store) fn number(level: Level, version: u32) -> i64 {
    let name = format!("{} {} {version}", level.kind(), level.row());
    let Fingerprint(bytes) = Fingerprint::of(name.as_bytes());
    let (first, _) = bytes.split_at(8);
    i64::from_be_bytes(first.try_into().expect("eight bytes"))
}

/// The secrets of a baseline, to be sealed; empty if it has none.
pub(in crate::store) fn secrets(baseline: &Baseline) -> Vec<u8> {
    let secret = |line: &Line| match &line.want {
        Want::Secret(Hidden { value, salt }) => Some((line.path.to_string(), Kept::from(value), *salt)),
        Want::Value(_) | Want::Attributes(_) => None,
    };
    let secrets: Vec<(String, Kept, [u8; 16])> = baseline.draft.lines.iter().filter_map(secret).collect();
    if secrets.is_empty() { Vec::new() } else { json(&secrets).into_bytes() }
}

pub(in crate::store) fn baseline_row(baseline: &Baseline, sealed: Vec<u8>) -> baseline::Model {
    let Baseline { level, version, draft, rolls_back_to, by, at } = baseline;
    let lines: Vec<StoredLine> = draft.lines.iter().map(StoredLine::from).collect();
    baseline::Model {
        level: level.kind().to_owned(),
        level_id: level.row(),
        version: (*version).into(),
        number: number(*level, *version),
        newest: 1,
        mode: draft.mode.name().to_owned(),
        check_every_ms: i64::try_from(draft.check_every.as_millis()).unwrap_or(i64::MAX),
        lines: json(&lines),
        sealed,
        ticket: draft.ticket.as_deref().map(text_column),
        comment: text_column(&draft.comment),
        rolls_back_to: rolls_back_to.map(i64::from),
        made_by: text_column(by),
        made_at: at.0,
    }
}

/// `secrets` is what was sealed.
pub(in crate::store) fn baseline(row: baseline::Model, secrets: &[u8]) -> Result<Baseline, StoreError> {
    read_baseline(row, secrets).or_corrupt("baseline")
}

fn read_baseline(row: baseline::Model, secrets: &[u8]) -> Option<Baseline> {
    let secrets: Vec<(String, Kept, [u8; 16])> = match secrets {
        [] => Vec::new(),
        secrets => serde_json::from_slice(secrets).ok()?,
    };
    let mut secrets = secrets.into_iter();
    let lines: Vec<StoredLine> = serde_json::from_str(&row.lines).ok()?;
    let line = |stored: StoredLine| {
        let (path, want) = match stored {
            StoredLine::Value { path, value } => (path, Want::Value(value.value()?)),
            StoredLine::Attributes { path, set } => {
                let (attributes, _) = Attributes::parse_queries(set.iter().map(String::as_str)).ok()?;
                (path, Want::Attributes(attributes))
            }
            StoredLine::Secret { path } => {
                let (_, value, salt) = secrets.next().filter(|(of, ..)| *of == path)?;
                (path, Want::Secret(Hidden { value: value.value()?, salt }))
            }
        };
        Some(Line { path: path.parse().ok()?, want })
    };
    let lines = lines.into_iter().map(line).collect::<Option<Vec<Line>>>()?;
    Some(Baseline {
        level: Level::of(&row.level, row.level_id)?,
        version: row.version.try_into().ok()?,
        draft: Draft {
            lines,
            mode: Mode::from_name(&row.mode)?,
            check_every: Duration::from_millis(row.check_every_ms.try_into().ok()?),
            ticket: row.ticket.as_deref().map(text),
            comment: text(&row.comment),
        },
        rolls_back_to: row.rolls_back_to.map(u32::try_from).transpose().ok()?,
        by: text(&row.made_by),
        at: Timestamp(row.made_at),
    })
}

/// A line; what is secret of it stands elsewhere, in the same order.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredLine {
    Value { path: String, value: Kept },
    Secret { path: String },
    Attributes { path: String, set: Vec<String> },
}

impl From<&Line> for StoredLine {
    fn from(line: &Line) -> Self {
        let path = line.path.to_string();
        match &line.want {
            Want::Value(value) => Self::Value { path, value: value.into() },
            Want::Secret(_) => Self::Secret { path },
            Want::Attributes(attributes) => Self::Attributes { path, set: attributes.to_queries() },
        }
    }
}
