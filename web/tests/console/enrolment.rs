//! Imports, claims and classes.

use crate::{browser::Browser, world::World};

const ROWS: &str = "endpoint,bootstrap_identity,bootstrap_key\n\
    node-1,node-1,8f1c0a5d3b7e49260f5ac1d2e3b49876\n\
    node-2,node-2,8f1c0a5d3b7e49260f5ac1d2e3b49877\n\
    node-3,node-3,short\n";

async fn finished(browser: &mut Browser, url: &str) -> crate::browser::Answer {
    loop {
        let page = browser.get(url).await;
        assert_eq!(page.status, 200, "{}", page.body);
        if page.has("#report") {
            return page;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_import_is_looked_at_first_and_then_taken_as_it_was_seen() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/enrolment/import").await;
    let looked = browser.submit(&form, "form.card", &[("text", ROWS)]).await;
    let page = browser.follow(&looked).await;
    assert_eq!(page.texts("#report dd")[..4], ["3", "2", "0", "1"]);
    assert_eq!(page.texts("#errors tbody tr").len(), 1);
    assert!(browser.get("/devices").await.has("#first-device"), "nothing was changed yet");
    let taken = browser.submit(&page, "#take", &[]).await;
    let page = finished(&mut browser, taken.location()).await;
    assert_eq!(page.text("#report-title"), "Imported");
    assert_eq!(browser.get("/devices").await.texts("#devices .device-name"), ["node-1", "node-2"]);
    assert!(!page.body.contains("8f1c0a5d"), "no key comes back");
    // Once more changes nothing.
    let form = browser.get("/enrolment/import").await;
    let looked = browser.submit(&form, "form.card", &[("text", ROWS)]).await;
    let page = browser.follow(&looked).await;
    assert_eq!(page.texts("#report dd")[..4], ["3", "0", "2", "1"]);
    assert!(!page.has("#take"));
}

#[tokio::test]
async fn a_file_may_be_longer_than_other_forms() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/enrolment/import").await;
    let token = form.attributes("input[name=csrf]", "value").remove(0);
    let rows: String = (0..40_000)
        .map(|row| format!("{{\"endpoint\":\"node-{row:05}-of-a-long-batch-with-a-long-name\"}}\n"))
        .collect();
    assert!(rows.len() > 2 * 1024 * 1024);
    let fields: [(&str, Option<&str>, &[u8]); 2] =
        [("csrf", None, token.as_bytes()), ("file", Some("rows.ndjson"), rows.as_bytes())];
    let looked = browser.post_multipart("/enrolment/import", &fields).await;
    let page = browser.follow(&looked).await;
    assert_eq!(page.texts("#report dd")[..2], ["40000", "40000"]);
}

#[tokio::test]
async fn what_is_no_import_says_so() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/enrolment/import").await;
    for text in ["", "colour\nred\n"] {
        let page = browser.submit(&form, "form.card", &[("text", text)]).await;
        assert_eq!(page.status, 422, "{text:?}: {}", page.body);
        assert!(page.has("[role=alert]"));
    }
    assert_eq!(browser.get(&format!("/enrolment/import/{}", "0".repeat(64))).await.status, 404);
}

#[tokio::test]
async fn a_claim_is_opened_shown_once_and_closed() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/enrolment/claims").await;
    let fields = [("name", "batch 12"), ("quota", "50")];
    let opened = browser.submit(&form, "form.card", &fields).await;
    let shown = browser.follow(&opened).await;
    assert_eq!(shown.text("#key-bootstrap").len(), 32);
    let list = browser.get("/enrolment/claims").await;
    assert_eq!(list.texts("#claims .badge"), ["Open"]);
    assert!(list.text("#claims tbody tr").contains("0 of 50"));
    let ask = browser.get(&list.attributes("#claims a.danger", "href")[0]).await;
    let done = browser.submit(&ask, "#confirm", &[("typed", "batch 12")]).await;
    assert_eq!(browser.follow(&done).await.texts("#claims .badge"), ["Closed"]);
    for (field, typed) in [("quota", "0"), ("quota", "many"), ("name", ""), ("closes_at", "never")] {
        let form = browser.get("/enrolment/claims").await;
        let mut fields = vec![("name", "other"), ("quota", "5")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, typed));
        let page = browser.submit(&form, "form.card", &fields).await;
        assert_eq!(page.status, 422, "{field} {typed}");
        assert!(page.has("[role=alert]"), "{field} {typed}: {}", page.body);
    }
}

#[tokio::test]
async fn a_class_has_a_plan_that_the_verb_judges() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/enrolment/classes").await;
    let made = browser.submit(&form, "form.card", &[("name", "green/house & co")]).await;
    let page = browser.follow(&made).await;
    assert_eq!(page.text("h1"), "green/house & co");
    let wrong = browser.submit(&page, "#plan", &[("lifetime", "0")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    let saved = browser.submit(&page, "#plan", &[("lifetime", "900"), ("delete", "/3303\n/1")]).await;
    let page = browser.follow(&saved).await;
    assert_eq!(page.attributes("#field-lifetime", "value"), ["900"], "{}", page.body);
    let list = browser.get("/enrolment/classes").await;
    assert!(list.texts("#classes tbody tr").iter().any(|row| row.contains("Bootstrap plan")));
}
