//! A certificate chain and its private key in two PEM files.

use std::{
    fs,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

/// The two files.
pub(crate) struct Pair {
    /// The chain, the server's own certificate first.
    pub(crate) certificate: PathBuf,
    /// The key of the first certificate.
    pub(crate) key: PathBuf,
}

/// Why two files don't make an identity.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// No certificate in the file.
    #[error("{} holds no certificate in PEM", .0.display())]
    NoCertificate(PathBuf),
    /// No private key in the file.
    #[error("{} holds no private key in PEM: {source}", .path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What was found.
        source: pem::Error,
    },
    /// Something in the file is damaged.
    #[error("{} is no proper PEM: {source}", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// The file can't be read.
    #[error("can't read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// They are not of each other, or of a kind that TLS does not take.
    #[error("the key in {} does not serve the certificate in {}: {source}", .key.display(), .certificate.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: Box<rustls::Error>,
    },
}

/// Tells one content of the files from another without reading them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp([Option<[i64; 6]>; 2]);

/// A chain of certificates is some kilobytes.
const MAX_FILE: u64 = 1 << 20;

impl Pair {
    pub(super) fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, PairError> {
        let (chain, key) = self.parts()?;
        CertifiedKey::from_der(chain, key, provider).map_err(|source| PairError::Unusable {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source: Box::new(source),
        })
    }

    /// What the two files hold.
    pub(crate) fn parts(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), PairError> {
        let (path, text) = (&self.certificate, read(&self.certificate)?);
        let chain = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| PairError::Pem { path: path.clone(), source })?;
        if chain.is_empty() {
            return Err(PairError::NoCertificate(path.clone()));
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|source| PairError::NoKey { path: self.key.clone(), source })?;
        Ok((chain, key))
    }

    /// Whether both files are there.
    pub(super) fn is_there(&self) -> bool {
        self.certificate.exists() && self.key.exists()
    }

    pub(super) fn stamp(&self) -> Stamp {
        let one = |path: &Path| {
            let file = fs::metadata(path).ok()?;
            let inode = i64::from_ne_bytes(file.ino().to_ne_bytes());
            let len = i64::try_from(file.len()).unwrap_or(i64::MAX);
            Some([inode, len, file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
        };
        Stamp([one(&self.certificate), one(&self.key)])
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, PairError> {
    let mut text = Zeroizing::new(Vec::new());
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_end(&mut text))
        .map_err(|source| PairError::Unreadable { path: path.to_owned(), source })?;
    Ok(text)
}
