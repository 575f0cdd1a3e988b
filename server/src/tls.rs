//! TLS of the console and of downloads: rustls with ring, and a certificate that can change while it serves.
//!
//! Start with [`Tls::start`]. [`Pair`] reads certificate and key from two files, `self_signed` makes such files. New content
//! in them is served from the next connection on; a pair that is no good is logged and the old one kept.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use fleet::{KeyPair, Public};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

use crate::{
    Stop,
    config::{Config, ConsoleTls},
};

mod pair;
pub(crate) use pair::Pair;
pub use pair::PairError;
use pair::Stamp;

mod self_signed;
pub use self_signed::SelfSignedError;

/// TLS as the console speaks it, or a listener for downloads.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    served: Arc<Served>,
    /// The files that are followed, and what was seen of them.
    followed: Option<(Pair, Mutex<Stamp>)>,
    /// Who speaks it: `console` or `downloads`.
    of: &'static str,
    mode: ConsoleTls,
}

/// Why somebody can't speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is no certificate by which devices know the server.
    #[error("`downloads.https` needs a certificate: name one, and its key")]
    NoKey,
    /// The certificate and its key.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// No protocol version and cipher suite go together.
    #[error("TLS can't be set up: {0}")]
    Rustls(#[from] rustls::Error),
    /// The certificate of our own.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
}

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Tls {
    /// Reads the certificate, or makes one. `None` where the console speaks plain HTTP.
    pub(crate) fn start(config: &Config) -> Result<Option<Self>, TlsError> {
        let console = &config.console;
        let pair = match (console.tls, &console.certificate, &console.key) {
            (ConsoleTls::Files, Some(certificate), Some(key)) => {
                Pair { certificate: certificate.clone(), key: key.clone() }
            }
            (ConsoleTls::SelfSigned, ..) => self_signed::open(&config.data_dir.0, &config.public_host)?,
            // The rules of the configuration leave no `Files` without files.
            (ConsoleTls::Files | ConsoleTls::Off, ..) => return Ok(None),
        };
        Ok(Some(Self::of_files(pair, "console", console.tls)?))
    }

    /// The TLS of downloads: by files if some are named, or else by the key that devices know the server by.
    pub(crate) fn of_downloads(config: &Config, own: Option<&KeyPair>) -> Result<Option<Self>, TlsError> {
        let https = &config.downloads.https;
        if https.listen.is_empty() {
            return Ok(None);
        }
        if let (Some(certificate), Some(key)) = (&https.certificate, &https.key) {
            let pair = Pair { certificate: certificate.clone(), key: key.clone() };
            return Ok(Some(Self::of_files(pair, "downloads", ConsoleTls::Files)?));
        }
        let Some(KeyPair { private, public: Public::Chain(chain) }) = own else {
            return Err(TlsError::NoKey);
        };
        let chain = chain.iter().map(|one| CertificateDer::from(one.clone())).collect();
        let key = PrivatePkcs8KeyDer::from(private.as_bytes().to_vec());
        let served = CertifiedKey::from_der(chain, key.into(), &provider())?;
        Ok(Some(Self::serving(served, None, "downloads", ConsoleTls::Files)?))
    }

    fn of_files(pair: Pair, of: &'static str, mode: ConsoleTls) -> Result<Self, TlsError> {
        // Before reading: what changes while it is read is seen as changed.
        let seen = pair.stamp();
        let served = pair.read(&provider())?;
        Self::serving(served, Some((pair, Mutex::new(seen))), of, mode)
    }

    fn serving(
        served: CertifiedKey,
        followed: Option<(Pair, Mutex<Stamp>)>,
        of: &'static str,
        mode: ConsoleTls,
    ) -> Result<Self, TlsError> {
        let served = Arc::new(Served(RwLock::new(Arc::new(served))));
        let mut tls = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&served) as Arc<dyn ResolvesServerCert>);
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        Ok(Self { acceptor, served, followed, of, mode })
    }

    /// Looks at what a start would read, and makes nothing.
    pub(crate) fn check(config: &Config) -> Result<(), TlsError> {
        let https = &config.downloads.https;
        if let (Some(certificate), Some(key)) = (&https.certificate, &https.key) {
            Pair { certificate: certificate.clone(), key: key.clone() }.read(&provider())?;
        }
        match config.console.tls {
            ConsoleTls::Files => Self::start(config).map(drop),
            ConsoleTls::Off => Ok(()),
            ConsoleTls::SelfSigned => match self_signed::pair(&config.data_dir.0) {
                pair if pair.is_there() => Ok(pair.read(&provider()).map(drop)?),
                _ => Ok(()),
            },
        }
    }

    /// What makes TLS of a connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Whether browsers should insist on TLS. Not with a certificate they can't check: whoever replaces it would lock
    /// everybody out (RFC 6797 §11.3).
    pub(crate) fn is_lasting(&self) -> bool {
        self.mode == ConsoleTls::Files
    }

    /// The SHA-256 of the certificate, as browsers show it, for people to compare. Only of one that nobody else vouches for.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        let served = self.served.now();
        let certificate = served.cert.first().filter(|_| self.mode == ConsoleTls::SelfSigned)?;
        Some(in_colons(&Sha256::digest(certificate)))
    }

    /// Serves what the files hold now, whenever they change, until `stop`.
    pub(crate) async fn follow(self: Arc<Self>, stop: Stop) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.clone() => return,
                _ = ticks.tick() => {}
            }
            let tls = Arc::clone(&self);
            // Files may lie on a slow or hanging network file system.
            let _ = tokio::task::spawn_blocking(move || tls.look()).await;
        }
    }

    /// Looks at the files once.
    pub(crate) fn look(&self) {
        let Some((pair, seen)) = &self.followed else { return };
        let stamp = pair.stamp();
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == stamp {
            return;
        }
        *seen = stamp;
        let (of, certificate) = (self.of, pair.certificate.display());
        match pair.read(&provider()) {
            Ok(fresh) => {
                *self.served.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                metrics::counter!(format!("muster_{of}_certificate_reloads_total")).increment(1);
                info!(%certificate, "the certificate of the {of} was replaced");
            }
            Err(error) => {
                metrics::counter!(format!("muster_{of}_certificate_reload_failures_total")).increment(1);
                error!(%certificate, %error, "the new certificate of the {of} is no good; the old one is kept");
            }
        }
    }
}

/// The certificate that is served now.
#[derive(Debug)]
struct Served(RwLock<Arc<CertifiedKey>>);

impl Served {
    fn now(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

/// The cryptography of every TLS connection.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn in_colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
pub(crate) mod tests;
