//! What a class of devices takes as updates.

use uuid::Uuid;

use crate::ClassId;

/// What a class of devices takes as updates. As long as nothing was said, only what a trusted key has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdatePolicy {
    /// Which class.
    pub class: ClassId,
    /// Who makes its devices (RFC 9124 §3.3), as SUIT manifests name them.
    pub vendor_id: Option<Uuid>,
    /// What its devices are (RFC 9124 §3.4), as SUIT manifests name them.
    pub class_id: Option<Uuid>,
    /// Whether images that nobody has signed are taken.
    pub unsigned: bool,
    /// Whether devices may be told to pull by `coap`, in the clear.
    pub coap: bool,
    /// Whether devices may be told to pull by `http`, in the clear.
    pub http: bool,
}

impl UpdatePolicy {
    /// As long as nothing was said.
    pub fn new(class: ClassId) -> Self {
        Self { class, vendor_id: None, class_id: None, unsigned: false, coap: false, http: false }
    }
}
