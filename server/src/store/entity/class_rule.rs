//! Which devices are of a class.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "class_rule")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub class_id: i64,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub objects: String,
    pub labels: String,
}

impl ActiveModelBehavior for ActiveModel {}
