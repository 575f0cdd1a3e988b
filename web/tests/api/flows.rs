//! What an administrator does by a program, from the first device to the audit log.

use axum::http::Method;
use objects::Value;
use serde_json::json;
use web::api::v1::types::{
    AuditEntry, BulkReport, Claim, Class, Credential, Device, DeviceDetail, EffectivePlan, Enrolled,
    ImportReport, MadeToken, MadeWebhook, Model, ModelCount, Observation, OpenedClaim, Overview, Page,
    PlanOrigin, Reading, Rotation, ShownCredential, TimelineEntry, User, Webhook,
};

use crate::world::{Ask, World};

#[tokio::test]
async fn a_device_is_added_found_classified_and_removed() {
    let world = World::new().await;
    let class: Class = world.post("/classes", json!({"name": "water / meters"})).await.body(201);
    let answer = world
        .post(
            "/devices",
            json!({"endpoint": "node-7", "bootstrap": {}, "management": {"identity": "seven",
        "key": "9f3b2c11aa07d84e5b6c7d8e9f001122"}}),
        )
        .await;
    let added: Enrolled = answer.body(201);
    assert_eq!((added.class.as_str(), added.credentials.len()), ("default", 2));
    assert_eq!(added.credentials[1].key.as_deref(), Some("9f3b2c11aa07d84e5b6c7d8e9f001122"));
    let url = answer.location().to_owned();
    world.put(&format!("{url}/class"), json!({"class": class.name})).await.done();
    let detail: DeviceDetail = world.get(&url).await.body(200);
    assert_eq!((detail.class.as_str(), detail.secured, detail.registration), ("water / meters", true, None));
    for filter in [
        "prefix=node",
        "endpoint=node-7",
        "identity=seven",
        "class=water%20%2F%20meters",
        "secured=true",
        "state=awaited",
    ] {
        let page: Page<Device> = world.get(&format!("/devices?{filter}")).await.body(200);
        assert_eq!(page.items.len(), 1, "{filter}");
    }
    for filter in ["prefix=x", "endpoint=node", "class=default", "secured=false", "state=registered"] {
        let page: Page<Device> = world.get(&format!("/devices?{filter}")).await.body(200);
        assert_eq!(page.items.len(), 0, "{filter}");
    }
    world.delete(&url).await.problem(400, "bad-request");
    world.delete(&format!("{url}?reason=sold&keep_data=true")).await.done();
    let page: Page<Device> = world.get("/devices?state=removed").await.body(200);
    assert!(page.items[0].removed_at.is_some());
    let timeline: Page<TimelineEntry> = world.get(&format!("{url}/timeline")).await.body(200);
    assert!(timeline.items[0].detail.contains("sold"), "{timeline:?}");
}

#[tokio::test]
async fn many_devices_are_imported_listed_in_pages_and_removed() {
    let world = World::new().await;
    let rows: String = (0..7).map(|number| format!("node-{number},\r\n")).collect();
    let csv = format!("endpoint,class\r\n{rows}");
    let ask = |path: &str| Ask::new(Method::POST, path).by(&world.token).body("text/csv", csv.clone());
    let dry: ImportReport = world.send(ask("/devices/imports?dry_run=true")).await.body(200);
    assert_eq!((dry.rows, dry.added, dry.dry_run), (7, 7, true), "{dry:?}");
    let report: ImportReport = world.send(ask("/devices/imports")).await.body(200);
    assert_eq!((report.added, report.errors_total, report.dry_run), (7, 0, false));
    let again: ImportReport = world.send(ask("/devices/imports")).await.body(200);
    assert_eq!((again.added, again.unchanged), (0, 7));
    let lines = "{\"endpoint\":\"node-8\"}\n{\"endpoint\":\"\"}\n";
    let ask = Ask::new(Method::POST, "/devices/imports").by(&world.token).body("application/x-ndjson", lines);
    let report: ImportReport = world.send(ask).await.body(200);
    assert_eq!((report.added, report.errors[0].line), (1, 2));

    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page: Page<Device> = world.get(&format!("/devices?limit=3{after}")).await.body(200);
        found.extend(page.items.into_iter().map(|device| device.id));
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
    }
    assert_eq!(found.len(), 8);
    found.push("0".repeat(32));
    let body = json!({"devices": found, "reason": "end of test"});
    let report: BulkReport = world.post("/devices/removals", body).await.body(200);
    assert_eq!((report.done, report.failed.len()), (8, 1));
}

#[tokio::test]
async fn credentials_are_added_rotated_and_revoked() {
    let world = World::new().await;
    let added: Enrolled = world.post("/devices", json!({"endpoint": "node-7"})).await.body(201);
    let url = format!("/devices/{}/credentials", added.id);
    let shown: ShownCredential = world.post(&url, json!({"purpose": "bootstrap"})).await.body(201);
    let rotate = Ask::new(Method::POST, &format!("{url}/{}/rotate", shown.credential.id)).by(&world.token);
    let Rotation::Shown(new) = world.send(rotate).await.body(200) else { panic!("a new key") };
    assert!(new.key.is_some() && new.key != shown.key);
    let revoke = format!("{url}/{}/revoke", new.credential.id);
    world.post(&revoke, json!({"reason": "lost"})).await.done();
    let left: Page<Credential> = world.get(&url).await.body(200);
    assert_eq!(left.items.len(), 2);
    let text = world.get(&url).await.text;
    assert!(!text.contains(&new.key.unwrap()) && !text.contains(&shown.key.unwrap()), "no key is listed");
    world.post(&format!("/devices/{}/revoke", added.id), json!({"reason": "lost"})).await.done();
}

#[tokio::test]
async fn plans_claims_models_and_the_diary() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    let plan: EffectivePlan = world.get("/classes/default/plan").await.body(200);
    assert_eq!(plan.origin, PlanOrigin::Default);
    let mut new = serde_json::to_value(&plan.plan).unwrap();
    new["lifetime_seconds"] = json!(600);
    new["writes"] = json!([{"path": "/3/0/15", "value": {"type": "string", "value": "UTC"}}]);
    world.put("/classes/default/plan", new).await.done();
    let plan: EffectivePlan = world.get(&format!("/devices/{device}/plan")).await.body(200);
    assert_eq!((plan.origin, plan.plan.lifetime_seconds), (PlanOrigin::Class, 600));
    world
        .put(&format!("/devices/{device}/plan"), json!({"lifetime_seconds": 0}))
        .await
        .problem(422, "invalid");
    world.put(&format!("/devices/{device}/plan"), json!({"lifetime_seconds": 60})).await.done();
    world.delete(&format!("/devices/{device}/plan")).await.done();
    world.delete("/classes/default/plan").await.done();

    let body = json!({"name": "batch", "quota": 5, "closes_at": "2126-01-01T01:00:00+01:00"});
    let opened: OpenedClaim = world.post("/claims", body).await.body(201);
    assert_eq!(opened.claim.closes_at.to_string(), "2126-01-01T00:00:00.000Z");
    world
        .send(Ask::new(Method::POST, &format!("/claims/{}/close", opened.claim.id)).by(&world.token))
        .await
        .done();
    let claims: Page<Claim> = world.get("/claims").await.body(200);
    assert!(claims.items[0].closed && claims.items[0].class == "default");

    let before: Page<Model> = world.get("/models").await.body(200);
    let example = crate::document::operations()
        .into_iter()
        .find(|(path, method, _)| path.ends_with("/models") && method == "post")
        .map(|(.., operation)| operation["requestBody"]["content"]["application/xml"]["example"].clone())
        .unwrap();
    let upload =
        Ask::new(Method::POST, "/models").by(&world.token).body("application/xml", example.as_str().unwrap());
    let uploaded: Page<Model> = world.send(upload).await.body(201);
    assert_eq!(uploaded.items[0].object, 32_769);
    let reload = Ask::new(Method::POST, "/models/reload").by(&world.token);
    let count: ModelCount = world.send(reload).await.body(200);
    assert_eq!(count.models, u64::try_from(before.items.len() + 1).unwrap());
    world.delete("/models/32769/1.0").await.done();
    let bad = Ask::new(Method::POST, "/models").by(&world.token).body("application/xml", "<nothing/>");
    world.send(bad).await.problem(422, "invalid");

    world.fleet.incident(fleet::Incident {
        at: world.now(),
        cause: fleet::DiaryCause::UnknownIdentity,
        subject: "stranger".into(),
        from: "192.0.2.9:5000".parse().unwrap(),
        listener: "coaps://[::]:5684".into(),
        device: None,
        detail: "no such identity".into(),
    });
    world.fleet.flush_diary(world.now()).await.unwrap();
    let diary: Page<web::api::v1::types::DiaryEntry> =
        world.get("/diary?cause=unknown-identity&unmanaged=true").await.body(200);
    assert_eq!((diary.items[0].subject.as_str(), diary.items[0].count), ("stranger", 1));
    let entry = format!("/diary/{}", diary.items[0].id);
    assert!(world.get(&entry).await.text.contains("remedy"));
    world
        .send(Ask::new(Method::POST, &format!("{entry}/approve")).by(&world.token))
        .await
        .problem(404, "not-found");
    world.delete(&entry).await.done();
    world.get(&entry).await.problem(404, "not-found");
}

#[tokio::test]
async fn values_and_counts_are_seen() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    for number in 0..3 {
        world.report(7, "/3303/0/5700", Value::Float(f64::from(number))).await;
    }
    world.report(7, "/3/0/15", Value::String("UTC".into())).await;
    let all: Page<Reading> = world.get(&format!("/devices/{device}/values")).await.body(200);
    assert_eq!(all.items.len(), 2);
    let some: Page<Reading> = world.get(&format!("/devices/{device}/values?path=/3303")).await.body(200);
    assert_eq!(some.items[0].value, web::api::v1::types::Value::Float(2.0));
    let history = format!("/devices/{device}/values/history?path=/3303/0/5700&limit=2");
    let history: Page<Reading> = world.get(&history).await.body(200);
    assert_eq!(history.items.len(), 2);
    let none: Page<Observation> = world.get(&format!("/devices/{device}/observations")).await.body(200);
    assert!(none.items.is_empty());
    let overview: Overview = world.get("/overview").await.body(200);
    assert_eq!(overview.registered, 1);
    let detail: DeviceDetail = world.get(&format!("/devices/{device}")).await.body(200);
    assert_eq!(detail.registration.unwrap().objects[1].version, "1.1");
}

#[tokio::test]
async fn accounts_tokens_webhooks_and_the_audit_log() {
    let world = World::new().await;
    let body = json!({"name": "grace", "role": "viewer", "password": "correct horse battery"});
    let grace: User = world.post("/users", body).await.body(201);
    let url = format!("/users/{}", grace.id);
    world.put(&format!("{url}/role"), json!({"role": "operator"})).await.done();
    world.put(&format!("{url}/password"), json!({"password": "correct horse battery staple"})).await.done();
    world.put(&format!("{url}/activity"), json!({"disabled": true})).await.done();
    let users: Page<User> = world.get("/users").await.body(200);
    assert!(users.items.iter().any(|user| user.name == "grace" && user.disabled_at.is_some()));

    let made: MadeToken = world.post("/tokens", json!({"name": "ci", "scope": "read"})).await.body(201);
    let text = made.text.unwrap();
    let ask = Ask::new(Method::GET, "/overview").by(&text);
    assert_eq!(world.send(ask.clone()).await.status, 200);
    world.delete(&format!("/tokens/{}", made.token.id)).await.done();
    world.send(ask).await.problem(401, "unauthenticated");

    let body = json!({"url": "https://example.com/hook", "kinds": ["registered", "values"]});
    let hook: MadeWebhook = world.post("/webhooks", body).await.body(201);
    assert!(hook.secret.unwrap().starts_with("whsec_"));
    let (_, last) = world.fleet.event_range(&world.context(&world.admin)).await.unwrap();
    assert_eq!((hook.webhook.log_position, hook.webhook.last_success_at), (last, None), "it begins here");
    let url = format!("/webhooks/{}", hook.webhook.id);
    world.put(&format!("{url}/pause"), json!({"paused": true})).await.done();
    let hooks: Page<Webhook> = world.get("/webhooks").await.body(200);
    assert!(hooks.items[0].paused && hooks.items[0].kinds.len() == 2);
    world.delete(&url).await.done();

    let page: Page<AuditEntry> = world.get("/audit?action=change-user&actor=ada%2Ftest").await.body(200);
    assert_eq!(page.items.len(), 3, "{page:?}");
    let csv = Ask::new(Method::GET, "/audit").by(&world.token).with("accept", "text/csv");
    let csv = world.send(csv).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.text.starts_with("sequence,at,actor,cause,action,object,request\r\n"), "{}", csv.text);
    assert!(csv.text.contains(",ada/test,api,add-webhook,"), "{}", csv.text);
    let lines = Ask::new(Method::GET, "/audit?action=add-token")
        .by(&world.token)
        .with("accept", "application/x-ndjson");
    let lines = world.send(lines).await.text;
    assert_eq!(lines.lines().count(), 2);
    assert!(!lines.contains(&text));
    world.fleet.flush_audit().await.unwrap();
    let exports: Page<AuditEntry> = world.get("/audit?action=export").await.body(200);
    assert_eq!(exports.items.len(), 2);
}
