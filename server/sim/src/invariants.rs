//! The rules that a server keeps (I-1 to I-32), each file a group of them.
//!
//! A rule is a function over what is known ([`View`]); it calls [`Bench::violate`] with its id. To add one, write it into the
//! file of its group (or a new one), and call it from [`Checks`] where its evidence appears: at an acknowledgement that a device
//! has heard ([`Checks::acknowledged`]), at something that became durable ([`Checks::durable`]), at a datagram of the server's
//! ([`Checks::sent`]), when a server has died or has started ([`Checks::restarted`]), or after the last fault, when all is to
//! be well again ([`Checks::quiet`]). What a rule has to remember is a field of [`Checks`]; what the devices and the people know
//! stands in the [`Model`].

mod durability;
pub use durability::SENT;

mod nonces;
mod operations;
mod quiet;
mod time;

use std::{collections::BTreeSet, net::SocketAddr};

use fleet::{DeviceId, EndpointName, RegistrationId, store::DeviceView};

use crate::{
    bench::Bench,
    gauges::Gauges,
    model::Model,
    node::Node,
    store::{FaultyStore, News},
};

/// What rules remember.
#[derive(Default)]
pub struct Checks {
    /// Registrations that were seen ended.
    ended: BTreeSet<RegistrationId>,
    nonces: nonces::Ledger,
}

/// What rules look at.
pub struct View<'w> {
    /// Where violations go.
    pub bench: &'w Bench,
    /// The store, beside its faults.
    pub store: &'w FaultyStore,
    /// What was acknowledged.
    pub model: &'w mut Model,
    /// The devices.
    pub nodes: &'w [Node],
    /// What the server says of itself.
    pub gauges: &'w Gauges,
}

impl Checks {
    /// A device has heard that something about it was taken.
    pub fn acknowledged(&mut self, view: &mut View<'_>, device: usize) {
        durability::registration(self, view, device);
    }

    /// Something became durable.
    pub fn durable(&mut self, view: &mut View<'_>, news: &News) {
        match news {
            News::Ended(device, reason) => time::not_early(view, *device, *reason),
            News::OperationEnded(id, state) => operations::ended_once(view, *id, *state),
            News::EndRefused(id) => operations::end_refused(view, *id),
        }
    }

    /// The server has sent a datagram.
    pub fn sent(&mut self, view: &mut View<'_>, to: SocketAddr, bytes: &[u8]) {
        self.nonces.sent(view.bench, to, bytes);
    }

    /// An address is another device's from now on.
    pub fn shared(&mut self, address: SocketAddr) {
        self.nonces.share(address);
    }

    /// A server has died, or has started.
    pub fn restarted(&mut self, view: &mut View<'_>) {
        for device in 0..view.nodes.len() {
            durability::registration(self, view, device);
            durability::sends(view, device);
        }
        operations::kept(view);
    }

    /// After the last fault all is well.
    pub fn quiet(&mut self, view: &mut View<'_>) {
        self.restarted(view);
        quiet::registered(view);
        quiet::final_states(view);
        quiet::balanced(view);
        time::not_for_ever(view);
    }
}

impl View<'_> {
    /// What is durable of a device.
    fn stored(&self, device: usize) -> Option<DeviceView> {
        let name = EndpointName::new(self.model.devices[device].endpoint.clone()).ok()?;
        self.store.durable(|store| store.device_by_endpoint(&name)).ok().flatten()
    }

    /// Which device a row is of.
    fn device_of(&self, row: DeviceId) -> Option<usize> {
        let view = self.store.durable(|store| store.device_row(row)).ok().flatten()?;
        self.model.devices.iter().position(|known| known.endpoint == view.device.endpoint.as_str())
    }
}
