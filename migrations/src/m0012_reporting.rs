//! What classes wish to be told of, line by line; what devices were asked because of that, with why it came to nothing; and
//! which devices answer no composite operation. In `device_wish` a row is an observation by wish, or else (`observes` 0) the
//! attributes that were written at a path.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0012_reporting", up: UP, down: DOWN };

const UP: &str = "
CREATE TABLE class_wish (
    class_id INTEGER NOT NULL PRIMARY KEY REFERENCES class (id) ON DELETE CASCADE,
    lines TEXT NOT NULL
) STRICT;

CREATE TABLE device_wish (
    device_id INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    observes INTEGER NOT NULL,
    path BLOB NOT NULL,
    attributes TEXT NOT NULL,
    location INTEGER,
    failed INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (device_id, observes, path)
) WITHOUT ROWID, STRICT;

CREATE TABLE no_composite (
    device_id INTEGER NOT NULL PRIMARY KEY REFERENCES device (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    lwm2m TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
";

const DOWN: &str = "
DROP TABLE no_composite;
DROP TABLE device_wish;
DROP TABLE class_wish;
";
