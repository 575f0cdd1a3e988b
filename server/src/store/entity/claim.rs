//! A claim: what a batch of devices may do with the credential they share.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "claim")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub public_id: Vec<u8>,
    pub domain_id: i64,
    pub name: String,
    pub class_id: i64,
    pub quota: i64,
    pub used: i64,
    pub opens_at: i64,
    pub closes_at: i64,
    pub closed: i64,
    pub created_by: String,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
