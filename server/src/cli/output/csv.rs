//! CSV (RFC 4180), with a line a row and nothing that a spreadsheet would compute.

use std::io::{self, Write};

use crate::cli::visible::visible;

/// A line of cells.
pub(super) fn line(out: &mut dyn Write, cells: &[impl AsRef<str>]) -> io::Result<()> {
    let cells: Vec<String> = cells.iter().map(|text| cell(text.as_ref())).collect();
    write!(out, "{}\r\n", cells.join(","))
}

/// A cell that begins like a formula would be one: an apostrophe in front makes it text (OWASP, CSV injection). A number
/// stays one.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let shown = visible(text);
    let text = if formula { format!("'{shown}") } else { shown };
    if text.contains(['"', ',', '\'']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_a_number_stays_one() {
        for text in ["=1+1", "+x", "-cmd", "@SUM(A1)"] {
            assert_eq!(cell(text), format!("\"'{text}\""));
        }
        assert_eq!(cell("\t=1"), "\"'\\t=1\"");
        for text in ["-1", "+1.5", "node-7", "温度計"] {
            assert_eq!(cell(text), text);
        }
    }

    #[test]
    fn a_row_is_a_line_whatever_it_holds() {
        let mut out = Vec::new();
        line(&mut out, &["a\r\nb", "x,\"y\"", "\u{1b}[2J"]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\\r\\nb,\"x,\"\"y\"\"\",\\u{1b}[2J\r\n");
    }
}
