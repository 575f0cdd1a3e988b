//! What classes wish to be told of, by a program.

use fleet::{Change, Commit, DeviceId, Observation, ObservationToken, Store as _};
use serde_json::json;
use web::api::v1::types::{DeviceWishes, NodePath, Wishes};

use crate::world::World;

#[tokio::test]
async fn a_class_wishes_and_its_device_is_asked() {
    let world = World::new().await;
    let id = world.register(7, "node-7").await;
    let wishes: Wishes = world.get("/classes/default/wishes").await.body(200);
    assert_eq!(wishes, Wishes::default());
    let problem = world.put("/classes/default/wishes", json!({"lines": ["/3/0/9", "/3/0/99 pmin=1"]})).await;
    let problem = problem.problem(422, "invalid");
    assert_eq!(problem.errors[0].field, "lines");
    assert!(problem.errors[0].detail.starts_with("line 2: /3/0/99: "), "{problem:?}");
    let lines = ["/3/0/9 pmin=10", "/3/0/13"];
    world.put("/classes/default/wishes", json!({"lines": lines})).await.done();
    let wishes: Wishes = world.get("/classes/default/wishes").await.body(200);
    assert_eq!(wishes.lines, lines);
    world.put("/classes/other/wishes", json!({"lines": lines})).await.problem(422, "invalid");

    let tend = async || world.fleet.tend(DeviceId(7), || world.now()).await.unwrap();
    tend().await;
    let device: DeviceWishes = world.get(&format!("/devices/{id}/wishes")).await.body(200);
    let troubles: Vec<&str> = device.troubles.iter().map(|trouble| trouble.reason.as_str()).collect();
    assert_eq!(troubles, ["the observation has ended"; 2], "nobody has begun what was asked for");
    for path in ["/3/0/9", "/3/0/13"] {
        let observation = Observation {
            device: DeviceId(7),
            target: path.parse::<objects::Path>().unwrap().into(),
            token: ObservationToken::new(&[7]).unwrap(),
            format: None,
            since: world.now(),
            number: None,
        };
        let changes = vec![Change::ObservationBegan(observation)];
        world.store.commit(Commit { changes, audit: Vec::new() }).await.unwrap();
    }
    tend().await;
    let device: DeviceWishes = world.get(&format!("/devices/{id}/wishes")).await.body(200);
    assert_eq!(device.lines, lines);
    let observed: Vec<&NodePath> = device.observed.iter().flat_map(|observed| &observed.paths).collect();
    assert_eq!(observed.len(), 2, "{device:?}");
    assert_eq!((device.troubles, device.no_composites), (Vec::new(), None));
    assert_eq!(device.left_out, []);
    world.put("/classes/default/wishes", json!({"lines": ["/3/0/9", "/6/*/0 pmin=5"]})).await.done();
    let device: DeviceWishes = world.get(&format!("/devices/{id}/wishes")).await.body(200);
    let left_out: Vec<String> =
        device.left_out.iter().map(|one| format!("{}: {}", one.line, one.reason)).collect();
    assert_eq!(left_out, ["/6/*/0 pmin=5: the device has registered nothing there"]);
}
