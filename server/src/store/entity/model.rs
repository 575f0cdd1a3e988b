//! An uploaded object definition.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "model")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub object_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub major: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub minor: i64,
    pub xml: String,
}

impl ActiveModelBehavior for ActiveModel {}
