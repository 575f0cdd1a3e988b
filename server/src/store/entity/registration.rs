//! A device's registration, the last one if it has ended. Its end while it lives is in the lease.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registration")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub device_id: i64,
    pub location: i64,
    pub endpoint: String,
    pub state: String,
    pub lwm2m: String,
    pub lifetime_s: i64,
    pub transports: String,
    pub queue_mode: i64,
    pub sms_number: Option<String>,
    pub links: String,
    pub extra: String,
    pub listener: i64,
    pub address: String,
    pub registered_at: i64,
    pub updated_at: i64,
    pub ended_at: Option<i64>,
    pub seen_at: Option<i64>,
    pub node_id: i64,
    pub epoch: i64,
    pub credential_id: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
