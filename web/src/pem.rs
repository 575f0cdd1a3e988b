//! Keys and certificates as people take them along: PEM (RFC 7468), and hexadecimal digits.

use base64::{Engine as _, engine::general_purpose::STANDARD};

pub(crate) fn certificate(der: &[u8]) -> String {
    pem("CERTIFICATE", der)
}

/// Certificates in their order.
pub(crate) fn chain(chain: &[Vec<u8>]) -> String {
    chain.iter().map(|der| certificate(der)).collect()
}

/// Of a SubjectPublicKeyInfo.
pub(crate) fn public_key(der: &[u8]) -> String {
    pem("PUBLIC KEY", der)
}

/// Of PKCS#8.
pub(crate) fn private_key(der: &[u8]) -> String {
    pem("PRIVATE KEY", der)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    // RFC 7468 §2: 64 characters a line.
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem.push_str(&format!("\n-----END {label}-----\n"));
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_64_characters_at_most() {
        let text = public_key(&[0; 49]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "-----BEGIN PUBLIC KEY-----");
        assert_eq!((lines[1].len(), lines[2], lines[3]), (64, "AA==", "-----END PUBLIC KEY-----"));
        assert_eq!(chain(&[vec![1], vec![2]]).matches("-----BEGIN CERTIFICATE-----\n").count(), 2);
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
