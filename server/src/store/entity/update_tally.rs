//! How many updates with an artefact are in a phase.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "update_tally")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub artefact: Vec<u8>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub phase: String,
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
