//! Baselines as people write them, a line each:
//!
//! ```text
//! # how long a registration lives
//! /1/0/1 = 86400
//! /3303/0/5700 ? pmin=10&pmax=60
//! /10/0/3 secret s3cret
//! /10/0/4 secret
//! ```
//!
//! A value is typed by the model of its resource. A secret without a value stays as it is in the version before.

use objects::{Attributes, DataType, Models, Path, Value};

use super::{Hidden, Line, LineKey, Want};

/// Why a text can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {reason}")]
pub struct TextError {
    /// Which line, from 1 on.
    pub number: usize,
    /// What is wrong with it, and what would do.
    pub reason: String,
}

/// Reads the lines of a baseline. `before` is the version before, whose secrets may stay; `salt` gives random bytes.
pub fn read_lines(
    text: &str,
    models: &Models<'_>,
    before: &[Line],
    mut salt: impl FnMut() -> [u8; 16],
) -> Result<Vec<Line>, TextError> {
    let mut lines = Vec::new();
    for (index, written) in text.lines().enumerate() {
        let written = written.trim_start().trim_end_matches('\r');
        if written.trim_end().is_empty() || written.starts_with('#') {
            continue;
        }
        let line = read(written, models, before, &mut salt);
        lines.push(line.map_err(|reason| TextError { number: index + 1, reason })?);
    }
    Ok(lines)
}

/// Writes the lines of a baseline so that [`read_lines`] reads them back; secrets without their values.
pub fn write_lines(lines: &[Line]) -> String {
    let mut text = String::new();
    for Line { path, want } in lines {
        let line = match want {
            Want::Value(value) => format!("{path} = {}\n", escaped(value)),
            Want::Secret(_) => format!("{path} secret\n"),
            Want::Attributes(attributes) => format!("{path} ? {}\n", attributes.to_queries().join("&")),
        };
        text.push_str(&line);
    }
    text
}

fn read(
    text: &str,
    models: &Models<'_>,
    before: &[Line],
    salt: &mut impl FnMut() -> [u8; 16],
) -> Result<Line, String> {
    let (path, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let path: Path = path.parse().map_err(|error: objects::PathError| format!("{path}: {error}"))?;
    let rest = rest.trim_start();
    if let Some(value) = rest.strip_prefix('=') {
        let value = typed(path, value.strip_prefix(' ').unwrap_or(value), models)?;
        return Ok(Line { path, want: Want::Value(value) });
    }
    if let Some(queries) = rest.strip_prefix('?') {
        return Ok(Line { path, want: Want::Attributes(attributes(queries.trim())?) });
    }
    if let Some(value) = rest.strip_prefix("secret") {
        return secret(path, value, models, before, salt);
    }
    Err("expected a value (/1/0/1 = 86400), attributes (/3303/0/5700 ? pmin=10 pmax=60) or a secret (/10/0/3 secret …)"
        .to_owned())
}

fn secret(
    path: Path,
    value: &str,
    models: &Models<'_>,
    before: &[Line],
    salt: &mut impl FnMut() -> [u8; 16],
) -> Result<Line, String> {
    let key = LineKey { path, attributes: false };
    let kept = before.iter().find(|line| line.key() == key).and_then(|line| match &line.want {
        Want::Secret(hidden) => Some(hidden),
        Want::Value(_) | Want::Attributes(_) => None,
    });
    if value.trim().is_empty() {
        let kept =
            kept.ok_or_else(|| format!("{path} has no secret yet: write it behind the word secret"))?;
        return Ok(Line { path, want: Want::Secret(kept.clone()) });
    }
    let value = typed(path, value.strip_prefix(' ').unwrap_or(value), models)?;
    // The same secret is not another one for being typed again.
    let hidden = match kept.filter(|kept| kept.value == value) {
        Some(kept) => kept.clone(),
        None => Hidden { value, salt: salt() },
    };
    Ok(Line { path, want: Want::Secret(hidden) })
}

fn attributes(queries: &str) -> Result<Attributes, String> {
    let parts =
        queries.split(|char: char| char == '&' || char.is_whitespace()).filter(|part| !part.is_empty());
    let (set, unset) = Attributes::parse_queries(parts).map_err(|error| error.to_string())?;
    match unset.first() {
        Some(attribute) => Err(format!("{attribute} needs a value, such as {attribute}=10")),
        None => Ok(set),
    }
}

fn typed(path: Path, text: &str, models: &Models<'_>) -> Result<Value, String> {
    let Some(model) = models.resource_at(&path) else {
        return Err(format!(
            "{path}: no definition of this resource is known here; upload that of its object first"
        ));
    };
    if !model.operations.write {
        return Err(format!("{path} ({}) can't be written", model.name));
    }
    if model.multiple != path.resource_instance().is_some() {
        let fitting = match model.multiple {
            true => format!("it has instances, so write to one, such as {path}/0"),
            false => "it has one value, so leave the last number out".to_owned(),
        };
        return Err(format!("{path} ({}): {fitting}", model.name));
    }
    let data_type = model.data_type.unwrap_or(DataType::String);
    let text = if data_type == DataType::String { unescaped(text) } else { text.to_owned() };
    Value::parse(data_type, &text).map_err(|error| format!("{path} ({}): {error}", model.name))
}

/// A text may hold what ends a line.
fn escaped(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r"),
        other => other.to_string(),
    }
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            (char, false) => plain.push(char),
        }
    }
    plain
}
