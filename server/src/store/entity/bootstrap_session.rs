//! A bootstrap session and its steps.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bootstrap_session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Vec<u8>,
    pub device_id: i64,
    pub request: Vec<u8>,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    pub result: String,
    pub reason: String,
    pub credential_id: Option<i64>,
    pub steps: String,
    pub repairs: String,
}

impl ActiveModelBehavior for ActiveModel {}
