//! Updates of field devices: each is accounted for, none is updated against policy or twice, and killing the server every few
//! seconds changes nothing of it.
//!
//! `MUSTER_FIELD_DEVICES` says how many there are instead of [`DEVICES`].

use std::time::Duration;

use sim::field::{self, Behaviour, Field, Kills, Report};

const DEVICES: usize = Behaviour::ALL.len();

#[test]
fn every_update_ends_as_the_device_deserves() {
    let report = play(None);
    check(&report);
    assert_eq!(report.lives, 1);
}

#[test]
fn killing_the_server_every_few_seconds_changes_nothing_of_it() {
    let after = Duration::from_secs(2)..=Duration::from_secs(8);
    let report = play(Some(Kills { after, until: Duration::from_secs(1_800) }));
    check(&report);
    assert!(report.lives > 100, "it was killed {} times", report.lives);
}

fn play(kills: Option<Kills>) -> Report {
    let devices = std::env::var("MUSTER_FIELD_DEVICES").ok().and_then(|devices| devices.parse().ok());
    let field = Field { seed: 1, devices: devices.unwrap_or(DEVICES), loss: 0.2, kills, image: 20_000 };
    field::run(&field)
}

fn check(report: &Report) {
    eprintln!("{} devices, {} lives, {:?}", report.accounts.len(), report.lives, report.lasted);
    assert_eq!(report.violation, None);
    let faults: Vec<String> = report.accounts.iter().filter_map(field::Account::fault).collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), report.accounts.len(), faults.join("\n"));
}
