//! A live observation.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "observation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub path: Vec<u8>,
    pub token: Vec<u8>,
    pub format: Option<i64>,
    pub since: i64,
    pub number: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
