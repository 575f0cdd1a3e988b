//! Faults that can be planted into the server, to see that the simulator finds them: an invariant that finds no planted
//! fault is not checked at all.
//!
//! The places that ask [`is`] exist under `--cfg planted` alone; no other build holds a word of this. The fault is chosen
//! for a thread, which is where a simulation runs.

use std::{cell::Cell, fmt};

/// A fault, and the invariant of the simulator that it violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// I-16: answers of any size go to addresses that have proved nothing.
    AnswersUnbounded,
    /// I-23: a device that sleeps is called.
    AsleepCalled,
    /// I-26: a block that does not follow is added all the same.
    BlocksMixed,
    /// I-1: one commit in sixteen never reaches the store.
    CommitLost,
    /// I-4: a retransmission across a restart is stored again.
    DeliveryForgotten,
    /// I-3: a Deregister is acknowledged and not carried out.
    DeregisterUndone,
    /// I-7: a duplicate is taken for a new message.
    DuplicateServed,
    /// I-6: an Execute whose outcome is not known is sent again after a restart.
    ExecuteRepeated,
    /// I-20: a registration ends after nine tenths of its lifetime.
    ExpiredEarly,
    /// I-20: a registration never ends.
    ExpiredNever,
    /// I-31: what the store refused is acknowledged.
    FailureAcknowledged,
    /// I-27: a bootstrap finishes without its last write.
    FinishedEarly,
    /// I-8: anybody's Update and Deregister is taken.
    ForeignUpdate,
    /// I-21: leases follow the wall clock.
    LeaseByWallClock,
    /// I-20: after a restart a registration has what was left of its lifetime.
    LeaseNotRenewed,
    /// I-11: after a restart sequence numbers are used again.
    NonceRepeated,
    /// I-25: a cancelled observation stays on the books.
    ObservationKept,
    /// I-25: observations are not taken up again after a restart.
    ObservationsForgotten,
    /// I-25: an older notification passes a newer one.
    OlderAccepted,
    /// I-5: an operation is promised and not stored.
    OperationForgotten,
    /// I-5 and I-18: an operation without an answer never ends.
    OperationLeaked,
    /// I-15: a peer is believed to be wherever one record of it comes from.
    PathUnproved,
    /// I-24: what was ordered last is sent first.
    QueueReversed,
    /// I-1: an answer leaves before its commit.
    RepliedEarly,
    /// I-12: a record is taken as often as it comes.
    ReplayTaken,
    /// I-22: a message is sent eight times more.
    RetransmittedOften,
    /// I-9: the sessions of a revoked credential go on.
    RevokedServed,
    /// I-4: a Send is acknowledged and not stored.
    SendDropped,
    /// I-6: that an Execute is sent is not recorded first.
    SentUnrecorded,
    /// I-10: tokens are the same at each start.
    TokensRepeated,
    /// I-2: a changed Update is acknowledged and forgotten.
    UpdateForgotten,
    /// I-12: after a restart it is not known which records came.
    WindowForgotten,
}

thread_local! {
    static CHOSEN: Cell<Option<Fault>> = const { Cell::new(None) };
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 32] = [
        Self::AnswersUnbounded,
        Self::AsleepCalled,
        Self::BlocksMixed,
        Self::CommitLost,
        Self::DeliveryForgotten,
        Self::DeregisterUndone,
        Self::DuplicateServed,
        Self::ExecuteRepeated,
        Self::ExpiredEarly,
        Self::ExpiredNever,
        Self::FailureAcknowledged,
        Self::FinishedEarly,
        Self::ForeignUpdate,
        Self::LeaseByWallClock,
        Self::LeaseNotRenewed,
        Self::NonceRepeated,
        Self::ObservationKept,
        Self::ObservationsForgotten,
        Self::OlderAccepted,
        Self::OperationForgotten,
        Self::OperationLeaked,
        Self::PathUnproved,
        Self::QueueReversed,
        Self::RepliedEarly,
        Self::ReplayTaken,
        Self::RetransmittedOften,
        Self::RevokedServed,
        Self::SendDropped,
        Self::SentUnrecorded,
        Self::TokensRepeated,
        Self::UpdateForgotten,
        Self::WindowForgotten,
    ];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.to_string() == name)
    }
}

/// Its name, in lower case with dashes.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in format!("{self:?}").char_indices() {
            if at > 0 && letter.is_uppercase() {
                f.write_str("-")?;
            }
            write!(f, "{}", letter.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

/// Chooses the fault that this thread's server has from now on, or none.
pub fn choose(fault: Option<Fault>) {
    CHOSEN.set(fault);
    ASKED.set(0);
}

/// Whether this fault is chosen.
pub fn is(fault: Fault) -> bool {
    CHOSEN.get() == Some(fault)
}

/// Whether this fault is chosen, once in so many times that it is asked.
pub fn is_once_in(times: u64, fault: Fault) -> bool {
    is(fault) && {
        ASKED.set(ASKED.get() + 1);
        ASKED.get().is_multiple_of(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own_and_only_the_chosen_one_is() {
        for fault in Fault::ALL {
            assert_eq!(Fault::named(&fault.to_string()), Some(fault));
            choose(Some(fault));
            assert_eq!(Fault::ALL.into_iter().filter(|other| is(*other)).count(), 1);
        }
        choose(None);
        assert!(!Fault::ALL.into_iter().any(is));
        assert_eq!(Fault::AsleepCalled.to_string(), "asleep-called");
    }
}
