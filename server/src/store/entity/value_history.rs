//! A reading of a resource.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "value_history")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub path: Vec<u8>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub device_time: Option<i64>,
    pub received_at: i64,
    pub kind: i64,
    pub value: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
