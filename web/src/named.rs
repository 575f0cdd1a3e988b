//! What people and programs call a credential by.

use fleet::{CredentialKind, CredentialName};

/// What a text may name: mostly a pre-shared key; as `spki:…`, `cn:…`, `san:…` or `serial:…` a public key or a certificate
/// first.
pub(crate) fn names_of(text: &str) -> Vec<CredentialName> {
    let kinds = CredentialKind::ALL.into_iter().rev();
    kinds.filter_map(|kind| CredentialName::from_text(kind, text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_name_credentials_of_several_kinds() {
        let kinds = |text: &str| names_of(text).iter().map(CredentialName::kind).collect::<Vec<_>>();
        assert_eq!(kinds("node-7"), [CredentialKind::Psk]);
        assert_eq!(kinds("cn:node-7"), [CredentialKind::Certificate, CredentialKind::Psk]);
        assert_eq!(kinds(&format!("spki:{}", "0a".repeat(32))).len(), 3);
        assert_eq!(kinds(""), [CredentialKind::Psk; 0]);
    }
}
