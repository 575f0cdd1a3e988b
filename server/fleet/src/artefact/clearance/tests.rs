use std::collections::BTreeSet;

use super::*;
use crate::{
    ClassId, ClassPolicy, Retention, Sends,
    artefact::{Manifest, kit::*},
};

const IMAGE: &[u8] = b"an image of some kind";
const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Everything that a decision looks at, all well.
#[derive(Clone)]
struct World {
    artefact: Artefact,
    measured: Measured,
    class: Class,
    policy: UpdatePolicy,
    keys: Vec<UpdateKey>,
    installed: Option<Installed>,
}

impl World {
    fn detached(signer: &Signer) -> Self {
        let manifest = manifest(IMAGE);
        Self::with(Proof::Detached(signer.signed(&manifest).to_bytes()), None, signer.key())
    }

    fn suit(signer: &Signer) -> Self {
        Self::of_manifest(signer, &suit_manifest(7, parameters(IMAGE)))
    }

    fn of_manifest(signer: &Signer, manifest: &[u8]) -> Self {
        let authentication = signer.authentication(manifest);
        let envelope = envelope(&authentication, manifest, Some(IMAGE));
        let blob = Blob { digest: Fingerprint::of(&envelope), size: envelope.len() as u64 };
        let suit = SuitProof {
            authentication,
            manifest: manifest.to_vec(),
            envelope: blob.digest,
            envelope_size: blob.size,
            image_at: Some((envelope.len() - IMAGE.len()) as u64),
        };
        Self::with(Proof::Suit(Box::new(suit)), Some(blob), signer.key())
    }

    fn with(proof: Proof, envelope: Option<Blob>, key: UpdateKey) -> Self {
        let image = Blob { digest: Fingerprint::of(IMAGE), size: IMAGE.len() as u64 };
        let class = Class {
            id: ClassId::DEFAULT,
            name: "default".into(),
            policy: ClassPolicy::default(),
            retention: Retention::default(),
        };
        let artefact = Artefact {
            id: ArtefactId::from_random([1; 16]),
            kind: ArtefactKind::Firmware,
            name: "image".into(),
            version: "1.4.0".into(),
            class: class.id,
            size: image.size,
            digest: image.digest,
            sequence: 7,
            not_after: None,
            proof,
            key: Some(key.id),
            sends: Sends::Image,
            uploaded_by: "ada".into(),
            uploaded_at: NOW,
            withdrawn_at: None,
        };
        let policy =
            UpdatePolicy { vendor_id: Some(VENDOR), class_id: Some(CLASS), ..UpdatePolicy::new(class.id) };
        Self {
            artefact,
            measured: Measured { image, envelope },
            class,
            policy,
            keys: vec![key],
            installed: None,
        }
    }

    fn decide(&self) -> Result<Cleared, Misfit> {
        let recipient = Recipient {
            class: &self.class,
            policy: &self.policy,
            keys: &self.keys,
            installed: self.installed.as_ref(),
            now: NOW,
        };
        self.artefact.clearance(DeviceId(1), &self.measured, &recipient)
    }

    fn but(&self, change: impl FnOnce(&mut Self)) -> Result<Cleared, Misfit> {
        let mut world = self.clone();
        change(&mut world);
        world.decide()
    }

    fn suit_proof(&mut self) -> &mut SuitProof {
        match &mut self.artefact.proof {
            Proof::Suit(suit) => suit,
            other => panic!("{other:?}"),
        }
    }
}

fn installed(version: &str, sequence: Option<u64>) -> Option<Installed> {
    let (device, kind, version) = (DeviceId(1), ArtefactKind::Firmware, version.to_owned());
    Some(Installed { device, kind, instance: 0, version, sequence, artefact: None, at: NOW })
}

/// A manifest of ours that says otherwise, signed.
fn resigned(world: &mut World, signer: &Signer, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = manifest(IMAGE);
    change(&mut manifest);
    world.artefact.proof = Proof::Detached(signer.signed(&manifest).to_bytes());
}

#[test]
fn what_fits_is_cleared_for_its_device_and_names_the_bytes_that_are_sent() {
    for signer in [Signer::ed25519(1), Signer::p256()] {
        let detached = World::detached(&signer).decide().unwrap();
        assert_eq!((detached.device(), detached.sequence(), detached.version()), (DeviceId(1), 7, "1.4.0"));
        assert_eq!(detached.part(), (Fingerprint::of(IMAGE), 0, IMAGE.len() as u64));
        let suit = World::suit(&signer);
        let whole = suit.measured.envelope.unwrap();
        let image_at = whole.size - IMAGE.len() as u64;
        assert_eq!(suit.decide().unwrap().part(), (whole.digest, image_at, IMAGE.len() as u64));
        let envelope = suit.but(|world| world.artefact.sends = Sends::Envelope).unwrap();
        assert_eq!(envelope.part(), (whole.digest, 0, whole.size));
    }
}

#[test]
fn each_misfit_is_refused_with_its_own_reason() {
    let (signer, other) = (Signer::ed25519(1), Signer::ed25519(2));
    let (detached, suit) = (World::detached(&signer), World::suit(&signer));
    let both = [&detached, &suit];
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut refused = |name: &'static str, decided: Result<Cleared, Misfit>| {
        let misfit = decided.unwrap_err();
        assert_eq!(misfit.name(), name, "{misfit}");
        seen.insert(name);
    };
    for world in both {
        refused("withdrawn", world.but(|world| world.artefact.withdrawn_at = Some(NOW)));
        refused("wrong class", world.but(|world| world.class.id = ClassId(2)));
        refused("unknown key", world.but(|world| world.keys.clear()));
        refused("unknown key", world.but(|world| world.keys = vec![other.key()]));
        refused("revoked key", world.but(|world| world.keys[0].revoked_at = Some(NOW)));
        refused("expired", world.but(|world| world.artefact.not_after = Some(Timestamp(NOW.0 - 1))));
        refused("downgraded", world.but(|world| world.installed = installed("1.3", Some(8))));
        refused("downgraded", world.but(|world| world.installed = installed("1.4.1", None)));
        refused("downgraded", world.but(|world| world.installed = installed("1.4.1", Some(7))));
        refused("digest differs", world.but(|world| world.measured.image.digest = Fingerprint([0; 32])));
        refused("size differs", world.but(|world| world.measured.image.size += 1));
        refused("tampered", world.but(|world| world.artefact.sequence += 1));
        refused("tampered", world.but(|world| world.artefact.digest = Fingerprint([0; 32])));
    }
    refused("unsigned", detached.but(|world| world.artefact.proof = Proof::Unsigned));
    refused("unreadable", detached.but(|world| world.artefact.proof = Proof::Detached(b"{}".to_vec())));
    refused("tampered", detached.but(|world| world.artefact.version = "1.4.1".into()));
    refused("tampered", detached.but(|world| world.artefact.kind = ArtefactKind::Software));
    refused("wrong class", detached.but(|world| world.class.name = "other".into()));
    refused(
        "wrong class",
        detached.but(|world| resigned(world, &signer, |manifest| manifest.class = "other".into())),
    );
    refused(
        "tampered",
        detached.but(|world| resigned(world, &signer, |manifest| manifest.not_after = Some(Timestamp(0)))),
    );
    // Somebody else has signed, and says that it was this key.
    refused(
        "wrongly signed",
        detached.but(|world| {
            let forged = SignedManifest { key: signer.key().id, ..other.signed(&manifest(IMAGE)) };
            world.artefact.proof = Proof::Detached(forged.to_bytes());
        }),
    );
    // A signature of one manifest beside another one.
    refused(
        "wrongly signed",
        detached.but(|world| {
            let newer = Manifest { sequence: 8, ..manifest(IMAGE) }.to_bytes();
            let moved = SignedManifest { manifest: newer, ..signer.signed(&manifest(IMAGE)) };
            world.artefact.proof = Proof::Detached(moved.to_bytes());
        }),
    );
    refused("wrong vendor", suit.but(|world| world.policy.vendor_id = Some(CLASS)));
    refused("wrong vendor", suit.but(|world| world.policy.vendor_id = None));
    refused("wrong class", suit.but(|world| world.policy.class_id = Some(VENDOR)));
    refused("wrong class", suit.but(|world| world.policy.class_id = None));
    refused("tampered", suit.but(|world| world.suit_proof().manifest = suit_manifest(8, parameters(IMAGE))));
    refused("unreadable", suit.but(|world| world.suit_proof().authentication = vec![0xff]));
    refused("digest differs", suit.but(|world| world.measured.envelope = None));
    let whole = suit.measured.envelope.unwrap();
    let longer = Blob { size: whole.size + 1, ..whole };
    refused("size differs", suit.but(|world| world.measured.envelope = Some(longer)));
    refused(
        "wrongly signed",
        suit.but(|world| {
            let authentication = world.suit_proof().authentication.clone();
            // The last byte of the signature.
            let (last, rest) = authentication.split_last().unwrap();
            world.suit_proof().authentication = [rest, &[last ^ 1]].concat();
        }),
    );
    refused("unsigned", suit.but(|world| world.suit_proof().authentication = unsigned(&suit)));
    assert_eq!(seen, Misfit::NAMES.into_iter().collect(), "each has been met");
}

/// The digest of a manifest that nobody has signed.
fn unsigned(world: &World) -> Vec<u8> {
    let mut world = world.clone();
    let signed = world.suit_proof().authentication.clone();
    // An array of one item, the digest: two bytes of head and 36 of content.
    [&[0x81], &signed[1..1 + 2 + 36]].concat()
}

#[test]
fn what_nobody_has_signed_is_taken_where_the_class_says_so() {
    let signer = Signer::ed25519(1);
    let (detached, suit) = (World::detached(&signer), World::suit(&signer));
    let taken = |world: &mut World| {
        world.policy.unsigned = true;
        world.artefact.sequence = 0;
        world.artefact.proof = Proof::Unsigned;
    };
    assert!(detached.but(taken).is_ok());
    // Its version alone says whether it is newer.
    let newer = |world: &mut World| {
        taken(world);
        world.installed = installed("1.4.0", Some(100));
    };
    assert!(detached.but(newer).is_ok());
    let older = detached.but(|world| {
        taken(world);
        world.installed = installed("1.10", Some(1));
    });
    assert_eq!(older.unwrap_err().name(), "downgraded");
    let unsigned_suit = suit.but(|world| {
        world.policy.unsigned = true;
        world.suit_proof().authentication = unsigned(&suit);
    });
    assert!(unsigned_suit.is_ok());
    // A signature that is there has to be good all the same.
    let wrongly = detached.but(|world| {
        world.policy.unsigned = true;
        world.keys.clear();
    });
    assert_eq!(wrongly.unwrap_err().name(), "unknown key");
}

#[test]
fn the_sequence_number_says_more_than_the_version() {
    let world = World::detached(&Signer::p256());
    // What was signed as newer is newer, such as an older version that is to be gone back to.
    assert!(world.but(|world| world.installed = installed("2.0", Some(6))).is_ok());
    // The same again repairs a device.
    assert!(world.but(|world| world.installed = installed("1.4.0", Some(7))).is_ok());
    assert!(world.but(|world| world.installed = installed("1.3.10", None)).is_ok());
}

#[test]
fn an_artefact_may_be_sent_until_its_time_is_over() {
    let signer = Signer::ed25519(1);
    let world = World::detached(&signer);
    assert!(world.but(|world| world.artefact.not_after = Some(NOW)).is_ok());
    let ends = |world: &mut World, not_after| {
        world.artefact.not_after = not_after;
        resigned(world, &signer, |manifest| manifest.not_after = Some(NOW));
    };
    assert!(world.but(|world| ends(world, Some(NOW))).is_ok());
    // What is kept may say less than what was signed, never more.
    assert_eq!(world.but(|world| ends(world, None)).unwrap_err().name(), "tampered");
}
