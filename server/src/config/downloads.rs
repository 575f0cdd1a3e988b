//! Where devices fetch packages from: listeners of their own, all off unless they are named.

use std::path::PathBuf;

use serde::Deserialize;

use super::{AddressError, Addresses};

/// The listeners for downloads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DownloadsConfig {
    /// Over DTLS, by the devices' management credentials.
    pub coaps: DoorConfig,
    /// Over plain CoAP.
    pub coap: DoorConfig,
    /// Over TLS.
    pub https: HttpsDoorConfig,
    /// Over plain HTTP.
    pub http: DoorConfig,
}

/// A listener for downloads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DoorConfig {
    /// Its addresses; none means that it is off.
    pub listen: Addresses,
    /// Where devices reach it, if that is not where it listens.
    pub public_uri: Option<DownloadUri>,
}

/// The listener for downloads over TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpsDoorConfig {
    /// Its addresses; none means that it is off.
    pub listen: Addresses,
    /// Where devices reach it, if that is not where it listens.
    pub public_uri: Option<DownloadUri>,
    /// The chain of certificates in PEM, its own first; without it, the one that devices know the server by.
    pub certificate: Option<PathBuf>,
    /// The private key of the first certificate in PEM.
    pub key: Option<PathBuf>,
}

/// A scheme that something can be fetched by, a host and perhaps a port, and nothing behind it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DownloadUri {
    scheme: String,
    authority: String,
}

// === impl DownloadUri ===

impl DownloadUri {
    /// Its scheme.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }
}

impl TryFrom<String> for DownloadUri {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        let wrong = AddressError::Download;
        let (scheme, authority) = text.trim_end_matches('/').split_once("://").ok_or(wrong)?;
        if !["coap", "coaps", "http", "https"].contains(&scheme) {
            return Err(wrong);
        }
        // The rest is what a URL of a console is; its rules are kept there.
        let url = super::PublicUrl::try_from(format!("https://{authority}")).map_err(|_| wrong)?;
        // `/5/0/1` holds at most 255 characters, of which the key takes some.
        if url.to_string().len() > MAX_LEN {
            return Err(wrong);
        }
        Ok(Self { scheme: scheme.to_owned(), authority: authority.to_owned() })
    }
}

impl std::fmt::Display for DownloadUri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// The longest (LwM2M Core 1.1.1 Annex E.6: a Package URI has 0 to 255 bytes).
const MAX_LEN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_uri_has_a_scheme_to_fetch_by_and_a_host_and_nothing_behind_it() {
        let uri = |text: &str| DownloadUri::try_from(text.to_owned()).map(|uri| uri.to_string());
        assert_eq!(uri("coaps://fw.example:5685"), Ok("coaps://fw.example:5685".to_owned()));
        assert_eq!(uri("http://[2001:db8::1]:81/"), Ok("http://[2001:db8::1]:81".to_owned()));
        let long = format!("https://{}.example", "a.".repeat(120));
        for wrong in ["fw.example", "ftp://a", "coap://", "coap://a/b", "https://a?b", "https://u@a", &long] {
            assert_eq!(uri(wrong), Err(AddressError::Download), "{wrong}");
        }
    }
}
