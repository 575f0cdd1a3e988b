//! The device description format (DDF): the XML files in which OMA and others publish object definitions.
//!
//! Start with [`parse`]. It reads every file of the OMA registry that defines an object, and is lenient where those
//! need it: a byte order mark, a missing version (1.0), missing units, any order of elements, elements it does not
//! know, stray blanks. It is strict where a guess would do harm: an unknown data type, an id twice, a document type
//! declaration (none of the published files has one, and entities are how XML bombs are built).

use std::str;

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

use super::ObjectModel;

mod draft;
use draft::{Field, ObjectDraft};

mod error;
pub use error::{DdfError, Place};

/// Longest file that is read. The longest one published has 260 kB.
pub const MAX_DDF_BYTES: usize = 1024 * 1024;
/// Deepest nesting that is read. A definition needs five levels.
pub const MAX_DDF_DEPTH: usize = 16;
/// Most objects in one file. Published files have one each.
pub const MAX_DDF_OBJECTS: usize = 64;
/// Most resources of one object. The largest one published has about a hundred.
pub const MAX_DDF_RESOURCES: usize = 2048;
/// Longest text of one element, in bytes. The longest one published has 2.8 kB.
pub const MAX_DDF_TEXT: usize = 16 * 1024;

/// Reads every object that a definition file holds, in its order; at least one.
pub fn parse(xml: &[u8]) -> Result<Vec<ObjectModel>, DdfError> {
    if xml.len() > MAX_DDF_BYTES {
        return Err(DdfError::TooLong { len: xml.len(), max: MAX_DDF_BYTES });
    }
    let text = str::from_utf8(xml).map_err(|error| DdfError::NotUtf8 { offset: error.valid_up_to() })?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut document = Document::default();
    loop {
        let outcome = match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => document.take(event),
            Err(error) => Err(Fault::Syntax(error.to_string())),
        };
        if let Err(fault) = outcome {
            let read = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            return Err(fault.at(document.place(text, read)));
        }
    }
    if let Some(element) = document.open.last() {
        let reason = format!("the text ends within <{element}>");
        return Err(Fault::Syntax(reason).at(document.place(text, text.len())));
    }
    if document.models.is_empty() { Err(DdfError::NoObject) } else { Ok(document.models) }
}

/// What has been read so far.
#[derive(Default)]
struct Document {
    models: Vec<ObjectModel>,
    /// The elements that are open, cut to what a message needs.
    open: Vec<String>,
    /// How many of them, counted from the innermost, are of no interest.
    skipped: usize,
    object: Option<ObjectDraft>,
    text: String,
}

/// What is wrong, before it is known where.
pub(super) enum Fault {
    Syntax(String),
    Doctype,
    Entity(String),
    TooDeep,
    TextTooLong { element: String },
    Missing { element: &'static str },
    Invalid { element: &'static str, found: String, expected: &'static str },
    RepeatedResource,
    RepeatedObject,
    TooManyResources,
    TooManyObjects,
    Root(String),
}

impl Document {
    fn take(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(start) => self.open(&start),
            Event::Empty(start) => self.open(&start).and_then(|()| self.close()),
            Event::End(_) => self.close(),
            Event::Text(text) => self.append(&text),
            Event::CData(text) => self.append(&text),
            Event::GeneralRef(reference) => {
                let character = resolve(&reference)?;
                self.append(character.encode_utf8(&mut [0; 4]))
            }
            Event::DocType(_) => Err(Fault::Doctype),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        let level = self.open.len();
        if level >= MAX_DDF_DEPTH {
            return Err(Fault::TooDeep);
        }
        let name = start.local_name();
        let name = name.as_ref();
        let known = self.skipped == 0
            && match (level, name) {
                (0, "LWM2M") => true,
                (0, _) => return Err(Fault::Root(cut(name))),
                (1, "Object") => {
                    if self.models.len() >= MAX_DDF_OBJECTS {
                        return Err(Fault::TooManyObjects);
                    }
                    // Files of reusable resources use the same elements and define no object.
                    let defines =
                        attribute(start, "ObjectType")?.is_none_or(|kind| kind != "CommonResources");
                    self.object = defines.then(ObjectDraft::default);
                    defines
                }
                (2, "Resources") => true,
                (2, _) => Field::of_object(name).is_some(),
                (3, "Item") => match &mut self.object {
                    Some(object) if self.open[2] == "Resources" => {
                        object.open_item(attribute(start, "ID")?.as_deref())?;
                        true
                    }
                    _ => false,
                },
                (4, _) => Field::of_item(name).is_some() && self.open[2] == "Resources",
                _ => false,
            };
        if known {
            self.text.clear();
        } else {
            self.skipped += 1;
        }
        self.open.push(cut(name));
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(name) = self.open.pop() else { return Ok(()) };
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        let Some(object) = &mut self.object else { return Ok(()) };
        match self.open.len() {
            1 => {
                let model = self.object.take().map(ObjectDraft::finish).transpose()?;
                if self.models.iter().any(|other| {
                    model.as_ref().is_some_and(|model| (model.id, model.version) == (other.id, other.version))
                }) {
                    return Err(Fault::RepeatedObject);
                }
                self.models.extend(model);
            }
            2 => match Field::of_object(&name) {
                Some(field) => object.set(field, &text)?,
                None => return Ok(()),
            },
            3 => object.close_item()?,
            4 => match Field::of_item(&name) {
                Some(field) => object.set_of_item(field, &text)?,
                None => return Ok(()),
            },
            _ => {}
        }
        Ok(())
    }

    fn append(&mut self, text: &str) -> Result<(), Fault> {
        // Text counts in the fields alone: levels 2 and 4, whose elements are open at 3 and 5.
        if self.skipped > 0 || !matches!(self.open.len(), 3 | 5) {
            return Ok(());
        }
        if self.text.len() + text.len() > MAX_DDF_TEXT {
            return Err(Fault::TextTooLong { element: self.open.last().cloned().unwrap_or_default() });
        }
        self.text.push_str(text);
        Ok(())
    }

    fn place(&self, text: &str, read: usize) -> Place {
        let read = &text.as_bytes()[..read.min(text.len())];
        Place {
            line: 1 + read.iter().filter(|byte| **byte == b'\n').count(),
            object: self.object.as_ref().and_then(ObjectDraft::id),
            resource: self.object.as_ref().and_then(ObjectDraft::open_resource),
        }
    }
}

/// The five entities XML itself has, and character references. No file can define another.
fn resolve(reference: &BytesRef<'_>) -> Result<char, Fault> {
    let unknown = || Fault::Entity(cut(reference));
    match &**reference {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => reference.resolve_char_ref().ok().flatten().ok_or_else(unknown),
    }
}

/// The text of an attribute. The duplicate check would take quadratic time on an element full of attributes.
fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| Fault::Syntax(error.to_string()))?;
        if attribute.key.as_ref() == name {
            return Ok(Some(cut(&attribute.value)));
        }
    }
    Ok(None)
}

/// As much of a foreign text as a message shows.
fn cut(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

const MAX_SHOWN: usize = 64;

#[cfg(test)]
mod tests;
