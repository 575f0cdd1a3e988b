//! What a disk is told to do wrong.

use std::{collections::BTreeMap, time::Duration};

/// A kind of call that SQLite makes to its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// A name is deleted.
    Delete,
    /// A file is opened, or made.
    Open,
    /// Bytes are read.
    Read,
    /// What was written is to be certain.
    Sync,
    /// A file is cut to a length.
    Truncate,
    /// Bytes are written.
    Write,
}

/// How long something fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// Until it is healed.
    ForEver,
    /// One call.
    Once,
}

/// Why a call does not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no room.
    Full,
    /// It fails, or there is no power.
    Io,
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Calls since the last heal.
    calls: BTreeMap<Call, u64>,
    fail: Option<Fail>,
    /// At which call that changes something the power goes.
    cut_in: Option<u64>,
    /// How many bytes the files may still grow by.
    pub(crate) room: Option<usize>,
    pub(crate) read_only: bool,
    pub(crate) sync_takes: Duration,
}

#[derive(Debug)]
struct Fail {
    of: Option<Call>,
    /// How many calls still succeed.
    after: u64,
    lasts: Lasts,
}

impl Faults {
    pub(crate) fn fail_at(&mut self, number: u64, lasts: Lasts, of: Option<Call>) {
        self.fail = Some(Fail { of, after: number.saturating_sub(1), lasts });
    }

    pub(crate) fn cut_at(&mut self, number: u64) {
        self.cut_in = Some(number);
    }

    pub(crate) fn calls(&self, of: Option<Call>) -> u64 {
        let counted = self.calls.iter().filter(|(call, _)| of.is_none_or(|of| of == **call));
        counted.map(|(_, calls)| calls).sum()
    }

    /// Counts a call. True if the power goes in the middle of it.
    pub(crate) fn cuts(&mut self, call: Call) -> bool {
        if matches!(call, Call::Open | Call::Read) {
            return false;
        }
        let Some(left) = &mut self.cut_in else { return false };
        *left = left.saturating_sub(1);
        *left == 0
    }

    /// What becomes of a call that makes a file longer by `growth` bytes.
    pub(crate) fn meet(&mut self, call: Call, growth: usize) -> Result<(), Refusal> {
        *self.calls.entry(call).or_default() += 1;
        if let Some(fail) = &mut self.fail
            && fail.of.is_none_or(|of| of == call)
        {
            if fail.after == 0 {
                if fail.lasts == Lasts::Once {
                    self.fail = None;
                }
                return Err(Refusal::Io);
            }
            fail.after -= 1;
        }
        if self.read_only && matches!(call, Call::Delete | Call::Truncate | Call::Write) {
            return Err(Refusal::Io);
        }
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(growth).ok_or(Refusal::Full)?;
        }
        Ok(())
    }
}
