//! What a device or a form can say comes out as what it is: no event, row, header or line is forged by it.

use axum::http::Method;
use objects::Value;
use serde_json::json;
use web::api::v1::types::{self, Event, Page, Reading};

use crate::world::{Ask, World};

/// What names and texts may hold: markup, formulas, ends of lines where they may be, marks that turn the direction.
const NAMES: [&str; 6] = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "a\",\"b;c\td'".trim_ascii_end(),
    "\u{202e}evil\u{2028}data: x",
    "../../%2e%2e/%0d%0aSet-Cookie: a=b",
    "@SUM(1+1)*cmd",
];

const TEXTS: [&str; 4] = [
    "a\r\n\r\nevent: removed\r\ndata: {}\r\n\r\n",
    "\u{0}\u{1b}[2J",
    "\n\nid: 1\nevent: gap\ndata: {}\n\n",
    "\u{feff}\u{2029}",
];

#[tokio::test]
async fn a_value_or_a_name_forges_no_event() {
    let world = World::new().await;
    for (number, name) in (1..).zip(NAMES.iter().filter(|name| !name.contains('\t'))) {
        world.register(number, name).await;
        for text in TEXTS {
            world.report(number, "/3/0/15", Value::String(text.to_owned())).await;
        }
    }
    let response = world.begin(Ask::new(Method::GET, "/events?after=0").by(&world.token)).await;
    let mut body = response.into_body().into_data_stream();
    let (mut text, mut events) = (String::new(), 0);
    let count = 5 * (1 + TEXTS.len());
    while events < count {
        let chunk = futures::StreamExt::next(&mut body).await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        events = text.matches("\ndata: ").count();
    }
    assert!(!text.contains('\r') && !text.contains('\u{0}') && !text.contains('\u{1b}'));
    for block in text.split("\n\n").filter(|block| block.contains("data: ")) {
        let lines: Vec<&str> = block.lines().collect();
        assert_eq!(lines.iter().filter(|line| line.starts_with("data: ")).count(), 1, "{block}");
        let data = lines.iter().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let event: Event = serde_json::from_str(data).unwrap();
        assert!(NAMES.contains(&event.endpoint.as_str()));
    }
}

#[tokio::test]
async fn a_value_comes_back_as_it_is() {
    let world = World::new().await;
    let device = world.register(7, "node-7").await;
    for text in TEXTS {
        world.report(7, "/3/0/15", Value::String(text.to_owned())).await;
        let answer = world.get(&format!("/devices/{device}/values?path=/3/0/15")).await;
        let page: Page<Reading> = answer.body(200);
        assert_eq!(page.items[0].value, types::Value::String(text.to_owned()));
        assert!(!answer.text.chars().any(char::is_control), "{:?}", answer.text);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn a_name_makes_no_formula_no_row_and_no_header() {
    let world = World::new().await;
    for name in NAMES {
        let class = world.post("/classes", json!({"name": name})).await;
        if name.contains('\t') {
            class.problem(422, "invalid");
            continue;
        }
        assert_eq!(class.status, 201, "{name}: {}", class.text);
        let location = class.location().to_owned();
        assert!(
            location.bytes().all(|byte| byte.is_ascii_graphic()) && !location.contains('<'),
            "{location}"
        );
        assert_eq!(world.get(&location).await.status, 200, "{location}");
        assert!(class.headers.get("set-cookie").is_none());
        world.post("/devices", json!({"endpoint": name, "class": name})).await.body::<types::Enrolled>(201);
    }
    let csv = world.send(Ask::new(Method::GET, "/audit").by(&world.token).with("accept", "text/csv")).await;
    let rows: Page<types::AuditEntry> = world.get("/audit?limit=500").await.body(200);
    assert!(rows.items.len() >= 10);
    for line in csv.text.split("\r\n") {
        for cell in line.split(',') {
            let text = cell.trim_start_matches('"');
            assert!(!text.starts_with(['=', '+', '-', '@']), "{line}");
        }
    }
    let lines = Ask::new(Method::GET, "/audit").by(&world.token).with("accept", "application/x-ndjson");
    let lines = world.send(lines).await.text;
    for line in lines.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_a_name_is_refused_and_told_in_one_line() {
    let world = World::new().await;
    for name in ["a\r\nb", "a\u{0}b", "a\u{85}b", "", &"x".repeat(253)] {
        let answer = world.post("/devices", json!({"endpoint": name})).await;
        let problem = answer.problem(422, "invalid");
        assert!(!problem.detail.chars().any(char::is_control) && problem.detail.len() < 500);
    }
    let answer = world.get("/devices?%0d%0aSet-Cookie:a=b").await;
    answer.problem(400, "bad-request");
    assert!(answer.headers.get("set-cookie").is_none());
    for secret in ["muster_", "Bearer"] {
        assert!(!world.get("/nothing").await.text.contains(secret));
    }
}
