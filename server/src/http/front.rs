//! Whom a request is from, before the console sees it.
//!
//! What a proxy says in `X-Forwarded-*` counts from the proxies that the configuration names, and is struck out of every other
//! request. The console finds the client's address in [`ConnectInfo`].

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};

use crate::{
    config::{ConsoleConfig, ConsoleTls},
    tls::Tls,
};

pub(super) struct Front {
    config: ConsoleConfig,
    lasting_tls: bool,
}

/// How many proxies are looked through at most.
const MAX_HOPS: usize = 16;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED: [HeaderName; 5] = [
    FORWARDED_FOR,
    FORWARDED_PROTO,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
    header::FORWARDED,
];

/// One year, for this host alone.
const INSIST_ON_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

impl Front {
    pub(super) fn new(config: ConsoleConfig, tls: Option<&Tls>) -> Self {
        Self { lasting_tls: tls.is_some_and(Tls::is_lasting), config }
    }

    /// Whether an address may speak with the console at all: in the clear only this machine and the proxies.
    pub(super) fn admits(&self, peer: IpAddr) -> bool {
        self.config.tls != ConsoleTls::Off || peer.to_canonical().is_loopback() || self.config.trusts(peer)
    }

    // The nearest address that is no trusted proxy: each of these has vouched for the one before.
    fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let said: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let mut client = peer;
        for hop in said.iter().rev().take(MAX_HOPS) {
            if !self.config.trusts(client.ip()) {
                break;
            }
            let Some(address) = address(hop) else { break };
            client = SocketAddr::new(address, 0);
        }
        client
    }

    // Whether a proxy has taken the request in the clear although browsers should see `https`: their cookies would be lost.
    fn is_in_the_clear(&self, peer: SocketAddr, headers: &HeaderMap) -> bool {
        let said = headers.get_all(FORWARDED_PROTO).iter().next_back().and_then(|value| value.to_str().ok());
        let last = said.and_then(|value| value.rsplit(',').next()).map(str::trim);
        self.config.tls == ConsoleTls::Off
            && self.config.is_https()
            && self.config.trusts(peer.ip())
            && last.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"))
    }

    fn to_https(&self, request: &Request) -> Response {
        match (&self.config.public_url, request.method()) {
            (Some(url), &Method::GET | &Method::HEAD) => {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                Redirect::permanent(&format!("{url}{path}")).into_response()
            }
            _ => (StatusCode::BAD_REQUEST, "the console is served over https alone\n").into_response(),
        }
    }
}

/// Looks at a request, and lets the console answer it.
pub(super) async fn guard(State(front): State<Arc<Front>>, mut request: Request, next: Next) -> Response {
    if let Some(&ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        if front.is_in_the_clear(peer, request.headers()) {
            return front.to_https(&request);
        }
        let client = front.client(peer, request.headers());
        request.extensions_mut().insert(ConnectInfo(client));
    }
    for name in FORWARDED {
        request.headers_mut().remove(name);
    }
    let mut response = next.run(request).await;
    if front.lasting_tls {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, INSIST_ON_TLS);
    }
    response
}

// Some proxies write a port behind the address.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn front(console: &str) -> Front {
        let text = format!("[console]\nlisten = \"0.0.0.0:8080\"\n{console}\n");
        Front::new(Config::parse(&text).unwrap().console, None)
    }

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn client(front: &Front, peer: &str, said: &[&str]) -> String {
        let lines: Vec<_> = said.iter().map(|said| (FORWARDED_FOR, *said)).collect();
        front.client(peer.parse().unwrap(), &headers(&lines)).ip().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_whom_it_speaks_for() {
        let front = front("trusted_proxies = [\"10.0.0.0/8\"]");
        assert_eq!(client(&front, "10.0.0.1:1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(client(&front, "10.0.0.1:1", &["192.0.2.7:4711"]), "192.0.2.7");
        assert_eq!(client(&front, "10.0.0.1:1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(client(&front, "192.0.2.1:1", &["192.0.2.7"]), "192.0.2.1");
        assert_eq!(client(&front, "10.0.0.1:1", &[]), "10.0.0.1");
        // What the client itself has written stands left of what the proxy has.
        assert_eq!(client(&front, "10.0.0.1:1", &["198.51.100.9, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(client(&front, "10.0.0.1:1", &["198.51.100.9, 192.0.2.7, 10.0.0.2"]), "192.0.2.7");
        assert_eq!(client(&front, "10.0.0.1:1", &["198.51.100.9", "192.0.2.7"]), "192.0.2.7");
        assert_eq!(client(&front, "10.0.0.1:1", &["192.0.2.7, nonsense"]), "10.0.0.1");
        let endless = vec!["10.0.0.3"; 1_000].join(",");
        assert_eq!(client(&front, "10.0.0.1:1", &[&endless]), "10.0.0.3");
    }

    #[test]
    fn in_the_clear_only_this_machine_and_the_proxies_are_admitted() {
        let proxied = front("trusted_proxies = [\"10.0.0.0/8\"]");
        let admitted = |front: &Front, peer: &str| front.admits(peer.parse().unwrap());
        assert!(
            admitted(&proxied, "10.1.1.1") && admitted(&proxied, "127.0.0.1") && admitted(&proxied, "::1")
        );
        assert!(!admitted(&proxied, "192.0.2.1"));
        assert!(admitted(&front("tls = \"self-signed\""), "192.0.2.1"));
    }

    #[test]
    fn a_proxy_that_takes_requests_in_the_clear_is_noticed() {
        let proxied = front("trusted_proxies = [\"10.0.0.0/8\"]");
        let clear = |front: &Front, peer: &str, scheme: &str| {
            front.is_in_the_clear(peer.parse().unwrap(), &headers(&[(FORWARDED_PROTO, scheme)]))
        };
        assert!(clear(&proxied, "10.0.0.1:1", "http") && clear(&proxied, "10.0.0.1:1", "https, HTTP"));
        assert!(!clear(&proxied, "10.0.0.1:1", "https"));
        assert!(!clear(&proxied, "127.0.0.1:1", "http"), "not a proxy that is trusted");
        assert!(!proxied.is_in_the_clear("10.0.0.1:1".parse().unwrap(), &HeaderMap::new()));
        let plain = front("trusted_proxies = [\"10.0.0.0/8\"]\npublic_url = \"http://inside\"");
        assert!(!clear(&plain, "10.0.0.1:1", "http"));
    }
}
