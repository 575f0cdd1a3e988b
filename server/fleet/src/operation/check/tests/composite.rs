//! Operations on several nodes at once.

use super::*;
use crate::Paths;

fn paths(texts: &[&str]) -> Paths {
    texts.iter().map(|text| path(text)).collect()
}

fn read_composite(texts: &[&str]) -> Operation {
    Operation::ReadComposite { paths: paths(texts), format: None }
}

fn write_composite(values: &[(&str, Value)]) -> Operation {
    let values = values.iter().map(|(text, value)| (path(text), value.clone())).collect();
    Operation::WriteComposite { values, format: None }
}

fn refused(operation: Operation) -> String {
    check(V1_1, operation).unwrap_err().to_string()
}

#[test]
fn composite_operations_came_with_lwm2m_1_1() {
    let paths = paths(&["/3/0/9"]);
    for operation in [
        read_composite(&["/3/0/9"]),
        write_composite(&[("/1/0/1", Value::Integer(60))]),
        Operation::ObserveComposite { paths: paths.clone(), format: None },
        Operation::CancelCompositeObservation { paths, mode: CancelMode::Active },
    ] {
        assert_eq!(check(V1_1, operation.clone()), Ok(()), "{operation:?}");
        assert!(matches!(check(V1_0, operation), Err(BadOperation::TooNew { .. })));
    }
}

#[test]
fn paths_of_one_operation_stand_apart() {
    assert_eq!(check(V1_1, read_composite(&["/3/0/9", "/3/0/13", "/1"])), Ok(()));
    assert_eq!(check(V1_1, read_composite(&["/"])), Ok(()));
    let inside = refused(read_composite(&["/3/0", "/3/0/9"]));
    assert_eq!(inside, "/3/0/9 lies within /3/0, which is asked for, too");
    assert_eq!(refused(read_composite(&["/3", "/"])), "/3 lies within /, which is asked for, too");
    assert!(refused(read_composite(&["/3/0/9", "/3/0/9"])).starts_with("/3/0/9 lies within /3/0/9"));
    assert_eq!(refused(read_composite(&[])), "no path is given");
    let many: Vec<String> = (0..=Paths::MAX).map(|id| format!("/30000/{id}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(refused(read_composite(&many)), "65 paths are too many: at most 64");
    assert_eq!(check(V1_1, read_composite(&many[1..])), Ok(()));
}

#[test]
fn what_a_device_has_not_may_be_asked_for_and_not_written() {
    assert_eq!(check(V1_1, read_composite(&["/3/0/9", "/4/0/2", "/3/5"])), Ok(()));
    let value = || Value::Integer(1);
    assert_eq!(
        refused(write_composite(&[("/30000/0/1", value()), ("/4/0/2", value())])),
        "the device has no /4"
    );
}

#[test]
fn the_model_holds_for_each_path() {
    let not_read = refused(read_composite(&["/3/0/9", "/3/0/4"]));
    assert_eq!(not_read, "/3/0/4 (Reboot) is only executed, it can't be read");
    let text = || Value::String("x".into());
    let not_written =
        refused(write_composite(&[("/1/0/1", Value::Integer(1)), ("/3/0/9", Value::Integer(1))]));
    assert_eq!(not_written, "/3/0/9 (Battery Level) is only read, it can't be written");
    assert!(matches!(check(V1_1, write_composite(&[("/1/0/1", text())])), Err(BadOperation::Type { .. })));
    assert!(matches!(check(V1_1, write_composite(&[("/1/0", text())])), Err(BadOperation::Level { .. })));
    // The zones have instances, the lifetime has none.
    assert_eq!(check(V1_1, write_composite(&[("/3/0/14/1", text()), ("/1/0/1", Value::Integer(3))])), Ok(()));
    for (one, value) in [("/3/0/14", text()), ("/1/0/1/0", Value::Integer(3))] {
        let refused = check(V1_1, write_composite(&[(one, value)]));
        assert!(matches!(refused, Err(BadOperation::NotMultiple { .. })), "{one}: {refused:?}");
    }
}

#[test]
fn only_formats_that_name_each_value_carry_it() {
    let asked = |format| {
        let paths = paths(&["/3/0/9"]);
        check(V1_1, Operation::ReadComposite { paths, format: Some(format) })
    };
    assert_eq!(asked(ContentFormat::SENML_JSON), Ok(()));
    assert_eq!(asked(ContentFormat::SENML_CBOR), Ok(()));
    for format in [ContentFormat::TLV, ContentFormat::TEXT, ContentFormat::CBOR] {
        assert!(matches!(asked(format), Err(BadOperation::Format { .. })), "{format}");
    }
}
