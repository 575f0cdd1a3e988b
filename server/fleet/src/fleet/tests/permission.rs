//! Who may do what: every verb with a context, for every role.

use super::*;
use crate::store::{DeviceOrder, DeviceQuery};

const VERBS: [(&str, Permission); 11] = [
    ("overview", Permission::View),
    ("devices", Permission::View),
    ("device", Permission::View),
    ("history", Permission::View),
    ("timeline", Permission::View),
    ("operations", Permission::View),
    ("operation", Permission::View),
    ("subscribe", Permission::View),
    ("operate", Permission::Operate),
    ("cancel operation", Permission::Operate),
    ("audit", Permission::Administer),
];

#[test]
fn every_verb_asks_for_its_permission() {
    for role in Role::ALL {
        for (verb, permission) in VERBS {
            let bench = Bench::new();
            let expected = match (role, permission) {
                (Role::Viewer, Permission::View)
                | (Role::Operator, Permission::View | Permission::Operate) => true,
                (Role::Viewer | Role::Operator, _) => false,
                (Role::Administrator, _) => true,
            };
            let done = call(&bench, &context(role), verb);
            assert_eq!(done.is_ok(), expected, "{verb} as {role:?}: {done:?}");
            assert_eq!(matches!(done, Err(FleetError::Forbidden)), !expected, "{verb} as {role:?}");
        }
    }
}

#[test]
fn what_is_refused_leaves_nothing_but_a_line_in_the_audit_log() {
    let bench = Bench::new();
    call(&bench, &context(Role::Viewer), "operate").unwrap_err();
    call(&bench, &context(Role::Operator), "audit").unwrap_err();
    assert!(bench.orders().is_empty());
    block_on(bench.fleet.flush_audit()).unwrap();
    let expected = ["denied · viewer · operate", "denied · operator · audit"];
    assert_eq!(bench.audit(), expected);
}

#[test]
fn the_server_itself_may_do_everything() {
    let server = Context { actor: Actor::Server("test"), ..context(Role::Viewer) };
    for (verb, _) in VERBS {
        call(&Bench::new(), &server, verb).unwrap();
    }
}

#[test]
fn a_device_that_is_not_there_is_not_found() {
    let bench = Bench::new();
    let context = context(Role::Administrator);
    let nobody = public_id(99);
    let page = PageRequest::first(10);
    let fleet = &bench.fleet;
    let errors = [
        block_on(fleet.device(&context, nobody)).unwrap_err(),
        block_on(fleet.history(&context, nobody, path("/3/0/9"), 1)).unwrap_err(),
        block_on(fleet.timeline(&context, nobody, &page)).unwrap_err(),
        block_on(fleet.operations(&context, nobody, &page)).unwrap_err(),
        block_on(fleet.operate(&context, nobody, read(), None)).unwrap_err(),
        block_on(fleet.cancel_operation(&context, nobody, OperationId::new(START, [0; 10]))).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| matches!(error, FleetError::NotFound("device"))), "{errors:?}");
}

/// Calls the verb so that it succeeds unless the actor may not.
fn call(bench: &Bench, context: &Context, verb: &str) -> Result<(), FleetError> {
    let fleet = &bench.fleet;
    let id = public_id(1);
    let page = PageRequest::first(10);
    bench.answer(Taken::Queued);
    let operation =
        || block_on(fleet.operate(&self::context(Role::Administrator), id, write(), None)).unwrap().id;
    block_on(async {
        match verb {
            "overview" => fleet.overview(context).await.map(drop),
            "devices" => {
                let query = DeviceQuery { prefix: None, state: None, order: DeviceOrder::Endpoint, page };
                fleet.devices(context, &query).await.map(drop)
            }
            "device" => fleet.device(context, id).await.map(drop),
            "history" => fleet.history(context, id, path("/3/0/9"), 10).await.map(drop),
            "timeline" => fleet.timeline(context, id, &page).await.map(drop),
            "operations" => fleet.operations(context, id, &page).await.map(drop),
            "subscribe" => fleet.subscribe(context).await.map(drop),
            "operate" => fleet.operate(context, id, write(), None).await.map(drop),
            "audit" => fleet.audit(context, &page).await.map(drop),
            _ => Ok(()),
        }
    })?;
    match verb {
        "operation" => {
            let operation = operation();
            block_on(fleet.operation(context, id, operation)).map(drop)
        }
        "cancel operation" => {
            let operation = operation();
            block_on(fleet.cancel_operation(context, id, operation))
        }
        _ => Ok(()),
    }
}
