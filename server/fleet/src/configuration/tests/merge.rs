//! Levels laid over each other.

use super::*;

fn number(desired: &Desired, at: &str) -> (String, String) {
    let wanted = &desired.lines[&LineKey { path: path(at), attributes: false }];
    (wanted.line.want.shown(), wanted.name.clone())
}

#[test]
fn a_later_level_overrides_an_earlier_one_line_by_line() {
    let fleet = baseline(Level::Fleet, vec![value("/1/0/1", 1), value("/1/0/2", 1), value("/1/0/3", 1)]);
    let class = baseline(Level::Class(ClassId(7)), vec![value("/1/0/2", 2), value("/1/0/3", 2)]);
    let group = baseline(Level::Group(GroupId(1)), vec![value("/1/0/3", 3), value("/1/0/4", 3)]);
    let device = baseline(Level::Device(DeviceId(1)), vec![value("/1/0/4", 4)]);
    // The order in which they are given says nothing.
    let merged = Desired::merge([
        layer(&device, "node-1", 0),
        layer(&fleet, "fleet", 0),
        layer(&group, "cold store", 99),
        layer(&class, "meters", 0),
    ]);
    let is = |at, text: &str, name: &str| assert_eq!(number(&merged, at), (text.to_owned(), name.to_owned()));
    is("/1/0/1", "1", "fleet");
    is("/1/0/2", "2", "meters");
    is("/1/0/3", "3", "cold store");
    is("/1/0/4", "4", "node-1");
    assert_eq!(merged.conflicts, []);
}

#[test]
fn two_groups_that_disagree_are_named_and_the_rank_decides_then_the_name() {
    let [a, b, c] = [1, 2, 3].map(|id| baseline(Level::Group(GroupId(id)), vec![value("/1/0/1", id)]));
    let key = LineKey { path: path("/1/0/1"), attributes: false };
    let merged = Desired::merge([layer(&a, "a", 5), layer(&b, "b", 9)]);
    assert_eq!(number(&merged, "/1/0/1").1, "b");
    assert_eq!(merged.conflicts, [Conflict { key, won: "b".into(), lost: "a".into() }]);
    for order in [[&a, &b, &c], [&c, &b, &a], [&b, &c, &a]] {
        let named = |baseline: &Baseline| ["a", "b", "c"][usize::try_from(baseline.level.row() - 1).unwrap()];
        let merged = Desired::merge(order.map(|baseline| layer(baseline, named(baseline), 5)));
        assert_eq!(number(&merged, "/1/0/1").1, "a");
        assert_eq!(merged.conflicts.len(), 2);
    }
    let same = baseline(Level::Group(GroupId(4)), vec![value("/1/0/1", 1)]);
    assert_eq!(Desired::merge([layer(&a, "a", 5), layer(&same, "d", 5)]).conflicts, []);
}

#[test]
fn the_generation_grows_only_when_something_else_is_desired() {
    let fleet = baseline(Level::Fleet, vec![value("/1/0/1", 1)]);
    let group = baseline(Level::Group(GroupId(1)), vec![value("/1/0/1", 1)]);
    let row = Configured::new(DeviceId(1), crate::PublicId::from_random([1; 16]), Timestamp(0));
    let first = row.aimed(&Desired::merge([layer(&fleet, "fleet", 0)]), Timestamp(1)).unwrap();
    assert_eq!((first.generation, first.lines.len()), (1, 1));
    // Somebody else wants the same.
    assert_eq!(first.aimed(&Desired::merge([layer(&group, "a", 0)]), Timestamp(2)), None);
    let other = baseline(Level::Group(GroupId(1)), vec![value("/1/0/1", 2)]);
    let merged = Desired::merge([layer(&fleet, "fleet", 0), layer(&other, "a", 0)]);
    assert_eq!(first.aimed(&merged, Timestamp(2)).unwrap().generation, 2);
}

#[test]
fn a_draft_says_what_is_wrong_with_it() {
    let of = |lines| Draft { lines, ..Draft::default() }.check();
    assert_eq!(of(vec![value("/1/0/1", 1), value("/1/0/2", 1)]), Ok(()));
    assert!(matches!(of(vec![value("/1/0/1", 1), value("/1/0/1", 2)]), Err(BaselineError::Twice { .. })));
    assert!(matches!(of(vec![value("/1/0/1", 1), value("/1/0/1/0", 2)]), Err(BaselineError::Within { .. })));
    assert!(matches!(of(vec![value("/1/0", 1)]), Err(BaselineError::NoResource { .. })));
    assert!(matches!(of(vec![value("/0/0/1", 1)]), Err(BaselineError::Bootstrap { .. })));
    for path in ["/5/0/0", "/5/0/1", "/9/3/2", "/9/3/3"] {
        assert!(matches!(of(vec![value(path, 1)]), Err(BaselineError::Package { .. })), "{path}");
    }
    assert!(of(vec![value("/5/0/3", 1)]).is_ok());
    let many = (0..=64).map(|id| value(&format!("/9/0/{id}"), 1)).collect();
    assert!(matches!(of(many), Err(BaselineError::Lines { count: 65 })));
    let long = Line { path: path("/9/0/1"), want: Want::Value(Value::Opaque(vec![0; 4_097])) };
    assert!(matches!(of(vec![long]), Err(BaselineError::TooLong { .. })));
    let check_every = std::time::Duration::from_secs(59);
    assert_eq!(Draft { check_every, ..Draft::default() }.check(), Err(BaselineError::CheckEvery));
}
