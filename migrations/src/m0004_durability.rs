//! How long the values of a class's devices are kept: for `class.values_days` days, without an end where that is null, and
//! `class.values_kept` of each resource. Open operations are found by their devices, for a start reads them part by part.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0004_durability", up: UP, down: DOWN };

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
