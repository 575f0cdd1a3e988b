//! Baselines over many devices: all have what they are to have but those that refuse, what does not stay is stopped and named, and
//! what is written is what the dry run has said, whether the server is killed meanwhile or not.
//!
//! `MUSTER_CONFIGURED_DEVICES` says how many there are instead of [`DEVICES`].

use std::time::Duration;

use sim::configured::{self, Account, Configured, Kills, Report};

/// Each kind of device, asleep and awake.
const DEVICES: usize = 40;

#[test]
fn all_converge_but_those_that_refuse() {
    let report = play(None);
    check(&report);
    assert_eq!(report.lives, 1);
}

#[test]
fn killing_the_server_again_and_again_changes_nothing_of_it() {
    let after = Duration::from_secs(60)..=Duration::from_secs(400);
    let report = play(Some(Kills { after, until: Duration::from_secs(24 * 3_600) }));
    check(&report);
    assert!(report.lives > 5, "it was killed {} times", report.lives);
}

fn play(kills: Option<Kills>) -> Report {
    let devices = std::env::var("MUSTER_CONFIGURED_DEVICES").ok().and_then(|devices| devices.parse().ok());
    configured::run(&Configured { seed: 1, devices: devices.unwrap_or(DEVICES), loss: 0.02, kills })
}

fn check(report: &Report) {
    eprintln!("{} devices, {} lives, {:?}", report.accounts.len(), report.lives, report.lasted);
    assert_eq!(report.violation, None);
    let faults: Vec<String> = report.accounts.iter().filter_map(Account::fault).collect();
    let some = faults[..faults.len().min(20)].join("\n");
    assert!(faults.is_empty(), "{} of {}:\n{some}", faults.len(), report.accounts.len());
}
