//! Something that happened to a device.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "timeline")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i64,
    pub at: i64,
    pub kind: String,
    pub request: Option<Vec<u8>>,
    pub detail: String,
}

impl ActiveModelBehavior for ActiveModel {}
