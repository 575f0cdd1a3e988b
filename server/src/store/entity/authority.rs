//! A trusted authority, with its revocation list.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authority")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub public_id: Vec<u8>,
    pub domain_id: i64,
    pub name: String,
    pub fingerprint: Vec<u8>,
    pub certificate: Vec<u8>,
    pub subject_name: Vec<u8>,
    pub own: i64,
    pub not_after: i64,
    pub crl: Option<Vec<u8>>,
    pub crl_number: Option<String>,
    pub crl_this_update: Option<i64>,
    pub crl_next_update: Option<i64>,
    pub crl_revoked: Option<i64>,
    pub created_by: String,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
