//! The hot state follows what has become durable.

use std::time::Duration;

use super::{Hot, Live, Roster};
use crate::{
    Change, Commit, Device, DeviceId, Holder, Now, Observation, ObservationToken, Registration, Source,
    Target, queue::QueueChange,
};

impl Roster {
    /// To be called once the store has the commit, and never otherwise. What it does not hold hot it passes over.
    ///
    /// Orders are left alone: see [`Roster::order_ended`] and [`Roster::cancel_all`].
    pub fn apply(&mut self, now: Now, commit: &Commit) {
        for change in &commit.changes {
            match change {
                Change::DeviceAdded(device) => self.add(device, 0),
                Change::DeviceEnrolledAgain { device, class } => {
                    self.set_removed(*device, false);
                    self.with(*device, |hot| hot.class = *class);
                }
                Change::DeviceClassified { device, class } => self.with(*device, |hot| hot.class = *class),
                Change::Queue(QueueChange::AwakeSet { scope, time }) => self.say_awake(*scope, *time),
                Change::DeviceRemoved { device, keep_data, .. } => {
                    self.end(*device);
                    if !keep_data {
                        self.with(*device, |hot| hot.awake = None);
                    }
                    self.set_removed(*device, true);
                }
                Change::CredentialAdded(new) => {
                    if let Holder::Device(device) = new.credential.holder {
                        self.with(device, |hot| hot.secured = true);
                    }
                }
                Change::Registered(registration) => self.register(now, registration),
                Change::RegistrationEnded { device, .. } => self.end(*device),
                Change::ObservationBegan(observation) => self.begin_observation(observation),
                Change::ObservationEnded { device, target } => {
                    self.end_observations(*device, |of| of == target);
                }
                Change::ObservationsEnded { device } => self.end_observations(*device, |_| true),
                // A batch of liveness was hot before it was written; the rest is cold.
                Change::LeaseRenewed { .. }
                | Change::BootstrapSaved(_)
                | Change::BootstrapsInterrupted { .. }
                | Change::ClaimAdded(_)
                | Change::ClaimAgain { .. }
                | Change::ClaimClosed(_)
                | Change::ClaimUsed(_)
                | Change::ClassAdded(_)
                | Change::ClassSaved(_)
                | Change::CertificateSeen { .. }
                | Change::SecureSessionOpened(_)
                | Change::SecureSessionsHeard(_)
                | Change::SecureSessionReserved { .. }
                | Change::SecureSessionEnded { .. }
                | Change::SecureSessionsDropped(_)
                | Change::AuthoritySaved(_)
                | Change::AuthorityRemoved(_)
                | Change::OwnKeySaved { .. }
                | Change::CredentialEnded { .. }
                | Change::CredentialProved { .. }
                | Change::CredentialsUsed(_)
                | Change::DiaryCleared(_)
                | Change::DiaryNoted(_)
                | Change::ModelRemoved { .. }
                | Change::ModelSaved { .. }
                | Change::PlanSaved { .. }
                | Change::SubmissionAnswered { .. }
                | Change::SubmissionBegan { .. }
                | Change::TokenAdded(_)
                | Change::TokenRevoked { .. }
                | Change::TokenUsed { .. }
                | Change::UserChanged(_)
                | Change::WebhookAdded(..)
                | Change::WebhookDelivered(_)
                | Change::WebhookPaused { .. }
                | Change::WebhookRemoved(_)
                | Change::Report { .. }
                | Change::OperationQueued(_)
                | Change::OperationSent { .. }
                | Change::OperationEnded { .. }
                | Change::Timeline(_)
                | Change::UserAdded(_)
                | Change::Artefact(_)
                | Change::Group(_)
                | Change::Update(_)
                | Change::Wish(_)
                | Change::Queue(_)
                | Change::Configuration(_)
                | Change::SessionSaved(_)
                | Change::SessionEnded { .. } => {}
            }
        }
    }

    pub(super) fn add(&mut self, device: &Device, epoch: i64) {
        if self.devices.contains_key(&device.id) {
            return;
        }
        self.begin_after(device.id);
        self.by_endpoint.insert(device.endpoint.clone(), device.id);
        self.removed += usize::from(device.removed_at.is_some());
        let hot = Hot {
            public_id: device.public_id,
            endpoint: device.endpoint.clone(),
            class: device.class,
            awake: None,
            epoch,
            secured: false,
            removed: device.removed_at.is_some(),
            live: None,
        };
        self.devices.insert(device.id, hot);
    }

    /// A new registration, a changed one, or one of before the start.
    pub(super) fn register(&mut self, now: Now, registration: &Registration) {
        let device = registration.device;
        let mut registration = registration.clone();
        registration.links = self.links.share(&registration.links);
        let registration_sleeps = registration.binding.queue_mode;
        let Some(hot) = self.devices.get_mut(&device) else { return };
        hot.epoch = registration.epoch;
        let (id, source, seen_at) = (registration.id, registration.source, registration.updated_at);
        let mut is_new = false;
        let before = match &mut hot.live {
            Some(live) => {
                is_new = live.registration.id != id;
                live.seen_at = seen_at;
                live.stored_source = source;
                Some(std::mem::replace(&mut live.registration, registration))
            }
            None => {
                hot.live = Some(Box::new(Live {
                    registration,
                    stored_source: source,
                    lease_until: Duration::ZERO,
                    alarm: Duration::ZERO,
                    heard_at: now.mono,
                    silent: false,
                    woke: registration_sleeps,
                    seen_at,
                    observations: Vec::new(),
                }));
                None
            }
        };
        if let Some(before) = before {
            self.forget_names(&before);
        }
        self.by_registration.insert(id, device);
        self.by_source.insert(source, device);
        if is_new {
            self.hear(now, device);
        }
        self.prolong(now, device);
    }

    pub(super) fn with(&mut self, device: DeviceId, change: impl FnOnce(&mut Hot)) {
        if let Some(hot) = self.devices.get_mut(&device) {
            change(hot);
        }
    }

    fn set_removed(&mut self, device: DeviceId, removed: bool) {
        let Some(hot) = self.devices.get_mut(&device) else { return };
        match (std::mem::replace(&mut hot.removed, removed), removed) {
            (false, true) => self.removed += 1,
            (true, false) => self.removed -= 1,
            _ => {}
        }
    }

    fn end(&mut self, device: DeviceId) {
        let Some(live) = self.devices.get_mut(&device).and_then(|hot| hot.live.take()) else { return };
        self.alarms.remove(&(live.alarm, device));
        self.unwritten.remove(&device);
        self.forgotten.remove(&device);
        self.forget_names(&live.registration);
    }

    fn forget_names(&mut self, registration: &Registration) {
        self.by_registration.remove(&registration.id);
        let source: Source = registration.source;
        // Another device may have come from there since.
        if self.by_source.get(&source) == Some(&registration.device) {
            self.by_source.remove(&source);
        }
    }

    pub(super) fn begin_observation(&mut self, observation: &Observation) {
        // An answer may arrive after the device has left: the observation is not begun then.
        let Some(live) = self.live_mut(observation.device) else { return };
        let observations = &mut live.observations;
        match observations.binary_search_by(|known| known.target.cmp(&observation.target)) {
            Ok(at) => {
                let replaced = std::mem::replace(&mut observations[at], observation.clone());
                if replaced.token != observation.token {
                    self.forget(observation.device, [replaced.token]);
                }
            }
            Err(at) => {
                // Most devices have one or two: no room for more.
                observations.reserve_exact(1);
                observations.insert(at, observation.clone());
            }
        }
    }

    fn end_observations(&mut self, device: DeviceId, ended: impl Fn(&Target) -> bool) {
        let Some(live) = self.live_mut(device) else { return };
        let (ended, kept) =
            std::mem::take(&mut live.observations).into_iter().partition(|o| ended(&o.target));
        live.observations = kept;
        let ended: Vec<Observation> = ended;
        self.forget(device, ended.iter().map(|observation| observation.token));
    }

    fn forget(&mut self, device: DeviceId, tokens: impl IntoIterator<Item = ObservationToken>) {
        for token in tokens {
            let forgotten = self.forgotten.entry(device).or_default();
            if forgotten.len() == Observation::MAX_PER_DEVICE {
                forgotten.remove(0);
            }
            forgotten.push(token);
        }
    }

    /// The tokens of observations that have ended while their device stays registered: whoever keeps them may let them
    /// go. To be asked for after [`Roster::apply`]; the newest [`Observation::MAX_PER_DEVICE`] are kept for that.
    pub fn take_forgotten(&mut self, device: DeviceId) -> Vec<ObservationToken> {
        self.forgotten.remove(&device).unwrap_or_default()
    }

    pub(super) fn live_mut(&mut self, device: DeviceId) -> Option<&mut Live> {
        self.devices.get_mut(&device)?.live.as_deref_mut()
    }
}
