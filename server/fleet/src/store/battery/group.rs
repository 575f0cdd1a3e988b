//! Groups, who is in them, and labels.

use super::fixture::*;
use crate::{
    Change, Class, ClassId, ClassRule, DeviceId, DeviceState, EndReason, Group, GroupChange, GroupId, Labels,
    Store,
    store::{Candidate, DeviceOrder, DeviceQuery, PageRequest},
};

fn group(number: i64, rank: i32) -> Group {
    Group {
        id: GroupId(number),
        public_id: public_id(0x6_0000 + number),
        name: format!("'group' {number}\0ü"),
        rule: "class == \"default\"".into(),
        rank,
        description: "what \\it\\ is for".into(),
        created_by: "Zoë".into(),
        created_at: at(number),
    }
}

fn saves(group: &Group) -> Change {
    Change::Group(GroupChange::Saved(Box::new(group.clone())))
}

fn members(group: i64, joined: &[i64], left: &[i64]) -> Change {
    let devices = |numbers: &[i64]| numbers.iter().copied().map(DeviceId).collect();
    let group = GroupId(group);
    Change::Group(GroupChange::Members { group, joined: devices(joined), left: devices(left) })
}

fn removes(number: i64) -> Change {
    Change::DeviceRemoved { device: DeviceId(number), at: at(50), keep_data: false }
}

fn labels(text: &str) -> Labels {
    text.parse().unwrap()
}

fn labelled(number: i64, text: &str) -> Change {
    Change::Group(GroupChange::Labelled { device: DeviceId(number), labels: labels(text) })
}

/// The devices of a group, page by page, which are as many as are counted.
async fn who(store: &dyn Store, number: i64) -> Vec<i64> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.members(GroupId(number), after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(*last);
        found.extend(page.iter().map(|device| device.0));
    }
    assert_eq!(store.member_count(GroupId(number)).await.unwrap(), u64::try_from(found.len()).unwrap());
    found
}

/// In the order of their ranks, then of their names.
pub async fn a_group_is_kept_changed_and_removed(store: &dyn Store) {
    assert_eq!(store.groups().await.unwrap(), []);
    commit(store, [saves(&group(1, 0)), saves(&group(3, 7)), saves(&group(2, 0))]).await;
    assert_eq!(store.groups().await.unwrap(), [group(3, 7), group(1, 0), group(2, 0)]);
    register(store, 1).await;
    commit(store, [members(1, &[1], &[])]).await;
    let changed = Group { rule: "true".into(), name: "other".into(), ..group(1, -2) };
    commit(store, [saves(&changed)]).await;
    assert_eq!(store.groups().await.unwrap(), [group(3, 7), group(2, 0), changed]);
    assert_eq!(who(store, 1).await, [1], "who is in it is another matter");
    commit(store, [Change::Group(GroupChange::Removed(GroupId(1)))]).await;
    assert_eq!(store.groups().await.unwrap(), [group(3, 7), group(2, 0)]);
    assert_eq!(who(store, 1).await, [] as [i64; 0]);
    assert!(store.groups_of(DeviceId(1)).await.unwrap().is_empty());
}

/// Also among those of one commit.
pub async fn a_group_is_unique_by_its_ids_and_name(store: &dyn Store) {
    commit(store, [saves(&group(1, 0))]).await;
    refused(store, [saves(&Group { name: group(1, 0).name, ..group(2, 0) })]).await;
    refused(store, [saves(&Group { public_id: group(1, 0).public_id, ..group(2, 0) })]).await;
    refused(store, [saves(&group(2, 0)), saves(&Group { name: group(2, 0).name, ..group(3, 0) })]).await;
    assert_eq!(store.groups().await.unwrap(), [group(1, 0)]);
}

/// Twice is as good as once.
pub async fn members_join_and_leave_and_are_counted(store: &dyn Store) {
    register(store, 6).await;
    commit(store, [saves(&group(1, 0)), saves(&group(2, 0)), members(1, &[1, 2, 3, 5], &[])]).await;
    commit(store, [members(1, &[3, 6], &[2, 4]), members(2, &[3], &[])]).await;
    commit(store, [members(1, &[6], &[2])]).await;
    assert_eq!((who(store, 1).await, who(store, 2).await), (vec![1, 3, 5, 6], vec![3]));
    let of = store.groups_of(DeviceId(3)).await.unwrap();
    assert_eq!(of.into_iter().collect::<Vec<_>>(), [GroupId(1), GroupId(2)]);
    commit(store, [members(1, &[], &[1, 3, 5, 6])]).await;
    assert_eq!(who(store, 1).await, [] as [i64; 0]);
}

/// And harms no one else of the commit.
pub async fn who_is_not_there_joins_nothing(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [saves(&group(1, 0)), removes(2), members(1, &[1, 2, 9], &[8]), members(7, &[1], &[1])])
        .await;
    assert_eq!((who(store, 1).await, who(store, 7).await), (vec![1], vec![]));
}

/// Its labels go with what it left, or stay with it.
pub async fn a_removed_device_leaves_its_groups(store: &dyn Store) {
    register(store, 3).await;
    commit(store, [saves(&group(1, 0)), members(1, &[1, 2, 3], &[]), labelled(1, "a"), labelled(2, "a")])
        .await;
    let keeping = Change::DeviceRemoved { device: DeviceId(1), at: at(5), keep_data: true };
    commit(store, [keeping, removes(2)]).await;
    assert_eq!(who(store, 1).await, [3]);
    assert_eq!(store.labels(DeviceId(1)).await.unwrap(), labels("a"));
    assert_eq!(store.labels(DeviceId(2)).await.unwrap(), Labels::default());
}

/// All of them at one time.
pub async fn labels_are_kept_and_replaced(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [labelled(1, "site=zürich spare"), labelled(2, "site=a/b")]).await;
    assert_eq!(store.labels(DeviceId(1)).await.unwrap(), labels("spare site=zürich"));
    commit(store, [labelled(1, "site=bern")]).await;
    assert_eq!(store.labels(DeviceId(1)).await.unwrap(), labels("site=bern"));
    commit(store, [labelled(1, "")]).await;
    assert!(store.labels(DeviceId(1)).await.unwrap().is_empty());
    assert_eq!(store.labels(DeviceId(2)).await.unwrap(), labels("site=a/b"));
    refused(store, [labelled(9, "site=bern")]).await;
    commit(store, [labelled(1, "spare site=bern")]).await;
    let of = |numbers: &[i64]| numbers.iter().map(|number| DeviceId(*number)).collect::<Vec<_>>();
    let found = store.labels_of(&of(&[9, 2, 1])).await.unwrap();
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [(DeviceId(1), labels("site=bern spare")), (DeviceId(2), labels("site=a/b"))]
    );
    commit(store, [labelled(1, "")]).await;
    assert!(store.labels_of(&of(&[1])).await.unwrap().is_empty());
    assert!(store.labels_of(&[]).await.unwrap().is_empty());
}

/// Those that are not removed, as far as they are counted.
pub async fn the_devices_of_a_class_are_counted(store: &dyn Store) {
    register(store, 4).await;
    let size = async |class, at_most| store.class_size(ClassId(class), at_most).await.unwrap();
    assert_eq!((size(1, 9).await, size(1, 2).await, size(7, 9).await), (4, 2, 0));
    commit(store, [removes(2)]).await;
    assert_eq!(size(1, 9).await, 3);
}

/// As they are shown one by one, with the values that were asked for.
pub async fn candidates_are_what_rules_are_asked_about(store: &dyn Store) {
    register(store, 4).await;
    commit(store, [Change::DeviceAdded(named(5, "never-heard"))]).await;
    commit(store, [saves(&group(1, 0)), members(1, &[1, 5], &[]), labelled(5, "spare"), removes(3)]).await;
    commit(
        store,
        [report(1, at(9), vec![reading("/3/0/9", 50), reading("/3/0/6/1", 2), reading("/3/0/13", 1)])],
    )
    .await;
    let contested = GroupChange::Contested { device: DeviceId(2), classes: vec![ClassId(3), ClassId(2)] };
    commit(store, [adds_class(2), adds_class(3), Change::Group(contested)]).await;
    let asked: Vec<DeviceId> = [5, 9, 3, 1, 2].map(DeviceId).into();
    let paths = [path("/3/0/6/1"), path("/3/0/9"), path("/3/0/6")];
    let found = store.candidates(&asked, &paths).await.unwrap();
    let mut expected = Vec::new();
    for number in [1, 2, 5] {
        let values = store.latest(DeviceId(number), objects::Path::Root).await.unwrap();
        expected.push(Candidate {
            view: view(store, number).await,
            labels: store.labels(DeviceId(number)).await.unwrap(),
            values: values.into_iter().filter(|stored| paths.contains(&stored.reading.path)).collect(),
            groups: store.groups_of(DeviceId(number)).await.unwrap(),
            contested: if number == 2 { [ClassId(2), ClassId(3)].into() } else { [].into() },
        });
    }
    assert_eq!(found, expected);
    assert_eq!(found[0].values.len(), 2);
    let query = DeviceQuery::all(PageRequest::first(9));
    assert_eq!(store.devices(&query).await.unwrap().rows.len(), 4);
    let after = |after: Option<i64>, limit| store.devices_after(after.map(DeviceId), limit);
    assert_eq!(after(None, 9).await.unwrap(), [1, 2, 4, 5].map(DeviceId));
    assert_eq!(after(Some(2), 1).await.unwrap(), [DeviceId(4)]);
    assert_eq!(after(Some(5), 9).await.unwrap(), []);
}

/// Until it is taken back.
pub async fn a_class_keeps_its_rule(store: &dyn Store) {
    assert_eq!(store.class_rules().await.unwrap(), []);
    commit(store, [adds_class(2), adds_class(3)]).await;
    let rule = ClassRule {
        manufacturer: Some("Zähler & 'Söhne'\0".into()),
        model: Some("x\\1".into()),
        objects: [3, 65_535].map(objects::ObjectId).into(),
        labels: labels("site=zürich spare"),
    };
    let ruled = |class, rule: &ClassRule| {
        Change::Group(GroupChange::ClassRule { class: ClassId(class), rule: rule.clone() })
    };
    let other = ClassRule { model: Some("y".into()), ..ClassRule::default() };
    commit(store, [ruled(3, &rule), ruled(2, &other)]).await;
    assert_eq!(store.class_rules().await.unwrap(), [(ClassId(2), other.clone()), (ClassId(3), rule.clone())]);
    commit(store, [ruled(2, &rule), ruled(3, &ClassRule::default())]).await;
    assert_eq!(store.class_rules().await.unwrap(), [(ClassId(2), rule.clone())]);
    refused(store, [ruled(9, &rule)]).await;
}

/// Or it is removed.
pub async fn a_device_is_contested_until_it_has_a_class(store: &dyn Store) {
    register(store, 4).await;
    commit(store, [adds_class(2), adds_class(3)]).await;
    let contested = |device, classes: &[i64]| {
        let classes = classes.iter().copied().map(ClassId).collect();
        Change::Group(GroupChange::Contested { device: DeviceId(device), classes })
    };
    commit(
        store,
        [contested(1, &[2, 3]), contested(2, &[3, 2]), contested(3, &[2, 3]), contested(4, &[2, 3])],
    )
    .await;
    let of = |class, limit| store.contested(ClassId(class), limit);
    assert_eq!(of(2, 9).await.unwrap(), [1, 2, 3, 4].map(DeviceId));
    assert_eq!(of(3, 2).await.unwrap(), [1, 2].map(DeviceId));
    let classified = Change::DeviceClassified { device: DeviceId(1), class: ClassId(3) };
    commit(store, [classified, contested(2, &[]), removes(3), contested(3, &[2])]).await;
    assert_eq!((of(2, 9).await.unwrap(), of(3, 9).await.unwrap()), (vec![DeviceId(4)], vec![DeviceId(4)]));
}

fn adds_class(number: i64) -> Change {
    let (id, name) = (ClassId(number), format!("class {number}"));
    Change::ClassAdded(Class { id, name, policy: Default::default(), retention: Default::default() })
}

/// In either order, together with all other filters, page by page.
pub async fn devices_are_filtered_by_label_and_group(store: &dyn Store) {
    register(store, 12).await;
    let label = |number: i64| {
        let parity = if number % 2 == 0 { "even" } else { "odd" };
        let third = if number % 3 == 0 { "third" } else { "" };
        labelled(number, &format!("parity={parity} {third}"))
    };
    commit(store, (1..=12).map(label)).await;
    commit(store, [saves(&group(1, 0)), members(1, &[2, 3, 5, 7, 11], &[]), adds_class(2)]).await;
    let classified = |number| Change::DeviceClassified { device: DeviceId(number), class: ClassId(2) };
    commit(store, [3, 4, 5, 6].map(classified)).await;
    let gone = [6, 7].map(|number| Change::RegistrationEnded {
        device: DeviceId(number),
        at: at(60),
        reason: EndReason::Expired,
    });
    commit(store, gone).await;
    commit(store, [Change::DeviceRemoved { device: DeviceId(12), at: at(70), keep_data: true }]).await;
    let is_prime = |number: i64| [2, 3, 5, 7, 11].contains(&number);
    for order in [DeviceOrder::Endpoint, DeviceOrder::LastSeen] {
        for named in [None, Some("parity"), Some("parity=odd"), Some("third"), Some("third=no")] {
            for in_group in [None, Some(GroupId(1)), Some(GroupId(9))] {
                for (class, state) in [(None, None), (Some(2), None), (None, Some(DeviceState::Expired))] {
                    let query = DeviceQuery {
                        label: named.map(|text| text.parse().unwrap()),
                        group: in_group,
                        class: class.map(ClassId),
                        state,
                        order,
                        ..DeviceQuery::all(PageRequest::first(2))
                    };
                    let rows = all_pages(2, |page| {
                        let query = DeviceQuery { page, ..query.clone() };
                        async move { store.devices(&query).await }
                    });
                    let mut found: Vec<i64> = rows.await.iter().map(|row| row.device.id.0).collect();
                    if order == DeviceOrder::LastSeen {
                        found.sort_unstable();
                    }
                    let expected = (1..12).filter(|number| {
                        (match named {
                            Some("parity=odd") => number % 2 == 1,
                            Some("third") => number % 3 == 0,
                            Some("third=no") => false,
                            _ => true,
                        }) && in_group.is_none_or(|group| group == GroupId(1) && is_prime(*number))
                            && class.is_none_or(|_| (3..=6).contains(number))
                            && state.is_none_or(|_| [6, 7].contains(number))
                    });
                    assert_eq!(found, expected.collect::<Vec<_>>(), "{query:?}");
                }
            }
        }
    }
    let third = DeviceQuery {
        label: Some("third".parse().unwrap()),
        state: Some(DeviceState::Removed),
        prefix: Some("node-0".into()),
        ..DeviceQuery::all(PageRequest::first(9))
    };
    assert_eq!(store.devices(&third).await.unwrap().rows.len(), 1);
}
