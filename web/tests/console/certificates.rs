//! Raw public keys and certificates: authorities, revocation lists, what classes let in, and what devices are given.

use std::sync::atomic::Ordering;

use crate::{
    browser::{Answer, Browser},
    issuer::{Foreign, public_key},
    sample::certificates,
    world::World,
};

async fn server() -> (World, Browser) {
    let world = World::new().await;
    world.fleet.own_keys(&["muster.test".to_owned()], world.now()).await.unwrap().unwrap();
    world.clock.fetch_add(1_000, Ordering::Relaxed);
    let browser = Browser::logged_in(&world).await;
    (world, browser)
}

async fn add(browser: &mut Browser, filled: &[(&str, &str)]) -> Answer {
    let form = browser.get("/enrolment").await;
    browser.submit(&form, "#add", filled).await
}

#[tokio::test]
async fn authorities_are_listed_with_what_is_due_soon() {
    let world = World::new().await;
    certificates(&world, "factory", "factory").await;
    let mut browser = Browser::logged_in(&world).await;
    let page = browser.get("/security").await;
    let rows = page.texts("#authorities tbody tr");
    assert_eq!(rows.len(), 2);
    assert!(rows[0].contains("Muster") && rows[0].contains("this server’s own"), "{rows:?}");
    assert!(rows[1].contains("CN=factory") && rows[1].contains("Expires soon"), "{rows:?}");
    assert!(rows[1].contains("in 20 d"), "{rows:?}");
    assert!(rows[1].contains("number 1f") && rows[1].contains("1 taken back"), "{rows:?}");
    assert_eq!(page.texts("#authorities .badge"), ["Good", "Expires soon", "Stale"]);
    let warnings = page.texts("#warnings li");
    assert!(warnings[0].contains("factory expires in 20 d"), "{warnings:?}");
    assert!(warnings[1].contains("The revocation list of factory is stale"), "{warnings:?}");
    world.clock.fetch_add(21 * 86_400_000, Ordering::Relaxed);
    let page = browser.get("/security").await;
    assert!(page.texts("#warnings li")[0].contains("factory has expired 1 d ago"));
}

#[tokio::test]
async fn an_authority_is_trusted_and_trusted_no_more() {
    let (world, mut browser) = server().await;
    let foreign = Foreign::new("Factory CA", world.now(), 400);
    let form = browser.get("/security").await;
    let pem = foreign.pem();
    for (filled, field) in [
        ([("name", "Factory"), ("certificate", "")], "certificate"),
        ([("name", "Factory"), ("certificate", "hello")], "certificate"),
        ([("name", ""), ("certificate", pem.as_str())], "name"),
    ] {
        let again = browser.submit(&form, "form.card", &filled).await;
        assert_eq!(again.status, 422, "{filled:?}");
        assert!(again.has(&format!("#field-{field}-problem")), "{field}: {}", again.body);
    }
    let done = browser.submit(&form, "form.card", &[("name", "Factory"), ("certificate", &pem)]).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#done").starts_with("The authority is trusted"));
    assert!(page.texts("#authorities tbody tr")[1].contains("CN=Factory CA"));
    let (_, leaf) = foreign.issue("node-7", world.now(), 5);
    let refused = browser.submit(&form, "form.card", &[("name", "Device"), ("certificate", &leaf)]).await;
    assert!(refused.text("#field-certificate-problem").contains("pin it to its device"));

    let download = page.attributes("#authorities a[href$='certificate.pem']", "href").remove(1);
    let download = browser.get(&download).await;
    assert_eq!(download.header("content-type"), "application/x-pem-file");
    assert!(download.header("content-disposition").starts_with("attachment"));
    assert_eq!(download.body.replace('\r', ""), pem.replace('\r', ""));

    let ask = browser.get(&page.attributes("#authorities a.danger", "href").remove(0)).await;
    let refused = browser.submit(&ask, "#confirm", &[("typed", "factory")]).await;
    assert_eq!(refused.status, 422);
    let done = browser.submit(&ask, "#confirm", &[("typed", "Factory")]).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#done").starts_with("The authority is trusted no more"));
    assert_eq!(page.texts("#authorities tbody tr").len(), 1);
    assert!(!page.has("#authorities a.danger"), "the server's own stays");
}

#[tokio::test]
async fn a_revocation_list_is_taken_from_its_authority_alone_and_never_an_older_one() {
    let (world, mut browser) = server().await;
    let (foreign, other) =
        (Foreign::new("Factory", world.now(), 400), Foreign::new("Other", world.now(), 400));
    let form = browser.get("/security").await;
    let done =
        browser.submit(&form, "form.card", &[("name", "Factory"), ("certificate", &foreign.pem())]).await;
    let page = browser.follow(&done).await;
    let url = page.attributes("#authorities a[href$=revocations]", "href").remove(1);
    let form = browser.get(&url).await;
    let list = foreign.revocations(5, world.now(), 7);
    let (older, foreign_list) =
        (foreign.revocations(4, world.now(), 7), other.revocations(9, world.now(), 7));
    let done = browser.submit(&form, "form.card", &[("list", &list)]).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#done").starts_with("The revocation list was taken"));
    assert!(page.texts("#authorities .badge").contains(&"Current".to_owned()));
    let form = browser.get(&url).await;
    assert_eq!(form.text("#revocations dd.mono"), "5");
    for (list, says) in [
        (&older, "older"),
        (&foreign_list, "issued by somebody else"),
        (&foreign.pem(), "no revocation list"),
    ] {
        let again = browser.submit(&form, "form.card", &[("list", list)]).await;
        assert_eq!(again.status, 422, "{says}");
        assert!(again.text("#field-list-problem").contains(says), "{}", again.text("#field-list-problem"));
    }
}

#[tokio::test]
async fn a_list_may_be_longer_than_other_forms_and_not_longer_than_is_taken() {
    let (world, mut browser) = server().await;
    let page = browser.get("/security").await;
    let url = page.attributes("#authorities a[href$=revocations]", "href").remove(0);
    let token = page.attributes("input[name=csrf]", "value").remove(0);
    for (bytes, status) in [(3 << 20, 422), (7 << 20, 413)] {
        let text = vec![b'a'; bytes];
        let fields: [(&str, Option<&str>, &[u8]); 2] =
            [("csrf", None, token.as_bytes()), ("file", Some("list.crl"), &text)];
        assert_eq!(browser.post_multipart(&url, &fields).await.status, status, "{bytes}");
    }
    assert!(world.fleet.trusted().await.unwrap().iter().all(|(_, list)| list.is_none()));
}

#[tokio::test]
async fn what_devices_are_to_know_of_the_server_is_taken_along() {
    let (world, mut browser) = server().await;
    let mut viewer = browser.of_role(&world, "viewer").await;
    let page = viewer.get("/security").await;
    let key = page.text("#server-key-pem");
    assert!(key.starts_with("-----BEGIN PUBLIC KEY-----"), "{key}");
    assert!(page.text("#server-key-hex").starts_with("3059"), "a key on P-256");
    assert!(!page.has("form.card"), "a viewer adds nothing");
    for (url, begins) in [
        ("/security/server.pem", "-----BEGIN CERTIFICATE-----"),
        ("/security/server-key.pem", "-----BEGIN PUBLIC KEY-----"),
    ] {
        let file = viewer.get(url).await;
        assert!(file.body.starts_with(begins), "{url}");
    }
    let bare = World::new().await;
    let mut browser = Browser::logged_in(&bare).await;
    assert!(!browser.get("/security").await.has("#server-key-pem"));
    assert_eq!(browser.get("/security/server.pem").await.status, 404);
}

#[tokio::test]
async fn a_class_says_how_long_values_are_kept() {
    let (_world, mut browser) = server().await;
    let page = browser.get("/enrolment/classes/default").await;
    assert_eq!(page.attributes("#retention input[name=readings]", "value"), ["1000"]);
    let (action, _) = page.form("#retention");
    let token = page.attributes("#retention input[name=csrf]", "value").remove(0);
    for (days, readings, says) in
        [("0", "9", "1 to 36500 days"), ("x", "9", "a whole number"), ("", "0", "1 to 1000 readings")]
    {
        let again = browser.post(&action, &[("csrf", &token), ("days", days), ("readings", readings)]).await;
        assert_eq!(again.status, 422, "{says}");
        assert!(again.text("main").to_lowercase().contains(says), "{says}");
    }
    let done = browser.post(&action, &[("csrf", &token), ("days", "30"), ("readings", "9")]).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#done").starts_with("Saved."));
    assert_eq!(page.attributes("#retention input[name=days]", "value"), ["30"]);
    assert_eq!(page.attributes("#retention input[name=readings]", "value"), ["9"]);
}

#[tokio::test]
async fn a_class_says_which_kinds_it_lets_in() {
    let (_world, mut browser) = server().await;
    let page = browser.get("/enrolment/classes/default").await;
    assert_eq!(page.attributes("#policy input[type=checkbox][checked]", "name").len(), 3);
    let (action, _) = page.form("#policy");
    let token = page.attributes("#policy input[name=csrf]", "value").remove(0);
    let policy = |kinds: &[&'static str], provision: &'static str| {
        let kinds = kinds.iter().map(|kind| (*kind, "on"));
        let rest = [("mapping", "san"), ("provision", provision)];
        kinds.chain(rest).collect::<Vec<_>>()
    };
    for (kinds, provision, says) in [
        (&[][..], "psk", "at least one kind"),
        (&["kind_x509"], "psk", "which is not let in"),
        (&["kind_x509"], "smoke", "choose one of the list"),
    ] {
        let mut sent = policy(kinds, provision);
        sent.push(("csrf", &token));
        let again = browser.post(&action, &sent).await;
        assert_eq!(again.status, 422, "{says}");
        assert!(again.text("main").to_lowercase().contains(says), "{says}");
    }
    let mut sent = policy(&["kind_x509"], "x509");
    sent.push(("csrf", &token));
    let done = browser.post(&action, &sent).await;
    let page = browser.follow(&done).await;
    assert!(page.text("#done").starts_with("The policy was saved"));
    assert_eq!(page.attributes("#policy input[type=checkbox][checked]", "name"), ["kind_x509"]);
    assert_eq!(page.attributes("#policy option[selected]", "value"), ["san", "x509"]);
    let list = browser.get("/enrolment/classes").await;
    assert!(list.texts("#classes tbody tr")[0].contains("X.509 certificate"));

    let refused = add(&mut browser, &[("endpoint", "node-7")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text("#field-kind-problem").contains("lets in x509, and not psk"));
    let filled = [("endpoint", "node-7"), ("management", "on"), ("management_kind", "rpk")];
    let form = browser.get("/enrolment").await;
    let token = form.attributes("#add input[name=csrf]", "value").remove(0);
    let refused = browser.post("/enrolment", &[&filled[..], &[("csrf", token.as_str())]].concat()).await;
    assert!(refused.text("#field-management_kind-problem").contains("and not rpk"), "{}", refused.body);
}

#[tokio::test]
async fn a_key_pair_is_made_and_shown_once_with_the_lines_that_use_it() {
    let (_world, mut browser) = server().await;
    let made = add(&mut browser, &[("endpoint", "node-7"), ("kind", "rpk")]).await;
    let page = browser.follow(&made).await;
    assert!(page.text("#identity-bootstrap").starts_with("spki:"));
    assert!(page.text("#private-key-bootstrap").starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(page.text("#public-key-bootstrap").starts_with("-----BEGIN PUBLIC KEY-----"));
    assert!(page.text("#server-key").starts_with("-----BEGIN PUBLIC KEY-----"));
    let line = page.text("[id^=line-leshan]");
    assert!(line.contains("--raw-public-key public.der --private-key private.der"), "{line}");
    assert!(line.contains("coaps://muster.test:5784"), "{line}");
    let private = page.text("#private-key-bootstrap");
    assert!(!browser.follow(&made).await.body.contains("PRIVATE KEY"), "shown this once");

    let url = page.attributes("main a.button.primary", "href").remove(0);
    let list = browser.get(&format!("{url}/credentials")).await;
    assert!(list.texts("#credentials tbody tr")[0].contains("rpk"));
    let key = private.trim_start_matches("-----BEGIN PRIVATE KEY-----").trim_start();
    assert!(!list.body.contains(&key[..40]));
    let found = browser.get(&format!("/search?q={}", page.text("#identity-bootstrap"))).await;
    assert_eq!(found.location(), url);
}

#[tokio::test]
async fn a_certificate_is_issued_and_its_end_is_shown() {
    let (_world, mut browser) = server().await;
    let made = add(&mut browser, &[("endpoint", "node-7"), ("kind", "x509")]).await;
    let page = browser.follow(&made).await;
    assert!(page.text("#private-key-bootstrap").starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(page.text("#certificate-bootstrap").starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(page.text("#server-certificate").starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(page.text("[id^=line-leshan]").contains("--certificate certificate.der"));
    let url = page.attributes("main a.button.primary", "href").remove(0);
    let list = browser.get(&format!("{url}/credentials")).await;
    assert_eq!(list.texts("#credentials .badge"), ["Staged: not proved yet", "Good"]);
    let key = public_key();
    let filled = [("endpoint", "node-8"), ("kind", "x509"), ("public_key", key.as_str())];
    let made = add(&mut browser, &filled).await;
    let page = browser.follow(&made).await;
    assert!(page.has("#certificate-bootstrap") && !page.has("#private-key-bootstrap"));
}

#[tokio::test]
async fn what_a_device_keeps_to_itself_is_given_by_its_public_part() {
    let (world, mut browser) = server().await;
    let key = public_key();
    let made = add(&mut browser, &[("endpoint", "node-1"), ("kind", "rpk"), ("public_key", &key)]).await;
    let page = browser.follow(&made).await;
    assert!(page.text("#identity-bootstrap").starts_with("spki:") && !page.body.contains("PRIVATE"));
    let foreign = Foreign::new("Factory", world.now(), 400);
    let (_, pinned) = foreign.issue("node-2", world.now(), 5);
    let made = add(&mut browser, &[("endpoint", "node-2"), ("kind", "x509"), ("certificate", &pinned)]).await;
    assert!(browser.follow(&made).await.text("#identity-bootstrap").starts_with("spki:"));
    let made = add(&mut browser, &[("endpoint", "node-3"), ("kind", "x509"), ("named", "node 3")]).await;
    assert_eq!(browser.follow(&made).await.text("#identity-bootstrap"), "cn:node 3");

    let long = "x".repeat(300);
    for (filled, field) in [
        (vec![("kind", "psk"), ("public_key", key.as_str())], "public_key"),
        (vec![("kind", "rpk"), ("public_key", "hello")], "public_key"),
        (vec![("kind", "rpk"), ("public_key", key.as_str())], "identity"),
        (vec![("kind", "rpk"), ("key", "00")], "key"),
        (vec![("kind", "x509"), ("certificate", key.as_str())], "certificate"),
        (vec![("kind", "x509"), ("certificate", pinned.as_str()), ("named", "x")], "certificate"),
        (vec![("kind", "x509"), ("named", long.as_str())], "certificate"),
    ] {
        let filled = [vec![("endpoint", "node-9")], filled].concat();
        let again = add(&mut browser, &filled).await;
        assert_eq!(again.status, 422, "{filled:?}");
        assert!(
            again.has(&format!("#field-{field}-problem")),
            "{field} {}",
            again.texts(".problem").concat()
        );
    }
}

#[tokio::test]
async fn a_credential_tells_the_certificate_that_its_device_came_with() {
    let world = World::new().await;
    let device = certificates(&world, "factory", "factory").await;
    let mut browser = Browser::logged_in(&world).await;
    let page = browser.get(&format!("/devices/{device}/credentials")).await;
    let rows = page.texts("#credentials tbody tr");
    let came = rows.iter().find(|row| row.contains("bootstrap")).unwrap();
    assert!(came.contains("came with CN=factory") && came.contains("CN=factory, number"), "{came}");
    assert!(came.matches("Expires soon").count() == 1 && came.contains("in 5 d"), "{came}");
    let issued = rows.iter().find(|row| row.contains("management")).unwrap();
    assert!(issued.contains("Good") && !issued.contains("came with"), "{issued}");
}

#[tokio::test]
async fn a_subject_is_a_line_whatever_stands_in_it() {
    for name in ["<script>alert(1)</script>", "a\0b\r\nc\u{1b}[2J\u{202e}", &"x".repeat(7_000)] {
        let world = World::new().await;
        let device = certificates(&world, "factory", name).await;
        let mut browser = Browser::logged_in(&world).await;
        for url in ["/security".to_owned(), format!("/devices/{device}/credentials")] {
            let page = browser.get(&url).await;
            assert_eq!(page.status, 200, "{url}");
            assert!(page.body.len() < 20_000, "{url}: {}", page.body.len());
            assert!(!page.body.contains("<script>alert"), "{url}");
            let hidden = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
            assert!(!page.body.contains(hidden) && !page.body.contains('\u{202e}'), "{url}");
            assert!(page.texts("table").concat().contains("CN="), "{url}");
        }
    }
}
