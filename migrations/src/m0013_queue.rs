//! In which order what waits is sent, and how long devices listen. `priority` is 0 for what is urgent, 1, and 2 for what has no
//! hurry; `superseded_by` names the operation that made one pointless. Of a device there is what somebody has said (`said_ms`)
//! and what its answers have taught.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0013_queue", up: UP, down: DOWN };

const UP: &str = "
ALTER TABLE operation ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
ALTER TABLE operation ADD COLUMN superseded_by BLOB;
CREATE INDEX operation_waiting ON operation (priority, id) WHERE state = 'queued';
CREATE INDEX operation_waiting_of ON operation (device_id, priority, id) WHERE state = 'queued';

CREATE TABLE device_awake (
    device_id INTEGER NOT NULL PRIMARY KEY REFERENCES device (id) ON DELETE CASCADE,
    said_ms INTEGER,
    learned_ms INTEGER,
    answers INTEGER NOT NULL,
    silences INTEGER NOT NULL,
    learned_at INTEGER
) STRICT;

CREATE TABLE class_awake (
    class_id INTEGER NOT NULL PRIMARY KEY REFERENCES class (id) ON DELETE CASCADE,
    said_ms INTEGER NOT NULL
) STRICT;
";

const DOWN: &str = "
DROP TABLE class_awake;
DROP TABLE device_awake;
DROP INDEX operation_waiting_of;
DROP INDEX operation_waiting;
ALTER TABLE operation DROP COLUMN superseded_by;
ALTER TABLE operation DROP COLUMN priority;
";
