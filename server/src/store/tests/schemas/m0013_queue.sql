-- What a server of this step had written: a device that lives and one that said goodbye, with all that belongs to them.
UPDATE node SET boots = 3, sequence = 40, event = 12;
INSERT INTO device (id, public_id, domain_id, class_id, endpoint, created_at, state, secured, rested_at) VALUES
    (1, x'00000000000000000000000000000001', 1, 1, 'node-1', 1000, 'registered', 1, NULL),
    (2, x'00000000000000000000000000000002', 1, 1, 'node-2', 1100, 'deregistered', 0, 1900);
INSERT INTO registration (device_id, location, endpoint, state, lwm2m, lifetime_s, transports, queue_mode, sms_number, links, extra, listener,
    address, registered_at, updated_at, ended_at, seen_at, node_id, epoch, credential_id) VALUES
    (1, -7, 'node-1', 'registered', '1.1', 300, 'U', 1, '358401', '{"root":"/","content_formats":[11542],"objects":[{"id":1,"instances":[0]},{"id":3,"version":"1.1","instances":[0]}]}',
    '[["v","2"]]', 0, '192.0.2.1:5683', 1000, 1200, NULL, NULL, 1, 4, 1),
    (2, 8, 'node-2', 'deregistered', '1.0', 60, 'U', 0, NULL, '{}', '[]', 0, '192.0.2.2:5683', 1100, 1100, 2000, 1900, 1, 2, NULL);
INSERT INTO lease (device_id, seen_at, expires_at) VALUES (1, 1500, 301500);
INSERT INTO observation (device_id, path, token, format, since, number)
    VALUES (1, x'000300000009', x'010203', 11542, 1300, 11);
INSERT INTO operation (id, device_id, operation, requested_by, request, state, queued_at, sent_at, ended_at, expires_at, result)
    VALUES
    (x'00000000000000000000000000000011', 1, '{"operation":"execute","path":"/3/0/4","arguments":""}', 'ada',
    x'00000000000000000000000000000007', 'queued', 2000, NULL, NULL, 9000000, NULL),
    (x'00000000000000000000000000000012', 1, '{"operation":"read","path":"/3/0","format":null}', 'ada',
    x'00000000000000000000000000000007', 'done', 2000, 2001, 2002, 9000000, '2.05');
INSERT INTO value_latest (device_id, path, at, sequence, device_time, received_at, kind, value, held)
    VALUES (1, x'000300000009', 1400, 39, NULL, 1400, 2, x'0000000000000059', 2);
INSERT INTO value_history (device_id, path, at, sequence, device_time, received_at, kind, value) VALUES
    (1, x'000300000009', 1350, 38, 1350, 1360, 2, x'000000000000005a'),
    (1, x'000300000009', 1400, 39, NULL, 1400, 2, x'0000000000000059');
INSERT INTO delivery (device_id, message_id, token, listener, address, received_at, observe)
    VALUES (1, 4711, x'0a', 0, '192.0.2.1:5683', 1400, 12);
INSERT INTO timeline (device_id, ordinal, at, kind, request, detail) VALUES
    (1, 1, 1000, 'registered', x'00000000000000000000000000000007', 'registered from 192.0.2.1:5683'),
    (1, 2, 1200, 'updated', NULL, 'updated');
INSERT INTO audit (sequence, domain_id, at, actor, cause, request, verb, device_id, object, canonical)
    VALUES (40, 1, 2000, 'ada', 'console', x'00000000000000000000000000000007', 'operate', 1, 'Execute /3/0/4', x'01');
INSERT INTO user_account (id, public_id, domain_id, name, role, password, created_at, disabled_at, sessions_from) VALUES
    (7, x'00000000000000000000000000000070', 1, 'ada', 'administrator',
    '$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', 500, NULL, 500);
INSERT INTO tally (node_id, name, count) VALUES (1, 'registered', 1), (1, 'deregistered', 1), (1, 'queued operations', 1), (1, 'observations', 1), (1, 'diary', 1)
    ON CONFLICT (node_id, name) DO UPDATE SET count = excluded.count;
INSERT INTO credential (id, public_id, domain_id, device_id, claim_id, purpose, kind, state, identity, sealed, parent_id, valid_from,
    valid_to, created_by, created_at, changed_at, last_used_at) VALUES
    (1, x'00000000000000000000000000000051', 1, 1, NULL, 'management', 'psk', 'live', x'6e6f64652d31', 
    x'014bb06f8e090909090909090909090909090909090909090909090909df5289ef058a1604d46161441c166285244bc12cb0276cf6c10bb14dcccfe769', NULL, 0,
    NULL, 'ada', 900, 950, 1000),
    (2, x'00000000000000000000000000000052', 1, 2, NULL, 'bootstrap', 'psk', 'revoked', x'6e6f64652d32', x'', NULL, 0,
    NULL, 'ada', 900, 1900, NULL);
INSERT INTO diary (id, cause, subject, address, listener, device_id, detail, first_at, last_at, count)
    VALUES (x'00000000000000000000000000000061', 'unknown-identity', 'node-9', '192.0.2.9:5684', 'coaps', NULL, '', 1000, 1500, 3);
INSERT INTO event_log (sequence, at, device_id, kind, readings) VALUES (12, 1000, 1, 'registered', NULL);
INSERT INTO api_token (public_id, name, owner_id, scope, hash, created_at, expires_at, last_used_at, revoked_at, ends_at)
    VALUES (x'00000000000000000000000000000081', 'ci', 7, 'operator',
    x'0101010101010101010101010101010101010101010101010101010101010101', 600, 9000000, NULL, NULL, 9000000);
INSERT INTO dtls_session (id, node_id, credential_id, device_id, claim_id, purpose, listener, address, reserved, received, live,
    began_at, heard_at, check_at, sealed) VALUES
    (5, 1, 1, 1, NULL, 'management', 0, '192.0.2.1:5683', 64, 9, 1, 1000, 1500, 9000000, 
    x'014bb06f8e090909090909090909090909090909090909090909090909df5291ef0fd9100d9a198460d663e7da25f36acbf6d2ef46a8');
UPDATE class SET values_days = 30, values_kept = 50 WHERE id = 1;
INSERT INTO device_group (id, public_id, domain_id, name, rule, rank, description, members, created_by, created_at)
    VALUES (6, x'00000000000000000000000000000006', 1, 'sleepers', 'queue_mode', 2, 'those that sleep', 1, 'ada', 1000);
INSERT INTO group_member (group_id, device_id, endpoint) VALUES (6, 1, 'node-1');
INSERT INTO device_label (device_id, key, value, endpoint) VALUES (1, 'site', 'zurich', 'node-1'), (1, 'spare', '', 'node-1');
INSERT INTO artefact (id, domain_id, class_id, kind, name, version, size, digest, sequence, not_after, signed, authentication, manifest,
    envelope, envelope_size, image_at, key_id, sends, uploaded_by, uploaded_at, withdrawn_at) VALUES
    (x'000000000000000000000000000000a0', 1, 1, 'firmware', 'gateway firmware', '1.4.0', 9, x'abababababababababababababababababababababababababababababababab', 7, NULL, x'7b7d', NULL, NULL,
    NULL, NULL, NULL, x'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'image', 'ada', 1600, NULL);
INSERT INTO update_policy (class_id, vendor_uuid, class_uuid, unsigned, coap, http)
    VALUES (1, x'000000000000000000000000000000a1', NULL, 1, 0, 1);
INSERT INTO update_key (class_id, id, name, algorithm, public_key, added_by, added_at, revoked_at)
    VALUES (1, x'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'build', 'ed25519', x'30', 'ada', 1500, 1800);
INSERT INTO installed (device_id, kind, instance, version, sequence, artefact_id, at)
    VALUES (1, 'firmware', 0, '1.4.0', 7, x'000000000000000000000000000000a0', 1700);
INSERT INTO device_update (id, device_id, device_public_id, artefact, version, size, target, terms, requested_by, request, ticket,
    created_at, phase, since, due_at, attempt, mark, operation_id, ask, unanswered, prepared, delivered, sent, progress_at,
    installed_at, version_at, restarts, version_before, result, cancelling, rested, download, detail, notes, ended_at) VALUES
    (x'00000000000000000000000000000091', 1, x'00000000000000000000000000000001', x'000000000000000000000000000000a1', '1.9', 10, '/9/3',
    '{"delivery":"any","resume":true,"block_bytes":1024,"attempts":3,"severity":null,"defer_up_to_ms":null,"version_at":"any","quiet_ms":300000,"download_within_ms":900000,"install_within_ms":1800000,"give_up_after_ms":2592000000,"again":false}',
    'ada', x'00000000000000000000000000000007', 'CHG-7', 1500, 'failed', 1900, 1900, 3, 1500, NULL, NULL, 0, 2, 1, 10, 1700,
    1800, NULL, 0, '1.8', 58, 0, 0, NULL, 'installing failed', '[[1500,"asked for"],[1900,"installing failed"]]', 1900),
    (x'00000000000000000000000000000092', 1, x'00000000000000000000000000000001', x'000000000000000000000000000000a2', '2.0', 4096, '/5/0',
    '{"delivery":"any","resume":true,"block_bytes":1024,"attempts":3,"severity":1,"defer_up_to_ms":null,"version_at":"any","quiet_ms":300000,"download_within_ms":900000,"install_within_ms":1800000,"give_up_after_ms":2592000000,"again":false}',
    'ada', x'00000000000000000000000000000007', NULL, 2000, 'delivering', 2001, 9000, 2, 2000, x'00000000000000000000000000000011',
    'push', 0, 4, 0, 1024, 2005, NULL, NULL, 0, '1.0', NULL, 0, 0, x'99999999999999999999999999999999', 'sending', '[[2000,"asked for"]]',
    NULL);
INSERT INTO update_tally (artefact, phase, count) VALUES
    (x'000000000000000000000000000000a1', 'failed', 1), (x'000000000000000000000000000000a2', 'delivering', 1);
INSERT INTO class_rule (class_id, manufacturer, model, objects, labels) VALUES (1, 'ACME', NULL, '[3,5]', 'spare');
INSERT INTO class_contested (class_id, device_id) VALUES (1, 1);
INSERT INTO class_wish (class_id, lines) VALUES (1, '/3303/*/5700 pmin=10 gt=25.5
/3/0/9');
INSERT INTO device_wish (device_id, observes, path, attributes, location, failed, failed_at, reason) VALUES
    (1, 0, x'000300000009', 'pmin=10&gt=25.5', -7, 0, 0, ''), (1, 1, x'000300000009', '', NULL, 2, 1400, '4.05 Method Not Allowed');
INSERT INTO no_composite (device_id, at, lwm2m, reason) VALUES (1, 1300, '1.1', 'the device did not answer in time');
INSERT INTO device_awake (device_id, said_ms, learned_ms, answers, silences, learned_at) VALUES
    (1, NULL, 24750, 1, 5, 1300), (2, 5000, NULL, 0, 0, NULL);
INSERT INTO class_awake (class_id, said_ms) VALUES (1, 30000);
UPDATE operation SET priority = 0 WHERE id = x'00000000000000000000000000000011';
