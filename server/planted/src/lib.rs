//! Faults that can be planted into the server, to see that the simulator finds them: an invariant that finds no planted
//! fault is not checked at all.
//!
//! The places that ask [`is`] exist under `--cfg planted` alone; no other build holds a word of this. The fault is chosen
//! for a thread, which is where a simulation runs.

use std::{cell::Cell, fmt};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident violates $invariant:literal,)*) => {
        /// A fault, and the invariant of the simulator that it violates.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: [Self; [$(Self::$name),*].len()] = [$(Self::$name),*];

            /// The invariant that it violates.
            pub fn violates(self) -> &'static str {
                match self {
                    $(Self::$name => $invariant,)*
                }
            }
        }
    };
}

faults! {
    /// Answers of any size go to addresses that have proved nothing.
    AnswersUnbounded violates "I-16",
    /// A device that sleeps is called.
    AsleepCalled violates "I-23",
    /// A block that does not follow is added all the same.
    BlocksMixed violates "I-26",
    /// One commit in sixteen never reaches the store.
    CommitLost violates "I-1",
    /// A retransmission across a restart is stored again.
    DeliveryForgotten violates "I-4",
    /// A Deregister is acknowledged and not carried out.
    DeregisterUndone violates "I-3",
    /// A duplicate is taken for a new message.
    DuplicateServed violates "I-7",
    /// An Execute whose outcome is not known is sent again after a restart.
    ExecuteRepeated violates "I-6",
    /// A registration ends after nine tenths of its lifetime.
    ExpiredEarly violates "I-20",
    /// A registration never ends.
    ExpiredNever violates "I-20",
    /// What the store refused is acknowledged.
    FailureAcknowledged violates "I-31",
    /// A bootstrap finishes without its last write.
    FinishedEarly violates "I-27",
    /// Anybody's Update and Deregister is taken.
    ForeignUpdate violates "I-8",
    /// Leases follow the wall clock.
    LeaseByWallClock violates "I-21",
    /// After a restart a registration has what was left of its lifetime.
    LeaseNotRenewed violates "I-20",
    /// After a restart sequence numbers are used again.
    NonceRepeated violates "I-11",
    /// A cancelled observation stays on the books.
    ObservationKept violates "I-25",
    /// Observations are not taken up again after a restart.
    ObservationsForgotten violates "I-25",
    /// An older notification passes a newer one.
    OlderAccepted violates "I-25",
    /// An operation is promised and not stored.
    OperationForgotten violates "I-5",
    /// An operation without an answer never ends.
    OperationLeaked violates "I-18",
    /// A peer is believed to be wherever one record of it comes from.
    PathUnproved violates "I-15",
    /// What was ordered last is sent first.
    QueueReversed violates "I-24",
    /// An answer leaves before its commit.
    RepliedEarly violates "I-1",
    /// A record is taken as often as it comes.
    ReplayTaken violates "I-12",
    /// A message is sent eight times more.
    RetransmittedOften violates "I-22",
    /// The sessions of a revoked credential go on.
    RevokedServed violates "I-9",
    /// A Send is acknowledged and not stored.
    SendDropped violates "I-4",
    /// That an Execute is sent is not recorded first.
    SentUnrecorded violates "I-6",
    /// Tokens are the same at each start.
    TokensRepeated violates "I-10",
    /// A changed Update is acknowledged and forgotten.
    UpdateForgotten violates "I-2",
    /// After a restart it is not known which records came.
    WindowForgotten violates "I-12",
}

thread_local! {
    static CHOSEN: Cell<Option<Fault>> = const { Cell::new(None) };
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

impl Fault {
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
