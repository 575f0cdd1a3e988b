//! Backups as an operator makes and restores them.

use std::{fs, process::Output};

use crate::world::{CREATE, PASSWORD, World, bare, complaint, offline, with_input};

fn ends(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", complaint(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_backup_of_a_running_server_is_verified_and_restored_elsewhere() {
    let mut world = World::start();
    let folder = world.folder.path().to_owned();
    fs::write(folder.join("words"), "a passphrase of mine\n").unwrap();
    fs::write(folder.join("others"), "another passphrase\n").unwrap();
    fs::write(folder.join("short"), "short\n").unwrap();
    let muster = |arguments: &[&str]| offline(&folder, arguments).output().unwrap();
    let made = muster(&["backup", "b.muster", "--passphrase-file", "words"]);
    assert!(ends(&made, 0).contains("Accounts: 1."), "{made:?}");
    assert!(ends(&muster(&["backup", "c.muster", "--passphrase-file", "short"]), 2).is_empty());
    ends(&muster(&["backup", "b.muster", "--passphrase-file", "words"]), 5);
    let unasked = muster(&["backup", "c.muster"]);
    ends(&unasked, 2);
    assert!(complaint(&unasked).contains("MUSTER_BACKUP_PASSPHRASE"), "{unasked:?}");
    assert!(!folder.join("c.muster").exists());

    assert!(ends(&muster(&["backup", "verify", "b.muster"]), 0).contains("keys were not tried"));
    let tried = ["backup", "verify", "b.muster", "--passphrase-file", "words"];
    assert!(ends(&muster(&tried), 0).contains("opens its keys"));
    ends(&muster(&["backup", "verify", "b.muster", "--passphrase-file", "others"]), 4);
    ends(&muster(&["backup", "verify", "words"]), 1);
    ends(&muster(&["backup", "verify", "nothing"]), 3);

    let restore = ["restore", "b.muster", "--passphrase-file", "words"];
    let running = muster(&restore);
    ends(&running, 5);
    assert!(complaint(&running).contains("a server runs on "), "{running:?}");
    world.stop();
    ends(&muster(&restore), 5);
    ends(&muster(&["restore", "b.muster", "--passphrase-file", "words", "--replace"]), 0);
    // The account is there, and the data is a server's again.
    let again = with_input(&mut offline(&folder, &CREATE), PASSWORD);
    ends(&again, 5);

    let elsewhere = tempfile::tempdir().unwrap();
    let file = folder.join("b.muster");
    let mut command = bare(elsewhere.path(), &["restore", file.to_str().unwrap()]);
    let done = command.env("MUSTER_BACKUP_PASSPHRASE", "a passphrase of mine").output().unwrap();
    assert!(ends(&done, 0).contains("is restored into muster-data"));
    ends(&with_input(&mut bare(elsewhere.path(), &CREATE), PASSWORD), 5);
}
