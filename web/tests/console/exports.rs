//! Exports: the whole result, as a file that a spreadsheet can open without harm.

use objects::Version;

use crate::{
    browser::Browser,
    world::{SampleDevice, World},
};

#[tokio::test]
async fn the_whole_result_is_exported_not_a_page() {
    let world = World::new().await;
    for id in 1..=120 {
        let endpoint = Box::leak(format!("node-{id:03}").into_boxed_str());
        let device = SampleDevice { id, endpoint, lwm2m: Version::V1_0, queue_mode: false, links: "</3/0>" };
        world.register(&device).await;
    }
    let mut browser = Browser::logged_in(&world).await;
    let list = browser.get("/devices?prefix=node-").await;
    let links = list.attributes("a[href^='/devices/export']", "href");
    assert_eq!(
        links,
        ["/devices/export?prefix=node-&format=csv", "/devices/export?prefix=node-&format=ndjson"]
    );
    let csv = browser.get(&links[0]).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"muster-devices.csv\"");
    assert_eq!(csv.body.lines().count(), 121);
    assert!(csv.body.starts_with("id,endpoint,state,"));
    let json = browser.get(&links[1]).await;
    let rows: Vec<serde_json::Value> =
        json.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((rows.len(), rows[0]["endpoint"].as_str()), (120, Some("node-001")));
    assert_eq!(browser.get("/devices/export?format=exe").await.status, 404);
    world.fleet.flush_audit().await.unwrap();
    let audit = browser.get("/audit?verb=export").await;
    assert_eq!(audit.texts("#audit tbody tr").len(), 2, "an export leaves an entry");
}

#[tokio::test]
async fn a_name_that_looks_like_a_formula_is_text_in_a_spreadsheet() {
    let world = World::new().await;
    for (id, endpoint) in [
        (1, "=HYPERLINK(\"http://evil.example\",\"x\")"),
        (2, "+1"),
        (3, "-1"),
        (4, "@SUM(A1)"),
        (5, "a,\"b"),
    ] {
        let device = SampleDevice { id, endpoint, lwm2m: Version::V1_0, queue_mode: false, links: "</3/0>" };
        world.register(&device).await;
    }
    let mut browser = Browser::logged_in(&world).await;
    let csv = browser.get("/devices/export?format=csv").await;
    for cell in ["\"'=HYPERLINK(\"\"http", "\"'+1\"", "\"'-1\"", "\"'@SUM(A1)\"", "\"a,\"\"b\""] {
        assert!(csv.body.contains(cell), "{cell} in {}", csv.body);
    }
    for line in csv.body.lines() {
        assert!(line.split(',').all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{line}");
    }
}

#[tokio::test]
async fn the_audit_log_is_filtered_and_exported() {
    let world = World::new().await;
    let mut browser = Browser::logged_in(&world).await;
    let page = browser.get("/audit").await;
    assert!(page.texts("#audit tbody tr").iter().any(|row| row.contains("create user")));
    let none = browser.get("/audit?actor=nobody").await;
    assert!(none.text(".empty h2").contains("Nothing matches"));
    let filtered = browser.get("/audit?actor=ada&verb=create+user&since=2020-01-01T00:00:00").await;
    assert_eq!(filtered.texts("#audit tbody tr").len(), 1);
    assert_eq!(browser.get("/audit?until=2020-01-01T00:00:00").await.texts("#audit tbody tr").len(), 0);
    assert_eq!(browser.get("/audit?device=nobody").await.texts("#audit tbody tr").len(), 0);
    let csv = browser.get("/audit/export?verb=create+user&format=csv").await;
    assert_eq!(csv.body.lines().count(), 2, "{}", csv.body);
}
