//! The reference: what was acknowledged, as the devices heard it and as the verbs returned it. It is written apart from the
//! server and never asks its code.
//!
//! What a device asked and heard no answer to may have been done or not. So the model knows of each request when copies of it
//! arrived at the server: one that arrived after what was acknowledged last is *loose*, and may explain what is stored.

pub mod operations;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use coap::{Code, Kind, Message, Method, OptionNumber, Token};
use device::Event;

use operations::Operations;

/// What is known of all devices and operations.
#[derive(Default)]
pub struct Model {
    /// Whether anything was wished of devices: they may have been asked it by now, or not yet.
    pub wished: bool,
    /// By the device.
    pub devices: Vec<Known>,
    /// Every request of a device's, by the number that its datagrams carry.
    pub requests: Vec<Asked>,
    /// What people asked for.
    pub operations: Operations,
}

/// What is known of a device.
#[derive(Default)]
pub struct Known {
    /// Its name.
    pub endpoint: String,
    /// Its requests by power cycle, message id and token: repeated, they are the same.
    said: BTreeMap<(u32, u16, Vec<u8>), usize>,
    /// The last one by power cycle and token.
    by_token: BTreeMap<(u32, Vec<u8>), usize>,
    /// The last Register, Update or Deregister.
    last: Option<usize>,
    /// What was acknowledged last.
    pub state: Acknowledged,
    /// What its acknowledgements said, by power cycle, message id and token, with the server's life.
    answers: BTreeMap<(u32, u16, Vec<u8>), Answer>,
    /// Sends by what is in them, and whether they were acknowledged.
    pub sends: BTreeMap<u64, Sent>,
    /// Whether it has, without security, an address that was another's, and has heard no word on its registration there: it is
    /// taken for the other one.
    pub mistaken: bool,
    /// Its credentials were revoked, or are just being.
    pub revoked: Option<Revoked>,
    /// Whether it is off and stays so.
    pub gone: bool,
    /// Whether it has moved without security since it registered: what it notifies of before the server knows is reset.
    pub unfollowed: bool,
    /// Which exchanges have carried the Execute or Create of this number.
    pub commands: BTreeMap<u64, Vec<(u16, Token)>>,
    /// Exchanges for another that it has heard while it was taken for that one.
    pub strayed: BTreeSet<(u16, Token)>,
}

/// That a device's credentials are revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// When whoever asked for it was told, if that was.
    pub told: Option<Duration>,
}

/// What an acknowledgement said, and in which life of the server.
type Answer = (u32, Vec<u8>);

/// A request of a device's.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose.
    pub device: usize,
    /// What it asks.
    pub what: What,
    /// When it first and last arrived at the server, by the order of all arrivals, and the time of the first.
    pub arrived: Option<(u64, u64, Duration)>,
    /// How often it was sent.
    pub said: u32,
    /// How often it was heard to be answered.
    pub answered: u32,
    /// Whether something was done that has to be durable: what was not may come again after a restart, as if it came for the
    /// first time. So may an Update that says no more than that the device is there.
    pub done: bool,
    /// In which life of the server it first arrived.
    life: u32,
    /// From where it first arrived, without security.
    from: Option<SocketAddr>,
    /// Whether a copy arrived in a later life, which knows nothing of the first, or without security from another address: it is
    /// another request there.
    again: bool,
}

/// What a device asks of its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Register
    Register(Told),
    /// Update
    Update(Told),
    /// Deregister
    Deregister,
    /// Send of the value of this number.
    Send(u64),
    /// Anything else: a Bootstrap-Request, an answer, a notification.
    Other,
}

/// What a Register or Update says; what an Update does not say stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `lt`
    pub lifetime: Option<u32>,
    /// `b`
    pub binding: Option<String>,
    /// The links, as they were sent.
    pub links: Option<Vec<u8>>,
}

/// What was acknowledged last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Acknowledged {
    /// Nothing yet.
    #[default]
    Nothing,
    /// A Register, with the Updates since.
    Registered {
        /// Where.
        location: String,
        /// What it says.
        told: Told,
        /// The request that was acknowledged last.
        by: usize,
    },
    /// A Deregister: the request.
    Deregistered(usize),
}

/// A Send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The time in it, in milliseconds since 1970.
    pub time_ms: i64,
    /// Whether the device has heard that it was taken.
    pub acknowledged: bool,
    /// Whether the device has changed its address before that, without security: repeated, it comes from another peer.
    pub moved: bool,
    /// Whether it was sent while the device was taken for another.
    pub mistaken: bool,
}

impl Model {
    /// A device says something to its server. Gives the number that its datagram is to carry.
    pub fn said(
        &mut self,
        device: usize,
        power_cycle: u32,
        bytes: &[u8],
        send: Option<u64>,
    ) -> Option<usize> {
        let message = Message::parse(bytes).ok()?;
        if !message.code.is_request() {
            return None;
        }
        let token = message.token.as_bytes().to_vec();
        let known = &mut self.devices[device];
        if let Some(sent) = send.and_then(|send| known.sends.get_mut(&send)) {
            sent.mistaken |= known.mistaken;
        }
        let key = (power_cycle, message.id.0, token.clone());
        if let Some(number) = known.said.get(&key) {
            self.requests[*number].said += 1;
            return Some(*number);
        }
        let number = self.requests.len();
        let what = what(&message, send);
        if matches!(what, What::Register(_) | What::Update(_) | What::Deregister) {
            known.last = Some(number);
        }
        known.said.insert(key, number);
        known.by_token.insert((power_cycle, token), number);
        self.requests.push(Asked {
            device,
            what,
            arrived: None,
            said: 1,
            answered: 0,
            done: false,
            life: 0,
            from: None,
            again: false,
        });
        Some(number)
    }

    /// A copy of a request has arrived at the server in this life of it, as so many-th of all datagrams; without security, from
    /// where.
    pub fn arrived(&mut self, request: usize, order: u64, life: u32, at: Duration, from: Option<SocketAddr>) {
        let asked = &mut self.requests[request];
        if asked.arrived.is_none() {
            (asked.life, asked.from) = (life, from);
        }
        asked.again |= asked.life != life || asked.from != from;
        asked.arrived =
            Some(asked.arrived.map_or((order, order, at), |(first, _, when)| (first, order, when)));
    }

    /// A device has heard something, from a server in this life. Says how it breaks I-7, if it does.
    pub fn heard(&mut self, device: usize, power_cycle: u32, life: u32, bytes: &[u8]) -> Option<String> {
        let message = Message::parse(bytes).ok()?;
        let known = &mut self.devices[device];
        if message.code.is_request() {
            if let Some(number) = operations::number_in(&message) {
                let exchange = (message.id.0, message.token);
                if known.mistaken {
                    known.strayed.insert(exchange);
                    self.operations.strayed.insert(number);
                    return None;
                }
                // A copy that was under way when the device became known there.
                if known.strayed.contains(&exchange) {
                    return None;
                }
                let exchanges = known.commands.entry(number).or_default();
                if !exchanges.contains(&exchange) {
                    exchanges.push(exchange);
                }
            }
            return None;
        }
        if message.kind == Kind::Acknowledgement && message.code.is_response() {
            let key = (power_cycle, message.id.0, message.token.as_bytes().to_vec());
            if let Some(number) = known.said.get(&key) {
                self.requests[*number].answered += 1;
                let asked = &mut self.requests[*number];
                asked.done |= message.code.is_success() && asked.what.is_durable();
            }
            let before = known.answers.insert(key, (life, bytes.to_vec()));
            // What is remembered of one that is taken for another goes with that one, when that is heard elsewhere.
            let before = before.filter(|_| !known.mistaken);
            if let Some((its_life, before)) =
                before.filter(|(its_life, before)| *its_life == life && before != bytes)
            {
                return Some(format!(
                    "{}: message {} was answered {before:02x?} and then {bytes:02x?} in life {its_life}",
                    known.endpoint, message.id.0
                ));
            }
        }
        if message.code == Code::CHANGED
            && !known.mistaken
            && let Some(number) = known.by_token.get(&(power_cycle, message.token.as_bytes().to_vec()))
            && let What::Send(value) = self.requests[*number].what
            && let Some(sent) = known.sends.get_mut(&value)
        {
            sent.acknowledged = !sent.mistaken;
        }
        None
    }

    /// A device's address has changed: without security it is another peer from now on, and where the address was another's, that one.
    pub fn moved(&mut self, device: usize, secure: bool, reused: bool) {
        let known = &mut self.devices[device];
        known.mistaken = reused && !secure;
        known.unfollowed |= !secure;
        known.answers.clear();
        for sent in known.sends.values_mut().filter(|sent| !sent.acknowledged && !secure) {
            sent.moved = true;
        }
    }

    /// A device has taken an answer. Whether something about its registration was acknowledged.
    pub fn told(&mut self, device: usize, event: &Event) -> bool {
        let known = &mut self.devices[device];
        let Some(last) = known.last else { return false };
        let is_told = match (event, &self.requests[last].what, &mut known.state) {
            (Event::Registered { location }, What::Register(told), state) => {
                *state =
                    Acknowledged::Registered { location: location.clone(), told: told.clone(), by: last };
                true
            }
            (Event::UpdateAccepted, What::Update(update), Acknowledged::Registered { told, by, .. }) => {
                told.change(update);
                *by = last;
                true
            }
            (Event::Deregistered, What::Deregister, state) => {
                *state = Acknowledged::Deregistered(last);
                true
            }
            _ => false,
        };
        known.mistaken &= !is_told;
        known.unfollowed &= !matches!(event, Event::Registered { .. });
        is_told
    }

    /// A request of a device's, by its message id and token.
    pub fn request(&self, device: usize, power_cycle: u32, (id, token): (u16, Token)) -> Option<&Asked> {
        let number = self.devices[device].said.get(&(power_cycle, id, token.as_bytes().to_vec()))?;
        self.requests.get(*number)
    }

    /// The requests of a device that may have been done after what was acknowledged last.
    pub fn loose(&self, device: usize) -> impl Iterator<Item = &Asked> {
        let by = match &self.devices[device].state {
            Acknowledged::Nothing => None,
            Acknowledged::Registered { by, .. } | Acknowledged::Deregistered(by) => Some(*by),
        };
        let since = by.and_then(|by| self.requests[by].arrived).map_or(0, |(first, ..)| first);
        self.requests.iter().enumerate().filter_map(move |(number, asked)| {
            let is_later = asked.arrived.is_some_and(|(_, last, _)| last > since);
            (asked.device == device && (Some(number) != by || asked.again) && is_later).then_some(asked)
        })
    }
}

impl What {
    /// Whether it is stored before it is answered.
    fn is_durable(&self) -> bool {
        match self {
            Self::Register(_) | Self::Deregister | Self::Send(_) => true,
            Self::Update(told) => *told != Told::default(),
            Self::Other => false,
        }
    }
}

impl Known {
    /// A device of which only its name is known.
    pub fn named(endpoint: String) -> Self {
        Self { endpoint, ..Self::default() }
    }

    /// Whether it is to be registered when all is well.
    pub fn is_here(&self) -> bool {
        !self.gone && self.revoked.is_none()
    }
}

impl Told {
    /// Takes over what an Update says.
    fn change(&mut self, update: &Self) {
        let Self { lifetime, binding, links } = update.clone();
        self.lifetime = lifetime.or(self.lifetime);
        self.binding = binding.or_else(|| self.binding.take());
        self.links = links.or_else(|| self.links.take());
    }
}

/// What a request asks, by its method and path (LwM2M Transport 1.1.1 §6.4.3).
fn what(message: &Message, send: Option<u64>) -> What {
    let path = message.options.strings(OptionNumber::URI_PATH).unwrap_or_default();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (Method::from_code(message.code), path.as_slice()) {
        (Some(Method::Post), ["rd"]) => What::Register(told(message)),
        (Some(Method::Post), ["rd", _]) => What::Update(told(message)),
        (Some(Method::Delete), ["rd", _]) => What::Deregister,
        (Some(Method::Post), ["dp"]) => send.map_or(What::Other, What::Send),
        _ => What::Other,
    }
}

fn told(message: &Message) -> Told {
    let queries = message.options.strings(OptionNumber::URI_QUERY).unwrap_or_default();
    let value = |name: &str| queries.iter().find_map(|query| query.strip_prefix(name));
    Told {
        lifetime: value("lt=").and_then(|text| text.parse().ok()),
        binding: value("b=").map(str::to_owned),
        links: (!message.payload.is_empty()).then(|| message.payload.clone()),
    }
}
