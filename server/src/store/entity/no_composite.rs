//! A device that answers no composite operation.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "no_composite")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    pub at: i64,
    pub lwm2m: String,
    pub reason: String,
}

impl ActiveModelBehavior for ActiveModel {}
