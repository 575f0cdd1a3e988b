//! What a hostile device, stranger or colleague says comes out as text, in every page and in every export.

use fleet::{Outcome, ResponseCode};
use objects::{Value, Version};

use crate::{
    browser::{Answer, Browser, PASSWORD},
    crawl::every_page,
    sample::{certificates, everything_seen},
    world::{SampleDevice, World, public_id},
};

const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}";
const LINKS: &str =
    "</3/0>;x=\"<script>alert(3)</script>\",</3303/0>,</26241/0>,<\"onload=\"alert(4)>;rt=\"<b>\"";

/// The same without what turns the direction, which people may type.
const TYPED: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";

fn check(path: &str, page: &Answer) {
    assert_eq!(page.attributes("script", "src").len(), 1, "{path}");
    assert_eq!(page.texts("script").concat(), "", "{path}");
    assert!(!page.has("main img, main b, [onerror], [onload], svg script"), "{path}");
}

#[tokio::test]
async fn nothing_that_anybody_says_becomes_markup() {
    let world = World::new().await;
    everything_seen(&world, TYPED, HOSTILE).await;
    let certified = certificates(&world, TYPED, HOSTILE).await;
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
    let form = browser.get("/settings/tokens").await;
    let token = browser.submit(&form, "form.card", &[("name", TYPED)]).await;
    check("token", &browser.follow(&token).await);
    let form = browser.get("/settings/accounts").await;
    let fields = [("name", TYPED), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(browser.submit(&form, "form.card", &fields).await.status, 303);
    let form = browser.get("/enrolment").await;
    let added = browser.submit(&form, "#add", &[("endpoint", TYPED), ("identity", HOSTILE)]).await;
    check("shown", &browser.follow(&added).await);
    world.fleet.flush_audit().await.unwrap();
    let mut pages = every_page(&mut browser).await;
    for path in [
        "/devices?prefix=%22%3E%3Cscript%3Ealert(5)%3C%2Fscript%3E".to_owned(),
        "/audit?actor=%22%3E%3Cscript%3Ealert(5)%3C%2Fscript%3E".to_owned(),
        "/enrolment?identity=%22%3E%3Cscript%3Ealert(5)%3C%2Fscript%3E".to_owned(),
        "/diary?done=%3Cscript%3E".to_owned(),
        "/security".to_owned(),
        format!("/devices/{certified}/credentials"),
        url.clone(),
        format!("{url}/objects"),
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
        assert!(matches!(page.status.as_u16(), 200 | 303 | 422), "{path}: {}", page.status);
        if page.status != 303 && page.header("content-type").starts_with("text/html") {
            check(&path, &page);
            // Only in an input, as it was typed or seen: what is sent back is to be the same.
            let shown = [page.texts("main"), page.attributes("[aria-label]", "aria-label")].concat().concat();
            assert!(!shown.contains('\u{202e}'), "{path}");
        }
    }
    let device = browser.get(&url).await;
    assert!(device.text("h1").contains("<script>alert(1)</script>"));
}

#[tokio::test]
async fn nothing_that_anybody_says_becomes_a_header() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    for path in ["/search?q=a%0d%0aset-cookie:%20x=y", "/login?next=/%0d%0aset-cookie:%20x=y"] {
        let answer = browser.get(path).await;
        assert!(!answer.header("set-cookie").contains("x=y"), "{path}");
        assert!(!answer.location().contains(['\r', '\n']), "{path}");
    }
}
