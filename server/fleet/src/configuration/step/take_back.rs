//! Attributes that were set and that nobody wants any more: they are taken back. Values stay as they are.

use objects::{Attribute, Attributes};

use super::{
    super::{Ask, Asking, Digest, Leaving, LineKey, LineState, Listening, Written},
    Request, Steps,
};
use crate::{Operation, OperationId, RegistrationId, Timestamp, registration::rules};

impl Steps<'_> {
    /// Notes what was set of lines that are wanted no more.
    pub(super) fn give_up(&mut self, lines: Vec<LineState>) {
        for line in lines.into_iter().filter(|line| line.key.attributes) {
            let attributes = line.set_attributes();
            if !attributes.is_empty() {
                self.row.leaving.push(Leaving { path: line.key.path, attributes: attributes.to_vec() });
            }
        }
    }

    /// What was set of a line that had been given up and is wanted again.
    pub(super) fn return_of(&mut self, key: LineKey) -> Option<Written> {
        let is_here = |leaving: &Leaving| key.attributes && leaving.path == key.path;
        let place = self.row.leaving.iter().position(is_here)?;
        Some(perhaps(self.row.leaving.remove(place).attributes, self.now, None))
    }

    /// Takes back what was set (LwM2M Core 1.1.1 §6.3.4: an attribute without a value is unset). Where the device's class
    /// wishes one of them, that comes back instead.
    pub(super) fn take_back(&mut self, listening: &Listening) -> Option<Request> {
        self.row.leaving.retain(|leaving| rules::covers(&listening.links, leaving.path));
        let Leaving { path, attributes } = self.row.leaving.first()?;
        let wished = self.seen.wished.get(path).copied().unwrap_or_default();
        let mut set = Attributes::default();
        let mut unset = Vec::new();
        for attribute in attributes {
            let is_set = wished.text(*attribute).is_some_and(|value| set.set(*attribute, &value).is_ok());
            if !is_set {
                unset.push(*attribute);
            }
        }
        let lines = vec![LineKey { path: *path, attributes: true }];
        let operation = Operation::WriteAttributes { path: *path, set, unset };
        Some(Request { ask: Ask::TakeBack, lines, operation })
    }

    /// It was taken back, or the device does not give it up.
    pub(super) fn has_left(&mut self, asking: &Asking) {
        let is_asked = |leaving: &Leaving| asking.lines.iter().any(|key| key.path == leaving.path);
        self.row.leaving.retain(|leaving| !is_asked(leaving));
    }
}

impl LineState {
    /// Attributes are being set: whether they were is not known if it is cut off.
    pub(super) fn may_have(
        &mut self,
        attributes: impl Iterator<Item = Attribute>,
        now: Timestamp,
        registration: Option<RegistrationId>,
    ) {
        let written = self.written.get_or_insert_with(|| perhaps(Vec::new(), now, registration));
        for attribute in attributes {
            if !written.attributes.contains(&attribute) {
                written.attributes.push(attribute);
            }
        }
    }
}

/// That attributes may be set, to whatever values.
fn perhaps(attributes: Vec<Attribute>, at: Timestamp, registration: Option<RegistrationId>) -> Written {
    let operation = OperationId::new(at, [0; 10]);
    Written { digest: Digest::default(), at, operation, registration, attributes }
}
