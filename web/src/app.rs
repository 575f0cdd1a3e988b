//! What all handlers share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use fleet::{Context, Fleet, FleetError, PublicId, RequestId, Timestamp};
use tokio::sync::Semaphore;

use crate::{console::Latest, settings::Settings, show::visible, sse, submission::Submissions};

/// The state of the router.
pub(crate) struct App {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) settings: Settings,
    pub(crate) submissions: Submissions,
    pub(crate) latest: Latest,
    /// One permit a live stream.
    pub(crate) streams: Arc<Semaphore>,
    /// Endpoint names by public id: a device never changes its name, and events carry the id alone.
    names: Mutex<HashMap<PublicId, String>>,
}

impl App {
    /// How many endpoint names are remembered; then all are forgotten and looked up anew.
    const MAX_NAMES: usize = 1_024;

    pub(crate) fn new(fleet: Arc<Fleet>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            latest: Latest::follow(Arc::clone(&fleet), (settings.clock)()),
            fleet,
            settings,
            submissions: Submissions::default(),
            streams: Arc::new(Semaphore::new(sse::MAX_STREAMS)),
            names: Mutex::default(),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.settings.clock)()
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.settings.entropy)(&mut bytes);
        bytes
    }

    /// A token of 128 random bits, as text.
    pub(crate) fn token(&self) -> String {
        self.random::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn request_id(&self) -> RequestId {
        RequestId::from_random(self.random())
    }

    /// The endpoint name of a device, as pages show it.
    pub(crate) async fn name_of(&self, context: &Context, id: PublicId) -> Result<String, FleetError> {
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(name) = known {
            return Ok(name);
        }
        let name = visible(self.fleet.device(context, id).await?.view.device.endpoint.as_str().chars());
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= Self::MAX_NAMES {
            names.clear();
        }
        names.insert(id, name.clone());
        Ok(name)
    }
}
