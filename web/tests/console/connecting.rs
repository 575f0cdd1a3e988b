//! Adding a device, its key that is shown once, and the lines that connect it.

use crate::{browser::Browser, world::World};

const KEY: &str = "8f1c0a5d3b7e49260f5ac1d2e3b49876";

#[tokio::test]
async fn a_device_is_added_and_its_key_is_shown_once() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/enrolment").await;
    let added = browser.submit(&form, "#add", &[("endpoint", "node-7"), ("key", KEY)]).await;
    let shown = browser.follow(&added).await;
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(
        (shown.text("#identity-bootstrap"), shown.text("#key-bootstrap")),
        ("node-7".into(), KEY.into())
    );
    let lines = shown.texts("details.more code");
    assert_eq!(
        lines[0],
        format!(
            "java -jar interop-tests/clients/leshan/target/leshan-client.jar --server coaps://muster.test:5784 --endpoint node-7 --bootstrap --psk-identity node-7 --psk-key {KEY}"
        )
    );
    assert_eq!(lines[1], format!("wakaama-client -4 -n node-7 -h muster.test -p 5784 -i node-7 -s {KEY} -b"));
    let untried = shown.texts("details.more summary:has(.tag + .tag) strong");
    assert_eq!(untried, ["Anjay", "Zephyr"], "those that nobody ran are marked");
    let again = browser.get(added.location()).await;
    assert!(!again.body.contains(KEY) && again.text("h1").contains("shown already"));
    let device = shown.attributes("main a.button.primary", "href").remove(0);
    for tab in ["", "/credentials", "/security", "/timeline", "/connect", "/danger"] {
        assert!(!browser.get(&format!("{device}{tab}")).await.body.contains(KEY), "{tab}");
    }
    assert!(browser.get(&format!("{device}/connect")).await.body.contains("--psk-key YOUR-KEY-IN-HEX"));
    assert!(!browser.get("/audit").await.body.contains(KEY));
}

#[tokio::test]
async fn a_secret_is_shown_to_nobody_else() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let mut other = browser.of_role(&world, "administrator").await;
    let form = browser.get("/enrolment").await;
    let added = browser.submit(&form, "#add", &[("endpoint", "node-7"), ("key", KEY)]).await;
    assert!(!other.get(added.location()).await.body.contains(KEY));
    assert!(browser.follow(&added).await.body.contains(KEY));
}

#[tokio::test]
async fn a_form_sent_twice_adds_one_device_and_leads_to_the_same_page() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/enrolment").await;
    let fields = [("endpoint", "node-7"), ("bootstrap", "on")];
    let first = browser.submit(&form, "#add", &fields).await;
    let second = browser.submit(&form, "#add", &fields).await;
    assert_eq!(first.location(), second.location());
    assert_eq!(browser.get("/devices").await.texts("#devices .device-name"), ["node-7"]);
    let fresh = browser.get("/enrolment").await;
    let third = browser.submit(&fresh, "#add", &fields).await;
    assert_eq!(third.status, 422);
    assert!(third.text("#field-endpoint-problem").contains("already"), "{}", third.body);
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_what_was_typed_stays() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let form = browser.get("/enrolment").await;
    for (field, typed, expected) in [
        ("endpoint", "", "#field-endpoint-problem"),
        ("key", "00112233445566778899aabbccddeeff", "#field-key-problem"),
        ("key", "xyz", "#field-key-problem"),
        ("key", "0a0b", "#field-key-problem"),
    ] {
        let mut fields = vec![("endpoint", "node-7"), ("bootstrap", "on")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, typed));
        let page = browser.submit(&form, "#add", &fields).await;
        assert_eq!(page.status, 422, "{typed}");
        assert!(page.has(expected), "{field} {typed}: {}", page.body);
        assert_eq!(page.attributes(&format!("#field-{field}"), "value"), [typed]);
        assert_eq!(page.attributes(&format!("#field-{field}"), "aria-invalid"), ["true"]);
    }
}
