//! A credential, of a device or of a claim, with its sealed secret.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credential")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub public_id: Vec<u8>,
    pub domain_id: i64,
    pub device_id: Option<i64>,
    pub claim_id: Option<i64>,
    pub purpose: String,
    pub kind: String,
    pub state: String,
    pub identity: Vec<u8>,
    pub sealed: Vec<u8>,
    pub parent_id: Option<i64>,
    pub valid_from: i64,
    pub valid_to: Option<i64>,
    pub created_by: String,
    pub created_at: i64,
    pub changed_at: i64,
    pub last_used_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
