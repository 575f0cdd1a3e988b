//! What people asked of devices, and what they were told.

use std::collections::{BTreeMap, BTreeSet};

use coap::Message;
use fleet::{OperationId, OperationState, Timestamp, store::ENDED_OPERATION_KEPT};

/// What people asked for.
#[derive(Default)]
pub struct Operations {
    /// Those that somebody was told of.
    pub told: BTreeMap<OperationId, Operation>,
    /// Final states that were seen in the store, of anyone's.
    pub ended: BTreeMap<OperationId, OperationState>,
    /// How many numbers were given to commands.
    pub numbers: u64,
    /// Those whose end the store refused: it is told as soon as it is known, and stored when the store is back.
    pub unrecorded: BTreeSet<OperationId>,
    /// When commands were asked for and when that was told, by the order of all that was asked and told.
    pub asked_at: BTreeMap<u64, u64>,
    /// See there.
    pub told_at: BTreeMap<u64, u64>,
    turns: u64,
    /// Whether the wall clock was set.
    pub has_jumped: bool,
    /// What the wall clock shows in the end.
    pub ends_at: Timestamp,
    /// For which device each of them is.
    pub meant_for: BTreeMap<u64, usize>,
    /// Those that went to a device that was taken for another.
    pub strayed: BTreeSet<u64>,
    /// What the wall clock showed earliest, and latest when a server started.
    pub clock: Option<(Timestamp, Timestamp)>,
}

impl Operations {
    /// Somebody asks for a command.
    pub fn asked(&mut self, number: u64, device: usize) {
        self.turns += 1;
        self.asked_at.insert(number, self.turns);
        self.meant_for.insert(number, device);
    }

    /// Somebody is told of a command.
    pub fn answered(&mut self, number: u64) {
        self.turns += 1;
        self.told_at.insert(number, self.turns);
    }

    /// The wall clock was set, or a server is started by it.
    pub fn shown(&mut self, wall: Timestamp, starts: bool) {
        let (earliest, latest) = self.clock.unwrap_or((wall, wall));
        self.has_jumped |= !starts;
        self.clock = Some((earliest.min(wall), if starts { latest.max(wall) } else { latest }));
    }

    /// Whether a server may have taken an operation that has ended for one of long ago. One that is started believes what was noted
    /// last by the one before it, whose clock may have been ahead.
    pub fn may_be_purged(&self) -> bool {
        self.clock.is_some_and(|(earliest, latest)| latest.since(earliest) > ENDED_OPERATION_KEPT)
    }
}

/// An operation that was acknowledged.
#[derive(Clone, Debug)]
pub struct Operation {
    /// For whom.
    pub device: usize,
    /// The number in it, if it is an Execute or a Create.
    pub number: Option<u64>,
    /// How it ended, if whoever asked for it was told.
    pub outcome: Option<OperationState>,
    /// Whether somebody took it back, and was told so.
    pub taken_back: bool,
}

/// What stands before the number of a command.
const MARK: &str = "sim#";

/// The text by which a command is known on the wire.
pub fn mark(number: u64) -> String {
    format!("{MARK}{number}.")
}

/// The number of the command that a request carries.
pub fn number_in(message: &Message) -> Option<u64> {
    let at = message.payload.windows(MARK.len()).position(|window| window == MARK.as_bytes())?;
    let rest = &message.payload[at + MARK.len()..];
    let end = rest.iter().position(|byte| *byte == b'.')?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}
