//! Configuration: one strict TOML file, every key optional and documented in [`KEYS`].
//!
//! Start with [`Config::load`]. An unknown key or a value of a wrong form is an error that names the line and, where one
//! is near, the key that was probably meant. Each key can be given by an environment variable instead, which overrules
//! the file. Everything is checked before any port is bound. Secrets are no keys: see `seal`.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::store::Database;

mod address;
pub use address::{AddressError, Addresses, Network, PublicHost, PublicUrl};

mod artefacts;
pub use artefacts::ArtefactsConfig;

mod coap;
pub use coap::{BlockSize, CoapConfig, CoapsConfig};

mod console;
pub use console::{ConsoleConfig, ConsoleTls};

mod database;
pub use database::DatabaseConfig;

mod downloads;
pub use downloads::{DoorConfig, DownloadUri, DownloadsConfig, HttpsDoorConfig};

mod error;
pub use error::ConfigError;

mod keys;
pub use keys::{KEYS, Key, documented};

mod rules;
pub use rules::ConfigWarning;

mod variables;

/// What the server runs with. The default is the production profile's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is allowed.
    pub profile: Profile,
    /// The folder for everything that is not in a database elsewhere.
    pub data_dir: DataDir,
    /// Where the database is, if not in that folder.
    pub database: DatabaseConfig,
    /// The host that devices and people are told. Never a bind address.
    pub public_host: PublicHost,
    /// The number by which devices know this server.
    pub short_server_id: ShortServerId,
    /// Devices, over CoAP and DTLS.
    pub coaps: CoapsConfig,
    /// Devices, over plain CoAP: the lab profile only.
    pub coap: CoapConfig,
    /// People, over HTTP.
    pub console: ConsoleConfig,
    /// Object definitions.
    pub models: ModelsConfig,
    /// The firmware and software that devices are given.
    pub artefacts: ArtefactsConfig,
    /// Where devices fetch it from.
    pub downloads: DownloadsConfig,
    /// The log.
    pub log: LogConfig,
}

/// The name of the database in the data folder.
pub(crate) const DATABASE_FILE: &str = "muster.db";

/// How strict the server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Devices without security are served, too. For trying out, on loopback.
    Lab,
    /// Devices are served over DTLS alone.
    #[default]
    Production,
}

/// The folder for everything the server keeps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PathBuf")]
pub struct DataDir(pub PathBuf);

impl TryFrom<PathBuf> for DataDir {
    type Error = &'static str;

    fn try_from(path: PathBuf) -> Result<Self, Self::Error> {
        if path.as_os_str().is_empty() { Err("must name a folder") } else { Ok(Self(path)) }
    }
}

/// A Short Server ID: 1 to 65534 (OMA LwM2M 1.1 Core, E.2: 0 and 65535 name no server).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u16")]
pub struct ShortServerId(u16);

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

impl Config {
    /// The lab profile, everything else at its default.
    pub fn lab() -> Self {
        Self { profile: Profile::Lab, coap: CoapConfig::lab(), ..Self::default() }
    }

    /// Reads a file, or the defaults where none is named; then the variables, such as `MUSTER_DATA_DIR`, that
    /// `variable` knows.
    pub fn load(file: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let Some(file) = file else { return Self::read("", &variable) };
        let text = std::fs::read_to_string(file)
            .map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
        Self::read(&text, &variable).map_err(|error| match error {
            ConfigError::Variable { .. } => error,
            error => error.in_file(file),
        })
    }

    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::read(text, &|_| None)
    }

    /// The database.
    pub fn database(&self) -> Database {
        self.database.url.clone().map_or_else(|| self.database_file().into(), Database::Postgres)
    }

    /// The file that is the database if no other is named.
    pub fn database_file(&self) -> PathBuf {
        self.data_dir.0.join(DATABASE_FILE)
    }

    /// What is allowed but likely not meant.
    pub fn warnings(&self) -> Vec<ConfigWarning> {
        rules::warnings(self)
    }

    fn read(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        keys::refuse_unknown(text)?;
        // Read on its own first: only an error in a text has a line.
        let _: Self = toml::from_str(text).map_err(|error| ConfigError::from_toml(text, &error))?;
        let mut table: toml::Table =
            toml::from_str(text).map_err(|error| ConfigError::from_toml(text, &error))?;
        variables::overrule(&mut table, variable)?;
        let config = Self::from_table(table).map_err(|error| ConfigError::from_toml(text, &error))?;
        rules::check(&config)?;
        Ok(config)
    }

    fn from_table(table: toml::Table) -> Result<Self, toml::de::Error> {
        let is_written = |key| table.get("coap").is_some_and(|coap| coap.get(key).is_some());
        let (listen, bootstrap) = (is_written("listen"), is_written("bootstrap_listen"));
        let mut config = Self::deserialize(table)?;
        // Without security nothing listens by default, except in the lab.
        if config.profile == Profile::Lab {
            let lab = CoapConfig::lab();
            if !listen {
                config.coap.listen = lab.listen;
            }
            if !bootstrap {
                config.coap.bootstrap_listen = lab.bootstrap_listen;
            }
        }
        Ok(config)
    }
}

impl ShortServerId {
    /// As a number.
    pub fn number(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for ShortServerId {
    type Error = &'static str;

    fn try_from(number: u16) -> Result<Self, Self::Error> {
        match number {
            1..=65_534 => Ok(Self(number)),
            _ => Err("expected a number from 1 to 65534"),
        }
    }
}

impl Default for ShortServerId {
    fn default() -> Self {
        Self(123)
    }
}

impl Default for DataDir {
    fn default() -> Self {
        Self(PathBuf::from("muster-data"))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lab => "lab",
            Self::Production => "production",
        })
    }
}

#[cfg(test)]
mod tests;
