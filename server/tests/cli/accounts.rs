//! Who may: accounts of a server that does not run, tokens and where they are read from, and TLS.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Stdio};

use fleet::Role;

use crate::world::{CREATE, PASSWORD, World, bare, complaint, offline, with_input};

#[test]
fn who_is_locked_out_gets_in_again_while_the_server_does_not_run() {
    let mut world = World::start();
    let reset = ["user", "reset-password", "ada", "--password-stdin"];
    let running = with_input(&mut offline(world.folder.path(), &reset), "another one that is long");
    assert_eq!(running.status.code(), Some(5));
    assert!(complaint(&running).contains("a server runs on "), "{}", complaint(&running));
    world.stop();

    let folder = world.folder.path();
    let done = with_input(&mut offline(folder, &reset), "another one that is long\n");
    assert!(done.status.success(), "{}", complaint(&done));
    let again = with_input(&mut offline(folder, &CREATE), PASSWORD);
    assert_eq!(again.status.code(), Some(5), "{}", complaint(&again));
    let short = with_input(&mut offline(folder, &reset), "short");
    assert_eq!(short.status.code(), Some(2), "{}", complaint(&short));
    let nobody =
        with_input(&mut offline(folder, &["user", "reset-password", "eve", "--password-stdin"]), PASSWORD);
    assert_eq!(nobody.status.code(), Some(3), "{}", complaint(&nobody));
    let unasked = offline(folder, &["user", "reset-password", "ada"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(unasked.status.code(), Some(2), "{}", complaint(&unasked));
}

#[test]
fn there_is_nothing_to_reset_where_no_server_has_ever_run() {
    let folder = tempfile::tempdir().unwrap();
    let reset = ["user", "reset-password", "ada", "--password-stdin"];
    let none = with_input(&mut bare(folder.path(), &reset), PASSWORD);
    assert_eq!(none.status.code(), Some(3), "{}", complaint(&none));
    assert!(!folder.path().join("muster-data").exists());
}

#[test]
fn accounts_are_managed_through_the_api() {
    let world = World::start();
    let create = ["user", "create", "bob", "--role", "viewer", "--password-stdin"];
    let made = with_input(&mut world.command(&create), PASSWORD);
    assert!(made.status.success(), "{}", complaint(&made));
    assert!(!String::from_utf8(made.stdout).unwrap().contains(PASSWORD));
    world.prints(&["user", "role", "bob", "operator"]);
    world.prints(&["user", "disable", "bob", "--yes"]);
    let users = world.json(&["user", "list"]);
    let bob = users.as_array().unwrap().iter().find(|user| user["name"] == "bob").unwrap();
    assert!(bob["role"] == "operator" && bob["disabled_at"].is_string(), "{bob}");
    world.prints(&["user", "enable", "bob"]);
    let reset = ["user", "reset-password", "bob", "--password-stdin"];
    assert!(with_input(&mut world.command(&reset), "another one that is long").status.success());
    assert_eq!(world.fails(&["user", "disable", "ada", "--yes"]).0, 5, "the last administrator");
    assert_eq!(world.fails(&["user", "role", "eve", "viewer"]).0, 3);
}

#[test]
fn a_token_is_made_shown_once_used_and_revoked() {
    let world = World::start();
    let made = world.json(&["token", "create", "ci", "--scope", "read", "--expires", "90d"]);
    let (id, text) = (made["token"]["id"].as_str().unwrap(), made["text"].as_str().unwrap());
    let with = |arguments: &[&str]| {
        let output =
            world.command(arguments).env("MUSTER_TOKEN", text).stdin(Stdio::null()).output().unwrap();
        (output.status.code().unwrap(), complaint(&output))
    };
    assert_eq!(with(&["device", "list"]).0, 0);
    let (code, said) = with(&["class", "add", "meters"]);
    assert!(code == 4 && said.contains("The token may not do that"), "{said}");
    assert!(!world.prints(&["token", "list"]).contains(text));

    let (code, said) = world.fails(&["token", "revoke", id]);
    assert!(code == 2 && said.contains("say --yes"), "{said}");
    world.prints(&["token", "revoke", id, "--yes"]);
    let (code, said) = with(&["device", "list"]);
    assert!(code == 4 && !said.contains(text), "{said}");
}

#[test]
fn a_token_is_read_from_a_file_for_its_owner_alone() {
    let world = World::start();
    let folder = world.folder.path().join(".config/muster");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("token");
    let list = || {
        let mut command = bare(world.folder.path(), &["overview"]);
        let output = command.env("MUSTER_SERVER", &world.url).output().unwrap();
        (output.status.code().unwrap(), complaint(&output))
    };
    let (code, said) = list();
    assert!(code == 4 && said.contains(".config/muster/token"), "{said}");
    fs::write(&file, format!("{}\n", world.make_token(Role::Viewer))).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = list();
    assert!(code == 4 && said.contains("chmod 600"), "{said}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(list().0, 0);
}

#[test]
fn a_console_with_a_certificate_of_its_own_is_trusted_by_its_file_alone() {
    let world = World::start_with("tls = \"self-signed\"\n");
    assert!(world.url.starts_with("https://"));
    let (code, said) = world.fails(&["overview"]);
    assert_eq!(code, 6, "{said}");
    let certificate = world.folder.path().join("data/console-certificate.pem");
    world.prints(&["overview", "--ca", certificate.to_str().unwrap()]);
    let key = world.folder.path().join("data/console-key.pem");
    assert_eq!(world.fails(&["overview", "--ca", key.to_str().unwrap()]).0, 2);
}

#[test]
fn a_token_is_not_sent_in_the_clear_and_nobody_there_is_said() {
    let world = World::start();
    let (code, said) = world.fails(&["overview", "--server", "http://muster.example"]);
    assert!(code == 2 && said.contains("in the clear"), "{said}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, said) = world.fails(&["overview", "--server", &format!("http://{free}")]);
    assert!(code == 6 && said.contains("can't reach"), "{said}");
    // A server that is none of ours.
    let (code, said) = world.fails(&["overview", "--server", &format!("{}/elsewhere", world.url)]);
    assert!(code == 1 && said.contains("not as Muster's API does"), "{said}");
}
