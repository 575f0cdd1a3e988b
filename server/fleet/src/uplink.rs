//! What devices say, after the wire has been decoded.

use objects::{Path, Sample};

use crate::{Delivery, DeviceId, ObservationToken, Register, RegistrationId, Update};

/// One message of a device to the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Uplink {
    /// `POST /rd`
    Register(Box<Register>),
    /// `POST /rd/<id>`
    Update(RegistrationId, Box<Update>),
    /// `DELETE /rd/<id>`
    Deregister(RegistrationId),
    /// `POST /dp`, LwM2M 1.1 Send; the device is found by where it came from.
    Send(Report),
    /// A notification of an observation that is known by its token.
    Notify {
        /// Who sent it.
        device: DeviceId,
        /// Its observation.
        token: ObservationToken,
        /// RFC 7641 §3.4; none in the notification that ends an observation.
        observe: Option<u32>,
        /// What it holds.
        report: Report,
    },
}

/// Values a device reports by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Its nodes, each with its time.
    pub samples: Vec<Sample>,
    /// What makes a retransmission recognisable after a restart.
    pub delivery: Delivery,
}

impl Report {
    /// The paths reported.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        self.samples.iter().map(|sample| sample.path)
    }
}
