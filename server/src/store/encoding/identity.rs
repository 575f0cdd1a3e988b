//! Credentials and claims as rows, and back. A secret is sealed and opened elsewhere: a row never holds it in clear.

use fleet::{
    Claim, ClaimId, Claimed, Class, ClassId, ClassPolicy, Credential, CredentialId, CredentialKind,
    CredentialName, CredentialState, DeviceId, DomainId, EndpointName, Holder, Mapping, PublicId, Purpose,
    Retention, StoreError, Timestamp,
};

use super::{OrCorrupt, Word, text, text_column, uuid};
use crate::store::entity;

pub(in crate::store) fn credential_row(
    credential: &Credential,
    sealed: Vec<u8>,
) -> entity::credential::Model {
    let (device_id, claim_id) = holder_columns(credential.holder);
    entity::credential::Model {
        id: credential.id.0,
        public_id: credential.public_id.0.as_bytes().to_vec(),
        domain_id: DomainId::ROOT.0,
        device_id,
        claim_id,
        purpose: credential.purpose.word().to_owned(),
        kind: credential.kind.word().to_owned(),
        state: credential.state.word().to_owned(),
        identity: credential.identity.to_bytes(),
        sealed,
        parent_id: credential.parent.map(|parent| parent.0),
        valid_from: credential.valid_from.0,
        valid_to: credential.valid_to.map(|at| at.0),
        created_by: text_column(&credential.created_by),
        created_at: credential.created_at.0,
        changed_at: credential.changed_at.0,
        last_used_at: credential.last_used_at.map(|at| at.0),
    }
}

pub(in crate::store) fn credential(row: entity::credential::Model) -> Result<Credential, StoreError> {
    let what = "credential";
    let kind = CredentialKind::from_word(&row.kind).or_corrupt(what)?;
    Ok(Credential {
        id: CredentialId(row.id),
        public_id: PublicId(uuid(&row.public_id).or_corrupt(what)?),
        holder: holder(row.device_id, row.claim_id).or_corrupt(what)?,
        purpose: Purpose::from_word(&row.purpose).or_corrupt(what)?,
        kind,
        state: CredentialState::from_word(&row.state).or_corrupt(what)?,
        identity: CredentialName::from_bytes(kind, &row.identity).or_corrupt(what)?,
        parent: row.parent_id.map(CredentialId),
        valid_from: Timestamp(row.valid_from),
        valid_to: row.valid_to.map(Timestamp),
        created_by: text(&row.created_by),
        created_at: Timestamp(row.created_at),
        changed_at: Timestamp(row.changed_at),
        last_used_at: row.last_used_at.map(Timestamp),
    })
}

pub(in crate::store) fn holder_columns(holder: Holder) -> (Option<i64>, Option<i64>) {
    match holder {
        Holder::Device(device) => (Some(device.0), None),
        Holder::Claim(claim) => (None, Some(claim.0)),
    }
}

pub(in crate::store) fn holder(device_id: Option<i64>, claim_id: Option<i64>) -> Option<Holder> {
    match (device_id, claim_id) {
        (Some(device), None) => Some(Holder::Device(DeviceId(device))),
        (None, Some(claim)) => Some(Holder::Claim(ClaimId(claim))),
        _ => None,
    }
}

pub(in crate::store) fn claim_row(claim: &Claim) -> entity::claim::Model {
    entity::claim::Model {
        id: claim.id.0,
        public_id: claim.public_id.0.as_bytes().to_vec(),
        domain_id: DomainId::ROOT.0,
        name: text_column(&claim.name),
        class_id: claim.class.0,
        quota: claim.quota.into(),
        used: claim.used.into(),
        opens_at: claim.opens_at.0,
        closes_at: claim.closes_at.0,
        closed: claim.closed.into(),
        created_by: text_column(&claim.created_by),
        created_at: claim.created_at.0,
    }
}

pub(in crate::store) fn claim(row: entity::claim::Model) -> Result<Claim, StoreError> {
    Ok(Claim {
        id: ClaimId(row.id),
        public_id: PublicId(uuid(&row.public_id).or_corrupt("claim")?),
        name: text(&row.name),
        class: ClassId(row.class_id),
        quota: row.quota.try_into().or_corrupt("claim")?,
        used: row.used.try_into().or_corrupt("claim")?,
        opens_at: Timestamp(row.opens_at),
        closes_at: Timestamp(row.closes_at),
        closed: row.closed != 0,
        created_by: text(&row.created_by),
        created_at: Timestamp(row.created_at),
    })
}

pub(in crate::store) fn claimed_row(claimed: &Claimed) -> entity::claimed::Model {
    entity::claimed::Model {
        claim_id: claimed.claim.0,
        endpoint: claimed.endpoint.as_str().to_owned(),
        device_id: claimed.device.0,
        at: claimed.at.0,
        again_until: None,
    }
}

pub(in crate::store) fn claimed(row: entity::claimed::Model) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        claim: ClaimId(row.claim_id),
        device: DeviceId(row.device_id),
        endpoint: EndpointName::new(row.endpoint).or_corrupt("claim")?,
        at: Timestamp(row.at),
        again_until: row.again_until.map(Timestamp),
    })
}

pub(in crate::store) fn class_row(class: &Class) -> entity::class::Model {
    let Class { id, name, policy, retention } = class;
    entity::class::Model {
        id: id.0,
        domain_id: DomainId::ROOT.0,
        name: text_column(name),
        kinds: kinds_column(policy),
        mapping: policy.mapping.word().to_owned(),
        provision: policy.provision.word().to_owned(),
        values_days: retention.days.map(i64::from),
        values_kept: retention.readings.into(),
    }
}

pub(in crate::store) fn kinds_column(policy: &ClassPolicy) -> String {
    let words: Vec<&str> = policy.kinds.iter().map(|kind| kind.word()).collect();
    serde_json::to_string(&words).expect("strings are always JSON")
}

pub(in crate::store) fn class(row: entity::class::Model) -> Result<Class, StoreError> {
    let what = "class";
    let words: Vec<String> = serde_json::from_str(&row.kinds).or_corrupt(what)?;
    let kinds = words.iter().map(|word| CredentialKind::from_word(word)).collect::<Option<_>>();
    let policy = ClassPolicy {
        kinds: kinds.or_corrupt(what)?,
        mapping: Mapping::from_word(&row.mapping).or_corrupt(what)?,
        provision: CredentialKind::from_word(&row.provision).or_corrupt(what)?,
    };
    let retention = Retention {
        days: row.values_days.map(u32::try_from).transpose().ok().or_corrupt(what)?,
        readings: u32::try_from(row.values_kept).ok().or_corrupt(what)?,
    };
    Ok(Class { id: ClassId(row.id), name: text(&row.name), policy, retention })
}
