//! Credentials of each kind, class policies, authorities and revocation lists.

use axum::http::Method;
use fleet::{Change, Commit, SeenCertificate, Store as _};
use serde_json::{Value, json};
use web::api::v1::types::{
    Authority, Class, ClassPolicy, Credential, CredentialKind, Enrolled, Page, Retention, ServerKeys,
    ShownCredential,
};

use crate::{
    issuer::{Foreign, public_key},
    world::{Answer, Ask, World},
};

async fn server() -> World {
    let world = World::new().await;
    world.fleet.own_keys(&["muster.test".to_owned()], world.now()).await.unwrap().unwrap();
    world.pass(std::time::Duration::from_secs(1));
    world
}

async fn add(world: &World, endpoint: &str, bootstrap: Value) -> Answer {
    world.post("/devices", json!({"endpoint": endpoint, "bootstrap": bootstrap})).await
}

async fn added(world: &World, endpoint: &str, bootstrap: Value) -> ShownCredential {
    add(world, endpoint, bootstrap).await.body::<Enrolled>(201).credentials.remove(0)
}

#[tokio::test]
async fn a_device_is_added_with_a_credential_of_each_kind() {
    let world = server().await;
    let psk = added(&world, "psk", json!({})).await;
    assert!(psk.key.is_some() && psk.private_key.is_none() && psk.certificate.is_none());

    let made = added(&world, "rpk", json!({"kind": "rpk"})).await;
    assert_eq!(made.credential.kind, CredentialKind::RawPublicKey);
    assert!(made.private_key.unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(made.public_key.unwrap().starts_with("-----BEGIN PUBLIC KEY-----\n"));
    let given = added(&world, "rpk-given", json!({"kind": "rpk", "public_key": public_key()})).await;
    assert!(given.private_key.is_none() && given.credential.identity.starts_with("spki:"));

    let issued = added(&world, "issued", json!({"kind": "x509"})).await;
    assert!(issued.private_key.is_some());
    assert!(issued.certificate.unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert!(issued.credential.valid_to.is_some(), "as long as the certificate is good");
    let issued = added(&world, "issued-for", json!({"kind": "x509", "public_key": public_key()})).await;
    assert!(issued.private_key.is_none() && issued.certificate.is_some());

    let foreign = Foreign::new("Factory", world.now(), 400);
    let (_, pem) = foreign.issue("pinned", world.now(), 5);
    let pinned = added(&world, "pinned", json!({"kind": "x509", "certificate": pem})).await;
    assert!(pinned.credential.identity.starts_with("spki:") && pinned.certificate.is_none());
    let mapped = added(&world, "mapped", json!({"kind": "x509", "name": "node 7"})).await;
    assert_eq!(mapped.credential.identity, "cn:node 7");

    let found: Page<web::api::v1::types::Device> =
        world.get("/devices?identity=cn%3Anode%207").await.body(200);
    assert_eq!(found.items[0].endpoint, "mapped");
}

#[tokio::test]
async fn what_is_wrong_with_a_credential_is_said_of_its_field() {
    let world = server().await;
    let key = public_key();
    for (bootstrap, field) in [
        (json!({"kind": "smoke"}), "bootstrap.kind"),
        (json!({"public_key": key}), "bootstrap.public_key"),
        (json!({"kind": "rpk", "key": "00"}), "bootstrap.key"),
        (json!({"kind": "rpk", "public_key": "hello"}), "bootstrap.public_key"),
        (json!({"kind": "x509", "certificate": key}), "bootstrap.certificate"),
        (json!({"kind": "x509", "certificate": key, "name": "x"}), "bootstrap.certificate"),
        (json!({"kind": "x509", "public_key": key, "name": "x"}), "bootstrap.public_key"),
        (json!({"kind": "x509", "name": ""}), "bootstrap.certificate"),
        (json!({"kind": "psk", "colour": "red"}), "bootstrap.colour"),
    ] {
        let problem = add(&world, "node-7", bootstrap.clone()).await.problem(422, "invalid");
        assert_eq!(problem.errors[0].field, field, "{bootstrap}: {problem:?}");
    }
    add(&world, "node-1", json!({"kind": "rpk", "public_key": key})).await;
    add(&world, "node-2", json!({"kind": "rpk", "public_key": key})).await.problem(409, "already-there");
}

#[tokio::test]
async fn a_class_lets_in_what_its_policy_says() {
    let world = server().await;
    let policy: ClassPolicy = world.get("/classes/default/policy").await.body(200);
    assert_eq!(policy.kinds.len(), 3);
    for (body, field) in [
        (json!({"kinds": [], "mapping": "cn", "provision": "psk"}), "kinds"),
        (json!({"kinds": ["rpk"], "mapping": "cn", "provision": "psk"}), "kinds"),
        (json!({"kinds": ["tin"], "mapping": "cn", "provision": "psk"}), "kinds[0]"),
        (json!({"kinds": ["psk"], "mapping": "ou", "provision": "psk"}), "mapping"),
    ] {
        let problem = world.put("/classes/default/policy", body).await.problem(422, "invalid");
        assert_eq!(problem.errors[0].field, field);
    }
    let body = json!({"kinds": ["rpk", "x509"], "mapping": "san", "provision": "x509"});
    world.put("/classes/default/policy", body.clone()).await.done();
    let classes: Page<Class> = world.get("/classes").await.body(200);
    assert_eq!(serde_json::to_value(&classes.items[0].policy).unwrap(), body);
    let problem = add(&world, "node-7", json!({})).await.problem(422, "invalid");
    assert_eq!(problem.errors[0].field, "bootstrap.kind");
    let both = json!({"endpoint": "node-7", "bootstrap": {"kind": "rpk"}, "management": {}});
    let problem = world.post("/devices", both).await.problem(422, "invalid");
    assert_eq!(problem.errors[0].field, "management.kind");
    let mapped = added(&world, "node-8", json!({"kind": "x509", "name": "urn:dev:8"})).await;
    assert_eq!(mapped.credential.identity, "san:urn:dev:8");
    world.get("/classes/none/policy").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_class_keeps_values_as_its_retention_says() {
    let world = server().await;
    let url = "/classes/default/retention";
    assert_eq!(world.get(url).await.body::<Retention>(200), Retention { days: None, readings: 1_000 });
    for (body, field) in [
        (json!({"days": 0, "readings": 10}), "days"),
        (json!({"days": null, "readings": 0}), "readings"),
        (json!({"days": 1, "readings": 1_001}), "readings"),
        (json!({"days": 1}), "readings"),
    ] {
        let problem = world.put(url, body.clone()).await.problem(422, "invalid");
        assert_eq!(problem.errors[0].field, field, "{body}: {problem:?}");
    }
    world.put(url, json!({"days": 90, "readings": 10})).await.done();
    let classes: Page<Class> = world.get("/classes").await.body(200);
    assert_eq!(classes.items[0].retention, Retention { days: Some(90), readings: 10 });
    world.put("/classes/none/retention", json!({"readings": 10})).await.problem(404, "not-found");
}

#[tokio::test]
async fn an_authority_comes_with_its_revocation_list_and_goes() {
    let world = server().await;
    let foreign = Foreign::new("Factory CA", world.now(), 400);
    let body = json!({"name": "Factory", "certificate": foreign.pem()});
    let authority: Authority = world.post("/authorities", body.clone()).await.body(201);
    assert_eq!((authority.certificate.subject.as_str(), authority.own), ("CN=Factory CA", false));
    assert_eq!(authority.certificate.pem, foreign.pem().replace('\r', ""));
    world.post("/authorities", body).await.problem(409, "already-there");
    let problem =
        world.post("/authorities", json!({"name": "x", "certificate": "x"})).await.problem(422, "invalid");
    assert_eq!(problem.errors[0].field, "certificate");

    let url = format!("/authorities/{}", authority.id);
    let put = |list: String| {
        Ask::new(Method::PUT, &format!("{url}/revocation-list"))
            .by(&world.token)
            .body("application/x-pem-file", list)
    };
    let saved: Authority = world.send(put(foreign.revocations(31, world.now(), 7))).await.body(200);
    let list = saved.revocation_list.unwrap();
    assert_eq!((list.number.as_deref(), list.revoked), (Some("1f"), 1));
    let older = world.send(put(foreign.revocations(30, world.now(), 7))).await.problem(422, "invalid");
    assert_eq!(older.errors[0].field, "revocation_list");
    world.send(put("hello".to_owned())).await.problem(422, "invalid");

    let all: Page<Authority> = world.get("/authorities").await.body(200);
    assert_eq!(all.items.iter().map(|one| one.own).collect::<Vec<_>>(), [true, false]);
    let own = format!("/authorities/{}", all.items[0].id);
    world.delete(&own).await.problem(422, "invalid");
    world.delete(&url).await.done();
    world.delete(&url).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_program_learns_how_devices_know_the_server() {
    let world = server().await;
    let keys: ServerKeys = world.get("/server-keys").await.body(200);
    let (certificate, key) = (keys.certificate.unwrap(), keys.public_key.unwrap());
    assert_eq!((certificate.subject.as_str(), certificate.issuer.as_str()), ("CN=muster.test", "CN=Muster"));
    assert!(certificate.pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert!(key.pem.starts_with("-----BEGIN PUBLIC KEY-----\n") && key.hex.starts_with("3059"));
    let bare: ServerKeys = World::new().await.get("/server-keys").await.body(200);
    assert!(bare.certificate.is_none() && bare.public_key.is_none());
}

#[tokio::test]
async fn a_credential_tells_what_its_device_came_with_and_what_it_replaces() {
    let world = server().await;
    let enrolled: Enrolled = add(&world, "node-7", json!({"kind": "x509"})).await.body(201);
    let name = "<b>\"a\0b\r\n\u{202e}".to_owned() + &"x".repeat(10_000);
    let foreign = Foreign::new("Factory", world.now(), 400);
    let (der, _) = foreign.issue(&name, world.now(), 5);
    let url = format!("/devices/{}/credentials", enrolled.id);
    let context = world.context(&world.admin);
    let held = world.fleet.credentials(&context, enrolled.id.parse().unwrap()).await.unwrap();
    let certificate = Box::new(SeenCertificate::of(&[der], world.now()).unwrap());
    let seen = Change::CertificateSeen { credential: held[0].id, certificate };
    world.store.commit(Commit { changes: vec![seen], audit: Vec::new() }).await.unwrap();
    let rotate = format!("{url}/{}/rotate", enrolled.credentials[0].credential.id);
    let rotated = world.send(Ask::new(Method::POST, &rotate).by(&world.token)).await;
    assert!(rotated.text.contains("-----BEGIN PRIVATE KEY-----"), "a new pair is shown");

    let answer = world.get(&url).await;
    assert!(!answer.text.chars().any(char::is_control) && !answer.text.contains("PRIVATE"));
    let page: Page<Credential> = answer.body(200);
    let by_id = |id: &str| page.items.iter().find(|one| one.id == id).unwrap();
    let old = by_id(&enrolled.credentials[0].credential.id);
    let seen = old.certificate.as_ref().unwrap();
    assert!(seen.subject.starts_with("CN=<b>") && seen.issuer == "CN=Factory");
    assert_eq!(seen.valid_to.to_string(), "2026-09-26T14:13:21.000Z");
    let new = page.items.iter().find(|one| one.id != old.id).unwrap();
    assert_eq!(new.replaces.as_deref(), Some(old.id.as_str()));
}

#[tokio::test]
async fn a_repeated_request_is_answered_without_the_private_key() {
    let world = server().await;
    let ask = Ask::new(Method::POST, "/devices")
        .by(&world.token)
        .with("idempotency-key", "once")
        .json(&json!({"endpoint": "node-7", "bootstrap": {"kind": "x509"}}));
    let first: Enrolled = world.send(ask.clone()).await.body(201);
    let again: Enrolled = world.send(ask).await.body(201);
    let (first, again) = (&first.credentials[0], &again.credentials[0]);
    assert!(first.private_key.is_some() && again.private_key.is_none());
    assert_eq!(first.certificate, again.certificate);
}
