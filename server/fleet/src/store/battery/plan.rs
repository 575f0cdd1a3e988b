//! Bootstrap plans and sessions.

use objects::{ContentFormat, Path, Value};
use uuid::Uuid;

use super::fixture::*;
use crate::{
    BootstrapId, BootstrapRecord, BootstrapResult, Change, Class, ClassId, CredentialId, DeviceId, Finding,
    Plan, PlanScope, Registering, Repair, StepRecord, Store,
};

fn plan(lifetime: u32) -> Plan {
    Plan {
        lifetime,
        default_pmin: Some(0),
        default_pmax: None,
        notification_storing: true,
        binding: "U".into(),
        registering: Registering { retry_count: Some(5), mute_send: Some(false), ..Registering::default() },
        hold_off: Some(5),
        own_bootstrap_credential: true,
        delete: vec![Path::Root, path("/1"), path("/3/0")],
        writes: vec![
            (path("/3/0/15"), Value::String("Europe/\0'☃".into())),
            (path("/2/0/2/1"), Value::Integer(i64::MIN)),
            (path("/10/0/3"), Value::Opaque(vec![0, 255])),
        ],
        format: Some(ContentFormat::SENML_CBOR),
    }
}

fn saved(scope: PlanScope, plan: Option<Plan>) -> Change {
    Change::PlanSaved { scope, plan: plan.map(Box::new) }
}

fn record(number: i64, of_device: i64) -> BootstrapRecord {
    BootstrapRecord {
        id: BootstrapId(Uuid::from_u128(u128::try_from(number).unwrap())),
        device: DeviceId(of_device),
        request: request(9),
        started_at: at(number),
        ended_at: None,
        result: BootstrapResult::UnderWay,
        reason: String::new(),
        credential: None,
        steps: vec![],
        repairs: vec![],
    }
}

fn bootstrap(record: &BootstrapRecord) -> Change {
    Change::BootstrapSaved(Box::new(record.clone()))
}

/// One for a class and one for a device do not know each other; each is replaced, and taken back.
pub async fn a_plan_is_kept_replaced_and_taken_back(store: &dyn Store) {
    register(store, 2).await;
    commit(
        store,
        [Change::ClassAdded(Class {
            id: ClassId(2),
            name: "meters".into(),
            policy: Default::default(),
            retention: Default::default(),
        })],
    )
    .await;
    let (class, device) = (PlanScope::Class(ClassId(2)), PlanScope::Device(DeviceId(2)));
    commit(store, [saved(class, Some(plan(60))), saved(device, Some(plan(u32::MAX)))]).await;
    assert_eq!(store.plan(class).await.unwrap(), Some(plan(60)));
    assert_eq!(store.plan(device).await.unwrap(), Some(plan(u32::MAX)));
    assert_eq!(store.plan(PlanScope::Class(ClassId(1))).await.unwrap(), None);
    assert_eq!(store.plan(PlanScope::Device(DeviceId(1))).await.unwrap(), None);
    let bare =
        Plan { default_pmin: None, hold_off: None, delete: vec![], writes: vec![], format: None, ..plan(1) };
    commit(store, [saved(class, Some(bare.clone())), saved(device, None)]).await;
    assert_eq!((store.plan(class).await.unwrap(), store.plan(device).await.unwrap()), (Some(bare), None));
    refused(store, [saved(PlanScope::Class(ClassId(9)), Some(plan(1)))]).await;
    refused(store, [saved(PlanScope::Device(DeviceId(9)), Some(plan(1)))]).await;
}

/// From its begin to its end under one name.
pub async fn a_bootstrap_session_is_followed_step_by_step(store: &dyn Store) {
    register(store, 1).await;
    let mut one = record(1, 1);
    commit(store, [bootstrap(&one)]).await;
    assert_eq!(store.bootstrap(one.id).await.unwrap().as_ref(), Some(&one));
    let step = |number| StepRecord {
        at: at(number),
        asked: "Write /0/1 (TLV, 74 bytes)".into(),
        answer: "'\0☃".into(),
    };
    one.steps = (0..128).map(step).collect();
    commit(store, [bootstrap(&one)]).await;
    one.ended_at = Some(at(200));
    one.result = BootstrapResult::Failed;
    one.reason = "4.06: /1/0/7 is missing".into();
    one.credential = Some(CredentialId(7));
    let finding = |number: u16| Finding {
        path: Path::from_ids(&[1, number]).unwrap(),
        what: "/1/0/1 is '60', not ☃\0".into(),
        done: String::new(),
    };
    let repair = |number| Repair {
        at: at(number),
        cause: "Finish: 4.06 (“'\0”)".into(),
        findings: (0..32).map(finding).collect(),
        anew: Some(ContentFormat::TLV).filter(|_| number > 1),
    };
    one.repairs = (1..=3).map(repair).collect();
    commit(store, [bootstrap(&one)]).await;
    assert_eq!(store.bootstraps(DeviceId(1)).await.unwrap(), [one]);
    assert_eq!(store.bootstrap(record(2, 1).id).await.unwrap(), None);
    refused(store, [bootstrap(&record(2, 9))]).await;
}

/// What was under way when the server stopped goes on no more; what had ended stays as it was.
pub async fn interrupted_bootstrap_sessions_have_failed(store: &dyn Store) {
    register(store, 2).await;
    let finished =
        BootstrapRecord { result: BootstrapResult::Finished, ended_at: Some(at(2)), ..record(1, 1) };
    let interrupted = [record(2, 1), record(3, 2)];
    commit(store, [&finished, &interrupted[0], &interrupted[1]].map(bootstrap)).await;
    commit(store, [Change::BootstrapsInterrupted { at: at(50) }]).await;
    let [first, second] = interrupted.map(|record| BootstrapRecord {
        result: BootstrapResult::Failed,
        ended_at: Some(at(50)),
        reason: BootstrapRecord::INTERRUPTED.into(),
        ..record
    });
    assert_eq!(store.bootstraps(DeviceId(1)).await.unwrap(), [first, finished]);
    assert_eq!(store.bootstraps(DeviceId(2)).await.unwrap(), [second]);
}

/// Newest first, and no more than so many of a device.
pub async fn the_newest_bootstrap_sessions_are_kept(store: &dyn Store) {
    register(store, 2).await;
    let kept = i64::try_from(BootstrapRecord::PER_DEVICE).unwrap();
    commit(store, [bootstrap(&record(1_000, 2))]).await;
    for number in 1..=kept + 3 {
        commit(store, [bootstrap(&record(number, 1))]).await;
    }
    let found = store.bootstraps(DeviceId(1)).await.unwrap();
    assert_eq!(found, (4..=kept + 3).rev().map(|number| record(number, 1)).collect::<Vec<_>>());
    assert_eq!(store.bootstraps(DeviceId(2)).await.unwrap().len(), 1);
}
