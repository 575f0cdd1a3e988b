//! The fleet: devices and their registrations, observations, operations, values, timelines; accounts and audit.
//!
//! Times are milliseconds since 1970, truths 0 and 1, UUIDs and hashes bytes. A path is its identifiers, two bytes each,
//! big-endian, so that what lies below a path follows it. `value` holds the bytes of a value whose type `kind` names;
//! `held` counts the rows of its history.
//!
//! A device has a `lease` while its registration lives, and nothing else of it is written when the device renews it: hence
//! no index there. When the registration ends, `registration.seen_at` keeps what the lease said. `registration.endpoint`
//! repeats the device's, which never changes, for the sake of an index over state and name.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0001_fleet", up: UP, down: DOWN };

const UP: &str = r"
CREATE TABLE domain (
    id INTEGER NOT NULL PRIMARY KEY,
    parent_id INTEGER REFERENCES domain (id),
    name TEXT NOT NULL,
    UNIQUE (parent_id, name)
) STRICT;
INSERT INTO domain (id, parent_id, name) VALUES (1, NULL, 'root');

CREATE TABLE class (
    id INTEGER NOT NULL PRIMARY KEY,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    name TEXT NOT NULL,
    UNIQUE (domain_id, name)
) STRICT;
INSERT INTO class (id, domain_id, name) VALUES (1, 1, 'default');

CREATE TABLE node (
    id INTEGER NOT NULL PRIMARY KEY,
    boots INTEGER NOT NULL,
    sequence INTEGER NOT NULL
) STRICT;
INSERT INTO node (id, boots, sequence) VALUES (1, 0, 0);

CREATE TABLE tally (
    node_id INTEGER NOT NULL REFERENCES node (id),
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (node_id, name)
) WITHOUT ROWID, STRICT;

CREATE TABLE device (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    class_id INTEGER NOT NULL REFERENCES class (id),
    endpoint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (domain_id, endpoint)
) STRICT;
CREATE INDEX device_by_endpoint ON device (endpoint, id);

CREATE TABLE registration (
    device_id INTEGER NOT NULL PRIMARY KEY REFERENCES device (id),
    location INTEGER NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    state TEXT NOT NULL,
    lwm2m TEXT NOT NULL,
    lifetime_s INTEGER NOT NULL,
    transports TEXT NOT NULL,
    queue_mode INTEGER NOT NULL,
    sms_number TEXT,
    links TEXT NOT NULL,
    extra TEXT NOT NULL,
    listener INTEGER NOT NULL,
    address TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    seen_at INTEGER,
    node_id INTEGER NOT NULL REFERENCES node (id),
    epoch INTEGER NOT NULL
) STRICT;
CREATE INDEX registration_by_state ON registration (state, endpoint, device_id);
CREATE INDEX registration_ended ON registration (state, seen_at DESC, device_id) WHERE ended_at IS NOT NULL;

CREATE TABLE lease (
    device_id INTEGER NOT NULL PRIMARY KEY REFERENCES device (id),
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE observation (
    device_id INTEGER NOT NULL REFERENCES device (id),
    path BLOB NOT NULL,
    token BLOB NOT NULL,
    format INTEGER,
    since INTEGER NOT NULL,
    PRIMARY KEY (device_id, path)
) WITHOUT ROWID, STRICT;

CREATE TABLE operation (
    id BLOB NOT NULL PRIMARY KEY,
    device_id INTEGER NOT NULL REFERENCES device (id),
    operation TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    request BLOB NOT NULL,
    state TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    sent_at INTEGER,
    ended_at INTEGER,
    expires_at INTEGER NOT NULL,
    result TEXT
) STRICT;
CREATE INDEX operation_by_device ON operation (device_id, id);
CREATE INDEX operation_open ON operation (id) WHERE state IN ('queued', 'sent');
CREATE INDEX operation_ended ON operation (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE value_latest (
    device_id INTEGER NOT NULL REFERENCES device (id),
    path BLOB NOT NULL,
    at INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    device_time INTEGER,
    received_at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    value BLOB NOT NULL,
    held INTEGER NOT NULL,
    PRIMARY KEY (device_id, path)
) WITHOUT ROWID, STRICT;

CREATE TABLE value_history (
    device_id INTEGER NOT NULL REFERENCES device (id),
    path BLOB NOT NULL,
    at INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    device_time INTEGER,
    received_at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (device_id, path, at, sequence)
) WITHOUT ROWID, STRICT;

CREATE TABLE delivery (
    device_id INTEGER NOT NULL REFERENCES device (id),
    message_id INTEGER NOT NULL,
    token BLOB NOT NULL,
    listener INTEGER NOT NULL,
    address TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (device_id, message_id, token, listener, address)
) WITHOUT ROWID, STRICT;
CREATE INDEX delivery_by_time ON delivery (received_at);

CREATE TABLE timeline (
    device_id INTEGER NOT NULL REFERENCES device (id),
    ordinal INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    request BLOB,
    detail TEXT NOT NULL,
    PRIMARY KEY (device_id, ordinal)
) WITHOUT ROWID, STRICT;

CREATE TABLE audit (
    sequence INTEGER NOT NULL PRIMARY KEY,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    cause TEXT NOT NULL,
    request BLOB NOT NULL,
    verb TEXT NOT NULL,
    device_id INTEGER,
    object TEXT NOT NULL,
    canonical BLOB NOT NULL
) STRICT;

CREATE TABLE user_account (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX user_account_by_role ON user_account (role);

CREATE TABLE web_session (
    key BLOB NOT NULL PRIMARY KEY,
    data BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX web_session_by_end ON web_session (expires_at);
";

const DOWN: &str = r"
DROP TABLE web_session;
DROP TABLE user_account;
DROP TABLE audit;
DROP TABLE timeline;
DROP TABLE delivery;
DROP TABLE value_history;
DROP TABLE value_latest;
DROP TABLE operation;
DROP TABLE observation;
DROP TABLE lease;
DROP TABLE registration;
DROP TABLE device;
DROP TABLE tally;
DROP TABLE node;
DROP TABLE class;
DROP TABLE domain;
";
