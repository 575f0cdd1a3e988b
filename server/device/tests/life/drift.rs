//! What drifts around a device.

use std::time::Duration;

use coap::{Method, Request};
use device::{Life, Profile};
use objects::{Value, Version};

use crate::world::{World, path, seconds, sensor};

impl World {
    fn live(&mut self, life: &mut Life, span: Duration) {
        let until = self.now + span;
        while self.now < until {
            let next = life.poll_timeout().clamp(self.now, until);
            self.run(next - self.now);
            self.call(|device, now| life.tick(now, device));
            for (_, event) in std::mem::take(&mut self.events) {
                self.call(|device, now| life.follow(now, &event, device));
            }
        }
    }

    fn temperature(&self, resource: u16) -> f64 {
        match self.device.objects().get(&path(&format!("/3303/0/{resource}"))) {
            Some(Value::Float(number)) => *number,
            other => panic!("{other:?} is no temperature"),
        }
    }
}

#[test]
fn values_drift_as_the_seed_will_have_it_and_stay_what_they_could_be() {
    let temperatures = |seed| {
        let mut world = World::registered(sensor());
        let mut life = Life::new(seed, seconds(10));
        world.observe("/3303/0/5700");
        let start = world.now;
        world.live(&mut life, seconds(6000));
        let (lowest, now, highest) =
            (world.temperature(5601), world.temperature(5700), world.temperature(5602));
        assert!(10.0 < lowest && lowest <= now && now <= highest && highest < 32.0 && lowest < highest);
        let clock = world.device.objects().get(&path("/3/0/13")).unwrap();
        assert!(matches!(clock, Value::Time(time) if *time > 1_704_067_200 + 6000));
        assert_eq!(world.device.objects().get(&path("/3/0/9")), Some(&Value::Integer(80)));
        world.notifications(start, "/3303/0/5700")
    };
    let reported = temperatures(1);
    assert!(reported.len() > 500, "{}", reported.len());
    assert!(reported.windows(2).all(|pair| (pair[0].1 - pair[1].1).abs() < 1.0), "no leaps");
    assert_eq!(reported, temperatures(1));
    assert_ne!(reported, temperatures(2));
}

#[test]
fn minimum_and_maximum_are_reset_when_a_server_wants_it() {
    let mut world = World::registered(sensor());
    let mut life = Life::new(1, seconds(10));
    world.live(&mut life, seconds(1000));
    assert!(world.temperature(5601) < world.temperature(5602));
    assert_eq!(world.code(Request::new(Method::Post, "/3303/0/5605")), "2.04");
    // Before the next change.
    for (_, event) in std::mem::take(&mut world.events) {
        world.call(|device, now| life.follow(now, &event, device));
    }
    assert_eq!(world.temperature(5601).to_bits(), world.temperature(5602).to_bits());
}

#[test]
fn nothing_comes_to_life_that_the_device_does_not_have() {
    let mut world = World::registered(Profile::new("plain", Version::V1_1));
    world.live(&mut Life::new(1, seconds(10)), seconds(100));
    assert_eq!(world.device.objects().get(&path("/3303/0/5700")), None);
}
