//! What is asked of a device that is there.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use objects::Value;

use crate::{device::Played, world::World};

#[test]
fn a_device_is_read_written_executed_and_observed() {
    let world = World::start();
    let device = Played::start(&world, "node-7", &[("/3303/0/5700", Value::Float(21.5))]);
    let readings = world.prints(&["device", "read", "node-7", "/3303/0/5700", "--output", "csv"]);
    assert_eq!(readings, "path,type,value,device_time,received_at\r\n/3303/0/5700,float,21.5,,\r\n");
    let read = world.json(&["device", "read", "node-7", "/3/0"]);
    assert!(read["state"] == "done" && read["answer"]["content"]["readings"][0].is_object(), "{read}");
    assert!(read["exchange"][0].is_string(), "{read}");

    let written = world.json(&["device", "write", "node-7", "/1/0/1", "120"]);
    assert_eq!(written["answer"]["code"], "2.04");
    let written = ["device", "write", "node-7", "/1/0", "--mode", "update", "--set", "2=integer:5"];
    assert_eq!(world.json(&written)["state"], "done");
    let lifetime = world.prints(&["device", "read", "node-7", "/1/0/1", "--output", "csv"]);
    assert!(lifetime.contains("/1/0/1,integer,120,"), "{lifetime}");
    let set = ["device", "write-attributes", "node-7", "/3303/0/5700", "--set", "pmin=1"];
    assert_eq!(world.json(&set)["state"], "done");
    let links = world.prints(&["device", "discover", "node-7", "/3303/0", "--output", "table"]);
    assert!(links.starts_with("PATH ") && links.contains("pmin=1"), "{links}");

    let observed = world.json(&["device", "observe", "node-7", "/3303/0/5700"]);
    assert_eq!(observed["state"], "done");
    assert_eq!(world.json(&["device", "observations", "node-7"])[0]["path"], "/3303/0/5700");
    let values = world.wait_for(&["device", "values", "node-7", "/3303"], |values| values[0].is_object());
    assert_eq!(values[0]["value"]["value"], 21.5);
    assert_eq!(world.json(&["device", "history", "node-7", "/3303/0/5700"])[0]["value"]["value"], 21.5);
    world.prints(&["device", "cancel-observation", "node-7", "/3303/0/5700"]);
    assert_eq!(world.json(&["device", "observations", "node-7"]), serde_json::json!([]));

    let (code, said) = world.fails(&["device", "read", "node-7", "/3/0/4242"]);
    assert!(code == 8 && said.contains("4.04"), "{code} {said}");
    assert_eq!(world.fails(&["device", "write", "node-7", "/1/0/1", "soon"]).0, 2);
    assert_eq!(world.fails(&["device", "write", "node-7", "/1/0/1"]).0, 2);
    assert_eq!(world.fails(&["device", "delete", "node-7", "/3303/0"]).0, 2, "it was not confirmed");

    let operations = world.json(&["operation", "list", "node-7", "--limit", "1"]);
    let shown =
        world.prints(&["operation", "show", "node-7", operations[0]["id"].as_str().unwrap(), "-o", "table"]);
    assert!(shown.contains("operation "), "{shown}");
    drop(device);
    let executed = world.fails(&["device", "execute", "node-7", "/3/0/4", "--wait", "1s"]);
    assert_eq!(executed.0, 7, "the device is not there any more: {}", executed.1);
    let asked = world.json(&["device", "read", "node-7", "/3/0", "--no-wait"]);
    assert!(asked["state"] == "queued" || asked["state"] == "sent", "{asked}");
}

#[test]
fn events_are_followed_from_where_one_left_off() {
    let world = World::start();
    let _device = Played::start(&world, "node-7", &[]);
    let follow = ["event", "follow", "--after", "0", "--limit", "1", "--kinds", "registered"];
    let event: serde_json::Value = serde_json::from_str(&world.prints(&follow)).unwrap();
    assert!(event["kind"] == "registered" && event["endpoint"] == "node-7", "{event}");

    let observe = ["device", "observe", "node-7", "/3303/0/5700", "--follow", "-o", "csv"];
    let mut process = world.command(&observe).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "path,type,value,device_time,received_at");
    assert!(lines.next().unwrap().unwrap().starts_with("/3303/0/5700,float,"));
    process.kill().unwrap();
    process.wait().unwrap();
}
