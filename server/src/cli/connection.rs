//! Which server is spoken to, and by which token.

use std::{
    fs::File,
    io::{self, Read as _},
    net::IpAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use ureq::{
    Agent,
    http::Uri,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};
use zeroize::Zeroizing;

use super::{client::Client, failure::Failure, span::Span};

/// Where a server listens if nothing is said.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

const HEADING: &str = "Connection";

#[derive(Args)]
pub(crate) struct Connection {
    /// The server [default: http://127.0.0.1:8080].
    #[arg(long, env = "MUSTER_SERVER", value_name = "URL", global = true, help_heading = HEADING)]
    server: Option<String>,
    /// The token itself. Everybody on this machine can see it in the list of processes: MUSTER_TOKEN or a file is better.
    #[arg(long, env = "MUSTER_TOKEN", hide_env_values = true, value_name = "TOKEN", global = true, help_heading = HEADING)]
    token: Option<String>,
    /// A file that holds the token, for its owner alone (mode 0600) [default: ~/.config/muster/token].
    #[arg(long, env = "MUSTER_TOKEN_FILE", value_name = "FILE", global = true, help_heading = HEADING)]
    token_file: Option<PathBuf>,
    /// A file of certificates in PEM to trust instead of the system's, such as a console's self-signed one.
    #[arg(long, env = "MUSTER_CA", value_name = "FILE", global = true, help_heading = HEADING)]
    ca: Option<PathBuf>,
    /// How long the server may take to answer.
    #[arg(long, value_name = "SPAN", default_value = "60s", global = true, help_heading = HEADING)]
    timeout: Span,
}

impl Connection {
    /// Whether a server or a token was named.
    pub(crate) fn is_named(&self) -> bool {
        self.server.is_some() || self.token.is_some() || self.token_file.is_some()
    }

    /// What speaks to the server.
    pub(crate) fn open(&self) -> Result<Client, Failure> {
        let written = self.server.as_deref().unwrap_or(DEFAULT_SERVER);
        let server = Address::parse(written)?;
        // RFC 6750 §5.3: a token is sent over TLS alone.
        if !server.secure && !server.loopback {
            return Err(Failure::ClearText { server: server.base });
        }
        let token = self.token()?;
        let roots = match &self.ca {
            Some(file) => RootCerts::Specific(Arc::new(certificates(file)?)),
            None => RootCerts::PlatformVerifier,
        };
        let mut config = Agent::config_builder()
            // The token is for this server and no other.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_WITHIN.min(self.timeout.0)))
            .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build());
        if server.loopback {
            config = config.proxy(None);
        }
        Ok(Client::new(config.build().into(), server.base, token, self.timeout.0))
    }

    fn token(&self) -> Result<Zeroizing<String>, Failure> {
        let token = match &self.token {
            Some(token) => Zeroizing::new(token.trim().to_owned()),
            None => {
                let file = self.token_file.clone().or_else(default_token_file).ok_or(Failure::Usage(
                    "no token, and no home to look for one in: give one by MUSTER_TOKEN",
                ))?;
                read_token(&file, self.token_file.is_some())?
            }
        };
        let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(token) } else { Err(Failure::TokenForm) }
    }
}

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Far more than a token has.
const MAX_TOKEN_FILE: u64 = 4 << 10;
/// Far more than a chain has.
const MAX_CERTIFICATES: u64 = 1 << 20;

/// A server's address, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    base: String,
    secure: bool,
    loopback: bool,
}

impl Address {
    fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::ServerAddress { server: text.to_owned() };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let authority = uri.authority().ok_or_else(wrong)?.as_str();
        if authority.contains('@') || uri.query().is_some() || text.contains('#') {
            return Err(wrong());
        }
        let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let loopback = address.map_or(host == "localhost", |address| address.is_loopback());
        Ok(Self { base: text.trim_end_matches('/').to_owned(), secure, loopback })
    }
}

/// `~/.config/muster/token`, or where the system has such files (XDG Base Directory Specification).
fn default_token_file() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))?;
    Some(config.join("muster/token"))
}

fn read_token(path: &Path, named: bool) -> Result<Zeroizing<String>, Failure> {
    let fails = |source| Failure::File { file: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !named => {
            return Err(Failure::NoToken { file: path.to_owned() });
        }
        Err(error) => return Err(fails(error)),
    };
    let mode = file.metadata().map_err(fails)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Failure::TokenFileOpen { file: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_TOKEN_FILE).read_to_string(&mut text).map_err(fails)?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

fn certificates(path: &Path) -> Result<Vec<ureq::tls::Certificate<'static>>, Failure> {
    let fails = |source| Failure::File { file: path.to_owned(), source };
    let mut pem = Vec::new();
    File::open(path).map_err(fails)?.take(MAX_CERTIFICATES).read_to_end(&mut pem).map_err(fails)?;
    let wrong = |reason: String| Failure::FileContent { file: path.to_owned(), reason };
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(error.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong("it holds no certificate in PEM".to_owned()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn address(text: &str) -> Option<(bool, bool)> {
        Address::parse(text).ok().map(|address| (address.secure, address.loopback))
    }

    #[test]
    fn an_address_is_a_scheme_and_a_host_and_no_more_than_a_path() {
        assert_eq!(address("https://muster.example"), Some((true, false)));
        assert_eq!(address("https://muster.example/behind/"), Some((true, false)));
        assert_eq!(address("http://127.0.0.2:8080"), Some((false, true)));
        assert_eq!(address("http://[::1]:8080/"), Some((false, true)));
        assert_eq!(address("http://localhost"), Some((false, true)));
        assert_eq!(address("http://localhost.example"), Some((false, false)));
        assert_eq!(address("http://127.0.0.1.example"), Some((false, false)));
        for bad in
            ["", "muster.example", "ftp://x", "https://", "https://u:p@x", "https://x?y", "https://x#y"]
        {
            assert_eq!(address(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_is_read_from_a_file_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        assert!(matches!(read_token(&file, false), Err(Failure::NoToken { .. })));
        assert!(matches!(read_token(&file, true), Err(Failure::File { .. })));
        fs::write(&file, "muster_00\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read_token(&file, true), Err(Failure::TokenFileOpen { mode: 0o640, .. })));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read_token(&file, true).unwrap().as_str(), "muster_00");
    }
}
