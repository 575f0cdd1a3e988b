//! What devices and people can put into a text does not steer the terminal of whoever prints it.

use objects::Value;

use crate::{device::Played, world::World};

/// To the terminal a new title, a cleared screen, colours by C1 and another direction; to a spreadsheet a formula.
const VALUE: &str = "=cmd|' /C calc'!A0\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}txt.exe\r\nid,forged\0";
/// An endpoint name has no control characters, but all others.
const ENDPOINT: &str = "=1+\u{202e}evil\u{200b},\"x\"";

fn steers(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\r')) || "\u{202e}\u{200b}".contains(character)
}

#[test]
fn nothing_that_a_device_says_reaches_the_terminal_as_it_is() {
    let world = World::start();
    let text = |text: &str| Value::String(text.to_owned());
    let _device = Played::start(&world, ENDPOINT, &[("/3/0/0", text(VALUE))]);
    for arguments in [
        &["device", "list"][..],
        &["device", "export"],
        &["device", "show", ENDPOINT],
        &["device", "read", ENDPOINT, "/3/0"],
        &["device", "values", ENDPOINT],
        &["device", "timeline", ENDPOINT],
        &["operation", "list", ENDPOINT],
        &["event", "follow", "--after", "0", "--limit", "1"],
        &["audit", "list"],
    ] {
        for form in ["table", "csv", "json"] {
            let printed = world.prints(&[arguments, &["--output", form]].concat());
            assert!(!printed.contains(steers), "{arguments:?} {form}: {printed:?}");
            assert!(!printed.lines().any(|line| line.starts_with("id,forged")), "{arguments:?} {form}");
            if form == "csv" {
                assert!(!printed.contains(",=cmd") && !printed.contains(",=1+"), "{arguments:?}: {printed}");
            }
        }
    }
    // In JSON nothing is lost.
    let read = world.json(&["device", "read", ENDPOINT, "/3/0/0"]);
    assert_eq!(read["answer"]["content"]["readings"][0]["value"]["value"], VALUE);
    assert_eq!(world.json(&["device", "list"])[0]["endpoint"], ENDPOINT);
}

#[test]
fn nothing_of_an_error_does_either() {
    let world = World::start();
    for arguments in [
        &["device", "show", "\u{1b}[2Jnode"][..],
        &["device", "add", "\u{9b}31m"],
        &["user", "role", "\u{1b}]0;owned\u{7}", "viewer"],
        &["class", "add", "\u{202e}"],
        &["bootstrap", "plan", "show", "--class", "\u{1b}[2J"],
        &["device", "remove", "\u{1b}[2J", "--reason", "\u{1b}[2J"],
    ] {
        let output = world.run(arguments);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(!said.contains(steers), "{arguments:?}: {said:?}");
    }
}
