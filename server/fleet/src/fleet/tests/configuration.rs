//! Configuration through the verbs: levels, what goes to the devices, and what people do about those that are otherwise.

use std::collections::{BTreeMap, BTreeSet};

mod noticed;

use super::*;
use crate::{
    GroupChange, OperationState, Reading,
    configuration::{ConfiguredState, Draft, Effect, LevelName, Mode, Writer},
    store::{ConfigurationQuery, Configurations as _},
};

const HOUR: i64 = 3_600_000;

/// Devices that have values, and do what they are asked.
struct Site {
    fleet: Fleet,
    store: Arc<MemoryStore>,
    devices: Arc<Devices>,
}

struct Devices {
    store: Arc<MemoryStore>,
    now: AtomicI64,
    values: Mutex<BTreeMap<(i64, Path), Value>>,
    asleep: Mutex<BTreeSet<i64>>,
    orders: Mutex<Vec<Order>>,
}

impl Devices {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::Relaxed))
    }

    fn readings(&self, device: i64, within: &[Path]) -> Vec<Reading> {
        let values = self.values.lock().unwrap();
        let here = values
            .iter()
            .filter(|((of, path), _)| *of == device && within.iter().any(|at| path.is_within(at)));
        here.map(|((_, path), value)| Reading { path: *path, value: value.clone(), device_time: None })
            .collect()
    }
}

#[async_trait]
impl Downlink for Devices {
    async fn send(&self, order: Order) -> Taken {
        let number = order.device.0;
        self.now.fetch_add(20, Ordering::Relaxed);
        self.orders.lock().unwrap().push(order.clone());
        if self.asleep.lock().unwrap().contains(&number) {
            return if order.stored { Taken::Queued } else { Taken::Asleep };
        }
        let mut changes = Vec::new();
        match &order.operation {
            Operation::Read { .. } | Operation::ReadComposite { .. } => {
                let readings = self.readings(number, order.operation.target().paths());
                let received_at = self.now();
                changes.push(Change::Report { device: order.device, received_at, delivery: None, readings });
            }
            Operation::WriteComposite { values, .. } => {
                let written = values.iter().map(|(path, value)| ((number, *path), value.clone()));
                self.values.lock().unwrap().extend(written);
            }
            Operation::Write { path, node, .. } => {
                let written =
                    node.values(*path).into_iter().map(|(path, value)| ((number, path), value.clone()));
                self.values.lock().unwrap().extend(written);
            }
            Operation::WriteAttributes { .. } => {}
            other => panic!("{other:?}"),
        }
        let (id, at) = (order.id, self.now());
        changes.push(Change::OperationEnded { id, state: OperationState::Done, at, result: "2.04".into() });
        self.store.commit(Commit { changes, audit: vec![] }).await.unwrap();
        Taken::Ended { outcome: success(), trace: None }
    }

    async fn cancel(&self, _: DeviceId, _: OperationId) -> bool {
        true
    }

    async fn presence(&self, device: DeviceId) -> Presence {
        if self.asleep.lock().unwrap().contains(&device.0) { Presence::Asleep } else { Presence::Awake }
    }

    async fn reserve(&self, _: usize) -> Option<Vec<DeviceId>> {
        None
    }

    async fn follow(&self, _: Arc<Commit>) {}

    async fn end(&self, _: Ending) -> Result<(), StoreError> {
        Ok(())
    }

    async fn end_sessions(&self, _: &[CredentialId]) {}
}

fn links() -> ObjectLinks {
    let entry = || ObjectEntry { instances: [InstanceId(0)].into(), ..ObjectEntry::default() };
    let objects = [1, 3, 10].map(|object| (ObjectId(object), entry()));
    ObjectLinks { objects: objects.into(), ..ObjectLinks::default() }
}

impl Site {
    /// So many devices, each with the lifetime 30 and the periods 1; the server knows the lifetime alone.
    fn new(count: u8) -> Self {
        let store = Arc::new(MemoryStore::new());
        let devices = Arc::new(Devices {
            store: Arc::clone(&store),
            now: AtomicI64::new(START.0),
            values: Mutex::default(),
            asleep: Mutex::default(),
            orders: Mutex::default(),
        });
        let mut changes = Vec::new();
        for number in 1..=count {
            changes.push(Change::DeviceAdded(device(number)));
            let registration = Registration { links: Arc::new(links()), ..registration(number) };
            changes.push(Change::Registered(Box::new(registration)));
            let of = i64::from(number);
            for (at, value) in [("/1/0/1", 30), ("/1/0/2", 1), ("/1/0/3", 1)] {
                devices.values.lock().unwrap().insert((of, path(at)), Value::Integer(value));
            }
            let readings = devices.readings(of, &[path("/1/0/1")]);
            let device = DeviceId(of);
            changes.push(Change::Report { device, received_at: START, delivery: None, readings });
        }
        block_on(store.commit(Commit { changes, audit: vec![] })).unwrap();
        let fleet = Fleet::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&devices) as Arc<dyn Downlink>,
            Library::new(Arc::new(Registry::core())),
            Box::new(|| Ok(Registry::core())),
            Feed::new(),
            entropy(),
        );
        Self { fleet, store, devices }
    }

    fn context(&self) -> Context {
        Context { now: self.devices.now(), ..context(Role::Administrator) }
    }

    fn draft(&self, level: LevelName, text: &str, mode: Mode) -> Draft {
        let lines = block_on(self.fleet.read_baseline(&self.context(), &level, text)).unwrap();
        Draft { lines, mode, ticket: Some("CHG-7".into()), ..Draft::default() }
    }

    fn set(&self, level: LevelName, text: &str, mode: Mode) -> u32 {
        let draft = self.draft(level.clone(), text, mode);
        block_on(self.fleet.set_baseline(&self.context(), &level, draft, None)).unwrap().version
    }

    /// Everything that is due until then is done.
    fn run(&self, hours: i64) -> &Self {
        let end = Timestamp(self.devices.now().0 + hours * HOUR);
        loop {
            while block_on(self.fleet.sweep_configurations(self.devices.now())).unwrap() {}
            let due = self.fleet.due_configurations(self.devices.now());
            for device in &due {
                block_on(self.fleet.advance_configuration(*device, || self.devices.now())).unwrap();
            }
            let next = self.fleet.next_configuration().filter(|next| *next <= end);
            match (due.is_empty(), next) {
                (false, _) => {}
                (true, Some(next)) => {
                    self.devices.now.fetch_max(next.0, Ordering::Relaxed);
                }
                (true, None) => break,
            }
        }
        self.devices.now.fetch_max(end.0, Ordering::Relaxed);
        self
    }

    fn has(&self, number: i64, at: &str) -> i64 {
        match self.devices.values.lock().unwrap()[&(number, path(at))] {
            Value::Integer(number) => number,
            ref other => panic!("{other}"),
        }
    }

    fn state(&self, number: u8) -> ConfiguredState {
        let detail = block_on(self.fleet.configuration(&self.context(), public_id(number))).unwrap();
        detail.row.unwrap().state
    }

    /// Somebody at the device changes something, and the device says so.
    fn changed_at_the_device(&self, number: i64, at: &str, to: i64) {
        self.devices.values.lock().unwrap().insert((number, path(at)), Value::Integer(to));
        self.devices.now.fetch_add(5, Ordering::Relaxed);
        let received_at = self.devices.now();
        let readings = self.devices.readings(number, &[path(at)]);
        let report = Change::Report { device: DeviceId(number), received_at, delivery: None, readings };
        block_on(self.store.commit(Commit { changes: vec![report], audit: vec![] })).unwrap();
        let stored = block_on(self.store.latest(DeviceId(number), path(at))).unwrap();
        self.devices.now.fetch_add(5, Ordering::Relaxed);
        let kind = crate::EventKind::Readings(stored);
        self.fleet.configuration_happened(DeviceId(number), &kind, self.devices.now());
    }
}

#[test]
fn what_the_fleet_wants_comes_to_every_device_and_a_dry_run_has_said_so() {
    let site = Site::new(20);
    let text = "/1/0/1 = 600\n/1/0/2 = 5";
    let draft = site.draft(LevelName::Fleet, text, Mode::Repair);
    let mut page = PageRequest::first(7);
    let mut foreseen = BTreeMap::new();
    loop {
        let run =
            block_on(site.fleet.dry_run(&site.context(), &LevelName::Fleet, draft.clone(), &page)).unwrap();
        for device in run.devices {
            let effects = device.differences.iter().map(|one| (one.key.path, one.effect)).collect::<Vec<_>>();
            foreseen.insert(device.device.id.0, effects);
        }
        page.after = run.next;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(site.devices.orders.lock().unwrap().len(), 0, "nothing is asked of anybody");
    let one = vec![(path("/1/0/1"), Effect::Write), (path("/1/0/2"), Effect::Look)];
    assert_eq!(foreseen, (1..=20).map(|number| (number, one.clone())).collect());
    assert_eq!(site.set(LevelName::Fleet, text, Mode::Repair), 1);
    site.run(1);
    for number in 1..=20 {
        assert_eq!((site.has(number, "/1/0/1"), site.has(number, "/1/0/2")), (600, 5));
        assert_eq!(site.state(u8::try_from(number).unwrap()), ConfiguredState::InLine);
    }
    let counts = block_on(site.fleet.configuration_counts(&site.context())).unwrap();
    assert_eq!(counts, BTreeMap::from([(ConfiguredState::InLine, 20)]));
    let audit = block_on(audited(&site.store));
    let expected =
        "save baseline · administrator · fleet the fleet, version 1: 2 lines, repair; ticket CHG-7";
    assert!(audit.iter().any(|line| line == expected), "{audit:?}");
}

#[test]
fn a_roll_back_wants_again_what_was_wanted() {
    let site = Site::new(2);
    site.set(LevelName::Fleet, "/1/0/1 = 600", Mode::Repair);
    site.run(1);
    site.set(LevelName::Fleet, "/1/0/1 = 900", Mode::Repair);
    site.run(1);
    assert_eq!(site.has(1, "/1/0/1"), 900);
    let context = site.context();
    let back =
        site.fleet.roll_back_baseline(&context, &LevelName::Fleet, 1, Some("CHG-8".into()), String::new());
    let back = block_on(back).unwrap();
    assert_eq!((back.version, back.rolls_back_to, back.draft.ticket.as_deref()), (3, Some(1), Some("CHG-8")));
    site.run(1);
    assert_eq!(site.has(1, "/1/0/1"), 600);
    let detail = block_on(site.fleet.configuration(&context, public_id(1))).unwrap();
    assert_eq!(detail.row.map(|row| (row.generation, row.reported)), Some((3, 3)));
    // Somebody who has not seen that.
    let draft = site.draft(LevelName::Fleet, "/1/0/1 = 60", Mode::Repair);
    let late = block_on(site.fleet.set_baseline(&context, &LevelName::Fleet, draft, Some(2)));
    assert!(matches!(late, Err(FleetError::Invalid { field: "after", .. })), "{late:?}");
}

#[test]
fn who_joins_a_group_gets_what_it_wants_and_who_leaves_it_does_not_keep_it() {
    let site = Site::new(3);
    let new = NewGroup { name: "cold".into(), rule: "false".into(), ..NewGroup::default() };
    let group = block_on(site.fleet.save_group(&site.context(), None, new)).unwrap();
    site.set(LevelName::Fleet, "/1/0/1 = 600", Mode::Repair);
    site.set(LevelName::Group(group.public_id), "/1/0/1 = 60", Mode::Repair);
    site.run(1);
    assert_eq!(site.has(2, "/1/0/1"), 600);
    let moves = |joined: Vec<DeviceId>, left: Vec<DeviceId>| {
        let change = Change::Group(GroupChange::Members { group: group.id, joined, left });
        let commit = Commit { changes: vec![change], audit: vec![] };
        block_on(site.fleet.commit_and_follow(commit, "group")).unwrap();
    };
    moves(vec![DeviceId(2)], vec![]);
    site.run(1);
    assert_eq!((site.has(1, "/1/0/1"), site.has(2, "/1/0/1")), (600, 60));
    moves(vec![], vec![DeviceId(2)]);
    site.run(1);
    assert_eq!(site.has(2, "/1/0/1"), 600);
}

#[test]
fn what_is_otherwise_is_said_with_who_wrote_it_and_a_person_decides() {
    let site = Site::new(2);
    site.set(LevelName::Fleet, "/1/0/1 = 600", Mode::Ask);
    let context = site.context();
    site.run(1);
    assert_eq!((site.state(1), site.has(1, "/1/0/1")), (ConfiguredState::Drifted, 30));
    block_on(site.fleet.repair_configuration(&context, public_id(1), Some("CHG-9"))).unwrap();
    site.run(1);
    assert_eq!((site.state(1), site.has(1, "/1/0/1")), (ConfiguredState::InLine, 600));
    site.changed_at_the_device(1, "/1/0/1", 77);
    site.run(1);
    assert_eq!(site.state(1), ConfiguredState::Drifted);
    let finding = |number| {
        let row = block_on(site.store.configured(DeviceId(number))).unwrap().unwrap();
        row.findings.last().cloned().unwrap()
    };
    assert_eq!((finding(1).expected, finding(1).actual), ("600".into(), Some("77".into())));
    assert_eq!(finding(1).writer, Writer::Unknown);
    // By somebody here.
    block_on(site.fleet.repair_configuration(&site.context(), public_id(1), None)).unwrap();
    site.run(1);
    let node = Node::Resource(Resource::Single(Value::Integer(55)));
    let write = Operation::Write { path: path("/1/0/1"), mode: WriteMode::Replace, node, format: None };
    block_on(site.fleet.operate(&site.context(), public_id(1), write, None)).unwrap();
    site.changed_at_the_device(1, "/1/0/1", 55);
    site.run(1);
    assert!(matches!(finding(1).writer, Writer::Operation { who, .. } if who == "administrator"));
    block_on(site.fleet.accept_configuration(&site.context(), public_id(1), &[], Some("CHG-10".into())))
        .unwrap();
    site.run(1);
    assert_eq!((site.state(1), site.has(1, "/1/0/1")), (ConfiguredState::InLine, 55));
    assert_eq!(site.state(2), ConfiguredState::Drifted, "of this device alone");
    let query = ConfigurationQuery { state: Some(ConfiguredState::Drifted), page: PageRequest::first(9) };
    assert_eq!(block_on(site.fleet.configurations(&context, &query)).unwrap().rows.len(), 1);
    let audit = block_on(audited(&site.store));
    for part in ["repair configuration · administrator · generation 1; ticket CHG-9", "/1/0/1; ticket CHG-10"]
    {
        assert!(audit.iter().any(|line| line.contains(part)), "{audit:?}");
    }
}

#[test]
fn a_secret_leaves_no_trace_but_in_the_device() {
    let site = Site::new(1);
    site.set(LevelName::Fleet, "/3/0/15 secret Europe/Berlin\n/1/0/1 = 600", Mode::Repair);
    site.run(1);
    let zone = site.devices.values.lock().unwrap()[&(1, path("/3/0/15"))].clone();
    assert_eq!((zone, site.state(1)), (Value::String("Europe/Berlin".into()), ConfiguredState::InLine));
    let page = PageRequest::first(100);
    let operations = block_on(site.store.operations(DeviceId(1), &page)).unwrap().rows;
    let (row, latest) = (
        block_on(site.store.configured(DeviceId(1))).unwrap(),
        block_on(site.store.latest(DeviceId(1), Path::Root)).unwrap(),
    );
    let kept = format!("{operations:?} {row:?} {latest:?} {:?}", block_on(audited(&site.store)));
    assert!(!kept.contains("Berlin"), "{kept}");
}

#[test]
fn one_that_sleeps_gets_it_when_it_wakes_and_one_that_begins_to_be_known_gets_it_too() {
    let site = Site::new(2);
    site.devices.asleep.lock().unwrap().insert(1);
    site.set(LevelName::Fleet, "/1/0/1 = 600", Mode::Repair);
    site.run(5);
    assert_eq!((site.state(1), site.state(2)), (ConfiguredState::Waiting, ConfiguredState::InLine));
    site.devices.asleep.lock().unwrap().clear();
    site.fleet.configuration_happened(
        DeviceId(1),
        &crate::EventKind::Updated { changed: false },
        site.devices.now(),
    );
    site.run(0);
    assert_eq!((site.state(1), site.has(1, "/1/0/1")), (ConfiguredState::InLine, 600));
    let changes = vec![
        Change::DeviceAdded(device(3)),
        Change::Registered(Box::new(Registration { links: Arc::new(links()), ..registration(3) })),
    ];
    block_on(site.store.commit(Commit { changes, audit: vec![] })).unwrap();
    site.devices.values.lock().unwrap().insert((3, path("/1/0/1")), Value::Integer(1));
    site.fleet.configuration_happened(DeviceId(3), &crate::EventKind::Registered, site.devices.now());
    site.run(0);
    assert_eq!((site.state(3), site.has(3, "/1/0/1")), (ConfiguredState::InLine, 600));
}

#[test]
fn what_was_cut_off_goes_on_after_a_start() {
    let site = Site::new(3);
    site.set(LevelName::Fleet, "/1/0/1 = 600", Mode::Repair);
    site.run(1);
    site.set(LevelName::Fleet, "/1/0/1 = 900", Mode::Repair);
    // Nobody has looked at a device yet when the server stops.
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
    site.run(1);
    assert_eq!([1, 2, 3].map(|number| site.has(number, "/1/0/1")), [900; 3]);
}
