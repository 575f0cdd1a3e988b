//! A server's depot with one package for one device, and the CoAP listeners over real sockets.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use coap::{Block, BlockSize, Code, Kind, Message, MessageId, OptionNumber, Token};
use fleet::{
    Actor, ArtefactChange, Change, ClassId, Commit, Context, EndpointName, ListenerId, MemoryBlobs,
    NewArtefact, NewDevice, RequestId, Sends, Store, Timestamp, UpdatePolicy,
    store::{MemoryStore, Updates as _},
    update::{Package, Update, UpdateChange, UpdatePhase, UpdateTarget},
};
use futures::FutureExt as _;
use tokio::{
    net::UdpSocket,
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{driver::DownloadDriver, *};
use crate::endpoint::{Outlet, bootstrap::tests::world, socket::SystemNetwork, udp::Listener};

pub(crate) const KEY: DownloadKey = DownloadKey([0x5a; 16]);
/// Several pages.
pub(crate) const LEN: usize = 150_001;

pub(crate) struct Shelf {
    pub(crate) store: Arc<MemoryStore>,
    blobs: MemoryBlobs,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) clock: Clock,
    pub(crate) depot: Arc<Depot>,
    pub(crate) update: Update,
}

pub(crate) fn image() -> Vec<u8> {
    (0..LEN).map(|at| (at * 7 % 251) as u8).collect()
}

impl Shelf {
    /// With a device that was told to fetch by [`KEY`].
    pub(crate) async fn new() -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), Clock::start());
        let blobs = MemoryBlobs::new();
        let fleet = fleet_with(&store, &blobs, 0);
        let now = clock.wall();
        let context = Context { actor: Actor::Server("test"), now, request: RequestId::from_random([1; 16]) };
        let new = NewDevice {
            endpoint: EndpointName::new("node-7").unwrap(),
            class: None,
            bootstrap: None,
            management: None,
        };
        let device = fleet.add_device(&context, new).await.unwrap().device;
        policy(&store, true, true).await;
        let mut upload = fleet.begin_upload(&context).await.unwrap();
        upload.append(&image()).await.unwrap();
        let new = NewArtefact {
            name: "gateway".into(),
            kind: None,
            version: Some("1.4.0".into()),
            class: ClassId::DEFAULT,
            not_after: None,
            signed: None,
            sends: Sends::Image,
        };
        let artefact = fleet.add_artefact(&context, new, Some(upload), None).await.unwrap();
        let package = Package {
            artefact: artefact.id,
            version: artefact.version,
            size: LEN as u64,
            target: UpdateTarget::Firmware,
        };
        let update = Update {
            phase: UpdatePhase::Delivering,
            due_at: now.after(Duration::from_secs(60)),
            prepared: 2,
            delivered: true,
            download: Some(KEY.digest()),
            ..Update::begins(
                UpdateId::new(now, [1; 10]),
                now,
                context.request,
                (device.id, device.public_id),
                package,
            )
        };
        commit(&store, Change::Update(UpdateChange::Begun(Box::new(update.clone())))).await;
        let depot = Arc::new(Depot::new(Arc::clone(&fleet), clock.clone(), Arc::default()));
        let shelf = Self { store, blobs, fleet, clock, depot, update };
        shelf.fleet.restore_updates().await.unwrap();
        shelf
    }

    /// The same store after a restart: nothing that was in memory is there.
    pub(crate) async fn restarted(self) -> Self {
        let fleet = fleet_with(&self.store, &self.blobs, 1);
        fleet.restore_updates().await.unwrap();
        let depot = Arc::new(Depot::new(Arc::clone(&fleet), self.clock.clone(), Arc::default()));
        Self { fleet, depot, ..self }
    }

    pub(crate) async fn withdraw(&self) {
        let (id, at) = (self.update.artefact, self.clock.wall());
        commit(&self.store, Change::Artefact(ArtefactChange::Withdrawn { id, at })).await;
    }

    async fn sent(&self) -> (u64, Timestamp) {
        self.fleet.flush_progress().await.unwrap();
        let row = self.store.update(self.update.id).await.unwrap().unwrap();
        (row.sent, row.progress_at)
    }

    /// A listener for plain CoAP with a driver behind it.
    async fn serve(&self) -> Served {
        let stray = Box::new(|_: SocketAddr, _: &str| {});
        let listener =
            Listener::bind(&SystemNetwork, ListenerId(0), ([127, 0, 0, 1], 0).into(), stray).unwrap();
        let listener = Arc::new(listener);
        let to = listener.address().unwrap();
        let (sender, batches) = mpsc::channel(4);
        let receiving = tokio::spawn(Arc::clone(&listener).receive(sender));
        let outlets = BTreeMap::from([(ListenerId(0), listener as Arc<dyn Outlet>)]);
        let (depot, clock) = (Arc::clone(&self.depot), self.clock.clone());
        let driver = DownloadDriver::new(depot, clock, outlets, batches, BlockSize::B1024, 9);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(driver.run(stopped.map(|_| ()).boxed().shared()));
        Served { to, tasks: [receiving, running], _stop: stop }
    }
}

struct Served {
    to: SocketAddr,
    tasks: [tokio::task::JoinHandle<()>; 2],
    _stop: oneshot::Sender<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

fn fleet_with(store: &Arc<MemoryStore>, blobs: &MemoryBlobs, start: u16) -> Arc<Fleet> {
    let fleet = Arc::into_inner(world::fleet_on(store, start)).expect("nobody else has it yet");
    Arc::new(fleet.with_blobs(Arc::new(blobs.clone()), 1 << 20))
}

async fn commit(store: &MemoryStore, change: Change) {
    store.commit(Commit { changes: vec![change], audit: Vec::new() }).await.unwrap();
}

/// What the class allows.
async fn policy(store: &MemoryStore, unsigned: bool, coap: bool) {
    let policy = UpdatePolicy { unsigned, coap, http: true, ..UpdatePolicy::new(ClassId::DEFAULT) };
    commit(store, Change::Artefact(ArtefactChange::PolicySaved(policy))).await;
}

/// A device that asks for one block after the other, over a link that loses datagrams.
struct Client {
    socket: UdpSocket,
    next: u16,
    /// Of so many datagrams, one is lost.
    loses: Option<u16>,
}

impl Client {
    async fn to(server: SocketAddr, loses: Option<u16>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server).await.unwrap();
        Self { socket, next: 0, loses }
    }

    async fn get(&mut self, key: DownloadKey, block: Block) -> Message {
        let id = self.next;
        self.next += 1;
        let mut message =
            Message::new(Kind::Confirmable, Code::new(0, 1), MessageId(id), Token::new(&[7]).unwrap());
        message.options.push(OptionNumber::URI_PATH, *b"d");
        message.options.push(OptionNumber::URI_PATH, key.text().into_bytes());
        message.options.push_uint(OptionNumber::BLOCK2, block.to_uint());
        let bytes = message.to_bytes().unwrap();
        for attempt in 0..10 {
            let lost = self.loses.is_some_and(|of| attempt == 0 && id % of == 1);
            if !lost {
                self.socket.send(&bytes).await.unwrap();
            }
            // Of another datagram the answer is lost: it is asked for again.
            let unheard = self.loses.is_some_and(|of| attempt == 0 && id % of == 2);
            let mut buffer = [0; 2_048];
            let received = timeout(Duration::from_millis(300), self.socket.recv(&mut buffer)).await;
            if let Ok(Ok(len)) = received
                && !unheard
            {
                let answer = Message::parse(&buffer[..len]).unwrap();
                if answer.id == message.id {
                    return answer;
                }
            }
        }
        panic!("no answer to block {block:?}");
    }

    /// Fetches from a block on, up to `until` or the end.
    async fn fetch(&mut self, from: u32, until: u32, size: BlockSize) -> Vec<u8> {
        let (mut bytes, mut etag) = (Vec::new(), None);
        for number in from..until {
            let answer = self.get(KEY, Block { number, more: false, size }).await;
            assert_eq!(answer.code, Code::CONTENT);
            let of = answer.options.get(OptionNumber::ETAG).map(<[u8]>::to_vec);
            assert_eq!(*etag.get_or_insert_with(|| of.clone()), of, "all blocks are of one package");
            bytes.extend(&answer.payload);
            let block = Block::from_uint(answer.options.uint(OptionNumber::BLOCK2).unwrap()).unwrap();
            assert_eq!((block.number, block.size), (number, size));
            if !block.more {
                break;
            }
        }
        bytes
    }
}

const FIRST: Block = Block { number: 0, more: false, size: BlockSize::B1024 };

#[tokio::test]
async fn a_package_is_fetched_block_by_block_over_a_link_that_loses_some() {
    let shelf = Shelf::new().await;
    let served = shelf.serve().await;
    let mut client = Client::to(served.to, Some(20)).await;
    assert!(client.fetch(0, u32::MAX, BlockSize::B1024).await == image());
    assert_eq!(shelf.sent().await.0, LEN as u64);
    // In small ones, and from the middle.
    let mut client = Client::to(served.to, None).await;
    let middle = client.fetch(500, 510, BlockSize::B64).await;
    assert!(middle == image()[500 * 64..510 * 64]);
}

#[tokio::test]
async fn a_download_goes_on_after_a_restart_of_the_server() {
    let shelf = Shelf::new().await;
    let served = shelf.serve().await;
    let mut client = Client::to(served.to, None).await;
    let mut bytes = client.fetch(0, 70, BlockSize::B1024).await;
    let (sent, _) = shelf.sent().await;
    assert_eq!(sent, 70 * 1_024);
    drop(served);
    let shelf = shelf.restarted().await;
    let served = shelf.serve().await;
    let mut client = Client::to(served.to, None).await;
    bytes.extend(client.fetch(70, u32::MAX, BlockSize::B1024).await);
    assert!(bytes == image());
    assert_eq!(shelf.sent().await.0, LEN as u64);
}

#[tokio::test]
async fn what_changes_within_a_download_ends_it() {
    let shelf = Shelf::new().await;
    let served = shelf.serve().await;
    let mut client = Client::to(served.to, None).await;
    assert_eq!(client.get(KEY, FIRST).await.code, Code::CONTENT);
    policy(&shelf.store, true, false).await;
    tokio::time::sleep(GRANTED_FOR).await;
    assert_eq!(client.get(KEY, FIRST).await.code, Code::FORBIDDEN, "its class does not allow coap any more");
    policy(&shelf.store, true, true).await;
    assert_eq!(client.get(KEY, FIRST).await.code, Code::CONTENT);
    shelf.withdraw().await;
    tokio::time::sleep(GRANTED_FOR).await;
    let (before, _) = shelf.sent().await;
    for number in 0..3 {
        let answer = client.get(KEY, Block { number, ..FIRST }).await;
        assert_eq!((answer.code, answer.payload.len()), (Code::FORBIDDEN, 0));
    }
    assert_eq!(shelf.sent().await.0, before, "not a byte more");
}

#[tokio::test]
async fn a_guessed_address_gives_nothing() {
    let shelf = Shelf::new().await;
    let served = shelf.serve().await;
    let mut client = Client::to(served.to, None).await;
    let answer = client.get(DownloadKey([0x5b; 16]), FIRST).await;
    assert_eq!((answer.code, answer.payload.len()), (Code::NOT_FOUND, 0));
    assert_eq!(shelf.sent().await.0, 0);
}
