//! What came of each scenario with each peer, for the table in `RESULTS.md`.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// What came of one scenario with one peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The test.
    pub scenario: String,
    /// The peer.
    pub peer: String,
    /// `passed` or `ok`, `failed`, `skipped`, or `cannot`.
    pub outcome: String,
    /// Why it was skipped, or why the peer can't do it.
    #[serde(default)]
    pub reason: String,
}

/// Where it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Book {
    /// The scenarios of the whole server.
    Scenarios,
    /// The cells of the DTLS clients.
    Dtls,
}

/// All that was recorded; the last run of a scenario counts.
#[derive(Clone, Debug, Default)]
pub struct Results(BTreeMap<(String, String), Record>);

impl Record {
    /// Appends it to the file of the target folder that [`Results::load`] reads.
    pub fn keep(&self, book: Book) {
        let mut line = serde_json::to_string(self).expect("a record is plain text");
        line.push('\n');
        let file = File::options().create(true).append(true).open(book.file());
        // One write, so that tests which end at the same time do not mix their lines.
        drop(file.and_then(|mut file| file.write_all(line.as_bytes())));
    }
}

impl Results {
    /// Reads what tests have recorded.
    pub fn load(book: Book) -> Self {
        let text = std::fs::read_to_string(book.file()).unwrap_or_default();
        let records = text.lines().filter_map(|line| serde_json::from_str::<Record>(line).ok());
        Self(records.map(|record| ((record.scenario.clone(), record.peer.clone()), record)).collect())
    }

    /// What came of a scenario with a peer.
    pub fn of(&self, scenario: &str, peer: &str) -> Option<&Record> {
        self.0.get(&(scenario.to_owned(), peer.to_owned()))
    }

    /// The table, as Markdown.
    pub fn table(&self) -> String {
        let mut peers: Vec<&str> = self.0.values().map(|record| record.peer.as_str()).collect();
        peers.sort_unstable();
        peers.dedup();
        let mut table =
            format!("| Scenario | {} |\n|---|{}\n", peers.join(" | "), "---|".repeat(peers.len()));
        let mut notes = Vec::new();
        let mut scenarios: Vec<&String> = self.0.keys().map(|(scenario, _)| scenario).collect();
        scenarios.dedup();
        for scenario in scenarios {
            let _ = write!(table, "| {} |", scenario.replace('_', " "));
            for peer in &peers {
                let record = self.0.get(&(scenario.clone(), (*peer).to_owned()));
                let mut cell = record.map_or("–", |record| record.outcome.as_str()).to_owned();
                if let Some(record) = record.filter(|record| !record.reason.is_empty()) {
                    notes.push(format!("{}: {}", record.peer, record.reason));
                    let _ = write!(cell, " ({})", notes.len());
                }
                let _ = write!(table, " {cell} |");
            }
            table.push('\n');
        }
        for (number, note) in (1..).zip(notes) {
            let _ = write!(table, "\n{number}. {note}");
        }
        table
    }
}

impl Book {
    /// Beside the folder of the executables.
    fn file(self) -> PathBuf {
        let executable = std::env::current_exe().expect("a test knows its executable");
        let built = executable.parent().and_then(Path::parent).expect("tests lie in <target>/<profile>/deps");
        built.join(match self {
            Self::Scenarios => "interop-results.jsonl",
            Self::Dtls => "interop-dtls.jsonl",
        })
    }
}
