//! `GET /overview/events` and `GET /devices/{device}/events`: the live streams of the pages.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::Response,
};
use fleet::{Event, EventKind, FleetError, OperationId, PublicId};
use objects::{Path, link::ObjectLinks};
use serde::Deserialize;

use crate::{
    app::App,
    console::{
        device::{Facts, Observations, Operations, Reachability, Timeline},
        node::Latest,
        operation::{Report, operation_id},
        overview::{Counts, Events, Heard, Refused},
        target::{Target, node_path, public_id},
        tree::{Cell, InstanceBranch, is_described, resource_of},
    },
    error::WebError,
    session::SignedIn,
    sse::{self, Fragment, Screen},
};

#[derive(Deserialize)]
pub(crate) struct Asked {
    operation: Option<String>,
    node: Option<String>,
}

pub(crate) async fn overview(State(app): State<Arc<App>>, login: SignedIn) -> Result<Response, WebError> {
    sse::open(app, login, OverviewScreen).await
}

pub(crate) async fn device(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let operation = asked.operation.as_deref().map(operation_id).transpose()?;
    let node = asked.node.as_deref().map(|node| node_path(node.trim_start_matches('/'))).transpose()?;
    let links = Arc::clone(&target.links);
    let screen =
        DeviceScreen { device: public_id(&device)?, operation, node, links, stale: Stale::default() };
    sse::open(app, login, screen).await
}

/// The overview: every event may change it.
struct OverviewScreen;

impl Screen for OverviewScreen {
    fn note(&mut self, _: &Event) -> bool {
        true
    }

    fn note_all(&mut self) {}

    async fn render(&mut self, app: &App, login: &SignedIn) -> Result<Option<Vec<Fragment>>, WebError> {
        Ok(Some(vec![
            element("counts", &Counts::load(app, login).await?)?,
            element("events", &Events::load(app, login).await?)?,
            element("heard", &Heard::load(app, login).await?)?,
            element("refused", &Refused::load(app, login).await?)?,
        ]))
    }
}

/// The pages of one device, of one of its operations and of one of its nodes.
struct DeviceScreen {
    device: PublicId,
    operation: Option<OperationId>,
    node: Option<Path>,
    /// What the page was made from.
    links: Arc<ObjectLinks>,
    stale: Stale,
}

/// What has changed since the last rendering.
#[derive(Default)]
struct Stale {
    state: bool,
    operations: bool,
    observations: bool,
    /// Every value, or these.
    values: bool,
    resources: BTreeSet<Path>,
}

impl Screen for DeviceScreen {
    fn note(&mut self, event: &Event) -> bool {
        if event.public_id != self.device {
            return false;
        }
        let stale = &mut self.stale;
        // Whatever it was, the device was heard.
        stale.state = true;
        match &event.kind {
            EventKind::Registered
            | EventKind::Deregistered
            | EventKind::Expired
            | EventKind::Revoked
            | EventKind::Removed => {
                (stale.operations, stale.observations) = (true, true);
            }
            EventKind::Updated { .. } | EventKind::Awake | EventKind::Bootstrap(_) => {}
            EventKind::Update { .. } | EventKind::Configuration { .. } => {}
            EventKind::Readings(readings) => {
                stale
                    .resources
                    .extend(readings.iter().filter_map(|reading| resource_of(&reading.reading.path)));
            }
            EventKind::Operation { .. } => stale.operations = true,
            EventKind::Observations => stale.observations = true,
        }
        true
    }

    fn note_all(&mut self) {
        self.stale = Stale {
            state: true,
            operations: true,
            observations: true,
            values: true,
            resources: BTreeSet::new(),
        };
    }

    async fn render(&mut self, app: &App, login: &SignedIn) -> Result<Option<Vec<Fragment>>, WebError> {
        let stale = std::mem::take(&mut self.stale);
        let target = match Target::of(app, login, self.device).await {
            Ok(target) => target,
            Err(WebError::Fleet(FleetError::NotFound(_))) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut fragments = Vec::new();
        if target.links != self.links {
            self.links = Arc::clone(&target.links);
            fragments.push(Fragment::Changed);
        }
        if stale.state {
            fragments.push(element("device-state", &Reachability::new(&target))?);
            fragments.push(element("device-facts", &Facts::new(&target))?);
            fragments.push(element("device-timeline", &Timeline::load(app, login, &target).await?)?);
        }
        if stale.operations {
            fragments.push(element("device-operations", &Operations::load(app, login, &target).await?)?);
            if let Some(id) = self.operation {
                let view = app.fleet.operation(&login.context, target.id, id).await?;
                fragments.push(element("operation", &Report::new(&target, view))?);
            }
        }
        if stale.observations {
            fragments.push(element("device-observations", &Observations::load(app, login, &target).await?)?);
        }
        let resources: BTreeSet<Path> = if stale.values {
            target.detail.readings.iter().filter_map(|reading| resource_of(&reading.reading.path)).collect()
        } else {
            stale.resources
        };
        if let Some(node) = self.node.filter(|node| resources.iter().any(|path| node.is_within(path))) {
            fragments.push(element("latest", &Latest::new(&target, node))?);
        }
        values(&target, &resources, &mut fragments)?;
        Ok(Some(fragments))
    }
}

/// The cells of what has changed; of a resource that no model describes the whole table, for it may be new there.
fn values(
    target: &Target,
    resources: &BTreeSet<Path>,
    fragments: &mut Vec<Fragment>,
) -> Result<(), WebError> {
    let undescribed = resources.iter().filter(|resource| !is_described(target, resource));
    let instances: BTreeSet<Path> = undescribed.filter_map(Path::parent).collect();
    for instance in &instances {
        if let Some(branch) = InstanceBranch::at(target, *instance) {
            // Within a table, so that it is parsed as a part of one.
            let html = format!("<table>{}</table>", branch.rows.render()?);
            fragments.push(Fragment::Element { id: branch.rows.anchor().to_owned(), html });
        }
    }
    for resource in resources.iter().filter(|resource| is_described(target, resource)) {
        let cell = Cell::of(target, *resource);
        fragments.push(element(cell.anchor(), &cell)?);
    }
    Ok(())
}

fn element(id: &str, template: &impl Template) -> Result<Fragment, WebError> {
    Ok(Fragment::Element { id: id.to_owned(), html: template.render()? })
}
