//! The connection diary, and who knocked and is no device.

use crate::{browser::Browser, sample::everything, world::World};

async fn diary() -> (World, Browser) {
    let world = World::new().await;
    everything(&world, "node").await;
    let browser = Browser::logged_in(&world).await;
    (world, browser)
}

#[tokio::test]
async fn it_groups_by_cause_and_leads_to_a_remedy() {
    let (_world, mut browser) = diary().await;
    let page = browser.get("/diary").await;
    assert_eq!(page.texts("#diary tbody tr").len(), 4);
    let one = browser.get("/diary?cause=wrong-key").await;
    assert_eq!(one.texts("#diary tbody tr").len(), 1);
    let entry = browser.get(&one.attributes("#diary a", "href")[0]).await;
    assert_eq!(entry.text("#remedy"), fleet::DiaryCause::WrongKey.remedy());
    assert_eq!(entry.texts("main a.device-name"), ["node-new"]);
    assert!(!entry.has("#add") && !entry.has("#approve"));
}

#[tokio::test]
async fn who_is_unknown_is_added_with_what_it_said() {
    let (_world, mut browser) = diary().await;
    let rows = browser.get("/devices?state=unmanaged").await;
    assert_eq!(rows.texts("#unmanaged tbody th"), ["node", "node"]);
    let list = browser.get("/diary?cause=unknown-identity").await;
    let entry = browser.get(&list.attributes("#diary a", "href")[0]).await;
    let form = browser.get(&entry.attributes("#add", "href")[0]).await;
    // It came to the management server: it has a key for that, and does not bootstrap.
    assert_eq!(form.attributes("#field-endpoint, #field-management_identity", "value"), ["node", "node"]);
    assert!(form.has("#field-management[checked]") && !form.has("#field-bootstrap[checked]"));
    let bootstrap = browser.get("/enrolment?identity=node&at=coaps%3A%2F%2F0.0.0.0%3A5784").await;
    assert_eq!(bootstrap.attributes("#field-endpoint, #field-identity", "value"), ["node", "node"]);
    assert!(bootstrap.has("#field-bootstrap[checked]") && !bootstrap.has("#field-management[checked]"));
    let unprintable = browser.get("/enrolment?identity=hex%3Aff00&at=coaps%3A%2F%2F0.0.0.0%3A5784").await;
    assert_eq!(unprintable.attributes("#field-endpoint", "value"), [""]);
    let added = browser.submit(&form, "#add", &[]).await;
    assert!(added.location().starts_with("/shown/"), "{}", added.body);
}

#[tokio::test]
async fn a_second_claim_waits_for_an_approval() {
    let (_world, mut browser) = diary().await;
    let list = browser.get("/diary?cause=second-claim").await;
    let entry = browser.get(&list.attributes("#diary a", "href")[0]).await;
    assert_eq!(entry.texts("#approve button"), ["Approve once more"]);
}

#[tokio::test]
async fn what_was_dealt_with_is_gone() {
    let (_world, mut browser) = diary().await;
    let list = browser.get("/diary?cause=unknown-identity").await;
    let entry = browser.get(&list.attributes("#diary a", "href")[0]).await;
    let done = browser.submit(&entry, "#clear", &[]).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#done").starts_with("Dealt with"));
    assert_eq!(page.texts("#diary tbody tr").len(), 3);
}

#[tokio::test]
async fn the_overview_counts_by_cause_with_links() {
    let (_world, mut browser) = diary().await;
    let page = browser.get("/").await;
    let links = page.attributes("#refused a", "href");
    assert!(links.contains(&"/diary?cause=wrong-key".to_owned()), "{links:?}");
}

#[tokio::test]
async fn one_box_finds_an_endpoint_a_beginning_and_an_identity() {
    let (_world, mut browser) = diary().await;
    let list = browser.get("/devices").await;
    let device = list.attributes("#devices .device-name", "href").remove(0);
    // The bootstrap identity that was made is the endpoint name: the management one is another.
    let credentials = browser.get(&format!("{device}/credentials")).await;
    let identity = credentials.texts("#credentials td[data-label=Identity] bdi").remove(0);
    for text in ["node-new", "node-n", &crate::browser::encoded(&identity)] {
        assert_eq!(browser.get(&format!("/search?q={text}")).await.location(), device, "{text}");
    }
    assert_eq!(browser.get("/search?q=nobody").await.location(), "/devices?prefix=nobody");
}
