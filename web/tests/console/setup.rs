//! The first start: the one-time link makes the administrator.

use std::sync::atomic::Ordering;

use crate::{
    browser::{Browser, PASSWORD},
    world::World,
};

async fn link(world: &World) -> String {
    format!("/setup/{}", world.fleet.setup_link(world.now()).await.unwrap().unwrap())
}

#[tokio::test]
async fn the_link_makes_an_administrator_who_is_then_logged_in() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let overview = browser.get("/").await;
    assert_eq!((overview.status.as_u16(), overview.text(".account bdi")), (200, "ada".into()));
    assert!(!world.fleet.setup_needed().await.unwrap());
}

#[tokio::test]
async fn a_used_link_leads_to_a_page_that_says_what_to_do() {
    let world = World::new().await;
    let link = link(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&link).await;
    let fields = [("name", "ada"), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(browser.submit(&page, "main form", &fields).await.location(), "/");
    let mut second = Browser::new(&world);
    assert_eq!(second.get(&link).await.status, 404);
    let again = browser.submit(&page, "main form", &fields).await;
    assert_eq!(again.status, 404);
    assert!(again.text("#problem").contains("restart the server"), "{}", again.body);
}

#[tokio::test]
async fn a_link_is_too_old_after_half_an_hour() {
    let world = World::new().await;
    let link = link(&world).await;
    world.clock.fetch_add(31 * 60_000, Ordering::Relaxed);
    assert_eq!(Browser::new(&world).get(&link).await.status, 404);
    assert_eq!(Browser::new(&world).get("/setup/0000").await.status, 404);
}

#[tokio::test]
async fn a_form_that_does_not_do_is_shown_again_with_the_reason_and_the_name() {
    let world = World::new().await;
    let link = link(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&link).await;
    for (name, password, again, problem, expected) in [
        ("ada", "short", "short", "#password-problem", "at least 12 characters"),
        ("ada", PASSWORD, "another", "#password-problem", "not the same"),
        ("administrator", "administrator", "administrator", "#password-problem", "must not be the name"),
        ("", PASSWORD, PASSWORD, "#name-problem", "1 to 64 characters"),
    ] {
        let fields = [("name", name), ("password", password), ("again", again)];
        let answer = browser.submit(&page, "main form", &fields).await;
        assert_eq!(answer.status, 422, "{expected}");
        assert!(answer.text(problem).contains(expected), "{}", answer.text(problem));
        assert_eq!(answer.attributes("#name", "value"), [name]);
        assert!(!answer.body.contains(password) || password.is_empty() || name == password);
    }
    assert!(world.fleet.setup_needed().await.unwrap());
}
