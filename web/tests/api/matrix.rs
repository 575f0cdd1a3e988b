//! Who may do what: every route of the document by everybody, against the scope that the document declares.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use fleet::Role;
use serde_json::Value;
use web::api::v1::types::Scope;

use crate::{
    document::operations,
    world::{Ask, World},
};

/// A request that a route can read, made of the document's examples. Of a device that is there: its id.
pub(crate) fn request(path: &str, method: &str, operation: &Value, device: &str) -> Ask {
    let mut path = path.strip_prefix(web::api::v1::BASE).unwrap().to_owned();
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let example = match &parameter["example"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match parameter["in"].as_str().unwrap() {
            "path" if name == "device" => path = path.replace("{device}", device),
            "path" => path = path.replace(&format!("{{{name}}}"), &example),
            "query" if parameter["required"] == true => query.push(format!("{name}={example}")),
            _ => {}
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let ask = Ask::new(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), &path);
    match operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next()) {
        Some((content_type, body)) => {
            let text = match &body["example"] {
                Value::String(text) => text.clone(),
                example => example.to_string(),
            };
            ask.body(content_type, text)
        }
        None => ask,
    }
}

fn scope(operation: &Value) -> Scope {
    operation["security"][0]["token"][0].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_token_does_what_its_scope_and_its_owners_role_hold_and_nothing_else() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await.to_string();
    let viewer = world.user("vera", Role::Viewer).await;
    let cases = [
        ("read token", Scope::Read, world.token_of(&world.admin, Role::Viewer, None).await),
        ("token of a viewer", Scope::Read, world.token_of(&viewer, Role::Viewer, None).await),
        ("operate token", Scope::Operate, world.token_of(&world.admin, Role::Operator, None).await),
        ("administer token", Scope::Administer, world.token.clone()),
    ];
    let mut differences = Vec::new();
    for (who, held, token) in cases {
        // What removes a device comes last, so that the others find it.
        let mut all = operations();
        all.sort_by_key(|(path, method, _)| method == "delete" || path.ends_with("removals"));
        for (path, method, operation) in all {
            let may = held >= scope(&operation);
            let answer = world.begin(request(&path, &method, &operation, &device).by(&token)).await;
            let refused = answer.status() == StatusCode::FORBIDDEN;
            if answer.status() == StatusCode::UNAUTHORIZED || refused == may {
                differences.push(format!("{who}: {method} {path}: {}", answer.status()));
            }
            if may && operation["responses"].get(answer.status().as_str()).is_none() {
                differences
                    .push(format!("{who}: {method} {path}: {} is not in the document", answer.status()));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[tokio::test]
async fn whoever_has_no_good_token_gets_nowhere() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await.to_string();
    let short = world.token_of(&world.admin, Role::Administrator, Some(Duration::from_secs(1))).await;
    let context = world.context(&world.admin);
    let (token, revoked) = world.fleet.add_token(&context, "lost", Role::Administrator, None).await.unwrap();
    world.fleet.revoke_token(&context, token.public_id).await.unwrap();
    let other = world.user("otto", Role::Administrator).await;
    let disabled = world.token_of(&other, Role::Administrator, None).await;
    world.fleet.disable_user(&context, other.public_id, true).await.unwrap();
    world.pass(Duration::from_secs(120));
    let unknown = format!("muster_{}", "0".repeat(64));
    let cases = [
        ("none", None),
        ("expired", Some(short)),
        ("revoked", Some(revoked)),
        ("disabled owner", Some(disabled)),
        ("unknown", Some(unknown)),
        ("no token of ours", Some("hello".to_owned())),
    ];
    for (who, token) in cases {
        for (path, method, operation) in operations() {
            // So slowly that nobody is told to wait.
            world.pass(Duration::from_secs(3));
            let ask = Ask { token: token.clone(), ..request(&path, &method, &operation, &device) };
            let answer = world.send(ask).await;
            let problem = answer.problem(401, "unauthenticated");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.starts_with("Bearer realm=\"Muster\""), "{who}: {method} {path}: {challenge}");
            assert!(problem.errors.is_empty());
        }
    }
    let left = world.get(&format!("/devices/{device}")).await;
    assert_eq!(left.status, StatusCode::OK, "nothing was done");
}

#[tokio::test]
async fn a_cookie_or_a_password_is_no_token() {
    let world = World::new().await;
    let ask = Ask::new(Method::GET, "/overview");
    for (name, value) in [
        ("cookie", format!("muster={}; token={}", world.token, world.token)),
        ("authorization", "Basic YWRhOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==".to_owned()),
    ] {
        world.send(ask.clone().with(name, &value)).await.problem(401, "unauthenticated");
    }
    let query = Ask::new(Method::GET, &format!("/overview?access_token={}", world.token));
    world.send(query).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn whoever_guesses_is_told_to_wait_and_a_good_token_is_not() {
    let world = World::new().await;
    let guess = Ask::new(Method::GET, "/overview").by(&format!("muster_{}", "1".repeat(64)));
    for _ in 0..30 {
        world.send(guess.clone()).await.problem(401, "unauthenticated");
    }
    let answer = world.send(guess.clone()).await;
    answer.problem(429, "too-many-requests");
    assert_eq!(answer.header("retry-after"), "60");
    assert_eq!(world.get("/overview").await.status, StatusCode::OK);
    world.pass(Duration::from_secs(60));
    world.send(guess).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_last_use_of_a_token_is_noted() {
    let world = World::new().await;
    world.get("/overview").await;
    world.fleet.flush_audit().await.unwrap();
    let tokens: web::api::v1::types::Page<web::api::v1::types::Token> = world.get("/tokens").await.body(200);
    assert!(tokens.items[0].last_used_at.is_some());
}
