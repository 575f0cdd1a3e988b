//! Groups: who is in them, which is counted, and labels.

use fleet::{ClassId, ClassRule, DeviceId, Group, GroupChange, GroupId, Labels};
use sea_orm::sea_query::OnConflict;

use super::{Batch, signed, update_on_conflict};
use crate::store::{
    encoding::group,
    entity::{class_rule, device_group},
    failure::Failure,
    sql::{Sql, chunk},
};

impl Batch<'_> {
    pub(super) async fn change_group(&mut self, change: &GroupChange) -> Result<(), Failure> {
        match change {
            GroupChange::Saved(group) => self.save_group(group).await,
            GroupChange::Removed(id) => {
                self.run(Sql::new("DELETE FROM device_group WHERE id = ").bind(id.0)).await?;
                Ok(())
            }
            GroupChange::Members { group, joined, left } => {
                self.join(*group, joined).await?;
                self.leave(*group, left).await
            }
            GroupChange::ClassRule { class, rule } => self.save_class_rule(*class, rule).await,
            GroupChange::Contested { device, classes } => self.contest(*device, classes).await,
            GroupChange::Labelled { device, labels } => self.label(*device, labels).await,
        }
    }

    /// A device that is removed is in no group.
    pub(super) async fn leave_groups(&mut self, device: DeviceId) -> Result<(), Failure> {
        let sql = "UPDATE device_group SET members = members - 1 WHERE id IN \
                   (SELECT group_id FROM group_member WHERE device_id = ";
        self.run(Sql::new(sql).bind(device.0).text(")")).await?;
        self.run(Sql::new("DELETE FROM group_member WHERE device_id = ").bind(device.0)).await?;
        self.settle(device).await
    }

    /// Nobody asks any more which class a device is of.
    pub(super) async fn settle(&mut self, device: DeviceId) -> Result<(), Failure> {
        self.run(Sql::new("DELETE FROM class_contested WHERE device_id = ").bind(device.0)).await?;
        Ok(())
    }

    async fn save_class_rule(&self, class: ClassId, rule: &ClassRule) -> Result<(), Failure> {
        if rule.is_empty() {
            self.run(Sql::new("DELETE FROM class_rule WHERE class_id = ").bind(class.0)).await?;
            return Ok(());
        }
        let update = update_on_conflict::<class_rule::Entity>();
        self.insert_many(vec![group::class_rule_row(class, rule)], Some(update)).await
    }

    async fn contest(&mut self, device: DeviceId, classes: &[ClassId]) -> Result<(), Failure> {
        self.settle(device).await?;
        if classes.is_empty() {
            return Ok(());
        }
        let sql =
            Sql::new("INSERT INTO class_contested (class_id, device_id) SELECT c.id, d.id FROM device AS d ")
                .text("CROSS JOIN class AS c WHERE d.removed_at IS NULL AND d.id = ")
                .bind(device.0)
                .text(" AND c.id IN ")
                .list(classes.iter().map(|class| class.0));
        self.run(sql).await?;
        Ok(())
    }

    async fn save_group(&self, group: &Group) -> Result<(), Failure> {
        use device_group::Column;
        let kept = [Column::Name, Column::Rule, Column::Rank, Column::Description];
        let conflict = OnConflict::column(Column::Id).update_columns(kept).to_owned();
        self.insert_many(vec![group::group_row(group)], Some(conflict)).await
    }

    async fn join(&self, group: GroupId, devices: &[DeviceId]) -> Result<(), Failure> {
        let mut joined = 0;
        for devices in devices.chunks(chunk(2)) {
            let sql = Sql::new(
                "INSERT INTO group_member (group_id, device_id, endpoint) SELECT g.id, d.id, d.endpoint ",
            )
            .text("FROM device_group AS g CROSS JOIN device AS d WHERE g.id = ")
            .bind(group.0)
            .text(" AND d.removed_at IS NULL AND d.id IN ")
            .list(devices.iter().map(|device| device.0));
            joined += self.run(sql.text(" ON CONFLICT (group_id, device_id) DO NOTHING")).await?;
        }
        self.count_members(group, signed(joined)).await
    }

    async fn leave(&self, group: GroupId, devices: &[DeviceId]) -> Result<(), Failure> {
        let mut left = 0;
        for devices in devices.chunks(chunk(2)) {
            let sql = Sql::new("DELETE FROM group_member WHERE group_id = ").bind(group.0);
            left +=
                self.run(sql.text(" AND device_id IN ").list(devices.iter().map(|device| device.0))).await?;
        }
        self.count_members(group, -signed(left)).await
    }

    async fn count_members(&self, group: GroupId, more: i64) -> Result<(), Failure> {
        if more != 0 {
            let sql = Sql::new("UPDATE device_group SET members = members + ").bind(more);
            self.run(sql.text(" WHERE id = ").bind(group.0)).await?;
        }
        Ok(())
    }

    async fn label(&self, device: DeviceId, labels: &Labels) -> Result<(), Failure> {
        self.run(Sql::new("DELETE FROM device_label WHERE device_id = ").bind(device.0)).await?;
        let rows = self.query(Sql::new("SELECT endpoint FROM device WHERE id = ").bind(device.0)).await?;
        let endpoint: String = rows.first().ok_or(Failure::Conflict)?.try_get_by_index(0)?;
        if labels.is_empty() {
            return Ok(());
        }
        self.insert_many(group::label_rows(device, &endpoint, labels), None).await
    }
}
