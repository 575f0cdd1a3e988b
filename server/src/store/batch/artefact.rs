//! Artefacts, whom classes take them from, and what devices run.

use fleet::ArtefactChange;

use super::{Batch, update_on_conflict};
use crate::store::{
    encoding::artefact,
    entity::{installed, update_policy},
    failure::Failure,
    sql::Sql,
};

impl Batch<'_> {
    pub(super) async fn change_artefact(&mut self, change: &ArtefactChange) -> Result<(), Failure> {
        match change {
            ArtefactChange::Added(added) => self.insert(artefact::artefact_row(added)).await,
            ArtefactChange::Withdrawn { id, at } => {
                let sql = Sql::new("UPDATE artefact SET withdrawn_at = ").bind(at.0);
                let sql = sql.text(" WHERE withdrawn_at IS NULL AND id = ").bind(artefact::id_column(*id));
                self.run(sql).await?;
                Ok(())
            }
            ArtefactChange::Removed(id) => {
                let sql = Sql::new("DELETE FROM artefact WHERE id = ").bind(artefact::id_column(*id));
                self.run(sql).await?;
                Ok(())
            }
            ArtefactChange::PolicySaved(policy) => {
                let update = update_on_conflict::<update_policy::Entity>();
                self.insert_many(vec![artefact::policy_row(policy)], Some(update)).await
            }
            ArtefactChange::KeyAdded(key) => self.insert(artefact::key_row(key)).await,
            ArtefactChange::KeyRevoked { class, key, at } => {
                let sql = Sql::new("UPDATE update_key SET revoked_at = ").bind(at.0);
                let sql = sql.text(" WHERE revoked_at IS NULL AND class_id = ").bind(class.0);
                self.run(sql.text(" AND id = ").bind(key.0.to_vec())).await?;
                Ok(())
            }
            ArtefactChange::Installed(of) => {
                let update = update_on_conflict::<installed::Entity>();
                self.insert_many(vec![artefact::installed_row(of)], Some(update)).await
            }
        }
    }
}
