//! What waits for devices, and how long they listen, by a program.

use fleet::{DeviceId, Presence};
use serde_json::json;
use web::api::v1::types::{
    AwakeFrom, AwakeTime, CancelledWaiting, Operation, OperationState, Page, Priority, SaidAwakeTime,
    WaitingOperation,
};

use crate::world::World;

async fn waiting(world: &World, query: &str) -> Vec<(String, Priority)> {
    let page: Page<WaitingOperation> = world.get(&format!("/operations/waiting{query}")).await.body(200);
    page.items.into_iter().map(|waiting| (waiting.endpoint, waiting.operation.priority)).collect()
}

#[tokio::test]
async fn what_waits_is_listed_filtered_and_cancelled() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for (number, endpoint) in [(7, "node-7"), (8, "node-8")] {
        ids.push(world.register(number, endpoint).await);
        world.script.presence.lock().unwrap().insert(DeviceId(number.into()), Presence::Asleep);
    }
    for (id, priority) in [(&ids[0], None), (&ids[1], Some("background")), (&ids[0], Some("urgent"))] {
        let request = json!({"operation": "execute", "path": "/3/0/4"});
        let new = json!({"request": request, "priority": priority});
        let asked: Operation = world.post(&format!("/devices/{id}/operations"), new).await.body(202);
        let expected = priority.map_or(Priority::Normal, |word| word.parse().unwrap());
        assert_eq!((asked.state, asked.priority), (OperationState::Queued, expected));
    }
    let of = |endpoint: &str, priority| (endpoint.to_owned(), priority);
    let (urgent, normal) = (of("node-7", Priority::Urgent), of("node-7", Priority::Normal));
    let background = of("node-8", Priority::Background);
    let all = [urgent.clone(), normal.clone(), background.clone()];
    assert_eq!(waiting(&world, "").await, all);
    assert_eq!(waiting(&world, "?class=default").await, all);
    assert_eq!(waiting(&world, "?priority=background").await, std::slice::from_ref(&background));
    assert_eq!(waiting(&world, &format!("?device={}", ids[0])).await, [urgent, normal]);
    world.get("/operations/waiting?class=other").await.problem(422, "invalid");
    let first: Page<WaitingOperation> = world.get("/operations/waiting?limit=2").await.body(200);
    let next = first.next.unwrap();
    assert_eq!(waiting(&world, &format!("?limit=2&after={next}")).await, std::slice::from_ref(&background));

    let cancel = format!("/devices/{}/operations/cancel", ids[0]);
    let report: CancelledWaiting = world.post(&cancel, json!({})).await.body(200);
    assert_eq!(report, CancelledWaiting { cancelled: 2, too_late: 0 });
    assert_eq!(waiting(&world, "").await, [background]);
}

#[tokio::test]
async fn a_priority_that_is_none_is_refused() {
    let world = World::new().await;
    let id = world.register(7, "node-7").await;
    let request = json!({"operation": "read", "path": "/3"});
    let new = json!({"request": request, "priority": "at once"});
    let answer = world.post(&format!("/devices/{id}/operations"), new).await;
    let problem = answer.problem(422, "invalid");
    assert_eq!(problem.errors[0].field, "priority");
}

#[tokio::test]
async fn an_awake_time_is_said_and_says_where_it_comes_from() {
    let world = World::new().await;
    let id = world.register(7, "node-7").await;
    let (device, class) = (format!("/devices/{id}/awake-time"), "/classes/default/awake-time");
    let time: AwakeTime = world.get(&device).await.body(200);
    assert_eq!((time.seconds, time.from, time.learned), (93.0, AwakeFrom::Default, None));
    world.put(class, json!({"seconds": 30})).await.done();
    let said: SaidAwakeTime = world.get(class).await.body(200);
    assert_eq!(said.seconds, Some(30));
    let time: AwakeTime = world.put(&device, json!({"seconds": 20})).await.body(200);
    assert_eq!((time.seconds, time.from), (20.0, AwakeFrom::Device));
    assert_eq!((time.of_device, time.of_class), (Some(20), Some(30)));
    let time: AwakeTime = world.put(&device, json!({"seconds": null})).await.body(200);
    assert_eq!((time.seconds, time.from), (30.0, AwakeFrom::Class));
    let problem = world.put(&device, json!({"seconds": 0})).await.problem(422, "invalid");
    assert!(problem.errors[0].detail.contains("1 to 86400"), "{problem:?}");
}
