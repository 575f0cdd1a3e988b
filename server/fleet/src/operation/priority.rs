//! How soon an operation is sent among those that wait for the same device.

/// How soon an operation is sent among those that wait for the same device. It says when, not what comes of it: operations
/// that meet at a node are sent in the order in which they were asked for, whatever their priorities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before all others.
    Urgent,
    /// What people and programs ask for.
    #[default]
    Normal,
    /// When nothing else waits: what the server asks for by itself.
    Background,
}

impl Priority {
    /// All of them, what goes first first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Background];

    /// A word for it, as it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
            Self::Background => "background",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.name() == name)
    }
}
