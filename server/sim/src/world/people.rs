//! What people ask of this world's server, and what is made of its answers.

use std::{sync::Arc, time::Duration};

use fleet::{FleetError, Outcome};
use rand::RngExt;

use super::{World, acts::Act};
use crate::{
    bench::note,
    model::operations::Operation,
    verbs::{self, Done, Person},
};

impl World {
    /// A server is up: who was not added yet is.
    pub(super) fn begin_work(&mut self) {
        for device in 0..self.nodes.len() {
            if self.nodes[device].way.secure && !self.enrolled.contains(&device) {
                self.enrol(device);
            }
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
        let asked = verbs::any(&mut self.random, &mut self.model.operations.numbers);
        if let Some(number) = asked.1 {
            self.model.operations.meant_for.insert(number, device);
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
            Done::Operated { device, number, operation, result: Ok(operated) } => {
                let state = operated.outcome.as_ref().map(|outcome| outcome.state(&operation));
                note!(
                    self.bench,
                    "person: {} {:?}",
                    operated.id,
                    operated.outcome.as_ref().map(Outcome::result)
                );
                // What was only read leaves no row.
                if !(operation.is_read_only() && state.is_some()) {
                    self.model
                        .operations
                        .told
                        .insert(operated.id, Operation { device, number, outcome: state, taken_back: false });
                }
            }
            Done::Operated { result: Err(error), .. } => note!(self.bench, "person: {error}"),
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
