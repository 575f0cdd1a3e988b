//! Updates: the firmware tab of a device, the list, the page of one, and many devices at once.

use fleet::{
    Change, Commit, Store as _,
    store::Updates as _,
    update::{Update, UpdateChange, UpdatePhase},
};
use objects::{Value, Version};

use crate::{
    browser::{Answer, Browser},
    images::firmware,
    sample::context,
    world::{LINKS, SampleDevice, World, public_id},
};

async fn world_of(devices: i64) -> (World, Browser) {
    let world = World::new().await;
    for id in 1..=devices {
        let endpoint = Box::leak(format!("node-{id}").into_boxed_str());
        let device = SampleDevice { id, endpoint, lwm2m: Version::V1_1, queue_mode: false, links: LINKS };
        world.register(&device).await;
    }
    let browser = Browser::logged_in(&world).await;
    (world, browser)
}

fn tab(id: i64) -> String {
    format!("/devices/{}/firmware", public_id(id))
}

/// Begins an update of a device by its tab; gives the page of the update.
async fn begun(world: &World, browser: &mut Browser, id: i64) -> (String, Answer) {
    let artefact = firmware(&world.fleet, &context(world.now()), "boot", "2.0").await;
    let page = browser.get(&tab(id)).await;
    let filled = [("artefact", &artefact.id.to_string()[..]), ("ticket", "CHG-7")];
    let answer = browser.submit(&page, "form#begin", &filled).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let url = answer.location().split('?').next().unwrap().to_owned();
    let page = browser.follow(&answer).await;
    (url, page)
}

async fn change(world: &World, url: &str, change: impl FnOnce(&mut Update)) {
    let id = url.rsplit('/').next().unwrap().parse().unwrap();
    let mut row = world.store.update(id).await.unwrap().unwrap();
    change(&mut row);
    let changes = vec![Change::Update(UpdateChange::Saved(Box::new(row)))];
    world.store.commit(Commit { changes, audit: Vec::new() }).await.unwrap();
}

#[tokio::test]
async fn an_update_is_begun_on_the_tab_of_a_device_and_found_again() {
    let (world, mut browser) = world_of(1).await;
    assert!(browser.get(&tab(1)).await.body.contains("There is no artefact"), "nothing was uploaded");
    let (url, page) = begun(&world, &mut browser, 1).await;
    assert!(page.text("#done").contains("begun"));
    assert!(page.text("h1").contains("2.0") && page.text("main").contains("CHG-7"));
    assert!(page.text("#terms").contains("Must run it for"));
    for list in ["/updates".to_owned(), "/updates?phase=running".to_owned(), tab(1)] {
        let page = browser.get(&list).await;
        assert_eq!(
            page.attributes("#updates tbody td:first-child a[href^='/updates/']", "href"),
            std::slice::from_ref(&url),
            "{list}"
        );
    }
    assert!(browser.get("/updates").await.text("#counts").contains("Waiting"));
    assert!(!browser.get("/updates?phase=failed").await.has("#updates"));
    let again = browser.get(&tab(1)).await;
    let artefact = again.attributes("select#field-artefact option", "value").remove(0);
    let refused = browser.submit(&again, "form#begin", &[("artefact", &artefact)]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text(".notice.bad").contains("being updated already"), "{}", refused.body);
}

#[tokio::test]
async fn terms_that_can_not_be_are_shown_with_what_is_wrong() {
    let (world, mut browser) = world_of(1).await;
    let artefact = firmware(&world.fleet, &context(world.now()), "boot", "2.0").await;
    let page = browser.get(&tab(1)).await;
    assert!(!page.has("form#begin details[open]"), "the usual terms are folded away");
    let id = artefact.id.to_string();
    for (field, value) in [("quiet_minutes", "soon"), ("give_up_days", "366"), ("attempts", "900")] {
        let refused = browser.submit(&page, "form#begin", &[("artefact", &id[..]), (field, value)]).await;
        assert_eq!(refused.status, 422, "{field}");
        assert!(
            refused.has(&format!("form#begin details[open] #field-{field}[aria-invalid]")),
            "{}",
            refused.body
        );
        assert_eq!(refused.attributes(&format!("#field-{field}"), "value"), [value]);
    }
    assert!(!browser.get("/updates").await.has("#updates"));
}

#[tokio::test]
async fn how_far_an_update_is_and_what_its_result_means_stands_on_its_page() {
    let (world, mut browser) = world_of(1).await;
    let (url, _) = begun(&world, &mut browser, 1).await;
    change(&world, &url, |row| {
        (row.phase, row.sent) = (UpdatePhase::Delivering, 1_024);
        row.note(row.created_at, "the package goes on at byte 1024");
    })
    .await;
    for page in [browser.get(&url).await, browser.get(&tab(1)).await] {
        assert_eq!(page.attributes("progress", "value"), ["1024"]);
        assert_eq!(page.attributes("progress", "max"), ["4096"]);
        assert!(page.text("main").contains("1.0 KiB of 4.0 KiB"));
        assert!(page.text("ol.timeline").contains("goes on at byte 1024"));
        assert!(page.has("main[data-live]"));
    }
    change(&world, &url, |row| {
        (row.phase, row.result, row.ended_at) = (UpdatePhase::Failed, Some(2), Some(row.created_at));
        row.note(row.created_at, "the device has no room for it");
    })
    .await;
    let page = browser.get(&url).await;
    assert!(page.text(".notice.bad").contains("not enough flash memory"));
    assert!(page.text(".notice.bad").contains("free storage on the device"));
    assert!(!page.has("main[data-live]") && !page.has("button[formaction]"), "it has ended");
    assert!(browser.get(&tab(1)).await.text("#firmware-running").contains("No update goes on"));
}

#[tokio::test]
async fn what_the_device_says_that_it_runs_is_put_into_words() {
    let (world, mut browser) = world_of(1).await;
    assert!(browser.get(&tab(1)).await.text("#firmware-runs").contains("has not said yet"));
    world
        .report(
            1,
            &[
                ("/3/0/3", Value::String("1.9".into())),
                ("/5/0/7", Value::String("2.0-rc".into())),
                ("/5/0/3", Value::Integer(0)),
                ("/5/0/5", Value::Integer(8)),
            ],
        )
        .await;
    let runs = browser.get(&tab(1)).await.text("#firmware-runs");
    for said in ["1.9", "2.0-rc", "0: idle", "8: installing failed", "read the device's log"] {
        assert!(runs.contains(said), "{said}: {runs}");
    }
}

#[tokio::test]
async fn an_update_is_cancelled_and_let_off_by_its_buttons() {
    let (world, mut browser) = world_of(1).await;
    let (url, page) = begun(&world, &mut browser, 1).await;
    let actions = page.attributes("button[formaction]", "formaction");
    assert_eq!(actions, [format!("{url}/cancel"), format!("{url}/let-off")]);
    let (_, fields) = page.form("form#actions");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    for action in actions.iter().rev() {
        assert_eq!(browser.post(action, &fields).await.status, 303, "{action}");
    }
    let page = browser.get(&url).await;
    assert!(page.text("main").contains("Somebody wants it to end"));
    assert!(!page.has("button[formaction]"), "nothing is left to be asked");
}

#[tokio::test]
async fn many_devices_are_shown_again_before_they_are_updated() {
    let (world, mut browser) = world_of(3).await;
    let artefact = firmware(&world.fleet, &context(world.now()), "boot", "2.0").await.id.to_string();
    begun(&world, &mut browser, 2).await;
    let list = browser.get("/devices").await;
    let (_, fields) = list.form("form#selection");
    let mut fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    let none = browser.post("/updates/several", &fields).await;
    assert!(none.location().contains("nothing-chosen"));
    fields.push(("all", "1"));
    let chosen = browser.post("/updates/several", &fields).await;
    let url = chosen.location().to_owned();
    let page = browser.follow(&chosen).await;
    assert_eq!(page.texts("#items li"), ["node-1", "node-2", "node-3"]);
    let wrong = browser.submit(&page, "#confirm", &[("artefact", &artefact), ("typed", "yes")]).await;
    assert_eq!(wrong.status, 422);
    let typed = [("artefact", &artefact[..]), ("typed", "update 3 devices")];
    assert_eq!(browser.submit(&page, "#confirm", &typed).await.status, 303);
    let report = loop {
        let page = browser.get(&url).await;
        if page.has("#report") {
            break page;
        }
        tokio::task::yield_now().await;
    };
    assert!(report.text("#report").contains("2 begun, 1 not"), "{}", report.body);
    assert_eq!(report.texts("tbody td")[0], "node-2", "it was being updated already");
    let found = browser.get(&report.attributes("#report a", "href")[0]).await;
    assert_eq!(found.texts("#updates tbody tr").len(), 2);
}

#[tokio::test]
async fn a_viewer_looks_and_begins_nothing() {
    let (world, mut administrator) = world_of(1).await;
    let (url, _) = begun(&world, &mut administrator, 1).await;
    let mut viewer = administrator.of_role(&world, "viewer").await;
    for page in ["/updates".to_owned(), url.clone(), tab(1)] {
        let shown = viewer.get(&page).await;
        assert_eq!(shown.status, 200, "{page}");
        assert_eq!(shown.attributes("form[method=post]:has(button)", "action"), ["/logout"], "{page}");
        assert!(!shown.has("button[formaction]"), "{page}");
    }
    let token = viewer.get("/settings").await.attributes("input[name=csrf]", "value").remove(0);
    for (path, fields) in [
        (format!("{url}/cancel"), vec![]),
        (format!("{url}/let-off"), vec![]),
        ("/updates/several".to_owned(), vec![("all", "1"), ("view", "/devices")]),
    ] {
        let answer = viewer.post(&path, &[fields, vec![("csrf", &token[..])]].concat()).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
    }
}
