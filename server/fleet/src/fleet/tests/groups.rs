//! Groups and classes by rules: who is in them follows what happens, and costs what it must.

use futures::FutureExt as _;

use super::*;
use crate::{
    ClassRule, Event, EventKind, GroupId, NewGroup, Preview, Reading, StoredReading, store::Groups as _,
};

pub(super) fn new(name: &str, rule: &str) -> NewGroup {
    NewGroup { name: name.into(), rule: rule.into(), ..NewGroup::default() }
}

/// Makes a group and gives its name in URLs.
pub(super) fn group(bench: &Bench, rule: &str) -> PublicId {
    let groups = block_on(bench.store.groups()).unwrap().len();
    let admin = context(Role::Administrator);
    let name = format!("group {groups}");
    block_on(bench.fleet.save_group(&admin, None, new(&name, rule))).unwrap().public_id
}

/// The devices in a group by their rows.
fn members(bench: &Bench, group: PublicId) -> Vec<i64> {
    let group = block_on(bench.fleet.group(&context(Role::Viewer), group)).unwrap();
    let members = block_on(bench.store.members(group.group.id, None, 20_000)).unwrap();
    assert_eq!(group.members, members.len() as u64);
    members.into_iter().map(|device| device.0).collect()
}

/// Goes through the whole fleet, as the server does after a start.
fn sweep(bench: &Bench) -> Evaluated {
    let (mut sum, mut after) = (Evaluated::default(), None);
    loop {
        let (evaluated, next) = block_on(bench.fleet.evaluate_after(START, after)).unwrap();
        sum.add(evaluated);
        match next {
            Some(_) => after = next,
            None => return sum,
        }
    }
}

fn evaluate(bench: &Bench, device: i64) -> Evaluated {
    block_on(bench.fleet.evaluate(START, &[DeviceId(device)])).unwrap()
}

fn reports(bench: &Bench, device: i64, at: &str, value: Value) {
    let readings = vec![Reading { path: path(at), value, device_time: None }];
    let device = DeviceId(device);
    bench.commit(vec![Change::Report { device, received_at: START, delivery: None, readings }]);
}

fn classed(bench: &Bench, device: u8) -> String {
    block_on(bench.fleet.device(&context(Role::Viewer), public_id(device))).unwrap().view.class_name
}

#[test]
fn a_group_holds_whom_its_rule_names_after_a_sweep_and_follows_labels_and_values() {
    let bench = Bench::new();
    let site = group(&bench, "labels.site == 'bern'");
    let low = group(&bench, "value('/3/0/9') < 20");
    assert_eq!(sweep(&bench), Evaluated { devices: 2, rules: 4, undecided: 4, ..Evaluated::default() });
    let admin = context(Role::Administrator);
    block_on(bench.fleet.set_labels(&admin, public_id(2), "site=bern".parse().unwrap())).unwrap();
    assert_eq!(members(&bench, site), [2], "at once");
    reports(&bench, 1, "/3/0/9", Value::Integer(15));
    assert_eq!(evaluate(&bench, 1).joined, 1);
    assert_eq!((members(&bench, site), members(&bench, low)), (vec![2], vec![1]));
    reports(&bench, 1, "/3/0/9", Value::Integer(80));
    assert_eq!(
        evaluate(&bench, 1),
        Evaluated { devices: 1, rules: 2, undecided: 1, left: 1, ..Evaluated::default() }
    );
    assert_eq!(members(&bench, low), [] as [i64; 0]);
    let detail = block_on(bench.fleet.device(&admin, public_id(2))).unwrap();
    assert_eq!((detail.labels.to_string(), detail.groups.len()), ("site=bern".into(), 1));
    let said = bench.audit();
    assert!(said.contains(&"label device · administrator · site=bern".to_owned()), "{said:?}");
    assert!(said[0].ends_with("group 0, rank 0: labels.site == 'bern'"), "{said:?}");
}

#[test]
fn only_what_a_rule_looks_at_has_its_device_looked_at() {
    let bench = Bench::new();
    group(&bench, "value('/3/0/9') < 20");
    block_on(bench.fleet.has_rules()).unwrap();
    let event = |kind| Event { sequence: 1, at: START, device: DeviceId(1), public_id: public_id(1), kind };
    let readings = |paths: &[&str]| {
        let reading = |text: &&str| StoredReading {
            reading: Reading { path: path(text), value: Value::Integer(1), device_time: None },
            received_at: START,
            sequence: 1,
        };
        event(EventKind::Readings(paths.iter().map(reading).collect()))
    };
    let concerns = |event: &Event| bench.fleet.concerns_rules(event);
    assert!(concerns(&readings(&["/3303/0/5700", "/3/0/9"])));
    assert!(!concerns(&readings(&["/3303/0/5700", "/3/0/90", "/3/0/9/0"])));
    assert!(concerns(&event(EventKind::Registered)) && concerns(&event(EventKind::Expired)));
    assert!(!concerns(&event(EventKind::Observations)));
}

#[test]
fn another_rule_asks_for_a_sweep_and_is_kept_only_if_it_is_one() {
    let bench = Bench::new();
    let admin = context(Role::Administrator);
    let swept = bench.fleet.sweeps_wanted();
    let id = group(&bench, "true");
    assert_eq!(bench.fleet.sweeps_wanted(), swept + 1);
    sweep(&bench);
    assert_eq!(members(&bench, id), [1, 2]);
    let save = |id, new| block_on(bench.fleet.save_group(&admin, id, new));
    let wrong = save(Some(id), new("group 0", "clas == 'x'")).unwrap_err();
    assert!(
        matches!(&wrong, FleetError::Invalid { field: "rule", reason } if reason.starts_with("line 1, column 1"))
    );
    assert!(matches!(save(None, new("group 0", "true")), Err(FleetError::AlreadyThere("group"))));
    assert!(matches!(save(None, new("\n", "true")), Err(FleetError::Invalid { field: "name", .. })));
    save(Some(id), new("ones", "endpoint == 'node-1'")).unwrap();
    assert_eq!(members(&bench, id), [1, 2], "who is in it follows");
    sweep(&bench);
    assert_eq!(members(&bench, id), [1]);
    block_on(bench.fleet.remove_group(&admin, id)).unwrap();
    assert!(matches!(block_on(bench.fleet.group(&admin, id)), Err(FleetError::NotFound("group"))));
    assert_eq!(sweep(&bench), Evaluated::default(), "without rules nobody is looked at");
}

#[test]
fn a_preview_says_who_would_join_and_leave_and_changes_nothing() {
    let bench = Bench::new();
    let id = group(&bench, "endpoint == 'node-1'");
    sweep(&bench);
    let viewer = context(Role::Viewer);
    let audited = bench.audit();
    let preview = block_on(bench.fleet.preview_rule(&viewer, Some(id), "endpoint == 'node-2' ")).unwrap();
    assert_eq!((preview.sampled, preview.all), (2, true));
    assert_eq!((preview.holds, preview.join, preview.leave, preview.undecided), (1, 1, 1, 0));
    assert_eq!(preview.shown[0].endpoint.as_str(), "node-2");
    let unknown = block_on(bench.fleet.preview_rule(&viewer, None, "value('/3/0/9') > 1")).unwrap();
    assert_eq!((unknown.holds, unknown.undecided), (0, 2));
    assert!(unknown.why.unwrap().starts_with("node-1: "));
    assert_eq!((members(&bench, id), bench.audit()), (vec![1], audited));
}

#[test]
fn a_device_that_nobody_has_classed_is_put_into_the_class_whose_rule_fits() {
    let bench = Bench::new();
    let admin = context(Role::Administrator);
    let class = |name: &str| block_on(bench.fleet.add_class(&admin, name)).unwrap().id;
    let (meters, chosen) = (class("meters"), class("chosen"));
    let rule = ClassRule { manufacturer: Some("ACME".into()), ..ClassRule::default() };
    block_on(bench.fleet.set_class_rule(&admin, meters, rule)).unwrap();
    block_on(bench.fleet.classify_device(&admin, public_id(2), chosen)).unwrap();
    let of_meters = group(&bench, "class == 'meters'");
    for device in [1, 2] {
        reports(&bench, device, "/3/0/0", Value::String("ACME".into()));
        evaluate(&bench, device);
    }
    assert_eq!((classed(&bench, 1), classed(&bench, 2)), ("meters".into(), "chosen".into()));
    assert_eq!(members(&bench, of_meters), [1], "groups see the class that it has now");
    let last = bench.timeline(DeviceId(1)).pop().unwrap();
    assert!(last.ends_with("put into the class meters by its rule"), "{last}");
    assert!(bench.audit().contains(&"classify device · server · meters".to_owned()));
    // What it says of itself later moves it no more.
    reports(&bench, 1, "/3/0/0", Value::String("other".into()));
    evaluate(&bench, 1);
    assert_eq!(classed(&bench, 1), "meters");
}

#[test]
fn a_device_that_two_classes_ask_for_alike_is_told_of_on_both() {
    let bench = Bench::new();
    let admin = context(Role::Administrator);
    let class = |name: &str| block_on(bench.fleet.add_class(&admin, name)).unwrap().id;
    let (one, other) = (class("one"), class("other"));
    let with = |object| ClassRule { objects: [ObjectId(object)].into(), ..ClassRule::default() };
    block_on(bench.fleet.set_class_rule(&admin, one, with(3))).unwrap();
    block_on(bench.fleet.set_class_rule(&admin, other, with(1))).unwrap();
    assert_eq!(sweep(&bench).classified, 0);
    let contested = |class| {
        let devices = block_on(bench.fleet.contested(&admin, class, 9)).unwrap();
        devices.into_iter().map(|device| device.id.0).collect::<Vec<_>>()
    };
    assert_eq!(
        (contested(one), contested(other), classed(&bench, 1)),
        (vec![1, 2], vec![1, 2], "default".into())
    );
    block_on(bench.fleet.classify_device(&admin, public_id(1), one)).unwrap();
    let narrower = ClassRule { objects: [ObjectId(1), ObjectId(3)].into(), ..ClassRule::default() };
    block_on(bench.fleet.set_class_rule(&admin, other, narrower)).unwrap();
    assert_eq!(sweep(&bench).classified, 1);
    assert_eq!((contested(one), contested(other), classed(&bench, 2)), (vec![], vec![], "other".into()));
    let refused = block_on(bench.fleet.set_class_rule(&admin, ClassId::DEFAULT, with(3)));
    assert!(matches!(refused, Err(FleetError::Invalid { field: "class", .. })));
}

#[test]
fn labels_are_put_on_many_and_taken_off_and_who_cannot_be_keeps_none_of_the_others() {
    let bench = Bench::new();
    let admin = context(Role::Administrator);
    let full: Vec<String> = (0..16).map(|number| format!("k{number}")).collect();
    block_on(bench.fleet.set_labels(&admin, public_id(1), full.join(" ").parse().unwrap())).unwrap();
    let ids = [public_id(1), public_id(2), public_id(9)];
    let set = "site=bern".parse().unwrap();
    let report = block_on(bench.fleet.label_devices(&admin, &ids, &set, &[])).unwrap();
    assert_eq!(report.done, 1);
    let who: Vec<PublicId> = report.failed.iter().map(|(id, _)| *id).collect();
    assert_eq!(who, [public_id(1), public_id(9)]);
    let unset = ["k0".to_owned()];
    let report = block_on(bench.fleet.label_devices(&admin, &ids[..2], &set, &unset)).unwrap();
    assert_eq!((report.done, report.failed.len()), (2, 0));
    let labels = block_on(bench.fleet.labels(&admin, public_id(1))).unwrap();
    assert_eq!((labels.value("site"), labels.value("k0")), (Some("bern"), None));
}

/// Counted, not timed: each device is looked at once by a sweep, and one that changes is looked at alone.
#[test]
fn ten_thousand_devices_are_gone_through_once_and_followed_one_by_one() {
    let bench = Bench::new();
    let many = (1_001..=11_000_i64).map(|number| {
        let mut bytes = [0; 16];
        bytes[12..].copy_from_slice(&number.to_be_bytes()[4..]);
        Change::DeviceAdded(Device {
            id: DeviceId(number),
            public_id: PublicId::from_random(bytes),
            endpoint: EndpointName::new(format!("meter-{number:05}")).unwrap(),
            ..device(1)
        })
    });
    bench.commit(many.collect());
    let (meters, tens) =
        (group(&bench, "endpoint.startsWith('meter-')"), group(&bench, "endpoint.endsWith('0')"));
    let swept = sweep(&bench);
    let expected = Evaluated { devices: 10_002, rules: 20_004, joined: 11_000, ..Evaluated::default() };
    assert_eq!(swept, expected);
    assert_eq!((members(&bench, meters).len(), members(&bench, tens).len()), (10_000, 1_000));
    let again = sweep(&bench);
    assert_eq!(again, Evaluated { joined: 0, ..expected }, "and nothing is written");
    assert_eq!(evaluate(&bench, 5_000), Evaluated { devices: 1, rules: 2, ..Evaluated::default() });
    const { assert!(Preview::SAMPLE < 10_000) };
    let preview =
        block_on(bench.fleet.preview_rule(&context(Role::Viewer), None, "endpoint.endsWith('0')")).unwrap();
    assert!(!preview.all && preview.sampled >= 900 && preview.sampled <= 1_000, "{preview:?}");
    assert!(preview.holds >= 80 && preview.holds <= 120, "{preview:?}");
    assert_eq!(preview.shown.len(), Preview::MAX_SHOWN);
}

#[test]
fn a_verb_that_evaluates_waits_for_a_sweep_and_sees_what_is_new() {
    let bench = Bench::new();
    let id = group(&bench, "'spare' in labels");
    let admin = context(Role::Administrator);
    let sweeping = bench.fleet.evaluate_after(START, None);
    let labelling = bench.fleet.set_labels(&admin, public_id(1), "spare".parse().unwrap());
    let both = async { futures::join!(sweeping, labelling) };
    let (swept, labelled) = block_on(both.boxed_local());
    swept.unwrap();
    labelled.unwrap();
    assert_eq!(members(&bench, id), [1]);
    let group: GroupId = block_on(bench.store.groups()).unwrap()[0].id;
    assert_eq!(
        block_on(bench.store.groups_of(DeviceId(1))).unwrap().into_iter().collect::<Vec<_>>(),
        [group]
    );
}

#[test]
fn devices_that_are_added_are_in_their_groups_at_once() {
    let bench = Bench::new();
    let (spare, named) = (group(&bench, "'spare' in labels"), group(&bench, "endpoint.startsWith('new-')"));
    let file = b"endpoint,labels\nnew-1,spare site=bern\nnew-2,\nother-1,\"site=bern,spare\"\nnew-3,a=b=c\n";
    let admin = context(Role::Administrator);
    let report = block_on(bench.fleet.import(&admin, ImportFormat::Csv, file, false)).unwrap();
    assert_eq!((report.added, report.errors_total), (3, 1));
    assert!(report.errors[0].reason.starts_with("labels: "), "{:?}", report.errors);
    assert_eq!((members(&bench, spare).len(), members(&bench, named).len()), (2, 2));
    block_on(bench.fleet.add_device(&admin, enrol::new("new-4"))).unwrap();
    assert_eq!(members(&bench, named).len(), 3);
}
