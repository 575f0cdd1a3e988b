//! What tests sign artefacts with: keys, signed manifests and SUIT envelopes.

use coset::{
    CborSerializable as _, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable as _, cbor::Value,
    iana::Algorithm,
};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair as _,
    },
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{KeyAlgorithm, Manifest, SignedManifest, UpdateKey};
use crate::{ArtefactKind, ClassId, Fingerprint, Timestamp, credential::hex::from_hex};

pub(crate) const VENDOR: Uuid = Uuid::from_u128(0xfa6b);
pub(crate) const CLASS: Uuid = Uuid::from_u128(0x1492);

/// A key that signs.
pub(crate) enum Signer {
    Ed25519(Ed25519KeyPair),
    P256(Vec<u8>),
}

impl Signer {
    pub(crate) fn ed25519(seed: u8) -> Self {
        Self::Ed25519(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    /// A key of no importance, as `openssl genpkey` has made it.
    pub(crate) fn p256() -> Self {
        Self::P256(
            from_hex(
                "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b020101042096c0e30aea113f4f2fed395d80b84aa7\
                 8c5101becc893656426abb593ca16df7a144034200041f1ab27db7a736145deecdbe0f0b0d9992358bd6bd6ae3a2626ad4f687\
                 e6d305b75eff2f15c2dfccc1f3a8e743e52d70b18bd214028d04c5832a9b8237f70a45",
            )
            .unwrap(),
        )
    }

    pub(crate) fn public_key(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => {
                [&from_hex("302a300506032b6570032100").unwrap()[..], pair.public_key().as_ref()].concat()
            }
            Self::P256(pkcs8) => {
                let head = from_hex("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
                [&head[..], &pkcs8[pkcs8.len() - 65..]].concat()
            }
        }
    }

    pub(crate) fn key(&self) -> UpdateKey {
        let (algorithm, public_key) = UpdateKey::read(&self.public_key()).unwrap();
        UpdateKey {
            class: ClassId::DEFAULT,
            id: Fingerprint::of(&public_key),
            name: "build".into(),
            algorithm,
            public_key,
            added_by: "ada".into(),
            added_at: Timestamp(1),
            revoked_at: None,
        }
    }

    /// As OpenSSL signs, or as COSE does.
    fn sign(&self, message: &[u8], cose: bool) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::P256(pkcs8) => {
                let algorithm =
                    if cose { &ECDSA_P256_SHA256_FIXED_SIGNING } else { &ECDSA_P256_SHA256_ASN1_SIGNING };
                let random = SystemRandom::new();
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &random).unwrap();
                pair.sign(&random, message).unwrap().as_ref().to_vec()
            }
        }
    }

    pub(crate) fn signed(&self, manifest: &Manifest) -> SignedManifest {
        let manifest = manifest.to_bytes();
        let signature = self.sign(&manifest, false);
        SignedManifest { key: self.key().id, manifest, signature }
    }

    /// An authentication wrapper over a manifest.
    pub(crate) fn authentication(&self, manifest: &[u8]) -> Vec<u8> {
        let algorithm = match self.key().algorithm {
            KeyAlgorithm::Ed25519 => Algorithm::EdDSA,
            KeyAlgorithm::EcdsaP256 => Algorithm::ES256,
        };
        let digest = suit_digest(&Sha256::digest(bytes(&Value::Bytes(manifest.to_vec()))));
        let protected = HeaderBuilder::new().algorithm(algorithm).build();
        let unprotected = HeaderBuilder::new().key_id(self.key().id.0.to_vec()).build();
        let block = CoseSign1Builder::new().protected(protected).unprotected(unprotected);
        let block = block.create_detached_signature(&digest, &[], |message| self.sign(message, true)).build();
        bytes(&Value::Array(vec![Value::Bytes(digest), Value::Bytes(block.to_tagged_vec().unwrap())]))
    }
}

/// What a manifest of ours says of an image.
pub(crate) fn manifest(image: &[u8]) -> Manifest {
    Manifest {
        class: "default".into(),
        kind: ArtefactKind::Firmware,
        not_after: None,
        sequence: 7,
        digest: Fingerprint::of(image),
        size: image.len() as u64,
        version: "1.4.0".into(),
    }
}

/// The commands of a shared sequence that say what an image is.
pub(crate) fn parameters(image: &[u8]) -> Vec<(i64, Value)> {
    vec![
        (1, Value::Bytes(VENDOR.as_bytes().to_vec())),
        (2, Value::Bytes(CLASS.as_bytes().to_vec())),
        (3, Value::Bytes(suit_digest(&Sha256::digest(image)))),
        (14, Value::from(image.len() as u64)),
    ]
}

/// A SUIT manifest of one component with these parameters.
pub(crate) fn suit_manifest(sequence: u64, parameters: Vec<(i64, Value)>) -> Vec<u8> {
    let shared = commands(vec![(20, map(parameters)), (1, Value::from(15)), (2, Value::from(15))]);
    let install = commands(vec![
        (20, map(vec![(21, Value::from("#image"))])),
        (21, Value::from(2)),
        (3, Value::from(15)),
    ]);
    suit_manifest_of(sequence, shared, vec![(20, install)])
}

pub(crate) fn suit_manifest_of(sequence: u64, shared: Value, others: Vec<(i64, Value)>) -> Vec<u8> {
    let components = Value::Array(vec![Value::Array(vec![Value::Bytes(vec![0])])]);
    let common = wrapped(&map(vec![(2, components), (4, shared)]));
    let members = vec![(1, Value::from(1)), (2, Value::from(sequence)), (3, common)];
    bytes(&map(members.into_iter().chain(others).collect()))
}

/// An envelope, with its image in it unless it lies beside it.
pub(crate) fn envelope(authentication: &[u8], manifest: &[u8], image: Option<&[u8]>) -> Vec<u8> {
    let member = |key: i64, content: &[u8]| (Value::from(key), Value::Bytes(content.to_vec()));
    let mut members = vec![member(2, authentication), member(3, manifest)];
    members.extend(image.map(|image| (Value::from("#image"), Value::Bytes(image.to_vec()))));
    bytes(&Value::Tag(107, Box::new(Value::Map(members))))
}

/// A command sequence, wrapped.
pub(crate) fn commands(commands: Vec<(i64, Value)>) -> Value {
    wrapped(&Value::Array(
        commands.into_iter().flat_map(|(command, argument)| [Value::from(command), argument]).collect(),
    ))
}

pub(crate) fn map(members: Vec<(i64, Value)>) -> Value {
    Value::Map(members.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

pub(crate) fn wrapped(value: &Value) -> Value {
    Value::Bytes(bytes(value))
}

pub(crate) fn suit_digest(digest: &[u8]) -> Vec<u8> {
    bytes(&Value::Array(vec![Value::from(-16), Value::Bytes(digest.to_vec())]))
}

fn bytes(value: &Value) -> Vec<u8> {
    value.clone().to_vec().unwrap()
}
