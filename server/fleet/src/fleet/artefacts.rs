//! The verbs on artefacts: how they come here, who sees them, and how they end.

mod streams;
pub(super) use streams::Uploads;
pub use streams::{Download, Upload};

use std::{collections::BTreeMap, sync::Arc};

use super::{claims::named, clearing::measure};
use crate::{
    Artefact, ArtefactChange, ArtefactId, ArtefactKind, AuditEntry, Blob, Change, Class, ClassId, Commit,
    Context, DeviceId, Fingerprint, Fleet, FleetError, Manifest, Misfit, Permission, Proof, Recipient,
    RunsArtefact, Sends, SignedManifest, SuitProof, Timestamp, UpdatePolicy, Verb,
    artefact::suit::{Authentication, Outline, Part, SuitError, SuitManifest, Walk},
    store::{Page, PageRequest},
};

/// What somebody says of the bytes they upload.
#[derive(Clone, Debug)]
pub struct NewArtefact {
    /// What it is to be called.
    pub name: String,
    /// What it is; a signed manifest says it itself.
    pub kind: Option<ArtefactKind>,
    /// Its version; a signed manifest says it itself.
    pub version: Option<String>,
    /// The class of the devices that it is for.
    pub class: ClassId,
    /// Until when it may be sent; what is signed may say an earlier time.
    pub not_after: Option<Timestamp>,
    /// A manifest of ours with its signature: [`SignedManifest`].
    pub signed: Option<Vec<u8>>,
    /// What devices are to be sent.
    pub sends: Sends,
}

/// An artefact with all that its page shows.
#[derive(Clone, Debug)]
pub struct ArtefactDetail {
    /// The artefact.
    pub artefact: Artefact,
    /// The name of its class.
    pub class: String,
    /// What people call the key that has signed it.
    pub key: Option<String>,
    /// Whether it would be given to devices of its class now; for each device what it runs is looked at, too.
    pub check: Result<(), Misfit>,
    /// How many devices run it.
    pub runs: u64,
}

impl Fleet {
    /// A page of the artefacts, newest first.
    pub async fn artefacts(
        &self,
        context: &Context,
        page: &PageRequest,
    ) -> Result<Page<Artefact>, FleetError> {
        self.demand(context, Permission::View, "artefacts").await?;
        Ok(self.store.artefacts(page).await?)
    }

    /// One artefact, checked anew.
    pub async fn artefact(&self, context: &Context, id: ArtefactId) -> Result<ArtefactDetail, FleetError> {
        self.demand(context, Permission::View, "artefact").await?;
        let artefact = self.artefact_row(id).await?;
        let class = self.class(artefact.class).await?;
        let keys = self.store.update_keys(class.id).await?;
        let key = keys.iter().find(|key| Some(key.id) == artefact.key).map(|key| key.name.clone());
        let check = match self.check_artefact(&artefact, context.now).await {
            Ok(_) => Ok(()),
            Err(FleetError::Misfit(misfit)) => Err(misfit),
            Err(other) => return Err(other),
        };
        let runs = self.store.artefact_runs(id).await?;
        Ok(ArtefactDetail { artefact, class: class.name, key, check, runs })
    }

    /// Which devices run an artefact, after one of them.
    pub async fn artefact_runs(
        &self,
        context: &Context,
        id: ArtefactId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<RunsArtefact>, FleetError> {
        self.demand(context, Permission::View, "devices of an artefact").await?;
        Ok(self.store.runs_artefact(id, after, limit).await?)
    }

    /// Begins to take the bytes of an artefact.
    pub async fn begin_upload(&self, context: &Context) -> Result<Upload, FleetError> {
        self.demand(context, Permission::Operate, "upload artefact").await?;
        self.uploads.begin(&*self.blobs).await
    }

    /// Keeps an artefact whose bytes are here: an image, or a SUIT envelope with the image in it or beside it. It is refused
    /// if it could be given to no device of its class.
    pub async fn add_artefact(
        &self,
        context: &Context,
        new: NewArtefact,
        image: Option<Upload>,
        envelope: Option<Upload>,
    ) -> Result<Artefact, FleetError> {
        self.demand(context, Permission::Operate, "upload artefact").await?;
        let _guard = self.artefacts_guard.lock().await;
        if self.store.artefact_blobs().await?.len() >= Artefact::MAX {
            return Err(FleetError::TooMany { what: "artefacts", max: Artefact::MAX });
        }
        let image = match image {
            Some(image) => Some(image.finish().await?),
            None => None,
        };
        let envelope = match envelope {
            Some(envelope) => Some(envelope.finish().await?),
            None => None,
        };
        let added = self.add_finished(context, new, image, envelope).await;
        if added.is_err() {
            let blobs = image.into_iter().chain(envelope).map(|blob| blob.digest);
            self.forget_unused(blobs.collect()).await?;
        }
        self.uploads.counted(added)
    }

    async fn add_finished(
        &self,
        context: &Context,
        new: NewArtefact,
        image: Option<Blob>,
        envelope: Option<Blob>,
    ) -> Result<Artefact, FleetError> {
        let class = self.class(new.class).await?;
        let mut artefact = Artefact {
            id: ArtefactId::from_random(self.random()),
            kind: new.kind.unwrap_or(ArtefactKind::Firmware),
            name: named(&new.name, Artefact::MAX_NAME)?,
            version: String::new(),
            class: class.id,
            size: 0,
            digest: Fingerprint([0; 32]),
            sequence: 0,
            not_after: new.not_after,
            proof: Proof::Unsigned,
            key: None,
            sends: new.sends,
            uploaded_by: context.actor.name().to_owned(),
            uploaded_at: context.now,
            withdrawn_at: None,
        };
        match (new.signed, envelope) {
            (Some(_), Some(_)) => {
                let reason = "an image has a signed manifest or a SUIT envelope, not both".to_owned();
                return Err(FleetError::Invalid { field: "signature", reason });
            }
            (Some(signed), None) => {
                image.ok_or_else(no_image)?;
                let (_, manifest) = SignedManifest::parse(&signed).map_err(unreadable)?;
                agrees("kind", new.kind.is_none_or(|kind| kind == manifest.kind))?;
                agrees("version", new.version.is_none_or(|version| version == manifest.version))?;
                artefact.take(manifest);
                artefact.proof = Proof::Detached(signed);
            }
            (None, Some(envelope)) => {
                artefact.version = versioned(new.version)?;
                let (suit, manifest) = self.read_envelope(envelope, image.is_some()).await?;
                (artefact.digest, artefact.size) = (manifest.digest, manifest.size);
                artefact.sequence = manifest.sequence;
                artefact.proof = Proof::Suit(Box::new(suit));
            }
            (None, None) => {
                artefact.version = versioned(new.version)?;
                let image = image.ok_or_else(no_image)?;
                (artefact.digest, artefact.size) = (image.digest, image.size);
            }
        }
        if artefact.sends == Sends::Envelope && !matches!(artefact.proof, Proof::Suit(_)) {
            let reason = "there is no SUIT envelope that could be sent".to_owned();
            return Err(FleetError::Invalid { field: "sends", reason });
        }
        if artefact.size == 0 {
            return Err(FleetError::Invalid { field: "image", reason: "it is empty".to_owned() });
        }
        artefact.key = self.check_with(&artefact, &class, image, context.now).await?;
        let object = format!(
            "{} {} for {}; {}; {}; SHA-256 {}",
            artefact.name,
            artefact.version,
            class.name,
            artefact.kind.name(),
            artefact.proof.name(),
            artefact.digest
        );
        let commit = Commit {
            changes: vec![Change::Artefact(ArtefactChange::Added(Box::new(artefact.clone())))],
            audit: vec![AuditEntry::by(context, Verb::UploadArtefact, None, object)],
        };
        self.store.commit(commit).await?;
        Ok(artefact)
    }

    /// Checks what is uploaded. What was uploaded as its image is what is looked at, whatever is stated of it.
    async fn check_with(
        &self,
        artefact: &Artefact,
        class: &Class,
        image: Option<Blob>,
        now: Timestamp,
    ) -> Result<Option<Fingerprint>, FleetError> {
        let measured = measure(&*self.blobs, artefact, image.map(|image| image.digest)).await?;
        let policy = self.store.update_policy(class.id).await?;
        let policy = policy.unwrap_or_else(|| UpdatePolicy::new(class.id));
        let keys = self.store.update_keys(class.id).await?;
        let recipient = Recipient { class, policy: &policy, keys: &keys, installed: None, now };
        Ok(artefact.check(&measured, &recipient)?)
    }

    /// What is kept of an envelope, and what its manifest says. Its image is in it, unless one lies beside it.
    async fn read_envelope(
        &self,
        envelope: Blob,
        beside: bool,
    ) -> Result<(SuitProof, SuitManifest), FleetError> {
        let mut walk = Walk::new(envelope.size);
        while let Some(Part { at, len }) = walk.wants() {
            let bytes = self.blobs.read(envelope.digest, at, bounded(len, usize::MAX)?).await?;
            walk.next(&bytes).map_err(unreadable)?;
        }
        let Outline { authentication, manifest, payloads } = walk.end().map_err(unreadable)?;
        let read = async |part: Part, max| {
            let bytes = self.blobs.read(envelope.digest, part.at, bounded(part.len, max)?).await?;
            Ok::<_, FleetError>(bytes)
        };
        let authentication = read(authentication, Authentication::MAX_BYTES).await?;
        let manifest = read(manifest, SuitManifest::MAX_BYTES).await?;
        let stated = SuitManifest::parse(&manifest).map_err(unreadable)?;
        let named = payloads.iter().find(|(name, _)| stated.uri.as_ref() == Some(name));
        let only = || payloads.first().filter(|_| payloads.len() == 1);
        let image_at = match named.or_else(only).filter(|_| !beside) {
            Some((_, part)) if part.len != stated.size => {
                let (stated, actual) = (stated.size, part.len);
                return Err(Misfit::SizeDiffers { what: "image", stated, actual }.into());
            }
            Some((_, part)) => Some(part.at),
            None if beside => None,
            None => return Err(no_image()),
        };
        let suit = SuitProof {
            authentication,
            manifest,
            envelope: envelope.digest,
            envelope_size: envelope.size,
            image_at,
        };
        Ok((suit, stated))
    }

    /// Sends an artefact to nobody any more. What is under way goes on.
    pub async fn withdraw_artefact(&self, context: &Context, id: ArtefactId) -> Result<Artefact, FleetError> {
        self.demand(context, Permission::Operate, "withdraw artefact").await?;
        let artefact = self.artefact_row(id).await?;
        let change = ArtefactChange::Withdrawn { id, at: context.now };
        self.change_artefact(context, Verb::WithdrawArtefact, &artefact, change).await?;
        self.artefact_row(id).await
    }

    /// Forgets a withdrawn artefact and its bytes.
    pub async fn remove_artefact(&self, context: &Context, id: ArtefactId) -> Result<(), FleetError> {
        self.demand(context, Permission::Operate, "remove artefact").await?;
        let _guard = self.artefacts_guard.lock().await;
        let artefact = self.artefact_row(id).await?;
        if artefact.withdrawn_at.is_none() {
            let reason = "withdraw it first: what is not withdrawn may be on its way to devices".to_owned();
            return Err(FleetError::Invalid { field: "artefact", reason });
        }
        self.change_artefact(context, Verb::RemoveArtefact, &artefact, ArtefactChange::Removed(id)).await?;
        self.measured.lock().await.remove(&id);
        self.forget_unused(artefact.blobs()).await
    }

    /// What devices are sent of an artefact, for a person.
    pub async fn download_artefact(&self, context: &Context, id: ArtefactId) -> Result<Download, FleetError> {
        self.demand(context, Permission::Operate, "download artefact").await?;
        let artefact = self.artefact_row(id).await?;
        let object = titled(&artefact);
        self.trail.push(&*self.store, AuditEntry::by(context, Verb::DownloadArtefact, None, object)).await?;
        let payload = artefact.payload();
        Ok(Download::new(artefact.name, Arc::clone(&self.blobs), payload))
    }

    /// Forgets bytes that no artefact has, such as those of uploads that were cut off: to be called at each start, before
    /// anybody uploads. How many files were forgotten.
    pub async fn clear_uploads(&self) -> Result<usize, FleetError> {
        let kept = self.store.artefact_blobs().await?.into_iter().flat_map(|(_, blobs)| blobs).collect();
        Ok(self.blobs.keep_only(&kept).await?)
    }

    /// How many uploads were turned away because there were as many as may be, or because they were too large.
    pub fn uploads_turned_away(&self) -> u64 {
        self.uploads.turned_away()
    }

    /// How often an artefact was refused to be kept or sent, by [`Misfit::name`].
    pub fn misfits(&self) -> BTreeMap<&'static str, u64> {
        self.uploads.misfits()
    }

    pub(super) async fn artefact_row(&self, id: ArtefactId) -> Result<Artefact, FleetError> {
        self.store.artefact(id).await?.ok_or(FleetError::NotFound("artefact"))
    }

    async fn change_artefact(
        &self,
        context: &Context,
        verb: Verb,
        artefact: &Artefact,
        change: ArtefactChange,
    ) -> Result<(), FleetError> {
        let commit = Commit {
            changes: vec![Change::Artefact(change)],
            audit: vec![AuditEntry::by(context, verb, None, titled(artefact))],
        };
        self.store.commit(commit).await?;
        Ok(())
    }

    /// Forgets those of the bytes that no artefact has. To be called with the guard held, so that none gets them meanwhile.
    async fn forget_unused(&self, digests: Vec<Fingerprint>) -> Result<(), FleetError> {
        let used = self.store.artefact_blobs().await?;
        for digest in digests {
            if !used.iter().any(|(_, blobs)| blobs.contains(&digest)) {
                self.blobs.remove(digest).await?;
            }
        }
        Ok(())
    }
}

impl Artefact {
    fn take(&mut self, manifest: Manifest) {
        self.kind = manifest.kind;
        self.version = manifest.version;
        self.sequence = manifest.sequence;
        (self.digest, self.size) = (manifest.digest, manifest.size);
        let ends = [self.not_after, manifest.not_after].into_iter().flatten();
        self.not_after = ends.min();
    }
}

/// As it is named in the audit log.
fn titled(artefact: &Artefact) -> String {
    format!("{} {}; SHA-256 {}", artefact.name, artefact.version, artefact.digest)
}

fn versioned(version: Option<String>) -> Result<String, FleetError> {
    let version = version.as_deref().unwrap_or_default().trim().to_owned();
    if version.is_empty() || version.len() > Artefact::MAX_VERSION || version.chars().any(char::is_control) {
        let reason = format!("1 to {} bytes, as the maker writes it", Artefact::MAX_VERSION);
        return Err(FleetError::Invalid { field: "version", reason });
    }
    Ok(version)
}

/// A member of a manifest is as somebody says beside it.
fn agrees(field: &'static str, does: bool) -> Result<(), FleetError> {
    let reason = || "the signed manifest says otherwise".to_owned();
    if does { Ok(()) } else { Err(FleetError::Invalid { field, reason: reason() }) }
}

fn bounded(len: u64, max: usize) -> Result<usize, FleetError> {
    let len = usize::try_from(len).ok().filter(|len| *len <= max);
    len.ok_or_else(|| unreadable(SuitError::TooMuch { what: "bytes in a part", max }))
}

fn unreadable(error: impl std::error::Error) -> FleetError {
    Misfit::Unreadable { reason: error.to_string() }.into()
}

fn no_image() -> FleetError {
    let reason = "there is none: neither beside the proof nor in an envelope".to_owned();
    FleetError::Invalid { field: "image", reason }
}
