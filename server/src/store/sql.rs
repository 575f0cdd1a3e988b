//! Statements written by hand, for what entities can't say. Parameters are `$1`, `$2`, …, which SQLite and PostgreSQL
//! both take; text of others only ever gets in as a parameter.

use std::fmt::Write as _;

use sea_orm::{DbBackend, Statement, Value};

/// How many parameters a statement has at most. SQLite takes 32 766, PostgreSQL 65 535.
const MAX_PARAMETERS: usize = 32_000;

/// A statement and its parameters.
#[derive(Debug, Default)]
pub(super) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds text.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Adds one parameter.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        let number = self.values.len();
        write!(self.text, "${number}").expect("writing to a string does not fail");
        self
    }

    /// Adds `(VALUES (…), …)`, whose columns are called `column1`, `column2`, ….
    pub(super) fn rows<const N: usize>(mut self, rows: impl IntoIterator<Item = [Value; N]>) -> Self {
        self.text.push_str("(VALUES ");
        for (index, row) in rows.into_iter().enumerate() {
            self.text.push_str(if index == 0 { "(" } else { ", (" });
            for (column, value) in row.into_iter().enumerate() {
                self = if column == 0 { self } else { self.text(", ") }.bind(value);
            }
            self.text.push(')');
        }
        self.text.push(')');
        self
    }

    /// Adds `($n, …)`.
    pub(super) fn list<T: Into<Value>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.text.push('(');
        for (index, value) in values.into_iter().enumerate() {
            self = if index == 0 { self } else { self.text(", ") }.bind(value);
        }
        self.text.push(')');
        self
    }

    pub(super) fn statement(self, backend: DbBackend) -> Statement {
        Statement::from_sql_and_values(backend, self.text, self.values)
    }
}

/// How many rows of `columns` go into one statement.
pub(super) const fn chunk(columns: usize) -> usize {
    MAX_PARAMETERS / columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_and_never_part_of_the_text() {
        let sql = Sql::new("SELECT * FROM ")
            .rows([[1.into(), "'".into()], [2.into(), "b".into()]])
            .text(" AS k WHERE a = ")
            .bind(3);
        let statement = sql.statement(DbBackend::Sqlite);
        assert_eq!(statement.sql, "SELECT * FROM (VALUES ($1, $2), ($3, $4)) AS k WHERE a = $5");
        assert_eq!(statement.values.unwrap().0, [1.into(), "'".into(), 2.into(), "b".into(), 3.into()]);
    }
}
