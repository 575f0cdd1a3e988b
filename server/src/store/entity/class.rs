//! A class of devices.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "class")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub domain_id: i64,
    pub name: String,
    pub kinds: String,
    pub mapping: String,
    pub provision: String,
    pub values_days: Option<i64>,
    pub values_kept: i64,
}

impl ActiveModelBehavior for ActiveModel {}
