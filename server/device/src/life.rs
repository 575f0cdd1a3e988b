//! What makes a device look alive: its values drift, as its seed will have it. What a server asks of it, it does anyway.

use std::time::Duration;

use objects::{InstanceId, ObjectId, Path, ResourceId, Value};

use crate::{Device, Event, random::Random};

/// The life around a device: it gets warmer and colder, the battery runs down and is charged, the clock goes.
///
/// Call [`Self::tick`] when [`Self::poll_timeout`] says so and, as after every call, drain the device. Two lives of the same
/// seed are the same.
#[derive(Clone, Debug)]
pub struct Life {
    period: Duration,
    next: Duration,
    ticks: u32,
    random: Random,
}

impl Life {
    /// A life in which something happens each `period`, the first time at once.
    pub fn new(seed: u64, period: Duration) -> Self {
        Self { period, next: Duration::ZERO, ticks: 0, random: Random::new(seed) }
    }

    /// When to call [`Self::tick`] next.
    pub fn poll_timeout(&self) -> Duration {
        self.next
    }

    /// Changes what has changed in the meantime. Too early a call does nothing.
    pub fn tick(&mut self, now: Duration, device: &mut Device) {
        if now < self.next {
            return;
        }
        self.next = now + self.period;
        self.ticks = self.ticks.wrapping_add(1);
        let thermometers: Vec<InstanceId> = device.objects().instances(TEMPERATURE).collect();
        for instance in thermometers {
            let at = |resource| Path::Resource(TEMPERATURE, instance, ResourceId(resource));
            let Some(before) = number(device, at(SENSOR_VALUE)) else { continue };
            let value = self.walk(before);
            let lowest = number(device, at(MIN_MEASURED)).map_or(value, |lowest| lowest.min(value));
            let highest = number(device, at(MAX_MEASURED)).map_or(value, |highest| highest.max(value));
            for (resource, value) in [(SENSOR_VALUE, value), (MIN_MEASURED, lowest), (MAX_MEASURED, highest)]
            {
                change(now, device, at(resource), Value::Float(value));
            }
        }
        if let Some(Value::Integer(percent)) = device.objects().get(&BATTERY_LEVEL)
            && self.ticks.is_multiple_of(TICKS_A_PERCENT)
        {
            let percent = if *percent <= CHARGED_AT { 100 } else { percent - 1 };
            change(now, device, BATTERY_LEVEL, Value::Integer(percent));
        }
        let seconds = device.time_ms(now) / 1000;
        change(now, device, CURRENT_TIME, Value::Time(seconds));
    }

    /// Does what is left to the caller when something was executed: minimum and maximum are reset.
    pub fn follow(&mut self, now: Duration, event: &Event, device: &mut Device) {
        let Event::Executed { path: Path::Resource(TEMPERATURE, instance, RESET), .. } = event else {
            return;
        };
        let at = |resource| Path::Resource(TEMPERATURE, *instance, ResourceId(resource));
        if let Some(value) = number(device, at(SENSOR_VALUE)) {
            change(now, device, at(MIN_MEASURED), Value::Float(value));
            change(now, device, at(MAX_MEASURED), Value::Float(value));
        }
    }

    /// A step up or down of at most a quarter of a degree, with a pull to room temperature; in hundredths.
    fn walk(&mut self, before: f64) -> f64 {
        let step = (self.random.uniform() - 0.5) / 2.0;
        ((before + step + (ROOM - before) / 50.0) * 100.0).round() / 100.0
    }
}

/// Changes a value that the device has.
fn change(now: Duration, device: &mut Device, at: Path, value: Value) {
    if device.objects().get(&at).is_some_and(|before| *before != value) {
        device.set(now, at, value).expect("a value of this type is there");
    }
}

fn number(device: &Device, at: Path) -> Option<f64> {
    match device.objects().get(&at)? {
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

const TEMPERATURE: ObjectId = ObjectId(3303);
const MIN_MEASURED: u16 = 5601;
const MAX_MEASURED: u16 = 5602;
const RESET: ResourceId = ResourceId(5605);
const SENSOR_VALUE: u16 = 5700;
const BATTERY_LEVEL: Path = Path::Resource(ObjectId(3), InstanceId(0), ResourceId(9));
const CURRENT_TIME: Path = Path::Resource(ObjectId(3), InstanceId(0), ResourceId(13));

const ROOM: f64 = 21.0;
const TICKS_A_PERCENT: u32 = 30;
/// At which percentage somebody charges the battery.
const CHARGED_AT: i64 = 5;
