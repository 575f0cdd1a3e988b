//! What a session has to do, and what a device says when it does not want it.

use objects::{ObjectId, Path, Value};

use crate::ResponseCode;

/// Something to do.
#[derive(Clone, PartialEq)]
pub(super) enum Task {
    Discover(Path),
    Read(ObjectId),
    Delete(Path),
    Write {
        what: What,
        path: Path,
        values: Vec<(Path, Value)>,
    },
    /// Nothing is asked: all that can be seen is held against what was to be.
    Compare,
    Finish,
}

/// What a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The bootstrap server's own account. The device keeps the one it has if it refuses.
    Bootstrap,
    /// The management account: without it there is no use going on.
    Account,
    /// What the plan has beside it.
    Planned,
}

/// What a device says when it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) code: ResponseCode,
    pub(super) text: String,
}

impl Complaint {
    pub(super) fn none() -> Self {
        Self { code: ResponseCode { class: 0, detail: 0 }, text: String::new() }
    }

    pub(super) fn code(&self) -> (u8, u8) {
        (self.code.class, self.code.detail)
    }
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, text } = self;
        write!(f, "{}.{:02}", code.class, code.detail)?;
        if text.is_empty() { Ok(()) } else { write!(f, " (“{text}”)") }
    }
}

/// Values are not told.
impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Discover(path) => write!(f, "Discover {path}"),
            Self::Read(object) => write!(f, "Read /{object}"),
            Self::Delete(path) => write!(f, "Delete {path}"),
            Self::Compare => f.write_str("Compare"),
            Self::Write { what, path, values } => write!(f, "Write {what:?} {path} ({})", values.len()),
            Self::Finish => f.write_str("Finish"),
        }
    }
}
