//! `GET /devices/{device}/security`: bootstrap sessions, what a device would be given, and what became of its identity;
//! `…/bootstraps/{bootstrap}`: one session with every step and answer.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    BootstrapRecord, PlanScope, TimelineKind,
    store::{DiaryQuery, PageRequest},
};

use crate::{
    app::App,
    console::{
        badge::Badge,
        device::{Done, Reachability},
        diary::DiaryRow,
        plan::{PlanForm, plan_of},
        target::Target,
        timeline::Entry,
    },
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Filled, Tab, mend},
};

/// Entries of the timeline that are looked at for those about its identity.
const LOOKED_AT: usize = 500;
/// Of which so many are shown.
const ENTRIES: usize = 50;
/// Entries of the connection diary that are shown.
const DIARY: usize = 10;

#[derive(Template)]
#[template(path = "device/security.html")]
struct SecurityPage {
    shell: Shell,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    bootstraps: Vec<BootstrapRow>,
    diary: Vec<DiaryRow>,
    entries: Vec<Entry>,
    plan: Option<PlanForm>,
    /// Where the plan it would get comes from.
    plan_from: String,
    own_plan: bool,
}

struct BootstrapRow {
    url: String,
    badge: Badge,
    began: Moment,
    ended: Option<Moment>,
    steps: usize,
    repaired: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "device/bootstrap.html")]
struct BootstrapPage {
    shell: Shell,
    url: String,
    endpoint: String,
    row: BootstrapRow,
    request: String,
    steps: Vec<StepRow>,
    repairs: Vec<RepairRow>,
}

/// One round of a repair.
struct RepairRow {
    at: Moment,
    cause: String,
    findings: Vec<(String, String)>,
    anew: String,
}

struct StepRow {
    at: Moment,
    asked: String,
    answer: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    Ok(Page(SecurityPage::load(&app, &login, &target, &done.done, &Filled::default()).await?))
}

pub(crate) async fn save_plan(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let scope = PlanScope::Device(target.detail.view.device.id);
    let url = format!("{}/security", target.url());
    let what = format!("plan of {}", target.id);
    let plan =
        if fields.has("remove") { Ok(None) } else { plan_of(&fields, &app.fleet.registry()).map(Some) };
    let plan = match plan {
        Ok(plan) => plan,
        Err(problems) => {
            let filled = Filled::with(fields, problems);
            return Ok(again(SecurityPage::load(&app, &login, &target, "", &filled).await?));
        }
    };
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, what, async move {
        let word = if plan.is_some() { "plan-saved" } else { "plan-removed" };
        work.fleet.save_plan(&context, scope, plan).await?;
        Ok(format!("{url}?done={word}"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(SecurityPage::load(&app, &login, &target, "", &filled).await?))
        }
    }
}

pub(crate) async fn bootstrap(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address((device, bootstrap)): Address<(String, String)>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let id = bootstrap.parse().map_err(|_| WebError::NotFound("bootstrap of this device"))?;
    let record = app.fleet.bootstrap_record(&login.context, target.id, id).await?;
    let step = |step: &fleet::StepRecord| StepRow {
        at: Moment::new(step.at, target.now),
        asked: visible(step.asked.chars()),
        answer: visible(step.answer.chars()),
    };
    Ok(Page(BootstrapPage {
        shell: Shell::new(&app, &login, Area::Devices, format!("Bootstrap of {}", target.endpoint())),
        url: target.url(),
        endpoint: target.endpoint(),
        row: BootstrapRow::new(&target, &record),
        request: record.request.to_string(),
        steps: record.steps.iter().map(step).collect(),
        repairs: record.repairs.iter().map(|repair| RepairRow::new(repair, &target)).collect(),
    }))
}

impl SecurityPage {
    async fn load(
        app: &App,
        login: &SignedIn,
        target: &Target,
        done: &str,
        filled: &Filled,
    ) -> Result<Self, WebError> {
        let context = &login.context;
        let device = target.detail.view.device.id;
        let bootstraps = app.fleet.bootstraps(context, target.id).await?;
        let timeline = app.fleet.timeline(context, target.id, &PageRequest::first(LOOKED_AT)).await?;
        let about_identity = |kind| {
            matches!(kind, TimelineKind::Credential | TimelineKind::Bootstrap | TimelineKind::Enrolment)
        };
        let diary = DiaryQuery { device: Some(device), ..DiaryQuery::all(PageRequest::first(DIARY)) };
        let diary = app.fleet.diary(context, &diary).await?;
        let (plan, scope) = app.fleet.effective_plan(context, target.id).await?;
        let shell =
            Shell::new(app, login, Area::Devices, format!("Security of {}", target.endpoint())).done(done);
        let own_plan = matches!(scope, Some(PlanScope::Device(_)));
        let action = format!("{}/security", target.url());
        Ok(Self {
            plan: (shell.administers && !target.removed())
                .then(|| PlanForm::new(action, &plan, own_plan, &app.settings.places, filled)),
            plan_from: match scope {
                Some(PlanScope::Device(_)) => "a plan of its own".to_owned(),
                Some(PlanScope::Class(_)) => {
                    format!("the plan of its class, {}", visible(target.detail.view.class_name.chars()))
                }
                None => "the default plan".to_owned(),
            },
            own_plan,
            shell,
            endpoint: target.endpoint(),
            state: Reachability::new(target),
            tabs: target.tabs(login, "/security"),
            bootstraps: bootstraps.iter().map(|record| BootstrapRow::new(target, record)).collect(),
            diary: diary.rows.iter().map(|entry| DiaryRow::new(entry, target.now)).collect(),
            entries: timeline
                .rows
                .iter()
                .filter(|record| about_identity(record.entry.kind))
                .take(ENTRIES)
                .map(|record| Entry::new(record, target.now))
                .collect(),
        })
    }
}

impl RepairRow {
    fn new(repair: &fleet::Repair, target: &Target) -> Self {
        let text = |text: &str| visible(text.chars());
        Self {
            at: Moment::new(repair.at, target.now),
            cause: text(&repair.cause),
            findings: repair
                .findings
                .iter()
                .map(|finding| (text(&finding.what), text(&finding.done)))
                .collect(),
            anew: repair.anew.map(|format| format.to_string()).unwrap_or_default(),
        }
    }
}

impl BootstrapRow {
    fn new(target: &Target, record: &BootstrapRecord) -> Self {
        Self {
            url: format!("{}/bootstraps/{}", target.url(), record.id),
            badge: Badge::of_bootstrap(record.result),
            began: Moment::new(record.started_at, target.now),
            ended: record.ended_at.map(|at| Moment::new(at, target.now)),
            steps: record.steps.len(),
            repaired: record.repaired().map_or_else(String::new, |outcome| {
                let rounds = record.repairs.len();
                format!("{outcome}, {rounds} {}", if rounds == 1 { "round" } else { "rounds" })
            }),
            reason: visible(record.reason.chars()),
        }
    }
}
