//! `/devices/{device}/access`: who may do what on a device (object 2), as a table of what is guarded and of servers. A row is
//! changed by boxes, looked at before it is sent, and then written or put into the device's baseline.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use fleet::{
    FleetError, Operation, Permission, StoredReading, WriteMode,
    access::{AccessTable, Guard, Rights},
    configuration::{Draft, LevelName},
};
use objects::{InstanceId, Node, ObjectId, Path, Resource, ResourceInstanceId, Value};
use serde::Deserialize;

use super::Reachability;
use crate::{
    app::App,
    console::{
        configuration::baselines::url_of,
        operate,
        rights::{self, RightsRow, guarded_name, server_name},
        target::Target,
    },
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::Moment,
    ui::{Tab, mend},
};

#[derive(Template)]
#[template(path = "device/access.html")]
struct AccessPage {
    shell: Shell,
    url: String,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    /// Whether it has the object at all, as far as it has said.
    has_object: bool,
    operable: bool,
    administers: bool,
    servers: Vec<String>,
    rows: Vec<AccessRow>,
    said: Option<Moment>,
    change: Option<RightsRow>,
    preview: Option<Preview>,
    problems: Vec<String>,
}

struct AccessRow {
    instance: InstanceId,
    about: String,
    owner: String,
    cells: Vec<Cell>,
    notes: Vec<String>,
}

struct Cell {
    server: String,
    rights: String,
    /// Where they come from, if they do not stand there.
    by: &'static str,
}

/// What a change would do.
struct Preview {
    rows: Vec<PreviewRow>,
    notes: Vec<String>,
    /// What was typed, to be sent once more.
    sent: Vec<(String, String)>,
    lines: String,
}

struct PreviewRow {
    about: String,
    before: String,
    then: String,
}

/// Which row is to be changed.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    row: Option<u16>,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let known = Known::of(&app, &target);
    let mut page = AccessPage::new(&app, &login, &target, &known);
    if let Some(instance) = asked.row {
        let guard = known.guard(InstanceId(instance)).ok_or(WebError::NotFound("row of access rights"))?;
        page.change = Some(rights::row(0, Some(guard), known.own, false));
    }
    Ok(Page(page))
}

/// Shows what a change would do, does it, or wants it from now on, as the button says.
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let known = Known::of(&app, &target);
    let again_with = |problems: BTreeMap<usize, String>, others: Vec<String>| {
        let mut page = AccessPage::new(&app, &login, &target, &known);
        page.problems = others;
        page.change = rights::typed(&fields, &problems, known.own, false).into_iter().next();
        again(page)
    };
    let wanted = match rights::read(&fields, false) {
        Ok(guards) => guards.into_iter().next(),
        Err(problems) => return Ok(again_with(problems, Vec::new())),
    };
    let of = |one: Guard| {
        let before = known.guard(one.instance)?.clone();
        Some((known.whole(one, &before), before))
    };
    let Some((wanted, before)) = wanted.and_then(of) else {
        return Ok(again_with(BTreeMap::new(), vec!["Say who may do what, or whose it is.".to_owned()]));
    };
    match fields.text("act") {
        "write" => {
            login.demand(Permission::Operate)?;
            match write(&app, &login, &target, &fields, &before, &wanted).await {
                Ok(Some(url)) => Ok(Redirect::to(&url).into_response()),
                Ok(None) => Ok(again_with(BTreeMap::new(), vec!["Nothing was changed.".to_owned()])),
                Err(error) => Err(WebError::Submission(error)),
            }
        }
        "baseline" => {
            login.demand(Permission::Administer)?;
            let done = want(&app, &login, &target, &fields, &wanted).await;
            match done {
                Ok(response) => Ok(response),
                Err(error) => {
                    let filled = mend(fields.clone(), error)?;
                    Ok(again_with(BTreeMap::new(), filled.others(&[])))
                }
            }
        }
        _ => {
            let mut page = AccessPage::new(&app, &login, &target, &known);
            page.change = rights::typed(&fields, &BTreeMap::new(), known.own, false).into_iter().next();
            page.preview = Some(Preview::new(&fields, &before, &wanted, known.own));
            Ok(Page(page).into_response())
        }
    }
}

/// Asks the device: the rights first, for who has given an instance away may not change it any more.
async fn write(
    app: &Arc<App>,
    login: &SignedIn,
    target: &Target,
    fields: &Fields,
    before: &Guard,
    wanted: &Guard,
) -> Result<Option<String>, Arc<FleetError>> {
    let mode = WriteMode::Replace;
    let mut operations = Vec::new();
    if before.rights != wanted.rights || !before.strange.is_empty() {
        let values = wanted
            .rights
            .iter()
            .map(|(server, rights)| (ResourceInstanceId(*server), Value::Integer(rights.bits())));
        let node = Node::Resource(Resource::Multiple(values.collect()));
        operations
            .push(("rights", Operation::Write { path: wanted.rights_path(), mode, node, format: None }));
    }
    if let Some(owner) = wanted.owner.filter(|_| before.owner != wanted.owner) {
        let node = Node::Resource(Resource::Single(Value::Integer(owner.into())));
        operations.push(("owner", Operation::Write { path: wanted.owner_path(), mode, node, format: None }));
    }
    let mut url = None;
    for (asked, operation) in operations {
        let asked = operate::ask(app, login, target, asked, operation, fields).await?;
        let done = asked.done;
        url = Some(asked.url);
        if !done {
            break;
        }
    }
    Ok(url)
}

/// Puts the row into the device's own baseline; its other lines stay.
async fn want(
    app: &Arc<App>,
    login: &SignedIn,
    target: &Target,
    fields: &Fields,
    wanted: &Guard,
) -> Result<Response, WebError> {
    let level = LevelName::Device(target.id);
    let (work, context, wanted) = (Arc::clone(app), login.context.clone(), wanted.clone());
    app.act(login, fields, format!("access rights of {}", target.id), async move {
        let newest = work.fleet.baseline(&context, &level, None).await?;
        let after = newest.as_ref().map_or(0, |baseline| baseline.version);
        let mut draft = newest.map(|baseline| baseline.draft).unwrap_or_default();
        let instance = Path::Instance(AccessTable::OBJECT, wanted.instance);
        draft.lines.retain(|line| !line.path.is_within(&instance));
        draft.lines.extend(work.fleet.read_baseline(&context, &level, &rights::lines(&wanted)).await?);
        let draft = Draft { ticket: None, comment: "access rights".to_owned(), ..draft };
        work.fleet.set_baseline(&context, &level, draft, Some(after)).await?;
        Ok(format!("{}?done=baseline-saved", url_of(&level)))
    })
    .await
}

/// What is known of the rights on a device.
struct Known {
    table: AccessTable,
    /// The number of this server in the device.
    own: u16,
    said: Option<fleet::Timestamp>,
}

impl Known {
    fn of(app: &App, target: &Target) -> Self {
        let readings = &target.detail.readings;
        let is_of = |reading: &&StoredReading| reading.reading.path.object() == Some(AccessTable::OBJECT);
        let rights: Vec<&StoredReading> = readings.iter().filter(is_of).collect();
        // An entry that was taken out is in no later reading of its resource.
        let newest = |one: &StoredReading| {
            let of = resource(&one.reading.path);
            rights
                .iter()
                .all(|other| resource(&other.reading.path) != of || other.received_at <= one.received_at)
        };
        let shown = rights.iter().filter(|one| newest(one));
        let table = AccessTable::of(shown.map(|one| (one.reading.path, &one.reading.value)));
        Self {
            own: own(target).unwrap_or(app.settings.places.short_server_id),
            said: rights.iter().map(|one| one.at()).max(),
            table,
        }
    }

    fn guard(&self, instance: InstanceId) -> Option<&Guard> {
        self.table.guards.iter().find(|guard| guard.instance == instance)
    }

    /// A row with what of it is not in the form.
    fn whole(&self, wanted: Guard, before: &Guard) -> Guard {
        let owner = wanted.owner.or(before.owner);
        Guard { object: before.object, guarded: before.guarded, owner, ..wanted }
    }
}

/// The resource that a path lies in.
fn resource(path: &Path) -> Option<Path> {
    Some(Path::Resource(path.object()?, path.instance()?, path.resource()?))
}

/// The number of this server, where the device knows one server alone.
fn own(target: &Target) -> Option<u16> {
    let mut ids = target.detail.readings.iter().filter(|one| {
        let path = one.reading.path;
        path.object() == Some(ObjectId(1)) && path.resource().is_some_and(|id| id.0 == 0)
    });
    match (ids.next().map(|one| &one.reading.value), ids.next()) {
        (Some(Value::Integer(id)), None) => u16::try_from(*id).ok(),
        (Some(Value::Unsigned(id)), None) => u16::try_from(*id).ok(),
        _ => None,
    }
}

impl AccessPage {
    fn new(app: &App, login: &SignedIn, target: &Target, known: &Known) -> Self {
        let own = known.own;
        let mut servers = vec![own];
        servers.extend(known.table.servers().into_iter().filter(|server| *server != own));
        servers.push(Guard::OTHERS);
        let row = |guard: &Guard| AccessRow {
            instance: guard.instance,
            about: guarded_name(guard, |object| target.name(&Path::Object(object))),
            owner: match guard.owner {
                None => "not known".to_owned(),
                Some(Guard::BOOTSTRAP) => "Bootstrap server".to_owned(),
                Some(owner) => server_name(owner, own),
            },
            cells: servers.iter().map(|server| Cell::new(guard, *server, own)).collect(),
            notes: rights::notes(guard, own, true),
        };
        Self {
            shell: Shell::new(app, login, Area::Devices, format!("Access rights of {}", target.endpoint())),
            url: target.url(),
            endpoint: target.endpoint(),
            state: Reachability::new(target),
            tabs: target.tabs(login, "/access"),
            has_object: target.links.objects.contains_key(&AccessTable::OBJECT)
                || !known.table.guards.is_empty(),
            operable: target.operable(),
            administers: login.may(Permission::Administer) && !target.removed(),
            rows: known.table.guards.iter().map(row).collect(),
            servers: servers.iter().map(|server| server_name(*server, own)).collect(),
            said: known.said.map(|at| Moment::new(at, target.now)),
            change: None,
            preview: None,
            problems: Vec::new(),
        }
    }
}

impl Cell {
    fn new(guard: &Guard, server: u16, own: u16) -> Self {
        let by = match guard.rights.contains_key(&server) {
            true => "",
            false if guard.owner == Some(server) => "as the owner",
            false if server != Guard::OTHERS && guard.rights.contains_key(&Guard::OTHERS) => "as all others",
            false => "not named",
        };
        let rights = match guard.strange.get(&server) {
            Some(number) => format!("{number}, which is no right"),
            None => guard.allowed(server).to_string(),
        };
        Self { server: server_name(server, own), rights, by }
    }
}

impl Preview {
    fn new(fields: &Fields, before: &Guard, wanted: &Guard, own: u16) -> Self {
        let mut servers: Vec<u16> = before.rights.keys().chain(wanted.rights.keys()).copied().collect();
        servers.sort_unstable();
        servers.dedup();
        let said = |rights: Option<&Rights>| rights.map_or_else(|| "not named".to_owned(), Rights::to_string);
        let mut rows: Vec<PreviewRow> = servers
            .into_iter()
            .filter(|server| before.rights.get(server) != wanted.rights.get(server))
            .map(|server| PreviewRow {
                about: format!("{} ({}/{server})", server_name(server, own), wanted.rights_path()),
                before: said(before.rights.get(&server)),
                then: said(wanted.rights.get(&server)),
            })
            .collect();
        if before.owner != wanted.owner {
            rows.push(PreviewRow {
                about: format!("Owner ({})", wanted.owner_path()),
                before: rights::owner(before),
                then: rights::owner(wanted),
            });
        }
        // Whether it may be changed is for the owner that there is; what it leads to, for the one that there will be.
        let mut notes = rights::notes(&Guard { owner: before.owner, ..wanted.clone() }, own, true);
        let given_away = rights::notes(wanted, own, true);
        notes.extend(given_away.into_iter().filter(|note| !notes.contains(note)).collect::<Vec<_>>());
        let names = fields.names().filter(|name| name.starts_with("rights."));
        let sent: BTreeSet<String> = names.map(str::to_owned).collect();
        let pairs = sent.into_iter().flat_map(|name| {
            let texts: Vec<String> = fields.texts(&name).map(str::to_owned).collect();
            texts.into_iter().map(move |text| (name.clone(), text))
        });
        Self { rows, notes, sent: pairs.collect(), lines: rights::lines(wanted) }
    }
}
