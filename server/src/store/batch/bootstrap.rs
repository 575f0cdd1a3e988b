//! Bootstrap plans and sessions.

use fleet::{BootstrapRecord, BootstrapResult, Plan, PlanScope, Timestamp};

use super::{Batch, update_on_conflict};
use crate::store::{
    encoding::{Word as _, bootstrap},
    entity,
    failure::Failure,
    sql::Sql,
};

impl Batch<'_> {
    pub(super) async fn save_plan(&mut self, scope: PlanScope, plan: Option<&Plan>) -> Result<(), Failure> {
        let (table, key, id) = match scope {
            PlanScope::Class(class) => ("class_plan", "class_id", class.0),
            PlanScope::Device(device) => ("device_plan", "device_id", device.0),
        };
        let sql = match plan {
            None => Sql::new(&format!("DELETE FROM {table} WHERE {key} = ")).bind(id),
            Some(plan) => {
                let sql = Sql::new(&format!("INSERT INTO {table} ({key}, plan) VALUES (")).bind(id);
                let sql = sql.text(", ").bind(bootstrap::plan_column(plan));
                sql.text(&format!(") ON CONFLICT ({key}) DO UPDATE SET plan = excluded.plan"))
            }
        };
        self.run(sql).await?;
        Ok(())
    }

    pub(super) async fn save_bootstrap(&mut self, record: &BootstrapRecord) -> Result<(), Failure> {
        let update = update_on_conflict::<entity::bootstrap_session::Entity>();
        self.insert_many(vec![bootstrap::record_row(record)], Some(update)).await?;
        // Their names begin with the time.
        let sql = Sql::new("DELETE FROM bootstrap_session WHERE device_id = ").bind(record.device.0);
        let sql =
            sql.text(" AND id <= (SELECT id FROM bootstrap_session WHERE device_id = ").bind(record.device.0);
        let rest = format!(" ORDER BY id DESC LIMIT 1 OFFSET {})", BootstrapRecord::PER_DEVICE);
        self.run(sql.text(&rest)).await?;
        Ok(())
    }

    pub(super) async fn interrupt_bootstraps(&mut self, at: Timestamp) -> Result<(), Failure> {
        self.run(interrupting(at)).await?;
        Ok(())
    }
}

/// The condition is that of the index, word for word.
pub(in crate::store) fn interrupting(at: Timestamp) -> Sql {
    let sql = Sql::new("UPDATE bootstrap_session SET result = ").bind(BootstrapResult::Failed.word());
    let sql = sql.text(", ended_at = ").bind(at.0).text(", reason = ").bind(BootstrapRecord::INTERRUPTED);
    sql.text(" WHERE result = 'under way'")
}
