//! Plays the cells with one client, compares with what it is known not to do, and keeps what came of them.

use std::{collections::BTreeMap, time::Duration};

use dtls::Reason;
use serde::Deserialize;

use super::{Cell, Feature, Foreign, Host, Means, NotDone, Proof, Seen, Task};
use crate::{Book, Deadline, Record};

/// Plays all cells that are worth their time with a client. One that can't be run here is skipped; what it can't do is in
/// `expectations.toml`.
///
/// # Panics
/// If a cell fails that should not, or one does not that is listed.
pub fn on_every_cell(client: Foreign) {
    let cells: Vec<Cell> = Cell::all().into_iter().filter(|cell| client.tries(*cell)).collect();
    let keep = |cell: Cell, outcome: &str, reason: &str| {
        let (scenario, peer) = (cell.name(), client.name().to_owned());
        Record { scenario, peer, outcome: outcome.to_owned(), reason: reason.to_owned() }.keep(Book::Dtls);
    };
    if let Err(missing) = client.prepare() {
        cells.iter().for_each(|cell| keep(*cell, "skipped", &missing.what));
        missing.skip(&format!("DTLS with {}", client.name()));
        return;
    }
    let means = Means::make();
    let mut speaker = client.start(&means);
    let unable = Unable::of(client);
    let mut wrong = Vec::new();
    for cell in cells {
        let host = Host::start(cell, &means);
        let talked = speaker.talk(&Task { cell, host: &host, means: &means });
        let outcome = judge(cell, talked, &host);
        match (outcome, unable.why(cell)) {
            (Ok(()), None) => keep(cell, "ok", ""),
            (Err(_), Some(why)) => keep(cell, "cannot", why),
            (Err(what), None) => {
                keep(cell, "failed", "");
                wrong.push(format!("{}: {what}\nthe server saw {:?}", cell.name(), host.seen()));
            }
            (Ok(()), Some(why)) => {
                keep(cell, "ok", "");
                wrong.push(format!("{} works: take it out of expectations.toml ({why})", cell.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}: not as expected:\n{}", client.name(), wrong.join("\n\n"));
}

/// Whether both sides had what the cell asks for.
fn judge(cell: Cell, talked: Result<(), NotDone>, host: &Host) -> Result<(), String> {
    match (talked, cell.feature) {
        (Err(NotDone::NoWay), _) => Err("there is no way to ask for it".to_owned()),
        (Ok(()), Feature::Stranger) => Err("it was let in".to_owned()),
        // Some clients hear of it before the server has told.
        (Err(NotDone::Failed(_)), Feature::Stranger) => {
            let deadline = Deadline::after(Task::WITHIN);
            while !is_refused(cell, &host.seen()) && !deadline.has_passed() {
                std::thread::sleep(Duration::from_millis(10));
            }
            is_refused(cell, &host.seen())
                .then_some(())
                .ok_or_else(|| "it was not refused for that".to_owned())
        }
        (Err(NotDone::Failed(said)), _) => Err(format!("it said {said}")),
        (Ok(()), _) => check(cell, &host.seen()),
    }
}

fn is_refused(cell: Cell, seen: &Seen) -> bool {
    let is_that = |reason: &Reason| match cell.proof {
        Proof::Psk => *reason == Reason::WrongKey,
        Proof::RawPublicKey | Proof::Certificate => matches!(reason, Reason::Refused(_)),
    };
    seen.opened.is_empty() && seen.failures.iter().any(|failure| is_that(&failure.reason))
}

fn check(cell: Cell, seen: &Seen) -> Result<(), String> {
    let must = |is_so: bool, what: &str| is_so.then_some(()).ok_or_else(|| what.to_owned());
    let sessions: &[bool] = if cell.feature == Feature::Resumption { &[false, true] } else { &[false] };
    must(seen.opened == sessions, "other sessions than it should be")?;
    must(seen.claims == [(cell.proof, cell.suite)], "another proof, or suite")?;
    must(cell.feature.has_connection_id() == (seen.by_connection_id > 0), "connection ids")?;
    must((cell.feature == Feature::AddressChange) == (seen.moved == 1), "moves")?;
    let is_small = cell.feature == Feature::SmallDatagrams;
    let longest = seen.longest.0.max(seen.longest.1);
    must(!is_small || longest <= Task::SMALL_MTU, "datagrams longer than the MTU")
}

/// What a client can't do.
struct Unable(BTreeMap<String, String>);

impl Unable {
    fn of(client: Foreign) -> Self {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Expectations(BTreeMap<String, BTreeMap<String, String>>);

        let read: Expectations = toml::from_str(include_str!("../../expectations.toml"))
            .expect("expectations.toml is [\"dtls client\"] cells = \"reason\"");
        Self(read.0.get(&format!("dtls {}", client.name())).cloned().unwrap_or_default())
    }

    fn why(&self, cell: Cell) -> Option<&str> {
        let meant = self.0.iter().filter(|(key, _)| cell.is_meant_by(key));
        // That it lacks the proof altogether says more than that it lacks the suite.
        meant.max_by_key(|(key, _)| key.starts_with(cell.proof.name())).map(|(_, why)| why.as_str())
    }
}
