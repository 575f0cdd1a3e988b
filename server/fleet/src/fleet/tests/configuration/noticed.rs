//! What is noticed before the next check, and what is taken back.

use super::*;
use crate::{EventKind, Lifetime, wish::WishChange};

/// The device has done an operation of this server, and whoever follows is told.
fn done(site: &Site, number: i64, id: OperationId) {
    site.devices.now.fetch_add(5, Ordering::Relaxed);
    let kind = EventKind::Operation { id, state: OperationState::Done, changed: true };
    site.fleet.configuration_happened(DeviceId(number), &kind, site.devices.now());
}

fn reads(site: &Site) -> usize {
    site.devices.orders.lock().unwrap().iter().filter(|order| order.operation.is_read_only()).count()
}

fn writes_attributes(site: &Site) -> Vec<Operation> {
    let orders = site.devices.orders.lock().unwrap();
    let operations = orders.iter().map(|order| order.operation.clone());
    operations.filter(|operation| matches!(operation, Operation::WriteAttributes { .. })).collect()
}

fn pair(registration: Registration) -> Registration {
    Registration { links: Arc::new(links()), ..registration }
}

#[test]
fn an_update_with_another_lifetime_has_the_device_looked_at_at_once() {
    let site = Site::new(2);
    site.set(LevelName::Fleet, "/1/0/1 = 600", Mode::Report);
    site.run(1);
    assert_eq!(site.state(1), ConfiguredState::Drifted);
    // It is what it is to be, and says so by its next Update alone.
    let says = |lifetime, changed| {
        site.devices.now.fetch_add(5, Ordering::Relaxed);
        let updated = Registration { lifetime: Lifetime(lifetime), ..pair(registration(1)) };
        let change = Change::Registered(Box::new(updated));
        block_on(site.store.commit(Commit { changes: vec![change], audit: vec![] })).unwrap();
        let kind = EventKind::Updated { changed };
        site.fleet.configuration_happened(DeviceId(1), &kind, site.devices.now());
        site.run(0);
    };
    let has = |number| {
        site.devices.values.lock().unwrap().insert((1, path("/1/0/1")), Value::Integer(number));
    };
    has(600);
    says(600, true);
    assert_eq!(site.state(1), ConfiguredState::InLine);
    let before = reads(&site);
    says(600, false);
    says(600, true);
    assert_eq!(reads(&site), before, "it says nothing new");
    has(77);
    says(77, true);
    assert_eq!((site.state(1), reads(&site)), (ConfiguredState::Drifted, before + 1));
    let row = block_on(site.store.configured(DeviceId(1))).unwrap().unwrap();
    assert_eq!(row.findings.last().map(|finding| finding.writer.clone()), Some(Writer::Unknown));
}

#[test]
fn what_a_person_writes_is_drift_by_that_person_at_once() {
    let site = Site::new(1);
    site.set(LevelName::Fleet, "/1/0/1 = 30", Mode::Ask);
    site.run(1);
    assert_eq!(site.state(1), ConfiguredState::InLine);
    let write = |at: &str, value| {
        let node = Node::Resource(Resource::Single(Value::Integer(value)));
        let write = Operation::Write { path: path(at), mode: WriteMode::Replace, node, format: None };
        let operated = block_on(site.fleet.operate(&site.context(), public_id(1), write, None)).unwrap();
        done(&site, 1, operated.id);
        site.run(0);
        operated.id
    };
    let before = reads(&site);
    let operation = write("/1/0/1", 55);
    assert_eq!((site.state(1), reads(&site)), (ConfiguredState::Drifted, before + 1));
    let row = block_on(site.store.configured(DeviceId(1))).unwrap().unwrap();
    let by = Writer::Operation { operation, who: "administrator".into() };
    let finding = row.findings.last().unwrap();
    assert_eq!((finding.actual.as_deref(), &finding.writer), (Some("55"), &by));
    write("/1/0/1", 30);
    assert_eq!((site.state(1), reads(&site)), (ConfiguredState::InLine, before + 2));
    write("/1/0/3", 9);
    assert_eq!(reads(&site), before + 2, "nobody wants anything there");
}

#[test]
fn a_device_with_a_baseline_of_its_own_is_looked_at_when_it_says_what_that_names() {
    let site = Site::new(2);
    site.set(LevelName::Device(public_id(1)), "/1/0/2 = 1", Mode::Report);
    site.run(1);
    assert_eq!(site.state(1), ConfiguredState::InLine);
    site.changed_at_the_device(1, "/1/0/2", 9);
    site.run(0);
    assert_eq!(site.state(1), ConfiguredState::Drifted);
}

#[test]
fn attributes_are_taken_back_across_a_restart_before_nothing_is_kept_of_a_device() {
    let site = Site::new(1);
    site.set(LevelName::Device(public_id(1)), "/1/0 ? pmin=10 pmax=60\n/1/0/1 = 600", Mode::Repair);
    site.run(1);
    assert_eq!((site.state(1), writes_attributes(&site).len()), (ConfiguredState::InLine, 1));
    site.devices.asleep.lock().unwrap().insert(1);
    site.set(LevelName::Device(public_id(1)), "", Mode::Repair);
    site.run(30);
    assert_eq!(site.state(1), ConfiguredState::Waiting);
    let Site { store, devices, .. } = site;
    let fleet = Fleet::new(
        Arc::clone(&store) as Arc<dyn Store>,
        Arc::clone(&devices) as Arc<dyn Downlink>,
        Library::new(Arc::new(Registry::core())),
        Box::new(|| Ok(Registry::core())),
        Feed::new(),
        entropy(),
    );
    let site = Site { fleet, store, devices };
    block_on(site.fleet.restore_configurations()).unwrap();
    site.devices.asleep.lock().unwrap().clear();
    site.run(2);
    let Some(Operation::WriteAttributes { path: at, set, unset }) = writes_attributes(&site).pop() else {
        panic!("nothing was taken back")
    };
    assert_eq!((at, set.is_empty()), (path("/1/0"), true));
    assert_eq!(unset, [objects::Attribute::Pmin, objects::Attribute::Pmax]);
    assert_eq!(block_on(site.store.configured(DeviceId(1))).unwrap(), None);
    assert_eq!(site.has(1, "/1/0/1"), 600, "values stay");
}

#[test]
fn one_that_is_known_to_answer_no_composites_is_asked_none() {
    let site = Site::new(1);
    let known = crate::wish::NoComposites {
        at: site.devices.now(),
        lwm2m: Version::V1_1,
        reason: "4.05 Method Not Allowed".into(),
    };
    let change = WishChange::Composites { device: DeviceId(1), unanswered: Some(known) };
    block_on(site.store.commit(Commit { changes: vec![Change::Wish(change)], audit: vec![] })).unwrap();
    site.set(LevelName::Fleet, "/1/0/1 = 600\n/1/0/2 = 5\n/1/0/3 = 60", Mode::Repair);
    site.run(1);
    assert_eq!((site.state(1), site.has(1, "/1/0/3")), (ConfiguredState::InLine, 60));
    assert!(site.devices.orders.lock().unwrap().iter().all(|order| !order.operation.is_composite()));
}

#[test]
fn what_steps_come_upon_is_counted() {
    let site = Site::new(1);
    site.set(LevelName::Fleet, "/1/0/1 = 600", Mode::Repair);
    let mut counted = crate::configuration::Counted::default();
    let mut step = || {
        while block_on(site.fleet.sweep_configurations(site.devices.now())).unwrap() {}
        for device in site.fleet.due_configurations(site.devices.now()) {
            let stepped = block_on(site.fleet.advance_configuration(device, || site.devices.now())).unwrap();
            counted.found += stepped.counted.found;
            counted.repaired += stepped.counted.repaired;
            counted.stopped += stepped.counted.stopped;
        }
        counted
    };
    assert_eq!(step(), crate::configuration::Counted::default(), "the first time is no repair");
    for round in 1..=4 {
        site.changed_at_the_device(1, "/1/0/1", 77);
        let now = step();
        assert_eq!((now.found, now.repaired), (round, round.min(3)));
        assert_eq!(now.stopped, usize::from(round == 4));
    }
}

#[test]
fn nothing_is_wanted_any_more_and_nothing_is_kept_of_it() {
    let site = Site::new(1);
    site.set(LevelName::Device(public_id(1)), "/1/0/1 = 600", Mode::Repair);
    site.run(1);
    assert_eq!(site.state(1), ConfiguredState::InLine);
    site.set(LevelName::Device(public_id(1)), "", Mode::Repair);
    site.run(1);
    assert_eq!(block_on(site.store.configured(DeviceId(1))).unwrap(), None);
    assert_eq!(site.has(1, "/1/0/1"), 600, "the device keeps what it has");
    assert_eq!(site.fleet.next_configuration(), None);
}
