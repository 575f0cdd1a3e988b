//! Whether a device may be given an artefact, and the bytes for it. Called by the engines that update devices: they take no
//! context.

use sha2::{Digest as _, Sha256};

use crate::{
    Artefact, ArtefactId, Blob, BlobMark, Blobs, Cleared, DeviceId, Fingerprint, Fleet, FleetError,
    Installed, Measured, Proof, Recipient, Timestamp, UpdatePolicy,
};

/// What was measured of an artefact's bytes, and by what is noticed that they have changed.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    marks: Vec<BlobMark>,
    measured: Measured,
    at: Timestamp,
}

/// How long bytes that have not changed by their marks are not hashed again, so that an update of thousands hashes once.
const KEPT: std::time::Duration = std::time::Duration::from_secs(600);

impl Fleet {
    /// Decides anew whether a device may be given an artefact in an instance of its object 5 or 9: the signature is verified,
    /// and the bytes are hashed. [`FleetError::Misfit`] says why not.
    pub async fn clear_artefact(
        &self,
        id: ArtefactId,
        device: DeviceId,
        instance: u16,
        now: Timestamp,
    ) -> Result<Cleared, FleetError> {
        let artefact = self.artefact_row(id).await?;
        let view = self.store.device_row(device).await?.filter(|view| view.device.removed_at.is_none());
        let view = view.ok_or(FleetError::NotFound("device"))?;
        let installed = self.store.installed_in(device, artefact.kind, instance).await?;
        let measured = self.measured(&artefact, now).await?;
        let decided = self.with_recipient(view.device.class, installed.as_ref(), now, |recipient| {
            artefact.clearance(device, &measured, recipient)
        });
        self.uploads.counted(decided.await)
    }

    /// A part of the bytes that a device was cleared for: fewer at their end.
    pub async fn cleared_part(
        &self,
        cleared: &Cleared,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, FleetError> {
        let (digest, at, size) = cleared.part();
        let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        if left == 0 || len == 0 {
            return Ok(Vec::new());
        }
        Ok(self.blobs.read(digest, at.saturating_add(offset), len.min(left)).await?)
    }

    /// Whether an artefact fits its class, whatever a device of it runs.
    pub(super) async fn check_artefact(
        &self,
        artefact: &Artefact,
        now: Timestamp,
    ) -> Result<Option<Fingerprint>, FleetError> {
        let measured = self.measured(artefact, now).await?;
        self.with_recipient(artefact.class, None, now, |recipient| artefact.check(&measured, recipient)).await
    }

    async fn with_recipient<T>(
        &self,
        class: crate::ClassId,
        installed: Option<&Installed>,
        now: Timestamp,
        decide: impl FnOnce(&Recipient<'_>) -> Result<T, crate::Misfit>,
    ) -> Result<T, FleetError> {
        let class = self.class(class).await?;
        let policy = self.store.update_policy(class.id).await?;
        let policy = policy.unwrap_or_else(|| UpdatePolicy::new(class.id));
        let keys = self.store.update_keys(class.id).await?;
        Ok(decide(&Recipient { class: &class, policy: &policy, keys: &keys, installed, now })?)
    }

    /// What lies there of an artefact. It is hashed once for all who ask at the same time.
    async fn measured(&self, artefact: &Artefact, now: Timestamp) -> Result<Measured, FleetError> {
        let mut kept = self.measured.lock().await;
        let mut marks = Vec::new();
        for blob in artefact.blobs() {
            marks.push(self.blobs.mark(blob).await?);
        }
        let is_fresh = |kept: &&Kept| kept.marks == marks && now.since(kept.at) < KEPT && now >= kept.at;
        if let Some(kept) = kept.get(&artefact.id).filter(is_fresh) {
            return Ok(kept.measured);
        }
        let measured = measure(&*self.blobs, artefact, None).await?;
        kept.insert(artefact.id, Kept { marks, measured, at: now });
        Ok(measured)
    }
}

/// Hashes what lies there of an artefact. `image` is where the image lies, if that is not where its digest says.
pub(super) async fn measure(
    blobs: &dyn Blobs,
    artefact: &Artefact,
    image: Option<Fingerprint>,
) -> Result<Measured, FleetError> {
    let beside = image.unwrap_or(artefact.digest);
    Ok(match &artefact.proof {
        Proof::Unsigned | Proof::Detached(_) => {
            Measured { image: hash(blobs, beside, 0, u64::MAX).await?, envelope: None }
        }
        Proof::Suit(suit) => {
            let image = match suit.image_at {
                Some(at) => hash(blobs, suit.envelope, at, artefact.size).await?,
                None => hash(blobs, beside, 0, u64::MAX).await?,
            };
            Measured { image, envelope: Some(hash(blobs, suit.envelope, 0, u64::MAX).await?) }
        }
    })
}

async fn hash(blobs: &dyn Blobs, name: Fingerprint, from: u64, len: u64) -> Result<Blob, FleetError> {
    let (mut hash, mut size) = (Sha256::new(), 0);
    while size < len {
        let wanted = usize::try_from(len - size).unwrap_or(usize::MAX).min(STEP);
        let bytes = blobs.read(name, from + size, wanted).await?;
        if bytes.is_empty() {
            break;
        }
        hash.update(&bytes);
        size += bytes.len() as u64;
    }
    Ok(Blob { digest: Fingerprint(hash.finalize().into()), size })
}

/// How much is hashed at once.
const STEP: usize = 256 << 10;
