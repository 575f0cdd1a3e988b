//! An entry of the connection diary.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "diary")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Vec<u8>,
    pub cause: String,
    pub subject: String,
    pub address: String,
    pub listener: String,
    pub device_id: Option<i64>,
    pub detail: String,
    pub first_at: i64,
    pub last_at: i64,
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
