//! What devices and people can put into a text does not steer the terminal of whoever prints it.

use std::fs;

use objects::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    device::Played,
    world::{World, offline},
};

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

#[test]
fn nothing_that_a_backup_says_of_itself_reaches_the_terminal_as_it_is() {
    let world = World::start();
    let folder = world.folder.path();
    let muster = |arguments: &[&str]| {
        let mut command = offline(folder, arguments);
        command.env("MUSTER_BACKUP_PASSPHRASE", "a passphrase of mine").output().unwrap()
    };
    assert!(muster(&["backup", "b.muster"]).status.success());
    let bytes = fs::read(folder.join("b.muster")).unwrap();
    // Another version in the manifest, as long as the one that is there, and its sum set right.
    let length = usize::from_str_radix(str::from_utf8(&bytes[124..135]).unwrap(), 8).unwrap();
    let manifest = &bytes[512..][..length];
    let changed = replaced(
        manifest,
        format!("\"{}\"", env!("CARGO_PKG_VERSION")).as_bytes(),
        "\"\u{9b}31m\"".as_bytes(),
    );
    let sum =
        |bytes: &[u8]| -> String { Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect() };
    let bytes = replaced(&bytes, manifest, &changed);
    let bytes = replaced(&bytes, sum(manifest).as_bytes(), sum(&changed).as_bytes());
    fs::write(folder.join("b.muster"), bytes).unwrap();
    let mut verify = offline(folder, &["backup", "verify", "b.muster"]);
    let output = verify.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.contains("by Muster \\u{9b}31m"), "{printed:?}");
    assert!(!printed.contains(steers), "{printed:?}");
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let at = bytes.windows(old.len()).position(|part| part == old).unwrap();
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}
