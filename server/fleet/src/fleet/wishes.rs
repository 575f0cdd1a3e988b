//! The verbs on what classes wish to be told of, and what is known of composite operations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use objects::{InstanceId, ObjectId, Path, ResourceId, Version};

use crate::{
    AuditEntry, Change, ClassId, Commit, Context, DeviceId, DeviceState, Fleet, FleetError, Observation,
    Permission, PublicId, Registration, Verb,
    wish::{self, Agenda, Kept, LeftOut, NoComposites, WishChange, Wishes},
};

/// What is held in memory of wishes.
#[derive(Default)]
pub(super) struct Wanted {
    /// Read once, and held while they change.
    classes: futures::lock::Mutex<Option<Arc<BTreeMap<ClassId, Wishes>>>>,
    /// Whether any class wishes anything, as far as that was read.
    is_any: AtomicBool,
    /// Which devices are to be looked at, for what is wished of them is another.
    asked: Mutex<Look>,
}

/// Which devices are to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// All of them.
    All,
    /// These.
    At(BTreeSet<DeviceId>),
}

impl Default for Look {
    fn default() -> Self {
        Self::At(BTreeSet::new())
    }
}

/// What a device is observed for, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceWishes {
    /// What its class wishes.
    pub wishes: Wishes,
    /// What was asked of it by wish.
    pub kept: Kept,
    /// Its live observations; those that are not in [`Kept::owned`] were begun by hand.
    pub observations: Vec<Observation>,
    /// Whether and since when it answers no composite operation.
    pub no_composites: Option<NoComposites>,
    /// What its class wishes and it is not asked, as long as it is registered.
    pub left_out: Vec<LeftOut>,
}

/// The firmware version that a device runs.
const FIRMWARE: Path = Path::Resource(ObjectId(3), InstanceId(0), ResourceId(3));

impl Fleet {
    /// What a class wishes to be told of by its devices.
    pub async fn class_wishes(&self, context: &Context, class: ClassId) -> Result<Wishes, FleetError> {
        self.demand(context, Permission::View, "class wishes").await?;
        let class = self.class(class).await?.id;
        Ok(self.wishes_of(class).await?)
    }

    /// Says what a class wishes to be told of: lines such as `/3303/*/5700 pmin=10 gt=25`. Its devices are asked in the
    /// background, those that sleep when they are heard.
    pub async fn set_class_wishes(
        &self,
        context: &Context,
        class: ClassId,
        lines: &str,
    ) -> Result<Wishes, FleetError> {
        self.demand(context, Permission::Administer, "set class wishes").await?;
        let class = self.class(class).await?;
        let wishes = Wishes::read(lines, &self.registry()).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            FleetError::Invalid { field: "lines", reason: errors.join("; ") }
        })?;
        let said: Vec<String> = wishes.iter().map(ToString::to_string).collect();
        let said = if said.is_empty() { "nothing".to_owned() } else { said.join(", ") };
        let change = WishChange::Saved { class: class.id, wishes: wishes.clone() };
        let commit = Commit {
            changes: vec![Change::Wish(change)],
            audit: vec![AuditEntry::by(context, Verb::SaveWishes, None, format!("{}: {said}", class.name))],
        };
        let committed = self.commit_forgetting(&self.wanted.classes, commit).await;
        *super::lock(&self.wanted.asked) = Look::All;
        committed?;
        Ok(wishes)
    }

    /// What a device is observed for, by wish and by hand.
    pub async fn device_wishes(&self, context: &Context, id: PublicId) -> Result<DeviceWishes, FleetError> {
        self.demand(context, Permission::View, "device wishes").await?;
        let view = self.view(id).await?;
        let live = view.registration.filter(|_| view.state == DeviceState::Registered);
        let device = view.device;
        let wishes = self.wishes_of(device.class).await?;
        Ok(DeviceWishes {
            left_out: live.map(|registration| wish::left_out(&wishes, &registration)).unwrap_or_default(),
            wishes,
            kept: self.store.kept_wishes(device.id).await?,
            observations: self.store.observations(device.id).await?,
            no_composites: self.unanswered_composites(device.id).await?,
        })
    }

    /// Whether a device may be asked about several nodes at once: it speaks LwM2M 1.1, and is not known to leave that
    /// unanswered. With another firmware or another version of LwM2M it is asked again.
    pub async fn may_use_composites(&self, device: DeviceId) -> Result<bool, FleetError> {
        let view = self.store.device_row(device).await?;
        let live = view.filter(|view| view.state == DeviceState::Registered);
        let Some(registration) = live.and_then(|view| view.registration) else { return Ok(false) };
        Ok(self.answers_composites(&registration).await?)
    }

    /// Whether a device may be asked about several nodes at once in its registration.
    pub(super) async fn answers_composites(
        &self,
        registration: &Registration,
    ) -> Result<bool, crate::StoreError> {
        if registration.lwm2m < Version::V1_1 {
            return Ok(false);
        }
        let unanswered = self.unanswered_composites(registration.device).await?;
        Ok(unanswered.is_none_or(|unanswered| unanswered.lwm2m != registration.lwm2m))
    }

    /// Whether any class wishes anything, by what was read last: each sweep reads it anew.
    pub fn is_anything_wished(&self) -> bool {
        self.wanted.is_any.load(Ordering::Acquire)
    }

    /// The devices of which something else is wished since this was asked last, without anything having happened to them.
    pub fn take_wish_changes(&self) -> Look {
        std::mem::take(&mut *super::lock(&self.wanted.asked))
    }

    /// Devices are of another class.
    pub(super) fn look_at_wishes_of(&self, devices: &[DeviceId]) {
        let mut asked = super::lock(&self.wanted.asked);
        if let Look::At(those) = &mut *asked {
            those.extend(devices);
            if those.len() > Agenda::MAX_DUE {
                *asked = Look::All;
            }
        }
    }

    pub(super) async fn wishes_of(&self, class: ClassId) -> Result<Wishes, crate::StoreError> {
        Ok(self.all_wishes().await?.get(&class).cloned().unwrap_or_default())
    }

    pub(super) async fn all_wishes(&self) -> Result<Arc<BTreeMap<ClassId, Wishes>>, crate::StoreError> {
        let mut held = self.wanted.classes.lock().await;
        if let Some(wishes) = &*held {
            return Ok(Arc::clone(wishes));
        }
        let read: BTreeMap<ClassId, Wishes> = self.store.wishes().await?.into_iter().collect();
        self.wanted.is_any.store(!read.is_empty(), Ordering::Release);
        Ok(Arc::clone(held.insert(Arc::new(read))))
    }

    /// Since when a device answers no composite operation, unless its firmware is another since.
    pub(super) async fn unanswered_composites(
        &self,
        device: DeviceId,
    ) -> Result<Option<NoComposites>, crate::StoreError> {
        let Some(unanswered) = self.store.no_composites(device).await? else { return Ok(None) };
        let versions = self.store.history(device, FIRMWARE, VERSIONS_LOOKED_AT).await?;
        let then =
            versions.iter().find(|version| version.received_at <= unanswered.at).or_else(|| versions.last());
        let is_same = then
            .is_none_or(|then| versions.first().is_some_and(|now| now.reading.value == then.reading.value));
        Ok(is_same.then_some(unanswered))
    }
}

/// How far back it is looked which firmware a device had.
const VERSIONS_LOOKED_AT: usize = 100;
