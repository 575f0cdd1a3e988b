//! A database that was copied into another one knows where to: `node.copied_to`.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0005_copied", up: UP, down: DOWN };

const UP: &str = "ALTER TABLE node ADD COLUMN copied_to TEXT;";

const DOWN: &str = "ALTER TABLE node DROP COLUMN copied_to;";
