//! What a class wishes to be told of, and what a device's page says of it.

use fleet::{
    Change, Commit, DeviceId, Store as _,
    wish::{NoComposites, WishChange},
};
use objects::{Value, Version};

use crate::{
    browser::Browser,
    world::{LINKS, SampleDevice, World, path, public_id},
};

#[tokio::test]
async fn a_class_says_what_is_observed_line_by_line() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let url = "/enrolment/classes/default";
    let page = browser.get(url).await;
    let wrong = "/3/0/9\r\n/3/0/4\r\nheat\r\n/3303/*/5700 pmin=9 pmax=1";
    let again = browser.submit(&page, "#wishes", &[("lines", wrong)]).await;
    assert_eq!(again.status, 422);
    let problems = again.text("section:has(#wishes)");
    assert!(
        problems.contains("Line 3: `heat` is no path") && problems.contains("Line 4: pmin (9 s)"),
        "{problems}"
    );
    assert!(again.text("#wishes textarea").contains("/3303/*/5700 pmin=9"), "what was typed is there");
    let again = browser.submit(&page, "#wishes", &[("lines", "/3/0/9\r\n/3/0/4")]).await;
    assert!(again.text("section:has(#wishes)").contains("Line 2: /3/0/4 can't be read"));

    let right = "/3303/*/5700 pmin=1 pmax=9\r\n\r\n/3/0/9";
    let done = browser.submit(&page, "#wishes", &[("lines", right)]).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#done").starts_with("Saved."));
    assert_eq!(page.text("#wishes textarea"), "/3303/*/5700 pmin=1 pmax=9 /3/0/9");
}

#[tokio::test]
async fn a_device_page_says_what_is_observed_by_whom_and_what_is_not() {
    let world = World::new().await;
    world
        .register(&SampleDevice {
            id: 1,
            endpoint: "node-7",
            lwm2m: Version::V1_0,
            queue_mode: false,
            links: LINKS,
        })
        .await;
    for at in ["/3/0/9", "/3/0/13"] {
        world.script.value(1, at, Value::Integer(87));
    }
    let mut browser = Browser::logged_in(&world).await;
    let url = format!("/devices/{}", public_id(1));
    let page = browser.get(&format!("{url}/nodes/3/0/9")).await;
    browser.submit(&page, "form:has(button[value=observe])", &[("op", "observe")]).await;
    let page = browser.get("/enrolment/classes/default").await;
    browser.submit(&page, "#wishes", &[("lines", "/3/0/9\n/3/0/13\n/1/0/1")]).await;
    let refused = fleet::Outcome::Refused {
        code: fleet::ResponseCode { class: 4, detail: 4 },
        diagnostic: "<no>".to_owned(),
    };
    world.script.next_outcome(refused);
    world.fleet.tend(DeviceId(1), || world.now()).await.unwrap();
    let unanswered = Some(NoComposites {
        at: world.now(),
        lwm2m: Version::V1_0,
        reason: "5.01 Not Implemented".to_owned(),
    });
    let change = Change::Wish(WishChange::Composites { device: DeviceId(1), unanswered });
    world.store.commit(Commit { changes: vec![change], audit: Vec::new() }).await.unwrap();

    let page = browser.get(&url).await;
    let rows = page.text("#device-observations tbody");
    assert!(rows.contains("/3/0/9by hand") && rows.contains("/3/0/13by its class"), "{rows}");
    let troubles = page.text("#wish-troubles");
    assert!(troubles.contains("/1/0/1 is not observed: 4.04 Not Found: <no>. Tried 1 times"), "{troubles}");
    assert!(troubles.contains("again in 1 min"), "{troubles}");
    assert!(page.text("#no-composites").contains("5.01 Not Implemented"));
    assert!(!page.has("#left-out"));
    let stored = world.store.observations(DeviceId(1)).await.unwrap();
    assert!(stored.iter().all(|observation| observation.target != path("/1/0/1").into()));

    let page = browser.get("/enrolment/classes/default").await;
    browser.submit(&page, "#wishes", &[("lines", "/3/0/9\n/7/*/2 pmin=5")]).await;
    let left_out = browser.get(&url).await.text("#left-out li");
    assert_eq!(left_out, "/7/*/2 pmin=5: the device has registered nothing there.");
}
