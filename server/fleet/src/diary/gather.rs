//! Gathers incidents in memory, so that the store sees few of many.

/// How much is gathered and kept.
#[derive(Clone, Copy, Debug)]
pub struct DiaryBounds {}

/// Incidents that the store has not seen yet.
#[derive(Debug, Default)]
pub struct Diary {}
