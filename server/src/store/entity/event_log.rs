//! An entry of the event log.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub at: i64,
    pub device_id: i64,
    pub kind: String,
    pub readings: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
