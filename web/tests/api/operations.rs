//! Operations: what is asked of devices, and what comes of it.

use std::sync::atomic::Ordering;

use axum::http::Method;
use fleet::{DeviceId, Presence};
use objects::Value;
use serde_json::json;
use web::api::v1::types::{self, Answer, Operation, OperationState, Page};

use crate::world::{Ask, World};

#[tokio::test]
async fn a_read_gives_values_that_can_be_written_back() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    let path = format!("/devices/{device}/operations");
    for (at, value) in [
        ("/3/0/15", Value::String("Europe/Berlin".into())),
        ("/3/0/13", Value::Time(1_700_000_000)),
        ("/1/0/1", Value::Integer(86_400)),
        ("/1/0/6", Value::Boolean(true)),
    ] {
        world.script.values.lock().unwrap().insert(at.parse().unwrap(), value.clone());
        let read: Operation =
            world.post(&path, json!({"request": {"operation": "read", "path": at}})).await.body(200);
        assert_eq!((read.state, read.exchange.len()), (OperationState::Done, 1), "{read:?}");
        let Some(Answer::Success { code, content }) = read.answer else { panic!("{read:?}") };
        assert_eq!((code.as_str(), content.readings.len()), ("2.05", 1));
        let value_read = content.readings[0].value.clone();
        let write = json!({"request": {"operation": "write", "path": at, "value": value_read}});
        let answer = world.post(&path, write).await;
        let written: Operation = answer.body(200);
        assert_eq!(answer.location(), format!("{path}/{}", written.id));
        let asked = world.script.asked.lock().unwrap().last().cloned().unwrap();
        let fleet::Operation::Write { node, .. } = asked else { panic!("{asked:?}") };
        assert_eq!(node.values(at.parse().unwrap()), [(at.parse().unwrap(), &value)]);
    }
}

#[tokio::test]
async fn every_operation_can_be_asked() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    let path = format!("/devices/{device}/operations");
    let typed = |text: &str| json!({"type": "string", "value": text});
    for (request, name) in [
        (json!({"operation": "discover", "path": "/3/0"}), "Discover"),
        (json!({"operation": "write", "path": "/1/0/1", "text": "300"}), "Write"),
        (
            json!({"operation": "write", "path": "/3/0", "mode": "update", "values": {"15": typed("UTC"), "14": typed("+01")}}),
            "Write",
        ),
        (
            json!({"operation": "write-attributes", "path": "/3/0/9", "set": {"pmin": "10", "gt": "20.5"}, "unset": ["pmax"]}),
            "Write-Attributes",
        ),
        (json!({"operation": "execute", "path": "/3/0/4", "arguments": "0='now'"}), "Execute"),
        (
            json!({"operation": "create", "path": "/1/5", "values": {
            "0": {"type": "integer", "value": 7}, "1": {"type": "integer", "value": 60},
            "6": {"type": "boolean", "value": true}, "7": typed("U")}}),
            "Create",
        ),
        (json!({"operation": "delete", "path": "/3303/0"}), "Delete"),
        (json!({"operation": "observe", "path": "/3/0/9"}), "Observe"),
        (json!({"operation": "read-composite", "paths": ["/3/0/9", "/1"]}), "Read-Composite"),
        (
            json!({"operation": "write-composite", "format": "senml-json",
                "values": {"/1/0/1": {"type": "integer", "value": 60}, "/3/0/15": typed("UTC")}}),
            "Write-Composite",
        ),
        (json!({"operation": "observe-composite", "paths": ["/3/0/9", "/1"]}), "Observe-Composite"),
    ] {
        let answer = world.post(&path, json!({"request": request.clone()})).await;
        let operation: Operation = answer.body(200);
        assert_eq!(operation.operation, name, "{request}");
        let found: Operation = world.get(answer.location()).await.body(200);
        assert_eq!(found.id, operation.id);
    }
    let cancel = json!({"request": {"operation": "cancel-observation", "path": "/3/0/9"}});
    world.post(&path, cancel).await.problem(422, "operation-refused");
    let cancel = json!({"request": {"operation": "cancel-composite-observation", "paths": ["/1", "/3/0/9"]}});
    let problem = world.post(&path, cancel).await.problem(422, "operation-refused");
    assert!(problem.detail.contains("/1, /3/0/9 is not observed"));
    let read = json!({"request": {"operation": "read-composite", "paths": ["/3/0/9", "/1"]}});
    let read: Operation = world.post(&path, read).await.body(200);
    assert_eq!(read.path.to_string(), "/");
    assert_eq!(read.paths.iter().map(ToString::to_string).collect::<Vec<_>>(), ["/3/0/9", "/1"]);
    let all: Page<Operation> = world.get(&format!("{path}?limit=3")).await.body(200);
    assert_eq!(all.items.len(), 3);
    let next = all.next.unwrap();
    let rest: Page<Operation> = world.get(&format!("{path}?limit=500&after={next}")).await.body(200);
    assert!(rest.items.iter().all(|later| all.items.iter().all(|first| first.id != later.id)));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_it_is_sent() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    let path = format!("/devices/{device}/operations");
    for (request, status, word) in [
        (json!({"operation": "read", "path": "/9/0"}), 422, "operation-refused"),
        (json!({"operation": "read-composite", "paths": []}), 422, "operation-refused"),
        (json!({"operation": "read-composite", "paths": ["/3", "/3/0/9"]}), 422, "operation-refused"),
        (
            json!({"operation": "write-composite", "values": {"/3/0": {"type": "integer", "value": 1}}}),
            422,
            "operation-refused",
        ),
        (json!({"operation": "write", "path": "/1/0/1", "text": "soon"}), 422, "invalid"),
        (json!({"operation": "write", "path": "/1/0/1"}), 422, "invalid"),
        (
            json!({"operation": "write", "path": "/1/0", "values": {"x": {"type": "integer", "value": 1}}}),
            422,
            "invalid",
        ),
        (json!({"operation": "write-attributes", "path": "/3/0/9", "set": {"colour": "1"}}), 422, "invalid"),
        (json!({"operation": "create", "path": "/3/0/1"}), 422, "invalid"),
        (json!({"operation": "explode", "path": "/3"}), 422, "invalid"),
        (json!({"operation": "read", "path": "/3", "colour": "red"}), 422, "invalid"),
    ] {
        world.post(&path, json!({"request": request})).await.problem(status, word);
    }
    assert!(world.script.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_device_that_sleeps_gets_it_later_and_it_can_be_cancelled() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    world.script.presence.lock().unwrap().insert(DeviceId(7), Presence::Asleep);
    let path = format!("/devices/{device}/operations");
    let answer = world.post(&path, json!({"request": {"operation": "read", "path": "/3/0"}})).await;
    let queued: Operation = answer.body(202);
    assert_eq!(queued.state, OperationState::Queued);
    world
        .send(Ask::new(Method::POST, &format!("{}/cancel", answer.location())).by(&world.token))
        .await
        .done();
    let found: Operation = world.get(answer.location()).await.body(200);
    assert_eq!(found.state, OperationState::Cancelled);
    let late = Ask::new(Method::POST, &format!("{}/cancel", answer.location())).by(&world.token);
    world.send(late).await.problem(409, "too-late");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_slow_is_told_of_later() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    world.script.values.lock().unwrap().insert("/3/0/15".parse().unwrap(), Value::String("UTC".into()));
    world.script.silent.store(true, Ordering::Relaxed);
    let path = format!("/devices/{device}/operations");
    let body = json!({"request": {"operation": "read", "path": "/3/0"}, "wait_seconds": 2});
    let answer = world.post(&path, body).await;
    let sent: Operation = answer.body(202);
    assert_eq!(sent.state, OperationState::Sent);
    let waiting: Operation = world.get(answer.location()).await.body(200);
    assert_eq!(waiting, sent);
    world.script.silent.store(false, Ordering::Relaxed);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let done: Operation = world.get(answer.location()).await.body(200);
    assert_eq!(done.state, OperationState::Done);
    assert!(matches!(done.answer, Some(Answer::Success { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_is_stored_under_the_name_that_is_told() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    world.script.silent.store(true, Ordering::Relaxed);
    let path = format!("/devices/{device}/operations");
    let body = json!({"request": {"operation": "execute", "path": "/3/0/4"}, "wait_seconds": 0});
    let answer = world.post(&path, body.clone()).await;
    let told: Operation = answer.body(202);
    assert!(answer.location().ends_with(&told.id), "{}", answer.location());
    let listed: Page<Operation> = world.get(&path).await.body(200);
    assert_eq!(listed.items.iter().map(|listed| &listed.id).collect::<Vec<_>>(), [&told.id]);
    assert_eq!(listed.items[0].state, told.state);
    world.store.set_full(true);
    world.post(&path, body).await.problem(503, "unavailable");
}

#[tokio::test]
async fn a_device_that_is_not_registered_is_asked_nothing() {
    let world = World::new().await;
    let added: types::Enrolled = world.post("/devices", json!({"endpoint": "node-8"})).await.body(201);
    let path = format!("/devices/{}/operations", added.id);
    let body = json!({"request": {"operation": "read", "path": "/3/0"}});
    world.post(&path, body).await.problem(409, "not-registered");
}
