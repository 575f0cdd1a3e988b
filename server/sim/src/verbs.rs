//! People and programs: what they ask by the verbs of the fleet, and what they are told.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet::{
    Actor, CancelMode, ClassId, Context, EndpointName, Fleet, FleetError, GivenPsk, NewDevice, Operated,
    Operation, OperationId, PskIdentity, PskKey, RequestId, Timestamp, WriteMode,
};
use objects::{InstanceId, Node, ObjectId, Path, Resource, ResourceId, ResourceInstanceId, Value};
use rand::{Rng, RngExt};

use crate::{bench::Bench, model::operations::mark};

/// What came of a verb.
#[derive(Debug)]
pub enum Done {
    /// A device was added.
    Enrolled(usize, Result<(), FleetError>),
    /// An operation was asked for.
    Operated {
        /// Of whom.
        device: usize,
        /// The number in it.
        number: Option<u64>,
        /// What it was.
        operation: Box<Operation>,
        /// When it was asked for.
        at: Timestamp,
        /// What was told.
        result: Result<Operated, FleetError>,
    },
    /// What devices are observed for was said.
    Wished(Result<(), FleetError>),
    /// A device's credentials were revoked.
    Revoked(usize, Result<(), FleetError>),
    /// An operation was taken back.
    Cancelled(OperationId, Result<(), FleetError>),
}

/// Where answers arrive.
#[derive(Clone, Default)]
pub struct Answers(Arc<Mutex<Vec<Done>>>);

/// How a device proves itself.
#[derive(Clone, Debug)]
pub struct Psk {
    /// Its identity.
    pub identity: String,
    /// Its key.
    pub key: [u8; 16],
}

/// A person at work.
pub struct Person {
    /// The server's verbs.
    pub fleet: Arc<Fleet>,
    /// Where answers go.
    pub answers: Answers,
    /// Who is woken by them.
    pub bench: Arc<Bench>,
    /// What the wall clock shows.
    pub now: Timestamp,
    /// Names the request.
    pub request: [u8; 16],
}

impl Answers {
    /// What arrived since this was asked last.
    pub fn take(&self) -> Vec<Done> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, done: Done) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(done);
    }
}

impl Person {
    /// Adds a device.
    pub fn enrol(&self, device: usize, endpoint: &str, bootstraps: bool, psk: &Psk) {
        let endpoint = EndpointName::new(endpoint).expect("the names of devices are good");
        let identity = PskIdentity::new(psk.identity.as_bytes()).expect("an identity is short");
        let key = PskKey::new(psk.key).expect("16 bytes are a key");
        let given = Some(GivenPsk { identity: Some(identity), key: Some(key) }.into());
        let (bootstrap, management) = if bootstraps { (given, None) } else { (None, given) };
        let new = NewDevice { endpoint, class: None, bootstrap, management };
        let (fleet, context) = self.begin();
        self.work(async move { Done::Enrolled(device, fleet.add_device(&context, new).await.map(drop)) });
    }

    /// Asks an operation of a device.
    pub fn operate(
        &self,
        device: usize,
        endpoint: &str,
        (operation, number): (Operation, Option<u64>),
        expires_in: Option<Duration>,
    ) {
        let endpoint = EndpointName::new(endpoint).expect("the names of devices are good");
        let (fleet, context) = self.begin();
        let at = context.now;
        self.work(async move {
            let asked = operation.clone();
            let result = async {
                let view = fleet.device_by_endpoint(&context, &endpoint).await?;
                fleet.operate(&context, view.device.public_id, asked, expires_in).await
            };
            Done::Operated { device, number, result: result.await, operation: Box::new(operation), at }
        });
    }

    /// Says what devices are observed for.
    pub fn wish(&self, lines: &'static str) {
        let (fleet, context) = self.begin();
        self.work(async move {
            Done::Wished(fleet.set_class_wishes(&context, ClassId::DEFAULT, lines).await.map(drop))
        });
    }

    /// Takes away the credentials of a device.
    pub fn revoke(&self, device: usize, endpoint: &str) {
        let endpoint = EndpointName::new(endpoint).expect("the names of devices are good");
        let (fleet, context) = self.begin();
        self.work(async move {
            let result = async {
                let view = fleet.device_by_endpoint(&context, &endpoint).await?;
                fleet.revoke_device(&context, view.device.public_id, "it was stolen").await
            };
            Done::Revoked(device, result.await)
        });
    }

    /// Takes an operation back.
    pub fn cancel(&self, endpoint: &str, id: OperationId) {
        let endpoint = EndpointName::new(endpoint).expect("the names of devices are good");
        let (fleet, context) = self.begin();
        self.work(async move {
            let result = async {
                let view = fleet.device_by_endpoint(&context, &endpoint).await?;
                fleet.cancel_operation(&context, view.device.public_id, id).await
            };
            Done::Cancelled(id, result.await)
        });
    }

    fn begin(&self) -> (Arc<Fleet>, Context) {
        let request = RequestId::from_random(self.request);
        let context = Context { actor: Actor::COMMAND_LINE, now: self.now, request };
        (Arc::clone(&self.fleet), context)
    }

    fn work(&self, work: impl Future<Output = Done> + Send + 'static) {
        let (answers, bench) = (self.answers.clone(), Arc::clone(&self.bench));
        tokio::spawn(async move {
            let done = work.await;
            // A server that died meanwhile tells nobody.
            if bench.reach() {
                answers.push(done);
                bench.pulse.notify_one();
            }
        });
    }
}

/// Something to ask of a device; with the number in it if doing it twice is not as good as once.
pub fn any(random: &mut impl Rng, next_number: &mut u64) -> (Operation, Option<u64>) {
    let resource = |object, id| Path::Resource(ObjectId(object), InstanceId(0), ResourceId(id));
    let temperature = resource(3303, 5700);
    let mut number = || {
        *next_number += 1;
        *next_number
    };
    match random.random_range(0..12) {
        0..=1 => (Operation::Read { path: resource(3, 9), format: None }, None),
        2 => (Operation::Discover { path: Path::Object(ObjectId(3303)) }, None),
        3..=4 => {
            let node = Node::Resource(Resource::Single(Value::String(format!(
                "+{:02}:00",
                random.random_range(0..12)
            ))));
            let path = resource(3, 14);
            (Operation::Write { path, mode: WriteMode::Replace, node, format: None }, None)
        }
        5..=7 => {
            let number = number();
            let arguments = format!("0='{}'", mark(number));
            (Operation::Execute { path: resource(3303, 5605), arguments }, Some(number))
        }
        8..=9 => {
            let number = number();
            let text = Value::String(mark(number));
            let texts = [(ResourceInstanceId(0), text)].into();
            let resources = [(ResourceId(0), Resource::Multiple(texts))].into();
            let node = Node::Instance(objects::Instance { resources });
            (Operation::Create { object: ObjectId(16), instance: None, node, format: None }, Some(number))
        }
        10 => (Operation::Observe { path: temperature, format: None }, None),
        _ => (Operation::CancelObservation { path: temperature, mode: CancelMode::Active }, None),
    }
}
