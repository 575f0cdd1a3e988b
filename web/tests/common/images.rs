//! Artefacts to update devices with, which nobody has signed.

use fleet::{Artefact, ArtefactKind, ClassId, Context, Fleet, NewArtefact, Sends, UpdatePolicy};

/// The image of each of them.
pub(crate) const IMAGE: &[u8] = &[0x5a; 4_096];

/// Firmware of this name and version for devices of the default class, which takes it unsigned.
pub(crate) async fn firmware(fleet: &Fleet, context: &Context, name: &str, version: &str) -> Artefact {
    let policy = UpdatePolicy { unsigned: true, ..UpdatePolicy::new(ClassId::DEFAULT) };
    fleet.set_update_policy(context, policy).await.unwrap();
    let mut upload = fleet.begin_upload(context).await.unwrap();
    upload.append(IMAGE).await.unwrap();
    let new = NewArtefact {
        name: name.to_owned(),
        kind: Some(ArtefactKind::Firmware),
        version: Some(version.to_owned()),
        class: ClassId::DEFAULT,
        not_after: None,
        signed: None,
        sends: Sends::Image,
    };
    fleet.add_artefact(context, new, Some(upload), None).await.unwrap()
}
