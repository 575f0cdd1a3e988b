//! The bootstrap interface: Request, Discover, Read, Delete, Write, Finish, and what each of them refuses.

use coap::{Method, Request};
use device::{Account, Device, Event, Inconsistency};
use objects::{
    ContentFormat, Instance, Node, ObjectId, Path, Resource, ResourceId, Value, Version, link::Discovered,
};

use crate::{
    provisioning::{
        BOOTSTRAP, MANAGEMENT, account, blank, bootstrap_account, delete, finish, provisioned, security,
        server, trigger, write, write_instance, write_object,
    },
    world::{Link, STRUCTURED, World, get, node, path, seconds, with},
};

fn discover(at: &str) -> Request {
    get(at, Some(ContentFormat::LINK))
}

#[test]
fn a_blank_device_bootstraps_and_registers_in_any_format() {
    for format in STRUCTURED {
        let mut world = World::bootstrapping(blank(0));
        assert_eq!(world.asked(), ["Post /bs?ep=node-7&pct=112"]);
        assert_eq!(world.code(delete("/0")), "2.02");
        assert_eq!(world.code(delete("/1")), "2.02");
        let new = account("a new key");
        assert_eq!(world.code(write(format, "/0/1", &Node::Instance(security(&new, 7)))), "2.04");
        assert_eq!(world.code(write(format, "/1/1", &Node::Instance(server(7)))), "2.04");
        assert_eq!(world.code(finish()), "2.04");
        world.run(seconds(10));
        assert!(world.is_registered_with(&new), "{format}");
        assert_eq!(world.visited(), [BOOTSTRAP, MANAGEMENT]);
        assert_eq!(world.connections[0].1, bootstrap_account());
        assert_eq!(world.asked().last().unwrap(), "Post /rd?ep=node-7&lt=120&lwm2m=1.1&b=U");
        let links = String::from_utf8_lossy(&world.asked.last().unwrap().request.payload).into_owned();
        assert!(links.contains("</1/1>") && !links.contains("</0"), "{links}");
        let told: Vec<&Event> = world.events.iter().map(|(_, event)| event).collect();
        assert_eq!(told[0], &Event::BootstrapAccepted);
        assert!(told.contains(&&Event::Bootstrapped));
        world.call(Device::stop);
        world.run(seconds(10));
        world.assert_quiescence();
    }
}

#[test]
fn whole_objects_and_single_resources_are_written_too() {
    let mut world = World::bootstrapping(blank(0));
    assert_eq!(world.code(write_object("/0", 2, security(&account("old"), 7))), "2.04");
    assert_eq!(world.code(write_object("/1", 0, server(7))), "2.04");
    for (at, format, payload) in [
        ("/0/2/5", ContentFormat::OPAQUE, b"in bytes".to_vec()),
        ("/0/2/0", ContentFormat::TEXT, b"coaps://elsewhere.example:5684".to_vec()),
        ("/1/0/1", ContentFormat::CBOR, vec![0x18, 90]),
        ("/1/0/0", ContentFormat::TEXT, b"8".to_vec()),
        ("/0/2/10", ContentFormat::CBOR, vec![8]),
    ] {
        assert_eq!(world.code(with(Method::Put, at, format, payload)), "2.04", "{at}");
    }
    let identity = Node::Resource(Resource::Single(Value::Opaque(b"who".to_vec())));
    for format in STRUCTURED {
        assert_eq!(world.code(write(format, "/0/2/3", &identity)), "2.04", "{format}");
    }
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.is_registered_with(&Account::psk("coaps://elsewhere.example:5684", "who", b"in bytes")));
    assert!(world.asked().last().unwrap().contains("lt=90"));
}

#[test]
fn a_bootstrap_goes_without_security_too() {
    let mut profile = blank(0);
    profile.factory = device::Factory::bootstrap(Account::no_sec("coap://bootstrap.example"));
    profile.names_itself = false;
    profile.preferred_bootstrap_format = None;
    let mut world = World::bootstrapping(profile);
    assert_eq!(world.asked(), ["Post /bs?"]);
    let plain = Account::no_sec("coap://management.example");
    world.provision(&plain);
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.is_registered_with(&plain));
    assert_eq!(world.asked().last().unwrap(), "Post /rd?lt=120&lwm2m=1.1&b=U");
}

#[test]
fn discover_tells_accounts_apart_wherever_the_bootstrap_account_is() {
    let mut profile = provisioned("old");
    profile.factory.bootstrap.as_mut().unwrap().instance.0 = 3;
    let mut world = World::new(1, Link::PERFECT, profile);
    world.call(Device::start);
    world.run(seconds(1));
    world.ask(Request::new(Method::Post, "/1/0/9"));
    world.run(seconds(10));
    let found = world.ask(discover("/"));
    let text = String::from_utf8_lossy(&found.payload).into_owned();
    assert!(text.starts_with("</>;lwm2m=1.1,</0>;ver=1.1,</0/0>;ssid=1;uri=\"coaps://management"), "{text}");
    assert!(text.contains("</0/3>,</1>;ver=1.1,</1/0>;ssid=1,"), "{text}");
    let found = Discovered::parse(&found.payload).unwrap();
    assert_eq!(found.lwm2m, Some(Version::V1_1));
    let at = |at: &str| found.links.iter().find(|link| link.path == path(at)).unwrap();
    assert_eq!((at("/0/0").ssid, at("/0/0").uri.as_deref()), (Some(1), Some(MANAGEMENT)));
    assert_eq!((at("/0/3").ssid, at("/0/3").uri.as_deref()), (None, None));
    assert_eq!((at("/3/0").version, at("/19/0").ssid), (None, None));
    let found = Discovered::parse(&world.ask(discover("/1")).payload).unwrap();
    assert_eq!(found.links.iter().map(|link| link.path).collect::<Vec<_>>(), [path("/1"), path("/1/0")]);
    assert_eq!(world.code(delete("/0/3")), "4.00");
    assert_eq!(world.code(delete("/0")), "2.02");
    let found = Discovered::parse(&world.ask(discover("/0")).payload).unwrap();
    assert_eq!(found.links.iter().map(|link| link.path).collect::<Vec<_>>(), [path("/0"), path("/0/3")]);
}

#[test]
fn a_device_of_lwm2m_1_0_bootstraps_as_it_was_done_then() {
    let mut profile = device::Profile::new("old", Version::V1_0);
    profile.factory = device::Factory::bootstrap(bootstrap_account());
    let mut world = World::bootstrapping(profile);
    assert_eq!(world.asked(), ["Post /bs?ep=old"]);
    assert_eq!(world.code(get("/1", None)), "4.05");
    world.provision(&account("key"));
    let found = world.ask(discover("/"));
    assert_eq!(
        String::from_utf8_lossy(&found.payload),
        r#"lwm2m="1.0",</0>,</0/0>,</0/1>;ssid=7,</1>,</1/1>;ssid=7,</3>,</3/0>"#
    );
    assert_eq!(Discovered::parse(&found.payload).unwrap().lwm2m, Some(Version::V1_0));
    assert_eq!(world.code(write(ContentFormat::SENML_CBOR, "/1/1", &Node::Instance(server(7)))), "4.15");
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.is_registered_with(&account("key")));
}

#[test]
fn server_and_access_control_can_be_read() {
    let mut profile = blank(0);
    profile.objects.add_object(ObjectId(2));
    let mut world = World::bootstrapping(profile);
    world.provision(&account("key"));
    let read = world.ask(get("/1/1", Some(ContentFormat::SENML_JSON)));
    assert_eq!(node("/1/1", &read), Node::Instance(server(7)));
    assert_eq!(world.code(get("/1", None)), "2.05");
    assert_eq!(world.code(get("/2", None)), "2.05");
    for (at, code) in [("/1/1/0", "4.05"), ("/1/5", "4.04"), ("/0", "4.05"), ("/0/1", "4.05"), ("/3", "4.05")]
    {
        assert_eq!(world.code(get(at, None)), code, "{at}");
    }
    assert_eq!(world.code(get("/1", Some(ContentFormat(9)))), "4.06");
}

#[test]
fn what_a_bootstrap_server_cannot_have_is_refused() {
    let mut world = World::bootstrapping(blank(0));
    let text = |at: &str, text: &str| with(Method::Put, at, ContentFormat::TEXT, text);
    let instance = |at: &str| write_instance(at, server(7));
    for (request, code) in [
        (discover("/77"), "4.04"),
        (discover("/1/0"), "4.00"),
        (delete("/0/0"), "4.00"),
        (delete("/0/9"), "4.00"),
        (delete("/3"), "4.00"),
        (delete("/3/0"), "4.00"),
        (delete("/77"), "4.00"),
        (delete("/3303/0/5700"), "4.00"),
        (delete("/x"), "4.04"),
        (text("/1/1/1", "soon"), "4.00"),
        (text("/1/1/99", "1"), "4.04"),
        (text("/1/1/8", "1"), "4.05"),
        (text("/3/0/6/0", "1"), "4.05"),
        (text("/", "1"), "4.05"),
        (write(ContentFormat::TLV, "/77/0", &Node::Instance(Instance::default())), "4.04"),
        (write(ContentFormat::TLV, "/3/1", &Node::Instance(Instance::default())), "4.00"),
        (Request { content_format: Some(11543), ..instance("/1/1") }, "4.00"),
        (Request { content_format: Some(9), ..instance("/1/1") }, "4.15"),
        (Request { content_format: None, ..instance("/1/1") }, "4.00"),
        (Request { queries: vec!["pmin=1".into()], ..Request::new(Method::Put, "/3/0") }, "4.05"),
        (Request::new(Method::Post, "/3/0/4"), "4.05"),
        (Request::new(Method::Post, "/1"), "4.05"),
        (Request::new(Method::Get, "/bs"), "4.05"),
        (Request::new(Method::Fetch, "/"), "4.05"),
    ] {
        let what = format!("{request:?}");
        assert_eq!(world.code(request), code, "{what}");
    }
    assert!(world.device.is_bootstrapping(), "none of it ends the bootstrap");
    assert_eq!(
        Path::Object(ObjectId(1)).child(1).map(|at| world.device.objects().get(&at).is_some()),
        Some(false)
    );
}

#[test]
fn optional_resources_that_a_device_does_not_know_are_ignored() {
    let mut world = World::bootstrapping(blank(0));
    let mut given = server(7);
    given.resources.insert(ResourceId(999), Resource::Single(Value::Opaque(vec![1])));
    world.provision(&account("key"));
    assert_eq!(world.code(write_instance("/1/1", given)), "2.04");
    let read = world.ask(get("/1/1", None));
    assert_eq!(node("/1/1", &read), Node::Instance(server(7)));
}

#[test]
fn a_delete_of_everything_leaves_the_bootstrap_account_and_the_device_instance() {
    let mut world = World::bootstrapping(blank(3));
    world.provision(&account("key"));
    assert_eq!(world.code(delete("/")), "2.02");
    let found = world.ask(discover("/"));
    assert_eq!(
        String::from_utf8_lossy(&found.payload),
        "</>;lwm2m=1.1,</0>;ver=1.1,</0/3>,</1>;ver=1.1,</3>;ver=1.1,</3/0>,</16>,</19>,</3303>"
    );
    assert_eq!(world.code(finish()), "4.06");
    world.provision(&account("another"));
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.is_registered_with(&account("another")));
}

#[test]
fn a_management_server_sees_no_account() {
    let mut world = World::bootstrapping(blank(0));
    world.provision(&account("key"));
    world.code(finish());
    world.run(seconds(10));
    for request in [
        get("/0", None),
        get("/0/1/5", None),
        discover("/0"),
        delete("/0/1"),
        write_instance("/0/1", security(&account("x"), 7)),
    ] {
        let what = format!("{:?} {:?}", request.method, request.path);
        assert_eq!(world.code(request), "4.01", "{what}");
    }
    assert_eq!(world.code(finish()), "4.04", "nor can it finish anything");
    assert_eq!(world.code(delete("/")), "4.05");
}

#[test]
fn a_configuration_that_does_not_fit_together_is_refused_and_can_be_repaired() {
    type Change = fn(&mut Instance, &mut Instance);
    fn gone(instance: &mut Instance, id: u16) {
        instance.resources.remove(&ResourceId(id));
    }
    fn put(instance: &mut Instance, id: u16, value: Value) {
        instance.resources.insert(ResourceId(id), Resource::Single(value));
    }
    let missing = |at: &str| Inconsistency::Missing { path: path(at) };
    let cases: [(Change, Inconsistency); 16] = [
        (|security, _| gone(security, 0), missing("/0/1/0")),
        (|security, _| put(security, 0, Value::String(String::new())), missing("/0/1/0")),
        (|security, _| gone(security, 1), missing("/0/1/1")),
        (|security, _| gone(security, 2), missing("/0/1/2")),
        (|security, _| gone(security, 3), missing("/0/1/3")),
        (|security, _| put(security, 3, Value::Opaque(Vec::new())), missing("/0/1/3")),
        (|security, _| gone(security, 5), missing("/0/1/5")),
        (|security, _| gone(security, 10), missing("/0/1/10")),
        (|_, server| gone(server, 0), missing("/1/1/0")),
        (|_, server| gone(server, 1), missing("/1/1/1")),
        (|_, server| gone(server, 7), missing("/1/1/7")),
        (|_, server| put(server, 0, Value::Integer(8)), Inconsistency::NoAccount),
        (
            |_, server| put(server, 0, Value::Integer(0)),
            Inconsistency::ShortServerId { path: path("/1/1/0"), id: 0 },
        ),
        (
            |security, _| put(security, 10, Value::Integer(65_535)),
            Inconsistency::ShortServerId { path: path("/0/1/10"), id: 65_535 },
        ),
        (
            |security, _| put(security, 2, Value::Integer(2)),
            Inconsistency::Mode { path: path("/0/1/2"), mode: 2 },
        ),
        (|security, _| put(security, 2, Value::Integer(3)), Inconsistency::Scheme { path: path("/0/1/0") }),
    ];
    for (change, reason) in cases {
        let (mut given_security, mut given_server) = (security(&account("key"), 7), server(7));
        change(&mut given_security, &mut given_server);
        let mut world = World::bootstrapping(blank(0));
        assert_eq!(world.code(write_instance("/0/1", given_security)), "2.04", "{reason}");
        assert_eq!(world.code(write_instance("/1/1", given_server)), "2.04", "{reason}");
        let refused = world.ask(finish());
        assert_eq!(refused.code.to_string(), "4.06", "{reason}");
        assert_eq!(String::from_utf8_lossy(&refused.payload), reason.to_string());
        assert_eq!(world.count(&Event::BootstrapInconsistent { reason }), 1);
        world.run(seconds(100));
        assert!(world.device.is_bootstrapping(), "the server may repair it");
        world.provision(&account("key"));
        assert_eq!(world.code(finish()), "2.04");
        world.run(seconds(10));
        assert!(world.is_registered_with(&account("key")));
    }
}

#[test]
fn two_accounts_of_one_server_do_not_fit_together() {
    let mut world = World::bootstrapping(blank(0));
    world.provision(&account("key"));
    assert_eq!(world.code(write_instance("/0/2", security(&account("other"), 7))), "2.04");
    assert_eq!(world.code(finish()), "4.06");
    let reason = Inconsistency::Ambiguous { path: path("/0/2/10") };
    assert_eq!(world.count(&Event::BootstrapInconsistent { reason }), 1);
    assert_eq!(world.code(delete("/0/2")), "2.02");
    assert_eq!(world.code(finish()), "2.04");
}

#[test]
fn what_comes_after_the_finish_is_refused() {
    let mut world = World::bootstrapping(blank(0));
    world.provision(&account("key"));
    assert_eq!(world.code(finish()), "2.04");
    assert_eq!(world.code(delete("/")), "4.05");
    assert_eq!(world.code(finish()), "4.05");
    world.run(seconds(10));
    assert!(world.is_registered_with(&account("key")));
}

#[test]
fn the_server_instance_of_the_account_counts_wherever_it_is() {
    let mut world = World::bootstrapping(blank(0));
    // Of a server that the device has no Security instance for.
    assert_eq!(world.code(write_instance("/1/0", server(3))), "2.04");
    world.provision(&account("key"));
    assert_eq!(world.code(with(Method::Put, "/1/1/1", ContentFormat::TEXT, "77")), "2.04");
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.asked().last().unwrap().contains("lt=77"));
}

#[test]
fn a_bootstrap_goes_block_by_block() {
    let mut profile = blank(0);
    profile.coap.block_size = coap::BlockSize::B16;
    let mut world = World::bootstrapping(profile);
    world.provision(&account("a key of more than sixteen bytes, and then some"));
    assert_eq!(Discovered::parse(&world.ask(discover("/")).payload).unwrap().links.len(), 12);
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.is_registered_with(&account("a key of more than sixteen bytes, and then some")));
}

#[test]
fn a_bootstrap_server_that_writes_over_its_own_account_is_known_no_more() {
    let mut world = World::bootstrapping(blank(0));
    assert_eq!(world.code(write_instance("/0/0", security(&account("key"), 7))), "2.04");
    assert_eq!(world.code(write_instance("/1/0", server(7))), "2.04");
    assert_eq!(world.code(finish()), "2.04");
    world.run(seconds(10));
    assert!(world.is_registered_with(&account("key")));
    assert_eq!(world.code(trigger()), "4.05");
}

#[test]
fn a_bootstrap_server_can_change_its_own_key() {
    let mut world = World::bootstrapping(blank(0));
    let key = with(Method::Put, "/0/0/5", ContentFormat::OPAQUE, "another key for claims");
    assert_eq!(world.code(key), "2.04");
    world.provision(&account("key"));
    world.code(finish());
    world.run(seconds(10));
    assert_eq!(world.code(Request::new(Method::Post, "/1/1/9")), "2.04");
    world.run(seconds(10));
    let expected = Account::psk(BOOTSTRAP, "claim", b"another key for claims");
    assert_eq!(world.connections.last().unwrap().1, expected);
    assert!(world.device.is_bootstrapping());
}

#[test]
fn a_bootstrap_survives_bad_weather() {
    let mut finished = 0;
    for seed in 0..40 {
        let mut world = World::new(seed, Link { loss: 0.2, ..Link::BAD }, blank(0));
        world.call(Device::start);
        while world.asked.is_empty() {
            world.run(seconds(1));
        }
        let mut answers = Vec::new();
        for request in [
            delete("/0"),
            write_instance("/0/1", security(&account("key"), 7)),
            write_instance("/1/1", server(7)),
            finish(),
        ] {
            let Ok(response) = world.outcome(request).1 else { break };
            answers.push(response.code.to_string());
        }
        if answers == ["2.02", "2.04", "2.04", "2.04"] {
            world.link = Link::PERFECT;
            world.run(seconds(400));
            assert!(world.is_registered_with(&account("key")), "seed {seed}");
            finished += 1;
        }
    }
    assert!(finished > 20, "{finished}");
}
