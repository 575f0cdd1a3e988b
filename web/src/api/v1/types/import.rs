//! Imports of many devices.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Whether nothing was changed, whatever the rest says.
    pub dry_run: bool,
    /// How many rows there were.
    #[schema(example = 100)]
    pub rows: u64,
    /// How many devices were added.
    #[schema(example = 99)]
    pub added: u64,
    /// How many were there already, as the row has them.
    #[schema(example = 0)]
    pub unchanged: u64,
    /// What is wrong with the others: the first thousand of them.
    pub errors: Vec<ImportError>,
    /// How many rows are wrong.
    #[schema(example = 1)]
    pub errors_total: u64,
}

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportError {
    /// Its line in the file, from 1 on.
    #[schema(example = 7)]
    pub line: u64,
    /// What is wrong with it.
    #[schema(example = "an endpoint name is not empty")]
    pub reason: String,
}

impl From<fleet::ImportReport> for ImportReport {
    fn from(report: fleet::ImportReport) -> Self {
        let error = |error: fleet::RowError| ImportError { line: error.line, reason: error.reason };
        Self {
            dry_run: report.dry_run,
            rows: report.rows,
            added: report.added,
            unchanged: report.unchanged,
            errors: report.errors.into_iter().map(error).collect(),
            errors_total: report.errors_total,
        }
    }
}
