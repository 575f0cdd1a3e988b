//! Where a package is to be fetched (`/5/0/1`).

use std::net::{IpAddr, SocketAddr};

use super::Protocol;

/// A Package URI that is well-formed. Hosts of CoAP are numbers: a simulated device asks no name server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PackageUri {
    Coap {
        protocol: Protocol,
        host: SocketAddr,
        path: Vec<String>,
        queries: Vec<String>,
    },
    Http {
        protocol: Protocol,
    },
    /// A scheme that a simulated device has not.
    Other,
}

impl PackageUri {
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) || rest.bytes().any(|byte| byte <= b' ') {
            return None;
        }
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() {
            return None;
        }
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "coap" => 5683,
            "coaps" => 5684,
            "http" => return Some(Self::Http { protocol: Protocol::Http }),
            "https" => return Some(Self::Http { protocol: Protocol::Https }),
            _ => return Some(Self::Other),
        };
        let segments = path.split('/').filter(|_| !path.is_empty());
        Some(Self::Coap {
            protocol: if default_port == 5683 { Protocol::Coap } else { Protocol::Coaps },
            host: host(authority, default_port)?,
            path: segments.map(decode).collect::<Option<_>>()?,
            queries: query
                .into_iter()
                .flat_map(|query| query.split('&'))
                .map(decode)
                .collect::<Option<_>>()?,
        })
    }
}

fn host(authority: &str, default_port: u16) -> Option<SocketAddr> {
    let unbracketed =
        authority.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(authority);
    let of_number = |host: IpAddr| SocketAddr::new(host, default_port);
    authority.parse().ok().or_else(|| unbracketed.parse().ok().map(of_number))
}

/// Takes the percent-encoding away (RFC 7252 §6.4).
fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        (rest, _) = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                (after, bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?))
            }
            (b'%', _) => return None,
            _ => (after, bytes.push(*first)),
        };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coap(uri: &str) -> (Protocol, String, Vec<String>, Vec<String>) {
        match PackageUri::parse(uri) {
            Some(PackageUri::Coap { protocol, host, path, queries }) => {
                (protocol, host.to_string(), path, queries)
            }
            other => panic!("{uri}: {other:?}"),
        }
    }

    #[test]
    fn a_coap_uri_has_a_host_a_path_and_queries() {
        let none: [&str; 0] = [];
        for (uri, protocol, host, path, queries) in [
            ("coap://127.0.0.1", Protocol::Coap, "127.0.0.1:5683", &none[..], &none[..]),
            ("coaps://127.0.0.1/", Protocol::Coaps, "127.0.0.1:5684", &none, &none),
            ("COAPS://[::1]:7000/f/a%20b", Protocol::Coaps, "[::1]:7000", &["f", "a b"], &none),
            ("coap://[2001:db8::1]/f?a=1&b", Protocol::Coap, "[2001:db8::1]:5683", &["f"], &["a=1", "b"]),
        ] {
            let (is, at, segments, asks) = coap(uri);
            assert_eq!((is, at.as_str()), (protocol, host), "{uri}");
            assert_eq!(
                (segments, asks),
                (
                    path.iter().map(ToString::to_string).collect(),
                    queries.iter().map(ToString::to_string).collect()
                ),
                "{uri}"
            );
        }
    }

    #[test]
    fn what_is_no_uri_is_told_from_what_is_not_supported() {
        for bad in [
            "",
            "firmware",
            "coap:/",
            "coap://",
            "coap:///f",
            "coap://a name/f",
            "coap://host.example/f",
            "coap://1.2.3.4:x/f",
            "coap://1.2.3.4/%4",
            "coap://1.2.3.4/%ff",
            "://x",
            "coap://1.2.3.4/a b",
        ] {
            assert_eq!(PackageUri::parse(bad), None, "{bad}");
        }
        assert_eq!(PackageUri::parse("ftp://host/f"), Some(PackageUri::Other));
        let https = PackageUri::parse("https://host.example/f?x");
        assert_eq!(https, Some(PackageUri::Http { protocol: Protocol::Https }));
    }
}
