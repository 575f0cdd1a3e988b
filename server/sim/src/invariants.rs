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

mod access;
mod bootstrap;
mod exchanges;
mod nonces;
mod operations;
mod order;
mod quiet;
mod strangers;
mod time;
pub use strangers::Wish;

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use coap::Message;
use device::Event;
use fleet::{DeviceId, EndpointName, RegistrationId, Timestamp, store::DeviceView};
use objects::Path;

use crate::{
    bench::Bench,
    gauges::Gauges,
    model::Model,
    network::{Datagram, is_stranger},
    node::Node,
    store::{FaultyStore, News},
};

/// What rules remember.
#[derive(Default)]
pub struct Checks {
    /// Registrations that were seen ended.
    ended: BTreeSet<RegistrationId>,
    nonces: nonces::Ledger,
    exchanges: exchanges::Exchanges,
    order: order::Order,
    strangers: strangers::Ledger,
    /// When a server has died or started last.
    restarted_at: Duration,
}

/// The content type of what is not for DTLS itself (RFC 6347 §4.1).
const APPLICATION_DATA: u8 = 23;

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
            News::SessionOpened(peer) => self.nonces.opened(*peer),
        }
    }

    /// The server has sent a datagram.
    pub fn sent(&mut self, view: &mut View<'_>, datagram: &Datagram) {
        let Datagram { to, bytes, .. } = datagram;
        if is_stranger(*to) {
            return self.strangers.sent(view, *to, bytes);
        }
        self.nonces.sent(view.bench, *to, bytes);
        let message = Message::parse(bytes).ok();
        // An alert or a message of a handshake asks nothing.
        let speaks = message.is_some() || bytes.first() == Some(&APPLICATION_DATA);
        if speaks && !self.nonces.is_shared(*to) {
            self.order.sent(view, *to);
        }
        if let Some(message) = message {
            self.exchanges.sent(view, *to, &message);
        }
    }

    /// A datagram has reached the server.
    pub fn received(&mut self, view: &mut View<'_>, datagram: &Datagram) {
        let Datagram { from, bytes, message, replayed, .. } = datagram;
        if is_stranger(*from) {
            self.strangers.received(*from, bytes, *replayed);
        }
        let asked = message.map(|message| view.model.requests[message].device);
        if let Some(device) = asked.or_else(|| view.device_at(*from)) {
            self.order.received(view, device, *from);
        }
    }

    /// A device has heard a message that the server sent in this life.
    pub fn heard(&mut self, view: &mut View<'_>, device: usize, life: u32, bytes: &[u8]) {
        let Ok(message) = Message::parse(bytes) else { return };
        self.exchanges.heard(view, device, life, &message);
        self.order.heard(view, device, &message);
        access::heard(view, device, &message);
        strangers::answered(view, &message);
    }

    /// A device tells of itself.
    pub fn told(&mut self, view: &mut View<'_>, device: usize, event: &Event) {
        time::update_refused(view, device, event);
        bootstrap::finished(view, device, event);
        self.order.told(device, event);
    }

    /// A device says something.
    pub fn said(&mut self, device: usize, bytes: &[u8]) {
        if let Ok(message) = Message::parse(bytes) {
            self.order.said(device, &message);
        }
    }

    /// Somebody was told that an observation, which was asked for at this time, is cancelled.
    pub fn cancelled(&mut self, view: &mut View<'_>, device: usize, path: Path, at: Timestamp) {
        order::cancelled(view, device, path, at);
    }

    /// A device has another address from now on.
    pub fn came(&mut self, address: SocketAddr) {
        self.nonces.came(address);
    }

    /// An address is another device's from now on.
    pub fn shared(&mut self, address: SocketAddr) {
        self.nonces.share(address);
    }

    /// A server has died, or has started.
    pub fn restarted(&mut self, view: &mut View<'_>) {
        self.restarted_at = view.bench.now();
        self.look(view);
    }

    fn look(&mut self, view: &mut View<'_>) {
        for device in 0..view.nodes.len() {
            durability::registration(self, view, device);
            durability::sends(view, device);
            order::observed(view, device);
        }
        operations::kept(view);
    }

    /// After the last fault all is well.
    pub fn quiet(&mut self, view: &mut View<'_>) {
        self.look(view);
        quiet::balanced(view);
        quiet::registered(view);
        quiet::final_states(view);
        time::not_for_ever(view, self.restarted_at);
        order::agreed(view);
        order::wished(&self.order, view);
        access::gone(view);
    }
}

impl View<'_> {
    /// What is durable of a device.
    fn stored(&self, device: usize) -> Option<DeviceView> {
        let name = EndpointName::new(self.model.devices[device].endpoint.clone()).ok()?;
        self.store.durable(|store| store.device_by_endpoint(&name)).ok().flatten()
    }

    /// Which device is at an address.
    fn device_at(&self, address: SocketAddr) -> Option<usize> {
        self.nodes.iter().position(|node| node.address == address)
    }

    /// Which device a row is of.
    fn device_of(&self, row: DeviceId) -> Option<usize> {
        let view = self.store.durable(|store| store.device_row(row)).ok().flatten()?;
        self.model.devices.iter().position(|known| known.endpoint == view.device.endpoint.as_str())
    }
}
