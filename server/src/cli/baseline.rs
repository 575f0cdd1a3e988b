//! `muster baseline`: what levels want their devices to have, and what that would do.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ureq::http::Method;
use web::api::v1::types::{Baseline, BaselineMode, Baselines, DryRun, DryRunRow, NewBaseline, RollBack};

use super::{
    Command, Session,
    address::Address,
    configuration::LevelArgument,
    failure::Failure,
    file,
    output::{Form, Tabular, or_empty},
    paging::Paging,
    span::Span,
};

#[derive(Subcommand)]
pub(crate) enum BaselineCommand {
    /// Lists the newest baselines of the fleet, of classes and of groups.
    List,
    /// Shows what a level wants, line by line.
    Show {
        /// fleet, class:NAME, group:NAME or device:NAME; ids do, too.
        level: LevelArgument,
        /// Which version; the newest if it is left out.
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Says what a level wants from now on. Try it first: `muster baseline dry-run`.
    Set(Set),
    /// Says what a change would do to the devices of a level, and changes nothing.
    DryRun(Set),
    /// Lists the versions of what a level wants, the newest first.
    Versions {
        /// fleet, class:NAME, group:NAME or device:NAME; ids do, too.
        level: LevelArgument,
        #[command(flatten)]
        paging: Paging,
    },
    /// Says which lines are different in two versions.
    Diff {
        /// fleet, class:NAME, group:NAME or device:NAME; ids do, too.
        level: LevelArgument,
        /// The earlier version.
        from: u32,
        /// The later version; the newest if it is left out.
        to: Option<u32>,
    },
    /// Wants again what an earlier version wanted, as a new version.
    RollBack {
        /// fleet, class:NAME, group:NAME or device:NAME; ids do, too.
        level: LevelArgument,
        /// The version.
        to: u32,
        /// The change ticket it belongs to.
        #[arg(long, value_name = "TEXT")]
        ticket: Option<String>,
        /// What it is for.
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
    },
}

/// What a level is to want.
#[derive(Args)]
pub(crate) struct Set {
    /// fleet, class:NAME, group:NAME or device:NAME; ids do, too.
    level: LevelArgument,
    /// A file with the lines, such as `/1/0/1 = 86400`; - is stdin.
    file: PathBuf,
    /// What is done where a device has something else: report, ask, repair.
    #[arg(long, value_name = "MODE")]
    mode: Option<BaselineMode>,
    /// How often devices are looked at that say nothing by themselves, such as 12h.
    #[arg(long, value_name = "SPAN")]
    check_every: Option<Span>,
    /// The change ticket it belongs to.
    #[arg(long, value_name = "TEXT")]
    ticket: Option<String>,
    /// What it is for.
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// The version that it is meant to follow: it is refused if there is another by now.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u32>,
}

impl Command for BaselineCommand {
    fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let found: Baselines = session.client.get(&Address::new(&["baselines"]))?;
                session.output.rows(found.baselines)
            }
            Self::Show { level, version } => {
                let baseline = level.baseline(&session.client, version)?;
                session.output.one(&baseline)
            }
            Self::Set(set) => {
                let (address, new) = set.read(session)?;
                let made: Baseline = session.client.send(Method::PUT, &address, &new)?;
                session.output.one(&made)
            }
            Self::DryRun(set) => set.dry_run(session),
            Self::Versions { level, paging } => {
                let level = level.name(&session.client)?;
                paging.print::<Baseline>(session, &Address::new(&["baselines", &level, "versions"]))
            }
            Self::Diff { level, from, to } => {
                let earlier = level.baseline(&session.client, Some(from))?;
                let later = level.baseline(&session.client, to)?;
                session.output.rows(differences(&earlier.lines, &later.lines))
            }
            Self::RollBack { level, to, ticket, comment } => {
                let level = level.name(&session.client)?;
                let address = Address::new(&["baselines", &level, "roll-back"]);
                let back = RollBack { to, ticket, comment };
                let made: Baseline = session.client.send(Method::POST, &address, &back)?;
                session.output.one(&made)
            }
        }
    }
}

impl Set {
    fn read(self, session: &Session) -> Result<(Address, NewBaseline), Failure> {
        let bytes = file::bytes(&self.file)?;
        let lines = String::from_utf8(bytes)
            .map_err(|error| Failure::FileContent { file: self.file.clone(), reason: error.to_string() })?;
        let level = self.level.name(&session.client)?;
        let new = NewBaseline {
            lines,
            mode: self.mode,
            check_every_seconds: self.check_every.map(Span::seconds),
            ticket: self.ticket,
            comment: self.comment,
            after: self.after,
        };
        Ok((Address::new(&["baselines", &level]), new))
    }

    fn dry_run(self, session: &mut Session) -> Result<(), Failure> {
        let level = self.level.name(&session.client)?;
        let (_, new) = self.read(session)?;
        let Session { client, output, .. } = session;
        let mut looked_at = 0;
        output.list(|each: &mut dyn FnMut(DryRunRow) -> Result<(), Failure>| {
            let mut after = None;
            loop {
                let address = Address::new(&["baselines", &level, "dry-run"]);
                let address = address.with("limit", 100).with_some("after", after);
                let run: DryRun = client.send(Method::POST, &address, &new)?;
                looked_at += run.looked_at;
                run.rows.into_iter().try_for_each(&mut *each)?;
                after = run.next;
                if after.is_none() {
                    return Ok(());
                }
            }
        })?;
        if output.form() == Form::Table {
            output.done(&format!("Looked at {looked_at} devices; nothing was changed."))?;
        }
        Ok(())
    }
}

/// A line that stands in one of two versions alone.
#[derive(serde::Serialize)]
struct Difference {
    change: &'static str,
    line: String,
}

fn differences(earlier: &str, later: &str) -> Vec<Difference> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (earlier, later) = (lines(earlier), lines(later));
    let gone = earlier.iter().filter(|line| !later.contains(line)).map(|line| ("-", line));
    let new = later.iter().filter(|line| !earlier.contains(line)).map(|line| ("+", line));
    let mut found: Vec<Difference> =
        gone.chain(new).map(|(change, line)| Difference { change, line: line.clone() }).collect();
    // What was and what is of one path stand together.
    found.sort_by_key(|one| one.line.split(' ').next().map(str::to_owned));
    found
}

impl Tabular for Difference {
    const COLUMNS: &'static [&'static str] = &["change", "line"];

    fn cells(&self) -> Vec<String> {
        vec![self.change.to_owned(), self.line.clone()]
    }
}

impl Tabular for Baseline {
    const COLUMNS: &'static [&'static str] = &[
        "level",
        "name",
        "version",
        "lines",
        "mode",
        "check_every",
        "ticket",
        "comment",
        "rolls_back_to",
        "by",
        "at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.level.clone(),
            self.name.clone(),
            self.version.to_string(),
            self.lines.lines().count().to_string(),
            self.mode.to_string(),
            format!("{} s", self.check_every_seconds),
            or_empty(self.ticket.as_ref()),
            self.comment.clone(),
            or_empty(self.rolls_back_to.as_ref()),
            self.by.clone(),
            or_empty(self.at.as_ref()),
        ]
    }

    fn blocks(&self) -> Vec<&str> {
        vec![&self.lines]
    }
}

impl Tabular for DryRunRow {
    const COLUMNS: &'static [&'static str] = &["endpoint", "line", "before", "wanted", "actual", "effect"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.endpoint.clone(),
            self.line.clone(),
            or_empty(self.before.as_ref()),
            or_empty(self.wanted.as_ref()),
            or_empty(self.actual.as_ref()),
            self.effect.to_string(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_and_what_is_stand_together() {
        let found = differences("/1/0/1 = 5\n/1/0/2 = 6\n", "/1/0/1 = 7\n/1/0/2 = 6\n/1/0/3 = 8\n");
        let told: Vec<String> = found.iter().map(|one| format!("{}{}", one.change, one.line)).collect();
        assert_eq!(told, ["-/1/0/1 = 5", "+/1/0/1 = 7", "+/1/0/3 = 8"]);
    }
}
