use std::collections::BTreeMap;

use objects::InstanceId;

use super::*;
use crate::{AccountCredential, CredentialId, Material, PskIdentity, PskKey, ResponseCode};

mod finish;
mod look;
mod mend;

const START: Timestamp = Timestamp(1_700_000_000_000);

/// A device that answers by a script: what is not in it goes well.
struct Bench {
    session: Session,
    now: Timestamp,
    asked: Vec<String>,
    written: BTreeMap<Path, Vec<(Path, Value)>>,
}

impl Bench {
    fn new(change: impl FnOnce(&mut Prepared)) -> Self {
        let key = PskKey::from_hex("00112233445566778899aabbccddeef0").unwrap();
        let mut prepared = Prepared {
            id: BootstrapId::new(START, [1; 10]),
            device: DeviceId(7),
            public_id: PublicId::from_random([7; 16]),
            endpoint: EndpointName::new("node-7").unwrap(),
            request: RequestId::from_random([2; 16]),
            started_at: START,
            plan: Plan::default(),
            account: Account {
                uri: "coaps://muster.example.com:5684".into(),
                short_server_id: 1,
                credential: Some(AccountCredential {
                    id: CredentialId(11),
                    material: Material::Psk { identity: PskIdentity::new("m-7").unwrap(), key },
                }),
            },
            own_bootstrap: None,
            preferred_format: None,
            lessons: Lessons::default(),
            registry: Arc::new(Registry::core()),
        };
        change(&mut prepared);
        Self { session: Session::new(prepared), now: START, asked: Vec::new(), written: BTreeMap::new() }
    }

    /// Runs to the end. `answer` is asked by the text of each step; none is success.
    fn run(mut self, mut answer: impl FnMut(&str) -> Option<StepAnswer>) -> Self {
        while let Next::Step(step) = self.session.next(self.now) {
            let text = step.to_string();
            self.now = self.now.after(std::time::Duration::from_millis(100));
            let given = answer(&text).unwrap_or_else(|| ok(&step));
            if let (Step::Write { path, values, .. }, StepAnswer::Answered { code, .. }) = (&step, &given)
                && code.class == 2
            {
                self.written.insert(*path, values.clone());
            }
            self.asked.push(text);
            assert_eq!(self.session.next(self.now), Next::Nothing, "one step at a time");
            self.session.answered(self.now, given);
        }
        assert!(self.session.has_ended());
        self
    }

    fn record(&self) -> &BootstrapRecord {
        self.session.record()
    }

    fn value(&self, text: &str) -> Option<&Value> {
        let path: Path = text.parse().unwrap();
        let values = self.written.get(&path.parent().unwrap())?;
        values.iter().find(|(at, _)| *at == path).map(|(_, value)| value)
    }

    #[track_caller]
    fn finished(&self) -> &Self {
        assert_eq!(self.record().result, BootstrapResult::Finished, "{:?}", self.record());
        assert_eq!((self.record().ended_at, self.session.cause()), (Some(self.now), None));
        self
    }

    #[track_caller]
    fn failed(&self, cause: DiaryCause, part: &str) -> &Self {
        assert_eq!(self.record().result, BootstrapResult::Failed);
        assert_eq!(self.session.cause(), Some(cause));
        assert!(self.record().reason.contains(part), "{}", self.record().reason);
        self
    }
}

fn ok(step: &Step) -> StepAnswer {
    match step {
        Step::Discover(_) => found("</>;lwm2m=1.1,</0/0>,</1>,</3/0>"),
        // As of most clients.
        Step::Read { .. } => code(4, 5, ""),
        Step::Delete(_) => code(2, 2, ""),
        Step::Write { .. } | Step::Finish => code(2, 4, ""),
    }
}

fn code(class: u8, detail: u8, text: &str) -> StepAnswer {
    StepAnswer::Answered {
        code: ResponseCode { class, detail },
        payload: text.as_bytes().to_vec(),
        format: None,
    }
}

fn found(links: &str) -> StepAnswer {
    code(2, 5, links)
}

fn discovering(links: &'static str) -> impl FnMut(&str) -> Option<StepAnswer> {
    move |step| (step == "Discover /").then(|| found(links))
}

fn claimed(prepared: &mut Prepared) {
    let key = PskKey::from_hex("ffeeddccbbaa99887766554433221101").unwrap();
    prepared.own_bootstrap = Some(OwnBootstrap {
        uri: "coaps://muster.example.com:5784".into(),
        credential: AccountCredential {
            id: CredentialId(12),
            material: Material::Psk { identity: PskIdentity::new("b-7").unwrap(), key },
        },
    });
}

const FRESH: [&str; 4] = ["Discover /", "Write /0/1 (TLV, 7 values)", "Write /1/0 (TLV, 4 values)", "Finish"];

#[test]
fn a_fresh_device_is_looked_at_written_and_finished() {
    let bench = Bench::new(|_| {}).run(|_| None);
    bench.finished();
    assert_eq!(bench.asked, FRESH);
    let answers: Vec<&str> = bench.record().steps.iter().map(|step| step.answer.as_str()).collect();
    assert_eq!(answers, ["2.05", "2.04", "2.04", "2.04"]);
    assert_eq!(bench.record().credential, Some(CredentialId(11)));
    assert_eq!(bench.record().reason, "");
}

#[test]
fn the_account_has_every_mandatory_resource_empty_or_not() {
    let bench = Bench::new(|_| {}).run(|_| None);
    let registry = Registry::core();
    for (path, values) in &bench.written {
        assert_eq!(explain::missing(&Models::newest(&registry), *path, values), [], "{path}");
    }
    for (path, value) in [
        ("/0/1/0", Value::String("coaps://muster.example.com:5684".into())),
        ("/0/1/1", Value::Boolean(false)),
        ("/0/1/2", Value::Integer(0)),
        ("/0/1/3", Value::Opaque(b"m-7".to_vec())),
        ("/0/1/4", Value::Opaque(vec![])),
        ("/0/1/10", Value::Integer(1)),
        ("/1/0/0", Value::Integer(1)),
        ("/1/0/1", Value::Integer(86_400)),
        ("/1/0/6", Value::Boolean(true)),
        ("/1/0/7", Value::String("U".into())),
    ] {
        assert_eq!(bench.value(path), Some(&value), "{path}");
    }
}

#[test]
fn without_a_credential_the_account_is_one_of_plain_coap() {
    let bench = Bench::new(|prepared| {
        prepared.account.credential = None;
        prepared.account.uri = "coap://host:5683".into();
        prepared.plan.hold_off = Some(3);
    });
    let bench = bench.run(|_| None);
    assert_eq!(bench.value("/0/1/2"), Some(&Value::Integer(3)));
    assert_eq!(bench.value("/0/1/5"), Some(&Value::Opaque(vec![])));
    assert_eq!(bench.value("/0/1/11"), Some(&Value::Integer(3)));
    assert_eq!(bench.record().credential, None);
}

#[test]
fn what_is_written_is_in_the_format_of_the_device_else_of_the_plan_else_tlv() {
    let format = |preferred: Option<u16>, plan: Option<ContentFormat>| {
        let bench = Bench::new(|prepared| {
            prepared.preferred_format = preferred.map(ContentFormat);
            prepared.plan.format = plan;
        });
        let asked = bench.run(|_| None).asked;
        asked[1].split(['(', ',']).nth(1).unwrap().to_owned()
    };
    assert_eq!(format(None, None), "TLV");
    assert_eq!(format(None, Some(ContentFormat::SENML_JSON)), "SenML JSON");
    assert_eq!(format(Some(112), Some(ContentFormat::SENML_JSON)), "SenML CBOR");
    assert_eq!(format(Some(1542), Some(ContentFormat::SENML_JSON)), "TLV");
    // LwM2M CBOR and the JSON of 1.0 are not written here.
    assert_eq!(format(Some(11_544), Some(ContentFormat::SENML_JSON)), "SenML JSON");
    assert_eq!(format(Some(11_543), None), "TLV");
}

#[test]
fn a_device_that_takes_tlv_only_gets_tlv() {
    for refusal in [code(4, 15, ""), code(4, 6, ""), code(4, 0, "")] {
        let bench = Bench::new(|prepared| prepared.preferred_format = Some(ContentFormat::SENML_CBOR));
        let bench = bench.run(|step| step.contains("SenML").then(|| refusal.clone()));
        bench.finished();
        assert_eq!(bench.asked[1], "Write /0/1 (SenML CBOR, 7 values)");
        assert_eq!(bench.asked[2..], FRESH[1..], "and goes on in it");
    }
}

#[test]
fn a_format_that_fails_for_one_key_alone_is_changed_even_after_it_was_taken() {
    let bench = Bench::new(|prepared| {
        prepared.preferred_format = Some(ContentFormat::SENML_JSON);
        claimed(prepared);
    });
    let bench = bench.run(|step| step.starts_with("Write /0/1 (SenML JSON").then(|| code(4, 0, "")));
    bench.finished();
    assert!(bench.asked.iter().any(|step| step.starts_with("Write /0/0 (SenML JSON")), "{:?}", bench.asked);
    assert!(bench.asked.iter().any(|step| step.starts_with("Write /0/1 (TLV")), "{:?}", bench.asked);
}

#[test]
fn a_refusal_in_every_format_ends_it_with_what_the_device_said_first() {
    let bench = Bench::new(|_| {}).run(|step| step.starts_with("Write /0").then(|| code(4, 0, "no room")));
    bench.failed(DiaryCause::BootstrapRefused, "refused the account at /0/1 with 4.00 (“no room”)");
    let writes = bench.asked.iter().filter(|step| step.starts_with("Write")).count();
    assert_eq!(writes, 3, "TLV, SenML CBOR and JSON: {:?}", bench.asked);
    // What speaks of no format is not tried again; nor is 4.00 once the format is known to be good.
    for (path, refusal) in [("Write /0", code(4, 5, "")), ("Write /1", code(4, 0, ""))] {
        let bench = Bench::new(|_| {}).run(|step| match step {
            "Discover /" => Some(found("</0/0>,</0/1>;ssid=1,</1>")),
            step => step.starts_with(path).then(|| refusal.clone()),
        });
        bench.failed(DiaryCause::BootstrapRefused, "refused the account");
        assert!(!bench.asked.contains(&"Finish".to_owned()));
        assert_eq!(bench.asked.iter().filter(|step| step.starts_with(path)).count(), 1);
    }
}

#[test]
fn silence_and_a_reset_at_any_step_end_it() {
    for step in FRESH {
        let bench = Bench::new(|_| {}).run(|asked| (asked == step).then_some(StepAnswer::Silent));
        bench.failed(DiaryCause::BootstrapTimedOut, step);
        assert_eq!(bench.record().steps.last().unwrap().answer, "no answer");
        let bench = Bench::new(|_| {}).run(|asked| (asked == step).then_some(StepAnswer::Reset));
        bench.failed(DiaryCause::BootstrapRefused, step);
    }
}

#[test]
fn an_exchange_that_breaks_ends_it_unless_it_only_looks() {
    let broken = || StepAnswer::Broken { reason: "blocks are missing".into() };
    let bench = Bench::new(|_| {}).run(|step| step.starts_with("Discover").then(broken));
    bench.finished();
    let bench = Bench::new(|_| {}).run(|step| step.starts_with("Write").then(broken));
    bench.failed(
        DiaryCause::BootstrapRefused,
        "Write /0/1 (TLV, 7 values) could not be done: blocks are missing",
    );
}

#[test]
fn the_plan_is_written_whole_where_it_can_be_and_resource_by_resource_where_it_cannot() {
    let writes = [
        ("/3/0/15", Value::String("UTC".into())),
        ("/2/0/0", Value::Integer(3)),
        ("/2/0/1", Value::Integer(0)),
        ("/2/0/2/1", Value::Integer(1)),
        ("/2/0/2/2", Value::Integer(2)),
        ("/2/0/3", Value::Integer(1)),
        ("/3/0/14", Value::String("+01:00".into())),
    ];
    let plan = |prepared: &mut Prepared| {
        prepared.plan.writes =
            writes.iter().map(|(path, value)| (path.parse().unwrap(), value.clone())).collect();
    };
    let bench = Bench::new(plan).run(|_| None);
    bench.finished();
    assert_eq!(
        bench.asked[3..],
        [
            "Write /3/0/15 (TLV, 1 value)",
            "Write /2/0 (TLV, 5 values)",
            "Write /3/0/14 (TLV, 1 value)",
            "Finish"
        ]
    );
    let bench = Bench::new(plan).run(|step| step.starts_with("Write /3/0/14").then(|| code(4, 4, "")));
    bench.failed(DiaryCause::BootstrapRefused, "refused /3/0/14 of the plan with 4.04");
    assert!(bench.record().reason.contains("take it out"), "{}", bench.record().reason);
}

#[test]
fn a_claimed_device_gets_a_bootstrap_credential_of_its_own_in_one_piece_and_first() {
    let bench = Bench::new(claimed).run(discovering("</0/3>,</1>"));
    bench.finished();
    assert_eq!(bench.asked[1..3], ["Write /0/3 (TLV, 6 values)", "Write /0/0 (TLV, 7 values)"]);
    assert_eq!(bench.value("/0/3/1"), Some(&Value::Boolean(true)));
    assert_eq!(bench.value("/0/3/3"), Some(&Value::Opaque(b"b-7".to_vec())));
}

#[test]
fn a_device_that_keeps_its_bootstrap_account_to_itself_is_bootstrapped_all_the_same() {
    let bench = Bench::new(claimed).run(|step| step.starts_with("Write /0/0").then(|| code(4, 5, "")));
    bench.finished();
    assert_eq!(bench.record().steps[1].answer, "4.05");
    let bench = Bench::new(claimed).run(|step| step.starts_with("Discover").then(|| code(4, 5, "")));
    bench.finished();
    let unsent = bench.record().steps.iter().find(|step| step.asked == "Write of the bootstrap account");
    assert_eq!(unsent.unwrap().answer, "not sent: the device does not say where it is");
}

#[test]
fn queue_mode_stands_in_the_binding_of_lwm2m_1_0_only() {
    for (version, binding) in [("1.0", "UQ"), ("1.1", "U")] {
        let bench = Bench::new(|prepared| prepared.plan.binding = "UQ".into());
        let bench = bench
            .run(|step| (step == "Discover /").then(|| found(&format!("</>;lwm2m={version},</0/0>,</1>"))));
        assert_eq!(bench.value("/1/0/7"), Some(&Value::String(binding.into())), "{version}");
    }
}

#[test]
fn no_record_and_no_debug_output_has_a_key() {
    let bench = Bench::new(claimed).run(|_| None);
    let text = format!("{:?} {:?}", bench.session, bench.record());
    for secret in ["00112233", "ffeeddcc", "17, 34, 51", "255, 238, 221"] {
        assert!(!text.contains(secret), "{text}");
    }
    let mut session = Bench::new(claimed).session;
    session.next(START);
    session.answered(START, found("</0/0>"));
    let Next::Step(step) = session.next(START) else { panic!("a step") };
    assert_eq!(format!("{step:?}"), "Write /0/0 (TLV, 6 values)");
}

#[test]
fn a_session_that_is_abandoned_says_why_and_asks_nothing_more() {
    let mut session = Bench::new(|_| {}).session;
    session.next(START);
    session.abandon(Timestamp(5), None, "the device began again");
    assert_eq!(session.record().result, BootstrapResult::Failed);
    assert_eq!((session.record().reason.as_str(), session.cause()), ("the device began again", None));
    session.answered(START, code(2, 5, ""));
    assert_eq!(session.next(START), Next::Nothing);
    session.abandon(Timestamp(6), None, "again");
    assert_eq!(session.record().ended_at, Some(Timestamp(5)));
}

#[test]
fn what_a_device_says_stays_one_short_line() {
    let long = "ab\n".repeat(500);
    let bench = Bench::new(|_| {}).run(|step| step.starts_with("Write").then(|| code(4, 5, &long)));
    let answer = &bench.record().steps[1].answer;
    assert!(answer.len() <= StepRecord::MAX_TEXT && !answer.contains('\n'), "{answer}");
    assert!(bench.record().reason.len() <= BootstrapRecord::MAX_REASON);
}

#[test]
fn a_session_ends_within_its_steps_whatever_is_refused() {
    let writes: Vec<(Path, Value)> =
        (0..64).map(|id| (Path::from_ids(&[2, id, 0]).unwrap(), Value::Integer(3))).collect();
    let bench = Bench::new(|prepared| {
        prepared.plan.writes = writes;
        prepared.plan.delete = vec![Path::Root];
    });
    // Each write is refused in one format and taken in the next.
    let mut last = String::new();
    let links: Vec<String> = (4..100).map(|object| format!("</{object}/0>")).collect();
    let links = format!("</0/0>,{}", links.join(","));
    let bench = bench.run(|step| {
        if step == "Discover /" {
            return Some(found(&links));
        }
        let path = step.split(" (").next().unwrap().to_owned();
        let again = std::mem::replace(&mut last, path.clone()) == path;
        (step.starts_with("Write") && !again).then(|| code(4, 15, ""))
    });
    bench.failed(DiaryCause::BootstrapRefused, "shorten the plan");
    assert_eq!(bench.record().steps.len(), BootstrapRecord::MAX_STEPS);
}
