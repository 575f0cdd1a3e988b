//! Updates by the API: begun for many, looked at, ended.

use axum::http::Method;
use fleet::{Change, Commit, Store as _, store::Updates as _, update::DownloadKey, update::UpdateChange};
use serde_json::json;
use web::api::v1::types::{Page, ProblemKind, Update, UpdateCounts, UpdatePhase, UpdatesBegun};

use crate::{
    images::{IMAGE, firmware},
    world::{Ask, World},
};

const NOBODY: &str = "00000000000000000000000000000001";

/// A world with a device and an artefact, by their ids.
async fn ready() -> (World, String, String) {
    let world = World::new().await;
    let device = world.register(7, "node-7").await.to_string();
    let context = world.context(&world.admin);
    let artefact = firmware(&world.fleet, &context, "boot", "2.0").await.id.to_string();
    (world, device, artefact)
}

async fn begin(world: &World, artefact: &str, device: &str) -> String {
    let begun: UpdatesBegun =
        world.post("/updates", json!({"artefact": artefact, "devices": [device]})).await.body(202);
    begun.devices[0].update.clone().unwrap()
}

#[tokio::test]
async fn each_device_of_a_list_has_its_own_answer() {
    let (world, device, artefact) = ready().await;
    let body = json!({"artefact": artefact, "devices": [device, NOBODY], "ticket": "CHG-1",
        "terms": {"delivery": "push", "attempts": 2, "severity": "mandatory"}});
    let begun: UpdatesBegun = world.post("/updates", body.clone()).await.body(202);
    let [one, other] = &begun.devices[..] else { panic!("{begun:?}") };
    assert_eq!((&one.device, &one.problem), (&device, &None));
    assert_eq!((&other.device[..], &other.update), (NOBODY, &None));
    let problem = other.problem.as_ref().unwrap();
    assert_eq!((problem.word(), problem.status), (Some(ProblemKind::NotFound), 404));

    let id = one.update.as_ref().unwrap();
    let update: Update = world.get(&format!("/updates/{id}")).await.body(200);
    assert_eq!((update.phase, update.version.as_str()), (UpdatePhase::Waiting, "2.0"));
    assert_eq!((update.ticket.as_deref(), update.size_bytes), (Some("CHG-1"), IMAGE.len() as u64));
    assert_eq!((update.terms.attempts, update.terms.quiet_seconds), (2, 300), "the rest is as usual");

    let again: UpdatesBegun = world.post("/updates", body).await.body(202);
    let problem = again.devices[0].problem.as_ref().unwrap();
    assert_eq!((problem.word(), problem.status), (Some(ProblemKind::AlreadyThere), 409));
}

#[tokio::test]
async fn what_can_be_done_to_no_device_is_refused_as_a_whole() {
    let (world, device, artefact) = ready().await;
    for (body, field) in [
        (json!({"artefact": NOBODY, "devices": [device]}), "artefact"),
        (json!({"artefact": artefact, "devices": ["node-7"]}), "devices[0]"),
        (json!({"artefact": artefact, "devices": [device], "instance": 0}), "instance"),
        (json!({"artefact": artefact, "devices": [device], "terms": {"attempts": 0}}), "terms"),
        (json!({"artefact": artefact, "devices": [device], "terms": {"block_bytes": 100}}), "terms"),
        (json!({"artefact": artefact, "devices": [device], "ticket": "x".repeat(101)}), "ticket"),
        (json!({"artefact": artefact, "devices": [device], "term": {}}), "term"),
    ] {
        let problem = world.post("/updates", body.clone()).await.problem(422, "invalid");
        assert_eq!(problem.errors[0].field, field, "{body}");
    }
    let all: Page<Update> = world.get("/updates").await.body(200);
    assert_eq!(all.items, []);
}

#[tokio::test]
async fn an_artefact_that_was_withdrawn_goes_to_nobody() {
    let (world, device, artefact) = ready().await;
    let context = world.context(&world.admin);
    world.fleet.withdraw_artefact(&context, artefact.parse().unwrap()).await.unwrap();
    let begun: UpdatesBegun =
        world.post("/updates", json!({"artefact": artefact, "devices": [device]})).await.body(202);
    let problem = begun.devices[0].problem.as_ref().unwrap();
    assert_eq!((problem.word(), &problem.errors[0].field[..]), (Some(ProblemKind::Invalid), "artefact"));
}

#[tokio::test]
async fn updates_are_found_by_device_artefact_and_phase_and_counted() {
    let (world, device, artefact) = ready().await;
    let id = begin(&world, &artefact, &device).await;
    let other = world.register(8, "node-8").await.to_string();
    let second = begin(&world, &artefact, &other).await;
    for (query, expected) in [
        ("", vec![&second, &id]),
        ("?running=true", vec![&second, &id]),
        ("?phase=waiting", vec![&second, &id]),
        ("?phase=failed", vec![]),
        (&format!("?device={device}"), vec![&id]),
        (&format!("?artefact={artefact}&running=true"), vec![&second, &id]),
        (&format!("?artefact={NOBODY}"), vec![]),
    ] {
        let page: Page<Update> = world.get(&format!("/updates{query}")).await.body(200);
        let mut found: Vec<&String> = page.items.iter().map(|update| &update.id).collect();
        let mut expected = expected;
        // They have begun in the same millisecond.
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{query}");
    }
    let page: Page<Update> = world.get("/updates?limit=1").await.body(200);
    let rest: Page<Update> =
        world.get(&format!("/updates?limit=1&after={}", page.next.unwrap())).await.body(200);
    assert_ne!(page.items[0].id, rest.items[0].id);
    let of_device: Page<Update> = world.get(&format!("/devices/{device}/updates")).await.body(200);
    assert_eq!(of_device.items.iter().map(|update| &update.id).collect::<Vec<_>>(), [&id]);
    let counts: UpdateCounts = world.get("/updates/counts").await.body(200);
    assert_eq!(counts.phases.into_iter().collect::<Vec<_>>(), [(UpdatePhase::Waiting, 2)]);
    for (query, field) in
        [("device=node-7", "device"), ("artefact=boot", "artefact"), ("phase=gone", "phase")]
    {
        let problem = world.get(&format!("/updates?{query}")).await.problem(400, "bad-request");
        assert_eq!(problem.errors[0].field, field);
    }
}

#[tokio::test]
async fn an_update_is_cancelled_and_its_device_let_off_while_it_goes_on() {
    let (world, device, artefact) = ready().await;
    let id = begin(&world, &artefact, &device).await;
    world.send(Ask::new(Method::POST, &format!("/updates/{id}/let-off")).by(&world.token)).await.done();
    world.send(Ask::new(Method::POST, &format!("/updates/{id}/cancel")).by(&world.token)).await.done();
    let update: Update = world.get(&format!("/updates/{id}")).await.body(200);
    assert!(update.cancelling && update.let_off);

    let mut row = world.store.update(id.parse().unwrap()).await.unwrap().unwrap();
    row.phase = fleet::update::UpdatePhase::Cancelled;
    row.ended_at = Some(world.now());
    let changes = vec![Change::Update(UpdateChange::Saved(Box::new(row)))];
    world.store.commit(Commit { changes, audit: Vec::new() }).await.unwrap();
    for verb in ["cancel", "let-off"] {
        let ask = Ask::new(Method::POST, &format!("/updates/{id}/{verb}")).by(&world.token);
        world.send(ask).await.problem(409, "too-late");
        let ask = Ask::new(Method::POST, &format!("/updates/{NOBODY}/{verb}")).by(&world.token);
        world.send(ask).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_result_is_told_with_its_meaning_and_its_remedy_and_the_download_key_never() {
    let (world, device, artefact) = ready().await;
    let id = begin(&world, &artefact, &device).await;
    let key = DownloadKey([0xd7; 16]);
    let mut row = world.store.update(id.parse().unwrap()).await.unwrap().unwrap();
    (row.download, row.result, row.sent) = (Some(key.digest()), Some(2), 1_024);
    let changes = vec![Change::Update(UpdateChange::Saved(Box::new(row)))];
    world.store.commit(Commit { changes, audit: Vec::new() }).await.unwrap();
    for path in [format!("/updates/{id}"), "/updates".to_owned(), format!("/devices/{device}/updates")] {
        let answer = world.get(&path).await;
        let digest = DownloadKey(key.digest().0).text();
        for secret in [&key.text(), &digest, "download_key"] {
            assert!(!answer.text.contains(secret), "{path}: {secret}");
        }
    }
    let update: Update = world.get(&format!("/updates/{id}")).await.body(200);
    let result = update.result.as_ref().unwrap();
    assert_eq!((result.code, update.percent()), (2, 25));
    assert!(result.meaning.contains("flash") && result.remedy.contains("free storage"), "{result:?}");
}

#[tokio::test]
async fn a_request_that_names_itself_begins_an_update_once() {
    let (world, device, artefact) = ready().await;
    let ask = Ask::new(Method::POST, "/updates")
        .by(&world.token)
        .with("idempotency-key", "k1")
        .json(&json!({"artefact": artefact, "devices": [device]}));
    let first: UpdatesBegun = world.send(ask.clone()).await.body(202);
    let again = world.send(ask).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.body::<UpdatesBegun>(202), first);
    assert_eq!(again.location(), format!("/updates/{}", first.devices[0].update.as_ref().unwrap()));
}
