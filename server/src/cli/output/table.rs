//! Tables for people.

use std::io::{self, Write};

use crate::cli::visible::visible;

/// The longest cell of a list.
const MAX_CELL: usize = 100;

/// A list: a head and a line a row, two spaces between the columns. A column that no row has anything in is left out.
pub(super) fn rows(out: &mut dyn Write, columns: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let head: Vec<String> = columns.iter().map(|column| column.to_uppercase().replace('_', " ")).collect();
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| shortened(&visible(cell))).collect()).collect();
    // None for a column that is left out.
    let width = |at: usize| {
        let widest = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
        (widest != Some(0)).then(|| head[at].len().max(widest.unwrap_or(0)))
    };
    let widths: Vec<Option<usize>> = (0..columns.len()).map(width).collect();
    for row in std::iter::once(&head).chain(&rows) {
        let shown = row.iter().zip(&widths).filter_map(|(cell, width)| Some((cell, (*width)?)));
        let padded = shown.map(|(cell, width)| format!("{cell:<width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// One thing: a line a column, without those that are empty; then its blocks as they are.
pub(super) fn one(
    out: &mut dyn Write,
    columns: &[&str],
    cells: &[String],
    blocks: &[&str],
) -> io::Result<()> {
    let width = columns.iter().map(|column| column.len()).max().unwrap_or(0);
    for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        writeln!(out, "{:<width$}  {}", column.replace('_', " "), visible(cell))?;
    }
    for line in blocks.iter().flat_map(|block| block.lines()) {
        writeln!(out, "{}", visible(line))?;
    }
    Ok(())
}

/// An entry of a stream: nothing is aligned, for what follows is not known.
pub(super) fn entry(out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
    let cells: Vec<String> = cells.iter().filter(|cell| !cell.is_empty()).map(|cell| visible(cell)).collect();
    writeln!(out, "{}", cells.join("  "))
}

fn shortened(cell: &str) -> String {
    if cell.chars().count() <= MAX_CELL {
        return cell.to_owned();
    }
    cell.chars().take(MAX_CELL - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_is_a_line_whatever_it_holds() {
        let cells = [vec!["a\nb\u{1b}[2J".to_owned(), "1".to_owned()], vec!["ü".repeat(200), String::new()]];
        let text = printed(|out| rows(out, &["name", "count_of"], &cells));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("NAME ") && lines[0].ends_with("  COUNT OF"));
        assert!(lines[1].starts_with("a\\nb\\u{1b}[2J  ") && lines[1].ends_with("  1"));
        assert_eq!(lines[2].chars().count(), MAX_CELL);
    }

    #[test]
    fn a_column_without_anything_is_left_out() {
        let cells = [["a", "", ""], ["b", "", "c"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(printed(|out| rows(out, &["one", "two", "three"], &cells)), "ONE  THREE\na\nb    c\n");
        assert_eq!(printed(|out| rows(out, &["one", "two"], &[])), "ONE  TWO\n");
    }

    #[test]
    fn one_thing_is_a_line_a_column_without_the_empty_ones() {
        let text =
            printed(|out| one(out, &["id", "seen_at"], &["7".to_owned(), String::new()], &["a\n\u{1b}b\n"]));
        assert_eq!(text, "id       7\na\n\\u{1b}b\n");
    }
}
