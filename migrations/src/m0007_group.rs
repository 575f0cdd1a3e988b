//! Groups of devices, who is in them, and labels.
//!
//! `group_member` and `device_label` hold the endpoint's name, which never changes, so that the devices of a group or a label are
//! listed in the order of their names by an index.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0007_group", up: UP, down: DOWN };

const UP: &str = "
CREATE TABLE device_group (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    name TEXT NOT NULL UNIQUE,
    rule TEXT NOT NULL,
    rank INTEGER NOT NULL,
    description TEXT NOT NULL,
    members INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE group_member (
    group_id INTEGER NOT NULL REFERENCES device_group (id) ON DELETE CASCADE,
    device_id INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    endpoint TEXT NOT NULL,
    PRIMARY KEY (group_id, device_id)
) WITHOUT ROWID, STRICT;
CREATE INDEX group_member_by_endpoint ON group_member (group_id, endpoint, device_id);
CREATE INDEX group_member_by_device ON group_member (device_id, group_id);

CREATE TABLE device_label (
    device_id INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    PRIMARY KEY (device_id, key)
) WITHOUT ROWID, STRICT;
CREATE INDEX device_label_by_key ON device_label (key, endpoint, device_id);
CREATE INDEX device_label_by_value ON device_label (key, value, endpoint, device_id);
";

const DOWN: &str = "
DROP TABLE device_label;
DROP TABLE group_member;
DROP TABLE device_group;
";
