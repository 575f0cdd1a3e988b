//! What a bootstrap put right, round by round, in JSON.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0014_repair", up: UP, down: DOWN };

const UP: &str = "ALTER TABLE bootstrap_session ADD COLUMN repairs TEXT NOT NULL DEFAULT '[]';";

const DOWN: &str = "ALTER TABLE bootstrap_session DROP COLUMN repairs;";
