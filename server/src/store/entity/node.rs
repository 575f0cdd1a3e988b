//! A node of the server: how often it started, the last sequence numbers it gave out, and where it went on if not here.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "node")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub boots: i64,
    pub sequence: i64,
    pub event: i64,
    pub session_ahead: i64,
    pub copied_to: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
