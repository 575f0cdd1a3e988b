//! Mending: what is found, what is done about it, and when it is given up.

use std::{cell::Cell, time::Duration};

use super::*;
use crate::{Finding, Repair};

const PAIRED: &str =
    "</>;lwm2m=1.1,</0/0>,</0/1>;ssid=1;uri=\"coaps://muster.example.com:5684\",</1/0>;ssid=1";

/// What a device has discovered before anything was written.
const FACTORY: &str = "</>;lwm2m=1.1,</0/0>,</1>,</3/0>";

/// A device that shows these links once it was written to, and finishes when `mends` was asked.
fn mended_by(mends: &'static str, links: &'static str) -> impl FnMut(&str) -> Option<StepAnswer> {
    let (mut finishes, mut is_well) = (0, false);
    move |step| {
        is_well |= finishes > 0 && step.starts_with(mends);
        match step {
            "Discover /" => Some(found(if finishes > 0 { links } else { FACTORY })),
            "Finish" => {
                finishes += 1;
                (!is_well).then(|| code(4, 6, "no"))
            }
            _ => None,
        }
    }
}

fn findings(bench: &Bench) -> Vec<(String, String)> {
    let all = bench.record().repairs.iter().flat_map(|repair| &repair.findings);
    all.map(|finding: &Finding| (finding.what.clone(), finding.done.clone())).collect()
}

#[test]
fn a_server_instance_that_is_not_there_is_written_and_the_session_says_so() {
    let gone = "</>;lwm2m=1.1,</0/0>,</0/1>;ssid=1,</1>,</3/0>";
    let bench = Bench::new(|_| {}).run(mended_by("Write /1/0", gone));
    bench.finished();
    assert_eq!(bench.asked[3..], ["Finish", "Discover /", "Read /1", "Write /1/0 (TLV, 4 values)", "Finish"]);
    let repairs = &bench.record().repairs;
    assert_eq!(repairs[0].cause, "Finish: 4.06 (“no”)");
    assert_eq!((repairs.len(), repairs[0].anew), (1, None));
    let done = "Write /1/0 (TLV, 4 values): 2.04".to_owned();
    assert_eq!(findings(&bench), [("/1/0 was written and is not there".to_owned(), done)]);
    assert_eq!(bench.record().repaired(), Some("repaired"));
    assert_eq!(
        bench.record().repairs_said(),
        "1 repair: /1/0 was written and is not there (Write /1/0 (TLV, 4 values): 2.04)"
    );
}

#[test]
fn what_is_left_over_is_deleted_and_the_bootstrap_account_never() {
    for (links, delete) in [
        // The plan deletes it.
        ("</0/0>,</0/1>;ssid=1,</0/2>;ssid=9,</1/0>;ssid=1,</1/3>;ssid=9", "Delete /0/2"),
        // Nobody's.
        ("</0/0>,</0/1>;ssid=1,</1/0>;ssid=1,</1/3>;ssid=9", "Delete /1/3"),
        // Twice the same short server id.
        ("</0/0>,</0/1>;ssid=1,</0/4>;ssid=1,</1/0>;ssid=1", "Delete /0/4"),
    ] {
        let bench = Bench::new(|_| {}).run(mended_by(delete, links));
        bench.finished();
        assert!(bench.asked[4..].iter().any(|step| step == delete), "{links}: {:?}", bench.asked);
        assert!(!bench.asked.iter().any(|step| step == "Delete /0/0" || step == "Delete /0"), "{links}");
    }
}

#[test]
fn half_an_account_of_another_server_goes_even_if_the_plan_leaves_others_alone() {
    let links = "</0/0>,</0/1>;ssid=1,</1/0>;ssid=1,</1/3>;ssid=9,</0/5>;ssid=7,</1/5>;ssid=7";
    let bench = Bench::new(|prepared| prepared.plan.delete.clear()).run(mended_by("Delete /1/3", links));
    bench.finished();
    assert!(!bench.asked.iter().any(|step| step.ends_with("/5")), "a whole account stays: {:?}", bench.asked);
}

#[test]
fn an_account_with_another_address_or_number_is_written_once_more() {
    for (links, path, what) in [
        (
            "</0/0>,</0/1>;ssid=1;uri=\"coaps://old:5684\",</1/0>;ssid=1",
            "Write /0/1",
            "/0/1 has the address coaps://old:5684, not coaps://muster.example.com:5684",
        ),
        ("</0/0>,</0/1>;ssid=1,</1/0>;ssid=4", "Write /1/0", "/1/0 has the short server id 4, not 1"),
    ] {
        let bench = Bench::new(|_| {}).run(mended_by(path, links));
        bench.finished();
        assert_eq!(findings(&bench)[0].0, what);
    }
}

#[test]
fn what_a_read_shows_is_held_against_the_plan() {
    // TLV of /1: instance 0 with short server id 1, lifetime 60, notification storing, binding U.
    let tlv = [
        &[0x08, 0x00, 0x0d][..],
        &[0xc1, 0x00, 0x01],
        &[0xc1, 0x01, 0x3c],
        &[0xc1, 0x06, 0x01],
        &[0xc1, 0x07, b'U'],
    ]
    .concat();
    let mut tlv = tlv;
    tlv[2] = u8::try_from(tlv.len() - 3).unwrap();
    let is_well = Cell::new(false);
    let finishes = Cell::new(0);
    let bench = Bench::new(|_| {}).run(|step| match step {
        "Discover /" if finishes.get() > 0 => Some(found(PAIRED)),
        "Read /1" => Some(StepAnswer::Answered {
            code: ResponseCode { class: 2, detail: 5 },
            payload: tlv.clone(),
            format: Some(ContentFormat::TLV),
        }),
        "Finish" => {
            finishes.set(finishes.get() + 1);
            (!is_well.get()).then(|| code(4, 6, ""))
        }
        step => {
            is_well.set(finishes.get() > 0 && step.starts_with("Write /1/0"));
            None
        }
    });
    bench.finished();
    assert_eq!(findings(&bench)[0].0, "/1/0/1 is 60, not 86400");
    assert!(!bench.asked[5..].iter().any(|step| step.starts_with("Write /0/1")), "{:?}", bench.asked);
}

#[test]
fn a_device_that_shows_nothing_is_written_everything_anew() {
    let mut finishes = 0;
    let plan = |prepared: &mut Prepared| {
        prepared.plan.writes = vec![("/3/0/15".parse().unwrap(), Value::String("UTC".into()))];
    };
    let bench = Bench::new(plan).run(|step| match step {
        step if step.starts_with("Discover") => Some(code(4, 5, "")),
        "Read /1" => Some(StepAnswer::Reset),
        "Finish" => {
            finishes += 1;
            (finishes == 1).then(|| code(4, 6, ""))
        }
        _ => None,
    });
    bench.finished();
    assert_eq!(
        bench.asked[5..],
        [
            "Finish",
            "Read /1",
            "Write /0/1 (SenML CBOR, 8 values)",
            "Write /1/0 (SenML CBOR, 7 values)",
            "Write /3/0/15 (SenML CBOR, 1 value)",
            "Finish"
        ]
    );
    assert_eq!(bench.record().repairs[0].anew, Some(ContentFormat::SENML_CBOR));
}

#[test]
fn a_device_of_lwm2m_1_0_is_not_asked_to_read() {
    let links = "lwm2m=\"1.0\",</0/0>,</0/1>;ssid=1,</1/0>;ssid=1,</1/3>;ssid=9";
    let bench = Bench::new(|_| {}).run(mended_by("Delete /1/3", links));
    bench.finished();
    let mut asked = Bench::new(|_| {})
        .run(|step| match step {
            "Discover /" => Some(found(links)),
            "Finish" => Some(code(4, 6, "")),
            _ => None,
        })
        .asked;
    asked.retain(|step| step.starts_with("Read"));
    assert_eq!(asked, [""; 0]);
}

#[test]
fn a_refused_write_is_tried_again_once_what_stood_in_its_way_is_gone() {
    let mut refusals = 0;
    let links = "</0/0>,</0/1>;ssid=1,</1/0>;ssid=1,</1/3>;ssid=9";
    let bench = Bench::new(|prepared| prepared.plan.delete.clear()).run(|step| match step {
        "Discover /" => Some(found(links)),
        step if step.starts_with("Write /1/0") && refusals == 0 => {
            refusals += 1;
            Some(code(4, 0, "full"))
        }
        _ => None,
    });
    bench.finished();
    let repair = &bench.record().repairs[0];
    assert!(repair.cause.starts_with("Write /1/0") && repair.cause.ends_with("4.00 (“full”)"), "{repair:?}");
    let asked: Vec<&str> = bench.asked.iter().map(|step| step.split(" (").next().unwrap()).collect();
    let tail = asked.iter().position(|step| *step == "Read /1").unwrap();
    assert_eq!(asked[tail + 1..], ["Delete /1/3", "Write /1/0", "Finish"]);
}

#[test]
fn a_refusal_that_no_repair_changes_ends_it_at_once() {
    for (class, detail) in [(4, 1), (4, 3), (4, 5), (4, 13), (5, 1)] {
        let bench =
            Bench::new(|_| {}).run(|step| step.starts_with("Write /1").then(|| code(class, detail, "")));
        bench.failed(DiaryCause::BootstrapRefused, "refused the account at /1/0");
        assert!(bench.record().repairs.is_empty(), "{class}.{detail:02}");
    }
}

#[test]
fn a_refusal_that_nothing_explains_is_not_asked_again() {
    let bench = Bench::new(|_| {}).run(|step| match step {
        "Discover /" => Some(found("</0/0>,</0/1>;ssid=1,</1>")),
        step => step.starts_with("Write /1").then(|| code(4, 4, "")),
    });
    bench.failed(DiaryCause::BootstrapRefused, "refused the account at /1/0");
    assert_eq!(bench.asked.iter().filter(|step| step.starts_with("Write /1")).count(), 1);
    assert_eq!(bench.record().repaired(), Some("gave up"));
    // But one of the moment is.
    let mut refusals = 0;
    let bench = Bench::new(|_| {}).run(|step| {
        let refused = step.starts_with("Write /1") && refusals == 0;
        refusals += usize::from(refused);
        refused.then(|| code(5, 3, ""))
    });
    assert_eq!(bench.finished().record().repaired(), Some("repaired"));
}

#[test]
fn a_device_that_is_never_content_is_given_up_after_so_many_rounds() {
    let mut looks = 0;
    // Each time something else is wrong.
    let links = ["</0/0>", "</0/0>,</0/1>;ssid=1,</1>", "</0/0>,</0/1>;ssid=2,</1/0>;ssid=1"];
    let bench = Bench::new(|_| {}).run(|step| match step {
        "Discover /" => {
            looks += 1;
            Some(found(links[looks % 3]))
        }
        "Finish" => Some(code(4, 6, "no")),
        _ => None,
    });
    bench.failed(DiaryCause::InconsistentConfiguration, "over and over: it says “no”");
    assert_eq!(bench.record().repairs.len(), Repair::MAX_ROUNDS);
    assert_eq!(bench.asked.iter().filter(|step| *step == "Finish").count(), Repair::MAX_ROUNDS + 1);
}

#[test]
fn no_round_begins_when_the_time_is_over() {
    let mut session = Bench::new(|_| {}).session;
    let mut now = START;
    let mut finishes = 0;
    while let Next::Step(step) = session.next(now) {
        let answer = match &step {
            Step::Finish => {
                finishes += 1;
                now = now.after(Repair::WITHIN);
                code(4, 6, "")
            }
            Step::Discover(_) => found("</0/0>,</0/1>;ssid=1,</1/0>;ssid=4"),
            step => ok(step),
        };
        now = now.after(Duration::from_secs(1));
        session.answered(now, answer);
    }
    assert!(session.has_ended());
    assert_eq!((finishes, session.record().repairs.len()), (2, 1));
}

#[test]
fn after_a_repair_in_vain_the_next_session_does_not_repair() {
    let lesson = |prepared: &mut Prepared| prepared.lessons.may_repair = false;
    let bench = Bench::new(lesson).run(|step| (step == "Finish").then(|| code(4, 6, "")));
    bench.failed(DiaryCause::InconsistentConfiguration, "no repair is tried");
    assert_eq!(bench.asked, FRESH);
    let bench = Bench::new(lesson).run(|step| step.starts_with("Write /1").then(|| code(5, 0, "")));
    bench.failed(DiaryCause::BootstrapRefused, "no repair is tried");
}

#[test]
fn what_a_device_asked_for_once_it_gets_from_the_beginning() {
    let lesson = |prepared: &mut Prepared| prepared.lessons.anew = Some(ContentFormat::SENML_JSON);
    let bench = Bench::new(lesson).run(|_| None);
    bench.finished();
    assert_eq!(
        bench.asked,
        ["Discover /", "Write /0/1 (SenML JSON, 8 values)", "Write /1/0 (SenML JSON, 7 values)", "Finish"]
    );
    assert_eq!(bench.record().repaired(), None);
}

#[test]
fn no_repair_says_a_key() {
    let bench = Bench::new(|_| {}).run(|step| (step == "Finish").then(|| code(4, 6, "")));
    let text = format!("{:?} {:?}", bench.session, bench.record());
    assert!(!text.contains("00112233") && !text.contains("17, 34, 51"), "{text}");
}
