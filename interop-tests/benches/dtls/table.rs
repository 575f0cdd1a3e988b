//! The table of figures and limits.

use std::fmt;

/// Figures in rows; the first column is held against a limit.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    most: f64,
    figures: Vec<Option<f64>>,
}

impl Table {
    pub(crate) fn new(columns: impl Into<Vec<&'static str>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row, of which the first figure may be as much as `most`.
    pub(crate) fn row(&mut self, name: &'static str, most: f64, figures: impl Into<Vec<Option<f64>>>) {
        self.rows.push(Row { name, most, figures: figures.into() });
    }

    /// Whether all limits are kept.
    pub(crate) fn holds(&self) -> bool {
        self.rows.iter().all(Row::holds)
    }
}

impl Row {
    fn holds(&self) -> bool {
        self.figures.first().is_some_and(|figure| figure.is_some_and(|figure| figure <= self.most))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:44}", "")?;
        self.columns.iter().try_for_each(|column| write!(out, "{column:>12}"))?;
        writeln!(out, "{:>9}", "limit")?;
        for row in &self.rows {
            write!(out, "{:44}", row.name)?;
            for index in 0..self.columns.len() {
                match row.figures.get(index).copied().flatten() {
                    Some(figure) if row.most < 1.0 && row.most > 0.0 => write!(out, "{figure:12.3}")?,
                    Some(figure) => write!(out, "{figure:12.0}")?,
                    None => write!(out, "{:>12}", "-")?,
                }
            }
            writeln!(out, "{:9} {}", row.most, if row.holds() { "PASS" } else { "short" })?;
        }
        Ok(())
    }
}
