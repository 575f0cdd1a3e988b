//! What programs come with, as rows: tokens, requests that name themselves, object definitions.

use fleet::{ApiToken, PublicId, Role, StoreError, Submission, Timestamp, UserId, store::StoredModel};
use objects::{ObjectId, Version};

use super::{OrCorrupt, Word, text, text_column, uuid};
use crate::store::entity;

pub(in crate::store) fn token_row(token: &ApiToken) -> entity::api_token::Model {
    entity::api_token::Model {
        public_id: token.public_id.0.as_bytes().to_vec(),
        name: text_column(&token.name),
        owner_id: token.owner.0,
        scope: token.scope.word().to_owned(),
        hash: token.hash.to_vec(),
        created_at: token.created_at.0,
        expires_at: token.expires_at.0,
        last_used_at: token.last_used_at.map(|at| at.0),
        revoked_at: token.revoked_at.map(|at| at.0),
        ends_at: token.ended_at().0,
    }
}

pub(in crate::store) fn token(
    row: entity::api_token::Model,
    owner_name: &str,
) -> Result<ApiToken, StoreError> {
    let what = "token";
    Ok(ApiToken {
        public_id: PublicId(uuid(&row.public_id).or_corrupt(what)?),
        name: text(&row.name),
        owner: UserId(row.owner_id),
        owner_name: text(owner_name),
        scope: Role::from_word(&row.scope).or_corrupt(what)?,
        hash: row.hash.try_into().or_corrupt(what)?,
        created_at: Timestamp(row.created_at),
        expires_at: Timestamp(row.expires_at),
        last_used_at: row.last_used_at.map(Timestamp),
        revoked_at: row.revoked_at.map(Timestamp),
    })
}

pub(in crate::store) fn submission(row: entity::submission::Model) -> Result<Submission, StoreError> {
    Ok(Submission {
        fingerprint: row.fingerprint.try_into().or_corrupt("submission")?,
        answer: row.answer,
        at: Timestamp(row.at),
    })
}

pub(in crate::store) fn model_row(object: ObjectId, version: Version, xml: &str) -> entity::model::Model {
    entity::model::Model {
        object_id: object.0.into(),
        major: version.major.into(),
        minor: version.minor.into(),
        xml: text_column(xml),
    }
}

pub(in crate::store) fn model(row: entity::model::Model) -> Result<StoredModel, StoreError> {
    let (major, minor) =
        (row.major.try_into().or_corrupt("model")?, row.minor.try_into().or_corrupt("model")?);
    Ok(StoredModel {
        object: ObjectId(row.object_id.try_into().or_corrupt("model")?),
        version: Version { major, minor },
        xml: text(&row.xml),
    })
}
