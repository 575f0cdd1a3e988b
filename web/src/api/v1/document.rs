//! The OpenAPI document: what the code of the routes says, and what holds for all of them.
//!
//! Each route says its path, its scope, its bodies and its answers beside its handler. Added here are the scheme of the
//! tokens, the errors that a route can answer with, `Idempotency-Key`, and an example of every body, made of the
//! examples of its parts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema, openapi::OpenApi};

use super::{
    once,
    types::{FieldProblem, Gap, Problem, ProblemKind},
};

mod example;

/// The document as it is served.
pub(super) fn complete(document: OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": "Muster",
        "version": "1",
        "description": description(),
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    let components = &mut document["components"];
    components["securitySchemes"] = json!({"token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "muster_ and 64 hexadecimal digits",
        "description": "An API token, with the scope read, operate or administer; each holds the one before it.",
    }});
    schema::<Problem>(components);
    schema::<FieldProblem>(components);
    schema::<ProblemKind>(components);
    schema::<Gap>(components);
    for kind in ProblemKind::ALL {
        components["responses"][name_of(*kind)] = problem(*kind);
    }
    let schemas = components["schemas"].clone();
    for (path, methods) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            // A handler's name is one of its module alone.
            let (tag, name) = (&operation["tags"][0], &operation["operationId"]);
            let id = format!("{}_{}", tag.as_str().unwrap_or_default(), name.as_str().unwrap_or_default());
            operation["operationId"] = json!(id);
            add_errors(path, method, operation);
            add_key(method, operation);
            add_examples(operation, &schemas);
        }
    }
    document
}

/// The query parameters of each route, by method and path.
pub(super) fn parameters(document: &Value) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let names = parameters.filter(|parameter| parameter["in"] == "query");
            let names = names.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned));
            found.insert((method.clone(), path.clone()), names.collect());
        }
    }
    found
}

fn description() -> String {
    let kinds: String = ProblemKind::ALL
        .iter()
        .map(|kind| format!("- `{}{kind}` ({}): {}\n", ProblemKind::URN, kind.status(), kind.title()))
        .collect();
    format!(
        "Manages a fleet of LwM2M devices.\n\n\
        Every request carries a token: `Authorization: Bearer muster_…`. Moments are RFC 3339 in UTC with milliseconds, \
        ids are opaque, words are in kebab case, bytes are hexadecimal digits. Lists come in pages: `next` of one page is \
        `after` of the next. Unknown parameters and unknown fields are errors; unknown fields of an answer are to be \
        ignored, for later versions of this server add some.\n\n\
        A POST may name itself by `{key}`, 1 to {max} visible ASCII characters, remembered for a day: sent again it is \
        answered as before, with `{replayed}: true`, and done once. Secrets are shown in the first answer alone: the \
        replay has the same form without them. An answer above 64 KiB is replayed without its body.\n\n\
        Every error is `application/problem+json` (RFC 9457) of one of these types:\n\n{kinds}",
        key = "Idempotency-Key",
        max = once::MAX_KEY_BYTES,
        replayed = "Idempotency-Replayed",
    )
}

fn schema<T: ToSchema + PartialSchema>(components: &mut Value) {
    components["schemas"][T::name().as_ref()] = serde_json::to_value(T::schema()).unwrap_or_default();
}

/// The name of a problem's answer among the components, such as `NotFound`.
fn name_of(kind: ProblemKind) -> String {
    format!("{kind:?}")
}

fn problem(kind: ProblemKind) -> Value {
    let example = json!({
        "type": format!("{}{kind}", ProblemKind::URN),
        "title": kind.title(),
        "status": kind.status(),
        "detail": kind.title(),
        "instance": "urn:uuid:5f0c7a52-d1f3-4d5b-8d6f-2f2a9f3f4c11",
    });
    json!({
        "description": kind.title(),
        "content": {Problem::CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    })
}

/// The errors that a route can answer with, by what it is asked with.
fn add_errors(path: &str, method: &str, operation: &mut Value) {
    use ProblemKind as Kind;
    let mut kinds = vec![
        Kind::BadRequest,
        Kind::Unauthenticated,
        Kind::Forbidden,
        Kind::TooManyRequests,
        Kind::Internal,
        Kind::Unavailable,
    ];
    if path.contains('{') {
        kinds.push(Kind::NotFound);
    }
    if method != "get" {
        kinds.push(Kind::AlreadyThere);
        kinds.push(Kind::Invalid);
        kinds.push(Kind::TooLarge);
    }
    if operation.get("requestBody").is_some() {
        kinds.push(Kind::UnsupportedMediaType);
    }
    if path.ends_with("/audit") {
        kinds.push(Kind::NotAcceptable);
    }
    for kind in kinds {
        let reference = json!({"$ref": format!("#/components/responses/{}", name_of(kind))});
        operation["responses"][kind.status().to_string()] = reference;
    }
}

fn add_key(method: &str, operation: &mut Value) {
    if method != "post" {
        return;
    }
    let key = json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "Names the request, so that sending it again does nothing twice.",
        "schema": {"type": "string", "minLength": 1, "maxLength": once::MAX_KEY_BYTES},
        "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
    });
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.push(key),
        None => operation["parameters"] = json!([key]),
    }
}

fn add_examples(operation: &mut Value, schemas: &Value) {
    if let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut) {
        fill(content, schemas);
    }
    for response in operation["responses"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) {
            fill(content, schemas);
        }
    }
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if parameter["in"] == "path" && parameter.get("example").is_none() {
            parameter["example"] = match parameter["name"].as_str() {
                Some("class") => json!("default"),
                _ => json!("5f0c7a52d1f34d5b8d6f2f2a9f3f4c11"),
            };
        }
    }
}

fn fill(content: &mut Map<String, Value>, schemas: &Value) {
    for (media_type, body) in content {
        if body.get("example").is_none() {
            body["example"] = match media_type.as_str() {
                "application/json" => example::of(&body["schema"], schemas),
                written => json!(example::written(written)),
            };
        }
    }
}
