//! Configuration in the console: baselines, what a change would do, and the tab of a device.

use fleet::{
    Change, Commit, Store as _,
    configuration::{ConfigurationChange, ConfiguredState, LevelName},
    store::Configurations as _,
};
use objects::Version;

use crate::{
    browser::Browser,
    sample::context,
    world::{LINKS, SampleDevice, World, public_id},
};

async fn world() -> (World, Browser) {
    let world = World::new().await;
    let device =
        SampleDevice { id: 1, endpoint: "node-1", lwm2m: Version::V1_1, queue_mode: false, links: LINKS };
    world.register(&device).await;
    let browser = Browser::logged_in(&world).await;
    (world, browser)
}

const FLEET: &str = "/configuration/baselines/fleet";

#[tokio::test]
async fn a_baseline_is_tried_saved_and_rolled_back() {
    let (world, mut browser) = world().await;
    assert!(browser.get("/configuration").await.body.contains("Nothing is wanted of any device"));
    let list = browser.get("/configuration/baselines").await;
    assert!(list.text("#baselines").contains("All devices") && list.text("#baselines").contains("default"));
    let page = browser.get(FLEET).await;
    let (lines, ticket) = (("lines", "/1/0/1 = 60"), ("ticket", "CHG-1"));
    let tried = browser.submit(&page, "form#baseline", &[lines, ticket, ("try", "1")]).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    assert!(tried.text("#run").contains("node-1") && tried.text("#run").contains("/1/0/1"));
    let none = world.fleet.baseline(&context(world.now()), &LevelName::Fleet, None).await.unwrap();
    assert_eq!(none, None, "nothing was saved");
    let wrong = browser.submit(&page, "form#baseline", &[("lines", "/1/0/1 = soon")]).await;
    assert!(wrong.text("#field-lines-problem").contains("ine 1"), "{}", wrong.body);
    let saved = browser.submit(&page, "form#baseline", &[lines, ticket]).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let page = browser.follow(&saved).await;
    assert!(page.text("#done").contains("new version") && page.text("#versions").contains("CHG-1"));
    // The same by its meaning.
    let server = [("lifetime", "900"), ("mute", "true")];
    let saved = browser.submit(&page, "form#server", &server).await;
    let page = browser.follow(&saved).await;
    assert!(page.text("#field-lines").contains("/1/0/1 = 900"), "{}", page.body);
    let back = browser.submit(&page, "form.roll-back", &[]).await;
    let page = browser.follow(&back).await;
    assert!(page.text("#field-lines").contains("/1/0/1 = 60"));
    let newest = world.fleet.baseline(&context(world.now()), &LevelName::Fleet, None).await.unwrap().unwrap();
    assert_eq!((newest.version, newest.rolls_back_to), (3, Some(1)));
}

#[tokio::test]
async fn two_versions_are_compared_and_secrets_stay_secret() {
    let (_world, mut browser) = world().await;
    let page = browser.get(FLEET).await;
    assert!(!page.body.contains("Compare versions"));
    assert_eq!(browser.get(&format!("{FLEET}/compare")).await.status, 404, "there is no version yet");
    let first = "/1/0/1 = 60\n/1/0/2 = 5\n/3/0/14 secret tea\n/3303/0/5700 ? pmin=10";
    browser.submit(&page, "form#baseline", &[("lines", first)]).await;
    let page = browser.get(FLEET).await;
    let second = "/1/0/1 = 900\n/3/0/14 secret milk\n/3303/0/5700 ? pmin=10\n/3/0/15 = Europe/Rome";
    let saved = browser.submit(&page, "form#baseline", &[("lines", second), ("mode", "report")]).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert!(browser.follow(&saved).await.body.contains("Compare versions"));
    let page = browser.get(&format!("{FLEET}/compare")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let cells = page.texts("#differences tbody th, #differences tbody td");
    assert_eq!(cells[..3], ["/1/0/1", "60", "900"]);
    assert_eq!(cells[3..6], ["/1/0/2", "5", "not wanted"]);
    assert_eq!(cells[6..9], ["/3/0/14", "(secret)", "(another secret)"]);
    assert_eq!(cells[9..12], ["/3/0/15", "not wanted", "Europe/Rome"]);
    assert_eq!(cells[12..], ["Mode", "repair", "report"]);
    assert!(!page.body.contains("secret tea") && !page.body.contains("milk"), "{}", page.body);
    let same = browser.get(&format!("{FLEET}/compare?from=2&to=2")).await;
    assert!(same.body.contains("They want the same"), "{}", same.body);
    assert_eq!(browser.get(&format!("{FLEET}/compare?from=1&to=9")).await.status, 404);
}

#[tokio::test]
async fn a_device_that_drifted_is_listed_and_repaired() {
    let (world, mut browser) = world().await;
    let tab = format!("/devices/{}/configuration", public_id(1));
    assert!(browser.get(&tab).await.body.contains("Nothing is wanted of this device"));
    let page = browser.get(FLEET).await;
    browser.submit(&page, "form#baseline", &[("lines", "/1/0/1 = 60"), ("mode", "ask")]).await;
    let device = fleet::DeviceId(1);
    let mut row = fleet::configuration::Configured::new(device, public_id(1), world.now());
    row.state = ConfiguredState::Flapping;
    let change = Change::Configuration(ConfigurationChange::Saved(Box::new(row)));
    world.store.commit(Commit { changes: vec![change], audit: Vec::new() }).await.unwrap();
    let list = browser.get("/configuration?state=flapping").await;
    assert!(list.text("#configurations").contains("node-1") && list.text("#counts").contains('1'));
    let page = browser.get(&tab).await;
    assert!(page.text("#lines").contains("/1/0/1") && page.text("#stands").contains("Flapping"));
    for (act, word) in [("repair", "listens"), ("resume", "goes on")] {
        let done = browser.submit(&page, "form#act", &[("act", act), ("ticket", "CHG-2")]).await;
        assert_eq!(done.status, 303, "{}", done.body);
        assert!(browser.follow(&done).await.text("#done").contains(word));
    }
    let row = world.store.configured(device).await.unwrap().unwrap();
    assert_eq!((row.repair_at.is_some(), row.resume_at.is_some()), (true, true));
}
