//! Who a device is, and what else the fleet knows: credentials, claims, bootstrap, the connection diary, tokens, webhooks,
//! the event log.
//!
//! `device.state` is what `registration.state` says, `awaited` where it has not registered since it was added, and
//! `removed` where it was;
//! `device.secured` whether a credential of the device opens sessions; `device.rested_at` when a device without a live
//! registration was last heard, -1 if it never was, and nothing while the lease knows better. They repeat what stands
//! elsewhere for the sake of the lists, which are read through an index over each, in the order of the list.
//!
//! `sealed` is a secret that only the server's key opens; it is empty where the secret was deleted. `node.event` is the last
//! number of the event log, so that none is used twice.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0002_identity", up: UP, down: DOWN };

const UP: &str = r"
ALTER TABLE device ADD COLUMN removed_at INTEGER;
ALTER TABLE device ADD COLUMN state TEXT NOT NULL DEFAULT 'awaited';
ALTER TABLE device ADD COLUMN secured INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN rested_at INTEGER DEFAULT -1;
UPDATE device SET state = r.state, rested_at = r.seen_at FROM registration AS r WHERE r.device_id = device.id;
DROP INDEX device_by_endpoint;
DROP INDEX registration_by_state;
DROP INDEX registration_ended;
CREATE INDEX device_by_state ON device (state, secured, endpoint, id);
CREATE INDEX device_by_class ON device (class_id, state, secured, endpoint, id);
CREATE INDEX device_at_rest ON device (state, secured, rested_at DESC, id) WHERE rested_at IS NOT NULL;
INSERT INTO tally (node_id, name, count)
    SELECT id, 'awaited', (SELECT COUNT(*) FROM device WHERE state = 'awaited') FROM node WHERE id = 1;

ALTER TABLE registration ADD COLUMN credential_id INTEGER;
ALTER TABLE node ADD COLUMN event INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user_account ADD COLUMN disabled_at INTEGER;
ALTER TABLE user_account ADD COLUMN sessions_from INTEGER NOT NULL DEFAULT 0;

CREATE INDEX audit_by_actor ON audit (actor, sequence);
CREATE INDEX audit_by_verb ON audit (verb, sequence);
CREATE INDEX audit_by_device ON audit (device_id, sequence) WHERE device_id IS NOT NULL;

CREATE TABLE claim (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    name TEXT NOT NULL UNIQUE,
    class_id INTEGER NOT NULL REFERENCES class (id),
    quota INTEGER NOT NULL,
    used INTEGER NOT NULL,
    opens_at INTEGER NOT NULL,
    closes_at INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX claim_by_time ON claim (created_at, id);

CREATE TABLE claimed (
    claim_id INTEGER NOT NULL REFERENCES claim (id),
    endpoint TEXT NOT NULL,
    device_id INTEGER NOT NULL REFERENCES device (id),
    at INTEGER NOT NULL,
    again_until INTEGER,
    PRIMARY KEY (claim_id, endpoint)
) WITHOUT ROWID, STRICT;
CREATE INDEX claimed_by_device ON claimed (device_id, claim_id);

CREATE TABLE credential (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    device_id INTEGER REFERENCES device (id),
    claim_id INTEGER REFERENCES claim (id),
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    identity BLOB NOT NULL,
    sealed BLOB NOT NULL,
    parent_id INTEGER,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    last_used_at INTEGER,
    CHECK ((device_id IS NULL) <> (claim_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX credential_open ON credential (identity) WHERE state IN ('staged', 'live');
CREATE INDEX credential_ended ON credential (identity, created_at, id) WHERE state IN ('retired', 'revoked');
CREATE INDEX credential_by_device ON credential (device_id, created_at, id) WHERE device_id IS NOT NULL;
CREATE INDEX credential_by_claim ON credential (claim_id, created_at, id) WHERE claim_id IS NOT NULL;

CREATE TABLE class_plan (
    class_id INTEGER NOT NULL PRIMARY KEY REFERENCES class (id),
    plan TEXT NOT NULL
) STRICT;

CREATE TABLE device_plan (
    device_id INTEGER NOT NULL PRIMARY KEY REFERENCES device (id),
    plan TEXT NOT NULL
) STRICT;

CREATE TABLE bootstrap_session (
    id BLOB NOT NULL PRIMARY KEY,
    device_id INTEGER NOT NULL REFERENCES device (id),
    request BLOB NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    result TEXT NOT NULL,
    reason TEXT NOT NULL,
    credential_id INTEGER,
    steps TEXT NOT NULL
) STRICT;
CREATE INDEX bootstrap_session_by_device ON bootstrap_session (device_id, id);

CREATE TABLE diary (
    id BLOB NOT NULL PRIMARY KEY,
    cause TEXT NOT NULL,
    subject TEXT NOT NULL,
    address TEXT NOT NULL,
    listener TEXT NOT NULL,
    device_id INTEGER REFERENCES device (id),
    detail TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    UNIQUE (cause, subject)
) STRICT;
CREATE INDEX diary_by_time ON diary (last_at, id);
CREATE INDEX diary_by_cause ON diary (cause, last_at, id);
CREATE INDEX diary_by_device ON diary (device_id, last_at, id) WHERE device_id IS NOT NULL;
CREATE INDEX diary_unmanaged ON diary (last_at, id) WHERE device_id IS NULL;

CREATE TABLE api_token (
    public_id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    owner_id INTEGER NOT NULL REFERENCES user_account (id),
    scope TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER,
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX api_token_by_end ON api_token (ends_at);

CREATE TABLE webhook (
    public_id BLOB NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    retry_at INTEGER,
    last_error TEXT NOT NULL,
    last_success_at INTEGER,
    given_up INTEGER NOT NULL,
    paused INTEGER NOT NULL
) STRICT;

CREATE TABLE event_log (
    sequence INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    device_id INTEGER NOT NULL REFERENCES device (id),
    kind TEXT NOT NULL,
    readings TEXT
) STRICT;
CREATE INDEX event_log_by_time ON event_log (at);
CREATE INDEX event_log_by_device ON event_log (device_id);

CREATE TABLE model (
    object_id INTEGER NOT NULL,
    major INTEGER NOT NULL,
    minor INTEGER NOT NULL,
    xml TEXT NOT NULL,
    PRIMARY KEY (object_id, major, minor)
) WITHOUT ROWID, STRICT;

CREATE TABLE submission (
    key BLOB NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    answer BLOB,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX submission_by_time ON submission (at);
";

/// What the step before had no word for goes: a device that was removed or revoked is one that deregistered.
const DOWN: &str = r"
DROP TABLE submission;
DROP TABLE model;
DROP TABLE event_log;
DROP TABLE webhook;
DROP TABLE api_token;
DROP TABLE diary;
DROP TABLE bootstrap_session;
DROP TABLE device_plan;
DROP TABLE class_plan;
DROP TABLE credential;
DROP TABLE claimed;
DROP TABLE claim;
DROP INDEX audit_by_device;
DROP INDEX audit_by_verb;
DROP INDEX audit_by_actor;
ALTER TABLE user_account DROP COLUMN sessions_from;
ALTER TABLE user_account DROP COLUMN disabled_at;
ALTER TABLE node DROP COLUMN event;
ALTER TABLE registration DROP COLUMN credential_id;
UPDATE registration SET state = 'deregistered' WHERE state NOT IN ('registered', 'deregistered', 'expired');
DELETE FROM tally WHERE name IN ('awaited', 'revoked', 'removed', 'diary', 'deregistered', 'expired');
INSERT INTO tally (node_id, name, count)
    SELECT 1, state, COUNT(*) FROM registration WHERE state IN ('deregistered', 'expired') GROUP BY state;
CREATE INDEX registration_by_state ON registration (state, endpoint, device_id);
CREATE INDEX registration_ended ON registration (state, seen_at DESC, device_id) WHERE ended_at IS NOT NULL;
CREATE INDEX device_by_endpoint ON device (endpoint, id);
DROP INDEX device_at_rest;
DROP INDEX device_by_class;
DROP INDEX device_by_state;
ALTER TABLE device DROP COLUMN rested_at;
ALTER TABLE device DROP COLUMN secured;
ALTER TABLE device DROP COLUMN state;
ALTER TABLE device DROP COLUMN removed_at;
";
