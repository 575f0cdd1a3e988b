//! A person's account.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub public_id: Vec<u8>,
    pub domain_id: i64,
    pub name: String,
    pub role: String,
    pub password: String,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
    pub sessions_from: i64,
}

impl ActiveModelBehavior for ActiveModel {}
