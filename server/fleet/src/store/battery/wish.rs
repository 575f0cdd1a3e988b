//! Wishes of classes, and what came of them.

use std::collections::BTreeSet;

use objects::{Attributes, Version};

use super::fixture::*;
use crate::{
    Change, Class, ClassId, ClassPolicy, DeviceId, Paths, RegistrationId, Retention, Store, Target,
    wish::{Kept, NoComposites, Owned, Trouble, WishChange, Wishes, Written},
};

fn wishes(text: &str) -> Wishes {
    Wishes::parse(text).unwrap()
}

fn class(number: i64) -> Change {
    let (name, policy) = (format!("class {number}"), ClassPolicy::default());
    Change::ClassAdded(Class { id: ClassId(number), name, policy, retention: Retention::default() })
}

fn saved(class: i64, text: &str) -> Change {
    Change::Wish(WishChange::Saved { class: ClassId(class), wishes: wishes(text) })
}

fn asked(number: i64, target: &Target) -> Change {
    Change::Wish(WishChange::Asked { device: DeviceId(number), target: target.clone() })
}

fn several() -> Target {
    ["/3/0/9", "/3/0/13"].map(path).into_iter().collect::<Paths>().into()
}

fn one() -> Target {
    path("/3/0/9").into()
}

fn trouble() -> Trouble {
    Trouble { times: 3, at: at(7), reason: "4.05 „nein“".into() }
}

/// Nothing is wished by a class whose last line went.
pub async fn what_classes_wish_is_kept_and_replaced(store: &dyn Store) {
    assert_eq!(store.wishes().await.unwrap(), []);
    commit(store, [class(2), saved(2, "/3/0/9"), saved(1, "/3303/*/5700 pmin=10 gt=25.5\n/6/0 con=1")]).await;
    let expected =
        [(ClassId(1), wishes("/3303/*/5700 pmin=10 gt=25.5\n/6/0 con=1")), (ClassId(2), wishes("/3/0/9"))];
    assert_eq!(store.wishes().await.unwrap(), expected);
    commit(store, [saved(1, "/3/0/13"), saved(2, "")]).await;
    assert_eq!(store.wishes().await.unwrap(), [(ClassId(1), wishes("/3/0/13"))]);
    refused(store, [saved(9, "/3/0/13")]).await;
}

/// Attributes with where they were taken, observations of one path and of several, and why either came to nothing.
pub async fn every_answer_to_a_wish_survives(store: &dyn Store) {
    register(store, 2).await;
    let device = DeviceId(1);
    let attributes = Attributes { pmin: Some(10), gt: Some(25.5), con: Some(true), ..Attributes::default() };
    let registration = Some(RegistrationId(u64::MAX - 1));
    let written = Written { attributes, registration, trouble: None };
    let refused = Written { trouble: Some(trouble()), ..Written::default() };
    let wrote = |path, written| Change::Wish(WishChange::Wrote { device, path, written });
    let answered = |target, owned| Change::Wish(WishChange::Answered { device, target, owned });
    let (lives, failed) =
        (Owned { registration, trouble: None }, Owned { registration: None, trouble: Some(trouble()) });
    commit(store, [wrote(path("/3/0/9"), Some(written.clone())), wrote(path("/6"), Some(refused.clone()))])
        .await;
    commit(store, [asked(1, &one()), asked(1, &several()), asked(2, &one())]).await;
    commit(store, [answered(one(), lives.clone()), answered(several(), failed.clone())]).await;
    let expected = Kept {
        written: [(path("/3/0/9"), written), (path("/6"), refused)].into(),
        owned: [(one(), lives), (several(), failed)].into(),
    };
    assert_eq!(store.kept_wishes(device).await.unwrap(), expected);
    let other = store.kept_wishes(DeviceId(2)).await.unwrap();
    assert_eq!(other, Kept { owned: [(one(), Owned::default())].into(), ..Kept::default() });

    commit(store, [wrote(path("/6"), None), wrote(path("/7"), None)]).await;
    let kept = store.kept_wishes(device).await.unwrap();
    assert_eq!(kept.written.keys().copied().collect::<Vec<_>>(), [path("/3/0/9")]);
    let nobody =
        WishChange::Wrote { device: DeviceId(9), path: path("/6"), written: Some(Written::default()) };
    super::fixture::refused(store, [Change::Wish(nobody)]).await;
}

/// Asked for again it stays as it was; what was let go is not answered.
pub async fn an_observation_by_wish_is_one_until_it_is_let_go(store: &dyn Store) {
    register(store, 1).await;
    let device = DeviceId(1);
    let owned = Owned { registration: Some(RegistrationId(7)), trouble: None };
    let answered = Change::Wish(WishChange::Answered { device, target: one(), owned: owned.clone() });
    let let_go = |target| Change::Wish(WishChange::LetGo { device, target });
    commit(store, [answered.clone()]).await;
    assert_eq!(store.kept_wishes(device).await.unwrap(), Kept::default(), "nobody has asked");
    commit(store, [asked(1, &one()), answered.clone(), asked(1, &one()), let_go(several())]).await;
    assert_eq!(store.kept_wishes(device).await.unwrap().owned, [(one(), owned)].into());
    commit(store, [let_go(one()), answered]).await;
    assert_eq!(store.kept_wishes(device).await.unwrap(), Kept::default());
    refused(store, [asked(9, &one())]).await;
}

/// By class, and because something is kept of them: page by page.
pub async fn who_is_wished_of_is_listed(store: &dyn Store) {
    register(store, 5).await;
    let classified = |number| Change::DeviceClassified { device: DeviceId(number), class: ClassId(2) };
    let removed = Change::DeviceRemoved { device: DeviceId(4), at: at(9), keep_data: true };
    commit(store, [class(2), classified(2), classified(4), classified(5), asked(3, &one()), removed]).await;
    let two = BTreeSet::from([ClassId(2)]);
    let listed = async |classes: &BTreeSet<ClassId>, after: Option<i64>, limit| {
        let devices = store.wished_of(classes, after.map(DeviceId), limit).await.unwrap();
        devices.into_iter().map(|device| device.0).collect::<Vec<_>>()
    };
    assert_eq!(listed(&two, None, 10).await, [2, 3, 5]);
    assert_eq!(listed(&two, None, 2).await, [2, 3]);
    assert_eq!(listed(&two, Some(3), 2).await, [5]);
    assert_eq!(listed(&BTreeSet::new(), None, 10).await, [3]);
}

/// Until it answers one.
pub async fn who_answers_no_composite_is_remembered(store: &dyn Store) {
    register(store, 2).await;
    let note =
        |number, unanswered| Change::Wish(WishChange::Composites { device: DeviceId(number), unanswered });
    let known = NoComposites { at: at(5), lwm2m: Version::V1_1, reason: "4.05 „nein“".into() };
    commit(store, [note(1, Some(known.clone())), note(2, None)]).await;
    assert_eq!(store.no_composites(DeviceId(1)).await.unwrap(), Some(known.clone()));
    assert_eq!(store.no_composites(DeviceId(2)).await.unwrap(), None);
    let later = NoComposites { at: at(6), ..known };
    commit(store, [note(1, Some(later.clone()))]).await;
    assert_eq!(store.no_composites(DeviceId(1)).await.unwrap(), Some(later.clone()));
    commit(store, [note(1, None)]).await;
    assert_eq!(store.no_composites(DeviceId(1)).await.unwrap(), None);
    refused(store, [note(9, Some(later))]).await;
}

/// All of it.
pub async fn what_a_removed_device_was_asked_goes_with_its_data(store: &dyn Store) {
    register(store, 2).await;
    let device = DeviceId(1);
    let known = NoComposites { at: at(5), lwm2m: Version::V1_1, reason: String::new() };
    let noted = Change::Wish(WishChange::Composites { device, unanswered: Some(known) });
    let removed = Change::DeviceRemoved { device, at: at(9), keep_data: false };
    commit(store, [asked(1, &one()), asked(2, &one()), noted, removed]).await;
    assert_eq!(store.kept_wishes(device).await.unwrap(), Kept::default());
    assert_eq!(store.no_composites(device).await.unwrap(), None);
    assert_ne!(store.kept_wishes(DeviceId(2)).await.unwrap(), Kept::default());
}
