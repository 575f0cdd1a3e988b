//! Keys and certificates for tests: an issuer for the fleet, and an authority of somebody else's.

use fleet::{
    CertificateSubject, IssueError, IssuedCertificate, Issuer, KeyPair, PrivateKey, Public, Timestamp,
    Validity,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, IsCa,
    KeyIdMethod, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, RevokedCertParams,
    SerialNumber, SubjectPublicKeyInfo,
};
use time::{Duration, OffsetDateTime};

/// Issues for the server.
pub(crate) struct TestIssuer;

/// An authority that is not the server's.
pub(crate) struct Foreign {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Foreign {
    /// One whose certificate is good for so many days from a moment on.
    pub(crate) fn new(common_name: &str, now: Timestamp, days: i64) -> Self {
        let key = key();
        let mut params = params(common_name, at(now), at(now) + Duration::days(days));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: rcgen::Issuer::new(params, key) }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for a key of its own, in DER, and in PEM.
    pub(crate) fn issue(&self, common_name: &str, now: Timestamp, days: i64) -> (Vec<u8>, String) {
        let params = params(common_name, at(now) - Duration::days(1), at(now) + Duration::days(days));
        let certificate = params.signed_by(&key(), &self.issuer).unwrap();
        (certificate.der().to_vec(), certificate.pem())
    }

    /// A revocation list of one certificate, in PEM; the next one is due after so many days.
    pub(crate) fn revocations(&self, number: u64, now: Timestamp, days: i64) -> String {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(7),
            revocation_time: at(now),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: at(now),
            next_update: at(now) + Duration::days(days),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// The public part of a new key, in PEM.
pub(crate) fn public_key() -> String {
    key().public_key_pem()
}

impl Issuer for TestIssuer {
    fn key_pair(&self) -> Result<KeyPair, IssueError> {
        let key = key();
        Ok(KeyPair { private: private(&key), public: Public::Key(key.subject_public_key_info()) })
    }

    fn authority(&self, name: &str, valid: Validity) -> Result<KeyPair, IssueError> {
        let key = key();
        let mut params = params(name, at(valid.from), at(valid.to));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap();
        Ok(KeyPair { private: private(&key), public: Public::Chain(vec![certificate.der().to_vec()]) })
    }

    fn issue(
        &self,
        authority: &KeyPair,
        subject: &CertificateSubject,
        public_key: Option<&[u8]>,
        valid: Validity,
    ) -> Result<IssuedCertificate, IssueError> {
        let signing = rcgen::KeyPair::try_from(authority.private.as_bytes()).unwrap();
        let issuer = rcgen::Issuer::from_ca_cert_der(&authority.leaf().into(), signing).unwrap();
        let name = match subject {
            CertificateSubject::Device(endpoint) => endpoint.to_string(),
            CertificateSubject::Server(names) => names[0].clone(),
        };
        let params = params(&name, at(valid.from), at(valid.to));
        let (signed, private) = match public_key {
            Some(spki) => (params.signed_by(&SubjectPublicKeyInfo::from_der(spki).unwrap(), &issuer), None),
            None => {
                let key = key();
                (params.signed_by(&key, &issuer), Some(private(&key)))
            }
        };
        Ok(IssuedCertificate { chain: vec![signed.unwrap().der().to_vec()], private })
    }
}

fn params(common_name: &str, from: OffsetDateTime, to: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    (params.not_before, params.not_after) = (from, to);
    params
}

fn key() -> rcgen::KeyPair {
    rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn private(key: &rcgen::KeyPair) -> PrivateKey {
    PrivateKey::new(key.serialize_der())
}

fn at(time: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.0 / 1_000).unwrap()
}
