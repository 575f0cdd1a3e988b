//! JSON in ASCII where a terminal could be steered: the value is the same, written as an escape.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

use crate::cli::visible::is_hidden;

/// A value on a line.
pub(super) fn line<T: Serialize + ?Sized>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    bare(out, value)?;
    out.write_all(b"\n")
}

/// An array with a line a row.
#[derive(Default)]
pub(super) struct Array {
    begun: bool,
}

impl Array {
    pub(super) fn row<T: Serialize + ?Sized>(&mut self, out: &mut dyn Write, row: &T) -> io::Result<()> {
        out.write_all(if self.begun { b",\n" } else { b"[\n" })?;
        self.begun = true;
        bare(out, row)
    }

    pub(super) fn end(self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })
    }
}

fn bare<T: Serialize + ?Sized>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Visible)).map_err(io::Error::from)
}

/// RFC 8259 §7: any character may be escaped. serde_json does so with C0 alone.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_hidden) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let hidden = from.chars().next().into_iter();
            let mut units = [0; 2];
            for character in hidden {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                rest = &from[character.len_utf8()..];
            }
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_the_same_and_no_terminal_is_steered() {
        let hostile = "a\u{1b}[2J\u{9b}31m\u{7f}\u{202e}b\u{e0041}ü\"\\\r\n\u{1f321}";
        let mut out = Vec::new();
        line(&mut out, hostile).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"a\\u001b[2J\\u009b31m\\u007f\\u202eb\\udb40\\udc41ü\\\"\\\\\\r\\n\u{1f321}\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }

    #[test]
    fn an_array_has_a_line_a_row() {
        let mut out = Vec::new();
        let mut array = Array::default();
        array.row(&mut out, &1).unwrap();
        array.row(&mut out, &"x").unwrap();
        array.end(&mut out).unwrap();
        Array::default().end(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "[\n1,\n\"x\"\n]\n[]\n");
    }
}
