//! Updates: one artefact for one object of one device, with how often there is one in each phase.
//!
//! A device has one at a time for each of its objects (`device_update_live`). Those that go on are few beside those that have
//! ended, and have indexes of their own: made after the others, for of two that serve as well SQLite takes the newer. An update
//! outlives its artefact.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0010_update", up: UP, down: DOWN };

const UP: &str = "
CREATE TABLE device_update (
    id BLOB NOT NULL PRIMARY KEY,
    device_id INTEGER NOT NULL REFERENCES device (id),
    device_public_id BLOB NOT NULL,
    artefact BLOB NOT NULL,
    version TEXT NOT NULL,
    size INTEGER NOT NULL,
    target TEXT NOT NULL,
    terms TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    request BLOB NOT NULL,
    ticket TEXT,
    created_at INTEGER NOT NULL,
    phase TEXT NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    operation_id BLOB,
    ask TEXT,
    unanswered INTEGER NOT NULL,
    prepared INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    progress_at INTEGER NOT NULL,
    installed_at INTEGER,
    version_at INTEGER,
    restarts INTEGER NOT NULL,
    version_before TEXT,
    result INTEGER,
    cancelling INTEGER NOT NULL,
    rested INTEGER NOT NULL,
    download BLOB,
    detail TEXT NOT NULL,
    notes TEXT NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX device_update_live ON device_update (device_id, target) WHERE ended_at IS NULL;
CREATE INDEX device_update_by_device ON device_update (device_id, id);
CREATE INDEX device_update_by_artefact ON device_update (artefact, id);
CREATE INDEX device_update_by_phase ON device_update (phase, id);
CREATE INDEX device_update_by_artefact_and_phase ON device_update (artefact, phase, id);
CREATE INDEX device_update_running ON device_update (id) WHERE ended_at IS NULL;
CREATE INDEX device_update_running_by_artefact ON device_update (artefact, id) WHERE ended_at IS NULL;
CREATE INDEX device_update_failed ON device_update (device_id, ended_at) WHERE phase = 'failed';
CREATE INDEX device_update_ended ON device_update (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX device_update_download ON device_update (download) WHERE download IS NOT NULL AND ended_at IS NULL;

CREATE TABLE update_tally (
    artefact BLOB NOT NULL,
    phase TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (artefact, phase)
) WITHOUT ROWID, STRICT;
";

const DOWN: &str = "
DROP TABLE update_tally;
DROP TABLE device_update;
";
