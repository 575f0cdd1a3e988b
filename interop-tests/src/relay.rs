//! A network between clients and the server: a relay that loses, doubles, delays and reorders as its seed will have it, and
//! gives each client an address of its own, which it may change as a NAT does.
//!
//! Clients are given [`Relay::address`] for the server's. Beside [`crate::Tap`], which is between one client and the server
//! and listened to, this one is for many.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use device::{Link, Weather};
use tokio::{
    net::UdpSocket,
    task::{AbortHandle, JoinHandle, JoinSet},
};

use crate::tap::{is_client_hello, socket};

/// A network. It ends when this is dropped, with all that is on its way.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What the server has had from a client, and what it has sent it, as the server sees it: before the network loses what
/// it sends, and after it has lost what it gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Bytes that reached the server.
    pub received: usize,
    /// Bytes that the server has sent.
    pub sent: usize,
    /// How many ClientHellos reached the server.
    pub client_hellos: usize,
}

impl Relay {
    /// How many clients it serves; more are not heard.
    pub const CLIENTS: usize = 8_192;
    /// How many datagrams are on their way at most; more are lost.
    pub const ON_THEIR_WAY: usize = 65_536;

    /// A network before the server. What befalls a client's datagrams follows from the seed and the order in which clients
    /// are heard first.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn before(server: SocketAddr, weather: Weather, seed: u64) -> Self {
        let to_clients = Arc::new(socket());
        let address = to_clients.local_addr().expect("the socket is bound");
        let network = Network { clients: BTreeMap::new(), weather, seed, flights: JoinSet::new(), lost: 0 };
        let shared = Arc::new(Shared { to_clients, server, network: Mutex::new(network) });
        let task = tokio::spawn(hear_clients(Arc::clone(&shared)));
        Self { address, shared, task }
    }

    /// Where clients find the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The weather changes, for all.
    pub fn set_weather(&self, weather: Weather) {
        let mut network = self.shared.network();
        network.weather = weather;
        for client in network.clients.values_mut() {
            (client.up.weather, client.down.weather) = (weather, weather);
        }
    }

    /// All clients go on from other ports towards the server, as behind a NAT that has started anew.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn rebind(&self) {
        for (address, client) in &mut self.shared.network().clients {
            client.hearing.abort();
            (client.to_server, client.hearing) = upstream(&self.shared, *address);
        }
    }

    /// The ledger of each client, by its own address.
    pub fn ledgers(&self) -> BTreeMap<SocketAddr, Ledger> {
        self.shared.network().clients.iter().map(|(address, client)| (*address, client.ledger)).collect()
    }

    /// How many datagrams were lost because too many were on their way: none, or the weather is not what it should be.
    pub fn overrun(&self) -> usize {
        self.shared.network().lost
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
        let mut network = self.shared.network();
        network.flights.abort_all();
        network.clients.values().for_each(|client| client.hearing.abort());
    }
}

struct Shared {
    to_clients: Arc<UdpSocket>,
    server: SocketAddr,
    network: Mutex<Network>,
}

struct Network {
    clients: BTreeMap<SocketAddr, Client>,
    weather: Weather,
    seed: u64,
    /// Datagrams on their way.
    flights: JoinSet<()>,
    lost: usize,
}

struct Client {
    up: Link,
    down: Link,
    to_server: Arc<UdpSocket>,
    /// The task that hears what the server sends it.
    hearing: AbortHandle,
    ledger: Ledger,
}

impl Shared {
    fn network(&self) -> MutexGuard<'_, Network> {
        self.network.lock().expect("nothing panics with it")
    }
}

impl Network {
    /// Sends a datagram after that time.
    fn fly(&mut self, after: Duration, socket: Arc<UdpSocket>, to: SocketAddr, bytes: Arc<[u8]>) {
        while self.flights.try_join_next().is_some() {}
        if self.flights.len() >= Relay::ON_THEIR_WAY {
            self.lost += 1;
            return;
        }
        self.flights.spawn(async move {
            tokio::time::sleep(after).await;
            // Nobody may be there at the moment; then it is lost, as datagrams are.
            drop(socket.send_to(&bytes, to).await);
        });
    }
}

async fn hear_clients(shared: Arc<Shared>) {
    let mut buffer = vec![0; 65_536];
    loop {
        let Ok((len, from)) = shared.to_clients.recv_from(&mut buffer).await else { continue };
        let mut network = shared.network();
        let Network { clients, weather, seed, .. } = &mut *network;
        let number = clients.len() as u64;
        if !clients.contains_key(&from) && clients.len() < Relay::CLIENTS {
            let (to_server, hearing) = upstream(&shared, from);
            let link = |way| Link::new(*weather, *seed << 32 | number << 1 | way);
            let client = Client { up: link(0), down: link(1), to_server, hearing, ledger: Ledger::default() };
            clients.insert(from, client);
        }
        let Some(client) = clients.get_mut(&from) else { continue };
        let bytes: Arc<[u8]> = buffer[..len].into();
        let socket = Arc::clone(&client.to_server);
        let deliveries: Vec<Duration> = client.up.deliveries().collect();
        client.ledger.received += len * deliveries.len();
        client.ledger.client_hellos += usize::from(is_client_hello(&bytes)) * deliveries.len();
        for after in deliveries {
            network.fly(after, Arc::clone(&socket), shared.server, Arc::clone(&bytes));
        }
    }
}

/// A socket towards the server for a client, and the task that hears what comes there.
fn upstream(shared: &Arc<Shared>, client: SocketAddr) -> (Arc<UdpSocket>, AbortHandle) {
    let to_server = Arc::new(socket());
    let hearing = tokio::spawn(hear_server(Arc::clone(shared), Arc::clone(&to_server), client));
    (to_server, hearing.abort_handle())
}

async fn hear_server(shared: Arc<Shared>, socket: Arc<UdpSocket>, client: SocketAddr) {
    let mut buffer = vec![0; 65_536];
    loop {
        let Ok((len, from)) = socket.recv_from(&mut buffer).await else { continue };
        if from != shared.server {
            continue;
        }
        let bytes: Arc<[u8]> = buffer[..len].into();
        let mut network = shared.network();
        let Some(known) = network.clients.get_mut(&client) else { return };
        known.ledger.sent += len;
        let deliveries: Vec<Duration> = known.down.deliveries().collect();
        for after in deliveries {
            network.fly(after, Arc::clone(&shared.to_clients), client, Arc::clone(&bytes));
        }
    }
}
