//! What is known of a device when its configuration is looked at.

use std::{collections::BTreeMap, sync::Arc};

use objects::{Attributes, InstanceId, ObjectId, Path, ResourceId, Value, Version, link::ObjectLinks};

use super::{LineKey, Writer};
use crate::{Binding, Lifetime, OperationId, Registration, RegistrationId, Timestamp};

/// What is known of a device when its configuration is looked at.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its registration.
    pub registered: Option<Listening>,
    /// The latest that it has said, by path; at least that of the paths that are desired.
    pub values: BTreeMap<Path, Known>,
    /// Who but the engine has written to a path last, where that is known.
    pub writers: BTreeMap<Path, Writer>,
    /// What others than the engine have written last by operations of this server, as far as that was looked for.
    pub overwritten: BTreeMap<LineKey, Overwritten>,
    /// The attributes that the device's class wishes, where they were set.
    pub wished: BTreeMap<Path, Attributes>,
    /// What became of what was asked last.
    pub asked: Option<Asked>,
}

/// A registration, as far as configuration is concerned.
#[derive(Clone, Debug)]
pub struct Listening {
    /// Which.
    pub id: RegistrationId,
    /// Its enabler version.
    pub lwm2m: Version,
    /// What it says of the account at this server.
    pub terms: AccountTerms,
    /// Whether it answers composite operations, as far as is known.
    pub composites: bool,
    /// Whether the device listens now.
    pub awake: bool,
    /// What it has.
    pub links: Arc<ObjectLinks>,
    /// The resources that are never read, by their model, of those that are desired.
    pub blind: Vec<Path>,
}

/// What a registration says that stands in the device's account at this server, too (LwM2M Core 1.1.1 §6.2.1, Annex E.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountTerms {
    /// `lt`: `/1/x/1`.
    pub lifetime: Lifetime,
    /// `b` and `Q`: `/1/x/7`.
    pub binding: Binding,
}

/// What somebody has written to a line by an operation of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overwritten {
    /// When the device had done it.
    pub at: Timestamp,
    /// By which operation.
    pub operation: OperationId,
    /// Who asked for it.
    pub who: String,
    /// Whether that is what is wanted.
    pub agrees: bool,
}

/// A value, and when it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What.
    pub value: Value,
    /// When.
    pub at: Timestamp,
}

/// What became of what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It waits for the device, or is on its way.
    UnderWay,
    /// It did it.
    Done,
    /// It answered with an error, or can't be asked this at all.
    Refused(String),
    /// There was no usable answer.
    Failed(String),
    /// It does not listen any more.
    Away,
}

impl Listening {
    /// The instance of the object Server that is the account at this server: the only one. Of several nobody knows here which.
    pub fn account(&self) -> Option<InstanceId> {
        let instances = &self.links.objects.get(&SERVER)?.instances;
        instances.first().copied().filter(|_| instances.len() == 1)
    }
}

impl AccountTerms {
    /// Whether a registration may say what stands at a path.
    pub(crate) fn tell(path: &Path) -> bool {
        matches!(path, Path::Resource(object, _, resource) if *object == SERVER && [LIFETIME, BINDING].contains(resource))
    }

    /// Those of a registration.
    pub fn of(registration: &Registration) -> Self {
        Self { lifetime: registration.lifetime, binding: registration.binding.clone() }
    }
}

impl Overwritten {
    /// Who has written.
    pub fn writer(&self) -> Writer {
        Writer::Operation { operation: self.operation, who: self.who.clone() }
    }
}

impl Asked {
    /// What the result of an operation that failed means: `4.05 Method Not Allowed` is the device's word.
    pub fn failed(result: String) -> Self {
        // LwM2M Transport 1.1.1 §6.7: 4.xx is what will be so again, 5.xx and silence may not; but what is not implemented
        // (5.01, as Wakaama says of what it can't write) is so until the device is another one.
        let stays = result.starts_with("4.") || result.starts_with("5.01");
        if stays { Self::Refused(result) } else { Self::Failed(result) }
    }
}

/// LwM2M Core 1.1.1 Annex E.2.
pub(super) const SERVER: ObjectId = ObjectId(1);
pub(super) const LIFETIME: ResourceId = ResourceId(1);
pub(super) const BINDING: ResourceId = ResourceId(7);
