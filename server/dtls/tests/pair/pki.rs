//! An authority, and what it issues.

use std::sync::Arc;

use dtls::{Config, Connect, Offer, ServerIdentity, SigningKey, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use ring::rand::SystemRandom;

use crate::simulation::{IDENTITY, KEY, psk};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Psk,
    RawPublicKey,
    Certificate,
}

pub(crate) struct Pki {
    pub(crate) authority: Issuer<'static, KeyPair>,
    pub(crate) authority_der: Vec<u8>,
    pub(crate) server_chain: Vec<Vec<u8>>,
    server_key: Arc<SigningKey>,
    pub(crate) device_pair: KeyPair,
    pub(crate) device_key: Arc<SigningKey>,
}

pub(crate) fn signing_key(pair: &KeyPair) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_pkcs8(&pair.serialize_der(), &SystemRandom::new()).unwrap())
}

pub(crate) fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

impl Pki {
    pub(crate) fn new() -> Self {
        let mut params = named("authority.example");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let authority_der = params.self_signed(&key).unwrap().der().to_vec();
        let authority = Issuer::new(params, key);
        let server_pair = KeyPair::generate().unwrap();
        let server = named("server.example").signed_by(&server_pair, &authority).unwrap();
        let device_pair = KeyPair::generate().unwrap();
        Self {
            server_chain: vec![server.der().to_vec(), authority_der.clone()],
            authority,
            authority_der,
            server_key: signing_key(&server_pair),
            device_key: signing_key(&device_pair),
            device_pair,
        }
    }

    pub(crate) fn config(&self) -> Config {
        let identity = ServerIdentity {
            names: vec!["server.example".to_owned()],
            chain: self.server_chain.clone(),
            key: self.server_key.clone(),
        };
        Config { identities: vec![identity], raw_key: Some(self.server_key.clone()), ..Config::default() }
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::new([(&*self.authority_der, None)]).unwrap()
    }

    pub(crate) fn connect(&self, proof: Proof) -> Connect {
        let offer = match proof {
            Proof::Psk => return psk(IDENTITY, KEY),
            Proof::RawPublicKey => Offer::RawPublicKey {
                key: self.device_key.clone(),
                server: self.server_key.public().to_vec(),
            },
            Proof::Certificate => self.offer(named("node-7.example")),
        };
        Connect { offer, ..psk(IDENTITY, KEY) }
    }

    /// The device's own certificate, in DER.
    pub(crate) fn device_certificate(&self) -> Vec<u8> {
        named("node-7.example").signed_by(&self.device_pair, &self.authority).unwrap().der().to_vec()
    }

    /// The device's key, in PKCS#8.
    pub(crate) fn device_pkcs8(&self) -> Vec<u8> {
        self.device_pair.serialize_der()
    }

    pub(crate) fn offer(&self, params: CertificateParams) -> Offer {
        let own = params.signed_by(&self.device_pair, &self.authority).unwrap();
        Offer::Certificate {
            chain: vec![own.der().to_vec()],
            key: self.device_key.clone(),
            server: self.server_chain[0].clone(),
        }
    }

    pub(crate) fn revocation_list(&self, serial: u8) -> Vec<u8> {
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 6, 1),
            // A list that is old still says what is revoked.
            next_update: date_time_ymd(2025, 7, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from_slice(&[serial]),
                revocation_time: date_time_ymd(2025, 5, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.authority).unwrap().der().to_vec()
    }
}
