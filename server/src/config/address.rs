//! Hosts, addresses and networks, as a configuration writes them.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    ops::Deref,
    str::FromStr,
};

use axum::http::Uri;
use ipnet::IpNet;
use serde::Deserialize;

/// Addresses to listen at: a list, or one alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Addresses(pub Vec<SocketAddr>);

/// The name or the address of a host, without a port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicHost(Host);

/// `http://` or `https://`, a host and perhaps a port, and nothing behind it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network(IpNet);

/// Why a text is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a [`DownloadUri`](super::DownloadUri).
    #[error("expected a URI such as coaps://fw.example:5685 (coap, coaps, http or https), without a path")]
    Download,
    /// Not a [`PublicHost`].
    #[error("expected a host name or an address, without scheme and port")]
    Host,
    /// Not a [`Network`].
    #[error("expected a network such as 10.0.0.0/8, or an address")]
    Network,
    /// Not a [`PublicUrl`].
    #[error("expected a URL such as https://muster.example, without a path")]
    Url,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an address with a port, such as 127.0.0.1:8080, or a list of them")]
enum OneOrMany {
    One(SocketAddr),
    Many(Vec<SocketAddr>),
}

// === impl Addresses ===

impl Deref for Addresses {
    type Target = [SocketAddr];

    fn deref(&self) -> &[SocketAddr] {
        &self.0
    }
}

impl From<OneOrMany> for Addresses {
    fn from(written: OneOrMany) -> Self {
        match written {
            OneOrMany::One(address) => Self(vec![address]),
            OneOrMany::Many(addresses) => Self(addresses),
        }
    }
}

// === impl PublicHost ===

impl PublicHost {
    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        match &self.0 {
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// The host as a certificate names it: an address without brackets, or a name.
    pub fn plain(&self) -> String {
        match &self.0 {
            Host::Address(address) => address.to_string(),
            Host::Name(name) => name.clone(),
        }
    }

    /// The URI under which others reach what is bound to `address`: itself, unless that is every address of the machine.
    pub fn uri(&self, scheme: &str, address: SocketAddr) -> String {
        if address.ip().is_unspecified() {
            format!("{scheme}://{self}:{}", address.port())
        } else {
            format!("{scheme}://{address}")
        }
    }
}

impl FromStr for PublicHost {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let address = match bare {
            Some(bare) => Some(bare.parse::<Ipv6Addr>().map_err(|_| AddressError::Host)?.into()),
            None => text.parse::<IpAddr>().ok(),
        };
        match address {
            // A bind address: nobody can be told to go there.
            Some(address) if address.is_unspecified() => Err(AddressError::Host),
            Some(address) => Ok(Self(Host::Address(address))),
            None if is_name(text) => Ok(Self(Host::Name(text.to_ascii_lowercase()))),
            None => Err(AddressError::Host),
        }
    }
}

impl TryFrom<String> for PublicHost {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl Default for PublicHost {
    fn default() -> Self {
        Self(Host::Address(IpAddr::from([127, 0, 0, 1])))
    }
}

/// As a URI writes it, an IPv6 address in brackets (RFC 3986 §3.2.2).
impl fmt::Display for PublicHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Host::Address(IpAddr::V4(address)) => address.fmt(f),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Host::Name(name) => f.write_str(name),
        }
    }
}

// RFC 1123 §2.1: letters, digits and hyphens, 63 a label and 253 together. A last label of digits would be an address.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253
        && text.split('.').all(is_label)
        && text.rsplit('.').next().is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()))
}

// === impl PublicUrl ===

impl PublicUrl {
    /// Whether it is `https`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        let uri: Uri = text.parse().map_err(|_| AddressError::Url)?;
        let (scheme @ ("http" | "https"), Some(authority)) =
            (uri.scheme_str().unwrap_or(""), uri.authority())
        else {
            return Err(AddressError::Url);
        };
        let _: PublicHost = authority.host().parse().map_err(|_| AddressError::Url)?;
        if authority.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() {
            return Err(AddressError::Url);
        }
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Network ===

impl Network {
    /// Whether an address lies in it. An IPv4 address may come mapped into IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl TryFrom<String> for Network {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        let network = text.parse().or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address)));
        network.map(Self).map_err(|_| AddressError::Network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_host_is_a_name_or_an_address_that_others_can_go_to() {
        let uri = |text: &str| {
            let host: PublicHost = text.parse().unwrap();
            host.uri("coaps", SocketAddr::from(([0, 0, 0, 0], 5684)))
        };
        assert_eq!(uri("Muster.Example"), "coaps://muster.example:5684");
        assert_eq!(uri("192.0.2.1"), "coaps://192.0.2.1:5684");
        assert_eq!(uri("2001:db8::1"), "coaps://[2001:db8::1]:5684");
        assert_eq!(uri("[2001:db8::1]"), "coaps://[2001:db8::1]:5684");
        let long = "a".repeat(64);
        for wrong in [
            "",
            "0.0.0.0",
            "::",
            "[::]",
            "a b",
            "https://a",
            "a:1",
            "-a",
            "a..b",
            "1.2.3",
            "300.1.1.1",
            "a/b",
            &long,
        ] {
            assert_eq!(wrong.parse::<PublicHost>(), Err(AddressError::Host), "{wrong}");
        }
    }

    #[test]
    fn a_listener_at_one_address_is_reached_there() {
        let host: PublicHost = "muster.example".parse().unwrap();
        assert_eq!(host.uri("coap", "[::1]:5683".parse().unwrap()), "coap://[::1]:5683");
        assert_eq!(host.uri("coap", "[::]:5683".parse().unwrap()), "coap://muster.example:5683");
    }

    #[test]
    fn a_public_url_has_a_host_and_nothing_behind_it() {
        let url = |text: &str| PublicUrl::try_from(text.to_owned()).map(|url| url.to_string());
        assert_eq!(url("https://muster.example/"), Ok("https://muster.example".to_owned()));
        assert_eq!(url("http://[::1]:8080"), Ok("http://[::1]:8080".to_owned()));
        for wrong in ["muster.example", "ftp://a", "https://", "https://a/b", "https://a/?b", "https://u@a"] {
            assert_eq!(url(wrong), Err(AddressError::Url), "{wrong}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses_in_both_forms() {
        let network = |text: &str| Network::try_from(text.to_owned()).unwrap();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(network("10.0.0.0/8").contains(address("10.200.0.1")));
        assert!(network("10.0.0.0/8").contains(address("::ffff:10.200.0.1")));
        assert!(!network("10.0.0.0/8").contains(address("11.0.0.1")));
        assert!(network("192.0.2.7").contains(address("192.0.2.7")));
        assert!(!network("192.0.2.7").contains(address("192.0.2.8")));
        assert!(network("2001:db8::/32").contains(address("2001:db8::1")));
        for wrong in ["", "10.0.0.0/33", "all", "10.0.0"] {
            assert_eq!(Network::try_from(wrong.to_owned()), Err(AddressError::Network), "{wrong}");
        }
    }
}
