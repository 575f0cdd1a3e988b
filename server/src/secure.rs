//! What the secure sockets start with: the server's own key and certificates, and the sessions of before.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use ::fleet::{Certificate, KeyPair, ListenerId, PrivateKey, Public, SecureSession, Store};
use dtls::{ServerIdentity, SigningKey, SigningKeyError};
use tracing::{info, warn};

use crate::{
    Config,
    clock::Clock,
    endpoint::{doors, dtls::SecureListener},
    tls::{Pair, PairError},
};

/// Why the server's own key for devices can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnKeyError {
    /// The files that the configuration names.
    #[error(transparent)]
    Files(#[from] PairError),
    /// The key is not one that DTLS is spoken by here.
    #[error("the key in {} can't be used: {source}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: SigningKeyError,
    },
    /// The key and the certificate are not of each other.
    #[error("the key in {} is not that of the certificate in {}", .key.display(), .certificate.display())]
    NotOfEachOther {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// The key that was made at the first start is damaged.
    #[error("the key of the server's own that is stored can't be used: {0}")]
    Stored(SigningKeyError),
}

/// The key pair that the configuration names, looked at.
pub(crate) fn given(config: &Config) -> Result<Option<KeyPair>, OwnKeyError> {
    let (Some(certificate), Some(key)) = (&config.coaps.certificate, &config.coaps.key) else {
        return Ok(None);
    };
    let (chain, private) = Pair { certificate: certificate.clone(), key: key.clone() }.parts()?;
    let chain: Vec<Vec<u8>> = chain.iter().map(|one| one.to_vec()).collect();
    let signing =
        signing_key(private.secret_der()).map_err(|source| OwnKeyError::Key { path: key.clone(), source })?;
    let own = chain.first().and_then(|own| Certificate::parse(own).ok());
    if own.is_none_or(|own| own.public_key != signing.public()) {
        let (key, certificate) = (key.clone(), certificate.clone());
        return Err(OwnKeyError::NotOfEachOther { key, certificate });
    }
    Ok(Some(KeyPair { private: PrivateKey::new(private.secret_der()), public: Public::Chain(chain) }))
}

/// How the secure sockets serve: by pre-shared keys always, and by raw public keys and certificates with a key of the
/// server's own.
pub(crate) fn config(
    config: &Config,
    own: Option<&KeyPair>,
    clock: &Clock,
) -> Result<dtls::Config, OwnKeyError> {
    let mut dtls = dtls::Config { bounds: doors::bounds(config), ..dtls::Config::default() };
    if let Some(pair) = own {
        warn_of_time(pair, clock);
        let key = Arc::new(signing_key(pair.private.as_bytes()).map_err(OwnKeyError::Stored)?);
        if let Public::Chain(chain) = &pair.public {
            let identity = ServerIdentity { names: Vec::new(), chain: chain.clone(), key: Arc::clone(&key) };
            dtls.identities.push(identity);
        }
        dtls.raw_key = Some(key);
    }
    Ok(dtls)
}

/// Devices refuse a certificate outside its time, and mostly without a word.
fn warn_of_time(own: &KeyPair, clock: &Clock) {
    let now = clock.wall();
    if let Ok(certificate) = Certificate::parse(own.leaf())
        && !(certificate.not_before..=certificate.not_after).contains(&now)
    {
        warn!(%certificate, "the certificate that devices know this server by is not valid now");
    }
}

fn signing_key(pkcs8: &[u8]) -> Result<SigningKey, SigningKeyError> {
    SigningKey::from_pkcs8(pkcs8, &ring::rand::SystemRandom::new())
}

/// How long to wait before sessions are read again that could not be read.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Brings back the sessions that were live when the server stopped, while devices are served already: one that comes before
/// its session is back meets silence, and comes again.
pub(crate) async fn restore(store: Arc<dyn Store>, listeners: BTreeMap<ListenerId, Arc<SecureListener>>) {
    let (mut after, mut count) = (None, 0_usize);
    loop {
        let page = match store.secure_sessions(after, SecureSession::MAX_READ).await {
            Ok(page) => page,
            Err(error) => {
                warn!(%error, "the secure sessions could not be read and are tried again");
                tokio::time::sleep(TRY_AGAIN).await;
                continue;
            }
        };
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        count += page.len();
        let mut by_listener: BTreeMap<ListenerId, Vec<SecureSession>> = BTreeMap::new();
        for session in page {
            by_listener.entry(session.source.listener).or_default().push(session);
        }
        for (id, sessions) in by_listener {
            // One of a listener that is configured no more is never heard again, and purged in time.
            if let Some(listener) = listeners.get(&id) {
                listener.restore(sessions).await;
            }
        }
    }
    info!(sessions = count, "secure sessions restored");
}
