//! What a device was asked because its class wishes it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_wish")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub observes: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub path: Vec<u8>,
    pub attributes: String,
    pub location: Option<i64>,
    pub failed: i64,
    pub failed_at: i64,
    pub reason: String,
}

impl ActiveModelBehavior for ActiveModel {}
