//! Baselines: versions of what one level wants.

use std::{collections::BTreeSet, time::Duration};

use objects::{Path, Value};

use super::{Level, Line, LineKey, Want};
use crate::{Timestamp, update::UpdateTarget};

/// One version of what a level wants. Versions are kept; the newest counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// For whom.
    pub level: Level,
    /// From 1 on, one after the other.
    pub version: u32,
    /// What it wants, and how.
    pub draft: Draft,
    /// The version that it brings back, if it does.
    pub rolls_back_to: Option<u32>,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What a baseline wants, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// In the order of the paths. None: the level wants nothing.
    pub lines: Vec<Line>,
    /// What is done where a device has something else.
    pub mode: Mode,
    /// How often devices are looked at that say nothing by themselves.
    pub check_every: Duration,
    /// The change ticket it belongs to.
    pub ticket: Option<String>,
    /// What it is for.
    pub comment: String,
}

/// What is done where a device has something else than it is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// It is said. Nothing is ever written, but for what a person asks for.
    Report,
    /// It is written once a person has said so, for each device.
    Ask,
    /// It is written.
    #[default]
    Repair,
}

/// Why a draft can't be a baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// Too many lines.
    #[error("a baseline has {max} lines at most, this one has {count}: split it over a class and its groups", max = Draft::MAX_LINES)]
    Lines {
        /// How many.
        count: usize,
    },
    /// Two lines about the same thing.
    #[error("{key} stands there twice: leave one of the two lines out")]
    Twice {
        /// About what.
        key: LineKey,
    },
    /// One line within another.
    #[error("{path} lies within {other}, which stands there too: leave one of the two lines out")]
    Within {
        /// The lower one.
        path: Path,
        /// The higher one.
        other: Path,
    },
    /// A value where none can be.
    #[error("{path}: a value stands at a resource or a resource instance, such as /1/0/1")]
    NoResource {
        /// Where.
        path: Path,
    },
    /// What the bootstrap server alone writes.
    #[error("{path} is written by bootstrap alone (LwM2M Core 1.1.1 §6.2.1): put it into a bootstrap plan")]
    Bootstrap {
        /// Where.
        path: Path,
    },
    /// What an update alone brings, which looks at who has signed it.
    #[error(
        "{path} brings firmware or software to the device (LwM2M Core 1.1.1 Annex E.6): upload that as an artefact and begin an update"
    )]
    Package {
        /// Where.
        path: Path,
    },
    /// Too long.
    #[error("{path}: a value has {max} bytes at most here", max = Draft::MAX_VALUE_BYTES)]
    TooLong {
        /// Where.
        path: Path,
    },
    /// Attributes that can't stand together, or none.
    #[error("{path}: {reason}")]
    Attributes {
        /// Where.
        path: Path,
        /// What is wrong.
        reason: String,
    },
    /// A time that is too short or too long.
    #[error("devices are looked at every {min} to {max} seconds", min = Draft::MIN_CHECK.as_secs(), max = Draft::MAX_CHECK.as_secs())]
    CheckEvery,
    /// A ticket or a comment that is too long.
    #[error("a ticket has {ticket} characters at most and a comment {comment}", ticket = Draft::MAX_TICKET, comment = Draft::MAX_COMMENT)]
    Text,
}

impl Baseline {
    /// How many versions of one level are kept: the newest.
    pub const MAX_VERSIONS: u32 = 500;
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            mode: Mode::default(),
            check_every: Self::DEFAULT_CHECK,
            ticket: None,
            comment: String::new(),
        }
    }
}

impl Draft {
    /// How many lines a baseline has at most.
    pub const MAX_LINES: usize = 64;
    /// How many bytes a value has at most.
    pub const MAX_VALUE_BYTES: usize = 4_096;
    /// The shortest time between two looks at a device.
    pub const MIN_CHECK: Duration = Duration::from_secs(60);
    /// The longest.
    pub const MAX_CHECK: Duration = Duration::from_secs(30 * 86_400);
    /// How often devices are looked at unless a baseline says otherwise.
    pub const DEFAULT_CHECK: Duration = Duration::from_secs(86_400);
    /// The longest ticket, in characters.
    pub const MAX_TICKET: usize = 100;
    /// The longest comment, in characters.
    pub const MAX_COMMENT: usize = 500;

    /// Whether it can be a baseline.
    pub fn check(&self) -> Result<(), BaselineError> {
        if self.lines.len() > Self::MAX_LINES {
            return Err(BaselineError::Lines { count: self.lines.len() });
        }
        if !(Self::MIN_CHECK..=Self::MAX_CHECK).contains(&self.check_every) {
            return Err(BaselineError::CheckEvery);
        }
        let ticket = self.ticket.as_deref().unwrap_or_default();
        if ticket.chars().count() > Self::MAX_TICKET || self.comment.chars().count() > Self::MAX_COMMENT {
            return Err(BaselineError::Text);
        }
        let mut keys = BTreeSet::new();
        for line in &self.lines {
            line.check()?;
            if !keys.insert(line.key()) {
                return Err(BaselineError::Twice { key: line.key() });
            }
        }
        for LineKey { path, attributes } in &keys {
            let higher = path
                .parent()
                .filter(|parent| !attributes && keys.contains(&LineKey { path: *parent, attributes: false }));
            if let Some(other) = higher {
                return Err(BaselineError::Within { path: *path, other });
            }
        }
        Ok(())
    }

    /// With its lines in the order of the paths.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.lines.sort_by_key(Line::key);
        self
    }
}

impl Line {
    fn check(&self) -> Result<(), BaselineError> {
        let path = self.path;
        let value = match &self.want {
            Want::Value(value) => value,
            Want::Secret(hidden) => &hidden.value,
            Want::Attributes(attributes) => {
                let wrong = |reason: &str| BaselineError::Attributes { path, reason: reason.to_owned() };
                if attributes.is_empty() {
                    return Err(wrong("name the attributes to set, such as pmin=10&pmax=60"));
                }
                if path == Path::Root {
                    return Err(wrong("nothing can be set at the root"));
                }
                return attributes.check().map_err(|error| wrong(&error.to_string()));
            }
        };
        if path.depth() < 3 {
            return Err(BaselineError::NoResource { path });
        }
        // LwM2M Core 1.1.1 §6.2.1, Appendix E.1: a client refuses these to any server but that of the bootstrap.
        if path.object().is_some_and(|object| matches!(object.0, 0 | 21)) {
            return Err(BaselineError::Bootstrap { path });
        }
        if UpdateTarget::is_brought_by(&path) {
            return Err(BaselineError::Package { path });
        }
        let bytes = match value {
            Value::String(text) | Value::CoreLink(text) => text.len(),
            Value::Opaque(bytes) => bytes.len(),
            _ => 0,
        };
        if bytes > Draft::MAX_VALUE_BYTES {
            return Err(BaselineError::TooLong { path });
        }
        Ok(())
    }
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Report, Self::Ask, Self::Repair];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Ask => "ask",
            Self::Repair => "repair",
        }
    }

    /// The mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}
