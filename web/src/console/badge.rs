//! States as a shape and a word; the tone only says it again.

use fleet::{
    BootstrapResult, CredentialState, DeviceState, OperationState, Presence, configuration::ConfiguredState,
    update::UpdatePhase,
};

use crate::api::v1::types::LineStanding;

/// A state as a page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    /// A class of the stylesheet.
    pub(crate) tone: &'static str,
    /// A shape of `macros/ui.html`.
    pub(crate) icon: &'static str,
    pub(crate) text: &'static str,
}

impl Badge {
    /// Of a device that is looked at: the store says whether it is registered, the shard whether it listens.
    pub(crate) fn of_device(state: DeviceState, presence: Presence) -> Self {
        match (state, presence) {
            (DeviceState::Registered, Presence::Awake) => Self { tone: "good", icon: "disc", text: "Awake" },
            (DeviceState::Registered, Presence::Asleep) => {
                Self { tone: "calm", icon: "moon", text: "Asleep" }
            }
            (DeviceState::Registered, Presence::NotRegistered) | (DeviceState::Expired, _) => {
                Self::of_state(DeviceState::Expired)
            }
            (state, _) => Self::of_state(state),
        }
    }

    /// Of a device in a list.
    pub(crate) fn of_state(state: DeviceState) -> Self {
        match state {
            DeviceState::Registered => Self { tone: "good", icon: "disc", text: "Registered" },
            DeviceState::Deregistered => {
                Self { tone: "", icon: "square", text: "Not registered: it said goodbye" }
            }
            DeviceState::Expired => {
                Self { tone: "warn", icon: "square", text: "Not registered: lifetime ran out" }
            }
            DeviceState::Awaited => Self { tone: "calm", icon: "clock", text: "Awaited" },
            DeviceState::Revoked => Self { tone: "bad", icon: "cross", text: "Revoked" },
            DeviceState::Removed => Self { tone: "", icon: "cross", text: "Removed" },
        }
    }

    pub(crate) fn of_credential(state: CredentialState) -> Self {
        match state {
            CredentialState::Staged => Self { tone: "calm", icon: "clock", text: "Staged: not proved yet" },
            CredentialState::Live => Self { tone: "good", icon: "check", text: "Live" },
            CredentialState::Retired => Self { tone: "", icon: "square", text: "Retired" },
            CredentialState::Revoked => Self { tone: "bad", icon: "cross", text: "Revoked" },
        }
    }

    pub(crate) fn of_bootstrap(result: BootstrapResult) -> Self {
        match result {
            BootstrapResult::UnderWay => Self { tone: "calm", icon: "clock", text: "Under way" },
            BootstrapResult::Finished => Self { tone: "good", icon: "check", text: "Finished" },
            BootstrapResult::Failed => Self { tone: "bad", icon: "cross", text: "Failed" },
        }
    }

    pub(crate) fn of_update(phase: UpdatePhase) -> Self {
        match phase {
            UpdatePhase::Waiting => Self { tone: "calm", icon: "clock", text: "Waiting" },
            UpdatePhase::Delivering => Self { tone: "calm", icon: "arrow", text: "Delivering" },
            UpdatePhase::Installing => Self { tone: "calm", icon: "disc", text: "Installing" },
            UpdatePhase::Verifying => Self { tone: "calm", icon: "question", text: "Verifying" },
            UpdatePhase::Succeeded => Self { tone: "good", icon: "check", text: "Succeeded" },
            UpdatePhase::Failed => Self { tone: "bad", icon: "cross", text: "Failed" },
            UpdatePhase::Cancelled => Self { tone: "", icon: "square", text: "Cancelled" },
            UpdatePhase::Refused => Self { tone: "bad", icon: "square", text: "Refused" },
        }
    }

    pub(crate) fn of_configuration(state: ConfiguredState) -> Self {
        match state {
            ConfiguredState::Waiting => Self { tone: "calm", icon: "clock", text: "Waiting" },
            ConfiguredState::Working => Self { tone: "calm", icon: "arrow", text: "Working" },
            ConfiguredState::InLine => Self { tone: "good", icon: "check", text: "In line" },
            ConfiguredState::Drifted => Self { tone: "warn", icon: "question", text: "Drifted" },
            ConfiguredState::Refused => Self { tone: "bad", icon: "square", text: "Refused" },
            ConfiguredState::Failed => Self { tone: "bad", icon: "cross", text: "Failed" },
            ConfiguredState::Flapping => Self { tone: "bad", icon: "disc", text: "Flapping" },
        }
    }

    pub(crate) fn of_line(standing: LineStanding) -> Self {
        match standing {
            LineStanding::Unknown => Self { tone: "calm", icon: "question", text: "Not known yet" },
            LineStanding::InLine => Self { tone: "good", icon: "check", text: "In line" },
            LineStanding::Out => Self { tone: "warn", icon: "question", text: "Something else" },
            LineStanding::Refused => Self { tone: "bad", icon: "square", text: "Refused" },
            LineStanding::Flapping => Self { tone: "bad", icon: "disc", text: "Flapping" },
        }
    }

    pub(crate) fn of_operation(state: OperationState) -> Self {
        match state {
            OperationState::Queued => Self { tone: "calm", icon: "clock", text: "Waiting" },
            OperationState::Sent => Self { tone: "calm", icon: "arrow", text: "Sent" },
            OperationState::Done => Self { tone: "good", icon: "check", text: "Done" },
            OperationState::Failed => Self { tone: "bad", icon: "cross", text: "Failed" },
            OperationState::Expired => Self { tone: "warn", icon: "clock", text: "Expired" },
            OperationState::Cancelled => Self { tone: "", icon: "square", text: "Cancelled" },
            OperationState::Superseded => Self { tone: "", icon: "square", text: "Superseded" },
            OperationState::Unknown => Self { tone: "warn", icon: "question", text: "Not known" },
        }
    }
}
