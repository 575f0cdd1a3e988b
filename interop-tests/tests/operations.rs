//! Device management: Read, Write, Execute, Create, Delete, Discover, Write-Attributes (LwM2M Core 1.1.1 §6.3).

use device::TestImage;
use interop_tests::{Report, Spec, here, on_every_peer};
use sha2::{Digest, Sha256};

#[test]
fn every_resource_of_the_device_object_is_read_in_every_format() {
    on_every_peer(here!(), |stage| async move {
        let places = stage.places();
        let (mut client, device) = stage.registered(Spec::new("readable")).await;
        let discovered = device.discover("/3/0").await;
        let paths = discovered.assert_done().links().into_iter().map(|(path, _)| path);
        let paths: Vec<String> = paths.filter(|path| path.matches('/').count() == 3).collect();
        assert!(paths.len() >= 10, "{paths:?}");
        let mut compared = 0;
        for path in paths {
            let page = device.node(&path).await;
            if !page.has("form.card button[value=read]") {
                continue; // Executable.
            }
            let mut first: Option<Vec<(String, String)>> = None;
            let formats = device.formats(&path).await.into_iter();
            for format in formats.filter(|format| places.knows_format(format)) {
                let report = device.read_as(&path, &format).await;
                report.assert_done();
                let name = format!("({format})");
                let trace = report.trace();
                assert!(
                    trace.split_once("Accept").is_some_and(|(_, asked)| asked.contains(&name)),
                    "{name}: {trace}"
                );
                assert!(!report.values().is_empty(), "{path} as {name}: {}", report.0);
                if MOVING.contains(&path.as_str()) {
                    continue;
                }
                match &first {
                    None => first = Some(report.values()),
                    Some(first) => assert_eq!(&report.values(), first, "{path} is the same as {name}"),
                }
                compared += 1;
            }
        }
        assert!(compared >= 30, "{compared} values were compared");
        assert!(!client.has_told("error"));
    });
}

#[test]
fn a_whole_instance_is_read_with_its_multiple_resources() {
    on_every_peer(here!(), |stage| async move {
        let (_client, device) = stage.registered(Spec::new("whole")).await;
        let mut first: Option<Vec<String>> = None;
        for format in ["11542", "110", "112"].into_iter().filter(|format| stage.places().knows_format(format))
        {
            let report = device.read_as("/3/0", format).await;
            let mut paths: Vec<String> =
                report.assert_done().values().into_iter().map(|(path, _)| path).collect();
            paths.sort_unstable();
            assert!(paths.iter().any(|path| path == "/3/0/0"), "{paths:?}");
            assert!(paths.iter().any(|path| path.starts_with("/3/0/11/")), "{paths:?}");
            assert_eq!(*first.get_or_insert_with(|| paths.clone()), paths, "{format}");
        }
        assert!(!device.value_of("/3/0/0").await.is_empty(), "the values are on the page of the objects");
    });
}

#[test]
fn values_are_written_partially_and_wholly() {
    on_every_peer(here!(), |stage| async move {
        let places = stage.places();
        let (mut client, device) = stage.registered(Spec::new("written")).await;
        let form = device.node("/3/0").await.press("form.card button[value=write]");
        let fields = places.device_fields.iter();
        let form = fields.clone().fold(form, |form, (id, value)| form.fill(&format!("r.{id}"), value));
        device.submit(form.tick("mode", "update")).await.assert_done();
        client.event("write").await;
        for (id, value) in fields {
            let report = device.read(&format!("/3/0/{id}")).await;
            assert_eq!(report.assert_done().values()[0].1, *value);
        }
        let formats =
            ["0", "11542", "110", "112", "60"].into_iter().filter(|format| places.knows_format(format));
        for (format, new) in formats.zip(places.texts) {
            let form = device.node(places.text).await.press("form.card button[value=write]");
            device.submit(form.fill("value", new).fill("format", format)).await.assert_done();
            assert_eq!(device.read(places.text).await.values()[0].1, new);
        }
    });
}

#[test]
fn a_resource_is_executed_with_arguments() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("executed")).await;
        let command = stage.places().command;
        let report = device.execute(command, "0='now',1").await;
        report.assert_done();
        assert!(report.result().starts_with("2.04"), "{}", report.result());
        let event = client.event_at("execute", command).await;
        assert_eq!(event.text("arguments"), "0='now',1");
    });
}

#[test]
fn an_instance_is_created_and_deleted() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("creator")).await;
        let object = stage.places().sensor_object;
        let created = format!("{object}/7");
        let form = device.node(object).await.press("form.card button[value=create]");
        let report = device.submit(form.fill("instance", "7").fill(stage.places().sensor_field, "1.5")).await;
        assert_eq!(report.assert_done().created(), created, "{}", report.0);
        client.event("create").await;
        client.event("updated").await;
        let has_it = |page: &interop_tests::Page| page.has(&format!("tbody#i{}", created.replace('/', "-")));
        device.until_objects("the new instance among the objects", has_it).await;
        let form = device.node(&created).await.press("form.card button[value=delete]").tick("sure", "on");
        device.submit(form).await.assert_done();
        client.event_at("delete", &created).await;
        client.event("updated").await;
        device.until_objects("the instance to be gone", |page| !has_it(page)).await;
    });
}

#[test]
fn attributes_are_written_and_discovered() {
    on_every_peer(here!(), |stage| async move {
        let sensor = stage.places().sensor;
        let (mut client, device) = stage.registered(Spec::new("attributed")).await;
        let form = device.node(sensor).await.press("form.card button[value=attributes]");
        let form = form.fill("set.pmin", "1").fill("set.pmax", "300").fill("set.gt", "30");
        device.submit(form).await.assert_done();
        client.event_at("write-attributes", sensor).await;
        let attributes = of(&device.discover(sensor).await, sensor);
        for attribute in ["pmin=1", "pmax=300", "gt=30"] {
            assert!(attributes.contains(attribute), "{attribute} in {attributes}");
        }
        let form = device.node(sensor).await.press("form.card button[value=attributes]");
        device.submit(form.tick("unset.gt", "on")).await.assert_done();
        let attributes = of(&device.discover(sensor).await, sensor);
        assert!(attributes.contains("pmin=1") && !attributes.contains("gt="), "{attributes}");
    });
}

#[test]
fn a_hundred_kibibytes_are_written_and_read_block_by_block() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("bulky")).await;
        let bytes: Vec<u8> = (0..100 * 1024_u32).map(|at| u8::try_from(at * 7 % 253).unwrap()).collect();
        let form = device.node("/19/0/0/0").await.press("form.card button[value=write]");
        device.submit(form.attach("value.file", &bytes)).await.assert_done();
        let event = client.event("write").await;
        if let Some(sha256) = event.value("value")["sha256"].as_str() {
            assert_eq!(sha256, hex(&Sha256::digest(&bytes)), "what the client has received");
        }
        // A page shows the beginning of a long value, how long it is, and its digest.
        let read = device.read_as("/19/0/0/0", "42").await;
        let shown = &read.assert_done().values()[0].1;
        let digest = hex(&Sha256::digest(&bytes));
        assert!(shown.contains(&format!("102400 bytes, SHA-256 {digest}")), "{shown}");
        assert!(shown.starts_with(&hex(&bytes[..64])), "{shown}");
        client.run("set /19/0/0/0 fill:102400").await;
        let read = device.read("/19/0/0/0").await;
        let fill: Vec<u8> = (0..64).collect();
        assert!(read.assert_done().values()[0].1.starts_with(&hex(&fill)), "{}", read.0);
    });
}

#[test]
fn a_firmware_package_is_pushed_block_by_block() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("updated")).await;
        let package = TestImage::bytes("2.0", 50 * 1024);
        let form = device.node("/5/0/0").await.press("form.card button[value=write]");
        let report = device.submit(form.attach("value.file", &package)).await;
        report.assert_done();
        assert!(report.result().starts_with("2.04"), "{}", report.result());
        client.event_at("write", "/5/0/0").await;
        device.read("/5/0/3").await.assert_done();
    });
}

#[test]
fn a_pushed_image_is_installed_and_its_version_is_there_after_the_restart() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("installed")).await;
        let form = device.node("/5/0/0").await.press("form.card button[value=write]");
        device.submit(form.attach("value.file", &TestImage::bytes("2.0", 20_000))).await.assert_done();
        device.execute("/5/0/2", "").await.assert_done();
        client.event("registered").await;
        for (path, value) in [("/3/0/3", "2.0"), ("/5/0/7", "2.0"), ("/5/0/3", "0"), ("/5/0/5", "1")] {
            let read = device.read(path).await;
            assert_eq!(read.assert_done().values()[0].1, value, "{path}");
        }
    });
}

#[test]
fn what_a_device_refuses_comes_back_as_it_is() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("refusing")).await;
        // Optional in the model, and not in these devices.
        device.read("/3/0/22").await.assert_refused("4.04");
        device.read("/1/0/10").await.assert_refused("4.04");
        // The server has no model of this object, so that it is for the device to say what can be done.
        if let Some(path) = stage.places().without_model {
            device.execute(path, "").await.assert_refused("4.05");
        }
        let timeline = device.timeline().await;
        assert!(
            timeline.iter().all(|(kind, _)| kind != "rejected"),
            "the device did nothing wrong: {timeline:?}"
        );
        assert!(!client.has_told("registration-failed"));
    });
}

#[test]
fn what_the_model_forbids_is_refused_before_it_is_sent() {
    on_every_peer(here!(), |stage| async move {
        let (mut client, device) = stage.registered(Spec::new("guarded")).await;
        let page = device.node("/3/0/0").await;
        assert!(!page.has("button[value=execute]"), "a readable resource has no form to execute it");
        assert!(!page.has("form.card button[value=write]"), "nor one to write it");
        // As somebody would who makes a form of their own.
        let form = device.node("/3/0/4").await.press("form.card button[value=execute]");
        let page = device.submit_any(form.to(&format!("{}/nodes/3/0/0", device.url()))).await;
        assert_eq!(page.status(), 422, "{page}");
        let form = device.node("/1/0/1").await.press("form.card button[value=write]").fill("value", "soon");
        let page = device.submit_any(form).await;
        assert_eq!(page.status(), 422, "{page}");
        assert!(page.has("#problems"), "{page}");
        assert!(!client.has_told("write") && !client.has_told("execute"));
    });
}

// They change by themselves.
const MOVING: [&str; 2] = ["/3/0/10", "/3/0/13"];

fn of(report: &Report, path: &str) -> String {
    let links = report.assert_done().links();
    let found = links.iter().find(|(at, _)| at == path);
    found.unwrap_or_else(|| panic!("{path} is not among {links:?}")).1.clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
