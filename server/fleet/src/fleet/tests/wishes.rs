//! What classes wish, asked of a device that does what it is told.

use std::collections::BTreeSet;

use super::*;
use crate::{
    CancelMode, Observation, ObservationToken, Reading, Target,
    store::Wishing as _,
    wish::{Kept, NoComposites, Tended, Trouble, WishChange},
};

const DEVICE: DeviceId = DeviceId(1);

/// A device whose observations are in the store, as the shards have it.
struct Obedient {
    store: Arc<MemoryStore>,
    asleep: Mutex<bool>,
    /// What it refuses with 4.05.
    refuses: Mutex<BTreeSet<Target>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Downlink for Obedient {
    async fn send(&self, order: Order) -> Taken {
        if *self.asleep.lock().unwrap() && !order.stored {
            return Taken::Asleep;
        }
        let (device, target) = (order.device, order.operation.target());
        self.asked.lock().unwrap().push(format!("{} {target}", order.operation.name()));
        if self.refuses.lock().unwrap().contains(&target) {
            let code = ResponseCode { class: 4, detail: 5 };
            let outcome = Outcome::Refused { code, diagnostic: String::new() };
            return Taken::Ended { outcome, trace: None };
        }
        let change = if order.operation.is_observe() {
            let token = ObservationToken::new(&[1]).unwrap();
            let observation = Observation { device, target, token, format: None, since: START, number: None };
            Some(Change::ObservationBegan(observation))
        } else {
            order.operation.cancels().map(|_| Change::ObservationEnded { device, target })
        };
        let changes = change.into_iter().collect();
        self.store.commit(Commit { changes, audit: vec![] }).await.unwrap();
        ended()
    }

    async fn cancel(&self, _: DeviceId, _: OperationId) -> bool {
        false
    }

    async fn presence(&self, _: DeviceId) -> Presence {
        if *self.asleep.lock().unwrap() { Presence::Asleep } else { Presence::Awake }
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

struct Wished {
    fleet: Fleet,
    store: Arc<MemoryStore>,
    device: Arc<Obedient>,
}

impl Wished {
    fn new() -> Self {
        let bench = Bench::new();
        let device = Arc::new(Obedient {
            store: Arc::clone(&bench.store),
            asleep: Mutex::new(false),
            refuses: Mutex::default(),
            asked: Mutex::default(),
        });
        let fleet = Fleet::new(
            Arc::clone(&bench.store) as Arc<dyn Store>,
            Arc::clone(&device) as Arc<dyn Downlink>,
            Library::new(Arc::new(registry())),
            Box::new(|| Ok(registry())),
            Feed::new(),
            entropy(),
        );
        Self { fleet, store: bench.store, device }
    }

    fn wish(&self, lines: &str) {
        let context = context(Role::Administrator);
        block_on(self.fleet.set_class_wishes(&context, ClassId::DEFAULT, lines)).unwrap();
    }

    fn tend(&self) -> Tended {
        block_on(self.fleet.tend(DEVICE, || START)).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.device.asked.lock().unwrap())
    }

    fn commit(&self, changes: Vec<Change>) {
        block_on(self.store.commit(Commit { changes, audit: vec![] })).unwrap();
    }

    fn live(&self) -> Vec<String> {
        let observations = block_on(self.store.observations(DEVICE)).unwrap();
        observations.iter().map(|observation| observation.target.to_string()).collect()
    }

    fn kept(&self) -> Kept {
        block_on(self.store.kept_wishes(DEVICE)).unwrap()
    }
}

#[test]
fn a_device_is_asked_what_its_class_wishes_and_nothing_twice() {
    let wished = Wished::new();
    wished.wish("/3/0/9 pmin=10 gt=20\n/1/*/1");
    assert_eq!(wished.tend(), Tended::Settled(None));
    assert_eq!(wished.asked(), ["Write-Attributes /3/0/9", "Observe /1/0/1", "Observe /3/0/9"]);
    assert_eq!(wished.tend(), Tended::Settled(None));
    assert!(wished.asked().is_empty());
    wished.wish("/1/*/1\n/3/0/9");
    wished.tend();
    assert_eq!(
        wished.asked(),
        [
            "Write-Attributes /3/0/9",
            "Observe-Composite /1/0/1, /3/0/9",
            "Cancel Observation /1/0/1",
            "Cancel Observation /3/0/9"
        ]
    );
    wished.wish("");
    wished.tend();
    assert_eq!((wished.live(), wished.kept()), (vec![], Kept::default()));
}

#[test]
fn what_is_said_of_a_class_is_audited_and_what_is_wrong_is_named_by_line() {
    let wished = Wished::new();
    let context = context(Role::Administrator);
    wished.wish("/3/0/9 pmin=10");
    let failed = block_on(wished.fleet.set_class_wishes(&context, ClassId::DEFAULT, "/3/0/9\n/3/0/4\nx"));
    let Err(FleetError::Invalid { field: "lines", reason }) = failed else { panic!("{failed:?}") };
    assert!(reason.starts_with("line 3: "), "{reason}");
    assert_eq!(block_on(audited(&wished.store)), ["save wishes · administrator · default: /3/0/9 pmin=10"]);
    let wishes = block_on(wished.fleet.class_wishes(&context, ClassId::DEFAULT)).unwrap();
    assert_eq!(wishes.to_string(), "/3/0/9 pmin=10");
}

#[test]
fn a_device_that_sleeps_is_asked_when_it_listens() {
    let wished = Wished::new();
    *wished.device.asleep.lock().unwrap() = true;
    wished.wish("/3/0/9");
    assert_eq!(wished.tend(), Tended::Asleep);
    assert_eq!((wished.asked(), wished.kept()), (vec![], Kept::default()));
    *wished.device.asleep.lock().unwrap() = false;
    wished.tend();
    assert_eq!(wished.live(), ["/3/0/9"]);
}

#[test]
fn what_somebody_has_begun_by_hand_stays_theirs() {
    let wished = Wished::new();
    let observe = Operation::Observe { path: path("/3/0/9"), format: None };
    wished.wish("/3/0/9");
    wished.tend();
    assert_eq!(wished.kept().owned.len(), 1);
    block_on(wished.fleet.operate(&context(Role::Operator), public_id(1), observe, None)).unwrap();
    assert!(wished.kept().owned.is_empty(), "it is theirs from now on");
    wished.wish("");
    wished.tend();
    assert_eq!(wished.live(), ["/3/0/9"]);
    wished.wish("/3/0/9");
    wished.tend();
    assert_eq!(wished.live(), ["/3/0/9"]);
    let cancel = Operation::CancelObservation { path: path("/3/0/9"), mode: CancelMode::Active };
    block_on(wished.fleet.operate(&context(Role::Operator), public_id(1), cancel, None)).unwrap();
    wished.tend();
    assert_eq!(
        (wished.live(), wished.kept().owned.len()),
        (vec!["/3/0/9".to_owned()], 1),
        "it is wished again"
    );
}

#[test]
fn one_path_that_is_refused_is_named_and_tried_again_later() {
    let wished = Wished::new();
    wished.device.refuses.lock().unwrap().insert(path("/3/0/9").into());
    wished.wish("/3/0/9 pmin=1\n/1/0/1");
    assert_eq!(wished.tend(), Tended::Settled(Some(START.after(Trouble::FIRST_WAIT))));
    assert_eq!(wished.live(), ["/1/0/1"]);
    let shown = block_on(wished.fleet.device_wishes(&context(Role::Viewer), public_id(1))).unwrap();
    let written = &shown.kept.written[&path("/3/0/9")];
    assert_eq!(written.trouble.as_ref().unwrap().reason, "4.05 Method Not Allowed");
    assert_eq!(shown.kept.owned.values().filter(|owned| owned.trouble.is_some()).count(), 1);
    wished.asked();
    wished.tend();
    assert!(wished.asked().is_empty(), "not before its time");
}

#[test]
fn a_crash_between_asking_and_the_answer_leaks_nothing() {
    let wished = Wished::new();
    wished.wish("/3/0/9");
    // The mark stands, the observation was begun or was not; then the wish goes.
    let asked = Change::Wish(WishChange::Asked { device: DEVICE, target: path("/3/0/9").into() });
    wished.commit(vec![asked]);
    wished.tend();
    assert_eq!(wished.live(), ["/3/0/9"]);
    wished.wish("");
    wished.tend();
    assert_eq!((wished.live(), wished.kept()), (vec![], Kept::default()));
}

#[test]
fn a_class_that_wishes_something_else_has_its_devices_looked_at() {
    let wished = Wished::new();
    assert_eq!(wished.fleet.take_wish_changes(), Look::default());
    wished.wish("/3/0/9");
    assert_eq!(wished.fleet.take_wish_changes(), Look::All);
    assert_eq!(wished.fleet.take_wish_changes(), Look::default());
    let (devices, goes_on) = block_on(wished.fleet.wished_after(None)).unwrap();
    assert_eq!((devices, goes_on), (vec![DEVICE, DeviceId(2)], false));
    let context = context(Role::Administrator);
    let other = block_on(wished.fleet.add_class(&context, "other")).unwrap();
    block_on(wished.fleet.classify_device(&context, public_id(2), other.id)).unwrap();
    assert_eq!(wished.fleet.take_wish_changes(), Look::At([DeviceId(2)].into()));
}

#[test]
fn a_device_that_answers_no_composite_is_asked_again_with_another_firmware() {
    let wished = Wished::new();
    let may = || block_on(wished.fleet.may_use_composites(DEVICE)).unwrap();
    let firmware = |version: &str, seconds: i64| {
        let value = Value::String(version.into());
        let readings = vec![Reading { path: path("/3/0/3"), value, device_time: None }];
        let received_at = Timestamp(START.0 + seconds * 1_000);
        Change::Report { device: DEVICE, received_at, delivery: None, readings }
    };
    assert!(may());
    let known = NoComposites { at: Timestamp(START.0 + 5_000), lwm2m: Version::V1_1, reason: "4.05".into() };
    let note = |unanswered| Change::Wish(WishChange::Composites { device: DEVICE, unanswered });
    wished.commit(vec![firmware("1.0", 1), note(Some(known.clone()))]);
    assert!(!may());
    wished.wish("/3/0/9\n/1/0/1");
    wished.tend();
    assert_eq!(wished.live(), ["/1/0/1", "/3/0/9"]);
    wished.commit(vec![firmware("1.0", 7)]);
    assert!(!may(), "it is the same one");
    wished.commit(vec![firmware("1.1", 9)]);
    assert!(may());
    // Without any version known it is the same one.
    wished.commit(vec![note(Some(NoComposites { lwm2m: Version::V1_0, ..known }))]);
    assert!(may(), "it speaks another version of LwM2M");
    let shown = block_on(wished.fleet.device_wishes(&context(Role::Viewer), public_id(1))).unwrap();
    assert_eq!(shown.no_composites, None);
}
