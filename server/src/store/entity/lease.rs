//! The liveness of a registration that lives.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lease")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    pub seen_at: i64,
    pub expires_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
