//! Policies of classes, the certificates of devices, authorities, and the server's own keys.

use fleet::{Authority, AuthorityId, Class, CredentialId, CredentialKind, KeyPair, OwnKey, SeenCertificate};
use sea_orm::EntityTrait as _;

use super::{Batch, update_on_conflict};
use crate::store::{
    encoding::{Word as _, identity, secure},
    entity,
    failure::Failure,
    sealed,
    sql::Sql,
};

impl Batch<'_> {
    pub(super) async fn save_class(&mut self, class: &Class) -> Result<(), Failure> {
        let row = identity::class_row(class);
        let sql = Sql::new("UPDATE class SET name = ").bind(row.name).text(", kinds = ").bind(row.kinds);
        let sql = sql.text(", mapping = ").bind(row.mapping).text(", provision = ").bind(row.provision);
        let sql = sql.text(", values_days = ").bind(row.values_days);
        let sql = sql.text(", values_kept = ").bind(row.values_kept);
        if self.run(sql.text(" WHERE id = ").bind(row.id)).await? == 0 {
            return Err(Failure::Conflict);
        }
        let kinds = CredentialKind::ALL.into_iter();
        let barred: Vec<_> =
            kinds.filter(|kind| !class.policy.allows(*kind)).map(|kind| kind.word()).collect();
        if barred.is_empty() {
            return Ok(());
        }
        self.write_sessions().await?;
        for (table, holder) in [("device", "device_id"), ("claim", "claim_id")] {
            self.run(sessions_of_class(table, holder, row.id, &barred)).await?;
        }
        Ok(())
    }

    pub(super) async fn see_certificate(
        &mut self,
        credential: CredentialId,
        certificate: &SeenCertificate,
    ) -> Result<(), Failure> {
        // Whoever is not there has not come with anything.
        let sql = Sql::new("SELECT 1 FROM credential WHERE id = ").bind(credential.0);
        if self.query(sql).await?.is_empty() {
            return Ok(());
        }
        let update = update_on_conflict::<entity::seen_certificate::Entity>();
        self.insert_many(vec![secure::seen_row(credential, certificate)], Some(update)).await
    }

    pub(super) async fn save_authority(&mut self, authority: &Authority) -> Result<(), Failure> {
        let update = update_on_conflict::<entity::authority::Entity>();
        self.insert_many(vec![secure::authority_row(authority)], Some(update)).await
    }

    pub(super) async fn remove_authority(&mut self, id: AuthorityId) -> Result<(), Failure> {
        entity::authority::Entity::delete_by_id(id.0).exec(self.transaction).await?;
        Ok(())
    }

    pub(super) async fn save_own_key(&mut self, key: OwnKey, pair: &KeyPair) -> Result<(), Failure> {
        let id = secure::own_key_row(key);
        let sealed = self.seal_in(sealed::OWN_KEY, id, &pair.to_bytes())?;
        let row = entity::own_key::Model { id, name: key.name().to_owned(), sealed };
        let update = update_on_conflict::<entity::own_key::Entity>();
        self.insert_many(vec![row], Some(update)).await
    }
}

/// Drops what credentials of these kinds have opened that devices or claims of a class hold.
pub(in crate::store) fn sessions_of_class(table: &str, holder: &str, class: i64, kinds: &[&str]) -> Sql {
    let sql = Sql::new(&format!(
        "DELETE FROM dtls_session WHERE id IN (SELECT s.id FROM {table} AS h CROSS JOIN credential AS c \
         CROSS JOIN dtls_session AS s WHERE c.{holder} = h.id AND s.credential_id = c.id AND h.class_id = "
    ));
    sql.bind(class).text(" AND c.kind IN ").list(kinds.iter().copied()).text(")")
}
