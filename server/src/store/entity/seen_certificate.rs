//! The certificate that a credential was seen with last.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "seen_certificate")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub credential_id: i64,
    pub subject: String,
    pub issuer: String,
    pub serial: String,
    pub not_before: i64,
    pub not_after: i64,
    pub fingerprint: Vec<u8>,
    pub issuer_name: Vec<u8>,
    pub anchor_name: Vec<u8>,
    pub der: Vec<u8>,
    pub seen_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
