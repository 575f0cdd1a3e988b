//! What an account may not do is not offered, and refused all the same.

use objects::Version;

use crate::{
    browser::{Answer, Browser},
    sample::everything,
    world::{LINKS, SampleDevice, World, public_id},
};

async fn world() -> (World, Browser, String) {
    let world = World::new().await;
    world
        .register(&SampleDevice {
            id: 1,
            endpoint: "node-7",
            lwm2m: Version::V1_1,
            queue_mode: false,
            links: LINKS,
        })
        .await;
    let made = everything(&world, "sample").await;
    let browser = Browser::logged_in(&world).await;
    (world, browser, format!("/devices/{}", made.device))
}

fn navigation(page: &Answer) -> Vec<String> {
    page.texts("nav[aria-label=Main] a")
}

#[tokio::test]
async fn a_viewer_is_offered_nothing_that_changes_anything() {
    let (world, mut administrator, added) = world().await;
    let mut viewer = administrator.of_role(&world, "viewer").await;
    let registered = format!("/devices/{}", public_id(1));
    assert_eq!(
        navigation(&viewer.get("/").await),
        [
            "Overview",
            "Devices",
            "Groups",
            "Configuration",
            "Firmware",
            "Diary",
            "Artefacts",
            "Models",
            "Security",
            "Settings"
        ]
    );
    for page in [
        "/".to_owned(),
        "/devices".to_owned(),
        "/devices?state=unmanaged".to_owned(),
        "/diary".to_owned(),
        "/artefacts".to_owned(),
        "/models".to_owned(),
        "/security".to_owned(),
        registered.clone(),
        format!("{registered}/objects"),
        format!("{registered}/operations"),
        format!("{registered}/access"),
        format!("{registered}/nodes/3/0/4"),
        added.clone(),
        format!("{added}/credentials"),
        format!("{added}/security"),
    ] {
        let page_shown = viewer.get(&page).await;
        assert_eq!(page_shown.status, 200, "{page}");
        let forms = page_shown.attributes("form[method=post]:has(button)", "action");
        assert_eq!(forms, ["/logout"], "{page}");
        assert_eq!(page_shown.attributes("button[formaction]", "formaction"), [""; 0], "{page}");
    }
}

#[tokio::test]
async fn a_viewer_is_refused_whatever_they_send() {
    let (world, mut administrator, added) = world().await;
    let mut viewer = administrator.of_role(&world, "viewer").await;
    let token = viewer.get("/settings").await.attributes("input[name=csrf]", "value").remove(0);
    for page in [
        "/enrolment",
        "/enrolment/import",
        "/enrolment/claims",
        "/enrolment/classes",
        "/enrolment/classes/default/updates",
        "/audit",
        "/audit/export?format=csv",
        "/settings/accounts",
        "/settings/webhooks",
    ] {
        assert_eq!(viewer.get(page).await.status, 403, "{page}");
    }
    for page in ["danger", "remove", "revoke"] {
        assert_eq!(viewer.get(&format!("{added}/{page}")).await.status, 403, "{page}");
    }
    let registered = format!("/devices/{}", public_id(1));
    for (path, fields) in [
        (format!("{registered}/nodes/3/0/9"), vec![("op", "read")]),
        ("/enrolment".to_owned(), vec![("endpoint", "x"), ("bootstrap", "on")]),
        ("/enrolment/import".to_owned(), vec![("text", "endpoint\nx\n")]),
        (
            "/enrolment/claims".to_owned(),
            vec![
                ("name", "x"),
                ("quota", "1"),
                ("opens_at", "2026-01-01 00:00"),
                ("closes_at", "2027-01-01 00:00"),
            ],
        ),
        ("/enrolment/classes".to_owned(), vec![("name", "x")]),
        ("/enrolment/classes/default".to_owned(), vec![("lifetime", "9"), ("binding", "U")]),
        (format!("{added}/credentials"), vec![("purpose", "bootstrap")]),
        (format!("{added}/security"), vec![("lifetime", "9"), ("binding", "U")]),
        (format!("{added}/class"), vec![("class", "default")]),
        (format!("{added}/bootstrap"), vec![]),
        (format!("{added}/revoke"), vec![("typed", "sample-new"), ("reason", "x")]),
        (format!("{added}/remove"), vec![("typed", "sample-new"), ("reason", "x")]),
        ("/devices/removal".to_owned(), vec![("all", "1"), ("view", "/devices")]),
        ("/enrolment/classes/default/policy".to_owned(), vec![("kind_psk", "on")]),
        ("/enrolment/classes/default/retention".to_owned(), vec![("readings", "9")]),
        ("/configuration/baselines/fleet".to_owned(), vec![("lines", "/1/0/1 = 60")]),
        ("/configuration/baselines/fleet/server".to_owned(), vec![("lifetime", "60")]),
        (
            "/configuration/baselines/fleet/access".to_owned(),
            vec![("rights.0.instance", "1"), ("rights.0.s0", "read")],
        ),
        ("/configuration/baselines/fleet/roll-back/1".to_owned(), vec![]),
        (format!("{registered}/configuration"), vec![("act", "repair")]),
        ("/enrolment/classes/default/updates".to_owned(), vec![("unsigned", "on")]),
        ("/enrolment/classes/default/updates/keys".to_owned(), vec![("name", "x"), ("public_key", "x")]),
        ("/security".to_owned(), vec![("name", "x"), ("certificate", "x")]),
        ("/models".to_owned(), vec![("text", "<LWM2M/>")]),
        ("/models/reload".to_owned(), vec![]),
        ("/settings/accounts".to_owned(), vec![("name", "x"), ("role", "viewer")]),
        ("/settings/webhooks".to_owned(), vec![("url", "https://x.example/")]),
    ] {
        let fields = [fields, vec![("csrf", token.as_str())]].concat();
        let answer = viewer.post(&path, &fields).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert!(answer.has("#problem"), "{path}");
    }
    let fields = [("name", "x"), ("scope", "administrator"), ("days", "9"), ("csrf", token.as_str())];
    let answer = viewer.post("/settings/tokens", &fields).await;
    assert!(matches!(answer.status.as_u16(), 403 | 422), "a token may never do more than its owner");
}

#[tokio::test]
async fn an_operator_operates_and_changes_no_identity() {
    let (world, mut administrator, added) = world().await;
    let mut operator = administrator.of_role(&world, "operator").await;
    let registered = format!("/devices/{}", public_id(1));
    assert!(operator.get(&format!("{registered}/objects")).await.has("button[value=read]"));
    assert!(!operator.get(&format!("{added}/credentials")).await.has("a.danger"));
    assert_eq!(operator.get(&format!("{added}/danger")).await.status, 403);
    assert!(!navigation(&operator.get("/").await).contains(&"Enrolment".to_owned()));
}
