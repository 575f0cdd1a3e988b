//! An artefact; its bytes lie in files.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "artefact")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Vec<u8>,
    pub domain_id: i64,
    pub class_id: i64,
    pub kind: String,
    pub name: String,
    pub version: String,
    pub size: i64,
    pub digest: Vec<u8>,
    pub sequence: i64,
    pub not_after: Option<i64>,
    pub signed: Option<Vec<u8>>,
    pub authentication: Option<Vec<u8>>,
    pub manifest: Option<Vec<u8>>,
    pub envelope: Option<Vec<u8>>,
    pub envelope_size: Option<i64>,
    pub image_at: Option<i64>,
    pub key_id: Option<Vec<u8>>,
    pub sends: String,
    pub uploaded_by: String,
    pub uploaded_at: i64,
    pub withdrawn_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
