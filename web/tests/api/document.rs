//! The OpenAPI document: a contract that changes only on purpose.

use std::{fs, path::Path};

use serde_json::Value;
use web::api::v1::{openapi, types};

/// Every operation of the document: path, method, and what it says.
pub(crate) fn operations() -> Vec<(String, String, Value)> {
    let document = openapi();
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap();
        methods.iter().map(move |(method, operation)| (path.clone(), method.clone(), operation.clone()))
    });
    methods.collect()
}

#[test]
fn the_document_is_the_one_that_was_kept() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&openapi()).unwrap());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "the API has changed: look at the difference after UPDATE_SNAPSHOTS=1 cargo test -p web"
    );
}

#[test]
fn every_route_of_the_code_is_in_the_document() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/v1");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.filter(|file| file.is_file()).map(|file| fs::read_to_string(file).unwrap());
    let declared: usize = texts.map(|text| text.matches("#[utoipa::path(").count()).sum();
    assert_eq!(operations().len(), declared, "one that no router serves, or that is served twice");
}

#[test]
fn every_operation_has_a_scope_errors_examples_and_words() {
    for (path, method, operation) in operations() {
        let name = format!("{method} {path}");
        let scopes =
            operation["security"][0]["token"].as_array().unwrap_or_else(|| panic!("{name}: no scope"));
        assert_eq!(scopes.len(), 1, "{name}");
        let scope = scopes[0].as_str().unwrap();
        assert!(scope.parse::<types::Scope>().is_ok(), "{name}: {scope}");
        assert!(operation["summary"].is_string(), "{name}: no words");
        for status in ["400", "401", "403", "429", "500", "503"] {
            assert!(operation["responses"][status]["$ref"].is_string(), "{name}: no {status}");
        }
        if path.contains('{') {
            assert!(operation["responses"]["404"].is_object(), "{name}: no 404");
        }
        let mut bodies: Vec<&Value> = operation["responses"].as_object().unwrap().values().collect();
        bodies.extend(operation.get("requestBody"));
        for content in
            bodies.iter().filter_map(|body| body["content"].as_object()).flat_map(|body| body.values())
        {
            assert!(!content["example"].is_null(), "{name}: a body without an example");
        }
        let good =
            operation["responses"].as_object().unwrap().keys().filter(|status| status.starts_with('2'));
        assert!(good.count() > 0, "{name}: no success");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let all = operations();
    let names: std::collections::BTreeSet<&str> =
        all.iter().map(|(.., operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = openapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn examples_are_what_the_types_read() {
    fn check<T: serde::de::DeserializeOwned + serde::Serialize>(example: &Value, name: &str) {
        let read: T = serde_json::from_value(example.clone())
            .unwrap_or_else(|error| panic!("{name}: {error}: {example}"));
        serde_json::to_value(&read).unwrap();
    }
    let mut checked = 0;
    for (path, method, operation) in operations() {
        let name = format!("{method} {path}");
        let Some(body) = operation["requestBody"]["content"].get("application/json") else { continue };
        let reference =
            body["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{name}: a body without a name"));
        let example = &body["example"];
        match reference.rsplit('/').next().unwrap() {
            "Acceptance" => check::<types::Acceptance>(example, &name),
            "Activity" => check::<types::Activity>(example, &name),
            "BulkRemoval" => check::<types::BulkRemoval>(example, &name),
            "BulkLabelling" => check::<types::BulkLabelling>(example, &name),
            "ClassRule" => check::<types::ClassRule>(example, &name),
            "Labels" => check::<types::Labels>(example, &name),
            "NewGroup" => check::<types::NewGroup>(example, &name),
            "RuleTest" => check::<types::RuleTest>(example, &name),
            "Classification" => check::<types::Classification>(example, &name),
            "NewClaim" => check::<types::NewClaim>(example, &name),
            "NewClass" => check::<types::NewClass>(example, &name),
            "ClassPolicy" => check::<types::ClassPolicy>(example, &name),
            "Retention" => check::<types::Retention>(example, &name),
            "NewAuthority" => check::<types::NewAuthority>(example, &name),
            "NewCredential" => check::<types::NewCredential>(example, &name),
            "NewDevice" => check::<types::NewDevice>(example, &name),
            "NewOperation" => check::<types::NewOperation>(example, &name),
            "NewPassword" => check::<types::NewPassword>(example, &name),
            "NewRole" => check::<types::NewRole>(example, &name),
            "ConfigurationAct" => check::<types::ConfigurationAct>(example, &name),
            "NewBaseline" => check::<types::NewBaseline>(example, &name),
            "RollBack" => check::<types::RollBack>(example, &name),
            "NewUpdates" => check::<types::NewUpdates>(example, &name),
            "NewToken" => check::<types::NewToken>(example, &name),
            "NewUpdateKey" => check::<types::NewUpdateKey>(example, &name),
            "NewUser" => check::<types::NewUser>(example, &name),
            "NewWebhook" => check::<types::NewWebhook>(example, &name),
            "Pause" => check::<types::Pause>(example, &name),
            "Plan" => check::<types::Plan>(example, &name),
            "UpdatePolicy" => check::<types::UpdatePolicy>(example, &name),
            "SaidAwakeTime" => check::<types::SaidAwakeTime>(example, &name),
            "Wishes" => check::<types::Wishes>(example, &name),
            "Reason" => check::<types::Reason>(example, &name),
            other => panic!("{name}: {other} is not checked here"),
        }
        checked += 1;
    }
    assert!(checked >= 15, "{checked}");
}
