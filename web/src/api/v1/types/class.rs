//! Classes of devices.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CredentialKind;

words! {
    /// How a certificate names its device. A pinned one always names it by its key.
    Mapping = Mapping {
        /// By the common name of its subject.
        #[serde(rename = "cn")]
        CommonName,
        /// By one of its subject alternative names.
        #[serde(rename = "san")]
        SubjectAltName,
        /// By its serial number.
        #[serde(rename = "serial")]
        SerialNumber,
        /// By its key alone.
        #[serde(rename = "spki")]
        PublicKey,
    }
}

/// A class of devices, which share a bootstrap plan and by what they may prove who they are. Its name is what it is called by everywhere, and never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Class {
    /// Its name, unique.
    #[schema(example = "default")]
    pub name: String,
    /// By what its devices may prove who they are.
    pub policy: ClassPolicy,
    /// How long values of its devices are kept.
    pub retention: Retention,
    /// How many devices it has; null for more than 10 000.
    #[schema(example = 12)]
    pub devices: Option<u64>,
}

/// By what the devices of a class may prove who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassPolicy {
    /// Which kinds of credentials are let in; one at least.
    #[schema(example = json!(["psk", "rpk", "x509"]))]
    pub kinds: Vec<CredentialKind>,
    /// How a certificate names its device.
    pub mapping: Mapping,
    /// Of which kind the management credential is that bootstrap writes; one of `kinds`.
    pub provision: CredentialKind,
}

/// How long and how many values of a resource are kept. The newest one stays in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// For so many days, 1 to 36500; null for no end.
    #[schema(example = 90)]
    pub days: Option<u32>,
    /// So many of each resource, 1 to 1000.
    #[schema(example = 1000)]
    pub readings: u32,
}

/// A class to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClass {
    /// Its name: 1 to 64 characters, unique.
    #[schema(example = "water meters")]
    pub name: String,
}

impl Class {
    /// A class with so many devices.
    pub(crate) fn of(class: fleet::Class, devices: Option<u64>) -> Self {
        let (policy, retention) = (class.policy.into(), class.retention.into());
        Self { name: class.name, policy, retention, devices }
    }
}

impl From<fleet::Retention> for Retention {
    fn from(fleet::Retention { days, readings }: fleet::Retention) -> Self {
        Self { days, readings }
    }
}

impl From<Retention> for fleet::Retention {
    fn from(Retention { days, readings }: Retention) -> Self {
        Self { days, readings }
    }
}

impl From<fleet::ClassPolicy> for ClassPolicy {
    fn from(policy: fleet::ClassPolicy) -> Self {
        Self {
            kinds: policy.kinds.into_iter().map(CredentialKind::from).collect(),
            mapping: policy.mapping.into(),
            provision: policy.provision.into(),
        }
    }
}

impl From<ClassPolicy> for fleet::ClassPolicy {
    fn from(policy: ClassPolicy) -> Self {
        Self {
            kinds: policy.kinds.into_iter().map(fleet::CredentialKind::from).collect(),
            mapping: policy.mapping.into(),
            provision: policy.provision.into(),
        }
    }
}
