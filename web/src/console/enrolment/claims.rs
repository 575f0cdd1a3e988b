//! `/enrolment/claims`: keys that a batch of devices shares, each device for one bootstrap, within a quota and a window.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    Claim, Class, ClassId, FleetError, NewClaim, Permission, PublicId, Timestamp, store::PageRequest,
};
use objects::{DataType, Value};

use crate::{
    app::App,
    console::{
        After,
        badge::Badge,
        confirm::Confirm,
        encoded,
        enrolment::{class_field, class_named, tabs},
        field,
        given::{OWN, given_psk},
        public_id,
        shown::{self, Secret},
    },
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Field, Filled, Tab, mend},
};

/// Rows a page.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "enrolment/claims.html")]
struct ClaimsPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    fields: Vec<Field>,
    problems: Vec<String>,
    first: Option<String>,
    next: Option<String>,
}

struct Row {
    url: String,
    name: String,
    class: String,
    badge: Badge,
    open: bool,
    used: u32,
    quota: u32,
    opens: Moment,
    closes: Moment,
    made: Moment,
    made_by: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(after): Query<After>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    Ok(Page(ClaimsPage::load(&app, &login, &after, &Filled::default()).await?))
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let sent = fields.clone();
    let (work, context, user) = (Arc::clone(&app), login.context.clone(), login.user());
    let done = app.act(&login, &fields, "add claim", async move {
        let classes = work.fleet.classes(&context).await?;
        let claim = new_claim(&sent, &classes)?;
        let (claim, shown) = work.fleet.add_claim(&context, claim).await?;
        shown::keep(&work, user, Secret::Claim { name: claim.name, shown: Box::new(shown) })
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(ClaimsPage::load(&app, &login, &After::default(), &filled).await?))
        }
    }
}

pub(crate) async fn ask_close(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(claim): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let claim = find(&app, &login, &claim).await?;
    Ok(Page(confirm(&claim).page(&app, &login, &Filled::default())))
}

pub(crate) async fn close(
    State(app): State<Arc<App>>,
    Address(claim): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let claim = find(&app, &login, &claim).await?;
    let confirm = confirm(&claim);
    if let Err(problems) = confirm.check(&fields) {
        return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems))));
    }
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("close claim {}", claim.public_id), async move {
        work.fleet.close_claim(&context, claim.public_id).await?;
        Ok("/enrolment/claims?done=claim-closed".to_owned())
    })
    .await
}

fn confirm(claim: &Claim) -> Confirm {
    let name = visible(claim.name.chars());
    Confirm {
        area: Area::Enrolment,
        title: format!("Close the claim {name}"),
        about: vec![
            "Its key enrols nobody any more. Devices that enrolled by it stay.".to_owned(),
            "A closed claim is not opened again: open another one with a key of its own.".to_owned(),
        ],
        items: Vec::new(),
        expected: name,
        extra: Vec::new(),
        reason: false,
        button: "Close the claim",
        action: format!("/enrolment/claims/{}/close", claim.public_id),
        back: "/enrolment/claims".to_owned(),
    }
}

async fn find(app: &App, login: &SignedIn, id: &str) -> Result<Claim, WebError> {
    let id: PublicId = public_id(id).map_err(|_| WebError::NotFound("claim"))?;
    let mut request = PageRequest::first(PageRequest::MAX_LIMIT);
    loop {
        let page = app.fleet.claims(&login.context, &request).await?;
        if let Some(claim) = page.rows.into_iter().find(|claim| claim.public_id == id) {
            return Ok(claim);
        }
        let Some(next) = page.next else { return Err(WebError::NotFound("claim")) };
        request.after = Some(next);
    }
}

fn new_claim(fields: &Fields, classes: &[Class]) -> Result<NewClaim, FleetError> {
    let invalid = |field, reason: String| FleetError::Invalid { field, reason };
    let moment = |name: &'static str| match field::parse(DataType::Time, fields.text(name)) {
        Ok(Value::Time(seconds)) => Ok(Timestamp(seconds.saturating_mul(1_000))),
        Ok(_) => Err(invalid(name, "expected a date and a time".to_owned())),
        Err(reason) => Err(invalid(name, reason)),
    };
    let quota = fields.text("quota").trim();
    Ok(NewClaim {
        name: fields.text("name").trim().to_owned(),
        class: class_named(classes, fields.text("class"))?.unwrap_or(ClassId::DEFAULT),
        quota: quota.parse().map_err(|_| invalid("quota", "expected a whole number".to_owned()))?,
        opens_at: moment("opens_at")?,
        closes_at: moment("closes_at")?,
        credential: given_psk(fields, &OWN)?,
    })
}

impl ClaimsPage {
    /// How long a claim is open unless the form says otherwise.
    const WINDOW: Duration = Duration::from_secs(30 * 86_400);

    async fn load(app: &App, login: &SignedIn, after: &After, filled: &Filled) -> Result<Self, WebError> {
        let classes = app.fleet.classes(&login.context).await?;
        let found = app.fleet.claims(&login.context, &after.request(ROWS)).await?;
        let now = app.now();
        let typed = |at: Timestamp| Moment::new(at, now).iso.trim_end_matches('Z').to_owned();
        let fields = vec![
            Field::new("name", "Name").required().hint("Such as the number of the production batch."),
            class_field(&classes),
            Field::new("quota", "How many devices").kind("number").required().value("100"),
            Field::new("opens_at", "Opens").kind("moment").required().value(typed(now)),
            Field::new("closes_at", "Closes").kind("moment").required().value(typed(now.after(Self::WINDOW))),
            Field::new("identity", "PSK identity").hint("Leave empty to have one made."),
            Field::new("key", "Key, in hexadecimal digits")
                .hint("16 to 64 bytes. Leave empty to have one made: the next page shows it once."),
        ];
        let fields: Vec<Field> = fields.into_iter().map(|field| field.filled(filled)).collect();
        Ok(Self {
            shell: Shell::new(app, login, Area::Enrolment, "Claims").done(&after.done),
            tabs: tabs("/claims"),
            rows: found.rows.iter().map(|claim| Row::new(claim, &classes, now)).collect(),
            problems: filled.others(&fields),
            fields,
            first: after.first("/enrolment/claims"),
            next: found.next.map(|cursor| format!("/enrolment/claims?after={}", encoded(&cursor.0))),
        })
    }
}

impl Row {
    fn new(claim: &Claim, classes: &[Class], now: Timestamp) -> Self {
        let (badge, open) = if claim.closed || now >= claim.closes_at {
            (Badge { tone: "", icon: "square", text: "Closed" }, false)
        } else if claim.used >= claim.quota {
            (Badge { tone: "warn", icon: "square", text: "Used up" }, true)
        } else if now < claim.opens_at {
            (Badge { tone: "calm", icon: "clock", text: "Opens later" }, true)
        } else {
            (Badge { tone: "good", icon: "disc", text: "Open" }, true)
        };
        let class = classes.iter().find(|class| class.id == claim.class);
        Self {
            url: format!("/enrolment/claims/{}", claim.public_id),
            name: visible(claim.name.chars()),
            class: class.map(|class| visible(class.name.chars())).unwrap_or_default(),
            badge,
            open,
            used: claim.used,
            quota: claim.quota,
            opens: Moment::new(claim.opens_at, now),
            closes: Moment::new(claim.closes_at, now),
            made: Moment::new(claim.created_at, now),
            made_by: visible(claim.created_by.chars()),
        }
    }
}
