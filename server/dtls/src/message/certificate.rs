//! Certificate (RFC 5246 §7.4.2; of raw public keys RFC 7250 §3), CertificateRequest (RFC 5246 §7.4.4) and CertificateVerify
//! (RFC 5246 §7.4.8).

use super::reader::{Malformed, Reader, Writer};

/// ClientCertificateType ecdsa_sign (RFC 8422 §5.5).
pub(crate) const ECDSA_SIGN: u8 = 64;

/// How many certificates a chain may have.
const CHAIN: usize = 10;

/// A server's wish for the client's certificate. Names of authorities are passed over, and never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CertificateRequest<'a> {
    pub(crate) types: &'a [u8],
    /// Two bytes each.
    pub(crate) algorithms: &'a [u8],
}

/// The proof that the sender of a certificate has its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CertificateVerify<'a> {
    pub(crate) algorithm: u16,
    pub(crate) signature: &'a [u8],
}

/// The certificates of a Certificate message, its sender's first. Empty, if it has none.
pub(crate) fn chain(body: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let malformed = Malformed { what: "certificate" };
    let mut reader = Reader::new(body);
    let mut list = Reader::new(reader.vec24(malformed.what)?);
    reader.end(malformed.what)?;
    let mut chain = Vec::new();
    while !list.is_empty() {
        let certificate = list.vec24(malformed.what)?;
        if certificate.is_empty() {
            return Err(malformed);
        }
        if chain.len() == CHAIN {
            return Err(Malformed { what: "certificate chain" });
        }
        chain.push(certificate);
    }
    Ok(chain)
}

pub(crate) fn write_chain(chain: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Writer::default();
    out.u24(chain.iter().map(|certificate| 3 + certificate.len()).sum());
    chain.iter().for_each(|certificate| out.vec24(certificate));
    out.done()
}

/// The SubjectPublicKeyInfo of a Certificate message. Empty, if its sender has none.
pub(crate) fn raw_key(body: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(body);
    let key = reader.vec24("raw public key")?;
    reader.end("raw public key")?;
    Ok(key)
}

pub(crate) fn write_raw_key(key: &[u8]) -> Vec<u8> {
    let mut out = Writer::default();
    out.vec24(key);
    out.done()
}

impl<'a> CertificateRequest<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let types = reader.vec8("certificate types")?;
        let algorithms = reader.vec16("signature algorithms")?;
        if algorithms.len() % 2 != 0 {
            return Err(Malformed { what: "signature algorithms" });
        }
        reader.vec16("certificate authorities")?;
        reader.end("certificate request")?;
        Ok(Self { types, algorithms })
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.vec8(self.types);
        out.vec16(self.algorithms);
        out.u16(0);
        out.done()
    }
}

impl<'a> CertificateVerify<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let algorithm = reader.u16("signature algorithm")?;
        let signature = reader.vec16("signature")?;
        reader.end("certificate verify")?;
        Ok(Self { algorithm, signature })
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u16(self.algorithm);
        out.vec16(self.signature);
        out.done()
    }
}
