//! Many seeds of bad weather: whatever the link does, the promises hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use coap::{BlockSize, Code, Failure, Method, Request, RequestId, Response, Token};
use device::{Device, Event, How, Misbehaviour, Operation};
use objects::{ContentFormat, Value};
use rand::RngExt;

use crate::world::{Link, MINUTE, World, attributes, get, observe, path, seconds, sensor, value, with};

const SEEDS: u64 = 120;
const ACTIONS: u32 = 40;

#[test]
fn promises_hold_in_any_weather() {
    let mut totals = Totals::default();
    for seed in 0..SEEDS {
        Simulation::new(seed).run(&mut totals);
    }
    // The weather was bad enough, and not so bad that nothing got through.
    let Totals { executed, failed, notified, registered, updated, written } = totals;
    assert!(executed > SEEDS && failed > SEEDS / 2 && notified > SEEDS && written > SEEDS, "{totals:?}");
    assert!(registered > SEEDS && updated > SEEDS, "{totals:?}");
}

#[test]
fn the_same_seed_is_the_same_life() {
    let trace = |seed| {
        let mut simulation = Simulation::new(seed);
        simulation.live_through();
        format!("{:?} {:?} {:?}", simulation.world.events, simulation.world.asked, simulation.world.sent)
    };
    assert_eq!(trace(3), trace(3));
    assert_ne!(trace(3), trace(4));
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    executed: u64,
    failed: u64,
    notified: u64,
    registered: u64,
    updated: u64,
    written: u64,
}

struct Simulation {
    seed: u64,
    world: World,
    /// What each request is about.
    requests: BTreeMap<RequestId, Asked>,
    answered: BTreeMap<RequestId, (Token, Result<Response, Failure>)>,
    reboots: bool,
    counted: f64,
}

#[derive(Clone, Debug)]
enum Asked {
    Execute(u32),
    Write(Vec<u8>),
    Other,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut profile = sensor();
        profile.coap.block_size = [BlockSize::B64, BlockSize::B256, BlockSize::B1024][seed as usize % 3];
        profile.confirmable_notifications = seed.is_multiple_of(2);
        profile.queue_mode = seed.is_multiple_of(5);
        profile.lifetime = 240;
        profile.faults.misbehaviours.push(Misbehaviour {
            operation: Operation::Execute,
            within: path("/3303/0/5605"),
            how: How::AnswerLate(Duration::from_millis(seed % 4 * 900)),
        });
        let link = Link { loss: (seed % 4) as f64 * 0.15, ..Link::BAD };
        Self {
            seed,
            world: World::new(seed, link, profile),
            requests: BTreeMap::new(),
            answered: BTreeMap::new(),
            reboots: seed.is_multiple_of(3),
            counted: 20.0,
        }
    }

    fn run(mut self, totals: &mut Totals) {
        self.live_through();
        self.assert_effects(totals);
        self.assert_notifications(totals);
        let count = |wanted: fn(&Event) -> bool| {
            self.world.events.iter().filter(|(_, event)| wanted(event)).count() as u64
        };
        totals.registered += count(|event| matches!(event, Event::Registered { .. }));
        totals.updated += count(|event| *event == Event::UpdateAccepted);
        self.world.link = Link::PERFECT;
        self.world.run(20 * MINUTE);
        assert!(self.world.device.is_registered(), "seed {}: it finds back to its server", self.seed);
        self.world.call(Device::stop);
        self.world.run(MINUTE);
        assert_eq!(self.world.count(&Event::Deregistered), 1);
        self.world.assert_quiescence();
    }

    fn live_through(&mut self) {
        self.world.call(Device::start);
        for action in 0..ACTIONS {
            self.act(action);
            let pause = self.world.random.random_range(0..15_000);
            self.world.run(Duration::from_millis(pause));
        }
        self.world.run(20 * MINUTE);
        for id in self.requests.keys() {
            let outcome = self.world.take_outcome(*id);
            self.answered.insert(*id, outcome.expect("each request has an outcome"));
        }
    }

    fn act(&mut self, action: u32) {
        let body: Vec<u8> = (0..action * 50).map(|at| (at ^ action) as u8).collect();
        let arguments = format!("0='{action}'");
        let (asked, request) = match self.world.random.random_range(0..10) {
            0 | 1 => {
                let request = with(Method::Post, "/3303/0/5605", ContentFormat::TEXT, arguments);
                (Asked::Execute(action), request)
            }
            2 | 3 => {
                let request = with(Method::Put, "/19/0/0/0", ContentFormat::OPAQUE, body.clone());
                (Asked::Write(body), request)
            }
            4 => (Asked::Other, get("/3/0", None)),
            5 => (Asked::Other, observe("/3303/0/5700")),
            6 => (Asked::Other, attributes("/3303/0", "pmin=3 pmax=40")),
            7 if self.reboots && action.is_multiple_of(5) => return self.world.call(Device::reboot),
            _ => {
                self.counted += 1.0;
                let counted = self.counted;
                return self.world.set_temperature(counted);
            }
        };
        let id = self.world.request(request);
        self.requests.insert(id, asked);
    }

    /// What was acknowledged has happened; without a reboot, nothing has happened twice (I-6, I-7).
    fn assert_effects(&self, totals: &mut Totals) {
        let executed: Vec<u32> = self
            .world
            .events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Executed { arguments, .. } => arguments[0].value.as_ref()?.parse().ok(),
                _ => None,
            })
            .collect();
        let distinct: BTreeSet<u32> = executed.iter().copied().collect();
        assert!(self.reboots || distinct.len() == executed.len(), "seed {}: executed twice", self.seed);
        let mut last_written = None;
        for (id, (_, outcome)) in &self.answered {
            match (&self.requests[id], outcome) {
                (Asked::Execute(action), Ok(response)) => {
                    assert_eq!(response.code, Code::CHANGED);
                    assert!(distinct.contains(action), "seed {}: {action} was acknowledged", self.seed);
                    totals.executed += 1;
                }
                (Asked::Write(body), Ok(response)) if response.code == Code::CHANGED => {
                    last_written = Some(body);
                    totals.written += 1;
                }
                (Asked::Write(_), outcome) => {
                    last_written = None;
                    totals.failed += u64::from(outcome.is_err());
                }
                (_, outcome) => totals.failed += u64::from(outcome.is_err()),
            }
        }
        // Writes go one after the other; one without an answer may or may not have happened.
        if let Some(body) = last_written {
            let kept = self.world.device.objects().get(&path("/19/0/0/0"));
            assert_eq!(kept, Some(&Value::Opaque(body.clone())), "seed {}", self.seed);
        }
    }

    /// What is observed only grows, and so must what is seen of it (I-25).
    fn assert_notifications(&self, totals: &mut Totals) {
        let mut newest: BTreeMap<Token, f64> = BTreeMap::new();
        for notified in &self.world.notified {
            let Value::Float(number) = value("/3303/0/5700", &notified.response) else {
                panic!("the temperature is a float")
            };
            let before = newest.insert(notified.token, number);
            assert!(before.is_none_or(|before| before <= number), "seed {}: an older value", self.seed);
            totals.notified += 1;
        }
    }
}

#[test]
fn noise_changes_nothing() {
    let mut world = World::registered(sensor());
    let before = format!("{:?}", world.device.objects());
    for _ in 0..20_000 {
        let len = world.random.random_range(0..40);
        let mut bytes: Vec<u8> = (0..len).map(|_| world.random.random_range(0..=255)).collect();
        if let Some(first) = bytes.first_mut().filter(|_| len > 8) {
            // Mostly a GET, so that more than the header is looked at.
            *first = 0x40;
            bytes[1] = 1;
        }
        world.call(|device, now| device.handle_datagram(now, &bytes));
        world.now += Duration::from_millis(10);
    }
    assert_eq!(format!("{:?}", world.device.objects()), before);
    world.run(seconds(300));
    assert_eq!(world.ask(Request::new(Method::Get, "/3/0/9")).code, Code::CONTENT);
}
