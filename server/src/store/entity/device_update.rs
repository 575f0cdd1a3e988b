//! An update of a device.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_update")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Vec<u8>,
    pub device_id: i64,
    pub device_public_id: Vec<u8>,
    pub artefact: Vec<u8>,
    pub version: String,
    pub size: i64,
    pub target: String,
    pub terms: String,
    pub requested_by: String,
    pub request: Vec<u8>,
    pub ticket: Option<String>,
    pub created_at: i64,
    pub phase: String,
    pub since: i64,
    pub due_at: i64,
    pub attempt: i64,
    pub mark: i64,
    pub operation_id: Option<Vec<u8>>,
    pub ask: Option<String>,
    pub unanswered: i64,
    pub prepared: i64,
    pub delivered: i64,
    pub sent: i64,
    pub progress_at: i64,
    pub installed_at: Option<i64>,
    pub version_at: Option<i64>,
    pub restarts: i64,
    pub version_before: Option<String>,
    pub result: Option<i64>,
    pub cancelling: i64,
    pub rested: i64,
    pub download: Option<Vec<u8>>,
    pub detail: String,
    pub notes: String,
    pub ended_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
