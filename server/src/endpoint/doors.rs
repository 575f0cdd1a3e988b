//! The doors: every socket that devices come to, plain or secure, for management or for bootstrap.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc};

use fleet::{DiaryCause, Incident, ListenerId, Purpose, SecureSession};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    Batch, Outlet,
    dtls::{Doorkeeper, Gate, SecureListener},
    socket::Network,
    udp::Listener,
};
use crate::{Config, StartError, clock::Clock, entropy::Entropy, listen};

/// All sockets, bound.
pub(crate) struct Doors {
    pub(crate) management: Side,
    pub(crate) bootstrap: Side,
    /// All of them, in the order of their ids.
    pub(crate) outlets: Vec<Arc<dyn Outlet>>,
}

/// The sockets of one purpose.
#[derive(Default)]
pub(crate) struct Side {
    secure: Vec<Arc<SecureListener>>,
    doorkeepers: Vec<Doorkeeper>,
    plain: Vec<Arc<Listener>>,
    ids: Vec<ListenerId>,
}

/// What they have in common.
pub(crate) struct Common<'n> {
    /// Where they are bound.
    pub(crate) network: &'n dyn Network,
    /// Is asked who may come in, and told what fails.
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    /// How the secure ones serve.
    pub(crate) dtls: dtls::Config,
}

impl Doors {
    /// Binds them as configured.
    pub(crate) fn open(config: &Config, common: &Common<'_>) -> Result<Self, StartError> {
        let mut doors = Self { management: Side::default(), bootstrap: Side::default(), outlets: Vec::new() };
        doors.open_side(config, common, Purpose::Management)?;
        doors.open_side(config, common, Purpose::Bootstrap)?;
        Ok(doors)
    }

    /// The secure ones, by their ids.
    pub(crate) fn secure(&self) -> BTreeMap<ListenerId, Arc<SecureListener>> {
        let sides = [&self.management, &self.bootstrap].into_iter();
        let secure = sides.flat_map(|side| side.ids.iter().copied().zip(side.secure.iter().map(Arc::clone)));
        secure.collect()
    }

    fn open_side(
        &mut self,
        config: &Config,
        common: &Common<'_>,
        purpose: Purpose,
    ) -> Result<(), StartError> {
        let (secure, plain) = match purpose {
            Purpose::Management => (&config.coaps.listen, &config.coap.listen),
            Purpose::Bootstrap => (&config.coaps.bootstrap_listen, &config.coap.bootstrap_listen),
        };
        let mut side = Side::default();
        let outlets = &mut self.outlets;
        let bound = listen::each(secure, |address| {
            let id = next(outlets.len());
            let Common { network, gate, clock, entropy, dtls } = common;
            let (gate, clock, seed) = (Arc::clone(gate), clock.clone(), entropy.bytes());
            let (listener, doorkeeper) =
                SecureListener::bind(*network, id, address, purpose, gate, clock, dtls.clone(), seed)?;
            outlets.push(Arc::clone(&listener) as Arc<dyn Outlet>);
            side.ids.push(id);
            Ok((listener, doorkeeper))
        })?;
        (side.secure, side.doorkeepers) = bound.into_iter().unzip();
        side.plain = listen::each(plain, |address| {
            let id = next(outlets.len());
            let listener = Arc::new(plain_listener(id, address, common)?);
            outlets.push(Arc::clone(&listener) as Arc<dyn Outlet>);
            side.ids.push(id);
            Ok(listener)
        })?;
        match purpose {
            Purpose::Management => self.management = side,
            Purpose::Bootstrap => self.bootstrap = side,
        }
        Ok(())
    }
}

impl Side {
    /// Receives at all of them, until nobody wants the batches any more.
    pub(crate) fn receive(&mut self, batches: &mpsc::Sender<Batch>) -> Vec<JoinHandle<()>> {
        let doorkeepers = std::mem::take(&mut self.doorkeepers).into_iter();
        let secure = doorkeepers.map(|doorkeeper| tokio::spawn(doorkeeper.run(batches.clone())));
        let plain =
            self.plain.iter().map(|listener| tokio::spawn(Arc::clone(listener).receive(batches.clone())));
        secure.chain(plain).collect()
    }

    /// Where the secure ones are bound.
    pub(crate) fn secure_addresses(&self) -> Vec<SocketAddr> {
        self.secure.iter().map(|listener| listener.address()).collect()
    }

    /// Where the plain ones are bound.
    pub(crate) fn plain_addresses(&self) -> Vec<SocketAddr> {
        self.plain.iter().filter_map(|listener| listener.address().ok()).collect()
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> &[ListenerId] {
        &self.ids
    }
}

fn next(count: usize) -> ListenerId {
    ListenerId(u16::try_from(count).expect("the configuration names few listeners"))
}

/// What clients of the secure ones may make them hold.
pub(crate) fn bounds(config: &Config) -> dtls::Bounds {
    let number = |count| usize::try_from(count).unwrap_or(usize::MAX);
    let coaps = &config.coaps;
    dtls::Bounds {
        handshakes: number(coaps.max_handshakes),
        handshakes_of_network: number(coaps.max_handshakes_per_prefix),
        handshake_time: std::time::Duration::from_secs(coaps.handshake_timeout_s.into()),
        sessions: number(coaps.max_sessions),
        idle: SecureSession::KEPT,
        ..dtls::Bounds::default()
    }
}

fn plain_listener(id: ListenerId, address: SocketAddr, common: &Common<'_>) -> io::Result<Listener> {
    let (gate, clock) = (Arc::clone(&common.gate), common.clock.clone());
    let stray = move |from: SocketAddr, listener: &str| {
        gate.incident(Incident {
            at: clock.wall(),
            cause: DiaryCause::DtlsOnPlainPort,
            subject: from.ip().to_string(),
            from,
            listener: listener.to_owned(),
            device: None,
            detail: "a DTLS record at a port of plain CoAP".to_owned(),
        });
    };
    Listener::bind(common.network, id, address, Box::new(stray))
}
