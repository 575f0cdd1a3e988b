//! What a command prints: as a table for people, as JSON or CSV for programs. Each form is an interface.
//!
//! JSON is what the API says: a list is one array, with a line a row; a stream is a line an event. CSV has all columns, a
//! line a row; a table leaves out those that are empty. In no form does a text of others steer the terminal.

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::failure::Failure;

mod csv;
mod json;
mod table;

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// What has rows.
pub(crate) trait Tabular: Serialize {
    /// The names of the columns.
    const COLUMNS: &'static [&'static str];

    /// The cells, as many as there are columns.
    fn cells(&self) -> Vec<String>;

    /// Texts of several lines that a table shows below one thing, so that they can be taken along: keys and certificates.
    fn blocks(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Where a command prints.
pub(crate) struct Output {
    form: Form,
    is_asked_for: bool,
    out: Box<dyn Write>,
}

impl Output {
    /// On stdout; if no form is asked for, a table on a terminal and JSON elsewhere.
    pub(crate) fn stdout(form: Option<Form>) -> Self {
        let out = io::stdout();
        let is_asked_for = form.is_some();
        let form = form.unwrap_or_else(|| if out.is_terminal() { Form::Table } else { Form::Json });
        Self { form, is_asked_for, out: Box::new(io::BufWriter::new(out)) }
    }

    /// Takes another form for the one that nobody has asked for.
    pub(crate) fn prefer(&mut self, form: Form) {
        if !self.is_asked_for {
            self.form = form;
        }
    }

    /// One thing: a line a column in a table.
    pub(crate) fn one<T: Tabular>(&mut self, thing: &T) -> Result<(), Failure> {
        let written = match self.form {
            Form::Table => table::one(&mut self.out, T::COLUMNS, &thing.cells(), &thing.blocks()),
            Form::Json => json::line(&mut self.out, thing),
            Form::Csv => {
                csv::line(&mut self.out, T::COLUMNS).and_then(|()| csv::line(&mut self.out, &thing.cells()))
            }
        };
        self.flushed(written)
    }

    /// A list; `each` hands its rows over as they come.
    pub(crate) fn list<T: Tabular, R>(
        &mut self,
        each: impl FnOnce(&mut dyn FnMut(T) -> Result<(), Failure>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let out = &mut self.out;
        let result = match self.form {
            Form::Table => {
                let mut rows = Vec::new();
                let result = each(&mut |row: T| {
                    rows.push(row.cells());
                    Ok(())
                })?;
                table::rows(out, T::COLUMNS, &rows).map_err(Failure::Stdout)?;
                result
            }
            Form::Json => {
                let mut array = json::Array::default();
                let result = each(&mut |row: T| array.row(out, &row).map_err(Failure::Stdout))?;
                array.end(out).map_err(Failure::Stdout)?;
                result
            }
            Form::Csv => {
                csv::line(out, T::COLUMNS).map_err(Failure::Stdout)?;
                each(&mut |row: T| csv::line(out, &row.cells()).map_err(Failure::Stdout))?
            }
        };
        self.flushed(Ok(()))?;
        Ok(result)
    }

    /// A list that is there.
    pub(crate) fn rows<T: Tabular>(&mut self, rows: Vec<T>) -> Result<(), Failure> {
        self.list(|each| rows.into_iter().try_for_each(each))
    }

    /// The head of a stream, where there is one.
    pub(crate) fn begin<T: Tabular>(&mut self) -> Result<(), Failure> {
        let written = match self.form {
            Form::Csv => csv::line(&mut self.out, T::COLUMNS),
            Form::Json | Form::Table => Ok(()),
        };
        self.flushed(written)
    }

    /// An entry of a stream: a line.
    pub(crate) fn entry<T: Tabular>(&mut self, entry: &T) -> Result<(), Failure> {
        let written = match self.form {
            Form::Table => table::entry(&mut self.out, &entry.cells()),
            Form::Json => json::line(&mut self.out, entry),
            Form::Csv => csv::line(&mut self.out, &entry.cells()),
        };
        self.flushed(written)
    }

    /// That it was done, which only people want to read.
    pub(crate) fn done(&mut self, what: &str) -> Result<(), Failure> {
        let written = match self.form {
            Form::Table => writeln!(self.out, "{}", super::visible::visible(what)),
            Form::Json | Form::Csv => Ok(()),
        };
        self.flushed(written)
    }

    /// Which form.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    fn flushed(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        written.and_then(|()| self.out.flush()).map_err(Failure::Stdout)
    }
}

/// Text of ours for people, whatever the form.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Stdout)
}

/// A cell that may be empty.
pub(crate) fn or_empty(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// A cell that is one or the other.
pub(crate) fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}
