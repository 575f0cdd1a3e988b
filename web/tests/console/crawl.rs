//! Every link and every form that is reachable leads somewhere.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use objects::{Value, Version};

use crate::{
    browser::{Answer, Browser},
    sample::{certificates, everything},
    world::{LINKS, SampleDevice, World},
};

/// What a page may weigh.
const MOST_BYTES: usize = 100 * 1024;

/// Numbers and names in an address replaced, so that a route is counted once.
fn shape(url: &str) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| match segment.len() {
            32 | 64 => "…",
            _ if segment.bytes().all(|byte| byte.is_ascii_digit()) && !segment.is_empty() => "0",
            _ => segment,
        })
        .collect();
    format!("{}?{}", segments.join("/"), names.join("&"))
}

fn links(page: &Answer) -> Vec<String> {
    let links = page.attributes("a[href]", "href").into_iter();
    links.filter(|url| url.starts_with('/')).map(|url| url.split('#').next().unwrap().to_owned()).collect()
}

/// Every page that links lead to from the overview, one of each kind, with its address.
pub(crate) async fn every_page(browser: &mut Browser) -> Vec<(String, Answer)> {
    let (mut seen, mut queue, mut pages) = (BTreeSet::new(), VecDeque::from(["/".to_owned()]), Vec::new());
    while let Some(url) = queue.pop_front() {
        if !seen.insert(shape(&url)) {
            continue;
        }
        let page = browser.get(&url).await;
        if page.header("content-type").starts_with("text/html") {
            queue.extend(links(&page));
            queue.extend(page.attributes("form[method=get]", "action"));
        }
        pages.push((url, page));
    }
    pages
}

async fn crowded() -> (World, Browser) {
    let world = World::new().await;
    world
        .register(&SampleDevice {
            id: 1,
            endpoint: "node-7",
            lwm2m: Version::V1_1,
            queue_mode: true,
            links: LINKS,
        })
        .await;
    for level in 0..20 {
        world
            .report(1, &[("/3/0/9", Value::Integer(level)), ("/26241/0/1", Value::String("x".into()))])
            .await;
    }
    everything(&world, "sample").await;
    certificates(&world, "factory", "factory").await;
    let browser = Browser::logged_in(&world).await;
    (world, browser)
}

#[tokio::test]
async fn every_link_leads_to_a_page_that_is_neither_missing_nor_too_heavy() {
    let (world, mut administrator) = crowded().await;
    let viewer = administrator.of_role(&world, "viewer").await;
    for (mut browser, most) in [(administrator, 40), (viewer, 25)] {
        let pages = every_page(&mut browser).await;
        for (url, page) in &pages {
            assert!(matches!(page.status.as_u16(), 200 | 303), "{url}: {} {}", page.status, page.body);
            assert!(page.body.len() < MOST_BYTES, "{url}: {} bytes", page.body.len());
        }
        assert!(pages.len() >= most, "{:?}", pages.iter().map(|(url, _)| url).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn every_form_is_answered_with_something_to_read() {
    let (_world, mut browser) = crowded().await;
    let mut forms = BTreeMap::new();
    for (_, page) in every_page(&mut browser).await {
        for (number, action) in
            page.attributes("form[method=post]:not([hidden])", "action").into_iter().enumerate()
        {
            let (_, fields) = page.nth_form("form[method=post]:not([hidden])", number);
            if action != "/logout" {
                forms.entry(shape(&action)).or_insert((action, fields));
            }
        }
        for action in page.attributes("button[formaction]", "formaction") {
            let (_, fields) =
                page.form(if page.has("form#actions") { "form#actions" } else { "form#selection" });
            forms.entry(shape(&action)).or_insert((action, fields));
        }
    }
    assert!(forms.len() > 15, "{:?}", forms.keys());
    for (action, fields) in forms.values() {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = browser.post(action, &fields).await;
        assert!(
            matches!(answer.status.as_u16(), 303 | 404 | 409 | 422),
            "{action}: {} {}",
            answer.status,
            answer.body
        );
        if answer.status == 303 {
            let page = browser.follow(&answer).await;
            assert!(
                matches!(page.status.as_u16(), 200 | 303),
                "{action} → {}: {}",
                answer.location(),
                page.status
            );
        }
    }
}
