//! What all handlers share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use fleet::{Context, Fleet, FleetError, PublicId, RequestId, Timestamp};
use tokio::sync::Semaphore;

use axum::response::{IntoResponse, Redirect, Response};

use crate::{
    console::{Import, Latest, Removal, Secret, Several},
    error::WebError,
    form::Fields,
    hashing::Hashing,
    kept::Kept,
    session::SignedIn,
    settings::Settings,
    show::visible,
    sse,
    submission::{Concluded, SubmissionKey, Submissions},
};

/// The state of the router.
pub(crate) struct App {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) settings: Settings,
    pub(crate) submissions: Submissions<Concluded>,
    /// Forms that lead to a page as soon as they are done.
    forms: Submissions<String>,
    /// What is shown once.
    pub(crate) secrets: Kept<Secret>,
    /// Imports that were looked at.
    pub(crate) imports: Kept<Import>,
    /// Devices that were chosen for removal.
    pub(crate) removals: Kept<Removal>,
    /// Devices that were chosen for an update.
    pub(crate) several: Kept<Several>,
    pub(crate) latest: Latest,
    /// For whatever hashes a password.
    pub(crate) hashing: Hashing,
    /// One permit a live stream.
    pub(crate) streams: Arc<Semaphore>,
    /// Endpoint names by public id: a device never changes its name, and events carry the id alone.
    names: Mutex<HashMap<PublicId, String>>,
}

impl App {
    /// How many endpoint names are remembered; then all are forgotten and looked up anew.
    const MAX_NAMES: usize = 1_024;

    /// How many secrets wait to be shown.
    const MAX_SECRETS: usize = 256;
    /// How many imports are kept between their preview and their commit, each up to the largest body.
    const MAX_IMPORTS: usize = 4;
    /// How many lists of devices are kept between their choice and their removal, or update.
    const MAX_REMOVALS: usize = 32;

    pub(crate) fn new(fleet: Arc<Fleet>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            latest: Latest::follow(Arc::clone(&fleet), (settings.clock)()),
            fleet,
            settings,
            hashing: Hashing::default(),
            submissions: Submissions::default(),
            forms: Submissions::default(),
            secrets: Kept::new(Self::MAX_SECRETS),
            imports: Kept::new(Self::MAX_IMPORTS),
            removals: Kept::new(Self::MAX_REMOVALS),
            several: Kept::new(Self::MAX_REMOVALS),
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

    /// Does what a form asks for, once however often it is sent, and leads to the page that the work names.
    pub(crate) async fn act(
        &self,
        login: &SignedIn,
        fields: &Fields,
        what: impl Into<String>,
        work: impl Future<Output = Result<String, FleetError>> + Send + 'static,
    ) -> Result<Response, WebError> {
        // What comes without a token is taken at its word.
        let once = if fields.has("once") { fields.digest() } else { self.token() };
        let key = SubmissionKey::of_form(login, once, what);
        match self.forms.submit(key.clone(), work).await {
            Ok(url) => Ok(Redirect::to(&url).into_response()),
            Err(error) => {
                self.forms.forget(&key);
                Err(WebError::Submission(error))
            }
        }
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
