//! A device that enrolled itself by a claim.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "claimed")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub claim_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub endpoint: String,
    pub device_id: i64,
    pub at: i64,
    pub again_until: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
