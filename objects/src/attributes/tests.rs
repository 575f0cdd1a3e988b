use proptest::prelude::*;

use super::*;

fn parse(queries: &[&str]) -> Result<(Attributes, Vec<Attribute>), AttributeError> {
    Attributes::parse_queries(queries.iter().copied())
}

fn set(queries: &[&str]) -> Attributes {
    parse(queries).unwrap().0
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

#[test]
fn a_value_sets_and_a_bare_name_unsets() {
    let (set, unset) = parse(&["pmin=10", "pmax", "gt=21.5", "st", "con=1", "hqmax=3"]).unwrap();
    let expected = Attributes {
        pmin: Some(10),
        gt: Some(21.5),
        con: Some(true),
        hqmax: Some(3),
        ..Attributes::default()
    };
    assert_eq!(set, expected);
    assert_eq!(unset, [Attribute::Pmax, Attribute::St]);
    assert_eq!(set.to_queries(), ["pmin=10", "gt=21.5", "con=1", "hqmax=3"]);
}

#[test]
fn what_is_no_attribute_says_why() {
    assert_eq!(parse(&["depth=1"]), Err(AttributeError::Unknown { name: "depth".into() }));
    assert_eq!(parse(&["PMIN=1"]), Err(AttributeError::Unknown { name: "PMIN".into() }));
    assert_eq!(parse(&["pmin=1", "pmin"]), Err(AttributeError::Repeated { attribute: Attribute::Pmin }));
    for bad in [
        "pmin=",
        "pmin=-1",
        "pmin=+1",
        "pmin=1.5",
        "pmin=4294967296",
        "gt=NaN",
        "gt=inf",
        "gt=",
        "gt=1e999",
        "con=2",
        "edge=true",
        "hqmax=x",
    ] {
        assert!(matches!(parse(&[bad]), Err(AttributeError::Value { .. })), "{bad}");
    }
    assert_eq!(parse(&["edge=2"]).unwrap_err().to_string(), "`edge` is 1 for rising or 0 for falling");
}

#[test]
fn a_wrong_value_leaves_what_stood_there() {
    let mut attributes = set(&["pmin=10"]);
    assert!(attributes.set(Attribute::Pmin, "soon").is_err());
    assert_eq!(attributes.pmin, Some(10));
    attributes.unset(Attribute::Pmin);
    assert!(attributes.is_empty());
}

#[test]
fn sets_that_contradict_themselves_are_refused() {
    for good in [
        &["pmin=10", "pmax=10"][..],
        &["epmin=1", "epmax=2"],
        &["lt=10", "gt=20", "st=4.9"],
        &["lt=10", "gt=10.5"],
        &["lt=30", "st=5"],
        &["st=0"],
        &[],
    ] {
        assert_eq!(set(good).check(), Ok(()), "{good:?}");
    }
    assert_eq!(set(&["pmin=11", "pmax=10"]).check(), Err(AttributeError::Period { pmin: 11, pmax: 10 }));
    assert_eq!(
        set(&["epmin=2", "epmax=2"]).check(),
        Err(AttributeError::EvaluationPeriod { epmin: 2, epmax: 2 })
    );
    for bad in [
        &["lt=20", "gt=10"][..],
        &["lt=10", "gt=10"],
        &["lt=10", "gt=20", "st=5"],
        &["lt=10", "gt=20", "st=6"],
    ] {
        assert!(matches!(set(bad).check(), Err(AttributeError::Thresholds { .. })), "{bad:?}");
    }
    assert_eq!(set(&["st=-1"]).check(), Err(AttributeError::NegativeStep { st: -1.0 }));
}

#[test]
fn a_lower_level_wins_and_inherits_the_rest() {
    let object = set(&["pmin=10", "pmax=100"]);
    let resource = set(&["pmin=5", "gt=1"]);
    assert_eq!(resource.merged_over(&object), set(&["pmin=5", "pmax=100", "gt=1"]));
}

#[test]
fn levels_and_versions_decide_what_applies() {
    let levels = ["/", "/3", "/3/0", "/3/0/7", "/3/0/7/1"];
    let row = |attribute: Attribute, lwm2m| levels.map(|level| attribute.applies_to(&path(level), lwm2m));
    for attribute in [Attribute::Pmin, Attribute::Pmax] {
        assert_eq!(row(attribute, Version::V1_0), [false, true, true, true, false]);
        assert_eq!(row(attribute, Version::V1_1), [false, true, true, true, true]);
    }
    for attribute in [Attribute::Gt, Attribute::Lt, Attribute::St] {
        assert_eq!(row(attribute, Version::V1_0), [false, false, false, true, false]);
        assert_eq!(row(attribute, Version::V1_1), [false, false, false, true, true]);
    }
    for attribute in [Attribute::Epmin, Attribute::Epmax] {
        assert_eq!(row(attribute, Version::V1_0), [false; 5]);
        assert_eq!(row(attribute, Version::V1_1), [false, true, true, true, true]);
    }
    for attribute in [Attribute::Edge, Attribute::Con, Attribute::Hqmax] {
        assert_eq!(row(attribute, Version::V1_1), [false; 5]);
    }
    assert_eq!(row(Attribute::Edge, Version::V1_2), [false, false, false, true, true]);
    assert_eq!(row(Attribute::Con, Version::V1_2), [false, true, true, true, true]);
}

#[test]
fn thresholds_fit_numbers_and_edges_fit_booleans() {
    assert!(Attribute::Gt.fits(DataType::Float) && !Attribute::Gt.fits(DataType::String));
    assert!(Attribute::Edge.fits(DataType::Boolean) && !Attribute::Edge.fits(DataType::Integer));
    assert!(DataType::ALL.into_iter().all(|data_type| Attribute::Pmin.fits(data_type)));
}

prop_compose! {
    fn attributes()(
        [pmin, pmax, epmin, epmax, hqmax] in prop::array::uniform5(prop::option::of(any::<u32>())),
        [gt, lt, st] in prop::array::uniform3(prop::option::of(any::<f64>().prop_filter("finite", |n| n.is_finite()))),
        [edge, con] in prop::array::uniform2(prop::option::of(any::<bool>())),
    ) -> Attributes {
        Attributes { pmin, pmax, epmin, epmax, gt, lt, st, edge, con, hqmax }
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(attributes in attributes()) {
        let queries = attributes.to_queries();
        prop_assert!(queries.iter().all(|query| query.len() <= 255));
        prop_assert_eq!(Attributes::parse_queries(queries.iter().map(String::as_str)), Ok((attributes, Vec::new())));
        let names: Vec<_> = attributes.names().collect();
        prop_assert_eq!(names.len(), queries.len());
    }

    #[test]
    fn merging_is_associative_and_empty_changes_nothing(a in attributes(), b in attributes(), c in attributes()) {
        prop_assert_eq!(a.merged_over(&b).merged_over(&c), a.merged_over(&b.merged_over(&c)));
        prop_assert_eq!(a.merged_over(&Attributes::default()), a);
        prop_assert_eq!(Attributes::default().merged_over(&a), a);
    }

    #[test]
    fn a_set_that_passes_keeps_passing_with_less(attributes in attributes(), index in 0..Attribute::ALL.len()) {
        // Without `st`, `lt` and `gt` only come closer to what is allowed.
        let mut less = attributes;
        less.unset(Attribute::ALL[index]);
        prop_assert!(attributes.check().is_err() || less.check().is_ok());
    }

    #[test]
    fn any_text_has_an_answer(queries in prop::collection::vec(".{0,12}", 0..6)) {
        let _ = Attributes::parse_queries(queries.iter().map(String::as_str));
    }
}
