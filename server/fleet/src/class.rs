//! Classes of devices, and by what their devices may prove who they are (FLEET.md has it as ID-02).

mod rule;
pub use rule::{Belongs, ClassRule};

use std::collections::BTreeSet;

use crate::{CertificateName, ClassId, CredentialKind, Retention};

/// A class of devices, which share what they are given by bootstrap, by what they may prove who they are, and how long
/// their values are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its row.
    pub id: ClassId,
    /// What people call it; unique.
    pub name: String,
    /// By what its devices may prove who they are.
    pub policy: ClassPolicy,
    /// How long values of its devices are kept.
    pub retention: Retention,
}

/// By what the devices of a class may prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassPolicy {
    /// Which kinds of credentials are let in; one at least.
    pub kinds: BTreeSet<CredentialKind>,
    /// How a certificate names its device.
    pub mapping: Mapping,
    /// Of which kind the management credential is that bootstrap writes; one of [`ClassPolicy::kinds`].
    pub provision: CredentialKind,
}

/// How a certificate names its device. A pinned one always names it by its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mapping {
    /// By the common name of its subject.
    #[default]
    CommonName,
    /// By one of its subject alternative names.
    SubjectAltName,
    /// By its serial number.
    SerialNumber,
    /// By its key alone.
    PublicKey,
}

/// Why a policy can't be that of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassPolicyError {
    /// No device of the class could come in.
    #[error("at least one kind of credential must be let in")]
    NoKind,
    /// What bootstrap writes would not be let in.
    #[error("bootstrap would write credentials of the kind {}, which is not let in", kind.name())]
    ProvisionNotAllowed {
        /// The kind.
        kind: CredentialKind,
    },
}

impl Class {
    /// What the class of a device that was given none is called.
    pub const DEFAULT_NAME: &str = "default";
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 64;
}

impl ClassPolicy {
    /// Whether credentials of a kind are let in.
    pub fn allows(&self, kind: CredentialKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether it can be that of a class.
    pub fn check(&self) -> Result<(), ClassPolicyError> {
        match self.kinds.is_empty() {
            true => Err(ClassPolicyError::NoKind),
            false if !self.allows(self.provision) => {
                Err(ClassPolicyError::ProvisionNotAllowed { kind: self.provision })
            }
            false => Ok(()),
        }
    }
}

impl Default for ClassPolicy {
    /// Everything is let in, and bootstrap writes pre-shared keys.
    fn default() -> Self {
        Self {
            kinds: CredentialKind::ALL.into_iter().collect(),
            mapping: Mapping::default(),
            provision: CredentialKind::Psk,
        }
    }
}

impl Mapping {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CommonName, Self::SubjectAltName, Self::SerialNumber, Self::PublicKey];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::CommonName => "cn",
            Self::SubjectAltName => "san",
            Self::SerialNumber => "serial",
            Self::PublicKey => "spki",
        }
    }

    /// Whether a credential of that name is found by this mapping.
    pub fn takes(self, name: &CertificateName) -> bool {
        match name {
            CertificateName::CommonName(_) => self == Self::CommonName,
            CertificateName::SubjectAltName(_) => self == Self::SubjectAltName,
            CertificateName::SerialNumber(_) => self == Self::SerialNumber,
            // Somebody has said of this very key whose it is.
            CertificateName::PublicKey(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_lets_in_what_bootstrap_writes() {
        assert_eq!(ClassPolicy::default().check(), Ok(()));
        let nothing = ClassPolicy { kinds: BTreeSet::new(), ..ClassPolicy::default() };
        assert_eq!(nothing.check(), Err(ClassPolicyError::NoKind));
        let gateway = ClassPolicy { kinds: [CredentialKind::Certificate].into(), ..ClassPolicy::default() };
        let kind = CredentialKind::Psk;
        assert_eq!(gateway.check(), Err(ClassPolicyError::ProvisionNotAllowed { kind }));
        assert!(!gateway.allows(kind) && gateway.allows(CredentialKind::Certificate));
    }

    #[test]
    fn a_pinned_key_is_taken_by_every_mapping_and_a_name_by_its_own() {
        let pin = CertificateName::PublicKey(crate::Fingerprint([1; 32]));
        let name = CertificateName::CommonName("node-7".into());
        for mapping in Mapping::ALL {
            assert!(mapping.takes(&pin));
            assert_eq!(mapping.takes(&name), mapping == Mapping::CommonName);
        }
    }
}
