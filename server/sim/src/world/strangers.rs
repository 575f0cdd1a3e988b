//! Hosts that mean no good: they ask with little and hope for much, act for others, send again what they have recorded, and
//! redirect what they are on the path of.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use coap::{Block, BlockSize, Code, Kind, Message, MessageId, Method, OptionNumber, Options, Token};
use device::Weather;
use rand::RngExt;

use super::{World, at_server};
use crate::{
    bench::note,
    invariants::Wish,
    model::Acknowledged,
    network::{Datagram, STRANGERS},
};

/// What strangers know and do.
#[derive(Default)]
pub(super) struct Strangers {
    /// What they have recorded.
    recorded: VecDeque<Recorded>,
    /// The device of which the next record is redirected, and to whom.
    redirected: Option<(usize, SocketAddr)>,
    /// How many there were.
    count: u16,
}

struct Recorded {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
    /// The request in it.
    message: Option<usize>,
    /// Whether it is not what brought the request first.
    repeats: bool,
    /// The server's life in which it was heard.
    life: u32,
}

/// How many datagrams they keep.
const RECORDED: usize = 400;

/// 64 bytes of links.
const FIRST_BLOCK: &str = "</3/0>;x=1234,</3/1>;x=1234,</3/2>;x=1234,</3/3>;x=123456789012,";

/// Content types of records (RFC 6347 §4.1, RFC 9146 §4).
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const WITH_CONNECTION_ID: u8 = 25;

impl World {
    /// Somebody does something.
    pub(super) fn mischief(&mut self, now: Duration) {
        let count = &mut self.strangers.count;
        *count += 1;
        let from = SocketAddr::from((Ipv4Addr::from(STRANGERS), *count));
        match self.random.random_range(0..8) {
            0 => self.hope_for_much(from),
            1 => self.send_with_gap(from),
            2..=3 => self.impersonate(now, from),
            4..=6 => self.replay(from),
            _ => self.redirect(now, from),
        }
    }

    /// A datagram has reached the server: somebody may have recorded it.
    pub(super) fn overheard(&mut self, datagram: &Datagram) {
        let is_record =
            matches!(datagram.bytes.first(), Some(&(HANDSHAKE | APPLICATION_DATA | WITH_CONNECTION_ID)));
        if is_record && self.random.random_bool(0.3) {
            let Datagram { from, to, bytes, message, .. } = datagram.clone();
            let repeats = message.is_some_and(|message| self.model.requests[message].arrived.is_some());
            let recorded = &mut self.strangers.recorded;
            recorded.truncate(RECORDED - 1);
            recorded.push_front(Recorded { from, to, bytes, message, repeats, life: self.bench.life() });
        }
    }

    /// Who sends a record instead of its device, if somebody does.
    pub(super) fn redirects(&mut self, device: usize, bytes: &[u8]) -> Option<SocketAddr> {
        let is_it = |(redirected, _): &mut (usize, SocketAddr)| {
            *redirected == device && bytes.first() == Some(&WITH_CONNECTION_ID)
        };
        self.strangers.redirected.take_if(is_it).map(|(_, stranger)| stranger)
    }

    /// A short request whose answer may be long.
    fn hope_for_much(&mut self, from: SocketAddr) {
        let asked = [
            (Method::Get, "", ""),
            (Method::Get, ".well-known/core", ""),
            (Method::Get, "rd", ""),
            (Method::Post, "rd", ""),
            (Method::Post, "rd", "ep=a&b"),
            (Method::Post, "rd/0", ""),
            (Method::Delete, "rd/0", ""),
            (Method::Post, "dp", ""),
            (Method::Post, "bs", ""),
            (Method::Post, "bs", "ep=nobody"),
        ];
        let (method, path, query) = asked[self.random.random_range(0..asked.len())];
        let message = self.request(Wish::Answer, method, path, query);
        let port = if path == "bs" { 5783 } else { 5683 };
        self.throw(from, port, &message);
    }

    /// The first block of a Register and the third, which is the last (RFC 7959 §2.2).
    fn send_with_gap(&mut self, from: SocketAddr) {
        let blocks = [(0, true, FIRST_BLOCK), (2, false, "</3/4>")];
        for (number, more, payload) in blocks {
            let mut message = self.request(Wish::Gap, Method::Post, "rd", "ep=gap&lt=60");
            message.options.push_uint(OptionNumber::CONTENT_FORMAT, 40);
            let block = Block { number, more, size: BlockSize::B64 };
            message.options.push_uint(OptionNumber::BLOCK1, block.to_uint());
            message.payload = payload.into();
            self.throw(from, 5683, &message);
        }
    }

    /// An Update or Deregister of a device that has security, by a host that has none or by another device.
    fn impersonate(&mut self, now: Duration, from: SocketAddr) {
        let victim = self.random.random_range(0..self.nodes.len());
        let known = &self.model.devices[victim];
        let (true, Acknowledged::Registered { location, .. }) = (self.nodes[victim].way.secure, &known.state)
        else {
            return;
        };
        let location = location.trim_start_matches('/').to_owned();
        let message = match self.random.random_bool(0.5) {
            true => self.request(Wish::Impersonate, Method::Post, &location, "lt=77"),
            false => self.request(Wish::Impersonate, Method::Delete, &location, ""),
        };
        let other = self.random.random_range(0..self.nodes.len());
        if other == victim {
            return self.throw(from, 5683, &message);
        }
        note!(self.bench, "node-{other}: acts for node-{victim}");
        let bytes = message.to_bytes().expect("the options above are short");
        self.nodes[other].say(now, bytes);
        self.drain(other, None, 0);
    }

    /// What was recorded comes again, perhaps from elsewhere.
    fn replay(&mut self, stranger: SocketAddr) {
        if self.strangers.recorded.is_empty() {
            return;
        }
        let at = self.random.random_range(0..self.strangers.recorded.len());
        let Recorded { from, to, bytes, message, repeats, life } = &self.strangers.recorded[at];
        // What was not done may never have been taken in: it would be a first time.
        let is_done = message.is_some_and(|message| self.model.requests[message].done);
        // Nothing is stored of a repetition but, a while later, that its record was heard.
        let is_forgotten = *repeats && *life != self.bench.life();
        let (bytes, from, to) = (bytes.clone(), *from, *to);
        let from = match bytes[0] {
            HANDSHAKE => stranger,
            _ if !is_done || is_forgotten => return,
            WITH_CONNECTION_ID if self.random.random_bool(0.5) => stranger,
            _ => from,
        };
        note!(self.bench, "stranger: sends a record again, from {from}");
        let replayed = bytes[0] != HANDSHAKE;
        self.air.throw(Datagram { from, to, bytes, message: None, life: 0, replayed });
    }

    /// The next record of a device comes from elsewhere, and the device is cut off.
    fn redirect(&mut self, now: Duration, stranger: SocketAddr) {
        let device = self.random.random_range(0..self.nodes.len());
        if !self.nodes[device].way.connection_id || !self.nodes[device].device.is_registered() {
            return;
        }
        note!(self.bench, "stranger: redirects node-{device}");
        self.strangers.redirected = Some((device, stranger));
        self.nodes[device].call(now, device::Device::refresh);
        self.drain(device, None, 0);
        self.air.set_weather(device, Weather::lossy(1.0));
        self.ask_of(device);
    }

    fn request(&mut self, wish: Wish, method: Method, path: &str, query: &str) -> Message {
        let random: u64 = self.random.random();
        let [a, b, c, d, ..] = random.to_be_bytes();
        let token = Token::new(&[wish as u8, a, b]).expect("three bytes are few");
        let mut message =
            Message::new(Kind::Confirmable, Code::from(method), MessageId(u16::from_be_bytes([c, d])), token);
        let mut options = Options::default();
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            options.push(OptionNumber::URI_PATH, segment);
        }
        for one in query.split('&').filter(|one| !one.is_empty()) {
            options.push(OptionNumber::URI_QUERY, one);
        }
        message.options = options;
        message
    }

    fn throw(&mut self, from: SocketAddr, port: u16, message: &Message) {
        let bytes = message.to_bytes().expect("the options above are short");
        self.air.throw(Datagram {
            from,
            to: at_server(port),
            bytes,
            message: None,
            life: 0,
            replayed: false,
        });
    }
}
