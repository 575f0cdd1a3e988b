//! The authentication wrapper (draft-ietf-suit-manifest-37 §8.3): the digest of the manifest, and who has signed it.

use coset::{
    CoseSign1, RegisteredLabelWithPrivate, TaggedCborSerializable as _, iana::Algorithm, iana::EnumI64 as _,
};
use sha2::{Digest as _, Sha256};

use super::{
    SuitError,
    cbor::{Head, Reader, bytes_head},
};
use crate::{Fingerprint, KeyAlgorithm, UpdateKey};

/// The authentication wrapper of an envelope.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// The SUIT_Digest, as it was signed.
    signed: Vec<u8>,
    digest: Fingerprint,
    blocks: Vec<CoseSign1>,
}

/// The longest wrapper that is read.
pub(super) const MAX_BYTES: usize = 8_192;
/// How many authentication blocks are looked at.
const MAX_BLOCKS: usize = 8;
/// COSE_Sign1_Tagged (RFC 9052 §2).
const SIGN1: u64 = 18;

impl Authentication {
    /// The longest one that is read.
    pub const MAX_BYTES: usize = MAX_BYTES;

    /// Reads what an authentication wrapper holds.
    pub fn parse(bytes: &[u8]) -> Result<Self, SuitError> {
        if bytes.len() > MAX_BYTES {
            return Err(SuitError::TooMuch { what: "bytes of authentication", max: MAX_BYTES });
        }
        let mut reader = Reader::new(bytes, "the authentication wrapper");
        let items = reader.array()?;
        if items == 0 {
            return Err(SuitError::Lacks { what: "a digest of its manifest" });
        }
        if items > 1 + MAX_BLOCKS {
            return Err(SuitError::TooMuch { what: "authentication blocks", max: MAX_BLOCKS });
        }
        let signed = reader.bytes()?.to_vec();
        let digest = digest(&signed)?;
        let mut blocks = Vec::new();
        for _ in 1..items {
            let block = reader.bytes()?;
            // Its depth is bounded before another reader sees it.
            Reader::new(block, "an authentication block").skip()?;
            if Reader::new(block, "an authentication block").head()? != Head::Tag(SIGN1) {
                // COSE_Sign, and the authentication codes, whose keys would have to be shared.
                continue;
            }
            let malformed = SuitError::Malformed { what: "an authentication block" };
            let block = CoseSign1::from_tagged_slice(block).map_err(|_| malformed)?;
            // §8.3: the payload is detached; RFC 9052 §3.1: what is critical has to be understood.
            if block.payload.is_some() || !block.protected.header.crit.is_empty() {
                return Err(SuitError::unsupported("a signature with a payload or critical parameters"));
            }
            blocks.push(block);
        }
        reader.end()?;
        Ok(Self { signed, digest, blocks })
    }

    /// Whether it speaks of this manifest: the digest is over the byte string that the manifest is wrapped in.
    pub fn is_of(&self, manifest: &[u8]) -> bool {
        let digest = Sha256::new().chain_update(bytes_head(manifest.len())).chain_update(manifest).finalize();
        self.digest == Fingerprint(digest.into())
    }

    /// Whether somebody has signed at all.
    pub fn is_signed(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Of those keys the one that has signed, a trusted one if there is any.
    pub fn signer<'k>(&self, keys: &'k [UpdateKey]) -> Option<&'k UpdateKey> {
        let signers =
            || keys.iter().filter(|key| self.blocks.iter().any(|block| self.has_signed(key, block)));
        signers().find(|key| key.is_trusted()).or_else(|| signers().next())
    }

    /// The keys that are named, where their names are like ours: SHA-256 of the SubjectPublicKeyInfo.
    pub fn named(&self) -> Option<Fingerprint> {
        self.blocks.iter().find_map(|block| {
            let ids = [&block.protected.header.key_id, &block.unprotected.key_id];
            ids.into_iter().find_map(|id| id.as_slice().try_into().ok().map(Fingerprint))
        })
    }

    fn has_signed(&self, key: &UpdateKey, block: &CoseSign1) -> bool {
        let Some(RegisteredLabelWithPrivate::Assigned(algorithm)) = &block.protected.header.alg else {
            return false;
        };
        // RFC 9053 §2.1, §2.2; RFC 9864 §2.
        let fits = match key.algorithm {
            KeyAlgorithm::EcdsaP256 => matches!(algorithm, Algorithm::ES256 | Algorithm::ESP256),
            KeyAlgorithm::Ed25519 => matches!(algorithm, Algorithm::EdDSA | Algorithm::Ed25519),
        };
        let verified = block.verify_detached_signature(&self.signed, &[], |signature, message| {
            key.has_signed_for_cose(message, signature).then_some(()).ok_or(())
        });
        fits && verified.is_ok()
    }
}

/// A SUIT_Digest (§8.1) by SHA-256.
pub(super) fn digest(bytes: &[u8]) -> Result<Fingerprint, SuitError> {
    let mut reader = Reader::new(bytes, "a digest");
    if reader.array()? != 2 {
        return Err(reader.malformed());
    }
    if reader.int()? != Algorithm::SHA_256.to_i64() {
        return Err(SuitError::unsupported("a digest other than SHA-256"));
    }
    let digest = reader.bytes()?.try_into().map_err(|_| reader.malformed())?;
    reader.end()?;
    Ok(Fingerprint(digest))
}
