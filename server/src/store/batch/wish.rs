//! Wishes, and what came of them.

use fleet::{
    ClassId, DeviceId, Target,
    wish::{NoComposites, Owned, WishChange, Wishes},
};
use sea_orm::sea_query::OnConflict;

use super::{Batch, update_on_conflict};
use crate::store::{
    encoding::{path_bytes, target_bytes, wish},
    entity::{class_wish, device_wish, no_composite},
    failure::Failure,
    sql::Sql,
};

impl Batch<'_> {
    pub(super) async fn change_wish(&mut self, change: &WishChange) -> Result<(), Failure> {
        match change {
            WishChange::Saved { class, wishes } => self.save_wishes(*class, wishes).await,
            WishChange::Asked { device, target } => self.ask_by_wish(*device, target).await,
            WishChange::Answered { device, target, owned } => self.answer_wish(*device, target, owned).await,
            WishChange::LetGo { device, target } => {
                let sql = Sql::new("DELETE FROM device_wish WHERE observes = 1 AND device_id = ");
                self.run(sql.bind(device.0).text(" AND path = ").bind(target_bytes(target))).await?;
                Ok(())
            }
            WishChange::Wrote { device, path, written: None } => {
                let sql = Sql::new("DELETE FROM device_wish WHERE observes = 0 AND device_id = ");
                self.run(sql.bind(device.0).text(" AND path = ").bind(path_bytes(*path))).await?;
                Ok(())
            }
            WishChange::Wrote { device, path, written: Some(written) } => {
                let update = update_on_conflict::<device_wish::Entity>();
                self.insert_many(vec![wish::written_row(*device, *path, written)], Some(update)).await
            }
            WishChange::Composites { device, unanswered } => {
                self.note_composites(*device, unanswered.as_ref()).await
            }
        }
    }

    async fn save_wishes(&self, class: ClassId, wishes: &Wishes) -> Result<(), Failure> {
        if wishes.is_empty() {
            self.run(Sql::new("DELETE FROM class_wish WHERE class_id = ").bind(class.0)).await?;
            return Ok(());
        }
        let update = update_on_conflict::<class_wish::Entity>();
        self.insert_many(vec![wish::wishes_row(class, wishes)], Some(update)).await
    }

    async fn ask_by_wish(&self, device: DeviceId, target: &Target) -> Result<(), Failure> {
        use device_wish::Column;
        let key = [Column::DeviceId, Column::Observes, Column::Path];
        let stays = OnConflict::columns(key).do_nothing().to_owned();
        let row = wish::owned_row(device, target, &Owned::default());
        self.insert_many(vec![row], Some(stays)).await
    }

    async fn answer_wish(&self, device: DeviceId, target: &Target, owned: &Owned) -> Result<(), Failure> {
        let row = wish::owned_row(device, target, owned);
        let sql = Sql::new("UPDATE device_wish SET location = ").bind(row.location);
        let sql = sql.text(", failed = ").bind(row.failed).text(", failed_at = ").bind(row.failed_at);
        let sql = sql.text(", reason = ").bind(row.reason).text(" WHERE observes = 1 AND device_id = ");
        self.run(sql.bind(row.device_id).text(" AND path = ").bind(row.path)).await?;
        Ok(())
    }

    async fn note_composites(
        &self,
        device: DeviceId,
        unanswered: Option<&NoComposites>,
    ) -> Result<(), Failure> {
        let Some(unanswered) = unanswered else {
            self.run(Sql::new("DELETE FROM no_composite WHERE device_id = ").bind(device.0)).await?;
            return Ok(());
        };
        let update = update_on_conflict::<no_composite::Entity>();
        self.insert_many(vec![wish::no_composites_row(device, unanswered)], Some(update)).await
    }
}
