//! Backups as an operator makes and restores them.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use fleet::Role;

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

#[test]
fn a_backup_that_can_not_be_written_whole_is_not_there_and_the_server_goes_on() {
    let world = World::start();
    let folder = world.folder.path();
    fs::write(folder.join("words"), "a passphrase of mine\n").unwrap();
    let backup = |name| offline(folder, &["backup", name, "--passphrase-file", "words"]);
    ends(&backup("whole.muster").output().unwrap(), 0);
    let bytes = fs::metadata(folder.join("whole.muster")).unwrap().len();
    let (before, data) = (names(folder), names(&folder.join("data")));
    // Neither the copy of the database, nor all of the file that holds it.
    for limit in [bytes / 2, bytes - 2 * BLOCK] {
        let output = limited(&backup("half.muster"), limit);
        assert!(!output.status.success());
        let words = complaint(&output);
        assert!(words.contains("disk I/O error") || words.contains("File too large"), "{words}");
        assert_eq!((names(folder), names(&folder.join("data"))), (before.clone(), data.clone()));
    }
    world.make_token(Role::Viewer);
    ends(&backup("half.muster").output().unwrap(), 0);

    let elsewhere = tempfile::tempdir().unwrap();
    let file = folder.join("whole.muster");
    let mut restore = bare(elsewhere.path(), &["restore", file.to_str().unwrap()]);
    restore.env("MUSTER_BACKUP_PASSPHRASE", "a passphrase of mine");
    let output = limited(&restore, bytes / 2);
    assert!(!output.status.success());
    assert!(complaint(&output).contains("File too large"), "{output:?}");
    assert_eq!(names(&elsewhere.path().join("muster-data")), ["lock"]);
    ends(&restore.output().unwrap(), 0);
}

const BLOCK: u64 = 512;

/// Runs a command that can make no file longer than this.
fn limited(command: &Command, bytes: u64) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes / BLOCK);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script, "sh"]).arg(command.get_program()).args(command.get_args()).env_clear();
    shell.current_dir(command.get_current_dir().unwrap());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}
