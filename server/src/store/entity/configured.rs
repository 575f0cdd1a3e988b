//! Where a device stands with its configuration.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "configured")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    pub device_public_id: Vec<u8>,
    pub generation: i64,
    pub reported: i64,
    pub state: String,
    pub since: i64,
    pub due_at: i64,
    pub operation_id: Option<Vec<u8>>,
    pub repair_at: Option<i64>,
    pub resume_at: Option<i64>,
    pub stand: String,
}

impl ActiveModelBehavior for ActiveModel {}
