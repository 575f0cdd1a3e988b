//! Groups, labels, and which devices are of a class, without a script.

use objects::{Value, Version};

use crate::{
    browser::{Answer, Browser},
    world::{LINKS, SampleDevice, World},
};

async fn crowded() -> (World, Browser) {
    let world = World::new().await;
    for (id, endpoint) in [(1, "node-1"), (2, "node-2"), (3, "gate-3")] {
        let device = SampleDevice { id, endpoint, lwm2m: Version::V1_1, queue_mode: false, links: LINKS };
        world.register(&device).await;
    }
    let browser = Browser::logged_in(&world).await;
    (world, browser)
}

/// Has all devices looked at, as the server does in the background.
async fn sweep(world: &World) {
    world.fleet.evaluate_after(world.now(), None).await.unwrap();
}

#[tokio::test]
async fn a_group_is_put_together_looked_at_and_saved() {
    let (world, mut browser) = crowded().await;
    world.report(1, &[("/3/0/9", Value::Integer(12))]).await;
    assert!(browser.get("/groups").await.body.contains("No groups yet"));
    let form = browser.get("/groups/rule").await;
    assert!(!form.has("#preview"));
    let tried = browser
        .get(
            "/groups/rule?name=low&rule=&rank=&description=to+visit&field1=endpoint&operator1=startsWith&value1=node-\
             &field2=value&of2=%2F3%2F0%2F9&operator2=%3C&value2=20&field3=&operator3=%3D%3D",
        )
        .await;
    let rule = "endpoint.startsWith(\"node-\") && value(\"/3/0/9\") < 20";
    assert_eq!(tried.text("#field-rule").trim(), rule, "what was chosen is written out");
    let preview = tried.text("#preview");
    assert!(
        preview
            .contains("Of all 3 devices the rule holds for 1: 1 would join the group and 0 would leave it"),
        "{preview}"
    );
    assert!(preview.contains("node-1") && preview.contains("it can’t be said"), "{preview}");
    assert!(browser.get("/groups").await.body.contains("No groups yet"), "nothing is saved by looking");
    let saved = browser.submit(&tried, "#save", &[]).await;
    let page = browser.follow(&saved).await;
    assert_eq!((page.text("#rule").as_str(), page.text("#members-count").as_str()), (rule, "0"));
    sweep(&world).await;
    let page = browser.get(saved.location()).await;
    assert_eq!(
        (page.text("#members-count").as_str(), page.texts("#members .device-name")),
        ("1", vec!["node-1".to_owned()])
    );
    let list = browser.get(&page.attributes("section .head-line a.push", "href")[0]).await;
    assert_eq!(list.texts("#devices .device-name"), ["node-1"]);
}

#[tokio::test]
async fn a_rule_that_is_none_is_shown_again_with_what_is_wrong() {
    let (_world, mut browser) = crowded().await;
    let page = browser.get("/groups/rule?name=a&rule=clas+%3D%3D+1").await;
    assert_eq!(page.status, 200);
    assert!(page.text("#field-rule-problem").contains("ine 1, column 1: there is no clas"), "{}", page.body);
    assert!(!page.has("#save"), "and can't be saved");
    let page = browser.get("/groups/rule?name=&rule=true").await;
    let refused = browser.submit(&page, "#save", &[]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.has("#field-name-problem"));
    let forged = browser.submit(&page, "#save", &[("rule", "clas == 1"), ("name", "b")]).await;
    assert_eq!(forged.status, 422);
    assert!(browser.get("/groups").await.body.contains("No groups yet"));
}

#[tokio::test]
async fn a_group_is_changed_and_removed() {
    let (world, mut browser) = crowded().await;
    let form = browser.get("/groups/rule?name=all&rule=true").await;
    let saved = browser.submit(&form, "#save", &[]).await;
    sweep(&world).await;
    let group = saved.location().split('?').next().unwrap().to_owned();
    let page = browser.get(&group).await;
    let edit = browser.get(&page.attributes("section a.button", "href")[0]).await;
    assert_eq!(edit.text("#field-rule").trim(), "true");
    let id = group.rsplit('/').next().unwrap();
    let url = format!(
        "/groups/rule?group={id}&name=gates&rule=endpoint.startsWith(%22gate%22)&rank=3&description="
    );
    let preview = browser.get(&url).await;
    assert!(
        preview.text("#preview").contains("0 would join the group and 2 would leave it"),
        "{}",
        preview.body
    );
    browser.submit(&preview, "#save", &[]).await;
    sweep(&world).await;
    let page = browser.get(&group).await;
    assert_eq!(
        (page.text("h1").as_str(), page.texts("#members .device-name")),
        ("gates", vec!["gate-3".to_owned()])
    );
    let ask = browser.get(&format!("{group}/remove")).await;
    assert_eq!(browser.submit(&ask, "#confirm", &[("typed", "no")]).await.status, 422);
    let done = browser.submit(&ask, "#confirm", &[("typed", "gates")]).await;
    assert!(browser.follow(&done).await.body.contains("The group was removed"));
    assert_eq!(browser.get(&group).await.status, 404);
}

#[tokio::test]
async fn labels_are_written_on_one_device_and_on_many() {
    let (_world, mut browser) = crowded().await;
    let list = browser.get("/devices").await;
    let device = list.attributes("#devices .device-name", "href")[1].clone();
    let page = browser.get(&device).await;
    let saved = browser.submit(&page, "#labels", &[("labels", "site=bern spare")]).await;
    let page = browser.follow(&saved).await;
    assert_eq!(page.attributes("#field-labels", "value"), ["site=bern spare"]);
    let found = browser.get("/devices?label=site%3Dbern").await;
    assert_eq!(found.texts("#devices .device-name"), ["node-1"]);
    assert_eq!(found.text("#devices td[data-label=Labels]"), "site=bern spare");
    assert!(!browser.get("/devices?columns=class").await.has("#devices td[data-label=Labels]"));
    let export = browser.get("/devices/export?format=csv&label=site%3Dbern").await;
    assert!(export.body.lines().nth(1).unwrap().ends_with(",site=bern spare"), "{}", export.body);
    assert!(browser.get("/devices?label=a%3Db%3Dc").await.body.contains("No device matches"));
    let ids = list.attributes("#devices input[name=device]", "value");
    let form = browser.get("/devices").await;
    let fields =
        [("device", ids[0].as_str()), ("device", ids[2].as_str()), ("set", "floor=2"), ("unset", "spare")];
    let done = label(&mut browser, &form, &fields).await;
    assert!(browser.follow(&done).await.body.contains("The devices were labelled"));
    assert_eq!(
        browser.get("/devices?label=floor").await.texts("#devices .device-name"),
        ["gate-3", "node-2"]
    );
    let fields = [("all", "1"), ("set", ""), ("unset", "floor")];
    let form = browser.get("/devices").await;
    label(&mut browser, &form, &fields).await;
    assert!(browser.get("/devices?label=floor").await.body.contains("No device matches"));
}

/// Presses the button that labels what is chosen.
async fn label(browser: &mut Browser, page: &Answer, chosen: &[(&str, &str)]) -> Answer {
    let (_, hidden) = page.form("#selection");
    let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let fields: Vec<(&str, &str)> = hidden.chain(chosen.iter().copied()).collect();
    browser.post(&page.attributes("button[formaction]", "formaction")[0], &fields).await
}

#[tokio::test]
async fn devices_are_put_into_the_class_whose_rule_fits_and_those_of_two_are_told() {
    let (world, mut browser) = crowded().await;
    for name in ["one", "other"] {
        let form = browser.get("/enrolment/classes").await;
        browser.submit(&form, "form.card", &[("name", name)]).await;
        let form = browser.get(&format!("/enrolment/classes/{name}")).await;
        let saved = browser.submit(&form, "#rule", &[("objects", "3")]).await;
        assert!(browser.follow(&saved).await.body.contains("Devices that nobody has put into a class"));
    }
    sweep(&world).await;
    let page = browser.get("/enrolment/classes/one").await;
    assert_eq!(page.texts("#contested li"), ["node-1", "node-2", "gate-3"]);
    let saved = browser.submit(&page, "#rule", &[("objects", "1 3")]).await;
    browser.follow(&saved).await;
    sweep(&world).await;
    assert_eq!(browser.get("/devices?class=one").await.texts("#devices .device-name").len(), 3);
    assert!(!browser.get("/enrolment/classes/other").await.has("#contested"));
    let page = browser.get("/enrolment/classes/one").await;
    let refused = browser.submit(&page, "#rule", &[("objects", "three")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.has("#field-objects-problem"));
}

#[tokio::test]
async fn what_a_group_and_a_class_apply_is_on_their_pages_and_in_their_lists() {
    let (world, mut browser) = crowded().await;
    let form =
        browser.get("/groups/rule?name=nodes&rule=endpoint.startsWith(%22node%22)&rank=&description=").await;
    let saved = browser.submit(&form, "#save", &[]).await;
    sweep(&world).await;
    let group = saved.location().split('?').next().unwrap().to_owned();
    assert!(browser.get(&group).await.text("dl.facts").contains("nothing yet"));
    let id = group.rsplit('/').next().unwrap();
    for level in [format!("group%3A{id}"), "class%3Adefault".to_owned()] {
        let page = browser.get(&format!("/configuration/baselines/{level}")).await;
        browser.submit(&page, "form#baseline", &[("lines", "/1/0/1 = 60\n/1/0/2 = 5")]).await;
    }
    let page = browser.get(&group).await;
    let baseline = "Baseline, version 1 (2 lines, repair)";
    assert!(page.text("dl.facts").contains(baseline), "{}", page.body);
    assert!(browser.get("/groups").await.text("#groups tbody").contains(baseline));

    let page = browser.get("/enrolment/classes/default").await;
    browser.submit(&page, "#wishes", &[("lines", "/3/0/9")]).await;
    let page = browser.get("/enrolment/classes/default").await;
    assert_eq!(page.text("#class-size"), "3");
    assert_eq!(page.text("#applies"), format!("{baseline}, Observations (1 line)"));
    let row = browser.get("/enrolment/classes").await.text("#classes tbody");
    assert!(row.contains(baseline) && row.contains('3'), "{row}");
}
