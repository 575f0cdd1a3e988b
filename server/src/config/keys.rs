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

/// Where everything is kept. Who names nothing here does not mean the default.
pub(super) const PLACES: [&str; 2] = [DATA_DIR, DATABASE_URL];
const DATA_DIR: &str = "data_dir";
const DATABASE_URL: &str = "database.url";

/// Every key there is.
pub const KEYS: &[Key] = &[
    key(
        "profile",
        "\"production\"",
        "What is allowed. `production`: devices over DTLS alone. `lab`: on loopback also devices without security.",
    ),
    key(
        DATA_DIR,
        "\"muster-data\"",
        "The folder for everything the server keeps. Made at start, for the owner alone.",
    ),
    key(
        "public_host",
        "\"127.0.0.1\"",
        "The host name or address that devices are told and people are shown. Never an address to bind.",
    ),
    key("short_server_id", "123", "The Short Server ID that bootstrap gives this server, 1 to 65534."),
    Key {
        name: DATABASE_URL,
        default: "\"postgres://muster@db.example/muster?sslmode=verify-full\"",
        is_example: true,
        meaning: "PostgreSQL 14 or newer, in place of the SQLite file in `data_dir`. A password is better left to `.pgpass` or \
                  MUSTER_DATABASE_URL.",
    },
    key(
        "coaps.listen",
        "[\"0.0.0.0:5684\", \"[::]:5684\"]",
        "Addresses that devices are managed at over DTLS. `[::]` is IPv6 alone, and left out where there is none.",
    ),
    key(
        "coaps.bootstrap_listen",
        "[\"0.0.0.0:5784\", \"[::]:5784\"]",
        "Addresses that devices bootstrap at over DTLS. Empty: there is no bootstrap server.",
    ),
    Key {
        name: "coaps.certificate",
        default: "\"/etc/muster/devices.pem\"",
        is_example: true,
        meaning: "The certificate chain in PEM that devices know this server by, its own first (ECDSA P-256). Without it, one of the \
                  server's own authority, made at the first start.",
    },
    Key {
        name: "coaps.key",
        default: "\"/etc/muster/devices.key\"",
        is_example: true,
        meaning: "The private key of that certificate in PEM (PKCS#8). It is the server's raw public key, too.",
    },
    key("coaps.handshake_timeout_s", "60", "How long a handshake may take, in seconds, 1 to 600."),
    key("coaps.max_handshakes", "16384", "How many handshakes may be under way at one time."),
    key(
        "coaps.max_handshakes_per_prefix",
        "1024",
        "How many of them may come from one IPv4 /24 or IPv6 /56.",
    ),
    key(
        "coaps.max_sessions",
        "1000000",
        "How many DTLS sessions a listener keeps at most; each takes at most 320 bytes of memory.",
    ),
    Key {
        name: "coap.listen",
        default: "[\"127.0.0.1:5683\"]",
        is_example: true,
        meaning: "Loopback addresses for plain CoAP. Under `lab` this is the default; under `production` there are none.",
    },
    Key {
        name: "coap.bootstrap_listen",
        default: "[\"127.0.0.1:5783\"]",
        is_example: true,
        meaning: "Loopback addresses for bootstrap over plain CoAP, likewise.",
    },
    key(
        "coap.follow_address_changes",
        "false",
        "Whether an Update from another address moves a registration without security. Anybody could send it.",
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
        "[\"127.0.0.1:8080\"]",
        "The addresses of the console, /healthz, /readyz and /metrics.",
    ),
    key(
        "console.tls",
        "\"off\"",
        "`files`: the two below, read again when they change. `self-signed`: made at the first start. `off`: on loopback, or \
         behind a trusted proxy.",
    ),
    Key {
        name: "console.certificate",
        default: "\"/etc/muster/console.pem\"",
        is_example: true,
        meaning: "The certificate chain in PEM, the console's own first.",
    },
    Key {
        name: "console.key",
        default: "\"/etc/muster/console.key\"",
        is_example: true,
        meaning: "The private key of that certificate in PEM.",
    },
    key(
        "console.trusted_proxies",
        "[]",
        "Networks such as 10.0.0.0/8. Proxies there may speak plain HTTP, and their X-Forwarded-For and -Proto are believed.",
    ),
    Key {
        name: "console.public_url",
        default: "\"https://muster.example\"",
        is_example: true,
        meaning: "Where people reach the console, if that is not where it listens.",
    },
    Key {
        name: "models.folder",
        default: "\"models\"",
        is_example: true,
        meaning: "A folder of OMA object definitions (XML), read at start, and `version_history` below it.",
    },
    key(
        "artefacts.max_bytes",
        "67108864",
        "How many bytes an uploaded image or SUIT envelope has at most: 64 MiB.",
    ),
    Key {
        name: "downloads.coaps.listen",
        default: "[\"0.0.0.0:5685\", \"[::]:5685\"]",
        is_example: true,
        meaning: "Addresses that devices fetch packages from over DTLS, by their management credentials. Off unless it is given, \
                  as are all `downloads`.",
    },
    Key {
        name: "downloads.coaps.public_uri",
        default: "\"coaps://fw.example:5685\"",
        is_example: true,
        meaning: "Where devices reach it, if that is not `public_host` and the port above.",
    },
    Key {
        name: "downloads.coap.listen",
        default: "[\"0.0.0.0:5686\"]",
        is_example: true,
        meaning: "The same over plain CoAP, for devices whose class allows it: whoever is between can read the package.",
    },
    Key {
        name: "downloads.coap.public_uri",
        default: "\"coap://fw.example:5686\"",
        is_example: true,
        meaning: "Where devices reach that.",
    },
    Key {
        name: "downloads.https.listen",
        default: "[\"0.0.0.0:8443\", \"[::]:8443\"]",
        is_example: true,
        meaning: "The same over HTTPS. Who has the address, which nobody can guess, gets the package.",
    },
    Key {
        name: "downloads.https.public_uri",
        default: "\"https://fw.example:8443\"",
        is_example: true,
        meaning: "Where devices reach that.",
    },
    Key {
        name: "downloads.https.certificate",
        default: "\"/etc/muster/downloads.pem\"",
        is_example: true,
        meaning: "The certificate chain in PEM for HTTPS, its own first, read again when it changes. Without it, the one that devices \
                  know this server by.",
    },
    Key {
        name: "downloads.https.key",
        default: "\"/etc/muster/downloads.key\"",
        is_example: true,
        meaning: "The private key of that certificate in PEM.",
    },
    Key {
        name: "downloads.http.listen",
        default: "[\"0.0.0.0:8081\"]",
        is_example: true,
        meaning: "The same over plain HTTP, for devices whose class allows it.",
    },
    Key {
        name: "downloads.http.public_uri",
        default: "\"http://fw.example:8081\"",
        is_example: true,
        meaning: "Where devices reach that.",
    },
    key("log.level", "\"info\"", "The lowest level logged: `error`, `warn`, `info` or `debug`."),
    key("log.format", "\"auto\"", "`text`, `json`, or `auto`: text on a terminal, JSON elsewhere."),
];

const fn key(name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { name, default, is_example: false, meaning }
}

impl Key {
    /// The environment variable that overrules it.
    pub fn variable(&self) -> String {
        format!("MUSTER_{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

const PREFACE: &str = "\
# Every key of Muster's configuration, at its default.
#
# An environment variable overrules its key: MUSTER_DATA_DIR, MUSTER_PUBLIC_HOST, MUSTER_CONSOLE_LISTEN and so on, the
# parts of a list between commas. MUSTER_CONFIG names this file.
#
# The key that seals credentials never stands here: it is the file `seal.key` in the data folder, made at the first start,
# or 64 hexadecimal digits in MUSTER_KEY.

";

/// The whole file with every key at its default: a place to start from.
pub fn documented() -> String {
    let mut text = PREFACE.to_owned();
    let mut table = "";
    for key in KEYS {
        let (in_table, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
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
    refuse_unknown_in(text, "", root.get_ref())
}

fn refuse_unknown_in(text: &str, within: &str, table: &toml::de::DeTable<'_>) -> Result<(), ConfigError> {
    for (name, value) in table {
        let written = match within {
            "" => name.get_ref().to_string(),
            within => format!("{within}.{}", name.get_ref()),
        };
        let is_table = KEYS.iter().any(|key| is_within(key.name, &written));
        if !is_table && !KEYS.iter().any(|key| key.name == written) {
            return Err(unknown(line_of(text, name.span().start), written));
        }
        if let Some(table) = value.get_ref().as_table().filter(|_| is_table) {
            refuse_unknown_in(text, &written, table)?;
        }
    }
    Ok(())
}

/// Whether a key stands in a table, or in one within it.
fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

fn unknown(line: usize, written: String) -> ConfigError {
    let tables = KEYS.iter().filter_map(|key| Some(key.name.rsplit_once('.')?.0));
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
            let (table, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
            let table = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
            let rest = match key.name {
                "coap.listen" | "coap.bootstrap_listen" => "profile = \"lab\"\n",
                _ => "",
            };
            let others = match key.name {
                "console.certificate" => "tls = \"files\"\nkey = \"b\"\n",
                "console.key" => "tls = \"files\"\ncertificate = \"b\"\n",
                "coaps.certificate" => "key = \"b\"\n",
                "coaps.key" => "certificate = \"b\"\n",
                "downloads.https.certificate" => "listen = \"[::1]:1\"\nkey = \"b\"\n",
                "downloads.https.key" => "listen = \"[::1]:1\"\ncertificate = \"b\"\n",
                name if name.ends_with(".public_uri") => "listen = \"[::1]:1\"\n",
                _ => "",
            };
            Config::parse(&format!("{rest}{table}{name} = {}\n{others}", key.default)).unwrap();
        }
    }

    #[test]
    fn no_two_keys_share_a_variable() {
        let names: std::collections::BTreeSet<String> = KEYS.iter().map(Key::variable).collect();
        assert_eq!(names.len(), KEYS.len());
        assert!(names.contains("MUSTER_DATA_DIR") && names.contains("MUSTER_CONSOLE_LISTEN"));
    }
}
