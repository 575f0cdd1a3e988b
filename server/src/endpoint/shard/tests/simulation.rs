//! Random lives over a bad link, with crashes and an unreliable store: in the end everything is as it should be.

use std::{ops::Range, time::Duration};

use device::Profile;
use fleet::{Commit, Operation, OperationState, WriteMode};
use objects::{Node, Resource, Value, Version};
use rand::RngExt;

use super::{
    path,
    world::{Link, World},
};

/// The lives that are tried; `MUSTER_SEEDS=2000` tries more, `MUSTER_SEEDS=1157..1158` one again.
const SEEDS: Range<u64> = 0..40;

#[test]
fn after_any_weather_devices_are_registered_operations_are_final_and_nothing_is_left_over() {
    for seed in seeds() {
        let mut world = World::seeded(Link::bad(), seed);
        let mut nodes = Vec::new();
        for node in 0..4 {
            let lwm2m = if node % 2 == 0 { Version::V1_0 } else { Version::V1_1 };
            let mut profile = Profile::sensor(&format!("node-{node}"), lwm2m);
            profile.lifetime = 120;
            profile.retry = Duration::from_secs(5);
            profile.confirmable_notifications = node == 1;
            profile.queue_mode = node == 3;
            nodes.push(world.add(profile));
        }
        world.run_for(Duration::from_secs(60));
        let mut operations = Vec::new();
        for round in 0..30 {
            let node = nodes[world.random.random_range(0..nodes.len())];
            let registered = world.stored_registrations().contains(&format!("node-{node}"));
            match world.random.random_range(0..9) {
                0 => world.crash_and_restart(),
                1 => world.reboot(node),
                2 => world.fail_commits(|commit: &Commit| commit.changes.len().is_multiple_of(2)),
                3 => world.fail_commits(|_| false),
                4 if registered => {
                    let observe = Operation::Observe { path: path("/3303/0/5700"), format: None };
                    operations.push((observe.clone(), world.store_order(node, observe)));
                }
                5 if registered => {
                    let node_value = Node::Resource(Resource::Single(Value::String(format!("zone {round}"))));
                    let (path, mode) = (path("/3/0/15"), WriteMode::Replace);
                    let write = Operation::Write { path, mode, node: node_value, format: None };
                    operations.push((write.clone(), world.store_order(node, write)));
                }
                6 if registered => {
                    let execute = Operation::Execute { path: path("/3/0/12"), arguments: String::new() };
                    operations.push((execute.clone(), world.store_order(node, execute)));
                }
                _ => {
                    let warmth = f64::from(round);
                    world.set(node, path("/3303/0/5700"), Value::Float(warmth));
                }
            }
            let pause = world.random.random_range(1..20);
            world.run_for(Duration::from_secs(pause));
        }

        // The weather clears: within ten minutes everything settles.
        world.heal();
        world.fail_commits(|_| false);
        world.run_for(Duration::from_secs(300));
        for &node in &nodes {
            // Where the answer to an Observe was lost, the device observes more than the server knows. The reset of
            // the next notification mends that.
            world.set(node, path("/3303/0/5700"), Value::Float(-40.0));
        }
        world.run_for(Duration::from_secs(300));
        let mut registered = world.stored_registrations();
        registered.sort();
        assert_eq!(registered, ["node-0", "node-1", "node-2", "node-3"], "seed {seed}");
        for (operation, id) in &operations {
            let state = world.operation(*id).state;
            assert!(state.is_final(), "seed {seed}: {} is {state:?}", operation.name());
            assert!(
                state != OperationState::Unknown || !operation.is_idempotent(),
                "seed {seed}: {} may be repeated, so its outcome is known",
                operation.name()
            );
        }
        for &node in &nodes {
            let stored = world.stored_observations(node);
            let at_device: Vec<_> = world.device(node).observed().collect();
            let at_server: Vec<_> =
                stored.iter().flat_map(|observation| observation.target.paths()).copied().collect();
            assert_eq!(at_server, at_device, "seed {seed}: node {node} is observed as the server believes");
        }
        // The batch of this very second may still be on its way to the store.
        if world.leftovers() != [0; 8] {
            world.run_for(Duration::from_millis(100));
        }
        assert_eq!(world.leftovers(), [0; 8], "seed {seed}");
    }
}

fn seeds() -> Range<u64> {
    let Ok(asked) = std::env::var("MUSTER_SEEDS") else { return SEEDS };
    let (first, end) = asked.split_once("..").unwrap_or(("0", &asked));
    first.parse().expect("MUSTER_SEEDS is a number or a range")
        ..end.parse().expect("MUSTER_SEEDS ends in a number")
}
