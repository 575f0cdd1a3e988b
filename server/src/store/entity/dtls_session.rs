//! A secure session, with its sealed state.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dtls_session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub node_id: i64,
    pub credential_id: i64,
    pub device_id: Option<i64>,
    pub claim_id: Option<i64>,
    pub purpose: String,
    pub listener: i64,
    pub address: String,
    pub reserved: i64,
    pub received: i64,
    pub live: i64,
    pub began_at: i64,
    pub heard_at: i64,
    pub check_at: i64,
    pub sealed: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
