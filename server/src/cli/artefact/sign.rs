//! `muster artefact sign`: a manifest of an image and its signature, in one file.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use fleet::{ArtefactKind, Fingerprint, Manifest, SignedManifest};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};
use web::api::v1::types::{self, Time};
use zeroize::Zeroizing;

use crate::cli::{failure::Failure, file, output::print};

#[derive(Args)]
pub(crate) struct Signing {
    /// The image.
    image: PathBuf,
    /// The private key: Ed25519 or ECDSA on P-256, PKCS#8 in PEM, as `openssl genpkey` writes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The name of the class whose devices it is for.
    #[arg(long)]
    class: String,
    /// Its version.
    #[arg(long)]
    version: String,
    /// Its sequence number: higher than that of all before it.
    #[arg(long)]
    sequence: u64,
    /// What it is: firmware or software.
    #[arg(long, default_value = "firmware")]
    kind: types::ArtefactKind,
    /// Until when it may be sent, such as 2030-12-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    not_after: Option<Time>,
    /// The file to make [default: the image's name and `.signed`].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A key that signs.
enum Signer {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair, SystemRandom),
}

impl Signing {
    pub(super) fn run(self) -> Result<(), Failure> {
        let signer = Signer::read(&self.key)?;
        let (digest, size) = hash(&self.image)?;
        let manifest = Manifest {
            class: self.class,
            kind: ArtefactKind::from(self.kind),
            // In whole seconds.
            not_after: self.not_after.map(|at| fleet::Timestamp(at.timestamp().0 / 1_000 * 1_000)),
            sequence: self.sequence,
            digest,
            size,
            version: self.version,
        };
        manifest.check().map_err(|error| content(&self.image, error))?;
        let bytes = manifest.to_bytes();
        let signature = signer.sign(&bytes).ok_or_else(|| content(&self.key, "the key does not sign"))?;
        let key = Fingerprint::of(&signer.public_key());
        let signed = SignedManifest { key, manifest: bytes, signature }.to_bytes();
        let out = self.out.unwrap_or_else(|| {
            let mut name = self.image.into_os_string();
            name.push(".signed");
            name.into()
        });
        let mut file =
            File::options().write(true).create_new(true).open(&out).map_err(|error| content(&out, error))?;
        file.write_all(&signed).map_err(|error| content(&out, error))?;
        print(&format!("{}\nSigned by the key {key}\n", out.display()))
    }
}

impl Signer {
    fn read(path: &Path) -> Result<Self, Failure> {
        let pem = Zeroizing::new(file::bytes(path)?);
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| {
            content(
                path,
                "no `PRIVATE KEY` in PEM: `openssl pkcs8 -topk8 -nocrypt -in FILE` writes other keys so",
            )
        })?;
        let der = der.secret_pkcs8_der();
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(Self::Ed25519(pair));
        }
        let random = SystemRandom::new();
        match EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &random) {
            Ok(pair) => Ok(Self::P256(pair, random)),
            Err(_) => Err(content(path, "it is neither a key of Ed25519 nor one on P-256")),
        }
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Self::P256(pair, random) => Some(pair.sign(random, message).ok()?.as_ref().to_vec()),
        }
    }

    /// Its SubjectPublicKeyInfo (RFC 8410 §4, RFC 5480 §2).
    fn public_key(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => [&ED25519_HEAD[..], pair.public_key().as_ref()].concat(),
            Self::P256(pair, _) => [&P256_HEAD[..], pair.public_key().as_ref()].concat(),
        }
    }
}

/// What stands before 32 bytes of a key, and before 65 bytes of an uncompressed point.
const ED25519_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn hash(path: &Path) -> Result<(Fingerprint, u64), Failure> {
    let fails = |source: io::Error| Failure::File { file: path.to_owned(), source };
    let mut file = File::open(path).map_err(fails)?;
    let (mut hash, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 64 << 10]);
    loop {
        let read = file.read(&mut buffer).map_err(fails)?;
        if read == 0 {
            return Ok((Fingerprint(hash.finalize().into()), size));
        }
        hash.update(&buffer[..read]);
        size += read as u64;
    }
}

fn content(file: &Path, reason: impl ToString) -> Failure {
    Failure::FileContent { file: file.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `openssl genpkey -algorithm ed25519` and `-algorithm EC -pkeyopt ec_paramgen_curve:P-256` have made them, and as
    /// `openssl pkey -pubout -outform DER | sha256sum` names them.
    const KEYS: [(&str, &str); 2] = [
        (
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIBojL9vKPeG7EDLM33iSr1Yum0uUGhG/5NaeJgkCKACx\n-----END PRIVATE KEY-----\n",
            "b663b600cc511c7b6d6c68aae11a63b38954d4ce42d32b6e93f82ec7db23e13c",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglsDjCuoRP08v7Tld\ngLhKp4xRAb7MiTZWQmq7WTyhbfehRANCAAQfGrJ9t6c2FF3uzb4PCw2ZkjWL1r1q\n46JiatT2h+bTBbde/y8Vwt/MwfOo50PlLXCxi9IUAo0ExYMqm4I39wpF\n-----END PRIVATE KEY-----\n",
            "04b1f80684bb1e158320f290782897e77228325fd4377922d9afd42c47d4db3c",
        ),
    ];

    #[test]
    fn what_is_signed_by_keys_of_openssl_is_read_back_under_their_names() {
        for (pem, id) in KEYS {
            let folder = tempfile::tempdir().unwrap();
            let (image, key) = (folder.path().join("image"), folder.path().join("key.pem"));
            std::fs::write(&image, "an image").unwrap();
            std::fs::write(&key, pem).unwrap();
            let signing = Signing {
                image: image.clone(),
                key,
                class: "default".into(),
                version: "1.4.0".into(),
                sequence: 7,
                kind: types::ArtefactKind::Software,
                not_after: Some("2030-12-31T00:00:00.999Z".parse().unwrap()),
                out: None,
            };
            signing.run().unwrap();
            let signed = std::fs::read(folder.path().join("image.signed")).unwrap();
            let (signed, manifest) = SignedManifest::parse(&signed).unwrap();
            assert_eq!(signed.key.to_string(), id);
            assert_eq!((manifest.digest, manifest.size), (Fingerprint::of(b"an image"), 8));
            assert_eq!(manifest.not_after, Some(fleet::Timestamp(1_924_905_600_000)));
        }
    }

    #[test]
    fn another_key_says_what_would_do() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        std::fs::write(&key, "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n").unwrap();
        let refused = Signer::read(&key).err().unwrap().to_string();
        assert!(refused.contains("openssl pkcs8 -topk8"), "{refused}");
    }
}
