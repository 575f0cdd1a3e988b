//! `GET /devices/{device}/operations/{operation}`: what was asked, what came of it, and how it went over the wire.
//! `POST …/cancel` takes it out of the queue.

use std::sync::Arc;

use askama::{Template, filters::HtmlSafe};
use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Redirect},
};
use fleet::{Content, FleetError, Operation, OperationId, OperationState, OperationView, Outcome};
use objects::{Sample, link::DiscoveredLink};

use crate::{
    app::App,
    console::{
        badge::Badge,
        target::{AboutLink, NodeLink, Target},
    },
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, Shown, visible},
};

#[derive(Template)]
#[template(path = "operation.html")]
struct OperationPage {
    shell: Shell,
    url: String,
    endpoint: String,
    name: &'static str,
    link: AboutLink,
    report: Report,
}

/// Where an operation stands, and what came of it.
#[derive(Template)]
#[template(path = "fragments/report.html")]
pub(crate) struct Report {
    url: String,
    badge: Badge,
    details: Vec<(&'static str, String)>,
    priority: &'static str,
    /// The page of the later one that made it pointless.
    superseded_by: Option<String>,
    requested_by: String,
    request: String,
    queued: Moment,
    sent: Option<Moment>,
    ended: Option<Moment>,
    expires: Option<Moment>,
    result: String,
    diagnostic: String,
    values: Vec<ValueRow>,
    more_values: usize,
    links: Vec<LinkRow>,
    foreign: Vec<String>,
    created: Option<NodeLink>,
    forgotten: bool,
    trace: Vec<String>,
    waiting: bool,
    cancellable: bool,
}

struct ValueRow {
    link: NodeLink,
    shown: Shown,
    unit: String,
    at: Option<Moment>,
}

struct LinkRow {
    link: NodeLink,
    attributes: Vec<String>,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address((device, operation)): Address<(String, String)>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let id = operation_id(&operation)?;
    let view = app.fleet.operation(&login.context, target.id, id).await?;
    let name = view.record.operation.name();
    let link = target.about(view.record.operation.target());
    let shell = Shell::new(&app, &login, Area::Devices, format!("{name} {}", link.path));
    let events = format!("{}/events?operation={id}", target.url());
    Ok(Page(OperationPage {
        shell: if view.record.state.is_final() { shell } else { shell.live(events) },
        url: target.url(),
        endpoint: target.endpoint(),
        name,
        link,
        report: Report::new(&target, view),
    }))
}

pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Address((device, operation)): Address<(String, String)>,
    Posted { login, .. }: Posted,
) -> Result<Redirect, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let id = operation_id(&operation)?;
    match app.fleet.cancel_operation(&login.context, target.id, id).await {
        // Sent twice, the form finds it cancelled already.
        Err(FleetError::TooLate) => {
            let view = app.fleet.operation(&login.context, target.id, id).await?;
            if view.record.state != OperationState::Cancelled {
                return Err(FleetError::TooLate.into());
            }
        }
        cancelled => cancelled?,
    }
    Ok(Redirect::to(&format!("{}/operations/{id}", target.url())))
}

pub(crate) fn operation_id(text: &str) -> Result<OperationId, WebError> {
    text.parse().map_err(|_| WebError::NotFound("operation"))
}

impl Report {
    /// Values a page shows; all of them are among the device's latest values.
    const VALUES: usize = 500;

    pub(crate) fn new(target: &Target, view: OperationView) -> Self {
        let record = view.record;
        let moment = |at| Moment::new(at, target.now);
        let waiting = record.state == OperationState::Queued;
        let mut report = Self {
            url: format!("{}/operations/{}", target.url(), record.id),
            badge: Badge::of_operation(record.state),
            details: details(target, &record.operation),
            priority: record.priority.name(),
            superseded_by: record.superseded_by.map(|by| format!("{}/operations/{by}", target.url())),
            requested_by: record.requested_by,
            request: record.request.to_string(),
            queued: moment(record.queued_at),
            sent: record.sent_at.map(moment),
            ended: record.ended_at.map(moment),
            expires: waiting.then(|| moment(record.expires_at)),
            result: visible(record.result.as_deref().unwrap_or_default().chars()),
            diagnostic: String::new(),
            values: Vec::new(),
            more_values: 0,
            links: Vec::new(),
            foreign: Vec::new(),
            created: None,
            forgotten: record.state.is_final() && view.outcome.is_none(),
            trace: view
                .trace
                .map(|trace| trace.lines.iter().map(|line| visible(line.chars())).collect())
                .unwrap_or_default(),
            waiting,
            cancellable: waiting && target.may_operate(),
        };
        report.tell(target, view.outcome);
        report
    }

    fn tell(&mut self, target: &Target, outcome: Option<Outcome>) {
        match outcome {
            None => {}
            Some(Outcome::Success { code, content }) => {
                self.result = code.to_string();
                match content {
                    Content::Empty => {}
                    Content::Samples(samples) => self.show_values(target, &samples),
                    Content::Links(discovered) => {
                        self.links = discovered.links.iter().map(|link| LinkRow::new(target, link)).collect();
                        self.foreign =
                            discovered.foreign.iter().map(|link| visible(link.target.chars())).collect();
                    }
                    Content::Location(path) => self.created = Some(target.link(path)),
                }
            }
            Some(Outcome::Refused { code, diagnostic }) => {
                self.result = code.to_string();
                self.diagnostic = visible(diagnostic.chars());
            }
            Some(local @ Outcome::Local) => self.result = local.result(),
            Some(Outcome::Failed(failure)) => self.result = visible(failure.to_string().chars()),
        }
    }

    fn show_values(&mut self, target: &Target, samples: &[Sample]) {
        let values = samples.iter().flat_map(|sample| {
            sample.node.values(sample.path).into_iter().map(|(path, value)| (path, value, sample.time_ms))
        });
        let mut rows: Vec<ValueRow> = values
            .map(|(path, value, time)| ValueRow {
                link: target.link(path),
                shown: Shown::new(value, Shown::LONG / 8),
                unit: target.resource(&path).map(|model| model.units.clone()).unwrap_or_default(),
                at: time.map(|ms| Moment::new(fleet::Timestamp(ms), target.now)),
            })
            .collect();
        self.more_values = rows.len().saturating_sub(Self::VALUES);
        rows.truncate(Self::VALUES);
        self.values = rows;
    }
}

impl LinkRow {
    fn new(target: &Target, link: &DiscoveredLink) -> Self {
        let mut attributes = link.attributes.to_queries();
        attributes.extend(link.version.map(|version| format!("ver={version}")));
        attributes.extend(link.dimension.map(|dimension| format!("dim={dimension}")));
        attributes.extend(link.ssid.map(|ssid| format!("ssid={ssid}")));
        attributes.extend(link.uri.as_ref().map(|uri| format!("uri={uri}")));
        attributes.extend(link.other.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        }));
        let attributes = attributes.iter().map(|attribute| visible(attribute.chars())).collect();
        Self { link: target.link(link.path), attributes }
    }
}

/// What an operation asks, beyond its name and path.
fn details(target: &Target, operation: &Operation) -> Vec<(&'static str, String)> {
    let mut details = Vec::new();
    let format = match operation {
        Operation::Read { format, .. }
        | Operation::Observe { format, .. }
        | Operation::Write { format, .. }
        | Operation::Create { format, .. }
        | Operation::ReadComposite { format, .. }
        | Operation::WriteComposite { format, .. }
        | Operation::ObserveComposite { format, .. } => *format,
        _ => None,
    };
    details.extend(format.map(|format| ("Format", format.to_string())));
    match operation {
        Operation::Write { path, mode, node, .. } => {
            details.push((
                "Mode",
                match mode {
                    fleet::WriteMode::Replace => "replace".to_owned(),
                    fleet::WriteMode::Update => "partial update".to_owned(),
                },
            ));
            let written = lines(target, node.values(*path));
            details.extend(written.map(|value| ("Value", value)));
        }
        Operation::WriteComposite { values, .. } => {
            let written = lines(target, values.iter().map(|(path, value)| (*path, value)).collect());
            details.extend(written.map(|value| ("Value", value)));
        }
        Operation::ReadComposite { paths, .. } | Operation::ObserveComposite { paths, .. } => {
            details.extend(paths.iter().map(|path| ("Node", format!("{} {path}", target.name(path)))));
        }
        Operation::Create { instance, node, object, .. } => {
            details.push((
                "Instance",
                instance.map_or_else(|| "the device's choice".to_owned(), |id| id.to_string()),
            ));
            let path = objects::Path::Instance(*object, instance.unwrap_or_default());
            details.extend(lines(target, node.values(path)).map(|value| ("Value", value)));
        }
        Operation::WriteAttributes { set, unset, .. } => {
            details.extend(set.to_queries().into_iter().map(|query| ("Set", query)));
            details.extend(unset.iter().map(|attribute| ("Unset", attribute.to_string())));
        }
        Operation::Execute { arguments, .. } if !arguments.is_empty() => {
            details.push(("Arguments", visible(arguments.chars())));
        }
        Operation::CancelObservation { mode, .. } | Operation::CancelCompositeObservation { mode, .. } => {
            details.push((
                "How",
                match mode {
                    fleet::CancelMode::Active => "by asking the device".to_owned(),
                    fleet::CancelMode::Passive => "by rejecting its next report".to_owned(),
                },
            ))
        }
        Operation::Push { artefact, from, block_bytes, .. } => {
            details.push(("Artefact", artefact.to_string()));
            details.push(("From", format!("byte {from}")));
            details.push(("Blocks", format!("{block_bytes} bytes at most")));
        }
        _ => {}
    }
    details
}

/// At most a dozen values of what is written, each in a line.
fn lines(target: &Target, values: Vec<(objects::Path, &objects::Value)>) -> impl Iterator<Item = String> {
    const MOST: usize = 12;
    let more = values.len().saturating_sub(MOST);
    let lines: Vec<String> = values
        .into_iter()
        .take(MOST)
        .map(|(path, value)| {
            let shown = Shown::new(value, Shown::SHORT);
            format!("{}: {} {}", target.name(&path), shown.text, shown.note).trim_end().to_owned()
        })
        .collect();
    lines.into_iter().chain((more > 0).then(|| format!("and {more} more")))
}

// Templates escape what they show, so that one may stand within another.
impl HtmlSafe for Report {}
