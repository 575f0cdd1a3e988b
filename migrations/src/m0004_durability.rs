//! How long the values of a class's devices are kept: for `class.values_days` days, without an end where that is null, and
//! `class.values_kept` of each resource. Open operations are found by their devices, for a start reads them part by part.

use async_trait::async_trait;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, sea_orm::DbErr};

use crate::ddl;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_durability"
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

const UP: &str = r"
ALTER TABLE class ADD COLUMN values_days INTEGER;
ALTER TABLE class ADD COLUMN values_kept INTEGER NOT NULL DEFAULT 1000;
DROP INDEX operation_open;
CREATE INDEX operation_open ON operation (device_id, id) WHERE state IN ('queued', 'sent');
";

const DOWN: &str = r"
DROP INDEX operation_open;
CREATE INDEX operation_open ON operation (id) WHERE state IN ('queued', 'sent');
ALTER TABLE class DROP COLUMN values_kept;
ALTER TABLE class DROP COLUMN values_days;
";
