//! Configuration: one strict TOML file, every key optional and documented in [`KEYS`].
//!
//! Start with [`Config::load`]. An unknown key or a value of a wrong form is an error that names the line and, where one
//! is near, the key that was probably meant. Everything is checked before any port is bound.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

mod error;
pub use error::ConfigError;

mod keys;
pub use keys::{KEYS, Key, documented};

/// What the server runs with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is allowed.
    pub profile: Profile,
    /// Where the database lies.
    pub data_dir: DataDir,
    /// Devices, over plain CoAP.
    pub coap: CoapConfig,
    /// People, over HTTP.
    pub console: ConsoleConfig,
    /// Object definitions.
    pub models: ModelsConfig,
    /// The log.
    pub log: LogConfig,
}

/// How strict the server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Devices without security are served. For trying out, on loopback.
    #[default]
    Lab,
}

/// The folder for everything the server keeps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct DataDir(pub PathBuf);

/// Where and how devices are served over CoAP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoapConfig {
    /// The addresses devices reach the server at, without security.
    pub listen: Vec<SocketAddr>,
    /// Whether an Update from another address moves the registration there.
    pub follow_address_changes: bool,
    /// How many devices the server takes at most.
    pub max_devices: u32,
    /// The largest body taken from or sent to a device, in bytes.
    pub max_body_bytes: u32,
    /// The largest block offered in a block-wise transfer.
    pub block_size: BlockSize,
}

/// Where people are served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    /// The address of the console. Only loopback until the console speaks TLS.
    pub listen: SocketAddr,
}

/// Where object definitions come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsConfig {
    /// A folder of OMA definition files (XML), read at start, below it `version_history`.
    pub folder: Option<PathBuf>,
}

/// What is logged and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// The lowest level logged.
    pub level: LogLevel,
    /// The form of the lines.
    pub format: LogFormat,
}

/// The lowest level logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Every message on the wire, without payloads.
    Debug,
    /// Only what needs a person.
    Error,
    /// What happens to devices and what people do.
    #[default]
    Info,
    /// What is out of the ordinary.
    Warn,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// A block size of RFC 7959 §2.2: a power of two from 16 to 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct BlockSize(u16);

impl Config {
    /// Reads a file, or the defaults where none is named.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(file)
            .map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
        Self::parse(&text).map_err(|error| error.in_file(file))
    }

    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        keys::refuse_unknown(text)?;
        let config: Self = toml::from_str(text).map_err(|error| ConfigError::from_toml(text, &error))?;
        config.check()?;
        Ok(config)
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.data_dir.0.join("muster.db")
    }

    // What no single key can tell.
    fn check(&self) -> Result<(), ConfigError> {
        if self.coap.listen.is_empty() {
            return Err(ConfigError::Rule { key: "coap.listen", reason: "needs at least one address" });
        }
        if self.coap.listen.len() > MAX_LISTENERS {
            return Err(ConfigError::Rule { key: "coap.listen", reason: "takes at most 16 addresses" });
        }
        if !self.coap.listen.iter().all(|address| address.ip().is_loopback()) {
            return Err(ConfigError::Rule {
                key: "coap.listen",
                reason: "takes loopback addresses only: devices have no security under the lab profile",
            });
        }
        if !self.console.listen.ip().is_loopback() {
            return Err(ConfigError::Rule {
                key: "console.listen",
                reason: "must be a loopback address: the console does not speak TLS; reach it through a tunnel",
            });
        }
        let listen = &self.coap.listen;
        let again =
            |address: &SocketAddr| address.port() != 0 && listen.iter().filter(|a| *a == address).count() > 1;
        if listen.iter().any(again) {
            return Err(ConfigError::Rule { key: "coap.listen", reason: "names an address twice" });
        }
        if self.data_dir.0.as_os_str().is_empty() {
            return Err(ConfigError::Rule { key: "data_dir", reason: "must name a folder" });
        }
        if !(1_024..=16 * 1_048_576).contains(&self.coap.max_body_bytes) {
            return Err(ConfigError::Rule { key: "coap.max_body_bytes", reason: "must be 1024 to 16777216" });
        }
        if self.coap.max_devices == 0 {
            return Err(ConfigError::Rule { key: "coap.max_devices", reason: "must be at least 1" });
        }
        Ok(())
    }
}

impl BlockSize {
    /// In bytes.
    pub fn bytes(self) -> u16 {
        self.0
    }
}

const MAX_LISTENERS: usize = 16;

impl TryFrom<u32> for BlockSize {
    type Error = &'static str;

    fn try_from(bytes: u32) -> Result<Self, Self::Error> {
        match u16::try_from(bytes) {
            Ok(bytes @ (16 | 32 | 64 | 128 | 256 | 512 | 1024)) => Ok(Self(bytes)),
            _ => Err("expected a power of two from 16 to 1024"),
        }
    }
}

impl Default for DataDir {
    fn default() -> Self {
        Self(PathBuf::from("muster-data"))
    }
}

impl Default for CoapConfig {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 5683))],
            follow_address_changes: false,
            max_devices: 1_000_000,
            max_body_bytes: 1_048_576,
            block_size: BlockSize(1024),
        }
    }
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lab => "lab",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_configured_is_the_lab_on_loopback() {
        let config = Config::parse("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.profile, Profile::Lab);
        assert!(config.coap.listen.iter().all(|address| address.ip().is_loopback()));
        assert!(config.console.listen.ip().is_loopback());
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_key_that_was_meant() {
        let error = Config::parse("[coap]\nlisten = [\"127.0.0.1:0\"]\nmax_device = 3\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 3: there is no key `coap.max_device`; did you mean `coap.max_devices`?"
        );
        let error = Config::parse("[consoel]\n").unwrap_err();
        assert_eq!(error.to_string(), "line 1: there is no key `consoel`; did you mean `console`?");
        let error = Config::parse("zzzzzzzz = 1\n").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("line 1: there is no key `zzzzzzzz`; the keys are profile, data_dir")
        );
    }

    #[test]
    fn a_wrong_form_names_its_line_and_what_was_expected() {
        let error = Config::parse("\n[coap]\nblock_size = 100\n").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("power of two from 16 to 1024"), "{error}");
        let error = Config::parse("profile = \"labor\"\n").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("lab"), "{error}");
        let error = Config::parse("[coap\n").unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }

    #[test]
    fn addresses_beyond_loopback_are_refused_while_there_is_no_security() {
        for text in ["[coap]\nlisten = [\"0.0.0.0:5683\"]", "[console]\nlisten = \"[::]:8080\""] {
            assert!(matches!(Config::parse(text), Err(ConfigError::Rule { .. })), "{text}");
        }
    }
}
