//! Artefacts, whom classes take them from, and what devices run. The bytes of artefacts lie in files that are named by their digests.
//!
//! `artefact.signed` holds a signed manifest as it was uploaded. Of a SUIT envelope there are `authentication`, `manifest`,
//! `envelope` (its digest), `envelope_size` and, if the image is in it, `image_at`.

use crate::ddl::Step;

pub(crate) const STEP: Step = Step { name: "m0008_artefact", up: UP, down: DOWN };

const UP: &str = "
CREATE TABLE artefact (
    id BLOB NOT NULL PRIMARY KEY,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    class_id INTEGER NOT NULL REFERENCES class (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    not_after INTEGER,
    signed BLOB,
    authentication BLOB,
    manifest BLOB,
    envelope BLOB,
    envelope_size INTEGER,
    image_at INTEGER,
    key_id BLOB,
    sends TEXT NOT NULL,
    uploaded_by TEXT NOT NULL,
    uploaded_at INTEGER NOT NULL,
    withdrawn_at INTEGER
) WITHOUT ROWID, STRICT;
CREATE INDEX artefact_by_upload ON artefact (uploaded_at, id);

CREATE TABLE update_policy (
    class_id INTEGER NOT NULL PRIMARY KEY REFERENCES class (id),
    vendor_uuid BLOB,
    class_uuid BLOB,
    unsigned INTEGER NOT NULL,
    coap INTEGER NOT NULL,
    http INTEGER NOT NULL
) STRICT;

CREATE TABLE update_key (
    class_id INTEGER NOT NULL REFERENCES class (id),
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_key BLOB NOT NULL,
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (class_id, id)
) WITHOUT ROWID, STRICT;

CREATE TABLE installed (
    device_id INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    instance INTEGER NOT NULL,
    version TEXT NOT NULL,
    sequence INTEGER,
    artefact_id BLOB,
    at INTEGER NOT NULL,
    PRIMARY KEY (device_id, kind, instance)
) WITHOUT ROWID, STRICT;
CREATE INDEX installed_by_artefact ON installed (artefact_id, device_id, kind, instance) WHERE artefact_id IS NOT NULL;
";

const DOWN: &str = "
DROP TABLE installed;
DROP TABLE update_key;
DROP TABLE update_policy;
DROP TABLE artefact;
";
