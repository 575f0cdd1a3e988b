//! Priorities and awake times as columns.

use std::time::Duration;

use fleet::{
    Priority, StoreError, Timestamp,
    queue::{Awake, Learned},
};

use super::OrCorrupt as _;
use crate::store::entity::device_awake;

/// They are ordered as their columns are.
pub(in crate::store) fn priority_column(priority: Priority) -> i64 {
    match priority {
        Priority::Urgent => 0,
        Priority::Normal => 1,
        Priority::Background => 2,
    }
}

pub(in crate::store) fn priority(column: i64) -> Option<Priority> {
    Priority::ALL.into_iter().find(|priority| priority_column(*priority) == column)
}

pub(in crate::store) fn ms_column(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

pub(in crate::store) fn ms(column: i64) -> Option<Duration> {
    column.try_into().ok().map(Duration::from_millis)
}

/// Without what was said of the class.
pub(in crate::store) fn awake(row: device_awake::Model) -> Result<Awake, StoreError> {
    let what = "awake time";
    let learned = match (row.learned_ms, row.learned_at) {
        (Some(learned_ms), Some(at)) => Some(Learned {
            time: ms(learned_ms).or_corrupt(what)?,
            answers: row.answers.try_into().or_corrupt(what)?,
            silences: row.silences.try_into().or_corrupt(what)?,
            at: Timestamp(at),
        }),
        _ => None,
    };
    let device = row.said_ms.map(|said_ms| ms(said_ms).or_corrupt(what)).transpose()?;
    Ok(Awake { device, class: None, learned })
}
