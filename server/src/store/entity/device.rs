//! A device, and what the lists of devices are ordered and filtered by.

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
    pub removed_at: Option<i64>,
    pub state: String,
    pub secured: i64,
    pub rested_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
