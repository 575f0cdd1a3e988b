//! The live streams of pages that show updates of one device.

use std::{sync::Arc, time::Duration};

use askama::Template as _;
use axum::response::Response;
use fleet::{
    Event, EventKind, FleetError, PublicId,
    update::{Update, UpdateId},
};
use objects::ObjectId;

use super::one::Standing;
use crate::{
    app::App,
    console::{
        device::firmware::{Running, Runs},
        target::Target,
    },
    error::WebError,
    session::SignedIn,
    sse::{self, Fragment, Screen},
};

/// How often a page looks how far a push is: blocks are no events.
const PACE: Duration = Duration::from_secs(2);

/// What is shown.
enum Shows {
    /// The page of this update.
    One(UpdateId),
    /// What the device runs, and its update that goes on.
    Device,
}

struct UpdateScreen {
    device: PublicId,
    shows: Shows,
    /// Something goes on that is no event.
    moving: bool,
}

/// The page of one update.
pub(crate) async fn of_update(app: Arc<App>, login: SignedIn, update: &Update) -> Result<Response, WebError> {
    let shows = Shows::One(update.id);
    sse::open(app, login, UpdateScreen { device: update.device_public_id, shows, moving: true }).await
}

/// The firmware tab of a device.
pub(crate) async fn of_device(
    app: Arc<App>,
    login: SignedIn,
    device: PublicId,
) -> Result<Response, WebError> {
    sse::open(app, login, UpdateScreen { device, shows: Shows::Device, moving: true }).await
}

impl Screen for UpdateScreen {
    fn note(&mut self, event: &Event) -> bool {
        event.public_id == self.device
            && match &event.kind {
                EventKind::Update { .. } | EventKind::Operation { .. } => true,
                EventKind::Readings(readings) => readings
                    .iter()
                    .any(|reading| matches!(reading.reading.path.object(), Some(ObjectId(3 | 5 | 9)))),
                _ => false,
            }
    }

    fn note_all(&mut self) {}

    fn pace(&self) -> Option<Duration> {
        self.moving.then_some(PACE)
    }

    async fn render(&mut self, app: &App, login: &SignedIn) -> Result<Option<Vec<Fragment>>, WebError> {
        let element = |id: &str, html: String| Fragment::Element { id: id.to_owned(), html };
        match self.shows {
            Shows::One(id) => {
                let update = match app.fleet.update(&login.context, id).await {
                    Ok(update) => update,
                    Err(FleetError::NotFound(_)) => return Ok(None),
                    Err(error) => return Err(error.into()),
                };
                self.moving = !update.has_ended();
                let standing = Standing::new(login, &update, app.now());
                Ok(Some(vec![element(&format!("update-{id}"), standing.render()?)]))
            }
            Shows::Device => {
                let target = match Target::of(app, login, self.device).await {
                    Ok(target) => target,
                    Err(WebError::Fleet(FleetError::NotFound(_))) => return Ok(None),
                    Err(error) => return Err(error),
                };
                let running = Running::load(app, login, &target).await?;
                self.moving = running.goes_on();
                Ok(Some(vec![
                    element("firmware-runs", Runs::new(&target).render()?),
                    element("firmware-running", running.render()?),
                ]))
            }
        }
    }
}
