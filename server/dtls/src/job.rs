//! Public-key work: key agreement, signatures and chains. It is handed out as a [`Job`], runs on any thread, and what comes of
//! it is handed back.

use std::{fmt, sync::Arc};

use ring::{
    agreement::{self, EphemeralPrivateKey, UnparsedPublicKey},
    rand::SecureRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use webpki::{EndEntityCert, Error, RawPublicKeyEntity};
use zeroize::Zeroizing;

use crate::{
    HandshakeId, Trust, Untrusted,
    message::{ECDSA_SHA256, ECDSA_SHA384, EcdhParams, Group},
};

/// Work for a handshake.
#[derive(Debug)]
pub struct Job {
    pub(crate) handshake: HandshakeId,
    pub(crate) work: Work,
}

/// What came of a [`Job`].
#[derive(Debug)]
pub struct Computed {
    pub(crate) handshake: HandshakeId,
    pub(crate) done: Result<Done, Fault>,
}

/// An ECDSA key pair on the curve P-256.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: Vec<u8>,
}

/// Why bytes are no signing key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no PKCS#8 private key with its public key on the curve P-256: {why}")]
pub struct SigningKeyError {
    why: String,
}

#[derive(Debug)]
pub(crate) enum Work {
    /// As the server, before its flight: an ephemeral key, and the signature over its parameters.
    Offer { group: Group, signed: Option<Signed> },
    /// As the server, after the client's flight: the agreement, and the client's proof.
    Accept { agreement: Agreement, proof: Option<Proof>, chain: Option<Chain> },
    /// As the client, after the server's flight: the server's proof, an ephemeral key, and the agreement.
    Answer { group: Group, public: Vec<u8>, proof: Option<Proof> },
    /// As the client, in its CertificateVerify.
    Sign { key: Arc<SigningKey>, message: Vec<u8> },
}

/// By which the server signs its parameters (RFC 8422 §5.4).
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) key: Arc<SigningKey>,
    /// client_random and server_random.
    pub(crate) randoms: [u8; 64],
}

#[derive(Debug)]
pub(crate) struct Agreement {
    pub(crate) private: EphemeralPrivateKey,
    /// The peer's point.
    pub(crate) public: Vec<u8>,
}

/// A signature to be checked.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) key: PeerKey,
    /// 0x0403 or 0x0503 (RFC 5246 §7.4.1.4.1).
    pub(crate) algorithm: u16,
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// Where the key of a signature is.
#[derive(Debug)]
pub(crate) enum PeerKey {
    /// In a certificate, in DER.
    Certificate(Vec<u8>),
    /// In a SubjectPublicKeyInfo in DER.
    Raw(Vec<u8>),
}

/// A chain to be judged.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) trust: Arc<Trust>,
}

pub(crate) enum Done {
    Offered { private: EphemeralPrivateKey, public: Vec<u8>, signature: Option<Vec<u8>> },
    Accepted { secret: Zeroizing<Vec<u8>>, trusted: Option<Result<(), Untrusted>> },
    Answered { public: Vec<u8>, secret: Zeroizing<Vec<u8>> },
    Signed { signature: Vec<u8> },
}

/// Why a job came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The signature is wrong.
    Signature,
    /// The peer's certificate or key can't be read.
    Key,
    /// The peer's point is not on its curve.
    Point,
    /// No randomness, or a key of ours that does not sign.
    Own,
}

impl Job {
    /// Does the work. It takes from tens to hundreds of microseconds.
    pub fn run(self, random: &dyn SecureRandom, at: UnixTime) -> Computed {
        Computed { handshake: self.handshake, done: self.work.run(random, at) }
    }
}

impl Work {
    fn run(self, random: &dyn SecureRandom, at: UnixTime) -> Result<Done, Fault> {
        match self {
            Self::Offer { group, signed } => {
                let (private, public) = ephemeral(group, random)?;
                let sign = |signed: Signed| {
                    let params = EcdhParams::write(group, &public);
                    signed.key.sign(&[&signed.randoms[..], &params].concat(), random)
                };
                let signature = signed.map(sign).transpose()?;
                Ok(Done::Offered { private, public, signature })
            }
            Self::Accept { agreement, proof, chain } => {
                proof.as_ref().map(Proof::check).transpose()?;
                let secret = agree(agreement.private, &agreement.public)?;
                let trusted = chain.map(|chain| chain.trust.verify(&chain.certificates, at));
                Ok(Done::Accepted { secret, trusted })
            }
            Self::Answer { group, public: peer, proof } => {
                proof.as_ref().map(Proof::check).transpose()?;
                let (private, public) = ephemeral(group, random)?;
                Ok(Done::Answered { public, secret: agree(private, &peer)? })
            }
            Self::Sign { key, message } => Ok(Done::Signed { signature: key.sign(&message, random)? }),
        }
    }
}

impl SigningKey {
    /// A key from PKCS#8 in DER, with its public key inside.
    pub fn from_pkcs8(der: &[u8], random: &dyn SecureRandom) -> Result<Self, SigningKeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, random)
            .map_err(|rejected| SigningKeyError { why: rejected.to_string() })?;
        let public = [&P256_SPKI[..], pair.public_key().as_ref()].concat();
        Ok(Self { pair, public })
    }

    /// Its public half, as a SubjectPublicKeyInfo in DER.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// ECDSA with SHA-256, in ASN.1.
    fn sign(&self, message: &[u8], random: &dyn SecureRandom) -> Result<Vec<u8>, Fault> {
        self.pair.sign(random, message).map(|signature| signature.as_ref().to_vec()).map_err(|_| Fault::Own)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningKey(…)")
    }
}

impl Proof {
    fn check(&self) -> Result<(), Fault> {
        // The curve is the key's: of both, one fits.
        let algorithms = match self.algorithm {
            ECDSA_SHA256 => [webpki::ring::ECDSA_P256_SHA256, webpki::ring::ECDSA_P384_SHA256],
            ECDSA_SHA384 => [webpki::ring::ECDSA_P384_SHA384, webpki::ring::ECDSA_P256_SHA384],
            _ => return Err(Fault::Signature),
        };
        let verify = |algorithm| -> Result<(), Error> {
            match &self.key {
                PeerKey::Certificate(der) => EndEntityCert::try_from(&CertificateDer::from(der.as_slice()))?
                    .verify_signature(algorithm, &self.message, &self.signature),
                PeerKey::Raw(der) => {
                    RawPublicKeyEntity::try_from(&SubjectPublicKeyInfoDer::from(der.as_slice()))?
                        .verify_signature(algorithm, &self.message, &self.signature)
                }
            }
        };
        match algorithms.map(verify) {
            [Ok(()), _] | [_, Ok(())] => Ok(()),
            [Err(Error::InvalidSignatureForPublicKey), _] | [_, Err(Error::InvalidSignatureForPublicKey)] => {
                Err(Fault::Signature)
            }
            _ => Err(Fault::Key),
        }
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Offered { .. } => "Offered(…)",
            Self::Accepted { .. } => "Accepted(…)",
            Self::Answered { .. } => "Answered(…)",
            Self::Signed { .. } => "Signed(…)",
        })
    }
}

fn ephemeral(group: Group, random: &dyn SecureRandom) -> Result<(EphemeralPrivateKey, Vec<u8>), Fault> {
    let algorithm = match group {
        Group::Secp256r1 => &agreement::ECDH_P256,
        Group::X25519 => &agreement::X25519,
    };
    let private = EphemeralPrivateKey::generate(algorithm, random).map_err(|_| Fault::Own)?;
    let public = private.compute_public_key().map_err(|_| Fault::Own)?.as_ref().to_vec();
    Ok((private, public))
}

/// Refuses points that are not on the curve, and of X25519 those that give zero (RFC 7748 §6.1).
fn agree(private: EphemeralPrivateKey, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let peer = UnparsedPublicKey::new(private.algorithm(), peer);
    agreement::agree_ephemeral(private, &peer, |secret| Zeroizing::new(secret.to_vec()))
        .map_err(|_| Fault::Point)
}

/// id-ecPublicKey on prime256v1, and a BIT STRING of 65 bytes (RFC 5480 §2).
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
