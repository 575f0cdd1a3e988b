//! A webhook, with the sealed key of its deliveries.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub public_id: Vec<u8>,
    pub url: String,
    pub kinds: String,
    pub sealed: Vec<u8>,
    pub created_by: String,
    pub created_at: i64,
    pub delivered: i64,
    pub failures: i64,
    pub retry_at: Option<i64>,
    pub last_error: String,
    pub last_success_at: Option<i64>,
    pub given_up: i64,
    pub paused: i64,
}

impl ActiveModelBehavior for ActiveModel {}
