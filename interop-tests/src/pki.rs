//! Authorities and what they issue, made anew in each run.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Rest, Security};

/// Somebody who issues certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate and key.
    pub pair: Pair,
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
    /// The certificate, in PEM.
    pub certificate_pem: String,
    /// The private key, in PEM.
    pub key_pem: String,
    /// The SubjectPublicKeyInfo, in PEM.
    pub public_pem: String,
}

/// What a client and the server are to each other, as files for clients that want files.
#[derive(Debug)]
pub struct Files(TempDir);

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// Never: what it makes is well-formed.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).expect("what is signed is well-formed");
        let pair = Pair::of(&key, &certificate);
        Self { issuer: Issuer::new(params, key), pair }
    }

    /// A certificate for a server.
    pub fn issue_to_server(&self, name: &str) -> Pair {
        self.issue(name, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth])
    }

    /// A certificate for a device with this common name, which is a subject alternative name too.
    pub fn issue_to_device(&self, name: &str) -> Pair {
        self.issue_with(name, |_| {})
    }

    /// The same with this serial number.
    pub fn issue_numbered(&self, name: &str, serial: u64) -> Pair {
        self.issue_with(name, |params| params.serial_number = Some(serial.into()))
    }

    /// The same that was good until the end of another millennium.
    pub fn issue_expired(&self, name: &str) -> Pair {
        self.issue_with(name, |params| {
            (params.not_before, params.not_after) = (date_time_ymd(1999, 1, 1), date_time_ymd(2000, 1, 1));
        })
    }

    /// What it has taken back, in PEM.
    ///
    /// # Panics
    /// Never: what it makes is well-formed.
    pub fn revocation_list(&self, number: u64, serials: &[u64]) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: number.into(),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.issuer).expect("what is signed is well-formed");
        list.pem().expect("it can be written")
    }

    fn issue_with(&self, name: &str, more: impl FnOnce(&mut CertificateParams)) -> Pair {
        self.issue(name, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            more(params);
        })
    }

    fn issue(&self, name: &str, more: impl FnOnce(&mut CertificateParams)) -> Pair {
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = params(name);
        more(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("what is signed is well-formed");
        Pair::of(&key, &certificate)
    }
}

impl Pair {
    /// A new one that nobody vouches for but itself.
    ///
    /// # Panics
    /// Never: what it makes is well-formed.
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        Self::of(&key, &params(name).self_signed(&key).expect("what is signed is well-formed"))
    }

    /// What the server has issued and shows once: a member of `credentials` of a device that was added.
    ///
    /// # Panics
    /// If it is not there.
    pub fn shown(credential: &Value) -> Self {
        let text = |field: &str| credential[field].as_str().unwrap_or_default().to_owned();
        let (key_pem, certificate_pem) = (text("private_key"), text("certificate"));
        let key = KeyPair::from_pem(&key_pem).unwrap_or_else(|error| panic!("{error}: {credential}"));
        let private = PrivatePkcs8KeyDer::from_pem_slice(key_pem.as_bytes()).expect("it was read before");
        let certificate = certificate_of(&certificate_pem);
        Self {
            certificate,
            key: private.secret_pkcs8_der().to_vec(),
            public: key.subject_public_key_info(),
            certificate_pem,
            key_pem,
            public_pem: key.public_key_pem(),
        }
    }

    /// The same key with the certificate that the server has issued for it.
    ///
    /// # Panics
    /// If it is not there.
    pub fn certified(own: &Self, credential: &Value) -> Self {
        let certificate_pem = credential["certificate"].as_str().expect("it is shown").to_owned();
        let (key, public) = (own.key.clone(), own.public.clone());
        let (key_pem, public_pem) = (own.key_pem.clone(), own.public_pem.clone());
        Self {
            certificate: certificate_of(&certificate_pem),
            key,
            public,
            certificate_pem,
            key_pem,
            public_pem,
        }
    }

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

impl Files {
    /// Of a client, which knows the server as the server says it is.
    ///
    /// # Panics
    /// If there is no room for temporary files, or the server has no keys.
    pub async fn of(pair: &Pair, rest: &Rest) -> Self {
        let keys = rest.get("/server-keys").await;
        let public = keys["public_key"]["hex"].as_str().expect("it has a public key");
        let digits = |at| u8::from_str_radix(&public[at..at + 2], 16).expect("they are digits");
        let public: Vec<u8> = (0..public.len()).step_by(2).map(digits).collect();
        let certificate = keys["certificate"]["pem"].as_str().expect("it has a certificate");
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        for (name, bytes) in [
            (CERTIFICATE, &pair.certificate),
            (PUBLIC, &pair.public),
            (KEY, &pair.key),
            (SERVER_CERTIFICATE, &certificate_of(certificate)),
            (SERVER_PUBLIC, &public),
        ] {
            std::fs::write(folder.path().join(name), bytes).expect("there is room for temporary files");
        }
        Self(folder)
    }

    /// By raw public keys.
    pub fn raw_public_key(&self) -> Security {
        let (own, key, server) = (self.path(PUBLIC), self.path(KEY), self.path(SERVER_PUBLIC));
        Security::RawPublicKey { own, key, server }
    }

    /// By certificates.
    pub fn certificate(&self) -> Security {
        let (own, key, server) = (self.path(CERTIFICATE), self.path(KEY), self.path(SERVER_CERTIFICATE));
        Security::Certificate { own, key, server }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }
}

const CERTIFICATE: &str = "certificate.der";
const PUBLIC: &str = "public.der";
const KEY: &str = "key.der";
const SERVER_CERTIFICATE: &str = "server-certificate.der";
const SERVER_PUBLIC: &str = "server-public.der";

/// The first certificate in a text, in DER.
fn certificate_of(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("it is a certificate").to_vec()
}

fn params(name: &str) -> CertificateParams {
    // Clients look for the address where they are given no name.
    let names = [name.replace(' ', "-"), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("they are host names");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
