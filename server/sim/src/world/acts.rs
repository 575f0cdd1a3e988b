//! What happens to devices, the network, the store and the server.

use std::time::Duration;

use objects::{InstanceId, Node, ObjectId, Path, Resource, ResourceId, Sample, Value};
use rand::RngExt;

use super::{Checks, ORIGIN, QUIET, World};
use crate::{bench::note, invariants::SENT, model::Sent, seed::Trouble, store::StoreWeather, weather};

/// Something to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The last fault is over.
    Calm,
    /// The wall clock jumps.
    Clock,
    /// The server dies soon.
    Crash,
    /// Something happens to a device.
    Device(usize),
    /// All is to be well.
    End,
    /// Somebody adds a device.
    Enrol(usize),
    /// A device measures something new.
    Measure(usize),
    /// A stranger does something.
    Mischief,
    /// The network of a device changes.
    Network(usize),
    /// It is time to look.
    Nothing,
    /// A device is turned on.
    Start(usize),
    /// The server is stopped in order.
    Stop,
    /// The store changes.
    Store,
    /// Somebody asks for something.
    Verb,
    /// Somebody says what devices are observed for.
    Wish,
}

impl World {
    /// What is to happen first.
    pub(super) fn plan_acts(&mut self) {
        for device in 0..self.nodes.len() {
            if !self.nodes[device].way.secure {
                self.soon(Act::Start(device), 2.0);
            }
            self.soon(Act::Device(device), 60.0);
            self.soon(Act::Network(device), 60.0);
        }
        for (act, mean) in [
            (Act::Store, 60.0),
            (Act::Crash, 150.0),
            (Act::Stop, 900.0),
            (Act::Clock, 300.0),
            (Act::Verb, 20.0),
            (Act::Mischief, 20.0),
        ] {
            self.soon(act, mean);
        }
        let calm = Duration::from_secs(self.plan.seconds);
        self.at(calm, Act::Calm);
        self.at(calm + QUIET, Act::End);
    }

    pub(super) fn soon(&mut self, act: Act, mean_seconds: f64) {
        let at = self.bench.now() + weather::pause(&mut self.random, mean_seconds);
        self.at(at, act);
    }

    pub(super) fn at(&mut self, at: Duration, act: Act) {
        self.acts += 1;
        self.agenda.insert((at, self.acts), act);
    }

    pub(super) fn act(&mut self, now: Duration, act: Act) {
        match act {
            Act::Calm => self.calm_down(now),
            Act::Clock => self.jump(),
            Act::Crash => {
                if self.has(Trouble::Crash) {
                    self.bench.die_after(self.random.random_range(1..60));
                }
                self.again(act, 200.0);
            }
            Act::Device(device) => {
                if self.has(Trouble::Power) {
                    self.trouble(now, device);
                }
                self.live_on(now, device);
                self.again(act, 45.0);
            }
            Act::End => self.end(),
            Act::Enrol(device) => self.enrol(device),
            Act::Measure(device) => self.measure(now, device),
            Act::Mischief => {
                if self.has(Trouble::Strangers) {
                    self.mischief(now);
                }
                self.again(act, 10.0);
            }
            Act::Network(device) => {
                if self.has(Trouble::Network) {
                    let weather = weather::of_network(&mut self.random);
                    note!(self.bench, "node-{device}: loss {} delay {:?}", weather.loss, weather.delay);
                    self.air.set_weather(device, weather);
                }
                self.again(act, 120.0);
            }
            Act::Nothing => {}
            Act::Start(device) => {
                let is_known = !self.nodes[device].way.secure || self.enrolled.contains(&device);
                if is_known && !self.model.devices[device].gone {
                    self.nodes[device].start(now);
                    self.drain(device, None, 0);
                }
            }
            Act::Stop => {
                self.stops = self.has(Trouble::Crash) && self.bench.is_alive();
                self.again(act, 900.0);
            }
            Act::Store => {
                if self.has(Trouble::Store) {
                    let weather = weather::of_store(&mut self.random, self.plan.ambiguous);
                    note!(self.bench, "store: {weather:?}");
                    self.store.set_weather(weather);
                }
                self.again(act, 60.0);
            }
            Act::Wish => self.wish(),
            Act::Verb => {
                if self.has(Trouble::Verbs) {
                    self.ask();
                }
                self.again(act, 15.0);
            }
        }
    }

    fn again(&mut self, act: Act, mean_seconds: f64) {
        if !self.calm {
            self.soon(act, mean_seconds);
        }
    }

    /// From now on nothing goes wrong, and every device is on but those that are never seen again.
    fn calm_down(&mut self, now: Duration) {
        note!(self.bench, "world: calm");
        self.calm = true;
        self.stops = false;
        self.bench.live_on();
        self.store.set_weather(StoreWeather::FAIR);
        self.store.heal();
        for device in 0..self.nodes.len() {
            self.air.set_weather(device, device::Weather::CLEAR);
            // Who may not come any more would try for ever.
            let is_lost = self.plan.has(Trouble::Power) && self.random.random_bool(0.2);
            if is_lost || self.model.devices[device].revoked.is_some() {
                note!(self.bench, "node-{device}: is gone for good");
                self.nodes[device].lose_power(now, false);
                self.drain(device, None, 0);
                self.model.devices[device].gone = true;
            }
            // One that was just being turned off is off when it has given up.
            for after in [0, 120, 240, 360] {
                self.at(now + Duration::from_secs(after), Act::Start(device));
            }
            // One that is observed, as only it knows, learns so when it says something.
            self.at(now + QUIET / 2, Act::Measure(device));
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.model.operations.ends_at = self.wall();
        if self.bench.is_alive() {
            self.check(Checks::quiet);
        } else {
            self.bench.violate("liveness", "the server is not there");
        }
    }

    /// The wall clock jumps, by seconds or by years.
    fn jump(&mut self) {
        if self.has(Trouble::Clock) {
            let size = [1_000, 60_000, 3_600_000, 86_400_000, 31_536_000_000, 315_360_000_000_i64];
            let by = size[self.random.random_range(0..size.len())];
            let by = if self.random.random_bool(0.5) { by } else { -by };
            note!(self.bench, "clock: {by} ms");
            self.wall_off.fetch_add(by, std::sync::atomic::Ordering::Relaxed);
            self.model.operations.shown(self.wall(), false);
        }
        self.again(Act::Clock, 400.0);
    }

    /// Something bad happens to a device.
    fn trouble(&mut self, now: Duration, device: usize) {
        match self.random.random_range(0..12) {
            0 => {
                note!(self.bench, "node-{device}: reboots");
                self.nodes[device].lose_power(now, true);
            }
            1 => {
                note!(self.bench, "node-{device}: loses power");
                self.nodes[device].lose_power(now, false);
                self.soon(Act::Start(device), 90.0);
            }
            2 => {
                note!(self.bench, "node-{device}: is turned off");
                self.nodes[device].stop(now);
                self.soon(Act::Start(device), 60.0);
            }
            3..=4 => self.rebind(device),
            5 => self.nodes[device].forget_session(),
            _ => return,
        }
        self.drain(device, None, 0);
    }

    /// Its network gives it another address, sometimes one that was another's.
    fn rebind(&mut self, device: usize) {
        let reuses = self.has(Trouble::Reuse) && self.random.random_bool(0.2);
        let reused = if reuses { self.abandoned.pop() } else { None };
        let to = reused.unwrap_or_else(|| self.next_address());
        if reused.is_some() {
            self.check(|checks, _| checks.shared(to));
        }
        self.check(|checks, _| checks.came(to));
        let from = std::mem::replace(&mut self.nodes[device].address, to);
        note!(self.bench, "node-{device}: from {from} to {to}");
        self.abandoned.push(from);
        self.air.rebind(device, from, to);
        self.model.moved(device, self.nodes[device].way.secure, reused.is_some());
    }

    /// Something changes in a device, as things do.
    fn live_on(&mut self, now: Duration, device: usize) {
        if !self.nodes[device].device.is_registered() {
            return;
        }
        let instance = Path::Instance(ObjectId(3303), InstanceId(self.random.random_range(1..4)));
        match self.random.random_range(0..10) {
            0..=2 => self.send(now, device),
            3..=5 => {
                self.measure(now, device);
                // Some change fast, so that one notification may overtake another.
                for millis in [700, 1_400, 2_100] {
                    if self.random.random_bool(0.4) {
                        self.at(now + Duration::from_millis(millis), Act::Measure(device));
                    }
                }
            }
            6 => {
                let lifetime = [60, 120, 300, 600][self.random.random_range(0..4)];
                // A bootstrap may have put the account anywhere.
                let path = |account| Path::Resource(ObjectId(1), InstanceId(account), ResourceId(1));
                let objects = self.nodes[device].device.objects();
                if let Some(path) = (0..4).map(path).find(|path| objects.get(path).is_some()) {
                    self.set(now, device, path, Value::Integer(lifetime));
                }
            }
            7..=8 => {
                let instance = instance.instance().expect("an instance has a number");
                let path = Path::Resource(ObjectId(3303), instance, ResourceId(5700));
                self.set(now, device, path, Value::Float(0.25));
            }
            _ => {
                self.nodes[device].call(now, |device, now| device.remove(now, instance));
                self.drain(device, None, 0);
            }
        }
    }

    fn measure(&mut self, now: Duration, device: usize) {
        // No value is that of a Send, which are whole.
        self.sends += 1;
        let value = Value::Float(self.sends as f64 + 0.5);
        self.set(now, device, SENT, value);
    }

    fn set(&mut self, now: Duration, device: usize, path: Path, value: Value) {
        // What has no place in this device's tree is not set.
        let _ = self.nodes[device].call(now, |device, now| device.set(now, path, value));
        self.drain(device, None, 0);
    }

    fn send(&mut self, now: Duration, device: usize) {
        self.sends += 1;
        let (number, time_ms) = (self.sends, ORIGIN.after(now).0);
        let node = Node::Resource(Resource::Single(Value::Float(number as f64)));
        let samples = [Sample { time_ms: Some(time_ms), path: SENT, node }];
        if self.nodes[device].call(now, |device, now| device.send_samples(now, &samples)).is_ok() {
            self.model.devices[device]
                .sends
                .insert(number, Sent { time_ms, acknowledged: false, moved: false, mistaken: false });
            self.drain(device, Some(number), 0);
        }
    }
}
