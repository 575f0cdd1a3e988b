//! `/groups`: devices that a rule names: who is in them, and what they apply.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    GroupDetail, Permission, PublicId,
    configuration::LevelName,
    store::{Cursor, DeviceQuery, DeviceSummary, PageRequest},
};
use serde::Deserialize;

use crate::{
    app::App,
    console::{
        Done,
        applies::{Applied, Baselines},
        badge::Badge,
        confirm::Confirm,
        public_id, query_url,
    },
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::Filled,
};

mod builder;

pub(crate) mod rule;

/// Rows a page.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "groups.html")]
struct GroupsPage {
    shell: Shell,
    rows: Vec<Row>,
}

struct Row {
    url: String,
    name: String,
    rule: String,
    rank: i32,
    members: u64,
    applies: Option<Applied>,
    broken: bool,
}

#[derive(Template)]
#[template(path = "groups/group.html")]
struct GroupPage {
    shell: Shell,
    url: String,
    devices: String,
    edit: String,
    name: String,
    rule: String,
    rank: i32,
    description: String,
    members: u64,
    made: Moment,
    made_by: String,
    broken: Option<String>,
    /// What it gives its devices, each with its page.
    applies: Vec<Applied>,
    rows: Vec<MemberRow>,
    first: Option<String>,
    next: Option<String>,
}

struct MemberRow {
    url: String,
    endpoint: String,
    class: String,
    badge: Badge,
}

/// What the address of a group's page asks for.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    let groups = app.fleet.groups(&login.context).await?;
    let baselines = Baselines::load(&app, &login).await?;
    let row = |detail: &GroupDetail| Row {
        url: url_of(detail.group.public_id),
        name: visible(detail.group.name.chars()),
        rule: visible(detail.group.rule.chars()),
        rank: detail.group.rank,
        members: detail.members,
        applies: baselines.of(&LevelName::Group(detail.group.public_id)),
        broken: detail.broken.is_some(),
    };
    Ok(Page(GroupsPage {
        shell: Shell::new(&app, &login, Area::Groups, "Groups").done(&done.done),
        rows: groups.iter().map(row).collect(),
    }))
}

pub(crate) async fn group(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(group): Address<String>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let GroupDetail { group, members, broken } = find(&app, &login, &group).await?;
    let after = (!asked.after.is_empty()).then(|| Cursor(asked.after.clone()));
    let page = PageRequest { after, limit: ROWS };
    let query = DeviceQuery { group: Some(group.id), ..DeviceQuery::all(page) };
    let found = app.fleet.devices(&login.context, &query).await?;
    let (url, now) = (url_of(group.public_id), app.now());
    let applies = Baselines::load(&app, &login).await?.of(&LevelName::Group(group.public_id));
    let id = group.public_id.to_string();
    Ok(Page(GroupPage {
        shell: Shell::new(&app, &login, Area::Groups, format!("Group {}", visible(group.name.chars())))
            .done(&asked.done),
        devices: query_url("/devices", &[("group", &id)]),
        edit: query_url("/groups/rule", &[("group", &id)]),
        name: visible(group.name.chars()),
        rule: visible(group.rule.chars()),
        rank: group.rank,
        description: visible(group.description.chars()),
        members,
        made: Moment::new(group.created_at, now),
        made_by: visible(group.created_by.chars()),
        broken: broken.map(|error| error.to_string()),
        applies: applies.into_iter().collect(),
        rows: found.rows.iter().map(MemberRow::new).collect(),
        first: query.page.after.is_some().then(|| url.clone()),
        next: found.next.map(|cursor| query_url(&url, &[("after", &cursor.0)])),
        url,
    }))
}

pub(crate) async fn ask_remove(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(group): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let detail = find(&app, &login, &group).await?;
    Ok(Page(confirm(&detail).page(&app, &login, &Filled::default())))
}

pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Address(group): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let detail = find(&app, &login, &group).await?;
    let confirm = confirm(&detail);
    if let Err(problems) = confirm.check(&fields) {
        return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems))));
    }
    let (work, context, id) = (Arc::clone(&app), login.context.clone(), detail.group.public_id);
    app.act(&login, &fields, format!("remove group {id}"), async move {
        work.fleet.remove_group(&context, id).await?;
        Ok("/groups?done=group-removed".to_owned())
    })
    .await
}

pub(crate) fn url_of(id: PublicId) -> String {
    format!("/groups/{id}")
}

async fn find(app: &App, login: &SignedIn, id: &str) -> Result<GroupDetail, WebError> {
    let id = public_id(id).map_err(|_| WebError::NotFound("group"))?;
    Ok(app.fleet.group(&login.context, id).await?)
}

fn confirm(detail: &GroupDetail) -> Confirm {
    let name = visible(detail.group.name.chars());
    let members = if detail.members == 1 { "device is" } else { "devices are" };
    Confirm {
        area: Area::Groups,
        title: format!("Remove the group {name}"),
        about: vec![
            format!("{} {members} in it. They stay as they are.", detail.members),
            "What the group applies to its devices is not applied any more.".to_owned(),
        ],
        items: Vec::new(),
        expected: name,
        extra: Vec::new(),
        reason: false,
        button: "Remove the group",
        action: format!("{}/remove", url_of(detail.group.public_id)),
        back: url_of(detail.group.public_id),
    }
}

impl MemberRow {
    fn new(row: &DeviceSummary) -> Self {
        Self {
            url: format!("/devices/{}", row.device.public_id),
            endpoint: visible(row.device.endpoint.as_str().chars()),
            class: visible(row.class_name.chars()),
            badge: Badge::of_state(row.state),
        }
    }
}
