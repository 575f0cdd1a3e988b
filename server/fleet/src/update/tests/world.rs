//! One update of one device, on virtual time: what is asked is put to the device, and time goes on to when it is due.

use std::time::Duration;

use objects::{Node, Path, Resource, Value};

use crate::{
    ArtefactId, DeviceId, Operation, OperationId, PublicId, RegistrationId, RequestId, Timestamp,
    update::{
        Ask, Asked, DownloadDigest, Known, Package, Registered, Scheme, Seen, Update, UpdateId, UpdatePhase,
        UpdateTarget, UpdateTerms,
    },
};

/// What a device does otherwise than it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Quirk {
    #[default]
    None,
    /// Ends with this result, when the package is there, or once it is installed.
    FailsWith(u8, At),
    /// Answers the first block with an error, and says this result only when it is asked.
    Refuses(u8),
    /// Breaks off the first so many pushes, after half of the package.
    BreaksOff(u8),
    /// Has half of the package when the server is restarted, so often.
    CutOff(u8),
    /// Never answers once the package is on its way.
    FallsSilent,
    /// Takes Update and installs for ever.
    InstallsForEver,
    /// Says that it has installed, and runs the old version.
    SaysOnly,
    /// Runs the new version, and keeps result 0.
    SaysNothing,
    /// Registers again every minute after it has installed.
    StartsAgain,
    /// Answers Update with an error, the first time.
    DeafOnce,
    /// Puts Update off so often.
    PutsOff(u8),
    /// Goes away for good when it starts with the new version.
    NeverReturns,
    /// Keeps what it has, and says that it has dropped it.
    Keeps,
    /// Takes an address, and fetches nothing from there.
    Hangs,
    /// Fetches, and its answer to the address is lost.
    AnswersLate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Download,
    Install,
}

pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) update: Update,
    pub(super) seen: Seen,
    pub(super) quirk: Quirk,
    /// What the device was asked, in order.
    pub(super) asked: Vec<Ask>,
    /// From which byte on it was pushed to, each time.
    pub(super) pushes: Vec<u64>,
    pub(super) uris: Vec<String>,
    observes: bool,
    state: i64,
    result: i64,
    runs: String,
    names_version: bool,
    next: i64,
}

pub(super) const SIZE: u64 = 100_000;
pub(super) const OLD: &str = "1.1.1";
pub(super) const NEW: &str = "1.1.10";

impl World {
    pub(super) fn new(quirk: Quirk) -> Self {
        let now = Timestamp(1_000_000);
        let registered = Registered { id: RegistrationId(1), at: Timestamp(0), has_target: true };
        let package = Package {
            artefact: ArtefactId(uuid::Uuid::nil()),
            version: NEW.into(),
            size: SIZE,
            target: UpdateTarget::Firmware,
        };
        let device = (DeviceId(1), PublicId::from_random([1; 16]));
        let (id, request) = (UpdateId(uuid::Uuid::nil()), RequestId::from_random([2; 16]));
        let update = Update::begins(id, now, request, device, package);
        Self {
            now,
            update,
            seen: Seen { registered: Some(registered), delivery: Some(2), ..Seen::default() },
            quirk,
            asked: Vec::new(),
            pushes: Vec::new(),
            uris: Vec::new(),
            observes: false,
            state: 0,
            result: 0,
            runs: OLD.into(),
            names_version: true,
            next: 1,
        }
    }

    pub(super) fn with_terms(mut self, change: impl FnOnce(&mut UpdateTerms)) -> Self {
        change(&mut self.update.terms);
        self
    }

    pub(super) fn having_said(mut self, result: i64) -> Self {
        self.result = result;
        self
    }

    pub(super) fn offering(mut self, scheme: Scheme, uri: &str) -> Self {
        self.seen.offered.uris.push((scheme, uri.into()));
        self.seen.download = Some(DownloadDigest([7; 16]));
        self
    }

    /// Goes on until the update has ended, which it does within this time.
    pub(super) fn run(&mut self, within: Duration) -> UpdatePhase {
        let end = self.now.after(within);
        while !self.update.has_ended() {
            assert!(self.now < end, "it goes on for ever: {:?}", self.update);
            self.turn();
        }
        self.update.phase
    }

    /// One step, and what it asks.
    pub(super) fn turn(&mut self) {
        let step = self.update.step(&self.seen, self.now);
        self.update = step.update;
        self.seen.asked = None;
        match step.ask {
            Some((ask, operation)) => {
                self.asked.push(ask);
                let id = OperationId::new(self.now, [0; 10]);
                self.update.asking = Some((id, ask));
                self.now = self.now.after(Duration::from_millis(100));
                self.seen.asked = Some(self.put(ask, &operation));
            }
            None => self.now = self.now.after(Duration::from_millis(1)).max(self.update.due_at),
        }
        self.live();
    }

    /// The process ends: what it asked has no known outcome.
    pub(super) fn lose_outcome(&mut self) {
        if self.seen.asked.is_some() {
            self.seen.asked = Some(Asked::CutOff);
        }
    }

    fn put(&mut self, ask: Ask, operation: &Operation) -> Asked {
        let silent = self.quirk == Quirk::FallsSilent && !self.pushes.is_empty();
        if self.seen.registered.is_none() || silent {
            return Asked::Failed("the device did not answer in time".into());
        }
        match (ask, operation) {
            (Ask::Look | Ask::Explain, _) => self.tell(true),
            (Ask::Version, _) => {
                if self.names_version {
                    self.seen.device_version = Some(Known { value: self.runs.clone(), at: self.now });
                } else {
                    return Asked::Failed("4.04 Not Found".into());
                }
            }
            (Ask::ObserveState, _) => self.observes = true,
            (Ask::Reset, _) if self.quirk == Quirk::Keeps => {}
            (Ask::Reset, _) => self.turn_to(0, 0),
            (Ask::Push, Operation::Push { from, .. }) => {
                self.pushes.push(*from);
                match self.quirk {
                    Quirk::FallsSilent => return Asked::Failed("the device did not answer in time".into()),
                    Quirk::Refuses(code) => {
                        (self.state, self.result) = (0, code.into());
                        return Asked::Failed("4.00 Bad Request".into());
                    }
                    Quirk::CutOff(times) if usize::from(times) >= self.pushes.len() => {
                        self.update.sent = SIZE / 2;
                        self.turn_to(1, 0);
                        return Asked::CutOff;
                    }
                    Quirk::BreaksOff(times) if usize::from(times) >= self.pushes.len() => {
                        self.update.sent = SIZE / 2;
                        self.turn_to(1, 0);
                        return Asked::Failed("the device did not answer in time".into());
                    }
                    _ => self.have(),
                }
            }
            (Ask::Fetch, Operation::Write { node, .. }) => {
                let Node::Resource(Resource::Single(Value::String(uri))) = node else { panic!("{node:?}") };
                self.uris.push(uri.clone());
                self.turn_to(1, 0);
                match self.quirk {
                    Quirk::Hangs => {}
                    Quirk::AnswersLate => {
                        self.update.sent = SIZE / 4;
                        self.have();
                        return Asked::Failed("the device did not answer in time".into());
                    }
                    _ => self.have(),
                }
            }
            (Ask::Install, Operation::Execute { path, .. }) => {
                assert_eq!((*path, self.state), (path_of("/5/0/2"), 2), "Update is for who has a package");
                return self.install();
            }
            _ => {}
        }
        Asked::Done
    }

    fn have(&mut self) {
        match self.quirk {
            Quirk::FailsWith(code, At::Download) => self.turn_to(0, code.into()),
            _ => self.turn_to(2, 0),
        }
    }

    fn install(&mut self) -> Asked {
        match self.quirk {
            Quirk::DeafOnce => {
                self.quirk = Quirk::None;
                return Asked::Failed("the device did not answer in time".into());
            }
            Quirk::PutsOff(times) if times > 0 => {
                self.quirk = Quirk::PutsOff(times - 1);
                self.turn_to(2, 11);
            }
            Quirk::InstallsForEver => self.turn_to(3, 0),
            Quirk::FailsWith(code, At::Install) => {
                self.register();
                self.turn_to(0, code.into());
            }
            Quirk::NeverReturns => {
                self.turn_to(3, 0);
                self.seen.registered = None;
            }
            quirk => {
                self.turn_to(3, 0);
                if quirk != Quirk::SaysOnly {
                    self.runs = NEW.into();
                }
                self.register();
                self.turn_to(0, if quirk == Quirk::SaysNothing { 0 } else { 1 });
            }
        }
        Asked::Done
    }

    /// What the device does by itself as time goes on.
    fn live(&mut self) {
        if self.quirk == Quirk::StartsAgain && self.update.phase == UpdatePhase::Verifying {
            let at = self.seen.registered.map(|registered| registered.at);
            if at.is_some_and(|at| self.now.since(at) > Duration::from_secs(60)) {
                self.register();
            }
        }
        if let Quirk::PutsOff(_) = self.quirk
            && self.state == 2
            && self.result == 11
        {
            self.turn_to(2, 0);
        }
    }

    fn register(&mut self) {
        self.next += 1;
        self.now = self.now.after(Duration::from_secs(5));
        let id = RegistrationId(self.next as u64);
        self.seen.registered = Some(Registered { id, at: self.now, has_target: true });
    }

    fn turn_to(&mut self, state: i64, result: i64) {
        (self.state, self.result) = (state, result);
        self.tell(self.observes);
    }

    fn tell(&mut self, heard: bool) {
        if heard {
            self.seen.state = Some(Known { value: self.state, at: self.now });
            self.seen.result = Some(Known { value: self.result, at: self.now });
        }
    }

    pub(super) fn without_device_version(mut self) -> Self {
        self.names_version = false;
        self
    }

    pub(super) fn running(mut self, version: &str) -> Self {
        self.runs = version.into();
        self.seen.device_version = Some(Known { value: version.into(), at: Timestamp(i64::MAX) });
        self
    }

    pub(super) fn in_state(mut self, state: i64, result: i64) -> Self {
        (self.state, self.result) = (state, result);
        self
    }
}

fn path_of(text: &str) -> Path {
    text.parse().unwrap()
}
