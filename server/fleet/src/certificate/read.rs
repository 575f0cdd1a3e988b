//! What people hand in: PEM, DER, or DER in hexadecimal digits or base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use x509_parser::{
    pem::parse_x509_pem,
    prelude::{CertificateRevocationList, FromDer as _, SubjectPublicKeyInfo, X509Certificate},
};

use super::{Certificate, CertificateError, is_served};
use crate::{RevocationList, credential::hex::from_hex};

/// Reads a certificate, and gives it in DER.
pub fn certificate(given: &[u8]) -> Result<Vec<u8>, CertificateError> {
    let der = der(given, "CERTIFICATE", Certificate::MAX_BYTES, "certificate")?;
    let malformed = CertificateError::Malformed { what: "certificate" };
    let (rest, _) = X509Certificate::from_der(&der).map_err(|_| malformed)?;
    if rest.is_empty() { Ok(der) } else { Err(malformed) }
}

/// Reads a public key that handshakes are done with here, and gives its SubjectPublicKeyInfo in DER.
pub fn public_key(given: &[u8]) -> Result<Vec<u8>, CertificateError> {
    let der = any_public_key(given)?;
    let malformed = CertificateError::Malformed { what: "public key" };
    let (_, key) = SubjectPublicKeyInfo::from_der(&der).map_err(|_| malformed)?;
    if is_served(&key) { Ok(der) } else { Err(CertificateError::KeyNotServed) }
}

/// Reads a public key of whatever kind, and gives its SubjectPublicKeyInfo in DER.
pub(crate) fn any_public_key(given: &[u8]) -> Result<Vec<u8>, CertificateError> {
    let der = der(given, "PUBLIC KEY", Certificate::MAX_BYTES, "public key")?;
    let malformed = CertificateError::Malformed { what: "public key" };
    let (rest, _) = SubjectPublicKeyInfo::from_der(&der).map_err(|_| malformed)?;
    if rest.is_empty() { Ok(der) } else { Err(malformed) }
}

/// Reads a revocation list, and gives it in DER.
pub fn revocation_list(given: &[u8]) -> Result<Vec<u8>, CertificateError> {
    let der = der(given, "X509 CRL", RevocationList::MAX_BYTES, "revocation list")?;
    let malformed = CertificateError::Malformed { what: "revocation list" };
    let (rest, _) = CertificateRevocationList::from_der(&der).map_err(|_| malformed)?;
    if rest.is_empty() { Ok(der) } else { Err(malformed) }
}

fn der(given: &[u8], label: &str, max: usize, what: &'static str) -> Result<Vec<u8>, CertificateError> {
    // PEM and base64 have four letters for three bytes, hexadecimal digits two for one; and line ends.
    if given.len() > 3 * max {
        return Err(CertificateError::TooLong { max, len: given.len() });
    }
    let malformed = CertificateError::Malformed { what };
    let der = match std::str::from_utf8(given) {
        // Every DER of these begins with 0x30, a digit, and goes on with what is seldom text.
        Ok(text) if text.trim_start().starts_with("-----BEGIN") => {
            let (_, pem) = parse_x509_pem(text.trim_start().as_bytes()).map_err(|_| malformed)?;
            if pem.label != label {
                return Err(malformed);
            }
            pem.contents
        }
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => {
            let text: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
            let digits = from_hex(&text.replace(':', ""));
            digits.or_else(|| STANDARD.decode(&text).ok()).ok_or(malformed)?
        }
        _ => given.to_vec(),
    };
    if der.len() > max {
        return Err(CertificateError::TooLong { max, len: der.len() });
    }
    Ok(der)
}
