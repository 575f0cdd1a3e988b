//! What a change of what is desired would do to a device, by what is known of it: nothing is asked of it.

use std::collections::BTreeMap;

use objects::{Path, Value};

use super::{
    Configured, Desired, Level, LineKey, Mode, Want,
    line::{same, shown},
};

/// What would become of one line of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Which line.
    pub key: LineKey,
    /// Whose baseline wants it; none if nobody does any more.
    pub level: Option<Level>,
    /// What was wanted before, as it is shown.
    pub before: Option<String>,
    /// What is wanted then.
    pub wanted: Option<String>,
    /// What the device has, as far as that is known.
    pub actual: Option<String>,
    /// What would happen.
    pub effect: Effect,
}

/// What would happen to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It is written.
    Write,
    /// What the device has is not known: it is read, and written if it is something else.
    Look,
    /// The device has it already.
    Keep,
    /// It is said that the device has something else, and nothing is written before a person says so.
    Tell,
    /// Nobody wants it any more: the device keeps what it has.
    Leave,
    /// Nobody wants them any more: the attributes that were set are taken back.
    TakeBack,
}

/// What would happen to a device of which `after` is desired instead of `before`: each line that is not as it was, and each that the
/// device does not have as it is to be.
pub fn difference(
    before: &Desired,
    after: &Desired,
    actual: &BTreeMap<Path, Value>,
    row: Option<&Configured>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    for (key, wanted) in &after.lines {
        let digest = wanted.line.digest();
        let earlier = before.lines.get(key);
        let is_same = earlier.is_some_and(|earlier| earlier.line.digest() == digest);
        let state = row.and_then(|row| row.lines.iter().find(|line| line.key == *key));
        let written = state.and_then(|state| state.written.as_ref());
        let has = match &wanted.line.want {
            Want::Value(value) if !state.is_some_and(|state| state.blind) => {
                actual.get(&key.path).map(|actual| same(value, actual))
            }
            // Nobody can look: what was written is what it has.
            _ => Some(written.is_some_and(|written| written.digest == digest)),
        };
        let effect = match (has, wanted.mode) {
            (Some(true), _) => Effect::Keep,
            (_, Mode::Report | Mode::Ask) => Effect::Tell,
            (Some(false), Mode::Repair) => Effect::Write,
            (None, Mode::Repair) => Effect::Look,
        };
        if is_same && effect == Effect::Keep {
            continue;
        }
        found.push(Difference {
            key: *key,
            level: Some(wanted.level),
            before: earlier.map(|earlier| earlier.line.want.shown()),
            wanted: Some(wanted.line.want.shown()),
            actual: visible(*key, &wanted.line.want, actual),
            effect,
        });
    }
    for (key, earlier) in before.lines.iter().filter(|(key, _)| !after.lines.contains_key(key)) {
        found.push(Difference {
            key: *key,
            level: None,
            before: Some(earlier.line.want.shown()),
            wanted: None,
            actual: visible(*key, &earlier.line.want, actual),
            effect: if is_set(*key, row) { Effect::TakeBack } else { Effect::Leave },
        });
    }
    found
}

/// Whether attributes were set there.
fn is_set(key: LineKey, row: Option<&Configured>) -> bool {
    let mut lines = row.into_iter().flat_map(|row| &row.lines);
    key.attributes && lines.any(|line| line.key == key && !line.set_attributes().is_empty())
}

fn visible(key: LineKey, want: &Want, actual: &BTreeMap<Path, Value>) -> Option<String> {
    match want {
        Want::Value(_) => actual.get(&key.path).map(shown),
        Want::Secret(_) | Want::Attributes(_) => None,
    }
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Write, Self::Look, Self::Keep, Self::Tell, Self::Leave, Self::TakeBack];

    /// A word for it, as it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Look => "look",
            Self::Keep => "keep",
            Self::Tell => "tell",
            Self::Leave => "leave",
            Self::TakeBack => "take-back",
        }
    }
}
