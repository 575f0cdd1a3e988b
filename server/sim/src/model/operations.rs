//! What people asked of devices, and what they were told.

use std::collections::BTreeMap;

use coap::Message;
use fleet::{OperationId, OperationState};

/// What people asked for.
#[derive(Default)]
pub struct Operations {
    /// Those that somebody was told of.
    pub told: BTreeMap<OperationId, Operation>,
    /// Final states that were seen in the store, of anyone's.
    pub ended: BTreeMap<OperationId, OperationState>,
    /// How many numbers were given to commands.
    pub numbers: u64,
    /// For which device each of them is.
    pub meant_for: BTreeMap<u64, usize>,
}

/// An operation that was acknowledged.
#[derive(Clone, Debug)]
pub struct Operation {
    /// For whom.
    pub device: usize,
    /// The number in it, if it is an Execute or a Create.
    pub number: Option<u64>,
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
