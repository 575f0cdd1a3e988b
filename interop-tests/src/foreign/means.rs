//! The keys and certificates of one run: made anew, and put down as files for clients that want files.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PublicKeyData,
};
use tempfile::TempDir;

/// The PSK identity of all clients.
pub const IDENTITY: &str = "foreign-client";

/// Its key: letters, for some clients take nothing else.
pub const KEY: &[u8; 16] = b"sixteen-byte-key";

/// What client and server prove themselves by.
#[derive(Debug)]
pub struct Means {
    folder: TempDir,
    /// The authority that both trust.
    pub authority: Pair,
    /// The server's.
    pub server: Pair,
    /// The client's.
    pub client: Pair,
    /// Of a client that another authority vouches for.
    pub stranger: Pair,
}

/// A key of P-256, and a certificate for it.
#[derive(Debug)]
pub struct Pair {
    /// The certificate, in DER.
    pub certificate: Vec<u8>,
    /// The private key, as PKCS #8 in DER.
    pub key: Vec<u8>,
    /// The SubjectPublicKeyInfo, in DER.
    pub public: Vec<u8>,
    certificate_pem: String,
    key_pem: String,
    public_pem: String,
}

impl Means {
    /// New ones. For each of `authority`, `server`, `client` and `stranger` the folder has `NAME.pem` and `NAME.der` (the
    /// certificate), `NAME-key.pem` and `NAME-key.der` (PKCS #8), `NAME-public.der` (SubjectPublicKeyInfo), and
    /// `NAME-pair.pem` (SubjectPublicKeyInfo, then PKCS #8).
    ///
    /// # Panics
    /// If there is no room for temporary files.
    pub fn make() -> Self {
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        let (trusted, other) = (Authority::new("trusted"), Authority::new("unheard of"));
        let usage = (ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth);
        let means = Self {
            server: trusted.issue("localhost", usage.0),
            client: trusted.issue(IDENTITY, usage.1.clone()),
            stranger: other.issue(IDENTITY, usage.1),
            authority: trusted.pair,
            folder,
        };
        for name in ["authority", "server", "client", "stranger"] {
            let pair = means.pair(name);
            means.write(&format!("{name}.der"), &pair.certificate);
            means.write(&format!("{name}-key.der"), &pair.key);
            means.write(&format!("{name}-public.der"), &pair.public);
            means.write(&format!("{name}.pem"), pair.certificate_pem.as_bytes());
            means.write(&format!("{name}-key.pem"), pair.key_pem.as_bytes());
            means.write(
                &format!("{name}-pair.pem"),
                format!("{}{}", pair.public_pem, pair.key_pem).as_bytes(),
            );
        }
        means
    }

    /// Where a file is.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// By its name.
    pub fn pair(&self, name: &str) -> &Pair {
        match name {
            "authority" => &self.authority,
            "server" => &self.server,
            "client" => &self.client,
            "stranger" => &self.stranger,
            _ => panic!("nobody is called {name}"),
        }
    }

    fn write(&self, file: &str, bytes: &[u8]) {
        std::fs::write(self.path(file), bytes).expect("there is room for temporary files");
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pair: Pair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("what is signed is well-formed");
        let pair = Pair::of(&key, &certificate);
        Self { issuer: Issuer::new(params, key), pair }
    }

    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Pair {
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = params(name);
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).expect("what is signed is well-formed");
        Pair::of(&key, &certificate)
    }
}

impl Pair {
    fn of(key: &KeyPair, certificate: &Certificate) -> Self {
        Self {
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
            public: key.subject_public_key_info(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            public_pem: key.public_key_pem(),
        }
    }
}

fn params(name: &str) -> CertificateParams {
    // Clients look for the address where they are given no name.
    let names = [name.replace(' ', "-"), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("they are host names");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
