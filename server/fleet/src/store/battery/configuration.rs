//! Configuration: versions of what is wanted, and where devices stand.

use std::{collections::BTreeMap, time::Duration};

use objects::{Attribute, Attributes, Value};

use super::fixture::*;
use crate::{
    Binding, Change, ClassId, DeviceId, GroupId, Lifetime, OperationId, RegistrationId, Store, Timestamp,
    configuration::{
        AccountTerms, Ask, Asking, Baseline, ConfigurationChange, Configured, ConfiguredState, Digest, Draft,
        Finding, Hidden, Leaving, Level, Line, LineKey, LineState, Mode, Standing, Want, Way, Writer,
        Written,
    },
    store::{ConfigurationQuery, PageRequest, PlannedConfiguration},
};

fn baseline(level: Level, version: u32) -> Baseline {
    let want = Want::Value(Value::Integer(version.into()));
    let lines = vec![Line { path: path("/1/0/1"), want }];
    let draft = Draft { lines, ..Draft::default() };
    Baseline { level, version, draft, rolls_back_to: None, by: "ada".into(), at: at(1) }
}

/// With every kind of line.
fn every_line() -> Vec<Line> {
    let attributes = Attributes { pmin: Some(1), gt: Some(0.1), con: Some(true), ..Attributes::default() };
    let secret = |value, salt| Want::Secret(Hidden { value, salt: [salt; 16] });
    [
        ("/1/0/1", Want::Value(Value::Integer(i64::MIN))),
        ("/1/0/7", Want::Value(Value::String("ü\0 '; --".into()))),
        ("/3/0/14", secret(Value::String("hush".into()), 1)),
        ("/3303/0/5700", Want::Attributes(attributes)),
        ("/10/0/3", secret(Value::Opaque(vec![0, 255]), 2)),
        ("/10/0/4/1", Want::Value(Value::Float(0.1))),
    ]
    .map(|(at, want)| Line { path: path(at), want })
    .into()
}

fn saved(baseline: &Baseline) -> Change {
    Change::Configuration(ConfigurationChange::BaselineSaved(Box::new(baseline.clone())))
}

fn key(text: &str) -> LineKey {
    LineKey { path: path(text), attributes: false }
}

fn row(number: i64) -> Configured {
    Configured::new(DeviceId(number), public_id(number), at(number))
}

/// With something in every field but for the wishes, which are not the row's own.
fn full_row(number: i64) -> Configured {
    let written = Written {
        digest: Digest([3; 16]),
        at: at(7),
        operation: operation_id(4),
        registration: Some(RegistrationId(u64::MAX)),
        attributes: vec![Attribute::Pmin, Attribute::Hqmax],
    };
    let writer = Writer::Operation { operation: operation_id(5), who: "Zoë".into() };
    let line = LineState {
        key: key("/1/0/1"),
        want: Digest([2; 16]),
        standing: Standing::Flapping,
        actual: Some("7".into()),
        looked: true,
        blind: true,
        settled: true,
        proving: true,
        written: Some(written),
        doubted_at: Some(at(8)),
        writer: writer.clone(),
        repairs: vec![at(1), at(2)],
        refused: Some("4.05".into()),
    };
    let attributes = LineKey { path: path("/3303/0/5700"), attributes: true };
    let other = LineState { key: attributes, written: None, writer: Writer::Unknown, ..line.clone() };
    let finding =
        Finding { at: at(3), key: key("/1/0/1"), expected: "1".into(), actual: None, writer: Writer::Nobody };
    Configured {
        generation: u64::MAX,
        digest: Digest([9; 16]),
        reported: 3,
        state: ConfiguredState::Working,
        since: at(2),
        due_at: at(60),
        next_check: at(90),
        rests_until: Some(at(70)),
        checked_at: Some(at(4)),
        mark: at(5),
        registration: Some(RegistrationId(1)),
        terms: Some(AccountTerms {
            lifetime: Lifetime(u32::MAX),
            binding: Binding { transports: "UT".into(), queue_mode: true },
        }),
        way: Way::Instance,
        singly: true,
        tries: 3,
        asking: Some(Asking { operation: operation_id(8), ask: Ask::Write, lines: vec![attributes] }),
        repaired_at: Some(at(6)),
        resumed_at: Some(at(8)),
        granted: true,
        lines: vec![line, other],
        leaving: vec![Leaving { path: path("/3303/1"), attributes: vec![Attribute::Pmax, Attribute::Gt] }],
        findings: vec![finding],
        detail: "ü\0".into(),
        ..row(number)
    }
}

fn stands(row: &Configured) -> Change {
    Change::Configuration(ConfigurationChange::Saved(Box::new(row.clone())))
}

async fn found(store: &dyn Store, level: Level, version: Option<u32>) -> Option<Baseline> {
    store.baseline(level, version).await.unwrap()
}

/// Every kind of line, with its secrets.
pub async fn every_baseline_survives(store: &dyn Store) {
    register(store, 1).await;
    let draft = Draft {
        lines: every_line(),
        mode: Mode::Ask,
        check_every: Duration::from_millis(61_001),
        ticket: Some("CHG-1".into()),
        comment: "ü\0".into(),
    };
    for level in
        [Level::Fleet, Level::Class(ClassId(1)), Level::Group(GroupId(i64::MAX)), Level::Device(DeviceId(1))]
    {
        assert_eq!(found(store, level, None).await, None);
        let first = Baseline { draft: draft.clone(), ..baseline(level, 1) };
        let back = Baseline { draft: draft.clone(), rolls_back_to: Some(1), ..baseline(level, 2) };
        commit(store, [saved(&first), saved(&back)]).await;
        assert_eq!(found(store, level, Some(1)).await.as_ref(), Some(&first));
        assert_eq!(found(store, level, None).await, Some(back));
    }
}

/// One after the other; who was slower is refused, and nothing is wanted of a device that is not there.
pub async fn versions_follow_each_other(store: &dyn Store) {
    register(store, 1).await;
    let level = Level::Group(GroupId(4));
    refused(store, [saved(&baseline(level, 2))]).await;
    commit(store, [saved(&baseline(level, 1)), saved(&baseline(level, 2))]).await;
    for version in [1, 2, 4] {
        refused(store, [saved(&baseline(level, version))]).await;
    }
    refused(store, [saved(&baseline(Level::Device(DeviceId(9)), 1))]).await;
    commit(store, (3..=Baseline::MAX_VERSIONS + 2).map(|version| saved(&baseline(level, version)))).await;
    assert_eq!(found(store, level, Some(2)).await, None, "the newest are kept");
    assert_eq!(found(store, level, Some(3)).await, Some(baseline(level, 3)));
    assert_eq!(found(store, level, None).await, Some(baseline(level, Baseline::MAX_VERSIONS + 2)));
}

/// The newest of each level that is no single device; and of one level, the newest first.
pub async fn baselines_are_listed(store: &dyn Store) {
    register(store, 1).await;
    let levels = [Level::Fleet, Level::Class(ClassId(1)), Level::Class(ClassId(2)), Level::Group(GroupId(1))];
    let own = Level::Device(DeviceId(1));
    commit(store, levels.iter().rev().chain([&own]).map(|level| saved(&baseline(*level, 1)))).await;
    commit(store, (2..=5).map(|version| saved(&baseline(Level::Class(ClassId(1)), version)))).await;
    let listed: Vec<_> =
        store.baselines().await.unwrap().iter().map(|baseline| (baseline.level, baseline.version)).collect();
    assert_eq!(listed, [(levels[0], 1), (levels[1], 5), (levels[2], 1), (levels[3], 1)]);
    let mut page = PageRequest::first(2);
    let mut versions = Vec::new();
    loop {
        let found = store.baseline_versions(levels[1], &page).await.unwrap();
        versions.push(found.rows.iter().map(|baseline| baseline.version).collect::<Vec<_>>());
        page.after = found.next;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(versions, [vec![5, 4], vec![3, 2], vec![1]]);
    commit(store, [Change::Configuration(ConfigurationChange::BaselinesDropped(levels[1]))]).await;
    assert_eq!(found(store, levels[1], None).await, None);
    assert_eq!(store.baselines().await.unwrap().len(), 3);
    commit(store, [saved(&baseline(levels[1], 1))]).await;
}

/// Every field, new and replaced.
pub async fn where_a_device_stands_survives(store: &dyn Store) {
    register(store, 2).await;
    assert_eq!(store.configured(DeviceId(1)).await.unwrap(), None);
    commit(store, [stands(&full_row(1)), stands(&row(2))]).await;
    assert_eq!(store.configured(DeviceId(1)).await.unwrap(), Some(full_row(1)));
    assert_eq!(store.configured(DeviceId(2)).await.unwrap(), Some(row(2)));
    commit(store, [stands(&row(1)), stands(&full_row(2))]).await;
    assert_eq!(store.configured(DeviceId(1)).await.unwrap(), Some(row(1)));
    assert_eq!(store.configured(DeviceId(2)).await.unwrap(), Some(full_row(2)));
    refused(store, [stands(&row(9))]).await;
    commit(store, [Change::Configuration(ConfigurationChange::Dropped(DeviceId(1)))]).await;
    commit(store, [Change::Configuration(ConfigurationChange::Dropped(DeviceId(1)))]).await;
    assert_eq!(store.configured(DeviceId(1)).await.unwrap(), None);
}

/// Whoever goes on with it without knowing does not undo it.
pub async fn what_somebody_wants_of_a_configuration_stays(store: &dyn Store) {
    register(store, 1).await;
    let repair = |device| Change::Configuration(ConfigurationChange::Repair(DeviceId(device), at(5)));
    let resume = |device| Change::Configuration(ConfigurationChange::Resume(DeviceId(device), at(6)));
    commit(store, [stands(&row(1)), repair(1), repair(9), resume(9)]).await;
    commit(store, [stands(&full_row(1))]).await;
    let wished = Configured { repair_at: Some(at(5)), ..full_row(1) };
    assert_eq!(store.configured(DeviceId(1)).await.unwrap(), Some(wished.clone()));
    commit(store, [resume(1), stands(&row(1)), stands(&wished)]).await;
    let wished = Configured { resume_at: Some(at(6)), ..wished };
    assert_eq!(store.configured(DeviceId(1)).await.unwrap(), Some(wished));
    assert_eq!(store.configured(DeviceId(9)).await.unwrap(), None);
}

/// By their rows, all of them or those in a state, with counts that follow.
pub async fn configurations_are_listed_and_counted(store: &dyn Store) {
    register(store, 5).await;
    let in_state = |number: i64, state| Configured { state, ..row(number) };
    let (right, flapping) = (ConfiguredState::InLine, ConfiguredState::Flapping);
    commit(store, (1..=4).map(|number| stands(&in_state(number, right)))).await;
    commit(store, [2, 4].map(|number| stands(&in_state(number, flapping)))).await;
    commit(store, [stands(&in_state(4, flapping))]).await;
    let of = async |state, limit| {
        let mut query = ConfigurationQuery { state, page: PageRequest::first(limit) };
        let mut found = Vec::new();
        loop {
            let page = store.configurations(&query).await.unwrap();
            found.extend(page.rows.iter().map(|row| row.device.0));
            query.page.after = page.next;
            if query.page.after.is_none() {
                return found;
            }
        }
    };
    assert_eq!(of(None, 3).await, [1, 2, 3, 4]);
    assert_eq!(of(Some(flapping), 1).await, [2, 4]);
    assert_eq!(of(Some(ConfiguredState::Failed), 1).await, [0; 0]);
    assert_eq!(store.configuration_counts().await.unwrap(), BTreeMap::from([(right, 2), (flapping, 2)]));
    commit(store, [Change::Configuration(ConfigurationChange::Dropped(DeviceId(4)))]).await;
    assert_eq!(store.configuration_counts().await.unwrap(), BTreeMap::from([(right, 2), (flapping, 1)]));
}

/// All that a start needs to know of them.
pub async fn planned_configurations_are_read_part_by_part(store: &dyn Store) {
    register(store, 3).await;
    commit(store, [stands(&row(1)), stands(&full_row(2)), stands(&row(3))]).await;
    let planned = |number, due_at: Timestamp, operation: Option<OperationId>| PlannedConfiguration {
        device: DeviceId(number),
        due_at,
        operation,
    };
    let all = [planned(1, at(1), None), planned(2, at(60), Some(operation_id(8))), planned(3, at(3), None)];
    assert_eq!(store.planned_configurations(None, 2).await.unwrap(), all[..2]);
    assert_eq!(store.planned_configurations(Some(DeviceId(2)), 2).await.unwrap(), all[2..]);
    assert_eq!(store.planned_configurations(Some(DeviceId(3)), 2).await.unwrap(), []);
}

/// Nothing is wanted of one that is removed; what was wanted of it stays with its data.
pub async fn a_removal_ends_a_configuration(store: &dyn Store) {
    register(store, 2).await;
    for number in [1, 2] {
        commit(store, [saved(&baseline(Level::Device(DeviceId(number)), 1)), stands(&row(number))]).await;
        let keep_data = number == 1;
        commit(store, [Change::DeviceRemoved { device: DeviceId(number), at: at(9), keep_data }]).await;
        assert_eq!(store.configured(DeviceId(number)).await.unwrap(), None);
        assert_eq!(found(store, Level::Device(DeviceId(number)), None).await.is_some(), keep_data);
    }
    assert_eq!(store.configuration_counts().await.unwrap(), BTreeMap::new());
}
