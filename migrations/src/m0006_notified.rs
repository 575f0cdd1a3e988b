//! What was stored of an observation keeps its place among its notifications: `delivery.observe`, and `observation.number` of the
//! answer that began it.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use crate::ddl;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_notified"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and async_trait wants the same")]
#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::run(manager, DOWN).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const UP: &str = "
ALTER TABLE delivery ADD COLUMN observe INTEGER;
ALTER TABLE observation ADD COLUMN number INTEGER;
";

const DOWN: &str = "
ALTER TABLE observation DROP COLUMN number;
ALTER TABLE delivery DROP COLUMN observe;
";
