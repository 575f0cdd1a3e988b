//! Configuration by the API: baselines and their versions, dry runs, and where a device stands.

use fleet::{
    Change, Commit, DeviceId, Store as _,
    configuration::{ConfigurationChange, ConfiguredState},
    store::Configurations as _,
};
use serde_json::json;
use web::api::v1::types::{
    Baseline, BaselineMode, Baselines, Configuration, ConfigurationCounts, ConfigurationRow,
    ConfigurationState, DryRun, DryRunEffect, Page,
};

use crate::world::World;

const TEXT: &str = "/1/0/1 = 86400\n/3/0/15 secret Europe/Berlin\n";

#[tokio::test]
async fn a_baseline_is_made_and_rolled_back_version_by_version() {
    let world = World::new().await;
    let none: Baseline = world.get("/baselines/fleet").await.body(200);
    assert_eq!((none.version, none.lines.as_str()), (0, ""));
    let body =
        json!({"lines": TEXT, "mode": "ask", "check_every_seconds": 3600, "ticket": "CHG-1", "after": 0});
    let made = world.put("/baselines/fleet", body.clone()).await;
    let made: Baseline = made.body(200);
    assert_eq!((made.version, made.mode, made.ticket.as_deref()), (1, BaselineMode::Ask, Some("CHG-1")));
    assert_eq!(made.lines, "/1/0/1 = 86400\n/3/0/15 secret\n", "a secret is told to nobody");
    world.put("/baselines/fleet", body).await.problem(422, "invalid");
    let second: Baseline =
        world.put("/baselines/fleet", json!({"lines": "/1/0/1 = 60\n/3/0/15 secret\n"})).await.body(200);
    assert_eq!((second.version, second.mode), (2, BaselineMode::Repair));
    let back = json!({"to": 1, "ticket": "CHG-2"});
    let back: Baseline = world.post("/baselines/fleet/roll-back", back).await.body(200);
    assert_eq!((back.version, back.rolls_back_to, back.lines), (3, Some(1), made.lines));
    let versions: Page<Baseline> = world.get("/baselines/fleet/versions?limit=2").await.body(200);
    assert_eq!(versions.items.iter().map(|one| one.version).collect::<Vec<_>>(), [3, 2]);
    let of_class: Baseline =
        world.put("/baselines/class:default", json!({"lines": "/1/0/2 = 5"})).await.body(200);
    assert_eq!((of_class.level.as_str(), of_class.name.as_str()), ("class:default", "default"));
    let all: Baselines = world.get("/baselines").await.body(200);
    assert_eq!(
        all.baselines.iter().map(|one| one.level.as_str()).collect::<Vec<_>>(),
        ["fleet", "class:default"]
    );
    let first: Baseline = world.get("/baselines/fleet?version=2").await.body(200);
    assert_eq!(first.version, 2);
    for missing in ["/baselines/fleet?version=9", "/baselines/class:none", "/baselines/everybody"] {
        world.get(missing).await.problem(404, "not-found");
    }
    let wrong = world.put("/baselines/fleet", json!({"lines": "/1/0/1 = soon"})).await;
    assert!(wrong.problem(422, "invalid").errors[0].detail.contains("line 1"));
}

#[tokio::test]
async fn a_dry_run_names_the_devices_and_changes_nothing() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    let body = json!({"lines": "/1/0/1 = 60"});
    let run: DryRun = world.post("/baselines/fleet/dry-run", body).await.body(200);
    let [row] = &run.rows[..] else { panic!("{run:?}") };
    assert_eq!((row.device.as_str(), row.line.as_str()), (device.to_string().as_str(), "/1/0/1"));
    assert_eq!((row.wanted.as_deref(), row.effect), (Some("60"), DryRunEffect::Look));
    let none: Baseline = world.get("/baselines/fleet").await.body(200);
    assert_eq!(none.version, 0);
}

#[tokio::test]
async fn where_a_device_stands_is_told_and_acted_on() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    let url = format!("/devices/{device}/configuration");
    let nothing: Configuration = world.get(&url).await.body(200);
    assert_eq!((nothing.state, nothing.lines.len()), (None, 0));
    world.post(&format!("{url}/repair"), json!({})).await.problem(404, "not-found");
    let body = json!({"lines": "/1/0/1 = 60", "mode": "report"});
    let _: Baseline = world.put("/baselines/fleet", body).await.body(200);
    world.fleet.sweep_configurations(world.now()).await.unwrap();
    let id = world.fleet.due_configurations(world.now());
    let [id] = id[..] else { panic!("{id:?}") };
    let mut row = fleet::configuration::Configured::new(id, device, world.now());
    let wanted: Configuration = world.get(&url).await.body(200);
    assert_eq!((wanted.lines.len(), wanted.lines[0].expected.as_str()), (1, "60"));
    row.state = ConfiguredState::Drifted;
    let change = Change::Configuration(ConfigurationChange::Saved(Box::new(row)));
    world.store.commit(Commit { changes: vec![change], audit: Vec::new() }).await.unwrap();
    let drifted: Page<ConfigurationRow> = world.get("/configurations?state=drifted").await.body(200);
    assert_eq!(drifted.items.len(), 1);
    let counts: ConfigurationCounts = world.get("/configurations/counts").await.body(200);
    assert_eq!(counts.states.get(&ConfigurationState::Drifted), Some(&1));
    world.post(&format!("{url}/repair"), json!({"ticket": "CHG-3"})).await.done();
    world.post(&format!("{url}/resume"), json!({})).await.done();
    let row = world.store.configured(DeviceId(id.0)).await.unwrap().unwrap();
    assert_eq!((row.repair_at.is_some(), row.resume_at.is_some()), (true, true));
    world.post(&format!("{url}/accept"), json!({"lines": ["/1/0/1"]})).await.problem(422, "invalid");
}
