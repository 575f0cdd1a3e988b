//! What people ask of this world's server, and what is made of its answers.

use std::{sync::Arc, time::Duration};

use fleet::{FleetError, Operation, OperationState, Outcome};
use rand::RngExt;

use super::{World, acts::Act};
use crate::{
    bench::note,
    model::{Revoked, operations as model},
    verbs::{self, Done, Person},
};

/// What devices may be observed for. The last two have more than one path with the same attributes.
const WISHES: [&str; 4] =
    ["", "/3303/*/5700", "/3/0/9 pmin=2\n/3/0/13 pmin=2\n/3303/*/5700", "/3/0/9\n/3303/*/5700\n/3/0/7"];

impl World {
    /// A server is up: who was not added yet is.
    pub(super) fn begin_work(&mut self) {
        for device in 0..self.nodes.len() {
            if self.nodes[device].way.secure && !self.enrolled.contains(&device) {
                self.enrol(device);
            }
        }
        self.wish();
    }

    /// Somebody says what devices are observed for.
    pub(super) fn wish(&mut self) {
        if !self.plan.wishes {
            return;
        }
        let lines = WISHES[self.random.random_range(0..WISHES.len())];
        note!(self.bench, "person: wishes {lines:?}");
        if let Some(person) = self.person() {
            self.model.wished = true;
            person.wish(lines);
        }
    }

    pub(super) fn enrol(&mut self, device: usize) {
        let way = self.nodes[device].way;
        if let Some(person) = self.person() {
            person.enrol(device, &self.model.devices[device].endpoint, way.bootstraps, &self.keys[device]);
        }
    }

    /// Somebody asks something of a device, or takes it back.
    pub(super) fn ask(&mut self) {
        let Some(person) = self.person() else { return };
        let device = self.random.random_range(0..self.nodes.len());
        let endpoint = self.model.devices[device].endpoint.clone();
        if self.random.random_bool(0.02) && self.nodes[device].way.secure && self.enrolled.contains(&device) {
            note!(self.bench, "person: revokes node-{device}");
            self.model.devices[device].revoked.get_or_insert(Revoked { told: None });
            return person.revoke(device, &endpoint);
        }
        if self.random.random_bool(0.1) {
            let mut waits = self.model.operations.told.iter().filter(|(id, operation)| {
                operation.device == device && !self.model.operations.ended.contains_key(id)
            });
            if let Some((id, _)) = waits.next_back() {
                note!(self.bench, "person: cancels {id}");
                person.cancel(&endpoint, *id);
            }
            return;
        }
        self.ask_of(device);
    }

    /// Somebody asks something of this device.
    pub(super) fn ask_of(&mut self, device: usize) {
        let Some(person) = self.person() else { return };
        let endpoint = self.model.devices[device].endpoint.clone();
        let asked = verbs::any(&mut self.random, &mut self.model.operations.numbers);
        if let Some(number) = asked.1 {
            self.model.operations.asked(number, device);
        }
        note!(self.bench, "person: {} {} of {endpoint} ({:?})", asked.0.name(), asked.0.path(), asked.1);
        let expires_in =
            self.random.random_bool(0.5).then(|| Duration::from_secs(self.random.random_range(20..300)));
        person.operate(device, &endpoint, asked, expires_in.or(Some(Duration::from_secs(400))));
    }

    /// Somebody is told something.
    pub(super) fn told(&mut self, done: Done) {
        match done {
            Done::Enrolled(device, Ok(()) | Err(FleetError::AlreadyThere(_))) => {
                note!(self.bench, "person: node-{device} is added");
                if self.enrolled.insert(device) {
                    self.soon(Act::Start(device), 2.0);
                }
            }
            Done::Enrolled(device, Err(error)) => {
                note!(self.bench, "person: node-{device} is not added: {error}");
                self.soon(Act::Enrol(device), 5.0);
            }
            Done::Operated { device, number, operation, at, result: Ok(operated) } => {
                if let Some(number) = number {
                    self.model.operations.answered(number);
                }
                let state = operated.outcome.as_ref().map(|outcome| outcome.state(&operation));
                note!(
                    self.bench,
                    "person: {} {:?}",
                    operated.id,
                    operated.outcome.as_ref().map(Outcome::result)
                );
                let is_recorded = !self.model.operations.unrecorded.contains(&operated.id);
                if let Operation::CancelObservation { path, .. } = *operation
                    && state == Some(OperationState::Done)
                    && is_recorded
                {
                    self.check(|checks, view| checks.cancelled(view, device, path, at));
                }
                // What was only read leaves no row.
                if !(operation.is_read_only() && state.is_some()) {
                    self.model.operations.told.insert(
                        operated.id,
                        model::Operation { device, number, outcome: state, taken_back: false },
                    );
                }
            }
            Done::Operated { result: Err(error), .. } => note!(self.bench, "person: {error}"),
            Done::Wished(Ok(())) => note!(self.bench, "person: that is wished"),
            Done::Wished(Err(error)) => {
                note!(self.bench, "person: that is not wished: {error}");
                self.soon(Act::Wish, 20.0);
            }
            Done::Revoked(device, result) => {
                note!(self.bench, "person: node-{device} is revoked: {result:?}");
                if result.is_ok() {
                    self.model.devices[device].revoked = Some(Revoked { told: Some(self.bench.now()) });
                }
            }
            Done::Cancelled(id, Ok(())) => {
                note!(self.bench, "person: {id} is cancelled");
                if let Some(operation) = self.model.operations.told.get_mut(&id) {
                    operation.taken_back = true;
                }
            }
            Done::Cancelled(id, Err(error)) => note!(self.bench, "person: {id} is not cancelled: {error}"),
        }
    }

    fn person(&mut self) -> Option<Person> {
        let fleet = Arc::clone(self.fleet.as_ref()?);
        Some(Person {
            fleet,
            answers: self.answers.clone(),
            bench: Arc::clone(&self.bench),
            now: self.wall(),
            request: self.random.random(),
        })
    }
}
