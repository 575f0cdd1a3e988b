CREATE TABLE domain (
    id INTEGER NOT NULL PRIMARY KEY,
    parent_id INTEGER REFERENCES domain (id),
    name TEXT NOT NULL,
    UNIQUE (parent_id, name)
) STRICT;
CREATE TABLE class (
    id INTEGER NOT NULL PRIMARY KEY,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    name TEXT NOT NULL, kinds TEXT NOT NULL DEFAULT '["psk","rpk","x509"]', mapping TEXT NOT NULL DEFAULT 'cn', provision TEXT NOT NULL DEFAULT 'psk', values_days INTEGER, values_kept INTEGER NOT NULL DEFAULT 1000,
    UNIQUE (domain_id, name)
) STRICT;
CREATE TABLE node (
    id INTEGER NOT NULL PRIMARY KEY,
    boots INTEGER NOT NULL,
    sequence INTEGER NOT NULL
, event INTEGER NOT NULL DEFAULT 0, session_ahead INTEGER NOT NULL DEFAULT 0, copied_to TEXT) STRICT;
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
    created_at INTEGER NOT NULL, removed_at INTEGER, state TEXT NOT NULL DEFAULT 'awaited', secured INTEGER NOT NULL DEFAULT 0, rested_at INTEGER DEFAULT -1,
    UNIQUE (domain_id, endpoint)
) STRICT;
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
, credential_id INTEGER) STRICT;
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
    since INTEGER NOT NULL, number INTEGER,
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
, priority INTEGER NOT NULL DEFAULT 1, superseded_by BLOB) STRICT;
CREATE INDEX operation_by_device ON operation (device_id, id);
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
    received_at INTEGER NOT NULL, observe INTEGER,
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
, disabled_at INTEGER, sessions_from INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX user_account_by_role ON user_account (role);
CREATE TABLE web_session (
    key BLOB NOT NULL PRIMARY KEY,
    data BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX web_session_by_end ON web_session (expires_at);
CREATE INDEX device_by_state ON device (state, secured, endpoint, id);
CREATE INDEX device_by_class ON device (class_id, state, secured, endpoint, id);
CREATE INDEX device_at_rest ON device (state, secured, rested_at DESC, id) WHERE rested_at IS NOT NULL;
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
, repairs TEXT NOT NULL DEFAULT '[]') STRICT;
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
CREATE INDEX operation_open ON operation (device_id, id) WHERE state IN ('queued', 'sent');
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
