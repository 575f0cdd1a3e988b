//! Every verb that the console has is a route of the API.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::document::operations;

/// The verbs of `Fleet` that the console calls, each with its route.
const ROUTES: [(&str, &str); 67] = [
    ("add_authority", "post /authorities"),
    ("add_claim", "post /claims"),
    ("add_class", "post /classes"),
    ("add_credential", "post /devices/{device}/credentials"),
    ("add_device", "post /devices"),
    ("add_token", "post /tokens"),
    ("add_update_key", "post /classes/{class}/update-keys"),
    ("add_user", "post /users"),
    ("add_webhook", "post /webhooks"),
    ("approve_claim", "post /diary/{entry}/approve"),
    ("artefact", "get /artefacts/{artefact}"),
    ("artefact_runs", "get /artefacts/{artefact}/devices"),
    ("artefacts", "get /artefacts"),
    ("audit", "get /audit"),
    ("authorities", "get /authorities"),
    ("bootstrap_record", "get /devices/{device}/bootstraps/{bootstrap}"),
    ("bootstraps", "get /devices/{device}/bootstraps"),
    ("cancel_operation", "post /devices/{device}/operations/{operation}/cancel"),
    ("change_role", "put /users/{user}/role"),
    ("claims", "get /claims"),
    ("classes", "get /classes"),
    ("classify_device", "put /devices/{device}/class"),
    ("clear_diary", "delete /diary/{entry}"),
    ("close_claim", "post /claims/{claim}/close"),
    ("credentials", "get /devices/{device}/credentials"),
    ("device", "get /devices/{device}"),
    ("device_by_endpoint", "get /devices"),
    ("devices", "get /devices"),
    ("diary", "get /diary"),
    ("diary_entry", "get /diary/{entry}"),
    ("disable_user", "put /users/{user}/activity"),
    ("download_artefact", "get /artefacts/{artefact}/content"),
    ("effective_plan", "get /devices/{device}/plan"),
    ("export", "get /audit"),
    ("got_in_since", "get /diary/{entry}"),
    ("history", "get /devices/{device}/values/history"),
    ("import", "post /devices/imports"),
    ("models", "get /models"),
    ("begin", "post /devices/{device}/operations"),
    ("operation", "get /devices/{device}/operations/{operation}"),
    ("operations", "get /devices/{device}/operations"),
    ("overview", "get /overview"),
    ("pause_webhook", "put /webhooks/{webhook}/pause"),
    ("plan", "get /classes/{class}/plan"),
    ("reload_models", "post /models/reload"),
    ("remove_artefact", "delete /artefacts/{artefact}"),
    ("remove_authority", "delete /authorities/{authority}"),
    ("remove_device", "delete /devices/{device}"),
    ("remove_devices", "post /devices/removals"),
    ("remove_model", "delete /models/{object}/{version}"),
    ("remove_webhook", "delete /webhooks/{webhook}"),
    ("revoke_credential", "post /devices/{device}/credentials/{credential}/revoke"),
    ("revoke_device", "post /devices/{device}/revoke"),
    ("revoke_token", "delete /tokens/{token}"),
    ("revoke_update_key", "post /classes/{class}/update-keys/{key}/revoke"),
    ("rotate_credential", "post /devices/{device}/credentials/{credential}/rotate"),
    ("save_plan", "put /devices/{device}/plan"),
    ("seen_certificates", "get /devices/{device}/credentials"),
    ("server_keys", "get /server-keys"),
    ("set_class_policy", "put /classes/{class}/policy"),
    ("set_class_retention", "put /classes/{class}/retention"),
    ("set_password", "put /users/{user}/password"),
    ("set_revocation_list", "put /authorities/{authority}/revocation-list"),
    ("set_update_policy", "put /classes/{class}/updates"),
    ("subscribe", "get /events"),
    ("update_policy", "get /classes/{class}/updates"),
    ("withdraw_artefact", "post /artefacts/{artefact}/withdraw"),
];

/// More of them, of the same kind.
const MORE: [(&str, &str); 52] = [
    ("class_size", "get /classes"),
    ("labels_of", "get /devices"),
    ("awake_time", "get /devices/{device}/awake-time"),
    ("cancel_waiting", "post /devices/{device}/operations/cancel"),
    ("class_awake_time", "get /classes/{class}/awake-time"),
    ("set_awake_time", "put /devices/{device}/awake-time"),
    ("set_class_awake_time", "put /classes/{class}/awake-time"),
    ("waiting", "get /operations/waiting"),
    ("class_wishes", "get /classes/{class}/wishes"),
    ("device_wishes", "get /devices/{device}/wishes"),
    ("set_class_wishes", "put /classes/{class}/wishes"),
    ("accept_configuration", "post /devices/{device}/configuration/accept"),
    ("baseline", "get /baselines/{level}"),
    ("baseline_versions", "get /baselines/{level}/versions"),
    ("baselines", "get /baselines"),
    ("configuration", "get /devices/{device}/configuration"),
    ("configuration_counts", "get /configurations/counts"),
    ("configurations", "get /configurations"),
    ("dry_run", "post /baselines/{level}/dry-run"),
    ("level_name", "get /baselines/{level}"),
    ("read_baseline", "post /baselines/{level}/dry-run"),
    ("repair_configuration", "post /devices/{device}/configuration/repair"),
    ("resume_configuration", "post /devices/{device}/configuration/resume"),
    ("roll_back_baseline", "post /baselines/{level}/roll-back"),
    ("set_baseline", "put /baselines/{level}"),
    ("class_rule", "get /classes/{class}/rule"),
    ("contested", "get /classes/{class}/contested"),
    ("group", "get /groups/{group}"),
    ("groups", "get /groups"),
    ("label_devices", "post /devices/labels"),
    ("preview_rule", "post /groups/previews"),
    ("remove_group", "delete /groups/{group}"),
    ("save_group", "put /groups/{group}"),
    ("set_class_rule", "put /classes/{class}/rule"),
    ("set_labels", "put /devices/{device}/labels"),
    ("device_by_identity", "get /devices"),
    ("event_range", "get /events"),
    ("logged_events", "get /events"),
    ("timeline", "get /devices/{device}/timeline"),
    ("tokens", "get /tokens"),
    ("trigger_bootstrap", "post /devices/{device}/bootstraps"),
    ("carry_out", "post /devices/{device}/bootstraps"),
    ("upload_model", "post /models"),
    ("users", "get /users"),
    ("begin_updates", "post /updates"),
    ("updates", "get /updates"),
    ("update_counts", "get /updates/counts"),
    ("update", "get /updates/{update}"),
    ("cancel_update", "post /updates/{update}/cancel"),
    ("let_off", "post /updates/{update}/let-off"),
    ("updates_of", "get /devices/{device}/updates"),
    ("webhooks", "get /webhooks"),
];

/// What is no verb of somebody who is known, and why a program does not need it.
const CONSOLE_ONLY: [(&str, &str); 12] = [
    ("actor", "a session's; a token has its own"),
    ("begin_login", "a program has a token"),
    ("complete_setup", "the first administrator has no token yet; the command line makes one"),
    ("downloads", "the configuration's, not a verb"),
    ("finish_login", "a program has a token"),
    ("logout", "a program has a token"),
    ("registry", "definitions, not a verb"),
    ("session_end", "a program has no session"),
    ("session_load", "a program has no session"),
    ("setup_link_is_valid", "the first administrator has no token yet"),
    ("setup_needed", "the first administrator has no token yet"),
    ("setup_open", "the first administrator has no token yet"),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The names of what is called on a fleet: `fleet.name(` with any white space between.
fn called(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("fleet") {
        let rest = text[at + "fleet".len()..].trim_start_matches("()").trim_start();
        let Some(rest) = rest.strip_prefix('.') else { continue };
        let end =
            rest.find(|character: char| !character.is_ascii_lowercase() && character != '_').unwrap_or(0);
        if rest[end..].starts_with('(') {
            names.insert(rest[..end].to_owned());
        }
    }
    names
}

#[test]
fn every_verb_of_the_console_has_a_route() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&source.join("console"), &mut found);
    let used: BTreeSet<String> =
        found.iter().flat_map(|file| called(&fs::read_to_string(file).unwrap())).collect();
    assert!(used.len() > 20, "{used:?}");
    let table: BTreeMap<&str, &str> = ROUTES.into_iter().chain(MORE).collect();
    let console: BTreeMap<&str, &str> = CONSOLE_ONLY.into_iter().collect();
    let missing: Vec<&String> = used
        .iter()
        .filter(|name| !table.contains_key(name.as_str()) && !console.contains_key(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "the console does what no route does: {missing:?}");

    let routes: BTreeSet<String> = operations()
        .into_iter()
        .map(|(path, method, _)| format!("{method} {}", path.strip_prefix(web::api::v1::BASE).unwrap()))
        .collect();
    for (verb, route) in &table {
        assert!(routes.contains(*route), "{verb}: {route} is not there");
    }
    let mut found = Vec::new();
    files(&source.join("api"), &mut found);
    let served: BTreeSet<String> =
        found.iter().flat_map(|file| called(&fs::read_to_string(file).unwrap())).collect();
    for verb in table.keys() {
        assert!(served.contains(*verb), "{verb} is in the table and is not called");
    }
}
