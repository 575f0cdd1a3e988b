//! Logging in and out, and the session's cookie.

use std::collections::BTreeSet;

use crate::{
    browser::{Browser, PASSWORD},
    world::World,
};

const WITH: [(&str, &str); 2] = [("name", "ada"), ("password", PASSWORD)];
const WRONG: [(&str, &str); 2] = [("name", "ada"), ("password", "wrong wrong wrong")];

#[tokio::test]
async fn a_login_leads_to_the_page_that_was_asked_for() {
    let world = World::new().await;
    Browser::logged_in(&world).await;
    let mut browser = Browser::new(&world);
    let refused = browser.get("/devices?state=expired").await;
    assert_eq!(refused.location(), "/login?next=%2Fdevices%3Fstate%3Dexpired");
    let page = browser.follow(&refused).await;
    let done = browser.submit(&page, "main form", &WITH).await;
    assert_eq!(done.location(), "/devices?state=expired");
    assert_eq!(browser.follow(&done).await.status, 200);
}

#[tokio::test]
async fn a_login_leads_nowhere_else() {
    let world = World::new().await;
    Browser::logged_in(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/login?next=//evil.example/").await;
    assert_eq!(page.attributes("input[name=next]", "value"), ["/"]);
    let form = [WITH[0], WITH[1], ("next", "https://evil.example/")];
    assert_eq!(browser.submit(&page, "main form", &form).await.location(), "/");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_told_alike() {
    let world = World::new().await;
    Browser::logged_in(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/login").await;
    let mut told = BTreeSet::new();
    for (name, password) in [("ada", "wrong wrong wrong"), ("nobody", PASSWORD)] {
        let answer = browser.submit(&page, "main form", &[("name", name), ("password", password)]).await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.attributes("#name", "value"), [name]);
        assert!(!answer.body.contains(password));
        assert!(browser.cookie("muster").is_none());
        told.insert(answer.text("[role=alert]"));
    }
    assert_eq!(told.into_iter().collect::<Vec<_>>(), ["The name or the password is wrong."]);
}

#[tokio::test]
async fn too_many_attempts_are_told_to_wait() {
    let world = World::new().await;
    Browser::logged_in(&world).await;
    let mut browser = Browser::at(&world, [192, 0, 2, 1]);
    let page = browser.get("/login").await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let answer = browser.submit(&page, "main form", &WRONG).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429]);
    let refused = browser.submit(&page, "main form", &WITH).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "60"));
    assert_eq!(refused.attributes("#name", "value"), ["ada"]);
}

#[tokio::test]
async fn who_fails_elsewhere_keeps_nobody_out() {
    let world = World::new().await;
    Browser::logged_in(&world).await;
    for number in 0..120 {
        let mut stranger = Browser::at(&world, [198, 51, 100, number]);
        let page = stranger.get("/login").await;
        let name = if number % 2 == 0 { "ada".to_owned() } else { format!("guess {number}") };
        let answer = stranger.submit(&page, "main form", &[("name", &name), WRONG[1]]).await;
        assert_eq!(answer.status, 422);
    }
    let mut ada = Browser::at(&world, [192, 0, 2, 1]);
    let page = ada.get("/login").await;
    assert_eq!(ada.submit(&page, "main form", &WITH).await.location(), "/");
}

#[tokio::test]
async fn a_flood_of_logins_is_told_to_come_back() {
    let world = World::new().await;
    Browser::logged_in(&world).await;
    let floods = (0..120).map(|number| {
        let mut browser = Browser::at(&world, [198, 51, 100, number]);
        async move {
            let page = browser.get("/login").await;
            browser.submit(&page, "main form", &WRONG).await
        }
    });
    let answers = futures::future::join_all(floods).await;
    let (late, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 503);
    assert!(!late.is_empty() && late.iter().all(|answer| answer.header("retry-after") == "5"));
    assert_eq!(late[0].text("[role=alert]"), "Too many people log in at this moment.");
    assert!(!refused.is_empty() && refused.iter().all(|answer| answer.status == 422));
}

#[tokio::test]
async fn each_login_has_a_session_of_its_own_whatever_cookie_came_with_it() {
    let world = World::new().await;
    Browser::logged_in(&world).await;
    let mut ids = BTreeSet::new();
    for planted in ["AAAAAAAAAAAAAAAAAAAAAA", "x", ""] {
        let mut browser = Browser::new(&world);
        browser.set_cookie("muster", planted);
        let page = browser.get("/login").await;
        assert_eq!(browser.submit(&page, "main form", &WITH).await.location(), "/");
        let id = browser.cookie("muster").unwrap().to_owned();
        // 128 bits in Base64url without padding.
        assert_eq!(id.len(), 22);
        assert_ne!(id, planted);
        ids.insert(id);
    }
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_second_login_in_one_browser_ends_the_first_session() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let first = browser.cookie("muster").unwrap().to_owned();
    let page = browser.get("/login").await;
    browser.submit(&page, "main form", &WITH).await;
    let mut thief = Browser::new(&world);
    thief.set_cookie("muster", &first);
    assert!(thief.get("/").await.location().starts_with("/login"));
    assert_eq!(browser.get("/").await.status, 200);
}

#[tokio::test]
async fn after_a_logout_the_old_cookie_opens_nothing() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let id = browser.cookie("muster").unwrap().to_owned();
    let page = browser.get("/").await;
    assert_eq!(browser.submit(&page, "form.account", &[]).await.location(), "/login");
    browser.set_cookie("muster", &id);
    assert!(browser.get("/").await.location().starts_with("/login"));
}

#[tokio::test]
async fn cookies_are_strict_and_secure_where_the_browser_sees_tls() {
    for (secure, name) in [(false, "muster"), (true, "__Host-muster")] {
        let world = World::with(secure, None).await;
        let mut browser = Browser::logged_in(&world).await;
        let page = browser.get("/login").await;
        let done = browser.submit(&page, "main form", &WITH).await;
        let cookie = done.header("set-cookie");
        assert!(cookie.starts_with(&format!("{name}=")), "{cookie}");
        for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert_eq!(cookie.contains("Secure"), secure, "{cookie}");
        let fresh = Browser::new(&world).get("/login").await;
        assert!(fresh.header("set-cookie").contains("HttpOnly; SameSite=Strict"));
        assert_eq!(fresh.header("set-cookie").contains("Secure"), secure);
    }
}

#[tokio::test]
async fn a_stranger_leaves_no_session_behind() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    for path in ["/", "/login", "/devices", "/nowhere"] {
        assert!(!browser.get(path).await.header("set-cookie").contains("muster="), "{path}");
    }
}
