//! The connection diary: who failed to get in, why, and what to do about it.
//!
//! What fails is an [`Incident`]; incidents of one cause and one subject are one [`DiaryEntry`] with a count. Both are
//! bounded: see [`Diary`], which gathers incidents in memory and hands what has changed to the store about once a second.

use std::net::SocketAddr;

use crate::{DeviceId, DiaryId, PublicId, Timestamp};

mod cause;
pub use cause::DiaryCause;

mod gather;
pub use gather::{Diary, DiaryBounds};

/// Something that did not get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: DiaryCause,
    /// Who said to be there: a PSK identity or an endpoint name as shown, or the address where nothing better is known.
    pub subject: String,
    /// From where.
    pub from: SocketAddr,
    /// The listener's name, such as `coaps://0.0.0.0:5684`.
    pub listener: String,
    /// The device, where it is known.
    pub device: Option<DeviceId>,
    /// What was seen, in one line, without keys; at most [`Incident::MAX_DETAIL`] bytes.
    pub detail: String,
}

/// Incidents of one cause and subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiaryEntry {
    /// Names it in URLs.
    pub id: DiaryId,
    /// Why.
    pub cause: DiaryCause,
    /// Who.
    pub subject: String,
    /// From where, the last time.
    pub from: SocketAddr,
    /// At which listener, the last time.
    pub listener: String,
    /// The device, where it is known, by its public name.
    pub device: Option<PublicId>,
    /// What was seen the last time.
    pub detail: String,
    /// The first time.
    pub first_at: Timestamp,
    /// The last time.
    pub last_at: Timestamp,
    /// How often.
    pub count: u64,
}

/// What has come to a group since it was last written. The store adds the count to the entry of the same cause and
/// subject, or makes one; at most [`DiaryBounds::ENTRIES`] are kept, those of longest ago go first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiaryNote {
    /// The last incident.
    pub last: Incident,
    /// The first one of this note.
    pub first_at: Timestamp,
    /// How many there were.
    pub count: u64,
    /// The name the entry gets if there is none yet.
    pub id: DiaryId,
}

impl Incident {
    /// How long the line may be.
    pub const MAX_DETAIL: usize = 512;
    /// How long the subject may be.
    pub const MAX_SUBJECT: usize = 260;
}
