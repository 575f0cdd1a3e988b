//! What `load` refuses before it begins.

use std::process::Command;

#[test]
fn figures_that_have_no_place_are_known_of_before_the_load() {
    let folder = tempfile::tempdir().unwrap();
    let mut load = Command::new(env!("CARGO_BIN_EXE_load"));
    // What a server would be started from, if it came to that.
    load.env("MUSTER_BINARY", "/bin/false").arg("--json").arg(folder.path().join("no/such"));
    let refused = load.output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("no/such: No such file"), "{said}");
}
