//! Backups as an operator makes and restores them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
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

pub(crate) const BLOCK: u64 = 512;

/// Runs a command that can make no file longer than this.
pub(crate) fn limited(command: &Command, bytes: u64) -> Output {
    let script = format!("ulimit -f {}; exec \"$@\"", bytes / BLOCK);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script, "sh"]).arg(command.get_program()).args(command.get_args()).env_clear();
    shell.current_dir(command.get_current_dir().unwrap());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.output().unwrap()
}

#[test]
fn whoever_stops_reading_ends_no_command_with_a_panic() {
    let world = World::start();
    let folder = world.folder.path();
    fs::write(folder.join("words"), "a passphrase of mine\n").unwrap();
    for arguments in [
        &["backup", "b.muster", "--passphrase-file", "words"][..],
        &["backup", "verify", "b.muster"],
        &["restore", "b.muster", "--passphrase-file", "words", "--replace"],
        &["--print-config"],
        &["--validate"],
        &["exit-codes"],
        &["completions", "bash"],
    ] {
        let mut command = offline(folder, arguments);
        // A pipe that nobody reads from any more.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output =
            command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let code = if arguments[0] == "restore" { 5 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {}", complaint(&output));
    }
}

#[test]
fn a_passphrase_file_that_is_none_or_that_others_can_read_is_told() {
    let world = World::start();
    let folder = world.folder.path();
    fs::write(folder.join("lines"), "a passphrase of mine\nand another line\n").unwrap();
    fs::write(folder.join("words"), "a passphrase of mine\n").unwrap();
    fs::set_permissions(folder.join("words"), fs::Permissions::from_mode(0o644)).unwrap();
    let backup =
        |words| offline(folder, &["backup", "b.muster", "--passphrase-file", words]).output().unwrap();
    let refused = backup("lines");
    assert_eq!(refused.status.code(), Some(2), "{}", complaint(&refused));
    assert!(complaint(&refused).contains("more than one line"), "{}", complaint(&refused));
    let warned = backup("words");
    ends(&warned, 0);
    assert!(complaint(&warned).contains("warning: words can be read"), "{}", complaint(&warned));
    fs::set_permissions(folder.join("words"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(folder.join("b.muster")).unwrap();
    assert_eq!(complaint(&backup("words")), "");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}
