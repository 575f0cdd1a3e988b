//! What devices fetch: by what they may, who gets what, and how far they are. Called by the listeners for downloads, which take no
//! context: the address that a device comes with was made for it by an update, and is looked at anew each time.

use std::net::SocketAddr;

use crate::{
    Cleared, DeviceId, DiaryCause, Fleet, FleetError, Incident, Timestamp, UpdatePolicy,
    store::DeviceView,
    update::{DownloadKey, NotGiven, Offered, Scheme, UpdateId},
};

/// By what this server lets devices fetch: a scheme, and what stands before the key.
pub type Offers = Vec<(Scheme, String)>;

/// What somebody may fetch at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// For which update.
    pub update: UpdateId,
    /// The bytes.
    pub cleared: Cleared,
}

/// Somebody who asks for a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker<'a> {
    /// By what.
    pub scheme: Scheme,
    /// Which device that is, where its session says so.
    pub device: Option<DeviceId>,
    /// From where.
    pub from: SocketAddr,
    /// At which listener.
    pub listener: &'a str,
}

impl Fleet {
    /// By what devices may fetch. To be called once, before updates go on; what comes later is not heard.
    pub fn offer_downloads(&self, offers: Offers) {
        let _ = self.downloads.set(offers);
    }

    /// By what devices may fetch, the best first.
    pub fn downloads(&self) -> &[(Scheme, String)] {
        self.downloads.get().map_or(&[], Vec::as_slice)
    }

    /// What the one who comes with a key may fetch now: everything is decided anew, so that a policy, a key or an artefact that
    /// has changed counts from the next byte on. Why not is noted in the diary.
    pub async fn download(
        &self,
        key: &DownloadKey,
        asker: &Asker<'_>,
        now: Timestamp,
    ) -> Result<Result<Given, NotGiven>, FleetError> {
        let Some(mut update) = self.store.update_by_download(&key.digest()).await? else {
            self.note_not_given(asker, None, &NotGiven::Unknown, now);
            return Ok(Err(NotGiven::Unknown));
        };
        self.overlay_progress(&mut update);
        let device = update.device;
        let refused = |reason: NotGiven| {
            self.note_not_given(asker, Some(device), &reason, now);
            Ok(Err(reason))
        };
        // Over DTLS the address alone is not enough.
        if asker.device.is_some_and(|asking| asking != device)
            || asker.scheme == Scheme::Coaps && asker.device.is_none()
        {
            return refused(NotGiven::OtherDevice);
        }
        if let Err(reason) = update.lets_fetch(now) {
            return refused(reason);
        }
        let view = self.store.device_row(device).await?.filter(|view| view.device.removed_at.is_none());
        let Some(view) = view else { return refused(NotGiven::Unknown) };
        if !self.lets_fetch_by(&view, asker.scheme).await? {
            return refused(NotGiven::NotAllowed(asker.scheme));
        }
        match self.clear_artefact(update.artefact, device, update.target.instance_id(), now).await {
            Ok(cleared) => Ok(Ok(Given { update: update.id, cleared })),
            Err(FleetError::Misfit(misfit)) => {
                // Its engine says so to people, and to the device.
                self.hasten_update(update.id, now);
                self.wake_updates();
                refused(NotGiven::Misfit(misfit))
            }
            Err(FleetError::NotFound(_)) => refused(NotGiven::Unknown),
            Err(error) => Err(error),
        }
    }

    /// Somebody was given the bytes of a download up to there: written in batches, and a sign that the device goes on.
    pub fn download_progressed(&self, update: UpdateId, upto: u64, now: Timestamp) {
        self.progress_of(update, upto, now);
    }

    /// By what a device may be told to fetch, under this key.
    pub(super) async fn offered(&self, view: &DeviceView, key: &DownloadKey) -> Result<Offered, FleetError> {
        let mut offered = Offered::default();
        for (scheme, base) in self.downloads() {
            // Who came over plain CoAP holds nothing that opens a session.
            let is_known = view.registration.as_ref().is_some_and(|live| live.credential.is_some());
            if *scheme == Scheme::Coaps && !is_known {
                offered.withheld.push((*scheme, "it has no credential by which it could open a session"));
            } else if self.lets_fetch_by(view, *scheme).await? {
                offered.uris.push((*scheme, format!("{base}{}", key.text())));
            } else {
                offered.withheld.push((*scheme, "the update policy of its class does not allow that"));
            }
        }
        Ok(offered)
    }

    /// Whether the class of a device lets it fetch by a scheme: always with security, in the clear if its policy says so.
    async fn lets_fetch_by(&self, view: &DeviceView, scheme: Scheme) -> Result<bool, FleetError> {
        let allows: fn(&UpdatePolicy) -> bool = match scheme {
            Scheme::Coaps | Scheme::Https => return Ok(true),
            Scheme::Coap => |policy| policy.coap,
            Scheme::Http => |policy| policy.http,
        };
        Ok(self.store.update_policy(view.device.class).await?.as_ref().is_some_and(allows))
    }

    fn note_not_given(&self, asker: &Asker<'_>, device: Option<DeviceId>, reason: &NotGiven, now: Timestamp) {
        self.incident(Incident {
            at: now,
            cause: DiaryCause::DownloadRefused,
            subject: asker.from.ip().to_string(),
            from: asker.from,
            listener: asker.listener.to_owned(),
            // Who came with the key of another is the one to look at.
            device: asker.device.or(device),
            detail: format!("a download by {}: {reason}", asker.scheme.name()),
        });
    }
}
