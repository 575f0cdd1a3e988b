//! A device: what never changes about it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub public_id: Vec<u8>,
    pub domain_id: i64,
    pub class_id: i64,
    pub endpoint: String,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
