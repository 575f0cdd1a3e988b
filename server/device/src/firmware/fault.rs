//! What goes wrong with an update, on purpose. What a device gets wrong with single requests, such as an Update that is
//! never answered, is a [`Misbehaviour`](crate::Misbehaviour).

use std::time::Duration;

use coap::{BlockSize, Code};

use super::UpdateResult;

/// Something that goes wrong with an update, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirmwareFault {
    /// What.
    pub mishap: Mishap,
    /// How often it still does.
    pub times: u32,
}

/// What can go wrong with an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It ends with this result, from 2 to 10, when its moment has come: before, during or after the download, or at
    /// Update.
    Ends(UpdateResult),
    /// The power fails in the middle of the download and is back after some time.
    PowerCut {
        /// When so many bytes are there.
        at: usize,
        /// After which time.
        back_after: Duration,
        /// Whether the device still has what it had, and goes on from there.
        remembers: bool,
    },
    /// A block of a push is answered with this code, and not taken.
    Answers {
        /// When so many bytes are there.
        at: usize,
        /// The code, such as 4.08 or 5.00.
        code: Code,
    },
    /// The first block of a push is answered with 4.13, until the blocks are no larger than this (RFC 7959 §2.9.3).
    WantsSmaller(BlockSize),
    /// The blocks of a push are not answered any more.
    FallsSilent {
        /// When so many bytes are there.
        at: usize,
    },
    /// A device in queue mode closes its window in the middle of the download, and comes back with its next Update.
    FallsAsleep {
        /// When so many bytes are there.
        at: usize,
    },
    /// The user puts the update off (result 11), by this time or by what the server allows, if that is less.
    Defers(Duration),
    /// The installation never ends.
    Hangs,
    /// The device comes back with the old version.
    RollsBack {
        /// Whether it says that the update failed, or that it was a success.
        admits: bool,
    },
    /// The device comes back with the new version, and the result stays 0.
    KeepsQuiet,
    /// The device says that it was a success and that it has the new version, but for `/3/0/3`, and that is right.
    Lies,
    /// After the update the device comes back again, after this time.
    Flaps(Duration),
}

impl FirmwareFault {
    /// Something that goes wrong once.
    pub fn once(mishap: Mishap) -> Self {
        Self { mishap, times: 1 }
    }

    /// Something that goes wrong whenever it can.
    pub fn always(mishap: Mishap) -> Self {
        Self { mishap, times: u32::MAX }
    }
}

/// Finds the first mishap that fits, and counts it.
pub(crate) fn strike<T>(faults: &mut [FirmwareFault], fits: impl Fn(Mishap) -> Option<T>) -> Option<T> {
    let left = faults.iter_mut().filter(|fault| fault.times > 0);
    let (times, found) = left.filter_map(|fault| Some((&mut fault.times, fits(fault.mishap)?))).next()?;
    if *times < u32::MAX {
        *times -= 1;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_says() {
        let mut faults = [FirmwareFault::once(Mishap::Hangs), FirmwareFault::always(Mishap::KeepsQuiet)];
        let mut struck = || strike(&mut faults, Some);
        assert_eq!(
            [struck(), struck(), struck()],
            [Some(Mishap::Hangs), Some(Mishap::KeepsQuiet), Some(Mishap::KeepsQuiet)]
        );
        assert_eq!(strike(&mut faults, |mishap| (mishap == Mishap::Hangs).then_some(())), None);
    }
}
