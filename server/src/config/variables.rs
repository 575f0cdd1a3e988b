//! Environment variables that overrule single keys, for containers.
//!
//! The variable of `console.listen` is `MUSTER_CONSOLE_LISTEN`. A text stands bare, the parts of a list between commas;
//! everything else is written as in the file. An empty variable is none, but for those that say where everything is kept: a server
//! whose secret was not filled in must not begin with another database.

use serde::Deserialize;
use toml::{Table, Value};

use super::{Config, ConfigError, KEYS, Key, keys::PLACES};

/// Puts what the variables say into a table.
pub(super) fn overrule(
    table: &mut Table,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    for key in KEYS {
        let name = key.variable();
        let counts = |text: &String| !text.is_empty() || PLACES.contains(&key.name);
        let Some(text) = variable(&name).filter(counts) else { continue };
        let wrong = |reason: String| ConfigError::Variable { name: name.clone(), reason };
        let value = value(key, &text).map_err(|error| wrong(error.message().to_owned()))?;
        let mut alone = Table::new();
        put(&mut alone, key, value.clone());
        Config::deserialize(alone).map_err(|error| wrong(error.message().to_owned()))?;
        put(table, key, value);
    }
    Ok(())
}

fn value(key: &Key, text: &str) -> Result<Value, toml::de::Error> {
    let written =
        || toml::from_str::<Table>(&format!("value = {text}")).map(|mut table| table.remove("value"));
    let bare = |text: &str| Value::String(text.to_owned());
    Ok(match key.default.bytes().next() {
        Some(b'"') => bare(text),
        // `[]` is a list as in a file, `[::]:5684` the one address in it.
        Some(b'[') => match written() {
            Ok(Some(list @ Value::Array(_))) => list,
            _ => Value::Array(text.split(',').map(|part| bare(part.trim())).collect()),
        },
        _ => written()?.unwrap_or_else(|| bare(text)),
    })
}

fn put(table: &mut Table, key: &Key, value: Value) {
    let (inner, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
    let mut table = table;
    for inner in inner.split('.').filter(|inner| !inner.is_empty()) {
        let inner = table.entry(inner).or_insert_with(|| Value::Table(Table::new()));
        // What is no table was refused when the file was read.
        let Value::Table(inner) = inner else { return };
        table = inner;
    }
    table.insert(name.to_owned(), value);
}
