//! Roster, store and model, and what each step does to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::executor::block_on;
use objects::Path;

use super::{
    super::{at, commit, execute, later, notify, read, register, report, update},
    DEVICES, Step,
};
use crate::{
    Change, Commit, Decision, DeviceId, Disposition, Limits, NodeId, Now, Observation, ObservationToken,
    Operation, OperationRecord, OperationState, Order, Presence, Priority, RegistrationId, Reply, Roster,
    Store, Then, Timestamp, Uplink,
    queue::{AwakeScope, QueueChange},
    store::MemoryStore,
};

/// Queries, links, lifetime, queue mode.
pub(super) const REGISTERS: [(&[&str], &str, u64, bool); 3] = [
    (&["lwm2m=1.1", "lt=300"], "</1/0>,</3/0>,</3303/0>", 300, false),
    (&["lwm2m=1.0", "lt=300", "b=UQ"], "</3/0>,</3303/0>", 300, true),
    (&["lwm2m=1.1", "lt=60", "Q"], "</3/0>", 60, true),
];

/// Queries, links, the new lifetime if any.
pub(super) const UPDATES: [(&[&str], &str, Option<u64>); 4] = [
    (&[], "", None),
    (&["lt=60"], "", Some(60)),
    (&["lt=300"], "</3/0>,</3303/0>", Some(300)),
    (&[], "</3/0>", None),
];

pub(super) const PATHS: [&str; 3] = ["/3/0/9", "/3303/0/5700", "/1/0/1"];

const ENDPOINTS: [&str; DEVICES] = ["ep=a", "ep=b", "ep=c"];

pub(super) struct World {
    pub(super) roster: Roster,
    pub(super) store: MemoryStore,
    pub(super) now: Now,
    pub(super) known: [Known; DEVICES],
    pub(super) by_port: BTreeMap<u16, usize>,
    pub(super) in_flight: Vec<InFlight>,
    to_expire: BTreeSet<usize>,
    drawn: u64,
    asked: u128,
}

/// A device as the model knows it.
#[derive(Default)]
pub(super) struct Known {
    pub(super) id: Option<DeviceId>,
    pub(super) life: Option<Life>,
    pub(super) gone: Vec<RegistrationId>,
    pub(super) under_way: Option<Asked>,
    pub(super) waiting: Vec<Asked>,
    /// How long it listens, if somebody has said it.
    said: Option<Duration>,
}

/// A live registration.
#[derive(Clone)]
pub(super) struct Life {
    pub(super) id: RegistrationId,
    pub(super) port: u16,
    pub(super) lifetime: u64,
    pub(super) queue_mode: bool,
    pub(super) links: &'static str,
    pub(super) renewed: Duration,
    /// None while it is taken to sleep until it is heard.
    pub(super) heard_at: Option<Duration>,
    pub(super) observed: BTreeMap<Path, ObservationToken>,
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) order: Order,
    until: Duration,
    sent_at: Duration,
}

/// A decision whose commit has not returned.
pub(super) struct InFlight {
    pub(super) device: usize,
    commit: Commit,
    decision: Option<Decision>,
    after: After,
}

/// What the model becomes when a commit returns.
enum After {
    Lives(Life),
    Ends,
    Reports { ended: Option<Path> },
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            roster: roster(),
            store: MemoryStore::new(),
            now: Now { mono: Duration::from_secs(1_000), wall: Timestamp(1_700_000_000_000) },
            known: Default::default(),
            by_port: BTreeMap::new(),
            in_flight: Vec::new(),
            to_expire: BTreeSet::new(),
            drawn: 0,
            asked: 0,
        }
    }

    pub(super) fn step(&mut self, step: &Step) {
        match *step {
            Step::Register { device, port, way } => self.register(device, port, way),
            Step::Update { device, port, way, stale } => self.update(device, port, way, stale),
            Step::Deregister { device, port, stale } => self.deregister(device, port, stale),
            Step::Send { port, path } => self.send(port, PATHS[path]),
            Step::Notify { device, path, last } => self.notify(device, PATHS[path], last),
            Step::Observe { device, path } => self.observe(device, PATHS[path]),
            Step::Order { device, kind } => self.order(device, kind),
            Step::End { device, answered } => self.end(device, answered),
            Step::Unanswered { device } => self.unanswered(device),
            Step::Say { device, seconds } => self.say(device, seconds),
            Step::Cancel { device } => self.cancel(device),
            Step::Return { which, stored } if which < self.in_flight.len() => self.returned(which, stored),
            Step::Return { .. } => {}
            Step::Pass { seconds } => self.now = later(self.now, seconds),
            Step::Jump { ms } => self.now.wall.0 += ms,
            Step::Tick => self.tick(),
            Step::Restart { stored } => self.restart(stored),
        }
    }

    pub(super) fn everyone_leaves(&mut self) {
        while !self.in_flight.is_empty() {
            self.returned(0, true);
        }
        self.now = later(self.now, 1_000);
        self.tick();
        while !self.in_flight.is_empty() {
            self.returned(0, true);
        }
    }

    fn register(&mut self, device: usize, port: u16, way: usize) {
        if self.is_busy(device) {
            return;
        }
        let (queries, links, lifetime, queue_mode) = REGISTERS[way];
        let queries = [&[ENDPOINTS[device]], queries].concat();
        let decision = self.decide(port, register(&queries, links)).expect("a Register is taken");
        let Reply::Created(id) = decision.reply else { panic!("{decision:?}") };
        let before = self.known[device].life.as_ref();
        let observed = before.map_or_else(BTreeMap::new, |life| covered(links, &life.observed));
        let observe = |path: &Path| Then::Observe { target: (*path).into(), format: None };
        let then: Vec<_> = observed.keys().map(observe).chain([Then::ReleaseQueue]).collect();
        assert_eq!(decision.then, then, "I-25");
        let (renewed, heard_at) = (Duration::ZERO, None);
        let life = Life { id, port, lifetime, queue_mode, links, renewed, heard_at, observed };
        self.commit(device, decision, After::Lives(life));
    }

    fn update(&mut self, device: usize, port: u16, way: usize, stale: bool) {
        if self.is_busy(device) {
            return;
        }
        let (queries, links, lifetime) = UPDATES[way];
        let Some(id) = self.registration(device, stale) else { return };
        let decision = self.decide(port, update(id, queries, links));
        let valid = self.valid(device).filter(|life| life.id == id && life.port == port).cloned();
        assert_eq!(decision.is_ok(), valid.is_some(), "I-3: {decision:?}");
        let (Ok(decision), Some(mut life)) = (decision, valid) else { return };
        life.lifetime = lifetime.unwrap_or(life.lifetime);
        life.links = if links.is_empty() { life.links } else { links };
        life.observed = covered(life.links, &life.observed);
        self.commit(device, decision, After::Lives(life));
    }

    fn deregister(&mut self, device: usize, port: u16, stale: bool) {
        if self.is_busy(device) {
            return;
        }
        let Some(id) = self.registration(device, stale) else { return };
        let decision = self.decide(port, Uplink::Deregister(id));
        let valid = self.valid(device).is_some_and(|life| life.id == id);
        assert_eq!(decision.is_ok(), valid, "I-3: {decision:?}");
        if let Ok(decision) = decision {
            self.commit(device, decision, After::Ends);
        }
    }

    fn send(&mut self, port: u16, path: &str) {
        let from = self.by_port.get(&port).copied();
        if from.is_some_and(|device| self.is_busy(device)) {
            return;
        }
        let decision = self.decide(port, Uplink::Send(report(&[path])));
        let valid = from.and_then(|device| self.valid(device)).is_some_and(|life| covers(life.links, path));
        assert_eq!(decision.is_ok(), valid, "{decision:?}");
        if let (Ok(decision), Some(device)) = (decision, from) {
            self.commit(device, decision, After::Reports { ended: None });
        }
    }

    fn notify(&mut self, device: usize, path: &str, last: bool) {
        let (Some(id), Some(life)) = (self.known[device].id, self.known[device].life.clone()) else { return };
        if self.is_busy(device) {
            return;
        }
        let observed = path.parse().unwrap();
        let token = life.observed.get(&observed).map_or(0, |token| token.as_bytes()[0]);
        let decision = self.decide(life.port, notify(id, token, (!last).then_some(1), &[path]));
        assert_eq!(decision.is_ok(), token != 0, "I-25: {decision:?}");
        if let Ok(decision) = decision {
            self.commit(device, decision, After::Reports { ended: last.then_some(observed) });
        }
    }

    fn observe(&mut self, device: usize, path: &str) {
        let Some(id) = self.known[device].id else { return };
        let Some(life) = self.known[device].life.as_mut().filter(|life| covers(life.links, path)) else {
            return;
        };
        if self.in_flight.iter().any(|flight| flight.device == device) {
            return;
        }
        // 0 is nobody's token.
        let free = |token: &u8| !life.observed.values().any(|known| known.as_bytes() == [*token]);
        let token = (1..).find(free).and_then(|token| ObservationToken::new(&[token])).unwrap();
        let path = path.parse().unwrap();
        life.observed.insert(path, token);
        let began = Observation {
            device: id,
            target: path.into(),
            token,
            format: None,
            since: self.now.wall,
            number: None,
        };
        let began = commit(Change::ObservationBegan(began));
        self.keep(began.clone());
        self.roster.apply(self.now, &began);
        self.check_forgotten(id);
    }

    fn order(&mut self, device: usize, kind: usize) {
        let Some(id) = self.known[device].id else { return };
        self.asked += 1;
        let order = match kind {
            0 => read(self.now, id, self.asked, false),
            1 => read(self.now, id, self.asked, true),
            2 => execute(self.now, id, self.asked),
            3 => Order { priority: Priority::Urgent, ..elsewhere(self.now, id, self.asked, "/3303/0") },
            _ => Order { priority: Priority::Background, ..elsewhere(self.now, id, self.asked, "/6") },
        };
        if order.stored {
            self.keep(commit(Change::OperationQueued(Box::new(record(self.now, &order)))));
        }
        let awake = self.is_awake(device);
        let known = &mut self.known[device];
        let mono = self.now.mono;
        let asked = Asked { order: order.clone(), until: mono + Duration::from_secs(3_600), sent_at: mono };
        let mut superseded = Vec::new();
        let expected = match &known.life {
            None => Disposition::NotRegistered,
            Some(_) if awake && known.under_way.is_none() && known.waiting.is_empty() => {
                known.under_way = Some(asked);
                Disposition::Send(order.clone())
            }
            Some(_) if awake => {
                superseded = supersede(known, &order);
                known.waiting.push(asked);
                Disposition::Behind
            }
            Some(_) if !order.stored => Disposition::Asleep,
            Some(_) => {
                superseded = supersede(known, &order);
                known.waiting.push(asked);
                Disposition::Queued
            }
        };
        assert_eq!(self.roster.take(self.now, order.clone()), expected, "I-23, I-24");
        let taken: Vec<_> = self.roster.take_superseded();
        assert_eq!(taken, superseded.into_iter().map(|old| (old, order.id)).collect::<Vec<_>>());
        for (old, by) in taken {
            let change = QueueChange::Superseded { id: old.id, by, at: self.now.wall };
            self.keep(commit(Change::Queue(change)));
        }
        match expected {
            Disposition::Send(order) => self.sent(&order),
            Disposition::NotRegistered => self.ended(&order, OperationState::Cancelled),
            _ => {}
        }
    }

    fn end(&mut self, device: usize, answered: bool) {
        let (Some(id), Some(asked)) = (self.known[device].id, self.known[device].under_way.take()) else {
            return;
        };
        self.roster.order_ended(id, asked.order.id);
        self.ended(&asked.order, OperationState::Done);
        if answered {
            self.heard(device);
        }
        self.release(device);
        if self.known[device].life.is_some() && !self.is_awake(device) {
            let waiting = std::mem::take(&mut self.known[device].waiting);
            let (stay, back): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|asked| asked.order.stored);
            self.known[device].waiting = stay;
            assert_eq!(
                self.roster.give_back(self.now, id),
                back.into_iter().map(|a| a.order).collect::<Vec<_>>()
            );
        }
    }

    fn unanswered(&mut self, device: usize) {
        let known = &mut self.known[device];
        let (Some(id), Some(asked)) = (known.id, &known.under_way) else { return };
        let (now, sent_at) = (self.now.mono, asked.sent_at);
        let patience = Presence::AWAKE_FOR.min(known.said.unwrap_or(Presence::AWAKE_FOR));
        if let Some(life) = &mut known.life
            && life.heard_at.is_some_and(|at| at <= sent_at && at + patience <= now)
        {
            life.heard_at = None;
        }
        self.roster.unanswered(self.now, id, sent_at);
        let presence = self.roster.presence(self.now, id);
        assert_eq!(presence == Presence::Awake, self.is_awake(device), "I-23");
    }

    fn say(&mut self, device: usize, seconds: Option<u64>) {
        let Some(id) = self.known[device].id else { return };
        let time = seconds.map(Duration::from_secs);
        self.known[device].said = time;
        let said = commit(Change::Queue(QueueChange::AwakeSet { scope: AwakeScope::Device(id), time }));
        self.roster.apply(self.now, &said);
        self.keep(said);
    }

    fn cancel(&mut self, device: usize) {
        let Some(id) = self.known[device].id else { return };
        if self.known[device].waiting.is_empty() {
            return;
        }
        let asked = self.known[device].waiting.remove(0);
        assert!(self.roster.cancel_order(id, asked.order.id));
        self.ended(&asked.order, OperationState::Cancelled);
    }

    fn tick(&mut self) {
        let leases = self.roster.take_leases();
        self.keep(Commit { changes: leases, audit: Vec::new() });
        let expired: BTreeSet<_> =
            self.roster.expire_orders(self.now).into_iter().map(|(_, order)| order.id).collect();
        let mut expected = BTreeSet::new();
        for device in 0..DEVICES {
            let waiting = std::mem::take(&mut self.known[device].waiting);
            let (over, stay): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|asked| asked.until <= self.now.mono);
            self.known[device].waiting = stay;
            for asked in over {
                self.ended(&asked.order, OperationState::Expired);
                expected.insert(asked.order.id);
            }
        }
        assert_eq!(expired, expected);
        for id in self.roster.expired(self.now, usize::MAX) {
            let device = self.known.iter().position(|known| known.id == Some(id)).unwrap();
            self.expire(device);
        }
    }

    /// Ends a registration whose time is over, or later if a commit of the device is in flight.
    fn expire(&mut self, device: usize) {
        if self.is_busy(device) {
            self.to_expire.insert(device);
            return;
        }
        self.to_expire.remove(&device);
        let Some(id) = self.known[device].id else { return };
        let commit = self.roster.expire(self.now, id);
        let over = self.known[device].life.is_some() && self.valid(device).is_none();
        assert_eq!(commit.is_some(), over, "I-20");
        if let Some(commit) = commit {
            self.in_flight.push(InFlight { device, commit, decision: None, after: After::Ends });
        }
    }

    fn restart(&mut self, stored: bool) {
        for flight in std::mem::take(&mut self.in_flight) {
            if stored {
                self.keep(flight.commit);
                if let Some(decision) = &flight.decision {
                    self.known[flight.device].id = Some(decision.device);
                }
                self.follow(flight.device, flight.after);
            }
        }
        self.to_expire.clear();
        self.roster = roster();
        let restored = block_on(self.store.restore()).unwrap();
        for commit in self.roster.restore(self.now, restored) {
            self.keep(commit);
        }
        let now = self.now;
        for known in &mut self.known {
            let under_way = known.under_way.take().filter(|asked| asked.order.operation.is_idempotent());
            known.waiting.splice(0..0, under_way);
            known.waiting.retain(|asked| asked.order.stored && known.life.is_some());
            known.waiting.sort_by_key(|asked| asked.order.id);
            for asked in &mut known.waiting {
                asked.until = now.mono + asked.order.expires_at.since(now.wall);
            }
            if let Some(life) = &mut known.life {
                (life.renewed, life.heard_at) = (now.mono, None);
            }
        }
        // Whose an address was that several had is not kept exactly.
        for port in 1..=super::PORTS {
            let device = self.roster.device_at(at(port));
            let device = device.and_then(|id| self.known.iter().position(|known| known.id == Some(id)));
            let there =
                |device: usize| self.known[device].life.as_ref().is_some_and(|life| life.port == port);
            assert_eq!(device.is_some_and(there), (0..DEVICES).any(there));
            self.by_port.remove(&port);
            self.by_port.extend(device.map(|device| (port, device)));
        }
        (0..DEVICES).for_each(|device| self.release(device));
    }

    fn commit(&mut self, device: usize, decision: Decision, after: After) {
        let commit = decision.commit.clone();
        self.in_flight.push(InFlight { device, commit, decision: Some(decision), after });
        // Nothing becomes durable: it is answered at once.
        if self.in_flight.last().is_some_and(|flight| flight.commit == Commit::default()) {
            self.returned(self.in_flight.len() - 1, true);
        }
    }

    fn returned(&mut self, which: usize, stored: bool) {
        let InFlight { device, commit, decision, after } = self.in_flight.remove(which);
        if stored {
            self.durable(device, &commit, decision.as_ref(), after);
        }
        if self.to_expire.contains(&device) {
            self.expire(device);
        }
    }

    fn durable(&mut self, device: usize, commit: &Commit, decision: Option<&Decision>, after: After) {
        self.keep(commit.clone());
        self.roster.apply(self.now, commit);
        if let Some(decision) = decision {
            self.known[device].id = Some(decision.device);
        }
        let id = self.known[device].id.unwrap();
        let ends = matches!(after, After::Ends);
        self.follow(device, after);
        if decision.is_some() {
            self.heard(device);
        }
        self.check_forgotten(id);
        if ends {
            let known = &mut self.known[device];
            // The exchange of the order under way is broken off, which ends the order.
            let under_way = known.under_way.take();
            let waiting: Vec<_> =
                std::mem::take(&mut known.waiting).into_iter().map(|asked| asked.order).collect();
            assert_eq!(self.roster.cancel_all(id), waiting);
            let under_way = under_way.iter().map(|asked| &asked.order);
            under_way.chain(&waiting).for_each(|order| self.ended(order, OperationState::Cancelled));
        }
        self.release(device);
    }

    /// The model follows what became durable.
    fn follow(&mut self, device: usize, after: After) {
        let now = self.now.mono;
        let known = &mut self.known[device];
        let before = known.life.take();
        let left = |by_port: &mut BTreeMap<u16, usize>, life: &Life| {
            if by_port.get(&life.port) == Some(&device) {
                by_port.remove(&life.port);
            }
        };
        match after {
            After::Lives(mut life) => {
                if let Some(before) = before {
                    left(&mut self.by_port, &before);
                    if before.id != life.id {
                        known.gone.push(before.id);
                    }
                }
                life.renewed = now;
                life.heard_at = None;
                self.by_port.insert(life.port, device);
                known.life = Some(life);
            }
            After::Ends => {
                if let Some(before) = before {
                    left(&mut self.by_port, &before);
                    known.gone.push(before.id);
                }
            }
            After::Reports { ended } => {
                known.life = before;
                if let (Some(life), Some(path)) = (&mut known.life, ended) {
                    life.observed.remove(&path);
                }
            }
        }
    }

    fn heard(&mut self, device: usize) {
        self.roster.heard(self.now, self.known[device].id.unwrap());
        if let Some(life) = &mut self.known[device].life {
            life.heard_at = Some(self.now.mono);
        }
    }

    /// All that is due is sent, in order, one at a time.
    fn release(&mut self, device: usize) {
        let Some(id) = self.known[device].id else { return };
        let awake = self.is_awake(device);
        let (now, known) = (self.now, &mut self.known[device]);
        let may_go = |at: &usize| known.waiting[*at].until > now.mono;
        let due = (0..known.waiting.len()).filter(may_go);
        let due = due.min_by_key(|at| (known.waiting[*at].order.priority, *at));
        let due = due.filter(|_| awake && known.under_way.is_none()).map(|at| known.waiting.remove(at));
        let due = due.map(|asked| Asked { sent_at: now.mono, ..asked });
        let next = self.roster.next_order(now, id);
        assert_eq!(next.as_ref(), due.as_ref().map(|asked| &asked.order), "I-23, I-24");
        if due.is_some() {
            known.under_way = due;
        }
        if let Some(order) = next {
            self.sent(&order);
        }
    }

    fn sent(&mut self, order: &Order) {
        if order.stored {
            self.keep(commit(Change::OperationSent { id: order.id, at: self.now.wall }));
        }
    }

    fn ended(&mut self, order: &Order, state: OperationState) {
        if order.stored {
            let (id, at, result) = (order.id, self.now.wall, String::new());
            self.keep(commit(Change::OperationEnded { id, state, at, result }));
        }
    }

    fn keep(&self, commit: Commit) {
        block_on(self.store.commit(commit)).unwrap();
    }

    fn decide(&mut self, port: u16, uplink: Uplink) -> Result<Decision, crate::Refusal> {
        self.drawn += 1;
        let mut random = [0; 24];
        random[..8].copy_from_slice(&self.drawn.to_be_bytes());
        random[8..16].copy_from_slice(&self.drawn.to_be_bytes());
        self.roster.decide(self.now, at(port).into(), uplink, random)
    }

    fn registration(&self, device: usize, stale: bool) -> Option<RegistrationId> {
        let known = &self.known[device];
        if stale { known.gone.last().copied() } else { known.life.as_ref().map(|life| life.id) }
    }

    /// The registration, unless its time is over.
    fn valid(&self, device: usize) -> Option<&Life> {
        let over = |life: &Life| life.renewed + Duration::from_secs(life.lifetime + 3);
        self.known[device].life.as_ref().filter(|life| over(life) > self.now.mono)
    }

    fn is_awake(&self, device: usize) -> bool {
        let known = &self.known[device];
        let listens = known.said.unwrap_or(Presence::AWAKE_FOR);
        let hears = |life: &Life| life.heard_at.is_some_and(|at| at + listens > self.now.mono);
        known.life.as_ref().is_some_and(|life| !life.queue_mode || hears(life))
    }

    pub(super) fn is_busy(&self, device: usize) -> bool {
        self.in_flight.iter().any(|flight| flight.device == device)
    }
}

fn roster() -> Roster {
    Roster::new(0, NodeId::SINGLE, Limits { lab: true, ..Limits::default() })
}

fn elsewhere(now: Now, device: DeviceId, number: u128, path: &str) -> Order {
    let operation = Operation::Read { path: path.parse().unwrap(), format: None };
    Order { operation, ..read(now, device, number, true) }
}

/// The same question, with nothing executed since: nothing else is asked of what meets.
fn supersede(known: &mut Known, new: &Order) -> Vec<Order> {
    let executes = |asked: &Asked| matches!(asked.order.operation, Operation::Execute { .. });
    let from = known.waiting.iter().rposition(executes).map_or(0, |at| at + 1);
    let waiting = std::mem::take(&mut known.waiting);
    let mut superseded = Vec::new();
    for (at, asked) in waiting.into_iter().enumerate() {
        let old = &asked.order;
        let is_same = old.operation == new.operation && old.expires_at <= new.expires_at;
        match at >= from && old.stored && new.stored && !executes(&asked) && is_same {
            true => superseded.push(asked.order),
            false => known.waiting.push(asked),
        }
    }
    superseded
}

fn covers(links: &str, path: &str) -> bool {
    links.split(',').any(|link| path.starts_with(&format!("{}/", link.trim_matches(['<', '>']))))
}

fn covered(links: &str, observed: &BTreeMap<Path, ObservationToken>) -> BTreeMap<Path, ObservationToken> {
    observed.iter().filter(|(path, _)| covers(links, &path.to_string())).map(|(p, t)| (*p, *t)).collect()
}

fn record(now: Now, order: &Order) -> OperationRecord {
    OperationRecord {
        id: order.id,
        device: order.device,
        operation: order.operation.clone(),
        requested_by: "admin".into(),
        request: order.request,
        priority: order.priority,
        state: OperationState::Queued,
        queued_at: now.wall,
        sent_at: None,
        ended_at: None,
        expires_at: order.expires_at,
        result: None,
        superseded_by: None,
    }
}
