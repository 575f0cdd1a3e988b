//! What a device does wrong, on purpose.

use std::time::Duration;

use coap::Code;
use objects::Path;

use crate::{FirmwareFault, Operation, command::Command};

/// What a device does wrong. By default, nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Whether everything that was written is lost when the device starts anew.
    pub loses_state: bool,
    /// Whether what a bootstrap has written so far survives when it is cut off by a loss of power. If not, the device comes
    /// back as it was before the bootstrap. What was finished always survives.
    pub keeps_unfinished_bootstrap: bool,
    /// What it does wrong with requests; the first one that fits counts.
    pub misbehaviours: Vec<Misbehaviour>,
    /// What goes wrong with its updates; the first one that fits and has times left counts.
    pub firmware: Vec<FirmwareFault>,
    /// The same for its software, as far as that knows of it.
    pub software: Vec<FirmwareFault>,
}

/// One operation that a device gets wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misbehaviour {
    /// Which operation.
    pub operation: Operation,
    /// At this path and below it.
    pub within: Path,
    /// What it does instead.
    pub how: How,
}

/// How a device gets an operation wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is as if the request had not come.
    Ignore,
    /// An empty acknowledgement and never a response. Nothing is done.
    AcknowledgeOnly,
    /// It is done at once, but answered after this time; as a separate response where that is longer than a second.
    AnswerLate(Duration),
    /// This is the answer. Nothing is done.
    AnswerWith(Code),
    /// It is done, and the payload of the answer is garbage in any format.
    AnswerMalformed,
    /// It is done and not answered: the power fails, and is back after this time.
    PowerCut(Duration),
    /// So many times it is answered as if it were done, and nothing is: a bootstrap that is finished then is refused with 4.06,
    /// until what was forgotten is asked once more.
    Forget(u32),
}

impl Faults {
    /// As Wakaama's client does: what names several nodes is acknowledged and never answered.
    pub fn never_answering_composites() -> Self {
        let composites = [
            Operation::ReadComposite,
            Operation::WriteComposite,
            Operation::ObserveComposite,
            Operation::CancelCompositeObservation,
        ];
        let silent = |operation| Misbehaviour { operation, within: Path::Root, how: How::AcknowledgeOnly };
        Self { misbehaviours: composites.into_iter().map(silent).collect(), ..Self::default() }
    }

    /// As some clients do within a bootstrap: one Write of the Server object does not reach their flash, and one Delete there
    /// does not either.
    pub fn forgetting_servers() -> Self {
        let forget = |operation| Misbehaviour { operation, within: SERVERS, how: How::Forget(1) };
        let misbehaviours = [Operation::BootstrapWrite, Operation::BootstrapDelete].map(forget).into();
        Self { misbehaviours, ..Self::default() }
    }

    pub(crate) fn meet(&mut self, command: &Command) -> Option<How> {
        let meets = |fault: &&mut Misbehaviour| {
            fault.operation == command.operation
                && command.path.is_within(&fault.within)
                && fault.how != How::Forget(0)
        };
        let fault = self.misbehaviours.iter_mut().find(meets)?;
        let how = fault.how;
        if let How::Forget(times) = &mut fault.how {
            *times -= 1;
        }
        Some(how)
    }
}

const SERVERS: Path = Path::Object(objects::ObjectId(1));
