//! How people are served.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

use super::{Addresses, Network, PublicHost, PublicUrl};

/// Where and how people are served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    /// The addresses of the console.
    pub listen: Addresses,
    /// Whether the console speaks TLS, and with which certificate.
    pub tls: ConsoleTls,
    /// The chain of certificates in PEM, the server's own first.
    pub certificate: Option<PathBuf>,
    /// The private key of the first certificate in PEM.
    pub key: Option<PathBuf>,
    /// The proxies that may speak plain HTTP with it, and that are believed whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// Where people reach it, if that is not where it listens.
    pub public_url: Option<PublicUrl>,
}

/// Whether the console speaks TLS, and with which certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsoleTls {
    /// Files of somebody's own, read again when they change.
    Files,
    /// Plain HTTP: on loopback, or behind a proxy.
    #[default]
    Off,
    /// A certificate made at the first start.
    SelfSigned,
}

impl ConsoleConfig {
    /// Whether browsers see `https`.
    pub fn is_https(&self) -> bool {
        match (self.tls, &self.public_url) {
            (ConsoleTls::Files | ConsoleTls::SelfSigned, _) => true,
            (ConsoleTls::Off, Some(url)) => url.is_https(),
            // A proxy without TLS would have a public URL that says so.
            (ConsoleTls::Off, None) => !self.trusted_proxies.is_empty(),
        }
    }

    /// Whether an address is that of a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// Where a browser reaches the console that listens at `address`.
    pub fn url(&self, address: SocketAddr, host: &PublicHost) -> String {
        if let Some(url) = &self.public_url {
            return url.to_string();
        }
        // Not `is_https`: without a public URL nobody knows where a proxy listens.
        let scheme = if self.tls == ConsoleTls::Off { "http" } else { "https" };
        host.uri(scheme, address)
    }
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self {
            listen: Addresses(vec![SocketAddr::from(([127, 0, 0, 1], 8080))]),
            tls: ConsoleTls::Off,
            certificate: None,
            key: None,
            trusted_proxies: Vec::new(),
            public_url: None,
        }
    }
}
