//! Access rights in the console: the table of a device, its baseline, and a bootstrap plan.

use fleet::{Operation, configuration::LevelName};
use objects::{Node, Resource, Value, Version};

use crate::{
    browser::Browser,
    sample::context,
    world::{LINKS, SampleDevice, World, path, public_id},
};

const GUARDED: &str = "</>;rt=\"oma.lwm2m\";ct=\"112 11542\",</1/0>,</2/0>,</2/7>,</3/0>";

/// A device that says these rights, and its browser.
async fn device(rights: &[(&str, i64)]) -> (World, Browser, String) {
    let world = World::new().await;
    let links = if rights.is_empty() { LINKS } else { GUARDED };
    let device = SampleDevice { id: 1, endpoint: "node-1", lwm2m: Version::V1_1, queue_mode: false, links };
    world.register(&device).await;
    let rights: Vec<(&str, Value)> =
        rights.iter().map(|(path, value)| (*path, Value::Integer(*value))).collect();
    world.report(1, &rights).await;
    let browser = Browser::logged_in(&world).await;
    (world, browser, format!("/devices/{}", public_id(1)))
}

const RIGHTS: [(&str, i64); 9] = [
    ("/2/0/0", 3),
    ("/2/0/1", 0),
    ("/2/0/2/0", 1),
    ("/2/0/2/102", 3),
    ("/2/0/3", 123),
    ("/2/7/0", 5),
    ("/2/7/1", 65_535),
    ("/2/7/2/102", 17),
    ("/2/7/3", 65_535),
];

#[tokio::test]
async fn rights_are_a_table_of_what_is_guarded_and_of_servers() {
    let (_world, mut browser, url) = device(&RIGHTS).await;
    let page = browser.get(&format!("{url}/access")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(
        page.texts("#rights thead th")[..5],
        ["Guarded", "Owner", "This server (123)", "Server 102", "All others"]
    );
    let rows = page.texts("#rights tbody tr");
    assert!(rows[0].contains("(/3/0)") && rows[0].contains("This server (123)"), "{rows:?}");
    // The owner that is not named may do all but create; who is named has that.
    assert!(rows[0].contains("read, write, execute, delete as the owner"), "{rows:?}");
    assert!(rows[0].contains("read, write") && rows[0].contains("read"), "{rows:?}");
    assert!(rows[1].contains("New instances of") && rows[1].contains("Bootstrap server"), "{rows:?}");
    assert!(rows[1].contains("only Create counts") && rows[1].contains("4.01"), "{rows:?}");
}

#[tokio::test]
async fn a_row_is_changed_looked_at_and_written() {
    let (world, mut browser, url) = device(&RIGHTS).await;
    let page = browser.get(&format!("{url}/access?row=0")).await;
    let ticked = page.attributes("#rights-form input[name='rights.0.s102'][checked]", "value");
    assert_eq!(ticked, ["read", "write"]);
    let boxes = [
        ("rights.0.s102", "execute"),
        ("rights.0.s0", "nothing"),
        ("rights.0.s123", "read"),
        ("rights.0.s123", "create"),
        ("act", "preview"),
    ];
    let preview = browser.submit(&page, "#rights-form", &boxes).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    let cells = preview.texts("#preview tbody th, #preview tbody td");
    assert_eq!(cells[..3], ["All others (/2/0/2/0)", "read", "nothing"]);
    assert_eq!(cells[3..6], ["Server 102 (/2/0/2/102)", "read, write", "execute"]);
    assert_eq!(cells[6..], ["This server (123) (/2/0/2/123)", "not named", "read, create"]);
    assert!(preview.text("#preview").contains("Create means nothing"), "{}", preview.body);
    assert_eq!(world.script.asked(), [], "nothing was asked yet");
    let done = browser.submit(&preview, "#confirm", &[("act", "write")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let asked = world.script.asked();
    let [Operation::Write { path: at, node: Node::Resource(Resource::Multiple(values)), .. }] = &asked[..]
    else {
        panic!("{asked:?}")
    };
    assert_eq!(*at, path("/2/0/2"));
    let numbers: Vec<(u16, &Value)> = values.iter().map(|(id, value)| (id.0, value)).collect();
    let number = Value::Integer;
    assert_eq!(numbers, [(0, &number(0)), (102, &number(4)), (123, &number(17))]);
}

#[tokio::test]
async fn a_new_owner_is_written_last() {
    let (world, mut browser, url) = device(&RIGHTS).await;
    let page = browser.get(&format!("{url}/access?row=0")).await;
    let typed = [("rights.0.owner", "102"), ("rights.0.s0", "nothing"), ("act", "preview")];
    let preview = browser.submit(&page, "#rights-form", &typed).await;
    assert!(preview.text("#preview").contains("belongs to the server 102"), "{}", preview.body);
    browser.submit(&preview, "#confirm", &[("act", "write")]).await;
    let paths: Vec<String> =
        world.script.asked().iter().map(|operation| operation.target().to_string()).collect();
    assert_eq!(paths, ["/2/0/2", "/2/0/3"]);
}

#[tokio::test]
async fn a_row_is_wanted_from_now_on() {
    let (world, mut browser, url) = device(&RIGHTS).await;
    let page = browser.get(&format!("{url}/access?row=0")).await;
    let preview =
        browser.submit(&page, "#rights-form", &[("rights.0.s102", "read"), ("act", "preview")]).await;
    let saved = browser.submit(&preview, "#confirm", &[("act", "baseline")]).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let page = browser.follow(&saved).await;
    let lines = page.text("#field-lines");
    assert!(lines.contains("/2/0/2/102 = 1") && lines.contains("/2/0/3 = 123"), "{lines}");
    let level = LevelName::Device(public_id(1));
    let newest = world.fleet.baseline(&context(world.now()), &level, None).await.unwrap().unwrap();
    assert_eq!(newest.draft.lines.len(), 3);
}

#[tokio::test]
async fn what_can_not_be_is_said_beside_the_row() {
    let (_world, mut browser, url) = device(&RIGHTS).await;
    let page = browser.get(&format!("{url}/access?row=0")).await;
    let boxes = [("rights.0.s102", "nothing"), ("rights.0.s102", "read"), ("act", "write")];
    let wrong = browser.submit(&page, "#rights-form", &boxes).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#rights-form [role=alert]").contains("tick nothing alone"), "{}", wrong.body);
    assert_eq!(browser.get(&format!("{url}/access?row=9")).await.status, 404);
}

#[tokio::test]
async fn a_device_without_rights_says_why_it_needs_none() {
    let (_world, mut browser, url) = device(&[]).await;
    let page = browser.get(&format!("{url}/access")).await;
    assert_eq!(page.status, 200);
    assert!(!page.has("#rights"), "{}", page.body);
}

#[tokio::test]
async fn rights_are_wanted_by_a_level_as_boxes() {
    let (world, mut browser, _) = device(&[]).await;
    let page = browser.get("/configuration/baselines/fleet").await;
    let boxes = [
        ("rights.0.instance", "3"),
        ("rights.0.owner", "123"),
        ("rights.0.s123", "read"),
        ("rights.0.s123", "write"),
        ("rights.0.s0", "nothing"),
    ];
    let saved = browser.submit(&page, "#access", &boxes).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let page = browser.follow(&saved).await;
    let lines = page.text("#field-lines");
    assert_eq!(lines, "/2/3/3 = 123 /2/3/2/0 = 0 /2/3/2/123 = 3");
    let ticked = page.attributes("#access input[name='rights.0.s123'][checked]", "value");
    assert_eq!(ticked, ["read", "write"]);
    // The server account leaves them as they are, and the reverse.
    let saved = browser.submit(&page, "form#server", &[("lifetime", "900")]).await;
    let page = browser.follow(&saved).await;
    assert!(page.text("#field-lines").contains("/2/3/2/123 = 3"), "{}", page.body);
    let wrong = browser.submit(&page, "#access", &[("rights.0.owner", "nobody")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#access [role=alert]").contains("short server id"), "{}", wrong.body);
    let newest = world.fleet.baseline(&context(world.now()), &LevelName::Fleet, None).await.unwrap().unwrap();
    assert_eq!(newest.version, 2);
}

#[tokio::test]
async fn a_plan_gives_rights_as_boxes_and_values_as_rows() {
    let (_world, mut browser, url) = device(&[]).await;
    let page = browser.get(&format!("{url}/security")).await;
    assert!(
        page.text("#account").contains("123") && page.text("#account").contains("coaps://muster.test:5684")
    );
    let typed = [
        ("retry_count", "5"),
        ("bootstrap_on_failure", "true"),
        ("delete_rights", "on"),
        ("rights.0.instance", "0"),
        ("rights.0.object", "3303"),
        ("rights.0.guarded", "new"),
        ("rights.0.owner", "bootstrap"),
        ("rights.0.s123", "create"),
        ("writes.0.path", "/3/0/15"),
        ("writes.0.value", "Europe/Berlin"),
    ];
    let saved = browser.submit(&page, "#plan", &typed).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let page = browser.follow(&saved).await;
    assert_eq!(page.attributes("#field-retry_count", "value"), ["5"]);
    assert_eq!(page.attributes("#plan input[name='rights.0.guarded']", "value"), ["new"]);
    assert_eq!(page.attributes("#plan input[name='rights.0.s123'][checked]", "value"), ["create"]);
    assert_eq!(page.attributes("#plan input[name='writes.0.path']", "value"), ["/3/0/15"]);
    assert!(!page.body.contains("[{"), "no JSON");
    let wrong = browser
        .submit(
            &page,
            "#plan",
            &[("rights.0.owner", ""), ("writes.1.path", "/3/0/13"), ("writes.1.value", "x")],
        )
        .await;
    assert_eq!(wrong.status, 422);
    let said = wrong.text("section [role=alert]");
    assert!(said.contains("whose it is") && said.contains("/3/0/13"), "{said}");
}
