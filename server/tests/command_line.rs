//! `muster` as its user starts it: what it prints, how it exits, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

#[test]
fn the_printed_configuration_is_valid_and_complete() {
    let folder = tempfile::tempdir().unwrap();
    let printed = muster(folder.path(), &["--print-config"]);
    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout).unwrap();
    for key in server::config::KEYS {
        let (_, name) = key.name.split_once('.').unwrap_or(("", key.name));
        assert!(text.contains(name) && text.contains(key.meaning), "{}", key.name);
    }
    fs::write(folder.path().join("muster.toml"), text).unwrap();
    let validated = muster(folder.path(), &["--config", "muster.toml", "--validate"]);
    assert!(validated.status.success(), "{}", complaint(&validated));
}

#[test]
fn a_wrong_configuration_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.toml");
    for (text, expected) in [
        (
            "[coap]\nlisten_on = []\n",
            "muster.toml: line 2: there is no key `coap.listen_on`; did you mean `coap.listen`?",
        ),
        ("[coap]\nmax_devices = \"many\"\n", "line 2: invalid type: string \"many\", expected u32"),
        ("[coap]\nlisten = [\"0.0.0.0:5683\"]\n", "`coap.listen` takes loopback addresses only"),
        ("profile = \"lab\"\nprofile = \"lab\"\n", "line 2: duplicate key"),
    ] {
        fs::write(&file, text).unwrap();
        let refused = muster(folder.path(), &["--config", "muster.toml"]);
        assert_eq!(refused.status.code(), Some(78), "{text}");
        assert!(complaint(&refused).contains(expected), "{}", complaint(&refused));
    }
    fs::write(&file, "[models]\nfolder = \"no-models\"\n").unwrap();
    let no_models = muster(folder.path(), &["--config", "muster.toml", "--validate"]);
    assert_eq!(no_models.status.code(), Some(78));
    assert!(complaint(&no_models).contains("can't read no-models"), "{}", complaint(&no_models));
    let missing = muster(folder.path(), &["--config", "nowhere.toml", "--validate"]);
    assert_eq!(missing.status.code(), Some(78));
    assert!(complaint(&missing).contains("can't read nowhere.toml"));
    assert!(!folder.path().join("muster-data").exists());
}

#[test]
fn a_start_says_where_everything_is_and_a_termination_ends_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[coap]\nlisten = [\"127.0.0.1:0\", \"[::1]:0\"]\n[console]\nlisten = \"127.0.0.1:0\"\n";
    fs::write(folder.path().join("muster.toml"), config).unwrap();
    let mut first = Running::start(folder.path());
    let welcome = first.welcome(6);
    assert!(welcome[0].contains("profile lab: devices are served WITHOUT security"), "{welcome:?}");
    assert!(welcome.iter().any(|line| line.contains("coap://[::1]:")), "{welcome:?}");
    assert!(welcome.iter().any(|line| line.contains("Make one within 30 minutes")), "{welcome:?}");

    // The data is for one server at a time.
    let second = muster(folder.path(), &["--config", "muster.toml"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(complaint(&second).contains("is in use by another Muster"), "{}", complaint(&second));

    first.terminate();
    let mut again = Running::start(folder.path());
    again.welcome(4);
    again.terminate();
}

fn muster(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_muster")).args(arguments).current_dir(folder).output().unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

struct Running {
    process: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_muster"))
            .args(["--config", "muster.toml"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, lines }
    }

    fn welcome(&self, lines: usize) -> Vec<String> {
        (0..lines).map(|_| self.lines.recv_timeout(Duration::from_secs(60)).unwrap()).collect()
    }

    /// Asks it to end as a service manager does, and sees that it does so well.
    fn terminate(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(asked.success());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, unless the test has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
