//! Credentials of a device: added, rotated, revoked; and the device removed.

use fleet::{Change, ClassId, Commit, Device, DeviceId, DomainId, EndpointName, PublicId, Store};

use crate::{
    browser::Browser,
    sample::{context, everything},
    world::World,
};

async fn device() -> (World, Browser, String) {
    let world = World::new().await;
    let made = everything(&world, "node").await;
    let browser = Browser::logged_in(&world).await;
    (world, browser, format!("/devices/{}", made.device))
}

fn states(page: &crate::browser::Answer) -> Vec<String> {
    page.texts("#credentials .badge")
}

#[tokio::test]
async fn credentials_are_listed_with_state_lineage_and_last_use() {
    let (_world, mut browser, url) = device().await;
    let page = browser.get(&format!("{url}/credentials")).await;
    assert_eq!(states(&page), ["Staged: not proved yet", "Staged: not proved yet"]);
    let rows = page.texts("#credentials tbody tr");
    assert!(rows.iter().any(|row| row.contains("bootstrap") && row.contains("never")), "{rows:?}");
}

#[tokio::test]
async fn a_credential_is_added_and_shown_once() {
    let (_world, mut browser, _) = device().await;
    let form = browser.get("/enrolment").await;
    let made = browser.submit(&form, "#add", &[("endpoint", "node-8")]).await;
    let url = browser.follow(&made).await.attributes("main a.button.primary", "href").remove(0);
    let page = browser.get(&format!("{url}/credentials")).await;
    let added = browser
        .submit(&page, "form.card", &[("purpose", "management"), ("identity", "second"), ("key", "")])
        .await;
    let shown = browser.follow(&added).await;
    assert_eq!(shown.text("#identity-management"), "second");
    let key = shown.text("#key-management");
    assert_eq!(key.len(), 32);
    let page = browser.get(&format!("{url}/credentials")).await;
    assert!(page.body.contains("second") && !page.body.contains(&key));
}

#[tokio::test]
async fn a_revocation_takes_the_name_and_a_reason() {
    let (_world, mut browser, url) = device().await;
    let page = browser.get(&format!("{url}/credentials")).await;
    let revoke = page.attributes("#credentials a.danger", "href").remove(0);
    let ask = browser.get(&revoke).await;
    assert_eq!(ask.text("#expected"), "node-new");
    for (typed, reason) in [("", "lost"), ("node", "lost"), ("node-new", ""), ("node-new", " ")] {
        let refused = browser.submit(&ask, "#confirm", &[("typed", typed), ("reason", reason)]).await;
        assert_eq!(refused.status, 422, "{typed} {reason}");
        assert!(refused.has("[aria-invalid=true]"));
    }
    let done = browser.submit(&ask, "#confirm", &[("typed", "node-new"), ("reason", "lost")]).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#done").starts_with("Revoked"));
    assert!(states(&page).contains(&"Revoked".to_owned()), "{:?}", states(&page));
}

#[tokio::test]
async fn revoking_the_device_takes_all_of_them() {
    let (_world, mut browser, url) = device().await;
    let ask = browser.get(&format!("{url}/revoke")).await;
    let done = browser.submit(&ask, "#confirm", &[("typed", "node-new"), ("reason", "stolen")]).await;
    assert!(browser.follow(&done).await.text("#done").starts_with("Revoked"));
    let page = browser.get(&format!("{url}/credentials")).await;
    assert_eq!(states(&page), ["Revoked", "Revoked"]);
    assert!(!page.has("#credentials .row-actions"));
}

#[tokio::test]
async fn a_removed_device_leaves_the_list_and_comes_back_by_a_new_enrolment_only() {
    let (_world, mut browser, url) = device().await;
    let ask = browser.get(&format!("{url}/remove")).await;
    let filled = [("typed", "node-new"), ("reason", "sold"), ("keep_data", "on")];
    let done = browser.submit(&ask, "#confirm", &filled).await;
    assert_eq!(done.location(), url);
    assert_eq!(browser.follow(&done).await.text("#device-state .badge"), "Removed");
    assert!(!browser.get("/devices").await.body.contains("node-new"));
    assert!(browser.get("/devices?state=removed").await.body.contains("node-new"));
}

#[tokio::test]
async fn many_are_removed_from_a_list_that_was_frozen() {
    let (world, mut browser, _) = device().await;
    for name in ["batch-1", "batch-2", "other"] {
        let new = fleet::NewDevice {
            endpoint: EndpointName::new(name).unwrap(),
            class: None,
            bootstrap: Some(fleet::GivenPsk::default().into()),
            management: None,
        };
        world.fleet.add_device(&context(world.now()), new).await.unwrap();
    }
    let list = browser.get("/devices?prefix=batch").await;
    let chosen = browser.submit(&list, "#selection", &[("all", "1")]).await;
    let ask = browser.follow(&chosen).await;
    assert_eq!(ask.text("h1"), "Remove 2 devices");
    assert_eq!(ask.texts("#items li"), ["batch-1", "batch-2"]);
    // What has come since is not in it.
    let new = fleet::NewDevice {
        endpoint: EndpointName::new("batch-3").unwrap(),
        class: None,
        bootstrap: Some(fleet::GivenPsk::default().into()),
        management: None,
    };
    world.fleet.add_device(&context(world.now()), new).await.unwrap();
    let refused = browser.submit(&ask, "#confirm", &[("typed", "remove"), ("reason", "old")]).await;
    assert_eq!(refused.status, 422);
    let done = browser.submit(&ask, "#confirm", &[("typed", "remove 2 devices"), ("reason", "old")]).await;
    let mut report = browser.follow(&done).await;
    while !report.has("#report") {
        tokio::task::yield_now().await;
        report = browser.follow(&done).await;
    }
    assert!(report.text("#report").starts_with("2 removed"), "{}", report.text("#report"));
    let names = browser.get("/devices").await.texts("#devices .device-name");
    assert_eq!(names, ["batch-3", "node-new", "other"]);
}

#[tokio::test]
async fn a_removal_says_when_more_match_than_it_takes() {
    let world = World::new().await;
    let added = |id: i64| {
        Change::DeviceAdded(Device {
            id: DeviceId(id),
            public_id: PublicId::from_random(i128::from(id).to_be_bytes()),
            domain: DomainId::ROOT,
            class: ClassId::DEFAULT,
            endpoint: EndpointName::new(format!("node-{id}")).unwrap(),
            created_at: world.now(),
            removed_at: None,
        })
    };
    let add = async |changes| world.store.commit(Commit { changes, audit: Vec::new() }).await.unwrap();
    add((1..=10_000).map(added).collect()).await;
    let mut browser = Browser::logged_in(&world).await;
    for is_cut in [false, true] {
        let list = browser.get("/devices").await;
        let chosen = browser.submit(&list, "#selection", &[("all", "1")]).await;
        let ask = browser.follow(&chosen).await;
        assert_eq!(ask.text("h1"), "Remove 10000 devices");
        let said = ask.body.contains("More devices match than one removal takes: these are the first 10000.");
        assert_eq!(said, is_cut);
        if !is_cut {
            add(vec![added(10_001)]).await;
        }
    }
}

#[tokio::test]
async fn a_bootstrap_session_is_shown_with_every_step_and_answer() {
    let (_world, mut browser, url) = device().await;
    let page = browser.get(&format!("{url}/security")).await;
    assert_eq!(page.texts("#bootstraps .badge"), ["Finished", "Failed"]);
    let failed = page.attributes("#bootstraps a", "href").remove(1);
    let page = browser.get(&failed).await;
    assert!(page.text("#reason").contains("/1/0/7 is missing"));
    let steps = page.texts("#steps li");
    assert_eq!(steps.len(), 5);
    assert!(steps[4].contains("Finish") && steps[4].contains("4.06"), "{steps:?}");
    assert!(!page.has("#repairs"));
}

#[tokio::test]
async fn a_bootstrap_that_put_something_right_says_what() {
    let (_world, mut browser, url) = device().await;
    let page = browser.get(&format!("{url}/security")).await;
    assert!(page.text("#bootstraps").contains("repaired, 1 round"), "{}", page.body);
    let repaired = page.attributes("#bootstraps a", "href").remove(0);
    let page = browser.get(&repaired).await;
    let said = page.text("#repairs");
    for part in ["Finish: 4.06", "/1/3 is left over: the plan deletes it", "Delete /1/3: 2.02"] {
        assert!(said.contains(part), "{said}");
    }
}

#[tokio::test]
async fn a_plan_is_saved_for_one_device_and_taken_back() {
    let (_world, mut browser, url) = device().await;
    let page = browser.get(&format!("{url}/security")).await;
    assert!(page.body.contains("the plan of its class"));
    let wrong = browser.submit(&page, "#plan", &[("lifetime", "soon"), ("writes.0.path", "x")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("#field-lifetime-problem") && wrong.body.contains("is no path"), "{}", wrong.body);
    let written = [("lifetime", "600"), ("writes.0.path", "/3/0/15"), ("writes.0.value", "Europe/Berlin")];
    let done = browser.submit(&page, "#plan", &written).await;
    let page = browser.follow(&done).await;
    assert!(page.body.contains("a plan of its own"));
    assert_eq!(page.attributes("#field-lifetime", "value"), ["600"]);
    assert!(page.text("#plan-writes").contains("Europe/Berlin"));
    let done = browser.submit(&page, "#plan", &[("remove", "1")]).await;
    assert!(browser.follow(&done).await.body.contains("the plan of its class"));
}
