//! Artefacts: how they come here, who is given them, and how they end.

use super::*;
use crate::{
    Artefact, ArtefactChange, ArtefactId, ArtefactKind, BlobError, Fingerprint, Installed, MemoryBlobs,
    Misfit, NewArtefact, Proof, Sends, UpdateKey, UpdatePolicy, Upload,
    artefact::kit::{CLASS, Signer, VENDOR, envelope, manifest, parameters, suit_manifest},
};

const IMAGE: &[u8] = b"an image of some kind";
const MAX_BYTES: u64 = 4_096;

/// A fleet whose default class trusts a key, and its bytes.
struct Shelf {
    bench: Bench,
    blobs: MemoryBlobs,
    signer: Signer,
}

impl Shelf {
    fn new() -> Self {
        let blobs = MemoryBlobs::new();
        let mut bench = with_users();
        bench.fleet = bench.fleet.with_blobs(Arc::new(blobs.clone()), MAX_BYTES);
        let shelf = Self { bench, blobs, signer: Signer::p256() };
        block_on(shelf.fleet().add_update_key(
            &admin(),
            ClassId::DEFAULT,
            "build",
            &shelf.signer.public_key(),
        ))
        .unwrap();
        let policy = UpdatePolicy {
            vendor_id: Some(VENDOR),
            class_id: Some(CLASS),
            ..UpdatePolicy::new(ClassId::DEFAULT)
        };
        block_on(shelf.fleet().set_update_policy(&admin(), policy)).unwrap();
        shelf
    }

    fn fleet(&self) -> &Fleet {
        &self.bench.fleet
    }

    async fn upload(&self, bytes: &[u8]) -> Upload {
        let mut upload = self.fleet().begin_upload(&admin()).await.unwrap();
        for part in bytes.chunks(7) {
            upload.append(part).await.unwrap();
        }
        upload
    }

    fn add(
        &self,
        new: NewArtefact,
        image: Option<&[u8]>,
        envelope: Option<&[u8]>,
    ) -> Result<Artefact, FleetError> {
        block_on(async {
            let image = match image {
                Some(bytes) => Some(self.upload(bytes).await),
                None => None,
            };
            let envelope = match envelope {
                Some(bytes) => Some(self.upload(bytes).await),
                None => None,
            };
            self.fleet().add_artefact(&admin(), new, image, envelope).await
        })
    }

    fn signed(&self) -> NewArtefact {
        NewArtefact { signed: Some(self.signer.signed(&manifest(IMAGE)).to_bytes()), version: None, ..new() }
    }

    fn suit(&self, image: Option<&[u8]>) -> Vec<u8> {
        let manifest = suit_manifest(7, parameters(IMAGE));
        envelope(&self.signer.authentication(&manifest), &manifest, image)
    }

    fn clear(&self, id: ArtefactId) -> Result<crate::Cleared, FleetError> {
        block_on(self.fleet().clear_artefact(id, DeviceId(1), 0, START))
    }

    /// All that a device would be sent, part by part.
    fn sent(&self, id: ArtefactId) -> Vec<u8> {
        let cleared = self.clear(id).unwrap();
        let mut sent = Vec::new();
        loop {
            let part = block_on(self.fleet().cleared_part(&cleared, sent.len() as u64, 8)).unwrap();
            if part.is_empty() {
                return sent;
            }
            sent.extend(part);
        }
    }
}

fn admin() -> Context {
    context(Role::Administrator)
}

fn new() -> NewArtefact {
    NewArtefact {
        name: "gateway".into(),
        kind: None,
        version: Some("1.4.0".into()),
        class: ClassId::DEFAULT,
        not_after: None,
        signed: None,
        sends: Sends::Image,
    }
}

/// What an upload is refused for.
fn misfit<T: std::fmt::Debug>(refused: Result<T, FleetError>) -> &'static str {
    match refused.unwrap_err() {
        FleetError::Misfit(misfit) => misfit.name(),
        other => panic!("{other}"),
    }
}

/// An artefact that nobody has signed, for the table of permissions.
pub(super) fn uploaded(bench: &Bench) -> ArtefactId {
    let policy = UpdatePolicy { unsigned: true, ..UpdatePolicy::new(ClassId::DEFAULT) };
    bench.commit(vec![Change::Artefact(ArtefactChange::PolicySaved(policy))]);
    block_on(async {
        let mut upload = bench.fleet.begin_upload(&admin()).await.unwrap();
        upload.append(IMAGE).await.unwrap();
        bench.fleet.add_artefact(&admin(), new(), Some(upload), None).await.unwrap().id
    })
}

pub(super) fn withdrawn(bench: &Bench) -> ArtefactId {
    let id = uploaded(bench);
    block_on(bench.fleet.withdraw_artefact(&admin(), id)).unwrap();
    id
}

pub(super) fn key(bench: &Bench) -> UpdateKey {
    let public_key = Signer::ed25519(3).public_key();
    block_on(bench.fleet.add_update_key(&admin(), ClassId::DEFAULT, "build", &public_key)).unwrap()
}

#[test]
fn a_signed_image_is_kept_and_its_devices_are_sent_just_that() {
    let shelf = Shelf::new();
    let artefact = shelf.add(shelf.signed(), Some(IMAGE), None).unwrap();
    assert_eq!(
        (artefact.version.as_str(), artefact.sequence, artefact.kind),
        ("1.4.0", 7, ArtefactKind::Firmware)
    );
    assert_eq!((artefact.digest, artefact.key), (Fingerprint::of(IMAGE), Some(shelf.signer.key().id)));
    assert_eq!(shelf.sent(artefact.id), IMAGE);
    let detail = block_on(shelf.fleet().artefact(&context(Role::Viewer), artefact.id)).unwrap();
    assert_eq!((detail.check, detail.key.as_deref(), detail.runs), (Ok(()), Some("build"), 0));
    let line = format!(
        "upload artefact · administrator · gateway 1.4.0 for default; firmware; manifest; SHA-256 {}",
        Fingerprint::of(IMAGE)
    );
    assert!(shelf.bench.audit().contains(&line), "{:?}", shelf.bench.audit());
}

#[test]
fn an_envelope_is_taken_with_its_image_in_it_or_beside_it() {
    let shelf = Shelf::new();
    let whole = shelf.suit(Some(IMAGE));
    let with = shelf.add(new(), None, Some(&whole)).unwrap();
    assert_eq!(shelf.sent(with.id), IMAGE);
    let as_envelope = shelf.add(NewArtefact { sends: Sends::Envelope, ..new() }, None, Some(&whole)).unwrap();
    assert_eq!(shelf.sent(as_envelope.id), whole);
    let bare = shelf.suit(None);
    let beside = shelf.add(new(), Some(IMAGE), Some(&bare)).unwrap();
    assert_eq!(shelf.sent(beside.id), IMAGE);
    // The same bytes lie there once.
    let expected = [&whole[..], &bare, IMAGE].map(Fingerprint::of);
    assert_eq!(shelf.blobs.kept(), expected.into_iter().collect());
    let refused = shelf.add(new(), None, Some(&bare));
    assert!(matches!(refused, Err(FleetError::Invalid { field: "image", .. })), "{refused:?}");
}

#[test]
fn what_is_refused_leaves_no_bytes_and_no_row() {
    let shelf = Shelf::new();
    let other = Signer::ed25519(9);
    let by_other = NewArtefact { signed: Some(other.signed(&manifest(IMAGE)).to_bytes()), ..new() };
    assert_eq!(misfit(shelf.add(by_other, Some(IMAGE), None)), "unknown key");
    assert_eq!(misfit(shelf.add(shelf.signed(), Some(b"an image of other kind"), None)), "size differs");
    assert_eq!(misfit(shelf.add(shelf.signed(), Some(b"an image of samekinds"), None)), "digest differs");
    assert_eq!(misfit(shelf.add(new(), Some(IMAGE), None)), "unsigned");
    assert_eq!(misfit(shelf.add(new(), None, Some(b"no envelope"))), "unreadable");
    assert_eq!(
        misfit(shelf.add(NewArtefact { signed: Some(vec![]), ..new() }, Some(IMAGE), None)),
        "unreadable"
    );
    assert_eq!(
        misfit(shelf.add(new(), None, Some(&shelf.suit(Some(b"an image of samekinds"))))),
        "digest differs"
    );
    assert_eq!(misfit(shelf.add(new(), Some(b"other"), Some(&shelf.suit(None)))), "size differs");
    let expired = NewArtefact { not_after: Some(Timestamp(START.0 - 1)), ..shelf.signed() };
    assert_eq!(misfit(shelf.add(expired, Some(IMAGE), None)), "expired");
    for (field, new, image) in [
        ("version", NewArtefact { version: Some("1.5".into()), ..shelf.signed() }, IMAGE),
        ("kind", NewArtefact { kind: Some(ArtefactKind::Software), ..shelf.signed() }, IMAGE),
        ("version", NewArtefact { version: None, ..new() }, IMAGE),
        ("name", NewArtefact { name: " ".into(), ..shelf.signed() }, IMAGE),
        ("sends", NewArtefact { sends: Sends::Envelope, ..shelf.signed() }, IMAGE),
        ("image", new(), b""),
    ] {
        let refused = shelf.add(new, Some(image), None);
        assert!(
            matches!(&refused, Err(FleetError::Invalid { field: at, .. }) if *at == field),
            "{refused:?}"
        );
    }
    assert!(shelf.blobs.kept().is_empty());
    assert_eq!(shelf.fleet().misfits().get("size differs"), Some(&2));
    let page = PageRequest::first(10);
    assert!(block_on(shelf.fleet().artefacts(&admin(), &page)).unwrap().rows.is_empty());
    // Not what another artefact needs.
    shelf.add(shelf.signed(), Some(IMAGE), None).unwrap();
    assert_eq!(misfit(shelf.add(new(), Some(IMAGE), None)), "unsigned");
    assert_eq!(shelf.blobs.kept().len(), 1);
}

#[test]
fn too_much_is_refused_while_it_comes() {
    let shelf = Shelf::new();
    let mut upload = block_on(shelf.fleet().begin_upload(&admin())).unwrap();
    block_on(upload.append(&[0; MAX_BYTES as usize])).unwrap();
    let refused = block_on(upload.append(&[0]));
    assert!(matches!(refused, Err(FleetError::TooLarge { max_bytes: MAX_BYTES })));
    drop(upload);
    let places: Vec<Upload> =
        (0..Upload::MAX).map(|_| block_on(shelf.fleet().begin_upload(&admin())).unwrap()).collect();
    let refused = block_on(shelf.fleet().begin_upload(&admin()));
    assert!(matches!(refused, Err(FleetError::TooMany { max: Upload::MAX, .. })));
    drop(places);
    assert_eq!(shelf.fleet().uploads_turned_away(), 2);
    shelf.blobs.set_room(Some(10));
    let mut upload = block_on(shelf.fleet().begin_upload(&admin())).unwrap();
    let refused = block_on(upload.append(IMAGE));
    assert!(matches!(refused, Err(FleetError::Blob(BlobError::Full))));
}

#[test]
fn bytes_that_were_changed_afterwards_are_given_to_nobody() {
    let shelf = Shelf::new();
    let artefact = shelf.add(shelf.signed(), Some(IMAGE), None).unwrap();
    assert!(shelf.clear(artefact.id).is_ok());
    let reads = shelf.blobs.reads();
    assert!(shelf.clear(artefact.id).is_ok());
    assert_eq!(shelf.blobs.reads(), reads, "hashed once for many");
    shelf.blobs.tamper(artefact.digest, b"an image of samekinds".to_vec());
    assert_eq!(misfit(shelf.clear(artefact.id)), "digest differs");
    shelf.blobs.tamper(artefact.digest, IMAGE.to_vec());
    assert!(shelf.clear(artefact.id).is_ok());
    block_on(shelf.fleet().clear_uploads()).unwrap();
    assert!(shelf.clear(artefact.id).is_ok(), "what an artefact needs stays");
    block_on(Blobs::remove(&shelf.blobs, artefact.digest)).unwrap();
    assert!(matches!(shelf.clear(artefact.id), Err(FleetError::Blob(BlobError::Gone))));
}

#[test]
fn what_stood_at_the_upload_is_looked_at_again_for_each_device() {
    let shelf = Shelf::new();
    let artefact = shelf.add(shelf.signed(), Some(IMAGE), None).unwrap();
    let runs = |sequence| {
        let (device, kind, version) = (DeviceId(1), ArtefactKind::Firmware, "2.0".to_owned());
        let installed = Installed { device, kind, instance: 0, version, sequence, artefact: None, at: START };
        shelf.bench.commit(vec![Change::Artefact(ArtefactChange::Installed(installed))]);
    };
    runs(Some(8));
    assert_eq!(misfit(shelf.clear(artefact.id)), "downgraded");
    runs(Some(6));
    shelf.clear(artefact.id).unwrap();
    block_on(shelf.fleet().revoke_update_key(&admin(), ClassId::DEFAULT, shelf.signer.key().id)).unwrap();
    assert_eq!(misfit(shelf.clear(artefact.id)), "revoked key");
    let detail = block_on(shelf.fleet().artefact(&admin(), artefact.id)).unwrap();
    assert_eq!(detail.check, Err(Misfit::RevokedKey { key: shelf.signer.key().id }));
    let meters = block_on(shelf.fleet().add_class(&admin(), "meters")).unwrap();
    block_on(shelf.fleet().classify_device(&admin(), public_id(1), meters.id)).unwrap();
    assert_eq!(misfit(shelf.clear(artefact.id)), "wrong class");
    let nobody = block_on(shelf.fleet().clear_artefact(artefact.id, DeviceId(9), 0, START));
    assert!(matches!(nobody, Err(FleetError::NotFound("device"))));
}

#[test]
fn a_withdrawn_artefact_is_given_to_nobody_and_can_be_removed() {
    let shelf = Shelf::new();
    let one = shelf.add(shelf.signed(), Some(IMAGE), None).unwrap();
    let twin = shelf.add(shelf.signed(), Some(IMAGE), None).unwrap();
    let refused = block_on(shelf.fleet().remove_artefact(&admin(), one.id));
    assert!(matches!(refused, Err(FleetError::Invalid { field: "artefact", .. })));
    for id in [one.id, twin.id] {
        let artefact = block_on(shelf.fleet().withdraw_artefact(&admin(), id)).unwrap();
        assert_eq!(artefact.withdrawn_at, Some(START));
        assert_eq!(misfit(shelf.clear(id)), "withdrawn");
        assert_eq!(shelf.blobs.kept().len(), 1);
        block_on(shelf.fleet().remove_artefact(&admin(), id)).unwrap();
    }
    assert!(shelf.blobs.kept().is_empty(), "with the last one that has them the bytes go");
    let audit = shelf.bench.audit();
    for verb in ["withdraw artefact", "remove artefact"] {
        assert_eq!(audit.iter().filter(|line| line.starts_with(verb)).count(), 2, "{audit:?}");
    }
    assert!(matches!(shelf.clear(one.id), Err(FleetError::NotFound("artefact"))));
}

#[test]
fn what_no_artefact_has_is_cleared_at_a_start() {
    let shelf = Shelf::new();
    let artefact = shelf.add(shelf.signed(), Some(IMAGE), None).unwrap();
    block_on(async {
        let mut writer = Blobs::begin(&shelf.blobs).await.unwrap();
        writer.append(b"left over").await.unwrap();
        writer.finish().await.unwrap();
    });
    assert_eq!(block_on(shelf.fleet().clear_uploads()).unwrap(), 1);
    assert_eq!(shelf.blobs.kept(), [artefact.digest].into());
}

#[test]
fn a_person_downloads_what_devices_are_sent() {
    let shelf = Shelf::new();
    let artefact = shelf.add(new(), None, Some(&shelf.suit(Some(IMAGE)))).unwrap();
    assert!(matches!(artefact.proof, Proof::Suit(_)));
    let mut download = block_on(shelf.fleet().download_artefact(&admin(), artefact.id)).unwrap();
    assert_eq!(download.size, IMAGE.len() as u64);
    assert_eq!(block_on(download.next()).unwrap().as_deref(), Some(IMAGE));
    assert_eq!(block_on(download.next()).unwrap(), None);
    block_on(shelf.fleet().flush_audit()).unwrap();
    assert!(shelf.bench.audit().iter().any(|line| line.starts_with("download artefact")));
}

#[test]
fn a_class_has_so_many_keys_and_each_once() {
    let shelf = Shelf::new();
    let add = |key: &[u8]| block_on(shelf.fleet().add_update_key(&admin(), ClassId::DEFAULT, "k", key));
    assert!(matches!(add(&shelf.signer.public_key()), Err(FleetError::AlreadyThere("update key"))));
    assert!(matches!(add(b"no key"), Err(FleetError::Invalid { field: "public key", .. })));
    // A key on another curve: P-384 (RFC 5480 §2.1.1.1).
    let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let refused = add(p384.public_key_pem().as_bytes()).unwrap_err();
    assert!(refused.to_string().contains("Ed25519 or ECDSA on P-256"), "{refused}");
    for seed in 1..UpdateKey::MAX {
        add(&Signer::ed25519(u8::try_from(seed).unwrap()).public_key()).unwrap();
    }
    let one_more = add(&Signer::ed25519(99).public_key());
    assert!(matches!(one_more, Err(FleetError::TooMany { max: UpdateKey::MAX, .. })));
}
