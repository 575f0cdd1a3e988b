//! Texts that want to be something else: markup, a header, a second line, a formula, a command to the terminal.

use super::{claims::new_claim, enrol::*, handshake::open_at, *};
use crate::{
    Credential, DiaryCause, GivenPsk, ImportFormat, Incident, NewClaim, NewDevice, PskIdentity, Purpose,
    Removal,
};

const TEXTS: [&str; 9] = [
    "<script>alert(1)</script>",
    "a\r\nSet-Cookie: x=1",
    "a\n2026-01-01 denied · nobody · forged",
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "=HYPERLINK(\"http://example.com\")",
    "\u{0}\u{7f}\u{85}",
    "'; DROP TABLE device; --",
    "{{7*7}}${7*7}%n%s",
    "\u{202e}txt.exe",
];

#[test]
fn whatever_a_person_or_a_device_writes_is_one_line_where_it_is_kept() {
    let bench = with_users();
    let admin = context(Role::Administrator);
    for text in TEXTS {
        let owned = || text.to_owned();
        drop(block_on(bench.fleet.add_class(&admin, text)));
        drop(block_on(bench.fleet.add_token(&admin, text, Role::Viewer, None)));
        drop(block_on(bench.fleet.add_user(&admin, text, Role::Viewer, hash())));
        drop(block_on(bench.fleet.add_webhook(&admin, text, vec![owned()])));
        drop(block_on(bench.fleet.add_webhook(&admin, "https://example.com/", vec![owned()])));
        drop(block_on(bench.fleet.upload_model(&admin, text)));
        drop(block_on(bench.fleet.begin_login(text, HERE, START, request())));
        let identity = PskIdentity::new(text).unwrap();
        let credential = GivenPsk { identity: Some(identity.clone()), key: None };
        drop(block_on(bench.fleet.add_claim(&admin, NewClaim { credential, ..new_claim(text) })));
        let psk = GivenPsk { identity: Some(PskIdentity::new(format!("{text}!")).unwrap()), key: None };
        if let Ok(endpoint) = EndpointName::new(text) {
            let new = NewDevice { endpoint, class: None, bootstrap: Some(psk.into()), management: None };
            let device = block_on(bench.fleet.add_device(&admin, new)).unwrap().device;
            let removal = Removal { keep_data: true, reason: owned() };
            block_on(bench.fleet.remove_device(&admin, device.public_id, removal)).unwrap();
        }
        let file = format!("endpoint,class\n\"{0}\",\"{0}\"\n", text.replace('"', "\"\""));
        let report = block_on(bench.fleet.import(&admin, ImportFormat::Csv, file.as_bytes(), false)).unwrap();
        assert!(report.errors.iter().all(|error| is_plain(&error.reason)), "{report:?}");
        bench.fleet.incident(Incident {
            at: START,
            cause: DiaryCause::UnknownIdentity,
            subject: owned(),
            from: "192.0.2.1:5000".parse().unwrap(),
            listener: "coaps".into(),
            device: Some(DeviceId(1)),
            detail: owned(),
        });
        let closed = block_on(bench.fleet.opening(Purpose::Management, text.as_bytes(), START)).unwrap();
        assert!(is_plain(&closed.unwrap_err().detail));
    }
    block_on(bench.fleet.flush_diary(START)).unwrap();
    block_on(bench.fleet.flush_audit()).unwrap();
    let audit = bench.audit();
    assert!(audit.len() > TEXTS.len() && audit.iter().all(|line| is_plain(line)), "{audit:#?}");
    for number in 1..2_000 {
        assert!(bench.timeline(DeviceId(number)).iter().all(|line| is_plain(line)));
    }
    let query = crate::store::DiaryQuery::all(PageRequest::first(500));
    let diary = block_on(bench.store.diary(&query)).unwrap().rows;
    assert_eq!(diary.len(), TEXTS.len());
    assert!(diary.iter().all(|entry| is_plain(&entry.subject) && is_plain(&entry.detail)));
}

#[test]
fn an_identity_that_can_not_be_printed_opens_by_its_bytes() {
    let bench = Bench::new();
    for text in TEXTS {
        let identity = PskIdentity::new(text).unwrap();
        let given = GivenPsk { identity: Some(identity), key: None };
        let endpoint = endpoint(&format!("device {}", text.len()));
        let new = NewDevice { endpoint, class: None, bootstrap: Some(given.into()), management: None };
        let Ok(enrolled) = block_on(bench.fleet.add_device(&context(Role::Administrator), new)) else {
            continue;
        };
        let credential: &Credential = &enrolled.shown[0].credential;
        assert!(open_at(&bench, credential, Purpose::Bootstrap, START).is_ok(), "{text:?}");
    }
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
