//! Operations: queued, sent, ended.

use std::collections::BTreeMap;

use objects::{
    Attribute, Attributes, ContentFormat, Instance, InstanceId, Node, Object, ObjectId, ObjectLink, Resource,
    ResourceId, ResourceInstanceId, Value,
};
use uuid::Uuid;

use super::fixture::*;
use crate::{
    ArtefactId, CancelMode, Change, DeviceId, Operation, OperationRecord, OperationState, Paths, Priority,
    Store, WriteMode,
    store::{ENDED_OPERATION_KEPT, Overview},
};

/// Every operation with every kind of content, at its widest.
pub async fn every_operation_survives(store: &dyn Store) {
    register(store, 1).await;
    let operations = every_operation();
    let records: Vec<OperationRecord> =
        (1..).zip(operations).map(|(number, operation)| record(number, 1, operation)).collect();
    let records: Vec<OperationRecord> = records
        .into_iter()
        .zip(Priority::ALL.into_iter().cycle())
        .map(|(record, priority)| OperationRecord { priority, ..record })
        .collect();
    commit(store, records.iter().map(queued)).await;
    for record in &records {
        assert_eq!(store.operation(record.id).await.unwrap().as_ref(), Some(record));
    }
    assert_eq!(store.restore().await.unwrap().operations, records);
}

/// Queued, sent, sent once more after a restart, done.
pub async fn an_operation_goes_its_way(store: &dyn Store) {
    register(store, 1).await;
    let mut expected = reboot(1, 1);
    commit(store, [queued(&expected)]).await;
    for seconds in [10, 20] {
        commit(store, [Change::OperationSent { id: expected.id, at: at(seconds) }]).await;
        expected.state = OperationState::Sent;
        expected.sent_at = Some(at(seconds));
        assert_eq!(store.operation(expected.id).await.unwrap(), Some(expected.clone()));
    }
    let result = "4.05 Method Not Allowed: \u{fffd} ünd so".to_owned();
    let end = Change::OperationEnded {
        id: expected.id,
        state: OperationState::Failed,
        at: at(30),
        result: result.clone(),
    };
    assert_eq!(commit(store, [end]).await.ended_before, None);
    expected.state = OperationState::Failed;
    expected.ended_at = Some(at(30));
    expected.result = Some(result);
    assert_eq!(store.operation(expected.id).await.unwrap(), Some(expected));
}

/// Its final state is reached once and only once: what comes later changes nothing.
pub async fn an_operation_that_has_ended_ends_once(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [queued(&reboot(1, 1)), ended(1, OperationState::Cancelled, at(5))]).await;
    let end = store.operation(operation_id(1)).await.unwrap();
    assert_eq!(end.as_ref().unwrap().state, OperationState::Cancelled);
    let late = Change::OperationEnded {
        id: operation_id(1),
        state: OperationState::Done,
        at: at(9),
        result: "another end".into(),
    };
    commit(store, [Change::OperationSent { id: operation_id(1), at: at(7) }]).await;
    assert_eq!(commit(store, [late]).await.ended_before, Some(OperationState::Cancelled));
    assert_eq!(store.operation(operation_id(1)).await.unwrap(), end);
}

/// All final states are kept as they are, and none of them counts as waiting.
pub async fn an_operation_ends_in_every_final_state(store: &dyn Store) {
    register(store, 1).await;
    let finals = OperationState::ALL.into_iter().filter(|state| state.is_final());
    let numbered: Vec<(i64, OperationState)> = (1..).zip(finals).collect();
    assert_eq!(numbered.len(), 6);
    for (number, state) in &numbered {
        commit(store, [queued(&reboot(*number, 1)), ended(*number, *state, at(50))]).await;
        assert_eq!(store.operation(operation_id(*number)).await.unwrap().unwrap().state, *state);
    }
    assert_eq!(store.restore().await.unwrap().operations, []);
    let overview = Overview { registered: 1, ..Overview::default() };
    assert_eq!(store.overview().await.unwrap(), overview);
}

/// A Read that left no row may be reported as sent or ended all the same.
pub async fn an_operation_without_a_row_is_no_conflict(store: &dyn Store) {
    register(store, 1).await;
    let sent = Change::OperationSent { id: operation_id(8), at: START };
    commit(store, [sent, ended(8, OperationState::Done, START), Change::Timeline(entry(1, 1))]).await;
    assert_eq!(store.operation(operation_id(8)).await.unwrap(), None);
}

/// The same name is not given twice, even to another device or after the end.
pub async fn an_operation_is_queued_once(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [queued(&reboot(1, 1))]).await;
    refused(store, [queued(&reboot(1, 1))]).await;
    refused(store, [queued(&reboot(1, 2))]).await;
    commit(store, [ended(1, OperationState::Done, at(1))]).await;
    refused(store, [queued(&reboot(1, 1))]).await;
}

/// By their names, which begin with the time; those of one device only.
pub async fn operations_are_listed_newest_first(store: &dyn Store) {
    register(store, 2).await;
    // Committed out of order, as concurrent requests are.
    for number in [3, 1, 2, 7, 5, 4, 6] {
        commit(store, [queued(&reboot(number, 1))]).await;
    }
    commit(store, [queued(&reboot(8, 2))]).await;
    for limit in [1, 3, 7, 100] {
        let records = all_pages(limit, async |page| store.operations(DeviceId(1), &page).await).await;
        let expected: Vec<_> = (1..=7).rev().map(|number| reboot(number, 1)).collect();
        assert_eq!(records, expected, "limit {limit}");
    }
    let restored = store.restore().await.unwrap().operations;
    assert!(restored.is_sorted_by(|one, other| one.id < other.id), "the oldest first");
}

/// Thirty days after the end; what has not ended stays however old it is.
pub async fn ended_operations_are_dropped_in_time(store: &dyn Store) {
    register(store, 1).await;
    commit(store, (1..=3).map(|number| queued(&reboot(number, 1)))).await;
    commit(store, [ended(1, OperationState::Done, at(0)), ended(2, OperationState::Done, at(10))]).await;
    store.purge(START.after(ENDED_OPERATION_KEPT)).await.unwrap();
    assert_eq!(store.operation(operation_id(1)).await.unwrap(), None);
    assert!(store.operation(operation_id(2)).await.unwrap().is_some());
    store.purge(START.after(ENDED_OPERATION_KEPT * 100)).await.unwrap();
    assert_eq!(store.operation(operation_id(2)).await.unwrap(), None);
    assert_eq!(store.operation(operation_id(3)).await.unwrap(), Some(reboot(3, 1)));
}

fn every_operation() -> Vec<Operation> {
    let paths = ["/3", "/3/0", "/3/0/7", "/3/0/7/0", "/65535/65534/65534/65534"].map(path);
    let formats = [None, Some(ContentFormat::TEXT), Some(ContentFormat(u16::MAX))];
    let mut operations = Vec::new();
    for (index, path) in paths.into_iter().enumerate() {
        let format = formats[index % formats.len()];
        operations.push(Operation::Read { path, format });
        operations.push(Operation::Observe { path, format });
        operations.push(Operation::Discover { path });
        operations.push(Operation::Delete { path });
        for mode in [CancelMode::Active, CancelMode::Passive] {
            operations.push(Operation::CancelObservation { path, mode });
        }
        for arguments in ["", "0='a\"b',1,2='é'"] {
            operations.push(Operation::Execute { path, arguments: arguments.into() });
        }
        for from in [0, u64::MAX] {
            let artefact = ArtefactId(Uuid::from_u128(u128::from(from) + 1));
            operations.push(Operation::Push { path, artefact, from, block_bytes: 1_024 });
        }
        for (set, unset) in [
            (all_attributes(), vec![]),
            (Attributes::default(), Attribute::ALL.to_vec()),
            (
                Attributes { pmin: Some(u32::MAX), gt: Some(-0.1), ..Attributes::default() },
                vec![Attribute::St],
            ),
        ] {
            operations.push(Operation::WriteAttributes { path, set, unset });
        }
    }
    for (paths, format) in [(&["/"][..], None), (&["/3/0/9", "/3303"], Some(ContentFormat::SENML_JSON))] {
        let paths: Paths = paths.iter().map(|text| path(text)).collect();
        operations.push(Operation::ReadComposite { paths: paths.clone(), format });
        operations.push(Operation::ObserveComposite { paths: paths.clone(), format });
        for mode in [CancelMode::Active, CancelMode::Passive] {
            operations.push(Operation::CancelCompositeObservation { paths: paths.clone(), mode });
        }
        let values = [("/1/0/1", Value::Integer(i64::MIN)), ("/16/0/0/7", Value::String("é\0".into()))];
        let values = values.into_iter().map(|(text, value)| (path(text), value)).collect();
        operations.push(Operation::WriteComposite { values, format });
    }
    for node in nodes() {
        for (mode, format) in [(WriteMode::Replace, None), (WriteMode::Update, Some(ContentFormat::TLV))] {
            operations.push(Operation::Write { path: path("/3/0"), mode, node: node.clone(), format });
        }
        for (instance, format) in [(None, Some(ContentFormat::SENML_CBOR)), (Some(InstanceId(65_534)), None)]
        {
            operations.push(Operation::Create {
                object: ObjectId(65_535),
                instance,
                node: node.clone(),
                format,
            });
        }
    }
    operations
}

fn all_attributes() -> Attributes {
    Attributes {
        pmin: Some(0),
        pmax: Some(u32::MAX),
        epmin: Some(1),
        epmax: Some(2),
        gt: Some(1e300),
        lt: Some(-1.5e-300),
        st: Some(0.1),
        edge: Some(true),
        con: Some(false),
        hqmax: Some(7),
    }
}

fn nodes() -> Vec<Node> {
    let values = super::report::every_value();
    let ids = |value: usize| u16::try_from(value).unwrap();
    let multiple: BTreeMap<ResourceInstanceId, Value> = values
        .iter()
        .enumerate()
        .map(|(index, value)| (ResourceInstanceId(65_534 - ids(index)), value.clone()))
        .collect();
    let mut resources: BTreeMap<ResourceId, Resource> = values
        .iter()
        .enumerate()
        .map(|(index, value)| (ResourceId(ids(index)), Resource::Single(value.clone())))
        .collect();
    resources.insert(ResourceId(65_534), Resource::Multiple(multiple.clone()));
    resources.insert(ResourceId(65_533), Resource::Multiple(BTreeMap::new()));
    let instance = Instance { resources };
    let instances =
        [(InstanceId(0), Instance::default()), (InstanceId(65_534), instance.clone())].into_iter().collect();
    let link = Value::ObjectLink(ObjectLink::NULL);
    vec![
        Node::ResourceInstance(link.clone()),
        Node::Resource(Resource::Single(link)),
        Node::Resource(Resource::Multiple(multiple)),
        Node::Resource(Resource::Multiple(BTreeMap::new())),
        Node::Instance(instance),
        Node::Instance(Instance::default()),
        Node::Object(Object { instances }),
        Node::Object(Object::default()),
    ]
}
