//! Exports: a whole result, streamed page by page as CSV or as JSON lines.

use std::io;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::Stream;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Csv,
    NdJson,
}

/// One row: the cells in the order of the columns.
pub(crate) type Row = Vec<String>;

impl Form {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "ndjson" => Some(Self::NdJson),
            _ => None,
        }
    }

    /// The line of the columns' names, where there is one.
    pub(crate) fn head(self, columns: &[&str]) -> String {
        match self {
            Self::Csv => csv_line(columns.iter().copied()),
            Self::NdJson => String::new(),
        }
    }

    /// The line of a row.
    pub(crate) fn line(self, columns: &[&str], row: &Row) -> String {
        match self {
            Self::Csv => csv_line(row.iter().map(String::as_str)),
            Self::NdJson => {
                let object: serde_json::Map<String, serde_json::Value> = columns
                    .iter()
                    .zip(row)
                    .map(|(column, cell)| ((*column).to_owned(), serde_json::Value::from(cell.as_str())))
                    .collect();
                format!("{}\n", serde_json::Value::Object(object))
            }
        }
    }

    /// The answer that streams these lines as a file. `name` is ours, such as `muster-devices`.
    pub(crate) fn answer(
        self,
        name: &'static str,
        lines: impl Stream<Item = Result<String, io::Error>> + Send + 'static,
    ) -> Response {
        let (content_type, end) = match self {
            Self::Csv => ("text/csv; charset=utf-8", "csv"),
            Self::NdJson => ("application/x-ndjson", "ndjson"),
        };
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{end}\""))
            .expect("a name of ours fits into a header");
        let headers: [(HeaderName, HeaderValue); 2] = [
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (header::CONTENT_DISPOSITION, disposition),
        ];
        (headers, Body::from_stream(lines)).into_response()
    }
}

/// RFC 4180, and safe to open in a spreadsheet.
fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell that begins like a formula would be one to a spreadsheet: an apostrophe in front makes it text (OWASP, CSV
/// injection).
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r', '\'', '\t']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(cell(text), format!("\"'{text}\""));
        }
        assert_eq!(cell("node-7"), "node-7");
        assert_eq!(cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
    }

    #[test]
    fn a_row_is_a_line_in_either_form() {
        let row = vec!["a\nb".to_owned(), "=x".to_owned()];
        assert_eq!(Form::NdJson.line(&["one", "two"], &row), "{\"one\":\"a\\nb\",\"two\":\"=x\"}\n");
        assert_eq!(Form::Csv.head(&["one", "two"]), "one,two\r\n");
        assert_eq!(Form::Csv.line(&["one", "two"], &row), "\"a\nb\",\"'=x\"\r\n");
    }
}
