//! Where the data is, after an operator's mishap.

use std::{fs, path::Path};

use server::{Config, OpenError, Server, StartError};
use tokio::runtime::Runtime;

use crate::{
    backup::{BLOCK, limited},
    world::{CREATE, PASSWORD, World, bare, complaint, offline, with_input},
};

fn start(folder: &Path) -> Result<(), StartError> {
    let config = Config::load(Some(&folder.join("muster.toml")), |_| None).unwrap();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        Server::start(&config).await?.stop().await;
        Ok(())
    })
}

#[test]
fn a_fleet_that_is_lost_is_not_replaced_by_an_empty_one_in_silence() {
    let mut world = World::start();
    world.stop();
    let (folder, data) = (world.folder.path(), world.folder.path().join("data"));
    start(folder).unwrap();
    for file in ["muster.db", "muster.db-wal", "muster.db-shm"] {
        let _ = fs::remove_file(data.join(file));
    }
    for is_there in [false, true] {
        if is_there {
            fs::write(data.join("muster.db"), "").unwrap();
        }
        let refused = start(folder).unwrap_err();
        assert!(matches!(refused, StartError::LostDatabase { .. }), "{refused}");
        for remedy in ["seal.key shows", "muster restore --replace", "another `data_dir`"] {
            assert!(refused.to_string().contains(remedy), "{refused}");
        }
        let validated = offline(folder, &["--validate"]).output().unwrap();
        assert_eq!(validated.status.code(), Some(78), "{}", complaint(&validated));
        let account = with_input(&mut offline(folder, &CREATE), PASSWORD);
        assert!(!account.status.success() && complaint(&account).contains("a server has lived here"));
    }
    assert_eq!(fs::metadata(data.join("muster.db")).unwrap().len(), 0, "nothing was made");
    fs::rename(&data, folder.join("aside")).unwrap();
    start(folder).unwrap();
}

#[test]
fn a_first_start_that_fails_on_its_way_is_no_life_to_be_missed() {
    let mut world = World::start();
    world.stop();
    let (folder, data) = (world.folder.path(), world.folder.path().join("data"));
    fs::remove_dir_all(&data).unwrap();
    // Where the database should be.
    fs::create_dir_all(data.join("muster.db")).unwrap();
    let refused = start(folder).unwrap_err();
    assert!(!matches!(refused, StartError::LostDatabase { .. }), "{refused}");
    fs::remove_dir(data.join("muster.db")).unwrap();
    start(folder).unwrap();
}

#[test]
fn an_empty_variable_is_not_taken_for_a_database_elsewhere_or_none() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("muster.toml"), "").unwrap();
    let mut command = offline(folder.path(), &["--validate"]);
    let refused = command.env("MUSTER_DATABASE_URL", "").output().unwrap();
    assert_eq!(refused.status.code(), Some(78));
    let said = complaint(&refused);
    assert!(said.contains("MUSTER_DATABASE_URL: must begin with postgres://, as in "), "{said}");
}

#[test]
fn no_server_starts_on_what_was_copied_away_until_that_is_taken_back() {
    let mut world = World::start();
    world.stop();
    let folder = world.folder.path();
    let muster = |arguments: &[&str]| offline(folder, arguments).output().unwrap();
    assert_eq!(muster(&["db", "take-back"]).status.code(), Some(1), "it was not");
    let copied = muster(&["db", "copy", "--to", "there/muster.db"]);
    assert!(copied.status.success(), "{}", complaint(&copied));
    let refused = start(folder).unwrap_err();
    assert!(matches!(refused, StartError::Open(OpenError::CopiedAway { .. })), "{refused}");
    let said = refused.to_string();
    assert!(
        said.contains("there/muster.db, and the fleet") && said.contains("muster db take-back"),
        "{said}"
    );
    assert_eq!(muster(&["--validate"]).status.code(), Some(78));
    let mut elsewhere = offline(folder, &["db", "take-back"]);
    let elsewhere =
        elsewhere.env("MUSTER_DATABASE_URL", "postgres://ada@127.0.0.1:1/fleet").output().unwrap();
    assert!(complaint(&elsewhere).contains("127.0.0.1:1"), "{}", complaint(&elsewhere));
    assert_eq!(muster(&["--validate"]).status.code(), Some(78), "another one was meant");
    let taken = muster(&["db", "take-back"]);
    assert!(taken.status.success(), "{}", complaint(&taken));
    start(folder).unwrap();
}

#[test]
fn a_password_on_the_command_line_is_refused_without_being_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["postgres://ada:s3cret@db/fleet", "mysql://ada:s3cret@db/fleet", "postgres://a:s3cret@db"] {
        for option in ["--from", "--to"] {
            let refused = bare(folder.path(), &["db", "copy", option, url]).output().unwrap();
            assert_eq!(refused.status.code(), Some(2), "{url}");
            let said = complaint(&refused);
            assert!(!said.is_empty() && !said.contains("s3cret"), "{said}");
        }
    }
}

#[test]
fn what_is_no_database_is_said_when_the_configuration_is_checked() {
    let mut world = World::start();
    world.stop();
    let (folder, file) = (world.folder.path(), world.folder.path().join("data/muster.db"));
    for garbage in [vec![7; 10], vec![7; 8_192]] {
        fs::write(&file, &garbage).unwrap();
        let refused = offline(folder, &["--validate"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(78), "{} bytes: {}", garbage.len(), complaint(&refused));
        assert!(complaint(&refused).contains("not a database"), "{}", complaint(&refused));
    }
}

#[test]
fn a_file_that_may_not_grow_is_said_at_the_start_which_it_does_not_kill() {
    let mut world = World::start();
    world.stop();
    let folder = world.folder.path();
    let refused = limited(&offline(folder, &[]), 2 * BLOCK);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(complaint(&refused).contains("raise that limit (LimitFSIZE="), "{}", complaint(&refused));
    start(folder).unwrap();
}
