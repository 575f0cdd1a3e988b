//! The address that a device fetches from: its unguessable part, what is kept of it, and until when it is good.

use objects::{Instance, InstanceId, Node, ObjectId, Path, Resource, Value};
use sha2::{Digest as _, Sha256};

use super::{Ask, Scheme, Update, UpdatePhase, UpdateTarget};
use crate::{Misfit, Timestamp};

/// The unguessable part of an address to fetch from, 128 random bits. It is as good as the package for who knows it, so that only
/// its digest is kept, and it is not shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DownloadKey(pub [u8; 16]);

/// What is kept of a [`DownloadKey`]: the first half of its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DownloadDigest(pub [u8; 16]);

/// Why somebody who asks for a package gets no byte of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGiven {
    /// The time of the address is over: the device has made no progress with it for longer than it may.
    #[error("the time of the address is over: nothing was fetched for longer than the update allows")]
    Expired,
    /// The artefact may not go to the device, or no more.
    #[error("the artefact may not go to this device: {0}")]
    Misfit(Misfit),
    /// The class of the device does not let it fetch by this scheme, or no more.
    #[error("the class of the device does not allow a download by {}", .0.name())]
    NotAllowed(Scheme),
    /// The update is not one any more in which something is fetched.
    #[error("the update for which the address was made fetches no more")]
    Over,
    /// Another device has come with it.
    #[error("the address was made for another device")]
    OtherDevice,
    /// There is no such address, or none any more.
    #[error("no update has this address, or it has ended")]
    Unknown,
}

impl DownloadKey {
    /// As it stands in an address: 32 digits.
    pub fn text(&self) -> String {
        uuid::Uuid::from_bytes(self.0).as_simple().to_string()
    }

    /// Reads what stands in an address.
    pub fn read(text: &str) -> Option<Self> {
        let key = Some(text).filter(|text| text.len() == 32)?.parse::<uuid::Uuid>().ok()?;
        Some(Self(key.into_bytes()))
    }

    /// What is kept of it.
    pub fn digest(&self) -> DownloadDigest {
        let whole: [u8; 32] = Sha256::digest(self.0).into();
        let mut digest = [0; 16];
        digest.copy_from_slice(&whole[..16]);
        DownloadDigest(digest)
    }
}

impl std::fmt::Debug for DownloadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DownloadKey(…)")
    }
}

/// Takes the key out of an address that was told to a device, wherever it comes back to be shown or kept: who may look at devices
/// need not get their firmware. Whether it was one.
pub(crate) fn veil(path: Path, value: &mut Value) -> bool {
    let Path::Resource(object, instance, _) = path else { return false };
    let target = match object.0 {
        5 => UpdateTarget::Firmware,
        9 => UpdateTarget::Software(instance),
        _ => return false,
    };
    let Value::String(uri) = value else { return false };
    let Some((base, key)) = uri.rsplit_once('/') else { return false };
    if path.resource() != target.uri().resource() || DownloadKey::read(key).is_none() {
        return false;
    }
    *uri = format!("{base}/…");
    true
}

/// The same of all that stands in a node.
pub(crate) fn veil_node(path: Path, node: &mut Node) {
    match (node, path) {
        (Node::Resource(Resource::Single(value)), path) => {
            veil(path, value);
        }
        (Node::Instance(instance), Path::Instance(object, id)) => veil_instance(object, id, instance),
        (Node::Object(of), Path::Object(object)) => {
            for (id, instance) in &mut of.instances {
                veil_instance(object, *id, instance);
            }
        }
        _ => {}
    }
}

fn veil_instance(object: ObjectId, id: InstanceId, instance: &mut Instance) {
    for (resource, node) in &mut instance.resources {
        if let Resource::Single(value) = node {
            veil(Path::Resource(object, id, *resource), value);
        }
    }
}

impl NotGiven {
    /// The names of all of them.
    pub const NAMES: [&str; 6] = ["expired", "misfit", "not allowed", "other device", "over", "unknown"];

    /// A few words for it, as metrics know it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Misfit(_) => "misfit",
            Self::NotAllowed(_) => "not allowed",
            Self::OtherDevice => "other device",
            Self::Over => "over",
            Self::Unknown => "unknown",
        }
    }
}

impl Update {
    /// Whether its address is good at this time. An address is good while its device is told of it, and then as long as each
    /// byte or word of the device follows the one before within [`download_within`](super::UpdateTerms::download_within).
    pub fn lets_fetch(&self, now: Timestamp) -> Result<(), NotGiven> {
        if self.has_ended() || self.download.is_none() {
            return Err(NotGiven::Unknown);
        }
        if self.phase != UpdatePhase::Delivering || self.cancelling {
            return Err(NotGiven::Over);
        }
        // A device that sleeps is told when it wakes, and may ask before its answer was taken note of.
        let is_told = matches!(self.asking, Some((_, Ask::Fetch)));
        let is_late = self.progress_at.after(self.terms.download_within) <= now;
        if is_late && !is_told || self.created_at.after(self.terms.give_up_after) <= now {
            return Err(NotGiven::Expired);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use objects::ResourceId;

    use super::*;
    use crate::{OperationId, update::tests::delivering};

    #[test]
    fn a_key_is_read_as_it_is_written_and_only_its_digest_is_like_it() {
        let key = DownloadKey([0xab; 16]);
        assert_eq!(key.text().len(), 32);
        assert_eq!(DownloadKey::read(&key.text()), Some(key));
        assert_ne!(key.digest().0, key.0);
        assert_ne!(key.digest(), DownloadKey([0xac; 16]).digest());
        assert!(!format!("{key:?}").contains("ab"));
        for wrong in ["", "ab", &"g".repeat(32), &"a".repeat(31), &"a".repeat(33), &"é".repeat(16)] {
            assert_eq!(DownloadKey::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_address_is_good_as_long_as_its_update_delivers_and_its_device_goes_on() {
        let (now, within) = (Timestamp(50_000_000), Duration::from_secs(900));
        let going = Update {
            download: Some(DownloadDigest([1; 16])),
            created_at: now,
            progress_at: now,
            ..delivering()
        };
        let at = |update: &Update, after: Duration| update.lets_fetch(now.after(after));
        assert_eq!(at(&going, Duration::ZERO), Ok(()));
        assert_eq!(at(&going, within - Duration::from_millis(1)), Ok(()));
        assert_eq!(at(&going, within), Err(NotGiven::Expired));
        // The device goes on.
        let later = Update { progress_at: now.after(within), ..going.clone() };
        assert_eq!(at(&later, within), Ok(()));
        // It sleeps and is not told yet, for as long as the update waits at all.
        let told = Update { asking: Some((OperationId::new(now, [0; 10]), Ask::Fetch)), ..going.clone() };
        assert_eq!(at(&told, within * 9), Ok(()));
        assert_eq!(at(&told, told.terms.give_up_after), Err(NotGiven::Expired));
        assert_eq!(at(&Update { cancelling: true, ..going.clone() }, Duration::ZERO), Err(NotGiven::Over));
        assert_eq!(at(&Update { download: None, ..going.clone() }, Duration::ZERO), Err(NotGiven::Unknown));
        for phase in UpdatePhase::ALL.into_iter().filter(|phase| *phase != UpdatePhase::Delivering) {
            let expected = if phase.is_final() { NotGiven::Unknown } else { NotGiven::Over };
            let update = Update { phase, ..going.clone() };
            assert_eq!(at(&update, Duration::ZERO), Err(expected), "{phase:?}");
        }
    }

    #[test]
    fn a_key_is_taken_out_of_what_is_shown_and_nothing_else_is_changed() {
        let key = DownloadKey([0xab; 16]).text();
        let secret = format!("coaps://192.0.2.1:5685/d/{key}");
        for (path, text, hidden) in [
            ("/5/0/1", secret.as_str(), true),
            ("/9/7/3", secret.as_str(), true),
            ("/5/0/7", secret.as_str(), false),
            ("/9/7/1", secret.as_str(), false),
            ("/3/0/1", secret.as_str(), false),
            ("/5/0/1", "https://firmware.example/gateway-2.0.bin", false),
            ("/5/0/1", "", false),
        ] {
            let mut value = Value::String(text.to_owned());
            assert_eq!(veil(path.parse().unwrap(), &mut value), hidden, "{path} {text}");
            let expected = if hidden { "coaps://192.0.2.1:5685/d/…" } else { text };
            assert_eq!(value, Value::String(expected.to_owned()));
        }
        let resources = [(ResourceId(1), Resource::Single(Value::String(secret)))].into();
        let mut node = Node::Instance(Instance { resources });
        veil_node("/5/0".parse().unwrap(), &mut node);
        assert!(!format!("{node:?}").contains(&key));
    }

    #[test]
    fn each_reason_has_a_name_of_its_own() {
        let all = [
            NotGiven::Expired,
            NotGiven::Misfit(Misfit::Withdrawn),
            NotGiven::NotAllowed(Scheme::Coap),
            NotGiven::OtherDevice,
            NotGiven::Over,
            NotGiven::Unknown,
        ];
        assert_eq!(all.map(|reason| reason.name()), NotGiven::NAMES);
    }
}
