//! Link text cut into links, and put together again. What the links mean is said elsewhere.

use std::{fmt, str};

use super::{Link, LinkAttribute, LinkError, MAX_LINK_ATTRIBUTES, MAX_LINK_BYTES, MAX_LINKS};

/// The text of links, if it is one and not too long.
pub(super) fn text(bytes: &[u8]) -> Result<&str, LinkError> {
    if bytes.len() > MAX_LINK_BYTES {
        return Err(LinkError::TooLong { len: bytes.len(), max: MAX_LINK_BYTES });
    }
    let text = str::from_utf8(bytes).map_err(|error| LinkError::NotUtf8 { offset: error.valid_up_to() })?;
    match text.char_indices().find(|(_, c)| c.is_control() && !BLANKS.contains(c)) {
        Some((offset, _)) => Err(LinkError::ControlCharacter { offset }),
        None => Ok(text),
    }
}

/// Cuts text into links. An offset in an error counts from `text`.
pub(super) fn links(text: &str) -> Result<Vec<Link>, LinkError> {
    let mut cursor = Cursor { text, offset: 0 };
    let mut links = Vec::new();
    loop {
        cursor.skip_blanks();
        match cursor.peek() {
            None => return Ok(links),
            Some(',') => cursor.offset += 1,
            Some('<') => {
                if links.len() == MAX_LINKS {
                    return Err(LinkError::TooManyLinks { max: MAX_LINKS });
                }
                links.push(cursor.link()?);
            }
            Some(_) => return Err(cursor.expected("`<`")),
        }
    }
}

/// Prints attributes as they follow a target, each with its semicolon.
pub(super) fn write_attributes(f: &mut fmt::Formatter<'_>, attributes: &[LinkAttribute]) -> fmt::Result {
    attributes.iter().try_for_each(|(name, value)| match value {
        Some(value) => write_attribute(f, name, value),
        None => write!(f, ";{name}"),
    })
}

/// Prints one attribute, its value in quotes only if it needs them.
pub(super) fn write_attribute(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    // ptoken of RFC 6690 §2
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\');
    if !value.is_empty() && value.bytes().all(plain) {
        return write!(f, ";{name}={value}");
    }
    write!(f, ";{name}=\"")?;
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}

struct Cursor<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// At a `<`: a link up to the comma behind it, or the end.
    fn link(&mut self) -> Result<Link, LinkError> {
        let start = self.offset;
        let Some(len) = self.rest().find('>') else {
            return Err(LinkError::Unterminated { part: "a target", offset: start });
        };
        let target = self.rest()[1..len].trim_matches(BLANKS).to_owned();
        self.offset += len + 1;
        let mut attributes = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                None | Some(',') => return Ok(Link { target, attributes }),
                Some(';') => {
                    self.offset += 1;
                    let offset = self.offset;
                    if let Some(attribute) = self.attribute()? {
                        if attributes.len() == MAX_LINK_ATTRIBUTES {
                            return Err(LinkError::TooManyAttributes { offset, max: MAX_LINK_ATTRIBUTES });
                        }
                        attributes.push(attribute);
                    }
                }
                Some(_) => return Err(self.expected("`;` or `,`")),
            }
        }
    }

    /// Behind a `;`: an attribute, or nothing.
    fn attribute(&mut self) -> Result<Option<LinkAttribute>, LinkError> {
        self.skip_blanks();
        let offset = self.offset;
        let name = self.take_until(&['=', ';', ',']).trim_end_matches(BLANKS);
        let has_value = self.peek() == Some('=');
        if name.is_empty() && !has_value {
            return Ok(None);
        }
        let allowed = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'<' | b'>');
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(LinkError::Name { offset });
        }
        if !has_value {
            return Ok(Some((name.to_owned(), None)));
        }
        self.offset += 1;
        self.skip_blanks();
        let value = match self.peek() {
            Some('"') => self.quoted()?,
            _ => self.take_until(&[';', ',']).trim_end_matches(BLANKS).to_owned(),
        };
        Ok(Some((name.to_owned(), Some(value))))
    }

    /// At a quote: the text up to the next one, where a backslash takes the next character as it is.
    fn quoted(&mut self) -> Result<String, LinkError> {
        let start = self.offset;
        let mut value = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.offset += at + 1;
                    return Ok(value);
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                c => value.push(c),
            }
        }
        Err(LinkError::Unterminated { part: "a quoted value", offset: start })
    }

    fn take_until(&mut self, ends: &[char]) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.offset += taken.len();
        taken
    }

    fn skip_blanks(&mut self) {
        self.offset = self.text.len() - self.rest().trim_start_matches(BLANKS).len();
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    fn expected(&self, expected: &'static str) -> LinkError {
        LinkError::Expected { expected, offset: self.offset }
    }
}

/// What may stand between the parts of a link.
pub(super) const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];
