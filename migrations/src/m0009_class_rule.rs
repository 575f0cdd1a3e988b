//! Which devices are of a class: by their model, their objects (a list in JSON of their numbers) and their labels, as they are
//! written. `class_contested` holds the devices of the default class that may be of several.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0009_class_rule", up: UP, down: DOWN };

const UP: &str = "
CREATE TABLE class_rule (
    class_id INTEGER NOT NULL PRIMARY KEY REFERENCES class (id) ON DELETE CASCADE,
    manufacturer TEXT,
    model TEXT,
    objects TEXT NOT NULL,
    labels TEXT NOT NULL
) STRICT;

CREATE TABLE class_contested (
    class_id INTEGER NOT NULL REFERENCES class (id) ON DELETE CASCADE,
    device_id INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    PRIMARY KEY (class_id, device_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX class_contested_by_device ON class_contested (device_id);
";

const DOWN: &str = "
DROP TABLE class_contested;
DROP TABLE class_rule;
";
