//! Operations: from the form to the device and back.

use fleet::{CancelMode, Failure, Operation, Outcome, Paths, Presence, ResponseCode, WriteMode};
use objects::{
    Attribute, Attributes, ContentFormat, InstanceId, Node, ObjectId, Resource, ResourceId,
    ResourceInstanceId, Value, Version,
};

use crate::{
    browser::{Answer, Browser},
    world::{LINKS, SampleDevice, World, path, public_id},
};

async fn device(queue_mode: bool) -> (World, Browser, String) {
    let world = World::new().await;
    world
        .register(&SampleDevice { id: 1, endpoint: "node-7", lwm2m: Version::V1_1, queue_mode, links: LINKS })
        .await;
    world.script.value(1, "/3/0/9", Value::Integer(87));
    let browser = Browser::logged_in(&world).await;
    (world, browser, format!("/devices/{}", public_id(1)))
}

/// Sends the form of a node's page that has a button for `op`.
async fn send(browser: &mut Browser, url: &str, node: &str, op: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(&format!("{url}/nodes/{node}")).await;
    let fields = [fields, &[("op", op)]].concat();
    browser.submit(&page, &format!("form:has(button[value={op}])"), &fields).await
}

fn value(of: Value) -> Node {
    Node::Resource(Resource::Single(of))
}

#[tokio::test]
async fn a_read_shows_the_answer_with_name_unit_and_trace() {
    let (world, mut browser, url) = device(false).await;
    let done = send(&mut browser, &url, "3/0/9", "read", &[("format", "112")]).await;
    let page = browser.follow(&done).await;
    assert_eq!(page.text(".badge"), "Done");
    assert_eq!(page.text("#result"), "2.05 Content");
    assert_eq!(page.texts("tbody td")[..2], ["Battery Level /3/0/9", "87 %"]);
    assert!(page.text("#trace").contains("GET /3/0/9 Accept: SenML CBOR (112)"));
    assert_eq!(
        world.script.asked(),
        [Operation::Read { path: path("/3/0/9"), format: Some(ContentFormat::SENML_CBOR) }]
    );
}

#[tokio::test]
async fn a_button_of_the_device_page_leads_back_to_its_row() {
    let (_world, mut browser, url) = device(false).await;
    let page = browser.get(&format!("{url}/objects")).await;
    let (_, fields) = page.form("#actions");
    let target = page.attributes("#r-3-0-9 button[value=read]", "formaction").remove(0);
    let mut sent: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    sent.push(("op", "read"));
    let done = browser.post(&target, &sent).await;
    assert_eq!(done.location(), format!("{url}/objects#r-3-0-9"));
    assert_eq!(browser.follow(&done).await.text("#v-3-0-9 .values"), "87 %");
}

#[tokio::test]
async fn what_is_typed_becomes_a_value_of_the_models_type() {
    let (world, mut browser, url) = device(false).await;
    for (node, typed, expected) in [
        ("1/0/1", " 60 ", Value::Integer(60)),
        ("1/0/6", "true", Value::Boolean(true)),
        ("1/0/7", "UT", Value::String("UT".into())),
        ("3/0/13", "2026-05-17T08:30:01", Value::Time(1_779_006_601)),
        ("5/0/0", "0a FF", Value::Opaque(vec![0x0a, 0xff])),
    ] {
        let done = send(&mut browser, &url, node, "write", &[("value", typed)]).await;
        assert_eq!(done.status, 303, "{node}: {}", done.body);
        let expected = Operation::Write {
            path: path(&format!("/{node}")),
            mode: WriteMode::Replace,
            node: value(expected),
            format: None,
        };
        assert_eq!(world.script.asked().last(), Some(&expected));
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_form_shows_the_form_again_with_what_was_typed_and_why() {
    let (world, mut browser, url) = device(false).await;
    for (node, typed, why) in [
        ("1/0/1", "sixty", "expected a whole number"),
        ("1/0/1", "9223372036854775808", "Outside the range"),
        ("1/0/6", "", "Choose true or false"),
        ("3/0/13", "yesterday", "Expected a date and time in UTC"),
        ("5/0/0", "0x1", "Expected pairs of hexadecimal digits"),
    ] {
        let again = send(&mut browser, &url, node, "write", &[("value", typed)]).await;
        assert_eq!(again.status, 422, "{node}");
        assert!(again.text("#write-value-problem").contains(why), "{}", again.text("#write-value-problem"));
        assert_eq!(again.attributes("#write-value", "aria-invalid"), ["true"]);
        assert_eq!(again.attributes("#problems a", "href"), ["#write-value"]);
        let kept = [again.attributes("#write-value", "value"), again.texts("textarea#write-value")].concat();
        assert!(typed.is_empty() || kept.contains(&typed.to_owned()), "{kept:?}");
    }
    assert_eq!(world.script.asked(), []);
}

#[tokio::test]
async fn what_the_model_does_not_allow_is_refused_on_the_same_page() {
    let (world, mut browser, url) = device(false).await;
    let page = browser.get(&format!("{url}/nodes/3/0/9")).await;
    let again =
        browser.submit(&page, "form:has(button[value=read])", &[("op", "write"), ("value", "5")]).await;
    assert_eq!(again.status, 422);
    assert!(again.text("#problems").contains("Battery Level"), "{}", again.text("#problems"));
    let again = send(&mut browser, &url, "3/0/4", "execute", &[("arguments", "nonsense")]).await;
    assert_eq!(again.status, 422);
    assert_eq!(again.attributes("#execute-arguments", "value"), ["nonsense"]);
    assert_eq!(world.script.asked(), []);
}

#[tokio::test]
async fn a_file_is_written_as_bytes() {
    let (world, mut browser, url) = device(false).await;
    let page = browser.get(&format!("{url}/nodes/5/0/0")).await;
    let csrf = page.attributes("input[name=csrf]", "value").remove(0);
    let content = vec![0x5a; 100 * 1024];
    let fields: [(&str, Option<&str>, &[u8]); 4] = [
        ("csrf", None, csrf.as_bytes()),
        ("op", None, b"write"),
        ("value", None, b""),
        ("value.file", Some("image.bin"), &content),
    ];
    assert_eq!(browser.post_multipart(&format!("{url}/nodes/5/0/0"), &fields).await.status, 303);
    let asked = world.script.asked();
    assert!(
        matches!(&asked[..], [Operation::Write { node: Node::Resource(Resource::Single(Value::Opaque(bytes))), .. }] if *bytes == content)
    );
}

#[tokio::test]
async fn several_values_are_written_with_their_ids() {
    let (world, mut browser, url) = device(false).await;
    // Error Code is read only, but what was typed is read before the model is asked.
    let page = browser.get(&format!("{url}/nodes/3/0/11")).await;
    let fields = [
        ("op", "write"),
        ("key.0", "0"),
        ("value.0", "7"),
        ("key.1", "x"),
        ("value.1", "8"),
        ("key.2", ""),
        ("value.2", "9"),
    ];
    let again = browser.submit(&page, "form:has(button[value=read])", &fields).await;
    assert_eq!(again.status, 422);
    let problems = again.texts("#problems li");
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].contains("“x” is no id") && problems[1].contains("Give this value the id"),
        "{problems:?}"
    );
    assert_eq!(world.script.asked(), []);
}

#[tokio::test]
async fn an_instance_is_written_with_what_was_filled_in() {
    let (world, mut browser, url) = device(false).await;
    let done = send(
        &mut browser,
        &url,
        "1/0",
        "write",
        &[("r.1", "60"), ("r.7", ""), ("r.7.empty", "on"), ("mode", "update")],
    )
    .await;
    assert_eq!(done.status, 303, "{}", done.body);
    let asked = world.script.asked();
    let [Operation::Write { mode: WriteMode::Update, node: Node::Instance(instance), .. }] = &asked[..]
    else {
        panic!("{asked:?}")
    };
    let written: Vec<_> = instance.resources.iter().collect();
    assert_eq!(
        written,
        [
            (&ResourceId(1), &Resource::Single(Value::Integer(60))),
            (&ResourceId(7), &Resource::Single(Value::String(String::new()))),
        ]
    );
}

#[tokio::test]
async fn a_resource_instance_is_written_alone() {
    let (world, mut browser, url) = device(false).await;
    let done = send(&mut browser, &url, "26241/0/1", "write", &[("type", "Integer"), ("value", "5")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let done =
        send(&mut browser, &url, "26241/0/1/3", "write", &[("type", "Boolean"), ("value", "true")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let nodes: Vec<Node> = world
        .script
        .asked()
        .into_iter()
        .map(|operation| match operation {
            Operation::Write { node, .. } => node,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(nodes, [value(Value::Integer(5)), Node::ResourceInstance(Value::Boolean(true))]);
}

#[tokio::test]
async fn instances_are_created_and_deleted() {
    let (world, mut browser, url) = device(false).await;
    let done = send(&mut browser, &url, "3303", "create", &[("instance", "4"), ("r.5750", "roof")]).await;
    let page = browser.follow(&done).await;
    assert_eq!(page.text("#result"), "2.01 Created");
    assert!(
        page.text("#operation").contains("Created: Temperature, instance 4 /3303/4"),
        "{}",
        page.text("#operation")
    );
    let refused = send(&mut browser, &url, "3303/1", "delete", &[]).await;
    assert_eq!(
        (refused.status.as_u16(), refused.text("#problems li")),
        (422, "Tick the box to delete the instance.".into())
    );
    let done = send(&mut browser, &url, "3303/1", "delete", &[("sure", "on")]).await;
    assert_eq!(done.status, 303);
    let asked = world.script.asked();
    assert!(matches!(
        &asked[0],
        Operation::Create { object: ObjectId(3303), instance: Some(InstanceId(4)), .. }
    ));
    assert_eq!(asked[1], Operation::Delete { path: path("/3303/1") });
    let again = send(&mut browser, &url, "3303", "create", &[("instance", "many")]).await;
    assert!(again.text("#create-instance-problem").contains("Expected a number"));
}

#[tokio::test]
async fn attributes_are_set_and_unset() {
    let (world, mut browser, url) = device(false).await;
    let done = send(
        &mut browser,
        &url,
        "3/0/9",
        "attributes",
        &[("set.pmin", "10"), ("set.gt", "21.5"), ("unset.pmax", "on")],
    )
    .await;
    assert_eq!(done.status, 303, "{}", done.body);
    let set = Attributes { pmin: Some(10), gt: Some(21.5), ..Attributes::default() };
    assert_eq!(
        world.script.asked(),
        [Operation::WriteAttributes { path: path("/3/0/9"), set, unset: vec![Attribute::Pmax] }]
    );
    let again = send(&mut browser, &url, "3/0/9", "attributes", &[("set.pmin", "soon")]).await;
    assert_eq!(
        (again.status.as_u16(), again.attributes("#attributes-set-pmin", "value")),
        (422, vec!["soon".to_owned()])
    );
    let again = send(&mut browser, &url, "3/0/9", "attributes", &[]).await;
    assert!(again.text("#problems").contains("No attribute is set or unset"));
}

#[tokio::test]
async fn observations_begin_and_end_in_both_ways() {
    let (world, mut browser, url) = device(false).await;
    for (op, mode) in [("cancel-active", CancelMode::Active), ("cancel-passive", CancelMode::Passive)] {
        assert_eq!(send(&mut browser, &url, "3/0/9", "observe", &[]).await.status, 303);
        let page = browser.get(&url).await;
        assert!(page.text("#device-observations tbody").starts_with("Battery Level /3/0/9"));
        let objects = browser.get(&format!("{url}/objects")).await;
        assert!(objects.text("#r-3-0-9").contains("observed"));
        assert_eq!(send(&mut browser, &url, "3/0/9", op, &[]).await.status, 303);
        assert_eq!(
            world.script.asked().last(),
            Some(&Operation::CancelObservation { path: path("/3/0/9"), mode })
        );
        assert!(browser.get(&url).await.text("#device-observations").contains("Nothing is observed"));
    }
}

#[tokio::test]
async fn several_nodes_are_read_and_observed_at_once() {
    let (world, mut browser, url) = device(false).await;
    let objects = browser.get(&format!("{url}/objects")).await;
    let several = objects.attributes("a[href$='/several']", "href").remove(0);
    let page = browser.get(&several).await;
    let overlapping = [("paths", "/3/0\n/3/0/9"), ("op", "read")];
    let again = browser.submit(&page, "#several", &overlapping).await;
    assert_eq!(again.status, 422);
    assert!(again.text("#several").contains("/3/0/9 lies within /3/0"), "{}", again.text("#several"));
    let again = browser.submit(&page, "#several", &[("paths", "/3/0/9 temperature"), ("op", "read")]).await;
    assert!(again.text("#several").contains("“temperature”"), "{}", again.text("#several"));

    let given = "/3/0/9\r\n/1/0/1, /3303";
    let paths: Paths = ["/3/0/9", "/1/0/1", "/3303"].into_iter().map(path).collect();
    let read = browser.submit(&page, "#several", &[("paths", given), ("op", "read")]).await;
    assert_eq!(read.status, 303);
    assert!(browser.follow(&read).await.text("h1").contains("Read-Composite /3/0/9, /1/0/1, /3303"));
    let page = browser.get(&several).await;
    assert_eq!(browser.submit(&page, "#several", &[("paths", given), ("op", "observe")]).await.status, 303);
    let asked = world.script.asked();
    assert_eq!(
        asked[asked.len() - 2..],
        [
            Operation::ReadComposite { paths: paths.clone(), format: None },
            Operation::ObserveComposite { paths: paths.clone(), format: None }
        ]
    );
    let summary = browser.get(&url).await;
    assert!(summary.text("#device-observations tbody").starts_with("3 nodes /3/0/9, /1/0/1, /3303"));
    let cancel =
        summary.attributes("#device-observations button[value=cancel-active]", "formaction").remove(0);
    let csrf = summary.attributes("input[name=csrf]", "value").remove(0);
    let cancelled = browser.post(&cancel, &[("csrf", &csrf), ("op", "cancel-active")]).await;
    assert_eq!(cancelled.status, 303);
    let mode = CancelMode::Active;
    assert_eq!(world.script.asked().last(), Some(&Operation::CancelCompositeObservation { paths, mode }));
    assert!(browser.get(&url).await.text("#device-observations").contains("Nothing is observed"));
}

#[tokio::test]
async fn a_discover_shows_nodes_and_attributes() {
    let (_world, mut browser, url) = device(false).await;
    let done = send(&mut browser, &url, "3/0", "discover", &[]).await;
    let page = browser.follow(&done).await;
    assert_eq!(page.texts("tbody tr").len(), 3);
    assert_eq!(page.texts("tbody tr .tag"), ["pmin=10", "pmax=60", "dim=2"]);
}

#[tokio::test]
async fn the_devices_error_is_shown_as_it_is() {
    let (world, mut browser, url) = device(false).await;
    let code = ResponseCode { class: 4, detail: 5 };
    world.script.next_outcome(Outcome::Refused { code, diagnostic: "not <now>".into() });
    let done = send(&mut browser, &url, "3/0/4", "execute", &[]).await;
    let page = browser.follow(&done).await;
    assert_eq!(
        (page.text(".badge"), page.text("#result")),
        ("Failed".into(), "4.05 Method Not Allowed".into())
    );
    assert_eq!(page.text("#diagnostic"), "not <now>");
    world.script.next_outcome(Outcome::Failed(Failure::TimedOut { acknowledged: true }));
    let done = send(&mut browser, &url, "3/0/9", "read", &[]).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#result").contains("did not answer in time (it acknowledged the request)"));
}

#[tokio::test]
async fn an_operation_waits_for_a_device_that_sleeps_and_can_be_cancelled() {
    let (world, mut browser, url) = device(true).await;
    world.script.presence(1, Presence::Asleep);
    let done = send(&mut browser, &url, "1/0/1", "write", &[("value", "60"), ("expires", "3600")]).await;
    let page = browser.follow(&done).await;
    assert_eq!(page.text(".badge"), "Waiting");
    assert!(page.text("#operation").contains("in 1 h"), "{}", page.text("#operation"));
    let waiting = browser.get(&url).await;
    assert!(
        waiting.text("#device-operations").contains("1 waiting"),
        "{}",
        waiting.text("#device-operations")
    );
    let cancel = page.attributes("button[formaction$='/cancel']", "formaction").remove(0);
    let csrf = page.attributes("input[name=csrf]", "value").remove(0);
    for _ in 0..2 {
        let cancelled = browser.post(&cancel, &[("csrf", &csrf)]).await;
        assert_eq!(browser.follow(&cancelled).await.text(".badge"), "Cancelled");
    }
    assert!(browser.get(&url).await.text("#device-operations").contains("Nothing waits"));
}

#[tokio::test]
async fn a_form_sent_twice_acts_once() {
    let (world, mut browser, url) = device(false).await;
    let page = browser.get(&format!("{url}/nodes/3/0/4")).await;
    let first = browser.submit(&page, "form:has(button[value=execute])", &[("op", "execute")]).await;
    let second = browser.submit(&page, "form:has(button[value=execute])", &[("op", "execute")]).await;
    assert_eq!((first.status, first.location()), (second.status, second.location()));
    assert_eq!(world.script.asked().len(), 1);
    let changed = [("op", "execute"), ("arguments", "0")];
    browser.submit(&page, "form:has(button[value=execute])", &changed).await;
    assert_eq!(world.script.asked().len(), 2, "something else was typed");
    let fresh = browser.get(&format!("{url}/nodes/3/0/4")).await;
    browser.submit(&fresh, "form:has(button[value=execute])", &[("op", "execute")]).await;
    assert_eq!(world.script.asked().len(), 3);
}

#[tokio::test]
async fn one_rendering_of_a_page_asks_different_things_each_once() {
    let (world, mut browser, url) = device(false).await;
    let page = browser.get(&url).await;
    let (_, fields) = page.form("#actions");
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for (node, op) in [("3/0/9", "read"), ("3/0/9", "observe"), ("3/0/9", "read"), ("3/0", "read")] {
        browser.post(&format!("{url}/nodes/{node}"), &[&fields[..], &[("op", op)]].concat()).await;
    }
    assert_eq!(world.script.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_slow_device_leads_to_a_page_that_waits_for_it() {
    let (world, mut browser, url) = device(false).await;
    let silent = world.script.silence.lock().await;
    let waiting = send(&mut browser, &url, "3/0/9", "read", &[]).await;
    assert!(waiting.location().starts_with(&format!("{url}/waiting/")), "{}", waiting.location());
    let page = browser.follow(&waiting).await;
    assert_eq!(
        (page.text("h1"), page.attributes("meta[http-equiv=refresh]", "content")),
        ("Waiting for the device".into(), vec!["2".into()])
    );
    drop(silent);
    let done = browser.follow(&waiting).await;
    assert_eq!(browser.follow(&done).await.text("#result"), "2.05 Content");
    assert_eq!(world.script.asked().len(), 1);
}

#[tokio::test]
async fn nothing_is_asked_of_a_device_that_is_not_registered() {
    let (world, mut browser, url) = device(false).await;
    let page = browser.get(&format!("{url}/nodes/3/0/9")).await;
    world.script.presence(1, Presence::NotRegistered);
    let refused = browser.submit(&page, "form:has(button[value=read])", &[("op", "read")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text("#problem").contains("Wait until the device has registered"));
    let page = browser.get(&format!("{url}/nodes/3/0/9")).await;
    assert!(!page.has(".operations") && page.text(".notice.warn").contains("not registered"));
}

#[tokio::test]
async fn resource_instances_of_a_written_resource_keep_their_ids() {
    let world = World::new().await;
    let links = "</2/0>,</3/0>";
    world
        .register(&SampleDevice { id: 1, endpoint: "node-7", lwm2m: Version::V1_1, queue_mode: false, links })
        .await;
    world.report(1, &[("/2/0/2/101", Value::Integer(15)), ("/2/0/2/102", Value::Integer(1))]).await;
    let mut browser = Browser::logged_in(&world).await;
    let url = format!("/devices/{}", public_id(1));
    let page = browser.get(&format!("{url}/nodes/2/0/2")).await;
    assert_eq!(page.attributes("input.key", "value"), ["101", "102", "", "", ""]);
    let done = browser
        .submit(
            &page,
            "form:has(button[value=write])",
            &[("op", "write"), ("value.1", "7"), ("key.2", "0"), ("value.2", "3"), ("mode", "update")],
        )
        .await;
    assert_eq!(done.status, 303, "{}", done.body);
    let asked = world.script.asked();
    let [
        Operation::Write {
            node: Node::Resource(Resource::Multiple(values)), mode: WriteMode::Update, ..
        },
    ] = &asked[..]
    else {
        panic!("{asked:?}")
    };
    let written: Vec<_> = values.iter().map(|(id, value)| (*id, value.clone())).collect();
    assert_eq!(
        written,
        [
            (ResourceInstanceId(0), Value::Integer(3)),
            (ResourceInstanceId(101), Value::Integer(15)),
            (ResourceInstanceId(102), Value::Integer(7)),
        ]
    );
}
