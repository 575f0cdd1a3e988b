//! What waits for whom, and how long devices listen.

use fleet::{OperationState, Presence, Priority, Store as _, store::PageRequest};
use objects::Version;

use crate::{
    browser::Browser,
    world::{LINKS, SampleDevice, World, public_id},
};

async fn sleepers() -> (World, Browser) {
    let world = World::new().await;
    for (id, endpoint) in [(1, "node-7"), (2, "node-8")] {
        world
            .register(&SampleDevice { id, endpoint, lwm2m: Version::V1_1, queue_mode: true, links: LINKS })
            .await;
        world.script.presence(id, Presence::Asleep);
    }
    let browser = Browser::logged_in(&world).await;
    (world, browser)
}

async fn execute(browser: &mut Browser, id: i64, priority: &str) {
    let page = browser.get(&format!("/devices/{}/nodes/3/0/4", public_id(id))).await;
    let fields = [("op", "execute"), ("priority", priority)];
    let done = browser.submit(&page, "form:has(button[value=execute])", &fields).await;
    assert_eq!(done.status, 303, "{}", done.body);
}

#[tokio::test]
async fn what_waits_is_shown_with_its_device_and_cancelled() {
    let (world, mut browser) = sleepers().await;
    let page = browser.get("/operations/waiting").await;
    assert_eq!(page.text(".empty h2"), "Nothing waits");
    for (id, priority) in [(1, "background"), (1, "urgent"), (2, "normal")] {
        execute(&mut browser, id, priority).await;
    }
    let overview = browser.get("/").await;
    assert!(overview.attributes("#counts a", "href").contains(&"/operations/waiting".to_owned()));
    let page = browser.get("/operations/waiting").await;
    assert_eq!(page.texts("#waiting th[scope=row]"), ["node-7", "node-8", "node-7"]);
    assert_eq!(page.texts("#waiting td[data-label=Priority]"), ["urgent", "normal", "background"]);
    assert!(page.texts("#of-device button").is_empty(), "of all devices nothing is cancelled at one time");
    let page = browser.get("/operations/waiting?priority=normal").await;
    assert_eq!(page.texts("#waiting th[scope=row]"), ["node-8"]);
    let page = browser.get("/operations/waiting?class=other").await;
    assert_eq!(page.text(".empty h2"), "Nothing of that waits");

    let page = browser.get(&format!("/operations/waiting?device={}", public_id(1))).await;
    assert_eq!(page.texts("#waiting th[scope=row]").len(), 2);
    let action = page.attributes("#of-device button", "formaction").remove(0);
    let (_, fields) = page.form("#actions");
    let sent: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let done = browser.post(&action, &sent).await;
    let page = browser.follow(&done).await;
    assert_eq!(page.text("#done"), "All that waited for the device was cancelled.");
    assert_eq!(page.text(".empty h2"), "Nothing of that waits");
    let first = world.store.operations(fleet::DeviceId(1), &PageRequest::first(9)).await.unwrap();
    assert!(first.rows.iter().all(|record| record.state == OperationState::Cancelled));
    assert_eq!(first.rows[0].priority, Priority::Urgent);
    let page = browser.get("/operations/waiting").await;
    assert_eq!(page.texts("#waiting th[scope=row]"), ["node-8"]);
}

#[tokio::test]
async fn the_queue_of_a_device_says_what_is_not_of_the_usual_priority() {
    let (_world, mut browser) = sleepers().await;
    execute(&mut browser, 1, "urgent").await;
    execute(&mut browser, 1, "normal").await;
    let page = browser.get(&format!("/devices/{}/operations", public_id(1))).await;
    assert_eq!(page.texts("tbody .tag"), ["urgent"]);
    let url = page.attributes("tbody td:first-child a", "href").remove(0);
    assert_eq!(browser.get(&url).await.text("#priority"), "normal");
}

#[tokio::test]
async fn an_awake_time_is_said_of_a_device_and_of_a_class() {
    let (_world, mut browser) = sleepers().await;
    let url = format!("/devices/{}", public_id(1));
    let page = browser.get(&url).await;
    assert_eq!(page.text("#awake-time"), "After it was heard it is called for 93 s: the default.");
    let page = browser.get("/enrolment/classes/default").await;
    let again = browser.submit(&page, "#awake", &[("awake_s", "soon")]).await;
    assert_eq!(again.status, 422);
    assert!(again.text("#field-awake_s-problem").contains("whole number"), "{}", again.body);
    let done = browser.submit(&page, "#awake", &[("awake_s", "30")]).await;
    assert_eq!(browser.follow(&done).await.text("#done"), "Saved: it holds from now on.");
    let page = browser.get(&url).await;
    assert_eq!(page.text("#awake-time"), "After it was heard it is called for 30 s: said of its class.");
    let done = browser.submit(&page, "#awake", &[("awake_s", "20")]).await;
    let page = browser.follow(&done).await;
    assert_eq!(page.text("#awake-time"), "After it was heard it is called for 20 s: said of this device.");
    let done = browser.submit(&page, "#awake", &[("awake_s", "")]).await;
    assert!(browser.follow(&done).await.text("#awake-time").contains("30 s"));
}
