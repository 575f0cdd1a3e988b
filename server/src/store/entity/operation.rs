//! An operation and where it stands.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "operation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Vec<u8>,
    pub device_id: i64,
    pub operation: String,
    pub requested_by: String,
    pub request: Vec<u8>,
    pub state: String,
    pub queued_at: i64,
    pub sent_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub expires_at: i64,
    pub result: Option<String>,
    pub priority: i64,
    pub superseded_by: Option<Vec<u8>>,
}

impl ActiveModelBehavior for ActiveModel {}
