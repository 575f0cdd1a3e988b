//! The latest reading of a resource, and how many readings its history holds.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "value_latest")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub path: Vec<u8>,
    pub at: i64,
    pub sequence: i64,
    pub device_time: Option<i64>,
    pub received_at: i64,
    pub kind: i64,
    pub value: Vec<u8>,
    pub held: i64,
}

impl ActiveModelBehavior for ActiveModel {}
