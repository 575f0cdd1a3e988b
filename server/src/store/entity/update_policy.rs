//! What a class takes as updates.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "update_policy")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub class_id: i64,
    pub vendor_uuid: Option<Vec<u8>>,
    pub class_uuid: Option<Vec<u8>>,
    pub unsigned: i64,
    pub coap: i64,
    pub http: i64,
}

impl ActiveModelBehavior for ActiveModel {}
