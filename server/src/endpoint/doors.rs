//! The doors: every socket that devices come to, plain or secure, for management or for bootstrap.

use std::{io, net::SocketAddr, sync::Arc};

use fleet::{DiaryCause, Incident, ListenerId, Purpose};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    Batch, Outlet,
    dtls::{Bounds, Gate, SecureListener},
    udp::Listener,
};
use crate::{Config, StartError, clock, listen};

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
    plain: Vec<Arc<Listener>>,
    ids: Vec<ListenerId>,
}

impl Doors {
    /// Binds them as configured. `gate` is asked who may come in by the secure ones, and told what fails.
    pub(crate) fn open(config: &Config, gate: &Arc<dyn Gate>) -> Result<Self, StartError> {
        let mut doors = Self { management: Side::default(), bootstrap: Side::default(), outlets: Vec::new() };
        doors.open_side(config, gate, Purpose::Management)?;
        doors.open_side(config, gate, Purpose::Bootstrap)?;
        Ok(doors)
    }

    /// Tells the clients of the secure sockets that their sessions are over.
    pub(crate) fn secure(&self) -> Vec<Arc<SecureListener>> {
        self.management.secure.iter().chain(&self.bootstrap.secure).map(Arc::clone).collect()
    }

    fn open_side(
        &mut self,
        config: &Config,
        gate: &Arc<dyn Gate>,
        purpose: Purpose,
    ) -> Result<(), StartError> {
        let (secure, plain) = match purpose {
            Purpose::Management => (&config.coaps.listen, &config.coap.listen),
            Purpose::Bootstrap => (&config.coaps.bootstrap_listen, &config.coap.bootstrap_listen),
        };
        let mut side = Side::default();
        let outlets = &mut self.outlets;
        let bounds = bounds(config);
        side.secure = listen::each(secure, |address| {
            let id = next(outlets.len());
            let listener = SecureListener::bind(id, address, purpose, Arc::clone(gate), bounds)?;
            outlets.push(Arc::clone(&listener) as Arc<dyn Outlet>);
            side.ids.push(id);
            Ok(listener)
        })?;
        side.plain = listen::each(plain, |address| {
            let id = next(outlets.len());
            let listener = Arc::new(plain_listener(id, address, Arc::clone(gate))?);
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
    pub(crate) fn receive(&self, batches: &mpsc::Sender<Batch>) -> Vec<JoinHandle<()>> {
        let secure =
            self.secure.iter().map(|listener| tokio::spawn(Arc::clone(listener).receive(batches.clone())));
        let plain =
            self.plain.iter().map(|listener| tokio::spawn(Arc::clone(listener).receive(batches.clone())));
        secure.chain(plain).collect()
    }

    /// Where the secure ones are bound.
    pub(crate) fn secure_addresses(&self) -> Vec<SocketAddr> {
        self.secure.iter().filter_map(|listener| listener.address().ok()).collect()
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

fn bounds(config: &Config) -> Bounds {
    let number = |count| usize::try_from(count).unwrap_or(usize::MAX);
    let coaps = &config.coaps;
    Bounds {
        half_open: number(coaps.max_handshakes),
        half_open_of_prefix: number(coaps.max_handshakes_per_prefix),
        handshake_time: std::time::Duration::from_secs(coaps.handshake_timeout_s.into()),
        sessions: number(coaps.max_sessions),
        ..Bounds::default()
    }
}

fn plain_listener(id: ListenerId, address: SocketAddr, gate: Arc<dyn Gate>) -> io::Result<Listener> {
    let stray = move |from: SocketAddr, listener: &str| {
        gate.incident(Incident {
            at: clock::wall(),
            cause: DiaryCause::DtlsOnPlainPort,
            subject: from.ip().to_string(),
            from,
            listener: listener.to_owned(),
            device: None,
            detail: "a DTLS record at a port of plain CoAP".to_owned(),
        });
    };
    Listener::bind(id, address, Box::new(stray))
}
