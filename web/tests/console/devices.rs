//! The list of devices.

use objects::Version;

use crate::{
    browser::Browser,
    world::{SampleDevice, World},
};

async fn fleet_of(count: i64) -> (World, Browser) {
    let world = World::new().await;
    for id in 1..=count {
        let endpoint = Box::leak(format!("node-{id:03}").into_boxed_str());
        let device =
            SampleDevice { id, endpoint, lwm2m: Version::V1_0, queue_mode: id == 1, links: "</3/0>" };
        world.register(&device).await;
    }
    let browser = Browser::logged_in(&world).await;
    (world, browser)
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let (_world, mut browser) = fleet_of(120).await;
    let (mut seen, mut url) = (Vec::new(), "/devices".to_owned());
    for rows in [50, 50, 20] {
        let page = browser.get(&url).await;
        let names = page.texts("#devices .device-name");
        assert_eq!(names.len(), rows);
        seen.extend(names);
        url = page.attributes("a[rel=next]", "href").pop().unwrap_or_default();
        assert!(page.body.len() < 60 * 1024, "{} bytes", page.body.len());
    }
    assert_eq!(url, "");
    let all: Vec<String> = (1..=120).map(|id| format!("node-{id:03}")).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn the_address_holds_the_view() {
    let (_world, mut browser) = fleet_of(120).await;
    let page = browser.get("/devices?prefix=node-0&state=registered&order=seen").await;
    assert!(
        page.attributes("a[href^='/devices/export']", "href")[0].contains("prefix=node-0&state=registered")
    );
    assert_eq!(page.attributes("#prefix", "value"), ["node-0"]);
    assert_eq!(page.texts("option[selected]"), ["Registered", "Any class", "Any", "Last heard first"]);
    let next = page.attributes("a[rel=next]", "href").remove(0);
    assert!(next.starts_with("/devices?prefix=node-0&state=registered&order=seen&after="), "{next}");
    let next = browser.get(&next).await;
    assert_eq!(next.texts("#devices .device-name").len(), 49);
    assert_eq!(next.attributes(".pager a", "href"), ["/devices?prefix=node-0&state=registered&order=seen"]);
}

#[tokio::test]
async fn a_filter_that_matches_nothing_says_so() {
    let (_world, mut browser) = fleet_of(1).await;
    let page = browser.get("/devices?prefix=other").await;
    assert_eq!(page.text(".empty h2"), "No device matches");
    assert_eq!(browser.get("/devices?state=expired").await.texts("#devices tr").len(), 0);
}

#[tokio::test]
async fn a_row_tells_state_version_and_address_in_words() {
    let (_world, mut browser) = fleet_of(1).await;
    let page = browser.get("/devices").await;
    let cells = page.texts("#devices tbody td:not(.choose)");
    assert_eq!(
        cells,
        ["Registered", "default", "none", "1.0 queue mode", "192.0.2.1:56830", "just now", "in 5 min"]
    );
}

#[tokio::test]
async fn the_columns_are_chosen_in_the_address() {
    let (_world, mut browser) = fleet_of(60).await;
    let page = browser.get("/devices?column=class&column=id").await;
    let heads = page.texts("#devices thead th");
    assert_eq!(heads[1..], ["Endpoint", "State", "Class", "Id"]);
    let next = page.attributes("a[rel=next]", "href").remove(0);
    assert!(next.starts_with("/devices?columns=class.id&after="), "{next}");
    assert_eq!(browser.get(&next).await.texts("#devices thead th"), heads);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let (world, mut browser) = fleet_of(3).await;
    crate::sample::everything(&world, "sample").await;
    for (query, count) in [
        ("class=sample", 1),
        ("class=default", 3),
        ("class=nowhere", 0),
        ("security=psk", 1),
        ("security=none", 3),
        ("state=awaited", 1),
        ("state=registered&security=none&class=default&prefix=node", 3),
    ] {
        let page = browser.get(&format!("/devices?{query}")).await;
        assert_eq!(page.texts("#devices tbody tr").len(), count, "{query}");
    }
}
