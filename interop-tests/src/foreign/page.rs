//! The page `DTLS.md`: a table for each way to prove oneself, clients beside suites.

use std::fmt::Write as _;

use dtls::Suite;

use super::{Cell, Feature, Foreign, Proof};
use crate::{Record, Results};

/// The page, as Markdown.
pub fn page(results: &Results) -> String {
    let mut page = Page { results, notes: Vec::new() };
    let mut text = String::new();
    for (proof, title) in [
        (Proof::Psk, "Pre-shared keys"),
        (Proof::RawPublicKey, "Raw public keys"),
        (Proof::Certificate, "X.509"),
    ] {
        let _ = write!(text, "## {title}\n\n{}", head("Suite"));
        for suite in proof.suites() {
            text += &page.row(suite.name(), |page, client| page.suite(client, proof, suite));
        }
        text.push('\n');
    }
    let _ = write!(text, "## More, with the suite that LwM2M demands\n\n{}", head(""));
    for proof in Proof::ALL {
        for feature in Feature::WITH_ONE_SUITE {
            let cell = Cell { proof, suite: proof.mandatory(), feature };
            let title = format!("{}, {}", proof.name(), feature.name().expect("those have names"));
            text += &page.row(&title, |page, client| page.cell(client, cell));
        }
    }
    for (number, (client, reason)) in (1..).zip(&page.notes) {
        let _ = write!(text, "\n{number}. {client}: {reason}");
    }
    text
}

struct Page<'a> {
    results: &'a Results,
    /// Of which client, and what.
    notes: Vec<(&'static str, String)>,
}

impl Page<'_> {
    fn row(&mut self, title: &str, cell: impl Fn(&mut Self, Foreign) -> String) -> String {
        let cells: Vec<String> = Foreign::ALL.into_iter().map(|client| cell(self, client)).collect();
        format!("| {title} | {} |\n", cells.join(" | "))
    }

    /// What came of a suite, and which of the others go with it: those that don't are in the notes.
    fn suite(&mut self, client: Foreign, proof: Proof, suite: Suite) -> String {
        let mut text = self.cell(client, Cell { proof, suite, feature: Feature::Plain });
        for (feature, word) in [(Feature::ConnectionId, "cid"), (Feature::Resumption, "resumption")] {
            let record = self.record(client, Cell { proof, suite, feature });
            match record.as_ref().map(|record| record.outcome.as_str()) {
                Some("ok") => text += &format!(", {word}"),
                Some("failed") => text += &format!(", {word} **failed**"),
                _ => {}
            }
        }
        text
    }

    fn cell(&mut self, client: Foreign, cell: Cell) -> String {
        let Some(record) = self.record(client, cell) else { return String::new() };
        match record.outcome.as_str() {
            "ok" => "ok".to_owned(),
            "failed" => "**failed**".to_owned(),
            _ => {
                let note = (client.name(), record.reason);
                let known = self.notes.iter().position(|known| *known == note);
                let number = known.unwrap_or_else(|| {
                    self.notes.push(note);
                    self.notes.len() - 1
                });
                format!("– ({})", number + 1)
            }
        }
    }

    fn record(&self, client: Foreign, cell: Cell) -> Option<Record> {
        self.results.of(&cell.name(), client.name()).cloned()
    }
}

fn head(first: &str) -> String {
    let clients: Vec<&str> = Foreign::ALL.into_iter().map(Foreign::name).collect();
    format!("| {first} | {} |\n|---|{}\n", clients.join(" | "), "---|".repeat(clients.len()))
}
