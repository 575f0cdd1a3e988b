//! Baselines as people write them.

use objects::{Models, Registry};

use super::*;

fn read(text: &str, before: &[Line]) -> Result<Vec<Line>, TextError> {
    let registry = Registry::core();
    let mut salt = 0;
    read_lines(text, &Models::newest(&registry), before, || {
        salt += 1;
        [salt; 16]
    })
}

#[test]
fn what_is_written_is_read_back() {
    let text = "# what every meter has\n\n/1/0/1 = 86400\n/1/0/6 = true\n/1/0/7 = U\n/3303/0/5700 ? pmin=10&pmax=60\n";
    let lines = read(text, &[]).unwrap();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], value("/1/0/1", 86_400));
    assert_eq!(read("/3303/0/5700 ? pmin=10  pmax=60", &[]).unwrap(), lines[3..]);
    let written = write_lines(&lines);
    assert_eq!(read(&written, &[]).unwrap(), lines);
    assert_eq!(written.lines().count(), 4);
}

#[test]
fn a_text_with_line_ends_and_backslashes_comes_back() {
    let odd = "C:\\new\nline\r ";
    let line = Line { path: path("/3/0/15"), want: Want::Value(Value::String(odd.into())) };
    assert_eq!(read(&write_lines(std::slice::from_ref(&line)), &[]).unwrap(), [line]);
}

#[test]
fn a_secret_is_not_written_out_and_stays_if_it_is_not_given() {
    let first = read("/3/0/15 secret Europe/Berlin", &[]).unwrap();
    assert_eq!(write_lines(&first), "/3/0/15 secret\n");
    assert!(!format!("{first:?}").contains("Berlin"));
    assert_eq!(first[0].want.shown(), "(secret)");
    assert_eq!(read("/3/0/15 secret", &first).unwrap(), first);
    assert_eq!(read("/3/0/15 secret Europe/Berlin", &first).unwrap(), first, "typed again");
    let other = read("/3/0/15 secret Europe/Paris", &first).unwrap();
    assert_ne!(other[0].digest(), first[0].digest());
    let error = read("/3/0/15 secret", &[]).unwrap_err();
    assert!(error.to_string().contains("has no secret yet"), "{error}");
}

#[test]
fn an_error_names_the_line_and_what_would_do() {
    for (text, part) in [
        ("/1/0/1 = soon", "expected a whole number"),
        ("/1/0/0 = 5", "can't be written"),
        ("/3/0/9 = 5", "can't be written"),
        ("/31999/0/1 = 5", "upload that of its object first"),
        ("/1/0/1", "expected a value"),
        ("1/0/1 = 5", "starts with `/`"),
        ("/1/0/1 ? pmin", "needs a value"),
        ("/1/0/1 ? loud=1", "loud"),
        ("/1/0/1/0 = 5", "leave the last number out"),
    ] {
        let error = read(&format!("# one\n{text}\n"), &[]).unwrap_err();
        assert_eq!(error.number, 2);
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}
