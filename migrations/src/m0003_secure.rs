//! Raw public keys and certificates beside pre-shared keys, authorities, and secure sessions that outlive the process.
//!
//! A credential's `identity` is unique within its `kind`. `class.kinds` is a list in JSON of the kinds that are let in.
//!
//! `dtls_session.id` is the session's connection id with its first bit turned, so that the rows lie in the order of the ids.
//! Of a live session, `reserved` is less by what `node.session_ahead` was when it was written: a start raises that one number
//! in place of every row. `check_at` is when its silence is looked at again; it trails what `heard_at` says, so that nothing
//! of an index changes when a session is heard.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0003_secure", up: UP, down: DOWN };

const UP: &str = r#"
ALTER TABLE node ADD COLUMN session_ahead INTEGER NOT NULL DEFAULT 0;
ALTER TABLE class ADD COLUMN kinds TEXT NOT NULL DEFAULT '["psk","rpk","x509"]';
ALTER TABLE class ADD COLUMN mapping TEXT NOT NULL DEFAULT 'cn';
ALTER TABLE class ADD COLUMN provision TEXT NOT NULL DEFAULT 'psk';

DROP INDEX credential_open;
DROP INDEX credential_ended;
CREATE UNIQUE INDEX credential_open ON credential (kind, identity) WHERE state IN ('staged', 'live');
CREATE INDEX credential_ended ON credential (kind, identity, created_at, id) WHERE state IN ('retired', 'revoked');

CREATE INDEX bootstrap_session_under_way ON bootstrap_session (id) WHERE result = 'under way';

CREATE TABLE seen_certificate (
    credential_id INTEGER NOT NULL PRIMARY KEY REFERENCES credential (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    issuer TEXT NOT NULL,
    serial TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    issuer_name BLOB NOT NULL,
    anchor_name BLOB NOT NULL,
    der BLOB NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX seen_certificate_by_issuer ON seen_certificate (issuer_name, credential_id);
CREATE INDEX seen_certificate_by_anchor ON seen_certificate (anchor_name, credential_id);

CREATE TABLE authority (
    id INTEGER NOT NULL PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    name TEXT NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL UNIQUE,
    certificate BLOB NOT NULL,
    subject_name BLOB NOT NULL,
    own INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    crl BLOB,
    crl_number TEXT,
    crl_this_update INTEGER,
    crl_next_update INTEGER,
    crl_revoked INTEGER,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE own_key (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE dtls_session (
    id INTEGER NOT NULL PRIMARY KEY,
    node_id INTEGER NOT NULL REFERENCES node (id),
    credential_id INTEGER NOT NULL REFERENCES credential (id),
    device_id INTEGER,
    claim_id INTEGER,
    purpose TEXT NOT NULL,
    listener INTEGER NOT NULL,
    address TEXT NOT NULL,
    reserved INTEGER NOT NULL,
    received INTEGER NOT NULL,
    live INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    heard_at INTEGER NOT NULL,
    check_at INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    CHECK ((device_id IS NULL) <> (claim_id IS NULL))
) STRICT;
CREATE INDEX dtls_session_by_credential ON dtls_session (credential_id);
CREATE INDEX dtls_session_by_check ON dtls_session (check_at);
"#;

/// The credentials that the step before had no word for go, and with them what they made secure.
const DOWN: &str = r"
DROP TABLE dtls_session;
DROP TABLE own_key;
DROP TABLE authority;
DROP TABLE seen_certificate;
DROP INDEX bootstrap_session_under_way;
DROP INDEX credential_ended;
DROP INDEX credential_open;
DELETE FROM credential WHERE kind <> 'psk';
UPDATE device SET secured = CASE WHEN EXISTS (SELECT 1 FROM credential AS c
    WHERE c.device_id = device.id AND c.state IN ('staged', 'live')) THEN 1 ELSE 0 END WHERE secured = 1;
CREATE UNIQUE INDEX credential_open ON credential (identity) WHERE state IN ('staged', 'live');
CREATE INDEX credential_ended ON credential (identity, created_at, id) WHERE state IN ('retired', 'revoked');
ALTER TABLE class DROP COLUMN provision;
ALTER TABLE class DROP COLUMN mapping;
ALTER TABLE class DROP COLUMN kinds;
ALTER TABLE node DROP COLUMN session_ahead;
";
