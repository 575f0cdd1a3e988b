//! The first start: the one-time link makes the administrator.

use std::sync::{Arc, Mutex, atomic::Ordering};

use futures::{FutureExt as _, TryStreamExt as _};

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

/// A world whose server takes backups; and what it was given: the bytes and the passphrase.
async fn restoring(answer: Result<(), String>) -> (World, Arc<Mutex<Vec<(Vec<u8>, String)>>>) {
    let mut world = World::new().await;
    let given = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&given);
    let restore: web::Restore = Arc::new(move |chunks, passphrase| {
        let (kept, answer) = (Arc::clone(&kept), answer.clone());
        async move {
            let chunks: Vec<_> = chunks.try_collect().await.map_err(|error| error.to_string())?;
            kept.lock().unwrap().push((chunks.concat(), passphrase));
            answer
        }
        .boxed()
    });
    let settings = web::Settings { restore: Some(restore), ..world.settings.clone() };
    world.router = web::router(Arc::clone(&world.fleet), settings);
    (world, given)
}

fn fields<'a>(csrf: &'a str, backup: &'a [u8]) -> [(&'a str, Option<&'a str>, &'a [u8]); 3] {
    [
        ("csrf", None, csrf.as_bytes()),
        ("passphrase", None, b"twelve or more"),
        ("backup", Some("monday.muster"), backup),
    ]
}

#[tokio::test]
async fn a_backup_is_handed_on_however_long_it_is_and_the_page_waits_for_the_new_start() {
    let (world, given) = restoring(Ok(())).await;
    let link = link(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&link).await;
    let (action, shown) = page.form("#restore");
    assert_eq!(action, format!("{link}/restore"));
    let csrf = shown.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    // Longer than any form may be.
    let backup = vec![7; 40 << 20];
    let answer = browser.post_multipart(&action, &fields(&csrf, &backup)).await;
    assert_eq!(answer.location(), action);
    let (bytes, passphrase) = given.lock().unwrap().pop().unwrap();
    assert_eq!((bytes == backup, passphrase.as_str()), (true, "twelve or more"));
    let waiting = browser.get(&action).await;
    assert_eq!(waiting.attributes("meta[http-equiv=refresh]", "content"), ["8"]);
    // The server that has started on the backup knows no such link.
    assert_eq!(browser.get("/setup/0000/restore").await.location(), "/login");
}

#[tokio::test]
async fn a_backup_is_taken_from_our_page_with_the_link_only_and_what_is_wrong_is_said() {
    let (world, given) = restoring(Err("The passphrase is not that of this backup.".to_owned())).await;
    let link = link(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&link).await;
    let csrf = page.form("#restore").1.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let action = format!("{link}/restore");
    for (status, action, csrf) in [
        (403, action.as_str(), "00000000000000000000000000000000"),
        (403, action.as_str(), ""),
        (404, "/setup/0000/restore", csrf.as_str()),
    ] {
        let answer = browser.post_multipart(action, &fields(csrf, b"backup")).await;
        assert_eq!(answer.status, status, "{action} {csrf}");
    }
    assert!(given.lock().unwrap().is_empty(), "nothing was handed on");
    let answer = browser.post_multipart(&action, &fields(&csrf, b"backup")).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.text("#restore-problem"), "The passphrase is not that of this backup.");
    // Where it is not possible it is not offered.
    let world = World::new().await;
    let link = self::link(&world).await;
    assert!(!Browser::new(&world).get(&link).await.has("#restore"));
}
