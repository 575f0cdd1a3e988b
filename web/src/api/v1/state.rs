//! What the handlers of the API share.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use axum::http::Method;
use fleet::{Context, Fleet, FleetError, PublicId};
use tokio::sync::Semaphore;

use super::{access::Failures, events::Streams, failure::Failure, types, underway::Underway};
use crate::app::App;

/// The state of the API's router.
pub(crate) struct Api {
    pub(crate) app: Arc<App>,
    /// The OpenAPI document, as it is served.
    pub(crate) document: String,
    /// The query parameters of each route, by method and path.
    pub(crate) parameters: BTreeMap<(String, String), BTreeSet<String>>,
    pub(crate) failures: Failures,
    pub(crate) streams: Streams,
    pub(crate) underway: Underway,
    /// One permit a large body that is being worked on.
    pub(crate) large: Arc<Semaphore>,
}

impl Api {
    /// The longest JSON body.
    pub(crate) const MAX_JSON_BYTES: usize = 1024 * 1024;
    /// The longest file of object definitions.
    pub(crate) const MAX_MODEL_BYTES: usize = 4 * 1024 * 1024;
    /// The longest revocation list: the longest that is taken, as PEM with its line ends.
    pub(crate) const MAX_REVOCATION_LIST_BYTES: usize = fleet::RevocationList::MAX_BYTES / 2 * 3;
    /// How many files are imported at one time, each of which is held in memory.
    pub(crate) const MAX_IMPORTS: usize = 2;
    /// How long a request may take until its answer begins.
    pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
    /// The same, for what is done to many devices.
    pub(crate) const BULK_TIMEOUT: Duration = Duration::from_secs(180);
    /// The same, for what is streamed to the disk.
    pub(crate) const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3_600);
    /// How long a handler waits for a device at most, so that it can still answer in time.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

    pub(crate) fn fleet(&self) -> &Arc<Fleet> {
        &self.app.fleet
    }

    /// The query parameters of a route; none if there is no such route.
    pub(crate) fn parameters_of(&self, method: &Method, path: &str) -> Option<&BTreeSet<String>> {
        self.parameters.get(&(method.as_str().to_ascii_lowercase(), path.to_owned()))
    }

    /// A class by its name; the class of devices that were given none if nothing is said.
    pub(crate) async fn class(
        &self,
        context: &Context,
        name: Option<&str>,
        field: &str,
    ) -> Result<fleet::Class, Failure> {
        let name = name.unwrap_or(fleet::Class::DEFAULT_NAME);
        let classes = self.fleet().classes(context).await?;
        let found = classes.into_iter().find(|class| class.name == name);
        found.ok_or_else(|| Failure::field(field, "there is no such class"))
    }

    /// An operation of a device as the API tells it.
    pub(crate) async fn operation(
        &self,
        context: &Context,
        device: PublicId,
        id: fleet::OperationId,
    ) -> Result<types::Operation, FleetError> {
        Ok(self.fleet().operation(context, device, id).await?.into())
    }
}
