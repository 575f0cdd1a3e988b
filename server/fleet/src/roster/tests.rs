//! Tests of the roster, by what they are about; [`Bench`] stands for shard and store.

mod awake;
mod identity;
mod model;
mod queue;
mod registration;
mod reporting;
mod restart;

use std::{net::SocketAddr, time::Duration};

use objects::{Node, Path, Resource, Sample, Value};

use super::{Decision, Limits, Roster};
use crate::{
    Change, Commit, Delivery, DeviceId, ListenerId, NodeId, Now, Observation, ObservationToken, Operation,
    OperationId, Order, Origin, Priority, Refusal, Register, RegistrationId, Reply, Report, RequestId,
    Sender, Source, Target, TimelineKind, Timestamp, Update, Uplink,
};

pub(super) const LINKS: &str = "</1/0>,</3/0>,</3303/0>";

/// A roster of the lab profile with a clock; each decision is committed at once.
pub(super) struct Bench {
    pub(super) roster: Roster,
    pub(super) now: Now,
    drawn: u64,
}

impl Bench {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Now { mono: Duration::from_secs(1_000), wall: Timestamp(1_700_000_000_000) };
        Self { roster: Roster::new(7, NodeId::SINGLE, limits), now, drawn: 0 }
    }

    pub(super) fn lab() -> Self {
        Self::new(Limits { lab: true, ..Limits::default() })
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.now = later(self.now, seconds);
    }

    pub(super) fn decide(&mut self, origin: impl Into<Origin>, uplink: Uplink) -> Result<Decision, Refusal> {
        let random = self.draw();
        self.roster.decide(self.now, origin.into(), uplink, random)
    }

    /// Decides, commits, and hears the device.
    pub(super) fn uplink(&mut self, origin: impl Into<Origin>, uplink: Uplink) -> Decision {
        let decision = self.decide(origin, uplink).unwrap();
        self.apply(&decision);
        decision
    }

    pub(super) fn apply(&mut self, decision: &Decision) {
        self.roster.apply(self.now, &decision.commit);
        self.roster.heard(self.now, decision.device);
    }

    pub(super) fn register(&mut self, source: Source, queries: &[&str]) -> (DeviceId, RegistrationId) {
        let decision = self.uplink(source, register(queries, LINKS));
        let Reply::Created(id) = decision.reply else { panic!("{:?}", decision.reply) };
        (decision.device, id)
    }

    pub(super) fn observe(&mut self, device: DeviceId, path: &str, token: u8) {
        self.observe_target(device, path.parse::<Path>().unwrap(), token);
    }

    pub(super) fn observe_target(&mut self, device: DeviceId, target: impl Into<Target>, token: u8) {
        let observation = Observation {
            device,
            target: target.into(),
            token: ObservationToken::new(&[token]).unwrap(),
            format: None,
            since: self.now.wall,
            number: None,
        };
        self.roster.apply(self.now, &commit(Change::ObservationBegan(observation)));
    }

    pub(super) fn observed(&self, device: DeviceId) -> Vec<String> {
        self.roster.observations(device).map(|observation| observation.target.to_string()).collect()
    }

    fn draw(&mut self) -> [u8; 24] {
        self.drawn += 1;
        let mut random = [0xa5; 24];
        random[..8].copy_from_slice(&self.drawn.to_le_bytes());
        random[8..16].copy_from_slice(&self.drawn.to_be_bytes());
        random
    }
}

pub(super) fn commit(change: Change) -> Commit {
    Commit { changes: vec![change], audit: Vec::new() }
}

pub(super) fn later(now: Now, seconds: u64) -> Now {
    let span = Duration::from_secs(seconds);
    Now { mono: now.mono + span, wall: now.wall.after(span) }
}

pub(super) fn at(port: u16) -> Source {
    Source { listener: ListenerId(0), address: SocketAddr::from(([192, 0, 2, 1], port)) }
}

pub(super) fn register(queries: &[&str], links: &str) -> Uplink {
    Uplink::Register(Box::new(Register::parse(queries, None, links.as_bytes()).unwrap()))
}

pub(super) fn update(id: RegistrationId, queries: &[&str], links: &str) -> Uplink {
    Uplink::Update(id, Box::new(Update::parse(queries, None, links.as_bytes()).unwrap()))
}

pub(super) fn report(paths: &[&str]) -> Report {
    let sample = |path: &&str| Sample {
        time_ms: Some(1_600_000_000_000),
        path: path.parse().unwrap(),
        node: Node::Resource(Resource::Single(Value::Integer(1))),
    };
    let delivery = Delivery { sender: Sender::At(at(1)), message_id: 1, token: vec![1], observe: None };
    Report { samples: paths.iter().map(sample).collect(), delivery }
}

pub(super) fn notify(device: DeviceId, token: u8, observe: Option<u32>, paths: &[&str]) -> Uplink {
    Uplink::Notify { device, token: ObservationToken::new(&[token]).unwrap(), observe, report: report(paths) }
}

pub(super) fn read(now: Now, device: DeviceId, number: u128, stored: bool) -> Order {
    let path: Path = "/3/0/0".parse().unwrap();
    order(now, device, number, stored, Operation::Read { path, format: None })
}

pub(super) fn execute(now: Now, device: DeviceId, number: u128) -> Order {
    let path = "/3/0/4".parse().unwrap();
    order(now, device, number, true, Operation::Execute { path, arguments: String::new() })
}

fn order(now: Now, device: DeviceId, number: u128, stored: bool, operation: Operation) -> Order {
    let request = RequestId(uuid::Uuid::nil());
    let expires_at = now.wall.after(Duration::from_secs(3_600));
    let id = OperationId(uuid::Uuid::from_u128(number));
    Order { id, device, operation, request, stored, expires_at, priority: Priority::Normal }
}

/// The lines of one kind that a commit adds to the timeline.
pub(super) fn lines<'a>(commit: &'a Commit, wanted: TimelineKind) -> Vec<&'a str> {
    let line = |change: &'a Change| match change {
        Change::Timeline(entry) if entry.kind == wanted => Some(entry.detail.as_str()),
        _ => None,
    };
    commit.changes.iter().filter_map(line).collect()
}
