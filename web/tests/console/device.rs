//! The page of a device and those of its nodes.

use fleet::Presence;
use objects::{Value, Version};

use crate::{
    browser::{Answer, Browser},
    world::{LINKS, SampleDevice, World, public_id},
};

async fn device(queue_mode: bool) -> (World, Browser, String) {
    let world = World::new().await;
    world
        .register(&SampleDevice { id: 1, endpoint: "node-7", lwm2m: Version::V1_1, queue_mode, links: LINKS })
        .await;
    let browser = Browser::logged_in(&world).await;
    (world, browser, format!("/devices/{}", public_id(1)))
}

/// The buttons and links of a resource's row.
fn actions(page: &Answer, resource: &str) -> Vec<String> {
    page.texts(&format!("#r-{resource} .row-actions > *"))
}

#[tokio::test]
async fn it_shows_state_and_registration() {
    let (world, mut browser, url) = device(true).await;
    let page = browser.get(&url).await;
    assert_eq!(page.text("h1"), "node-7");
    assert_eq!(page.text("#device-state .badge"), "Awake");
    let facts = page.text("#device-facts");
    for fact in [
        "LwM2M1.1",
        "queue mode",
        "300 s (5 min)",
        "192.0.2.1:56830",
        "/rd/00abcdef00000001",
        "TLV (11542)",
        "roof <north>",
    ] {
        assert!(facts.contains(fact), "{fact} in {facts}");
    }
    world.script.presence(1, Presence::Asleep);
    assert_eq!(browser.get(&url).await.text("#device-state .badge"), "Asleep");
    world.script.presence(1, Presence::NotRegistered);
    let page = browser.get(&format!("{url}/objects")).await;
    assert_eq!(page.text("#device-state .badge"), "Not registered: lifetime ran out");
    assert!(!page.has(".row-actions"));
}

#[tokio::test]
async fn the_tree_has_model_names_types_ranges_units_and_latest_values() {
    let (world, mut browser, url) = device(false).await;
    world
        .report(
            1,
            &[
                ("/3/0/9", Value::Integer(87)),
                ("/3/0/6/0", Value::Integer(1)),
                ("/3/0/6/1", Value::Integer(5)),
            ],
        )
        .await;
    let page = browser.get(&format!("{url}/objects")).await;
    let names = page.texts("summary h3");
    assert_eq!(&names[..2], ["LwM2M Server", "Device"]);
    let level = page.text("#r-3-0-9");
    assert!(level.starts_with("Battery Level /3/0/9 Integer · 0..100"), "{level}");
    assert_eq!(page.text("#v-3-0-9 .values"), "87 %");
    assert!(page.text("#v-3-0-9 .time").ends_with("· just now"));
    assert_eq!(page.texts("#v-3-0-6 li"), ["0 1", "1 5"]);
    assert_eq!(page.text("#v-3-0-0"), "not read");
    assert_eq!(actions(&page, "3-0-9"), ["Read", "Observe"]);
    assert_eq!(actions(&page, "3-0-4"), ["Execute"]);
    assert_eq!(actions(&page, "1-0-1"), ["Read", "Observe", "Write"]);
}

#[tokio::test]
async fn what_no_model_describes_is_shown_as_it_came() {
    let (world, mut browser, url) = device(false).await;
    world
        .report(
            1,
            &[("/26241/0/5", Value::Opaque(vec![0xca, 0xfe])), ("/3/0/32000", Value::String("own".into()))],
        )
        .await;
    let page = browser.get(&format!("{url}/objects")).await;
    assert_eq!(page.text("#o-26241 summary h3"), "Object 26241");
    assert!(page.text("#o-26241 summary").contains("no model"));
    assert_eq!(page.text("#v-26241-0-5 .values"), "cafe 2 bytes");
    assert!(page.text("#r-26241-0-5").contains("Resource 5 /26241/0/5 Opaque"));
    assert_eq!(page.text("#v-3-0-32000 .values"), "own");
    let node = browser.get(&format!("{url}/nodes/26241/0/5")).await;
    assert!(node.has("select[name=type]") && node.has("input[type=file]"));
    assert!(node.text("dl.facts").contains("no model"));
}

#[tokio::test]
async fn each_data_type_has_its_input() {
    let (_world, mut browser, url) = device(false).await;
    for (path, selector) in [
        ("1/0/1", "input[type=text][inputmode=numeric]#write-value"),
        ("1/0/6", "select#write-value"),
        ("3/0/13", "input[type=datetime-local]#write-value"),
        ("5/0/0", "textarea#write-value"),
        ("5/0/0", "input[type=file]"),
        ("5/0/1", "input[type=text]#write-value"),
        ("1/0/10", "input[type=text]#write-value"),
        ("3303/0/5518", "input, .notice, form"),
    ] {
        let page = browser.get(&format!("{url}/nodes/{path}")).await;
        assert!(page.has(selector), "{path} {selector}: {}", page.body);
    }
    let labels = browser.get(&format!("{url}/nodes/3/0/13")).await.texts("label[for=write-value] + .pair");
    assert_eq!(labels, ["UTC"]);
}

#[tokio::test]
async fn a_node_offers_the_operations_that_its_level_and_model_allow() {
    let (_world, mut browser, url) = device(false).await;
    for (path, expected) in [
        ("3303", &["Read", "Observe", "Create an instance", "Discover", "Write-Attributes"][..]),
        ("3", &["Read", "Observe", "Discover", "Write-Attributes"]),
        ("1/0", &["Read", "Observe", "Write", "Discover", "Write-Attributes", "Delete"]),
        ("3/0/9", &["Read", "Observe", "Discover", "Write-Attributes"]),
        ("3/0/4", &["Execute", "Discover"]),
        ("3/0/6/0", &["Read", "Observe", "Write-Attributes"]),
        ("26241/0/1", &["Read", "Observe", "Write", "Execute", "Discover", "Write-Attributes"]),
    ] {
        let page = browser.get(&format!("{url}/nodes/{path}")).await;
        assert_eq!(page.texts(".operations h3"), expected, "{path}");
    }
    // Thresholds mean nothing to a text, and LwM2M 1.1 knows no edge.
    let text = browser.get(&format!("{url}/nodes/3/0/0")).await;
    let named: Vec<String> = text.attributes("input[name^='set.']", "name");
    assert_eq!(named, ["set.pmin", "set.pmax", "set.epmin", "set.epmax"]);
}

#[tokio::test]
async fn a_node_that_the_device_does_not_have_is_not_there() {
    let (_world, mut browser, url) = device(false).await;
    for path in ["9999", "3/7", "3/7/1", "3/0/9/9/9", "65536", "3/-1"] {
        assert_eq!(browser.get(&format!("{url}/nodes/{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_resource_shows_its_history() {
    let (world, mut browser, url) = device(false).await;
    for level in [90, 89, 88] {
        world.report(1, &[("/3/0/9", Value::Integer(level))]).await;
    }
    let page = browser.get(&format!("{url}/nodes/3/0/9")).await;
    assert_eq!(page.texts("#history tbody td:first-child"), ["88", "89", "90"]);
    assert!(page.text("svg title").contains("Battery Level over time"));
    assert!(page.text("svg desc").starts_with("3 values"), "{}", page.text("svg desc"));
    assert!(page.texts(".chart details tbody td:last-child").contains(&"88 %".to_owned()));
    assert_eq!(page.text("#latest td:nth-child(2)"), "88 %");
}

#[tokio::test]
async fn the_timeline_is_paged() {
    let (world, mut browser, url) = device(false).await;
    for count in 0..60 {
        let entry = fleet::TimelineEntry {
            device: fleet::DeviceId(1),
            at: world.now(),
            kind: fleet::TimelineKind::Updated,
            request: None,
            detail: format!("entry {count}"),
        };
        let commit = fleet::Commit { changes: vec![fleet::Change::Timeline(entry)], audit: Vec::new() };
        fleet::Store::commit(&*world.store, commit).await.unwrap();
    }
    let first = browser.get(&format!("{url}/timeline")).await;
    assert_eq!(first.texts(".timeline li").len(), 50);
    assert!(first.texts(".timeline li")[0].contains("entry 59"));
    let next = browser.get(&first.attributes("a[rel=next]", "href")[0]).await;
    assert_eq!(next.texts(".timeline li").len(), 11);
    assert_eq!(browser.get(&url).await.texts("#device-timeline li").len(), 8);
}

#[tokio::test]
async fn each_tab_is_a_page_that_works_for_a_device_that_never_registered_too() {
    let world = World::new().await;
    let made = crate::sample::everything(&world, "node").await;
    let mut browser = Browser::logged_in(&world).await;
    let url = format!("/devices/{}", made.device);
    let page = browser.get(&url).await;
    assert_eq!(page.text("#device-state .badge"), "Awaited");
    let tabs = page.attributes("ul.tabs a", "href");
    assert_eq!(tabs.len(), 11);
    for tab in tabs {
        let page = browser.get(&tab).await;
        assert_eq!(page.status, 200, "{tab}");
        assert_eq!(page.attributes("ul.tabs a[aria-current=page]", "href"), [tab]);
    }
}

#[tokio::test]
async fn values_are_listed_and_drawn_with_their_table_beside_them() {
    let (world, mut browser, url) = device(false).await;
    for level in 0..400 {
        world.report(1, &[("/3/0/9", Value::Integer(level % 100))]).await;
    }
    world.report(1, &[("/3/0/0", Value::String("Open Mobile Garden".into()))]).await;
    let page = browser.get(&format!("{url}/values")).await;
    assert_eq!(page.texts("#values tbody tr").len(), 2);
    assert!(!page.has("svg.chart, figure svg"));
    assert_eq!(page.attributes("#path option", "value"), ["/3/0/9"], "a text has no chart");
    let page = browser.get(&format!("{url}/values?path=/3/0/9")).await;
    let points = page.attributes("figure polyline", "points").remove(0);
    assert!(points.split(' ').count() <= 300, "{points}");
    assert!(page.text("figure desc").contains("lowest 0 %, highest 99 %"));
    assert!(page.texts("figure tbody tr").len() <= 300);
}
