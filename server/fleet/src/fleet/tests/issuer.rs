//! Those who make certificates: the server's own issuer, and factories that are strangers to it.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyIdMethod, KeyPair as Key, KeyUsagePurpose, PublicKeyData, RevokedCertParams, SanType,
    SerialNumber, SubjectPublicKeyInfo, date_time_ymd,
};

use super::*;
use crate::{
    Authority, CertificateSubject, Fingerprint, IssueError, IssuedCertificate, Issuer, KeyPair, PrivateKey,
    Public, Validity,
};

/// As the library has it, whose type has no other way in.
macro_rules! as_time {
    ($at:expr) => {
        date_time_ymd(1970, 1, 1) + std::time::Duration::from_millis($at.0.unsigned_abs())
    };
}

/// The server's own issuer.
pub(super) struct Maker;

impl Issuer for Maker {
    fn key_pair(&self) -> Result<KeyPair, IssueError> {
        let key = Key::generate().unwrap();
        Ok(KeyPair { private: private(&key), public: Public::Key(key.subject_public_key_info()) })
    }

    fn authority(&self, name: &str, valid: Validity) -> Result<KeyPair, IssueError> {
        let key = Key::generate().unwrap();
        let certificate = authority(name, valid).self_signed(&key).unwrap();
        Ok(KeyPair { private: private(&key), public: Public::Chain(vec![certificate.der().to_vec()]) })
    }

    fn issue(
        &self,
        authority: &KeyPair,
        subject: &CertificateSubject,
        public_key: Option<&[u8]>,
        valid: Validity,
    ) -> Result<IssuedCertificate, IssueError> {
        let key = Key::try_from(authority.private.as_bytes()).unwrap();
        let issuer = rcgen::Issuer::from_ca_cert_der(&authority.leaf().into(), key).unwrap();
        let params = match subject {
            CertificateSubject::Device(endpoint) => named(endpoint.as_str(), valid),
            CertificateSubject::Server(names) => named(&names[0], valid),
        };
        let (chain, private) = match public_key {
            Some(given) => {
                let given = SubjectPublicKeyInfo::from_der(given).unwrap();
                (params.signed_by(&given, &issuer).unwrap(), None)
            }
            None => {
                let key = Key::generate().unwrap();
                (params.signed_by(&key, &issuer).unwrap(), Some(private(&key)))
            }
        };
        Ok(IssuedCertificate { chain: vec![chain.der().to_vec()], private })
    }
}

/// An authority elsewhere.
pub(super) struct Factory {
    name: String,
    key: Key,
    certificate: Vec<u8>,
}

impl Factory {
    pub(super) fn new(name: &str) -> Self {
        let key = Key::generate().unwrap();
        let certificate = authority(name, YEAR).self_signed(&key).unwrap().der().to_vec();
        Self { name: name.into(), key, certificate }
    }

    pub(super) fn certificate(&self) -> Vec<u8> {
        self.certificate.clone()
    }

    /// Adds it to those that are trusted.
    pub(super) fn trusted(&self, bench: &Bench) -> Authority {
        let admin = context(Role::Administrator);
        block_on(bench.fleet.add_authority(&admin, &self.name, &self.certificate())).unwrap()
    }

    /// Issues a certificate that names `common`, a serial number and subject alternative names.
    pub(super) fn issue(&self, common: &str, serial: u64, alternatives: &[&str], valid: Validity) -> Vec<u8> {
        let mut params = named(common, valid);
        params.serial_number = Some(SerialNumber::from(serial));
        params.subject_alt_names =
            alternatives.iter().map(|name| SanType::URI((*name).try_into().unwrap())).collect();
        let of = authority(&self.name, YEAR);
        let issuer = rcgen::Issuer::from_params(&of, &self.key);
        params.signed_by(&Key::generate().unwrap(), &issuer).unwrap().der().to_vec()
    }

    pub(super) fn revocation_list(&self, number: u64, serials: &[u64]) -> Vec<u8> {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: as_time!(START),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: as_time!(START),
            next_update: as_time!(YEAR.to),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let of = authority(&self.name, YEAR);
        params.signed_by(&rcgen::Issuer::from_params(&of, &self.key)).unwrap().der().to_vec()
    }

    pub(super) fn subject_name(&self) -> Fingerprint {
        crate::Certificate::parse(&self.certificate()).unwrap().subject_name
    }
}

/// The year after the start.
pub(super) const YEAR: Validity = Validity { from: START, to: Timestamp(START.0 + 365 * 86_400_000) };

fn named(common: &str, valid: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common);
    params.not_before = as_time!(valid.from);
    params.not_after = as_time!(valid.to);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn authority(name: &str, valid: Validity) -> CertificateParams {
    let mut params = named(name, valid);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages.clear();
    params
}

fn private(key: &Key) -> PrivateKey {
    PrivateKey::new(key.serialize_der())
}
