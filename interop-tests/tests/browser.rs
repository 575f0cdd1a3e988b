//! The console in a real browser: by keyboard, live, on a phone, without JavaScript, and by the rules of WCAG as axe knows
//! them. `browser/console.mjs` is the person at the screen; here is the device.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use interop_tests::{Book, Missing, Peer, Record, Spec, Subject, here};
use tokio::sync::mpsc;

#[test]
fn a_person_observes_a_device_in_a_real_browser() {
    let name = here!();
    let keep = |outcome: &str, reason: &str| {
        let (scenario, peer) = (name.to_owned(), "leshan udp".to_owned());
        Record { scenario, peer, outcome: outcome.to_owned(), reason: reason.to_owned() }
            .keep(Book::Scenarios);
    };
    let prepared = interop_tests::leshan::jar().and_then(|_| prepare());
    let chromium = match prepared {
        Ok(chromium) => chromium,
        Err(missing) => {
            keep("skipped", &missing.what);
            return missing.skip("the browser test");
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    keep("failed", "");
    runtime.block_on(play(&chromium));
    keep("passed", "");
}

async fn play(chromium: &str) {
    let subject = Subject::start().await;
    let mut client = Peer::Leshan.start(subject.coap(), &Spec::new("thermometer"));
    client.event("registered").await;
    let mut command = Command::new("node");
    command.arg("console.mjs").current_dir(folder());
    command
        .env("CHROMIUM", chromium)
        .env("CONSOLE", subject.console_url())
        .env("ENDPOINT", client.endpoint());
    command.env("SETUP", subject.setup_link().expect("a new server prints a set-up link"));
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        std::fs::create_dir_all(&folder).expect("SCREENSHOTS can be made");
        command.env("SCREENSHOTS", std::fs::canonicalize(folder).expect("SCREENSHOTS is there"));
    }
    let mut person =
        Person(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node was found"));
    let (mut hears, says) =
        (person.0.stdin.take().expect("it is piped"), person.0.stdout.take().expect("it is piped"));
    let (lines_in, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(says).lines().map_while(Result::ok) {
            drop(lines_in.send(line));
        }
    });
    while let Some(line) = lines.recv().await {
        match line.strip_prefix("change ") {
            Some(value) => {
                client.event_at("observe", "/3303/0/5700").await;
                client.run(&format!("set /3303/0/5700 {value}")).await;
                writeln!(hears, "changed").expect("the script listens");
            }
            None => eprintln!("{line}"),
        }
    }
    let ended = person.0.wait().expect("the script is a child of this process");
    assert!(ended.success(), "the person at the screen is not content: see above");
    assert!(!client.has_told("notification-reset"));
}

struct Person(Child);

impl Drop for Person {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Finds the browser, and what the script imports.
fn prepare() -> Result<String, Missing> {
    let works = |program: &str| {
        let run = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    };
    let named = std::env::var("CHROMIUM").ok();
    let chromium = named.into_iter().chain(["chromium".to_owned()]).find(|program| works(program));
    let chromium =
        chromium.ok_or_else(|| Missing::new("Chromium (Debian's chromium, or a path in CHROMIUM)"))?;
    if !works("node") || !works("npm") {
        return Err(Missing::new("Node.js with npm (Debian's nodejs and npm)"));
    }
    let there = ["playwright-core", "axe-core"]
        .iter()
        .all(|package| folder().join("node_modules").join(package).is_dir());
    if !there {
        let install = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
        let installed =
            Command::new("npm").args(install).current_dir(folder()).stdout(Stdio::null()).status();
        if !installed.is_ok_and(|status| status.success()) {
            return Err(Missing::new(
                "playwright-core and axe-core, which npm could not install in interop-tests/browser",
            ));
        }
    }
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", &chromium]).output();
    let path =
        found.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    Ok(if path.is_empty() { chromium } else { path })
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/browser"))
}
