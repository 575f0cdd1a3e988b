//! Finish, and what follows where the device refuses it.

use super::*;

#[test]
fn an_inconsistent_configuration_is_looked_at_and_written_once_more() {
    let mut finishes = 0;
    let bench = Bench::new(|_| {}).run(|step| match step {
        "Discover /" if finishes > 0 => Some(found("</0/0>,</0/1>;ssid=1,</1/0>;ssid=1")),
        "Finish" => {
            finishes += 1;
            (finishes == 1).then(|| code(4, 6, "pmin is missing"))
        }
        _ => None,
    });
    bench.finished();
    assert_eq!(
        bench.asked[3..],
        [
            "Finish",
            "Discover /",
            "Read /1",
            "Write /0/1 (SenML CBOR, 8 values)",
            "Write /1/0 (SenML CBOR, 7 values)",
            "Finish"
        ]
    );
    assert_eq!(bench.value("/1/0/2"), Some(&Value::Integer(0)));
    assert_eq!(bench.record().steps[3].answer, "4.06: pmin is missing");
}

#[test]
fn a_tlv_only_device_is_repaired_in_tlv() {
    let mut finishes = 0;
    let bench = Bench::new(|_| {}).run(|step| match step {
        "Discover /" if finishes > 0 => Some(found("</0/0>,</0/1>;ssid=1,</1/0>;ssid=1")),
        "Finish" => {
            finishes += 1;
            (finishes == 1).then(|| code(4, 6, ""))
        }
        step if step.contains("SenML") => Some(code(4, 15, "")),
        _ => None,
    });
    bench.finished();
    assert_eq!(bench.asked.last().unwrap(), "Finish");
    assert!(bench.asked.contains(&"Write /1/0 (TLV, 7 values)".to_owned()), "{:?}", bench.asked);
}

#[test]
fn a_second_refusal_to_finish_says_what_is_wrong() {
    let refusing = |links: &'static str, text: &'static str| {
        move |step: &str| match step {
            "Discover /" => Some(found(links)),
            "Finish" => Some(code(4, 6, text)),
            _ => None,
        }
    };
    let cause = DiaryCause::InconsistentConfiguration;
    let paired = "</0/0>,</0/1>;ssid=1,</1/0>;ssid=1";
    Bench::new(|_| {}).run(refusing(paired, "/1/0/8?")).failed(cause, "it says “/1/0/8?”");
    Bench::new(|_| {}).run(refusing(paired, "")).failed(cause, "the device asks for more");
    let lonely = "</0/0>,</0/1>;ssid=1,</1/0>;ssid=1,</1/1>;ssid=9";
    Bench::new(|prepared| prepared.plan.delete.clear())
        .run(refusing(lonely, ""))
        .failed(cause, "/1/1 has the short server id 9, and no instance of /0 has it");
    let gone = "</0/0>,</0/7>;ssid=1,</1/0>;ssid=1";
    let mut looks = 0;
    let bench = Bench::new(|_| {}).run(|step| match step {
        "Discover /" => {
            looks += 1;
            Some(found(if looks == 1 { "</0/0>" } else { gone }))
        }
        "Finish" => Some(code(4, 6, "")),
        _ => None,
    });
    bench.failed(cause, "/0/1 was written and is not there");
    let partial = |prepared: &mut Prepared| {
        prepared.plan.writes = vec![("/2/0/0".parse().unwrap(), Value::Integer(3))];
    };
    Bench::new(partial)
        .run(refusing(paired, ""))
        .failed(cause, "/2/0 lacks /2/0/1 (Object Instance ID), /2/0/3");
}

#[test]
fn another_error_at_finish_is_a_refusal() {
    let bench = Bench::new(|_| {}).run(|step| (step == "Finish").then(|| code(5, 0, "flash")));
    bench.failed(DiaryCause::BootstrapRefused, "refused to finish with 5.00 (“flash”)");
    assert_eq!(bench.asked, FRESH);
}
