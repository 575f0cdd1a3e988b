//! The endpoint: one owner of all exchanges with all peers.
//!
//! This file holds the state and the verbs that say nothing on the wire by themselves. `receive` sorts what comes in,
//! `serve` and `upload` take requests, `respond` answers them, `send` queues and repeats what is ours, `outcome` takes the
//! responses to it, `notification` the observations, `memory` what is remembered and bounded, `peer` what moves along when
//! an address changes.

mod memory;
mod notification;
mod outcome;
mod peer;
mod receive;
mod respond;
mod send;
mod serve;
mod upload;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use rand::{SeedableRng, rngs::StdRng};

use self::peer::PeerState;
use crate::{
    Boot, Config, Counters, Event, ExchangeId, MessageId, NotificationId, Output, Peer,
    block::{Incoming, Served, TransferId},
    exchange::{Outgoing, SendId, ServerExchange},
    numbering::Numbering,
    observe::Pending,
    timer::Timers,
};

/// A CoAP endpoint that talks to many peers.
///
/// `now` is always the time since the origin of one monotonic clock of the caller's; it must not go back. After each call
/// of a method that takes `now`, drain [`Self::poll_output`] and ask [`Self::poll_timeout`] again.
///
/// ```
/// use std::time::Duration;
/// use coap::{Boot, Code, Config, Endpoint, Event, Method, Output, Request, Response};
///
/// let mut client = Endpoint::new(Config::default(), Boot { number: 1, seed: [0; 32] });
/// let mut server = Endpoint::new(Config::default(), Boot { number: 1, seed: [1; 32] });
/// let now = Duration::ZERO;
///
/// let request = client.send_request(now, "server", Request::new(Method::Get, "3/0/0"))?;
/// let Some(Output::Transmit { bytes, .. }) = client.poll_output() else { panic!() };
///
/// server.handle_datagram(now, "client", &bytes);
/// let Some(Output::Event(Event::Request { exchange, request: asked, .. })) = server.poll_output() else { panic!() };
/// assert_eq!(asked.path, ["3", "0", "0"]);
/// server.respond(now, exchange, Response::new(Code::CONTENT).with_payload(0, "Muster"));
/// let Some(Output::Transmit { bytes, .. }) = server.poll_output() else { panic!() };
///
/// client.handle_datagram(now, "server", &bytes);
/// let Some(Output::Event(Event::Response { request: same, outcome, .. })) = client.poll_output() else { panic!() };
/// assert_eq!(same, request);
/// assert_eq!(outcome.map(|response| response.payload), Ok(b"Muster".to_vec()));
/// # Ok::<(), coap::SendError>(())
/// ```
#[derive(Debug)]
pub struct Endpoint<P: Peer> {
    config: Config,
    counters: Counters,
    numbering: Numbering,
    random: StdRng,
    timers: Timers<Timer<P>>,
    outputs: VecDeque<Output<P>>,
    last_id: u64,
    // Boxed, as are those below that are large: a map makes room for eleven at once, and a device has one peer.
    peers: BTreeMap<P, Box<PeerState>>,
    /// Requests of peers that wait for the caller.
    exchanges: BTreeMap<ExchangeId, ServerExchange<P>>,
    /// Notifications of peers that wait for the caller.
    notifications: BTreeMap<NotificationId, Pending<P>>,
    outgoing: BTreeMap<SendId, Box<Outgoing<P>>>,
    incoming: BTreeMap<TransferId, Incoming<P>>,
    served: BTreeMap<TransferId, Served<P>>,
    remembered: usize,
    reply_bytes: usize,
    block_bytes: usize,
    observations: usize,
}

/// What can fall due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer<P> {
    /// The caller takes long: the peer is to stop repeating its request.
    Acknowledge(ExchangeId),
    Retransmit(SendId),
    /// No response came.
    Response(SendId),
    /// A message need not be remembered any longer.
    Forget(P, MessageId),
    /// A transfer was idle for too long.
    Idle(TransferId),
    /// Message ids can be given out again.
    MessageIds(P),
    /// No message id given out to the peer is alive any longer.
    Quiet(P),
}

/// The newest notification that was accepted before a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastNotification {
    /// Its sequence number.
    pub number: u32,
    /// How long ago it arrived.
    pub age: Duration,
}

/// What an endpoint holds at the moment. All but `observations` are zero once every timer has run out and the caller has
/// answered everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Peers with any state.
    pub peers: usize,
    /// Requests of peers that wait for the caller.
    pub exchanges: usize,
    /// Messages of ours that are queued, under way or await a response.
    pub outgoing: usize,
    /// Messages of peers remembered against duplicates.
    pub remembered: usize,
    /// Bytes of replies kept for duplicates.
    pub reply_bytes: usize,
    /// Bodies in block-wise transfer, but those being fetched by requests of ours.
    pub transfers: usize,
    /// Bytes of all bodies in block-wise transfer.
    pub block_bytes: usize,
    /// Observations of resources of peers.
    pub observations: usize,
    /// Notifications that wait for the caller.
    pub notifications: usize,
    /// Timers that are set.
    pub timers: usize,
}

impl<P: Peer> Endpoint<P> {
    /// An endpoint without any peer.
    pub fn new(config: Config, boot: Boot) -> Self {
        let numbering = Numbering::new(boot);
        Self {
            config,
            counters: Counters::default(),
            random: StdRng::from_seed(numbering.random_seed()),
            numbering,
            timers: Timers::default(),
            outputs: VecDeque::new(),
            last_id: 0,
            peers: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            notifications: BTreeMap::new(),
            outgoing: BTreeMap::new(),
            incoming: BTreeMap::new(),
            served: BTreeMap::new(),
            remembered: 0,
            reply_bytes: 0,
            block_bytes: 0,
            observations: 0,
        }
    }

    /// Takes note that time has passed. Too early a call does nothing.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(timer) = self.timers.pop(now) {
            match timer {
                Timer::Acknowledge(exchange) => self.acknowledge_late(exchange),
                Timer::Retransmit(id) => self.retransmit(now, id),
                Timer::Response(id) => self.miss_response(now, id),
                Timer::Forget(peer, message_id) => {
                    self.forget_message(peer, message_id);
                    self.tidy(now, peer);
                }
                Timer::Idle(transfer) => {
                    self.counters.block_idle_timeout += 1;
                    self.end_transfer(now, transfer);
                }
                Timer::MessageIds(peer) => self.start_next(now, peer),
                Timer::Quiet(peer) => self.tidy(now, peer),
            }
        }
    }

    /// When to call [`Self::handle_timeout`] next. The value may change after every call that takes `now`.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// The next thing to send or to take note of. Call it until it returns nothing.
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        self.outputs.pop_front()
    }

    /// What was seen and turned away.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What is held at the moment.
    pub fn usage(&self) -> Usage {
        Usage {
            peers: self.peers.len(),
            exchanges: self.exchanges.len(),
            outgoing: self.outgoing.len(),
            remembered: self.remembered,
            reply_bytes: self.reply_bytes,
            transfers: self.incoming.len() + self.served.len(),
            block_bytes: self.block_bytes,
            observations: self.observations,
            notifications: self.notifications.len(),
            timers: self.timers.len(),
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn emit(&mut self, event: Event<P>) {
        self.outputs.push_back(Output::Event(event));
    }

    fn transmit(&mut self, peer: P, bytes: Vec<u8>) {
        self.counters.datagrams_sent += 1;
        self.outputs.push_back(Output::Transmit { peer, bytes });
    }
}
