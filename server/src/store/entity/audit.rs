//! Something that somebody did.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub domain_id: i64,
    pub at: i64,
    pub actor: String,
    pub cause: String,
    pub request: Vec<u8>,
    pub verb: String,
    pub device_id: Option<i64>,
    pub object: String,
    pub canonical: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
