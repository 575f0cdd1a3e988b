//! A version of what a level wants.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "baseline")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub level: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub level_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    pub number: i64,
    pub newest: i64,
    pub mode: String,
    pub check_every_ms: i64,
    pub lines: String,
    pub sealed: Vec<u8>,
    pub ticket: Option<String>,
    pub comment: String,
    pub rolls_back_to: Option<i64>,
    pub made_by: String,
    pub made_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
