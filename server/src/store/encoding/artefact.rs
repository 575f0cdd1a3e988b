//! Artefacts, whom classes take them from, and what devices run, as rows.

use fleet::{
    Artefact, ArtefactId, ArtefactKind, ClassId, DeviceId, DomainId, Fingerprint, Installed, KeyAlgorithm,
    Proof, Sends, StoreError, SuitProof, Timestamp, UpdateKey, UpdatePolicy,
};

use super::{OrCorrupt as _, Word as _, text, text_column, uuid};
use crate::store::entity::{artefact, installed, update_key, update_policy};

pub(in crate::store) fn artefact_row(artefact: &Artefact) -> artefact::Model {
    let mut row = artefact::Model {
        id: id_column(artefact.id),
        domain_id: DomainId::ROOT.0,
        class_id: artefact.class.0,
        kind: artefact.kind.word().to_owned(),
        name: text_column(&artefact.name),
        version: text_column(&artefact.version),
        size: number_column(artefact.size),
        digest: artefact.digest.0.to_vec(),
        sequence: number_column(artefact.sequence),
        not_after: artefact.not_after.map(|at| at.0),
        signed: None,
        authentication: None,
        manifest: None,
        envelope: None,
        envelope_size: None,
        image_at: None,
        key_id: artefact.key.map(|key| key.0.to_vec()),
        sends: artefact.sends.word().to_owned(),
        uploaded_by: text_column(&artefact.uploaded_by),
        uploaded_at: artefact.uploaded_at.0,
        withdrawn_at: artefact.withdrawn_at.map(|at| at.0),
    };
    match &artefact.proof {
        Proof::Unsigned => {}
        Proof::Detached(signed) => row.signed = Some(signed.clone()),
        Proof::Suit(suit) => {
            row.authentication = Some(suit.authentication.clone());
            row.manifest = Some(suit.manifest.clone());
            row.envelope = Some(suit.envelope.0.to_vec());
            row.envelope_size = Some(number_column(suit.envelope_size));
            row.image_at = suit.image_at.map(number_column);
        }
    }
    row
}

pub(in crate::store) fn artefact(row: artefact::Model) -> Result<Artefact, StoreError> {
    read_artefact(row).or_corrupt("artefact")
}

fn read_artefact(row: artefact::Model) -> Option<Artefact> {
    let proof = match (row.signed, row.authentication, row.manifest, row.envelope, row.envelope_size) {
        (None, None, None, None, None) => Proof::Unsigned,
        (Some(signed), None, None, None, None) => Proof::Detached(signed),
        (None, Some(authentication), Some(manifest), Some(envelope), Some(size)) => {
            Proof::Suit(Box::new(SuitProof {
                authentication,
                manifest,
                envelope: fingerprint(&envelope)?,
                envelope_size: size.try_into().ok()?,
                image_at: row.image_at.map(u64::try_from).transpose().ok()?,
            }))
        }
        _ => return None,
    };
    Some(Artefact {
        id: ArtefactId(uuid(&row.id)?),
        kind: ArtefactKind::from_word(&row.kind)?,
        name: text(&row.name),
        version: text(&row.version),
        class: ClassId(row.class_id),
        size: row.size.try_into().ok()?,
        digest: fingerprint(&row.digest)?,
        sequence: row.sequence.try_into().ok()?,
        not_after: row.not_after.map(Timestamp),
        proof,
        key: match row.key_id {
            Some(key) => Some(fingerprint(&key)?),
            None => None,
        },
        sends: Sends::from_word(&row.sends)?,
        uploaded_by: text(&row.uploaded_by),
        uploaded_at: Timestamp(row.uploaded_at),
        withdrawn_at: row.withdrawn_at.map(Timestamp),
    })
}

pub(in crate::store) fn policy_row(policy: &UpdatePolicy) -> update_policy::Model {
    update_policy::Model {
        class_id: policy.class.0,
        vendor_uuid: policy.vendor_id.map(|id| id.as_bytes().to_vec()),
        class_uuid: policy.class_id.map(|id| id.as_bytes().to_vec()),
        unsigned: policy.unsigned.into(),
        coap: policy.coap.into(),
        http: policy.http.into(),
    }
}

pub(in crate::store) fn policy(row: update_policy::Model) -> Result<UpdatePolicy, StoreError> {
    let id =
        |column: Option<Vec<u8>>| column.map(|bytes| uuid(&bytes).or_corrupt("update policy")).transpose();
    Ok(UpdatePolicy {
        class: ClassId(row.class_id),
        vendor_id: id(row.vendor_uuid)?,
        class_id: id(row.class_uuid)?,
        unsigned: row.unsigned != 0,
        coap: row.coap != 0,
        http: row.http != 0,
    })
}

pub(in crate::store) fn key_row(key: &UpdateKey) -> update_key::Model {
    update_key::Model {
        class_id: key.class.0,
        id: key.id.0.to_vec(),
        name: text_column(&key.name),
        algorithm: key.algorithm.word().to_owned(),
        public_key: key.public_key.clone(),
        added_by: text_column(&key.added_by),
        added_at: key.added_at.0,
        revoked_at: key.revoked_at.map(|at| at.0),
    }
}

pub(in crate::store) fn key(row: update_key::Model) -> Result<UpdateKey, StoreError> {
    Ok(UpdateKey {
        class: ClassId(row.class_id),
        id: fingerprint(&row.id).or_corrupt("update key")?,
        name: text(&row.name),
        algorithm: KeyAlgorithm::from_word(&row.algorithm).or_corrupt("update key")?,
        public_key: row.public_key,
        added_by: text(&row.added_by),
        added_at: Timestamp(row.added_at),
        revoked_at: row.revoked_at.map(Timestamp),
    })
}

pub(in crate::store) fn installed_row(installed: &Installed) -> installed::Model {
    installed::Model {
        device_id: installed.device.0,
        kind: installed.kind.word().to_owned(),
        instance: installed.instance.into(),
        version: text_column(&installed.version),
        sequence: installed.sequence.map(number_column),
        artefact_id: installed.artefact.map(id_column),
        at: installed.at.0,
    }
}

pub(in crate::store) fn installed(row: installed::Model) -> Result<Installed, StoreError> {
    read_installed(row).or_corrupt("installed artefact")
}

fn read_installed(row: installed::Model) -> Option<Installed> {
    Some(Installed {
        device: DeviceId(row.device_id),
        kind: ArtefactKind::from_word(&row.kind)?,
        instance: row.instance.try_into().ok()?,
        version: text(&row.version),
        sequence: row.sequence.map(u64::try_from).transpose().ok()?,
        artefact: match row.artefact_id {
            Some(id) => Some(ArtefactId(uuid(&id)?)),
            None => None,
        },
        at: Timestamp(row.at),
    })
}

pub(in crate::store) fn id_column(id: ArtefactId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(in crate::store) fn fingerprint(bytes: &[u8]) -> Option<Fingerprint> {
    bytes.try_into().ok().map(Fingerprint)
}

/// Sizes and sequence numbers are below 2^53.
fn number_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
