//! Values that a plan writes beside the account and the rights: a row each.

use std::collections::BTreeSet;

use objects::{DataType, Path, Registry, Value, Version};

use crate::{console::field, form::Fields};

/// One value.
pub(crate) struct WriteRow {
    pub(crate) number: usize,
    pub(crate) path: String,
    pub(crate) value: String,
    /// The data types, and which is chosen: none where a model says it.
    pub(crate) types: Vec<(&'static str, bool)>,
}

/// How many rows a form has that are still empty.
const EMPTY_ROWS: usize = 3;

/// The rows of what is written, and some that are empty.
pub(super) fn rows(writes: &[(Path, Value)]) -> Vec<WriteRow> {
    let known = writes
        .iter()
        .map(|(path, value)| (path.to_string(), field::typed(value), value.data_type().name().to_owned()));
    let empty = (0..EMPTY_ROWS).map(|_| Default::default());
    let row = |(number, (path, value, data_type)): (usize, (String, String, String))| {
        row(number, path, value, &data_type)
    };
    known.chain(empty).enumerate().map(row).collect()
}

/// The rows as they were typed.
pub(super) fn typed(fields: &Fields) -> Vec<WriteRow> {
    let text = |number: usize, part: &str| fields.text(&format!("writes.{number}.{part}")).to_owned();
    let row = |number| row(number, text(number, "path"), text(number, "value"), &text(number, "type"));
    numbers(fields).into_iter().map(row).collect()
}

/// What the rows say; those without a path are left out.
pub(super) fn read(fields: &Fields, registry: &Registry) -> Result<Vec<(Path, Value)>, Vec<String>> {
    let (mut writes, mut problems) = (Vec::new(), Vec::new());
    for number in numbers(fields) {
        let text = |part: &str| fields.text(&format!("writes.{number}.{part}"));
        let (path, value, data_type) = (text("path").trim(), text("value"), text("type"));
        if path.is_empty() && value.is_empty() {
            continue;
        }
        match write(path, value, data_type, registry) {
            Ok(write) => writes.push(write),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(writes) } else { Err(problems) }
}

fn write(path: &str, value: &str, data_type: &str, registry: &Registry) -> Result<(Path, Value), String> {
    let at: Path =
        path.parse().map_err(|_| format!("“{path}” is no path of a resource, such as /3/0/15."))?;
    let named = DataType::ALL.into_iter().find(|known| known.name() == data_type);
    let Some(data_type) = named.or_else(|| of_model(at, registry)) else {
        return Err(format!("No model knows {at}: choose its type."));
    };
    let value = field::parse(data_type, value).map_err(|problem| format!("{at}: {problem}"))?;
    Ok((at, value))
}

fn of_model(path: Path, registry: &Registry) -> Option<DataType> {
    let model = registry
        .object(path.object()?, Version::V1_1)
        .or_else(|| registry.object(path.object()?, Version::V1_0))?;
    model.resource(path.resource()?)?.data_type
}

fn row(number: usize, path: String, value: String, data_type: &str) -> WriteRow {
    let types = DataType::ALL.into_iter().map(|known| (known.name(), known.name() == data_type)).collect();
    WriteRow { number, path, value, types }
}

fn numbers(fields: &Fields) -> BTreeSet<usize> {
    let number = |name: &str| name.strip_prefix("writes.")?.strip_suffix(".path")?.parse().ok();
    fields.names().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_says_the_type_and_what_is_wrong_is_named() {
        let registry = Registry::core();
        let read = |path, value, data_type| {
            let texts = [("writes.4.path", path), ("writes.4.value", value), ("writes.4.type", data_type)];
            read(&Fields::of_texts(texts.into_iter()), &registry)
        };
        assert_eq!(read("/3/0/15", "Europe/Berlin", "").unwrap()[0].1, Value::String("Europe/Berlin".into()));
        assert_eq!(read("/26241/0/1", "0102", "Opaque").unwrap()[0].1, Value::Opaque(vec![1, 2]));
        assert_eq!(read("", "", ""), Ok(vec![]));
        for (path, value, data_type, expected) in [
            ("x", "1", "", "no path"),
            ("", "1", "", "no path"),
            ("/26241/0/1", "1", "", "choose its type"),
            ("/3/0/13", "never", "", "/3/0/13"),
        ] {
            let problems = read(path, value, data_type).unwrap_err();
            assert!(problems[0].contains(expected), "{problems:?}");
        }
    }

    #[test]
    fn values_can_be_sent_back_as_they_are_shown() {
        let registry = Registry::core();
        let writes = vec![
            ("/3/0/15".parse().unwrap(), Value::String("Europe/Berlin".into())),
            ("/26241/0/1".parse().unwrap(), Value::Opaque(vec![1, 2])),
            ("/3/0/13".parse().unwrap(), Value::Time(1_700_000_000)),
        ];
        let sent = rows(&writes).into_iter().flat_map(|row| {
            let name = |part: &str| format!("writes.{}.{part}", row.number);
            let chosen = row.types.iter().find(|(_, chosen)| *chosen).map_or("", |(name, _)| *name);
            [
                (name("path"), row.path.clone()),
                (name("value"), row.value.clone()),
                (name("type"), chosen.to_owned()),
            ]
        });
        assert_eq!(read(&Fields::of(sent), &registry), Ok(writes));
    }
}
