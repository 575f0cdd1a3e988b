//! A certificate of our own making, which people check by its fingerprint.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::{client::verify_server_name, pki_types::ServerName, server::ParsedCertificate};
use tracing::warn;
use zeroize::Zeroizing;

use super::{Pair, provider};
use crate::{config::PublicHost, data_dir::write_private};

/// Why there is no certificate of our own.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// It can't be made.
    #[error("can't make a certificate for the console: {0}")]
    Make(#[from] rcgen::Error),
    /// What was made before is damaged.
    #[error("{source}; delete {} and its key to have new ones made", .path.display())]
    Old {
        /// The certificate.
        path: PathBuf,
        /// What is wrong.
        source: Box<super::PairError>,
    },
    /// It can't be written.
    #[error("can't write {}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// How long a certificate is valid: people compare its fingerprint once, and a new one would mean to do that again.
const VALID_FOR: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What a clock that is a little late forgives.
const EARLIER: Duration = Duration::from_secs(86_400);

/// Where the files lie.
pub(super) fn pair(data_dir: &Path) -> Pair {
    Pair { certificate: data_dir.join("console-certificate.pem"), key: data_dir.join("console-key.pem") }
}

/// The files as they are, made anew if they are not there or name another host.
pub(super) fn open(data_dir: &Path, host: &PublicHost) -> Result<Pair, SelfSignedError> {
    let pair = pair(data_dir);
    if pair.is_there() {
        let old = pair.read(&provider()).map_err(|source| SelfSignedError::Old {
            path: pair.certificate.clone(),
            source: Box::new(source),
        })?;
        if old.cert.first().is_some_and(|certificate| names(certificate, host)) {
            return Ok(pair);
        }
        warn!(public_host = %host, "the console's certificate names another host: a new one is made, with a new fingerprint");
    }
    let (certificate, key) = make(host)?;
    // The certificate last: one that is there has its key.
    for (path, text) in [(&pair.key, &*key), (&pair.certificate, &certificate)] {
        write_private(path, text.as_bytes())
            .map_err(|source| SelfSignedError::Write { path: path.clone(), source })?;
    }
    Ok(pair)
}

fn names(certificate: &rustls::pki_types::CertificateDer<'_>, host: &PublicHost) -> bool {
    let Ok(name) = ServerName::try_from(host.plain()) else { return false };
    ParsedCertificate::try_from(certificate)
        .is_ok_and(|certificate| verify_server_name(&certificate, &name).is_ok())
}

fn make(host: &PublicHost) -> Result<(String, Zeroizing<String>), rcgen::Error> {
    let mut names: Vec<String> = vec![host.plain()];
    for name in ["localhost", "127.0.0.1", "::1"] {
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Muster console");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = |since_1970: Duration| rcgen::date_time_ymd(1970, 1, 1) + since_1970;
    params.not_before = at(now.saturating_sub(EARLIER));
    params.not_after = at(now + VALID_FOR);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok((params.self_signed(&key)?.pem(), Zeroizing::new(key.serialize_pem())))
}
