//! Readings: values as devices reported them.

use objects::{Path, Value};

use crate::Timestamp;

/// One value a device had at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// A resource or resource instance.
    pub path: Path,
    /// What it was.
    pub value: Value,
    /// When, by the device's clock, if it said so.
    pub device_time: Option<Timestamp>,
}

/// A reading as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredReading {
    /// The reading.
    pub reading: Reading,
    /// When the server received it.
    pub received_at: Timestamp,
    /// Orders the readings of one store as they were accepted.
    pub sequence: i64,
}

impl Reading {
    /// How many a device and path keep; older ones are dropped.
    pub const HISTORY_PER_PATH: usize = 1_000;
}

impl StoredReading {
    /// When it was so: by the device's clock if it said, but not later than it arrived, so that a clock that runs ahead
    /// hides no later value. Readings of one path are ordered by this, then by their sequence.
    pub fn at(&self) -> Timestamp {
        self.reading.device_time.map_or(self.received_at, |time| time.min(self.received_at))
    }
}
