//! Makes keys and certificates, by rcgen on ring: the port that the fleet issues by.
//!
//! Certificates are kept small, for they go over constrained links: P-256, one name, no key identifiers.

use std::net::IpAddr;

use fleet::{
    CertificateSubject, IssueError, IssuedCertificate, Issuer, KeyPair, PrivateKey, Public, Timestamp,
    Validity,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType, SubjectPublicKeyInfo,
    string::Ia5String,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// The issuer of a running server.
pub(crate) struct RcgenIssuer;

impl Issuer for RcgenIssuer {
    fn key_pair(&self) -> Result<KeyPair, IssueError> {
        let key = generate()?;
        Ok(KeyPair { private: private(&key), public: Public::Key(key.subject_public_key_info()) })
    }

    fn authority(&self, name: &str, valid: Validity) -> Result<KeyPair, IssueError> {
        let mut params = params(name, valid);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = generate()?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(KeyPair { private: private(&key), public: Public::Chain(vec![certificate.der().to_vec()]) })
    }

    fn issue(
        &self,
        authority: &KeyPair,
        subject: &CertificateSubject,
        public_key: Option<&[u8]>,
        valid: Validity,
    ) -> Result<IssuedCertificate, IssueError> {
        let key = PrivatePkcs8KeyDer::from(authority.private.as_bytes());
        let key =
            rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let certificate = CertificateDer::from(authority.leaf());
        let issuer = rcgen::Issuer::from_ca_cert_der(&certificate, key).map_err(failed)?;
        let params = match subject {
            CertificateSubject::Device(endpoint) => device(endpoint.as_str(), valid),
            CertificateSubject::Server(names) => server(names, valid)?,
        };
        let (signed, private) = match public_key {
            Some(spki) => {
                let key = SubjectPublicKeyInfo::from_der(spki).map_err(failed)?;
                (params.signed_by(&key, &issuer), None)
            }
            None => {
                let key = generate()?;
                (params.signed_by(&key, &issuer), Some(private(&key)))
            }
        };
        Ok(IssuedCertificate { chain: vec![signed.map_err(failed)?.der().to_vec()], private })
    }
}

fn device(endpoint: &str, valid: Validity) -> CertificateParams {
    let mut params = params(endpoint, valid);
    // A URI as it stands; a host name only if it is one, which most endpoint names are not.
    let uri = endpoint.starts_with("urn:").then(|| Ia5String::try_from(endpoint).ok()).flatten();
    params.subject_alt_names.extend(uri.map(SanType::URI));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn server(names: &[String], valid: Validity) -> Result<CertificateParams, IssueError> {
    let mut params = params(names.first().map_or("Muster", String::as_str), valid);
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(Ia5String::try_from(name.as_str()).map_err(failed)?),
        });
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn params(common_name: &str, valid: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.is_ca = IsCa::NoCa;
    params.not_before = at(valid.from);
    params.not_after = at(valid.to);
    params
}

fn at(time: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(time.0.div_euclid(1_000))
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

fn generate() -> Result<rcgen::KeyPair, IssueError> {
    rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)
}

fn private(key: &rcgen::KeyPair) -> PrivateKey {
    PrivateKey::new(key.serialize_der())
}

fn failed(error: impl std::fmt::Display) -> IssueError {
    IssueError { reason: error.to_string() }
}
