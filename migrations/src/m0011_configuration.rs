//! Configuration: what levels want, version by version, and where the devices stand of which something is wanted, with how
//! many there are in each state.
//!
//! A baseline belongs to a level, which is a class, a group, a device or all of them: no table of its own to refer to. The
//! newest of each level is marked (`baseline_newest`), for it is asked for with every device. Secrets are sealed for `number`.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0011_configuration", up: UP, down: DOWN };

const UP: &str = "
CREATE TABLE baseline (
    level TEXT NOT NULL,
    level_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    number INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    mode TEXT NOT NULL,
    check_every_ms INTEGER NOT NULL,
    lines TEXT NOT NULL,
    sealed BLOB NOT NULL,
    ticket TEXT,
    comment TEXT NOT NULL,
    rolls_back_to INTEGER,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (level, level_id, version)
) WITHOUT ROWID, STRICT;
CREATE UNIQUE INDEX baseline_newest ON baseline (newest, level, level_id) WHERE newest = 1;

CREATE TABLE configured (
    device_id INTEGER NOT NULL PRIMARY KEY REFERENCES device (id),
    device_public_id BLOB NOT NULL,
    generation INTEGER NOT NULL,
    reported INTEGER NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    operation_id BLOB,
    repair_at INTEGER,
    resume_at INTEGER,
    stand TEXT NOT NULL
) STRICT;
CREATE INDEX configured_by_state ON configured (state, device_id);

CREATE TABLE configured_tally (
    state TEXT NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
";

const DOWN: &str = "
DROP TABLE configured_tally;
DROP TABLE configured;
DROP TABLE baseline;
";
