//! Classes, and what bootstrap writes into a device.

use super::{
    enrol::{add, remove},
    *,
};
use crate::{BootstrapId, BootstrapRecord, BootstrapResult, Class, Plan, PlanError, PlanScope};

#[test]
fn a_class_is_made_once_under_a_name_that_can_be_read() {
    let bench = Bench::new();
    let class = block_on(bench.fleet.add_class(&admin(), " meters ")).unwrap();
    assert_eq!(class.name, "meters");
    let again = block_on(bench.fleet.add_class(&admin(), "meters"));
    assert!(matches!(again, Err(FleetError::AlreadyThere("class"))));
    for bad in ["", " ", "a\nb", "\u{1b}[2J", &"x".repeat(Class::MAX_NAME + 1)] {
        let refused = block_on(bench.fleet.add_class(&admin(), bad));
        assert!(matches!(refused, Err(FleetError::Invalid { field: "name", .. })), "{bad:?}");
    }
    let names: Vec<_> = block_on(bench.fleet.classes(&context(Role::Viewer))).unwrap();
    assert_eq!(names.iter().map(|class| class.name.as_str()).collect::<Vec<_>>(), ["default", "meters"]);
    assert_eq!(bench.audit(), ["add class · administrator · meters"]);
}

#[test]
fn the_plan_of_the_device_holds_before_that_of_its_class_and_that_before_the_default() {
    let bench = Bench::new();
    let (class, device) = (PlanScope::Class(ClassId::DEFAULT), PlanScope::Device(DeviceId(1)));
    assert_eq!(effective(&bench), (Plan::default(), None));
    save(&bench, class, Some(plan(600))).unwrap();
    assert_eq!(effective(&bench), (plan(600), Some(class)));
    save(&bench, device, Some(plan(900))).unwrap();
    assert_eq!(effective(&bench), (plan(900), Some(device)));
    assert_eq!(block_on(bench.fleet.plan(&admin(), class)).unwrap(), Some(plan(600)));
    save(&bench, device, None).unwrap();
    save(&bench, class, None).unwrap();
    assert_eq!(effective(&bench), (Plan::default(), None));
    assert_eq!(
        bench.audit(),
        [
            "save bootstrap plan · administrator · class default; set",
            "save bootstrap plan · administrator · device node-1; set",
            "save bootstrap plan · administrator · device node-1; taken back",
            "save bootstrap plan · administrator · class default; taken back",
        ]
    );
    assert_eq!(
        bench.timeline(DeviceId(1)),
        [
            "enrolment: bootstrap plan set by administrator",
            "enrolment: bootstrap plan taken back by administrator"
        ]
    );
}

#[test]
fn a_plan_that_can_not_be_sent_is_not_kept() {
    let bench = Bench::new();
    let device = PlanScope::Device(DeviceId(1));
    let refused = save(&bench, device, Some(plan(0)));
    assert!(matches!(refused, Err(FleetError::Plan(PlanError::Lifetime))), "{refused:?}");
    assert_eq!(effective(&bench), (Plan::default(), None));
    let nobody = save(&bench, PlanScope::Device(DeviceId(77)), Some(plan(600)));
    assert!(matches!(nobody, Err(FleetError::NotFound("device"))));
    let nothing = save(&bench, PlanScope::Class(ClassId(77)), Some(plan(600)));
    assert!(matches!(nothing, Err(FleetError::NotFound("class"))));
    let removed = add(&bench, "sensor").unwrap().device;
    remove(&bench, removed.public_id, true).unwrap();
    let gone = save(&bench, PlanScope::Device(removed.id), Some(plan(600)));
    assert!(matches!(gone, Err(FleetError::NotFound("device"))));
}

#[test]
fn a_bootstrap_is_asked_for_by_the_trigger_of_the_registered_server_object() {
    let bench = Bench::new();
    let operator = context(Role::Operator);
    let trigger = |id| block_on(bench.fleet.trigger_bootstrap(&operator, id));
    block_on(bench.fleet.carry_out(&operator, trigger(public_id(1)).unwrap())).unwrap();
    let order = bench.orders().pop().unwrap().order;
    assert_eq!(order.operation, Operation::Execute { path: path("/1/0/9"), arguments: String::new() });
    let awaited = add(&bench, "sensor").unwrap().device.public_id;
    assert!(matches!(trigger(awaited), Err(FleetError::NotRegistered)));
}

#[test]
fn a_bootstrap_session_belongs_to_its_device() {
    let bench = Bench::new();
    let record = |number: u8| BootstrapRecord {
        id: BootstrapId::new(Timestamp(START.0 + i64::from(number)), [number; 10]),
        device: DeviceId(1),
        request: request(),
        started_at: START,
        ended_at: None,
        result: BootstrapResult::UnderWay,
        reason: String::new(),
        credential: None,
        steps: vec![],
        repairs: vec![],
    };
    for number in 0..25 {
        bench.commit(vec![Change::BootstrapSaved(Box::new(record(number)))]);
    }
    let listed = block_on(bench.fleet.bootstraps(&context(Role::Viewer), public_id(1))).unwrap();
    assert_eq!(listed.len(), BootstrapRecord::PER_DEVICE);
    assert_eq!((&listed[0], &listed[19]), (&record(24), &record(5)), "newest first");
    let one = |device| block_on(bench.fleet.bootstrap_record(&admin(), public_id(device), record(24).id));
    assert_eq!(one(1).unwrap(), record(24));
    assert!(matches!(one(2), Err(FleetError::NotFound("bootstrap"))));
}

fn admin() -> Context {
    context(Role::Administrator)
}

fn plan(lifetime: u32) -> Plan {
    Plan { lifetime, ..Plan::default() }
}

fn save(bench: &Bench, scope: PlanScope, plan: Option<Plan>) -> Result<(), FleetError> {
    block_on(bench.fleet.save_plan(&admin(), scope, plan))
}

fn effective(bench: &Bench) -> (Plan, Option<PlanScope>) {
    block_on(bench.fleet.effective_plan(&context(Role::Viewer), public_id(1))).unwrap()
}
