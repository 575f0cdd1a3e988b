//! A token of a program. `ends_at` is when it was revoked or expires, for its purge.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub public_id: Vec<u8>,
    pub name: String,
    pub owner_id: i64,
    pub scope: String,
    pub hash: Vec<u8>,
    pub created_at: i64,
    pub expires_at: i64,
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub ends_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
