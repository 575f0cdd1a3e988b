//! Every route, as a stranger and with a form that is not ours.

use axum::{
    body::Body,
    http::{Request, header},
};
use objects::Version;

use crate::{
    browser::Browser,
    world::{LINKS, SampleDevice, World, public_id},
};

const DEVICE: SampleDevice =
    SampleDevice { id: 1, endpoint: "node-7", lwm2m: Version::V1_1, queue_mode: false, links: LINKS };

/// Every page and stream that needs a login.
fn pages() -> Vec<String> {
    let device = format!("/devices/{}", public_id(1));
    let mut pages: Vec<String> = [
        "/",
        "/overview/events",
        "/search?q=node-7",
        "/shown/00112233445566778899aabbccddeeff",
        "/devices",
        "/devices/export?format=csv",
        "/devices/removal/00112233445566778899aabbccddeeff",
        "/configuration",
        "/configuration/baselines",
        "/configuration/baselines/fleet",
        "/configuration/baselines/fleet/compare",
        "/updates",
        "/updates/several/00112233445566778899aabbccddeeff",
        "/updates/00112233445566778899aabbccddeeff",
        "/updates/00112233445566778899aabbccddeeff/events",
        "/enrolment",
        "/enrolment/import",
        "/enrolment/claims",
        "/enrolment/classes",
        "/enrolment/classes/default",
        "/diary",
        "/artefacts",
        "/models",
        "/audit",
        "/audit/export?format=csv",
        "/settings",
        "/settings/tokens",
        "/settings/webhooks",
        "/settings/accounts",
    ]
    .map(str::to_owned)
    .into();
    let below = [
        "",
        "/events",
        "/objects",
        "/values",
        "/access",
        "/timeline",
        "/nodes/3",
        "/nodes/3/0",
        "/nodes/3/0/9",
        "/operations",
        "/configuration",
        "/firmware",
        "/firmware/events",
        "/connect",
        "/credentials",
        "/security",
        "/danger",
        "/revoke",
        "/remove",
    ];
    pages.extend(below.map(|rest| format!("{device}{rest}")));
    pages.push(format!("{device}/operations/{}", public_id(9)));
    pages.push(format!("{device}/waiting/00/read/3/0"));
    pages
}

/// Every route that changes something, each with what it would take for it.
fn actions() -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    let device = format!("/devices/{}", public_id(1));
    let mut actions = vec![
        ("/logout".to_owned(), vec![]),
        (format!("{device}/operations/{}/cancel", public_id(9)), vec![]),
    ];
    for path in [
        "/devices/removal",
        "/configuration/baselines/fleet",
        "/configuration/baselines/fleet/server",
        "/configuration/baselines/fleet/access",
        "/configuration/baselines/fleet/roll-back/1",
        "/updates/several",
        "/updates/00112233445566778899aabbccddeeff/cancel",
        "/updates/00112233445566778899aabbccddeeff/let-off",
        "/enrolment",
        "/enrolment/import",
        "/enrolment/claims",
        "/enrolment/classes",
        "/enrolment/classes/default",
        "/models",
        "/models/reload",
        "/settings/tokens",
        "/settings/webhooks",
        "/settings/accounts",
    ] {
        actions.push((path.to_owned(), vec![("name", "x")]));
    }
    for path in
        ["configuration", "access", "firmware", "credentials", "security", "class", "revoke", "remove"]
    {
        actions.push((format!("{device}/{path}"), vec![("name", "x")]));
    }
    for (path, op) in [
        ("3/0/9", "read"),
        ("3/0", "discover"),
        ("3/0/9", "observe"),
        ("3/0/9", "cancel-active"),
        ("3/0/9", "cancel-passive"),
        ("3/0/4", "execute"),
        ("3303/0", "delete"),
        ("3/0", "attributes"),
        ("1/0/1", "write"),
        ("3303", "create"),
    ] {
        actions.push((
            format!("{device}/nodes/{path}"),
            vec![("op", op), ("value", "60"), ("sure", "on"), ("set.pmin", "1")],
        ));
    }
    actions
}

#[tokio::test]
async fn no_page_is_shown_to_a_stranger() {
    let world = World::new().await;
    world.register(&DEVICE).await;
    for page in pages() {
        let answer = Browser::new(&world).get(&page).await;
        let stream = page.ends_with("/events");
        assert_eq!(answer.status.as_u16(), if stream { 401 } else { 303 }, "{page}");
        assert_eq!(answer.location().starts_with("/login"), !stream, "{page}");
        assert!(!answer.body.contains("node-7"));
    }
}

#[tokio::test]
async fn no_action_is_done_for_a_stranger_nor_without_the_token_of_the_form() {
    let world = World::new().await;
    world.register(&DEVICE).await;
    let mut known = Browser::logged_in(&world).await;
    let token = known.get("/").await.attributes("input[name=csrf]", "value").remove(0);
    for (path, fields) in actions() {
        let with = |csrf: &'static str| [fields.clone(), vec![("csrf", csrf)]].concat();
        let mut genuine = fields.clone();
        genuine.push(("csrf", &token));
        let stranger = Browser::new(&world).post(&path, &genuine).await;
        assert_eq!(stranger.status, 401, "{path} {fields:?}");
        assert!(stranger.text("h1").contains("Log in first"));
        assert!(!stranger.header("www-authenticate").is_empty());
        for wrong in [fields.clone(), with(""), with("00112233445566778899aabbccddeeff")] {
            let refused = known.post(&path, &wrong).await;
            assert_eq!(refused.status, 403, "{path} {wrong:?}");
            assert!(refused.text("#problem").contains("reload the page"), "{}", refused.body);
        }
    }
    assert_eq!(world.script.asked(), []);
}

#[tokio::test]
async fn no_action_is_done_from_another_site() {
    let world = World::new().await;
    world.register(&DEVICE).await;
    let mut browser = Browser::logged_in(&world).await;
    let token = browser.get("/").await.attributes("input[name=csrf]", "value").remove(0);
    for (path, fields) in actions() {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "http://evil.example"),
            ("origin", "null"),
        ] {
            let mut body = format!("csrf={token}");
            fields.iter().for_each(|(name, value)| body.push_str(&format!("&{name}={value}")));
            let request = Request::post(&path)
                .header(header::HOST, "console.test")
                .header(name, value)
                .header(header::COOKIE, browser.cookie_header())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let answer = browser.send(request.body(Body::from(body)).unwrap()).await;
            assert_eq!(answer.status, 403, "{path} {name}: {value}");
        }
    }
    assert_eq!(world.script.asked(), []);
}

#[tokio::test]
async fn a_login_form_needs_the_cookie_of_our_page() {
    let world = World::new().await;
    Browser::logged_in(&world).await;
    let mut browser = Browser::new(&world);
    let fields = [
        ("name", "ada"),
        ("password", crate::browser::PASSWORD),
        ("csrf", "00112233445566778899aabbccddeeff"),
    ];
    assert_eq!(browser.post("/login", &fields).await.status, 403);
    browser.set_cookie("muster-form", "ffeeddccbbaa99887766554433221100");
    assert_eq!(browser.post("/login", &fields).await.status, 403);
}

#[tokio::test]
async fn a_form_with_its_token_is_taken() {
    let world = World::new().await;
    world.register(&DEVICE).await;
    let mut browser = Browser::logged_in(&world).await;
    let token = browser.get("/").await.attributes("input[name=csrf]", "value").remove(0);
    for (path, mut fields) in actions().into_iter().skip(2) {
        fields.push(("csrf", &token));
        let answer = browser.post(&path, &fields).await;
        assert!(matches!(answer.status.as_u16(), 303 | 404 | 422), "{path} {fields:?}: {}", answer.status);
    }
    assert!(world.script.asked().len() >= 6, "{:?}", world.script.asked());
}
