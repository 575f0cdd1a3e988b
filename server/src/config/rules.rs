//! What no single key can tell: the rules between keys, and what is allowed but likely not meant.

use std::{fmt, net::SocketAddr};

use super::{
    Addresses, Config, ConfigError, ConsoleConfig, ConsoleTls, DownloadsConfig, Profile, PublicHost,
};
use crate::PostgresUrl;

/// Something that is allowed but likely not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigWarning {
    /// Devices elsewhere are told to go to themselves.
    PublicHostIsLoopback(PublicHost),
    /// Whoever is between can read and change what the database is told.
    UnverifiedDatabase(PostgresUrl),
}

const MAX_LISTENERS: usize = 16;

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    listeners(config)?;
    profile(config)?;
    bounds(config)?;
    downloads(&config.downloads)?;
    console(&config.console)
}

pub(super) fn warnings(config: &Config) -> Vec<ConfigWarning> {
    let coaps = &config.coaps;
    let beyond = coaps.listen.iter().chain(coaps.bootstrap_listen.iter()).any(|at| !at.ip().is_loopback());
    let mut warnings = Vec::new();
    if beyond && config.public_host.is_loopback() {
        warnings.push(ConfigWarning::PublicHostIsLoopback(config.public_host.clone()));
    }
    if let Some(url) = config.database.url.as_ref().filter(|url| !url.is_verified_or_local()) {
        warnings.push(ConfigWarning::UnverifiedDatabase(url.clone()));
    }
    warnings
}

fn listeners(config: &Config) -> Result<(), ConfigError> {
    let datagrams = [
        ("coaps.listen", &config.coaps.listen),
        ("coaps.bootstrap_listen", &config.coaps.bootstrap_listen),
        ("coap.listen", &config.coap.listen),
        ("coap.bootstrap_listen", &config.coap.bootstrap_listen),
        ("downloads.coaps.listen", &config.downloads.coaps.listen),
        ("downloads.coap.listen", &config.downloads.coap.listen),
    ];
    apart(&datagrams)?;
    apart(&[
        ("console.listen", &config.console.listen),
        ("downloads.https.listen", &config.downloads.https.listen),
        ("downloads.http.listen", &config.downloads.http.listen),
    ])
}

fn downloads(downloads: &DownloadsConfig) -> Result<(), ConfigError> {
    let DownloadsConfig { coaps, coap, https, http } = downloads;
    for (key, scheme, listen, uri) in [
        ("downloads.coaps.public_uri", "coaps", &coaps.listen, &coaps.public_uri),
        ("downloads.coap.public_uri", "coap", &coap.listen, &coap.public_uri),
        ("downloads.https.public_uri", "https", &https.listen, &https.public_uri),
        ("downloads.http.public_uri", "http", &http.listen, &http.public_uri),
    ] {
        let Some(uri) = uri else { continue };
        rule(uri.scheme() == scheme, key, "must begin with the scheme of its table")?;
        rule(
            !listen.is_empty(),
            key,
            "is of no use while nothing listens: name addresses in `listen` beside it",
        )?;
    }
    for (key, file, other) in [
        ("downloads.https.certificate", &https.certificate, &https.key),
        ("downloads.https.key", &https.key, &https.certificate),
    ] {
        rule(file.is_some() || other.is_none(), key, "is missing: a certificate and its key go together")?;
        rule(
            file.is_none() || !https.listen.is_empty(),
            key,
            "is of no use without `downloads.https.listen`",
        )?;
    }
    Ok(())
}

// No two listeners of one protocol may want the same port of the same address.
fn apart(lists: &[(&'static str, &Addresses)]) -> Result<(), ConfigError> {
    let mut taken: Vec<SocketAddr> = Vec::new();
    for (key, list) in lists {
        rule(list.len() <= MAX_LISTENERS, key, "takes at most 16 addresses")?;
        for address in list.iter() {
            rule(
                !taken.iter().any(|other| clash(*other, *address)),
                key,
                "names an address that is listened at already",
            )?;
            taken.push(*address);
        }
    }
    Ok(())
}

fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let anywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0
        && one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (anywhere || one.ip() == other.ip())
}

fn profile(config: &Config) -> Result<(), ConfigError> {
    let plain =
        [("coap.listen", &config.coap.listen), ("coap.bootstrap_listen", &config.coap.bootstrap_listen)];
    for (key, list) in plain {
        match config.profile {
            Profile::Lab => rule(
                list.iter().all(|address| address.ip().is_loopback()),
                key,
                "takes loopback addresses only: devices that speak plain CoAP have no security",
            )?,
            Profile::Production => rule(
                list.is_empty(),
                key,
                "must be empty under the production profile: plain CoAP has no security. Devices with a key are \
                 served at `coaps.listen`; to try things out on loopback, set `profile = \"lab\"`",
            )?,
        }
    }
    match config.profile {
        Profile::Lab => rule(
            !config.coap.listen.is_empty() || !config.coaps.listen.is_empty(),
            "coap.listen",
            "and `coaps.listen` are both empty: devices need at least one address",
        ),
        Profile::Production => {
            rule(!config.coaps.listen.is_empty(), "coaps.listen", "needs at least one address")
        }
    }
}

fn bounds(config: &Config) -> Result<(), ConfigError> {
    let (coap, coaps) = (&config.coap, &config.coaps);
    rule(
        (1_024..=16 * 1_048_576).contains(&coap.max_body_bytes),
        "coap.max_body_bytes",
        "must be 1024 to 16777216",
    )?;
    let missing = "is missing: a certificate and its key go together";
    rule(coaps.certificate.is_some() || coaps.key.is_none(), "coaps.certificate", missing)?;
    rule(coaps.key.is_some() || coaps.certificate.is_none(), "coaps.key", missing)?;
    rule(coap.max_devices > 0, "coap.max_devices", "must be at least 1")?;
    rule((1..=600).contains(&coaps.handshake_timeout_s), "coaps.handshake_timeout_s", "must be 1 to 600")?;
    rule(coaps.max_handshakes > 0, "coaps.max_handshakes", "must be at least 1")?;
    rule(
        (1..=coaps.max_handshakes).contains(&coaps.max_handshakes_per_prefix),
        "coaps.max_handshakes_per_prefix",
        "must be at least 1 and at most `coaps.max_handshakes`",
    )?;
    rule(coaps.max_sessions > 0, "coaps.max_sessions", "must be at least 1")
}

fn console(console: &ConsoleConfig) -> Result<(), ConfigError> {
    rule(!console.listen.is_empty(), "console.listen", "needs at least one address")?;
    let files = [("console.certificate", &console.certificate), ("console.key", &console.key)];
    for (key, file) in files {
        match console.tls {
            ConsoleTls::Files => rule(file.is_some(), key, "is missing: `console.tls = \"files\"` needs it")?,
            ConsoleTls::Off | ConsoleTls::SelfSigned => {
                rule(file.is_none(), key, "is not used unless `console.tls = \"files\"`")?;
            }
        }
    }
    let loopback = console.listen.iter().all(|address| address.ip().is_loopback());
    match console.tls {
        ConsoleTls::Off => rule(
            loopback || !console.trusted_proxies.is_empty(),
            "console.listen",
            "must be a loopback address while `console.tls` is \"off\": passwords would cross the network in the clear. \
             Set `console.tls` to \"files\" or \"self-signed\", or name the proxy that speaks TLS in \
             `console.trusted_proxies`",
        )?,
        ConsoleTls::Files | ConsoleTls::SelfSigned => rule(
            console.public_url.as_ref().is_none_or(super::PublicUrl::is_https),
            "console.public_url",
            "must be https while the console speaks TLS",
        )?,
    }
    Ok(())
}

fn rule(holds: bool, key: &'static str, reason: &'static str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Rule { key, reason }) }
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicHostIsLoopback(host) => write!(
                f,
                "`public_host` is {host}: devices on other machines can't reach this server under it; set it to the \
                 name or address they do"
            ),
            Self::UnverifiedDatabase(url) => write!(
                f,
                "`database.url`: whoever is between this server and {url} can read and change everything; add \
                 sslmode=verify-full, and sslrootcert if its authority is not a public one"
            ),
        }
    }
}
