//! The doors: every socket that devices come to, plain or secure, for management or for bootstrap.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc};

use fleet::{DiaryCause, Incident, ListenerId, SecureSession};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    Batch, Outlet,
    dtls::{Doorkeeper, Gate, Role, SecureListener},
    socket::Network,
    udp::Listener,
};
use crate::{Config, StartError, clock::Clock, entropy::Entropy, listen};

/// All sockets, bound.
pub(crate) struct Doors {
    pub(crate) management: Side,
    pub(crate) bootstrap: Side,
    /// Where devices fetch packages.
    pub(crate) downloads: Side,
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
        let (coaps, coap, downloads) = (&config.coaps, &config.coap, &config.downloads);
        let mut outlets = Vec::new();
        let mut open = |secure: &[SocketAddr], plain: &[SocketAddr], role| {
            Side::open(secure, plain, role, common, &mut outlets)
        };
        let management = open(&coaps.listen, &coap.listen, Role::Management)?;
        let bootstrap = open(&coaps.bootstrap_listen, &coap.bootstrap_listen, Role::Bootstrap)?;
        // The last ones: sessions are restored by the number of their listener.
        let downloads = open(&downloads.coaps.listen, &downloads.coap.listen, Role::Downloads)?;
        Ok(Self { management, bootstrap, downloads, outlets })
    }

    /// The secure ones, by their ids.
    pub(crate) fn secure(&self) -> BTreeMap<ListenerId, Arc<SecureListener>> {
        let sides = [&self.management, &self.bootstrap, &self.downloads].into_iter();
        let secure = sides.flat_map(|side| side.ids.iter().copied().zip(side.secure.iter().map(Arc::clone)));
        secure.collect()
    }
}

impl Side {
    fn open(
        secure: &[SocketAddr],
        plain: &[SocketAddr],
        role: Role,
        common: &Common<'_>,
        outlets: &mut Vec<Arc<dyn Outlet>>,
    ) -> Result<Self, StartError> {
        let mut side = Self::default();
        let bound = listen::each(secure, |address| {
            let id = next(outlets.len());
            let Common { network, gate, clock, entropy, dtls } = common;
            let (gate, clock, seed) = (Arc::clone(gate), clock.clone(), entropy.bytes());
            let (listener, doorkeeper) =
                SecureListener::bind(*network, id, address, role, gate, clock, dtls.clone(), seed)?;
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
        Ok(side)
    }

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
