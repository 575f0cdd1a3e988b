//! Accounts, tokens, webhooks, and what the server says of itself.

use crate::{
    browser::{Browser, PASSWORD},
    world::World,
};

#[tokio::test]
async fn the_server_says_where_devices_reach_it() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let page = browser.get("/settings").await;
    assert_eq!(
        page.texts("#places dd"),
        ["coaps://muster.test:5684", "coaps://muster.test:5784", "coap://127.0.0.1:5683", "not served"]
    );
    assert!(page.text("#facts").contains("Profilelab"));
}

#[tokio::test]
async fn a_token_is_shown_once_and_revoked() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/settings/tokens").await;
    let made = browser.submit(&form, "form.card", &[("name", "ci"), ("scope", "operator")]).await;
    let shown = browser.follow(&made).await;
    let text = shown.text("#token");
    assert!(text.starts_with("muster_"), "{text}");
    assert!(!browser.get(made.location()).await.body.contains(&text));
    let list = browser.get("/settings/tokens").await;
    assert!(!list.body.contains(&text));
    let cells = list.texts("#tokens tbody tr");
    assert!(cells[0].starts_with("ciadaoperatorGood"), "{cells:?}");
    let revoke = list.attributes("#tokens button", "formaction").remove(0);
    let (_, fields) = list.form("form#actions");
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let done = browser.post(&revoke, &fields).await;
    assert_eq!(browser.follow(&done).await.texts("#tokens .badge"), ["Revoked"]);
    let wrong = browser.submit(&form, "form.card", &[("name", "ci"), ("days", "9999999")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
}

#[tokio::test]
async fn a_webhook_is_added_paused_and_removed() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/settings/webhooks").await;
    let wrong = browser.submit(&form, "#add", &[("url", "http://elsewhere.example/")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("#field-url-problem"), "{}", wrong.body);
    let fields = [("url", "https://events.example/"), ("kind", "registered"), ("kind", "values")];
    let made = browser.submit(&form, "#add", &fields).await;
    assert!(browser.follow(&made).await.text("#webhook-key").starts_with("whsec_"));
    let list = browser.get("/settings/webhooks").await;
    assert!(list.text("#webhooks tbody tr").contains("registered, values"));
    let pause = list.attributes("#webhooks button", "formaction").remove(0);
    let (_, fields) = list.form("form#actions");
    let mut fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push(("pause", "yes"));
    let done = browser.post(&pause, &fields).await;
    let list = browser.follow(&done).await;
    assert_eq!(list.texts("#webhooks .badge"), ["Paused"]);
    let ask = browser.get(&list.attributes("#webhooks a.danger", "href")[0]).await;
    let done = browser.submit(&ask, "#confirm", &[("typed", "remove")]).await;
    assert!(!browser.follow(&done).await.has("#webhooks"));
}

#[tokio::test]
async fn an_account_is_made_changed_and_disabled() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let mut viewer = browser.of_role(&world, "viewer").await;
    let list = browser.get("/settings/accounts").await;
    assert_eq!(list.texts("#accounts tbody th"), ["ada", "viewer"]);
    let account = list.attributes("#accounts a", "href").remove(1);
    let page = browser.get(&account).await;
    let done = browser.submit(&page, "form#role", &[("role", "operator")]).await;
    assert!(browser.follow(&done).await.has("#done"));
    let page = browser.get(&account).await;
    let wrong = browser.submit(&page, "form#password", &[("password", "short"), ("again", "short")]).await;
    assert!(wrong.has("#field-password-problem"), "{}", wrong.body);
    let page = browser.get(&account).await;
    browser.submit(&page, "form#access", &[]).await;
    assert!(viewer.get("/").await.location().starts_with("/login"), "a disabled account has no session");
    assert_eq!(browser.get("/settings/accounts").await.texts("#accounts .badge"), ["May log in", "Disabled"]);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let list = browser.get("/settings/accounts").await;
    let account = list.attributes("#accounts a", "href").remove(0);
    let page = browser.get(&account).await;
    for (form, fields) in [("form#role", [("role", "viewer")]), ("form#access", [("what", "disable")])] {
        let refused = browser.submit(&page, form, &fields).await;
        assert_eq!(refused.status, 422, "{form}");
        assert!(refused.text("[role=alert]").contains("last administrator"), "{form}");
    }
}

#[tokio::test]
async fn two_passwords_that_differ_make_no_account() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/settings/accounts").await;
    let fields = [("name", "bob"), ("password", PASSWORD), ("again", "another one of these")];
    let refused = browser.submit(&form, "form.card", &fields).await;
    assert!(refused.has("#field-again-problem"));
    assert!(!refused.body.contains(PASSWORD));
    assert_eq!(refused.attributes("#field-name", "value"), ["bob"]);
}
