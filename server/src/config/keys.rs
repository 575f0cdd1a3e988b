//! The keys of the configuration file, with what they mean: the documentation, and the check for unknown ones.

use super::{ConfigError, error::line_of};

/// A key of the configuration file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name with the table before it.
    pub name: &'static str,
    /// Its default as it would be written, or an example where there is none.
    pub default: &'static str,
    /// Whether `default` is only an example.
    pub is_example: bool,
    /// What it means.
    pub meaning: &'static str,
}

/// Every key there is.
pub const KEYS: &[Key] = &[
    key(
        "profile",
        "\"lab\"",
        "What is allowed. `lab`: devices without security, on loopback. The only one yet.",
    ),
    key(
        "data_dir",
        "\"muster-data\"",
        "The folder for everything the server keeps. Made at start, for the owner alone.",
    ),
    key("coap.listen", "[\"127.0.0.1:5683\"]", "Addresses that devices reach the server at by plain CoAP."),
    key(
        "coap.follow_address_changes",
        "false",
        "Whether an Update from another address moves the registration there. Without security anybody can do that.",
    ),
    key(
        "coap.max_devices",
        "1000000",
        "How many devices the server knows at most, registered or not; one more is answered 5.03.",
    ),
    key(
        "coap.max_body_bytes",
        "1048576",
        "The largest body taken from or sent to a device, 1024 to 16777216.",
    ),
    key(
        "coap.block_size",
        "1024",
        "The largest block of a block-wise transfer: a power of two from 16 to 1024.",
    ),
    key(
        "console.listen",
        "\"127.0.0.1:8080\"",
        "The address of the console, /healthz, /readyz and /metrics.",
    ),
    Key {
        name: "models.folder",
        default: "\"models\"",
        is_example: true,
        meaning: "A folder of OMA object definitions (XML), read at start, and `version_history` below it.",
    },
    key("log.level", "\"info\"", "The lowest level logged: `error`, `warn`, `info` or `debug`."),
    key("log.format", "\"auto\"", "`text`, `json`, or `auto`: text on a terminal, JSON elsewhere."),
];

const fn key(name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { name, default, is_example: false, meaning }
}

/// The whole file with every key at its default: a place to start from.
pub fn documented() -> String {
    let mut text = String::from("# Every key of Muster's configuration, at its default.\n");
    let mut table = "";
    for key in KEYS {
        let (in_table, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if in_table != table {
            text.push_str(&format!("\n[{in_table}]\n"));
            table = in_table;
        }
        let comment = if key.is_example { "# " } else { "" };
        text.push_str(&format!("# {}\n{comment}{name} = {}\n", key.meaning, key.default));
    }
    text
}

/// Finds the first key that does not exist. Serde would find it too, but could not say what was meant.
pub(super) fn refuse_unknown(text: &str) -> Result<(), ConfigError> {
    let root = toml::de::DeTable::parse(text).map_err(|error| ConfigError::from_toml(text, &error))?;
    for (name, value) in root.get_ref() {
        let line = line_of(text, name.span().start);
        let written: &str = name.get_ref();
        let is_table =
            KEYS.iter().any(|key| key.name.split_once('.').is_some_and(|(table, _)| table == written));
        if !is_table && !KEYS.iter().any(|key| key.name == written) {
            return Err(unknown(line, written.to_owned()));
        }
        let Some(table) = value.get_ref().as_table().filter(|_| is_table) else { continue };
        for name_in_table in table.keys() {
            let full = format!("{written}.{}", name_in_table.get_ref());
            if !KEYS.iter().any(|key| key.name == full) {
                return Err(unknown(line_of(text, name_in_table.span().start), full));
            }
        }
    }
    Ok(())
}

fn unknown(line: usize, written: String) -> ConfigError {
    let tables = KEYS.iter().filter_map(|key| Some(key.name.split_once('.')?.0));
    let near = KEYS
        .iter()
        .map(|key| key.name)
        .chain(tables)
        .map(|name| (strsim::damerau_levenshtein(name, &written), name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let hint = near.map_or_else(
        || format!("the keys are {}", KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")),
        |(_, name)| format!("did you mean `{name}`?"),
    );
    ConfigError::UnknownKey { line, key: written, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_documented_file_is_the_default_configuration() {
        assert_eq!(Config::parse(&documented()).unwrap(), Config::default());
    }

    #[test]
    fn every_documented_key_is_a_key() {
        for key in KEYS {
            let (table, name) = key.name.split_once('.').unwrap_or(("", key.name));
            let table = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
            Config::parse(&format!("{table}{name} = {}\n", key.default)).unwrap();
        }
    }
}
