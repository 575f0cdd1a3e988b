//! Artefacts: uploaded by a form without a script, looked at, withdrawn, removed; and what a class takes.

use crate::{
    browser::{Answer, Browser},
    world::World,
};

const IMAGE: &[u8] = b"an image";

/// Sends the form of the upload as a browser does: every input is a part, an empty one where no file was chosen.
async fn upload(browser: &mut Browser, page: &Answer, name: &str, image: &[u8]) -> Answer {
    let (action, fields) = page.form("form.card");
    let csrf = fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    let parts: [(&str, Option<&str>, &[u8]); 8] = [
        ("csrf", None, csrf.as_bytes()),
        ("name", None, name.as_bytes()),
        ("class", None, b"default"),
        ("version", None, b"1.4.0"),
        ("not_after", None, b"2030-12-31T00:00"),
        ("signature", Some(""), b""),
        ("envelope", Some(""), b""),
        ("image", Some("fw.bin"), image),
    ];
    browser.post_multipart(&action, &parts).await
}

async fn take_unsigned(browser: &mut Browser) {
    let page = browser.get("/enrolment/classes/default/updates").await;
    let saved = browser.submit(&page, "#policy", &[("unsigned", "on")]).await;
    assert!(browser.follow(&saved).await.has("#field-unsigned[checked]"));
}

#[tokio::test]
async fn an_image_is_uploaded_withdrawn_and_removed() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    take_unsigned(&mut browser).await;
    let page = browser.get("/artefacts").await;
    let done = upload(&mut browser, &page, "gateway", IMAGE).await;
    let page = browser.follow(&done).await;
    assert!(page.has("#fits"), "{}", page.body);
    assert_eq!(page.text("h1"), "gateway 1.4.0");
    assert!(page.text("#facts").contains("8 bytes"));
    assert!(page.text("#facts").contains("a5df3fde7b200c3fa2791144c7e05c5c2bced4c6ad863d3a4cf76c972c1712f9"));
    let content = browser.get(&page.attributes("a[download]", "href")[0]).await;
    assert_eq!((content.status.as_u16(), content.body.as_bytes()), (200, IMAGE));
    let done = browser.submit(&page, "#withdraw", &[]).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#misfit").contains("withdrawn"));
    assert!(browser.get("/artefacts").await.text("#artefacts tbody").contains("withdrawn"));
    let done = browser.submit(&page, "#remove", &[]).await;
    assert!(browser.follow(&done).await.texts("#artefacts tbody tr").is_empty());
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_reason_and_what_was_typed_stays() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let page = browser.get("/artefacts").await;
    let refused = upload(&mut browser, &page, "gateway", IMAGE).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text("[role=alert]").contains("signed artefacts only"), "{}", refused.body);
    assert_eq!(refused.attributes("#field-name", "value"), ["gateway"]);
    take_unsigned(&mut browser).await;
    let refused = upload(&mut browser, &page, "", IMAGE).await;
    assert!(refused.has("#field-name-problem"), "{}", refused.body);
    let empty = upload(&mut browser, &page, "gateway", b"").await;
    assert!(empty.has("#field-image-problem"), "{}", empty.body);
    assert!(browser.get("/artefacts").await.texts("#artefacts tbody tr").is_empty());
}

#[tokio::test]
async fn without_a_script_the_form_of_an_upload_shows_no_progress() {
    let world = World::new().await;
    let page = Browser::logged_in(&world).await.get("/artefacts").await;
    let form = "form[data-upload][method=post][enctype='multipart/form-data']";
    assert!(page.has(&format!("{form} p.upload[hidden] progress")), "{}", page.body);
}

#[tokio::test]
async fn a_form_that_is_not_ours_uploads_nothing() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    take_unsigned(&mut browser).await;
    for csrf in [None, Some("00112233445566778899aabbccddeeff")] {
        let mut parts: Vec<(&str, Option<&str>, &[u8])> =
            vec![("name", None, b"gateway"), ("version", None, b"1")];
        parts.extend(csrf.map(|csrf| ("csrf", None, csrf.as_bytes())));
        parts.push(("image", Some("fw.bin"), IMAGE));
        assert_eq!(browser.post_multipart("/artefacts/upload", &parts).await.status, 403);
    }
    let mut viewer = browser.of_role(&world, "viewer").await;
    assert!(!viewer.get("/artefacts").await.has("form.card"));
}

#[tokio::test]
async fn an_update_key_is_trusted_and_revoked() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let page = browser.get("/enrolment/classes/default/updates").await;
    let refused = browser.submit(&page, "form.card", &[("name", "build"), ("public_key", "nonsense")]).await;
    assert!(refused.has("#field-public_key-problem"), "{}", refused.body);
    // RFC 8410 §10.1.
    let key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    let added = browser.submit(&page, "form.card", &[("name", "build"), ("public_key", key)]).await;
    let page = browser.follow(&added).await;
    assert!(page.text("#keys tbody").contains("build") && page.text("#keys tbody").contains("ed25519"));
    let revoked = browser.submit(&page, "form.revoke", &[]).await;
    assert!(browser.follow(&revoked).await.text("#keys tbody").contains("revoked"));
    let wrong = browser.submit(&page, "#policy", &[("vendor_id", "no uuid")]).await;
    assert!(wrong.has("#field-vendor_id-problem"), "{}", wrong.body);
}
