//! What a hostile device says comes out as text in every page.

use fleet::{Outcome, ResponseCode};
use objects::{Value, Version};

use crate::{
    browser::Browser,
    world::{SampleDevice, World, public_id},
};

const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}";
const LINKS: &str =
    "</3/0>;x=\"<script>alert(3)</script>\",</3303/0>,</26241/0>,<\"onload=\"alert(4)>;rt=\"<b>\"";

#[tokio::test]
async fn nothing_a_device_says_becomes_markup() {
    let world = World::new().await;
    world
        .register(&SampleDevice {
            id: 1,
            endpoint: HOSTILE,
            lwm2m: Version::V1_1,
            queue_mode: false,
            links: LINKS,
        })
        .await;
    let hostile = || Value::String(HOSTILE.into());
    world
        .report(
            1,
            &[
                ("/3/0/0", hostile()),
                ("/26241/0/1", hostile()),
                ("/26241/0/2", Value::CoreLink(HOSTILE.into())),
            ],
        )
        .await;
    world.script.value(1, "/3/0/0", hostile());
    let mut browser = Browser::logged_in(&world).await;
    let url = format!("/devices/{}", public_id(1));
    let node = browser.get(&format!("{url}/nodes/3/0/0")).await;
    let read = browser.submit(&node, "form:has(button[value=read])", &[("op", "read")]).await;
    let read = read.location().to_owned();
    world.script.next_outcome(Outcome::Refused {
        code: ResponseCode { class: 4, detail: 0 },
        diagnostic: HOSTILE.into(),
    });
    let execute = browser.get(&format!("{url}/nodes/3/0/4")).await;
    let refused = browser.submit(&execute, "form:has(button[value=execute])", &[("op", "execute")]).await;
    let refused = refused.location().to_owned();
    let mut pages = vec![];
    for path in [
        "/".to_owned(),
        "/devices".to_owned(),
        "/devices?prefix=%22%3E%3Cscript%3Ealert(5)%3C%2Fscript%3E".to_owned(),
        url.clone(),
        format!("{url}/timeline"),
        format!("{url}/operations"),
        format!("{url}/nodes/3/0"),
        format!("{url}/nodes/3/0/0"),
        format!("{url}/nodes/26241/0/1"),
        read,
        refused,
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        pages.push((path, page));
    }
    let typed = [("op", "execute"), ("arguments", HOSTILE)];
    pages.push((
        "redisplayed".into(),
        browser.submit(&execute, "form:has(button[value=execute])", &typed).await,
    ));
    for (path, page) in pages {
        assert_eq!(page.attributes("script", "src").len(), 1, "{path}");
        assert_eq!(page.texts("script").concat(), "", "{path}");
        assert!(!page.has("img, b, [onerror]"), "{path}");
        assert!(!page.body.contains('\u{202e}') || path == "redisplayed", "{path}");
    }
    let device = browser.get(&url).await;
    assert!(device.text("h1").contains("<script>alert(1)</script>"));
}
