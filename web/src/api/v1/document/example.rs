//! Examples of bodies, made of the examples of their parts.

use serde_json::{Map, Value, json};

/// An example of a schema: its own, or one made of its parts.
pub(super) fn of(schema: &Value, schemas: &Value) -> Value {
    build(schema, schemas, 0)
}

/// An example of a body that is no JSON.
pub(super) fn written(media_type: &str) -> &'static str {
    match media_type {
        "text/csv" => {
            "endpoint,class,bootstrap_identity,bootstrap_key\r\nnode-7,default,node-7,9f3b2c11aa07d84e5b6c7d8e9f001122\r\n"
        }
        "application/x-ndjson" => "{\"endpoint\":\"node-7\",\"class\":\"default\"}\n",
        "application/xml" => {
            "<LWM2M><Object ObjectType=\"MODefinition\"><Name>Lamp</Name><ObjectID>32769</ObjectID>\
            <ObjectURN>urn:oma:lwm2m:x:32769</ObjectURN><LWM2MVersion>1.0</LWM2MVersion>\
            <ObjectVersion>1.0</ObjectVersion><MultipleInstances>Single</MultipleInstances>\
            <Mandatory>Optional</Mandatory><Resources><Item ID=\"0\"><Name>On</Name><Operations>RW</Operations>\
            <MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory</Mandatory><Type>Boolean</Type>\
            <RangeEnumeration></RangeEnumeration><Units></Units><Description></Description></Item></Resources>\
            </Object></LWM2M>"
        }
        "application/x-pem-file" => "-----BEGIN X509 CRL-----\nMIIB…\n-----END X509 CRL-----\n",
        "application/pkix-crl" => "0…",
        "multipart/form-data" => {
            "--cut\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ngateway firmware\r\n--cut--\r\n"
        }
        "text/event-stream" => {
            "id: 4711\nevent: registered\ndata: {\"sequence\":4711,\"at\":\"2026-11-22T13:55:40.123Z\",\"kind\":\"registered\",\
            \"device\":\"5f0c7a52d1f34d5b8d6f2f2a9f3f4c11\",\"endpoint\":\"node-7\",\"readings\":[]}\n\n"
        }
        _ => "",
    }
}

/// No schema of ours is nested deeper.
const DEPTH: usize = 16;

fn build(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if depth > DEPTH {
        return Value::Null;
    }
    let build = |schema: &Value| build(schema, schemas, depth + 1);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(example) = schema["examples"].get(0) {
        return example.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return build(&schemas[name]);
    }
    if let Some(word) = schema["enum"].get(0) {
        return word.clone();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(part) = build(part) {
                whole.extend(part);
            }
        }
        return Value::Object(whole);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let given = choices.iter().find(|choice| choice["type"] != "null");
            return given.map_or(Value::Null, build);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("array") => match schema.get("items").filter(|items| items.is_object()) {
            Some(items) => json!([build(items)]),
            None => json!([]),
        },
        Some("boolean") => json!(false),
        Some("integer") => json!(schema["minimum"].as_i64().unwrap_or(0).max(0)),
        Some("number") => json!(0.0),
        Some("string") => json!("text"),
        _ => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            Value::Object(properties.map(|(name, schema)| (name.clone(), build(schema))).collect())
        }
    }
}
