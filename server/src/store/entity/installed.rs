//! What a device runs.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installed")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub instance: i64,
    pub version: String,
    pub sequence: Option<i64>,
    pub artefact_id: Option<Vec<u8>>,
    pub at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
