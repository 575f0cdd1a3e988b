//! Accounts, and what programs come with: tokens, requests that name themselves, object definitions.

use fleet::{PublicId, Timestamp, User};
use objects::{ObjectId, Version};

use super::{Batch, update_on_conflict};
use crate::store::{
    encoding::{people, rows},
    entity,
    failure::Failure,
    sql::Sql,
};

impl Batch<'_> {
    pub(super) async fn change_user(&mut self, user: &User) -> Result<(), Failure> {
        let row = rows::user_row(user);
        let sql = Sql::new("UPDATE user_account SET name = ").bind(row.name).text(", role = ").bind(row.role);
        let sql = sql.text(", password = ").bind(row.password).text(", disabled_at = ").bind(row.disabled_at);
        let sql = sql.text(", sessions_from = ").bind(row.sessions_from);
        if self.run(sql.text(" WHERE id = ").bind(row.id)).await? == 0 {
            Err(Failure::Conflict)
        } else {
            Ok(())
        }
    }

    pub(super) async fn use_token(&mut self, id: PublicId, at: Timestamp) -> Result<(), Failure> {
        let sql = Sql::new("UPDATE api_token SET last_used_at = ").bind(at.0);
        let sql = sql.text(" WHERE public_id = ").bind(id.0.as_bytes().to_vec());
        self.run(sql.text(" AND (last_used_at IS NULL OR last_used_at < ").bind(at.0).text(")")).await?;
        Ok(())
    }

    pub(super) async fn revoke_token(&mut self, id: PublicId, at: Timestamp) -> Result<(), Failure> {
        let sql = Sql::new("UPDATE api_token SET revoked_at = ").bind(at.0);
        let sql = sql
            .text(", ends_at = CASE WHEN expires_at < ")
            .bind(at.0)
            .text(" THEN expires_at ELSE ")
            .bind(at.0);
        let sql = sql.text(" END WHERE revoked_at IS NULL AND public_id = ").bind(id.0.as_bytes().to_vec());
        self.run(sql).await?;
        Ok(())
    }

    pub(super) async fn begin_submission(
        &mut self,
        key: &[u8; 32],
        fingerprint: &[u8; 32],
        at: Timestamp,
    ) -> Result<(), Failure> {
        self.insert(entity::submission::Model {
            key: key.to_vec(),
            fingerprint: fingerprint.to_vec(),
            answer: None,
            at: at.0,
        })
        .await
    }

    pub(super) async fn answer_submission(&mut self, key: &[u8; 32], answer: &[u8]) -> Result<(), Failure> {
        let sql = Sql::new("UPDATE submission SET answer = ").bind(answer.to_vec());
        self.run(sql.text(" WHERE key = ").bind(key.to_vec())).await?;
        Ok(())
    }

    pub(super) async fn save_model(
        &mut self,
        object: ObjectId,
        version: Version,
        xml: &str,
    ) -> Result<(), Failure> {
        let update = update_on_conflict::<entity::model::Entity>();
        self.insert_many(vec![people::model_row(object, version, xml)], Some(update)).await
    }

    pub(super) async fn remove_model(&mut self, object: ObjectId, version: Version) -> Result<(), Failure> {
        let sql = Sql::new("DELETE FROM model WHERE object_id = ").bind(i64::from(object.0));
        let sql = sql.text(" AND major = ").bind(i64::from(version.major));
        self.run(sql.text(" AND minor = ").bind(i64::from(version.minor))).await?;
        Ok(())
    }
}
