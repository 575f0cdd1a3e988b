//! How long a device listens: what somebody has said, and what its answers have taught.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_awake")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    pub said_ms: Option<i64>,
    pub learned_ms: Option<i64>,
    pub answers: i64,
    pub silences: i64,
    pub learned_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
