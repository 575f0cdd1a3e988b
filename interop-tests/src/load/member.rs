//! One device of a crowd: what it is, what it is about to do, and its record.

use std::time::Duration;

use device::{Account, Device, Event, Factory, Firmware, Interaction, Profile};
use dtls::SessionId;
use objects::{InstanceId, ObjectId, Path, ResourceId, Value, Version};

use super::{
    Deed, Options, Record, Standing,
    crowd::Servers,
    deed::{Done, Underway},
    keys,
};

/// A device of a crowd.
pub(super) struct Member {
    pub(super) device: Device,
    number: u32,
    /// Whether it speaks DTLS.
    pub(super) is_secure: bool,
    /// With the server, if it has one.
    pub(super) session: Option<SessionId>,
    /// Whether a new session is to be made where there is one, since it led to nothing.
    pub(super) is_session_doubted: bool,
    pub(super) under_way: Option<Underway>,
    /// When it was last said to want time.
    pub(super) timer: Option<Duration>,
    pub(super) is_observed: bool,
    pub(super) record: Record,
}

impl Member {
    /// What all devices have in common. They share it, and have for themselves what each changes of it.
    pub(super) fn template(options: &Options, epoch_ms: i64) -> Profile {
        let mut profile = Profile::sensor("", Version::V1_1);
        profile.lifetime = Record::LIFETIME;
        profile.epoch_ms = epoch_ms;
        profile.retry = RETRY;
        profile.confirmable_notifications = true;
        profile.coap.transmission.ack_timeout = Duration::from_millis(options.ack_timeout_ms);
        profile.coap.transmission.max_retransmit = options.max_retransmit;
        profile.firmware = options.firmware.then(Firmware::default);
        // The serial number lies beside them, and is each device's own: what is not asked for costs a million devices a gigabyte.
        for power_source in POWER_SOURCES {
            profile.objects.remove(&power_source);
        }
        let account =
            [(LIFETIME, Value::Integer(Record::LIFETIME.into())), (BINDING, Value::String("U".to_owned()))];
        for (path, value) in account {
            profile.objects.set(path, value).expect("the Server object has these resources, of these types");
        }
        profile
    }

    /// A device that is off, so many after the first.
    pub(super) fn new(template: &Profile, options: &Options, servers: Servers, at: u32) -> Self {
        let number = options.first + at;
        let endpoint = keys::endpoint(number);
        let mut profile = Profile { endpoint: endpoint.clone(), ..template.clone() };
        if options.is_secure(at) {
            let uri = format!("coaps://{}", servers.coaps);
            let account = Account::psk(&uri, &endpoint, &keys::key(options.seed, number));
            profile.factory = Factory::management(account);
        }
        let objects = &mut profile.objects;
        let values =
            [(SERIAL, Value::String(endpoint)), (NOTIFIED, value(number, 0)), (SENT, value(number, 0))];
        for (path, value) in values {
            objects.set(path, value).expect("the sensor has these resources, of these types");
        }
        Self {
            device: Device::new(profile, options.seed.rotate_left(32) ^ u64::from(number)),
            number,
            is_secure: options.is_secure(at),
            session: None,
            is_session_doubted: false,
            under_way: None,
            timer: None,
            is_observed: false,
            record: Record::default(),
        }
    }

    /// Whether it comes and goes in [`Phase::Mixed`](super::Phase::Mixed), and so is not observed.
    pub(super) fn comes_and_goes(&self) -> bool {
        self.number % 8 == 7
    }

    /// Whether it can do that now.
    pub(super) fn can(&self, deed: Deed) -> bool {
        self.under_way.is_none()
            && match deed {
                Deed::Register => matches!(self.record.standing, Standing::Unknown | Standing::Gone),
                Deed::Notify => self.device.is_registered() && self.is_observed,
                Deed::Update | Deed::Change | Deed::Send | Deed::Deregister => self.device.is_registered(),
            }
    }

    /// Does it. What comes of it is told by [`Self::follow`].
    pub(super) fn begin(&mut self, now: Duration, deed: Deed, due: Duration) {
        self.under_way = Some(Underway { deed, due });
        let (device, record) = (&mut self.device, &mut self.record);
        match deed {
            Deed::Register => {
                record.standing = Standing::Uncertain;
                device.start(now);
            }
            Deed::Update => device.refresh(now),
            Deed::Change => {
                let seconds = Value::Integer((Record::LIFETIME + record.lifetimes.begin()).into());
                device.set(now, LIFETIME, seconds).expect("the lifetime is an integer");
            }
            Deed::Notify => {
                let value = value(self.number, record.notified.begin());
                device.set(now, NOTIFIED, value).expect("the temperature is a float");
            }
            Deed::Send => {
                let value = value(self.number, record.sent.begin());
                device.set(now, SENT, value).expect("the temperature is a float");
                // A Send that is refused by the device itself is told by no event.
                if let Err(refused) = device.send(now, &[SENT]) {
                    debug_assert!(false, "a registered device sends: {refused}");
                    self.under_way = None;
                }
            }
            Deed::Deregister => {
                record.standing = Standing::Uncertain;
                device.stop(now);
            }
        }
    }

    /// Takes note of an event: what has come of the deed that is under way, and what is wrong with the answer if a server that
    /// has acknowledged what this one has does not answer so.
    pub(super) fn follow(&mut self, now: Duration, event: &Event) -> (Option<Done>, Option<String>) {
        let (mut outcome, mut wrong) = (None, None);
        match event {
            Event::Registered { location } => {
                self.record.standing = Standing::Registered(location.clone());
                self.acknowledge_lifetime();
                outcome = self.end(now, &[Deed::Register], Ok(()));
            }
            Event::UpdateAccepted => {
                self.acknowledge_lifetime();
                outcome = self.end(now, &[Deed::Update, Deed::Change], Ok(()));
            }
            Event::SendAccepted => {
                self.record.sent.acknowledge();
                outcome = self.end(now, &[Deed::Send], Ok(()));
            }
            Event::Notified { path } if *path == NOTIFIED => {
                self.record.notified.acknowledge();
                outcome = self.end(now, &[Deed::Notify], Ok(()));
            }
            Event::Deregistered => {
                self.record.standing = Standing::Gone;
                outcome = self.end(now, &[Deed::Deregister], Ok(()));
            }
            Event::Observed { path } if *path == NOTIFIED => {
                self.is_observed = true;
                self.record.notified.observed.push(self.record.notified.begun);
            }
            Event::ObservationEnded { path } if *path == NOTIFIED => {
                self.is_observed = false;
                outcome = self.end(now, &[Deed::Notify], Err("observation ended".to_owned()));
            }
            Event::Rejected { interaction, code } => {
                // 4.04 to a Deregister that was sent again: it was done, and who had noted that is gone.
                if *interaction == Interaction::Deregister && *code == coap::Code::NOT_FOUND {
                    self.record.standing = Standing::Gone;
                    return (self.end(now, &[Deed::Deregister], Ok(())), None);
                }
                if *interaction == Interaction::Update {
                    let standing = std::mem::replace(&mut self.record.standing, Standing::Uncertain);
                    let endpoint = keys::endpoint(self.number);
                    wrong = (*code == coap::Code::NOT_FOUND)
                        .then(|| format!("{endpoint}: an Update is answered 4.04, and it is {standing:?}"));
                }
                outcome = self.end(now, deeds(*interaction), Err(format!("{interaction:?} {code}")));
            }
            Event::Unanswered { interaction, failure } => {
                self.is_session_doubted = true;
                // What it does next is to register again. A Send changes nothing.
                if *interaction != Interaction::Send {
                    self.record.standing = Standing::Uncertain;
                }
                outcome = self.end(now, deeds(*interaction), Err(format!("{interaction:?} {failure:?}")));
            }
            Event::Unsent { interaction, error } => {
                outcome = self.end(now, deeds(*interaction), Err(format!("{interaction:?} {error}")));
            }
            _ => {}
        }
        (outcome, wrong)
    }

    /// There is no session to be had.
    pub(super) fn no_session(&mut self, now: Duration, why: &str) -> Option<Done> {
        let every = self.under_way.map(|under_way| under_way.deed);
        self.end(now, every.as_slice(), Err(format!("handshake {why}")))
    }

    fn end(&mut self, now: Duration, deeds: &[Deed], outcome: Result<(), String>) -> Option<Done> {
        let Underway { deed, due } = self.under_way.filter(|under_way| deeds.contains(&under_way.deed))?;
        self.under_way = None;
        Some(Done { deed, outcome: outcome.map(|()| now.saturating_sub(due)) })
    }

    fn acknowledge_lifetime(&mut self) {
        let record = &mut self.record;
        record.lifetime = record.lifetimes.begun;
        record.lifetimes.acknowledge();
    }
}

/// The value of a series, which no other device has.
pub(super) fn value(device: u32, number: u32) -> Value {
    Value::Float(f64::from(device) * SERIES + f64::from(number))
}

/// Which number of its series that is for a device, if it is one.
pub(super) fn number_of(device: u32, value: f64) -> Option<u32> {
    let number = value - f64::from(device) * SERIES;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "looked at in the same line")]
    (number.fract() == 0.0 && (0.0..SERIES).contains(&number)).then_some(number as u32)
}

/// How many numbers a device has.
const SERIES: f64 = 1_048_576.0;

/// Between attempts to register.
const RETRY: Duration = Duration::from_secs(2);

const fn resource(object: u16, resource: u16) -> Path {
    Path::Resource(ObjectId(object), InstanceId(0), ResourceId(resource))
}

const LIFETIME: Path = resource(1, 1);
const BINDING: Path = resource(1, 7);
/// The serial number: it is the endpoint name.
pub(super) const SERIAL: Path = resource(3, 2);
const POWER_SOURCES: [Path; 3] = [resource(3, 6), resource(3, 7), resource(3, 8)];
/// What is observed: the temperature.
pub(super) const NOTIFIED: Path = resource(3303, 5700);
/// What is sent: the highest temperature measured.
pub(super) const SENT: Path = resource(3303, 5602);

fn deeds(interaction: Interaction) -> &'static [Deed] {
    match interaction {
        Interaction::Bootstrap => &[],
        Interaction::Register => &[Deed::Register],
        Interaction::Update => &[Deed::Update, Deed::Change],
        Interaction::Deregister => &[Deed::Deregister],
        Interaction::Send => &[Deed::Send],
    }
}
