//! `/enrolment/classes`: classes of devices, what each lets in, and what it gives them by bootstrap.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{Class, Permission, PlanScope};

use crate::{
    app::App,
    console::{
        Done,
        applies::{Applied, by_class, counted, named},
        encoded,
        enrolment::{
            awake::AwakeForm,
            belongs::RuleForm,
            policy::{PolicyForm, kinds_of},
            retention::RetentionForm,
            tabs,
            wishes::WishForm,
        },
        plan::{PlanForm, plan_of},
    },
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::visible,
    ui::{Field, Filled, Tab, mend},
};

#[derive(Template)]
#[template(path = "enrolment/classes.html")]
struct ClassesPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    fields: Vec<Field>,
    problems: Vec<String>,
}

struct Row {
    url: String,
    devices: String,
    name: String,
    size: String,
    kinds: String,
    /// What it says of its own.
    applies: String,
}

#[derive(Template)]
#[template(path = "enrolment/class.html")]
pub(crate) struct ClassPage {
    shell: Shell,
    name: String,
    devices: String,
    size: String,
    applies: Vec<Applied>,
    updates: String,
    policy: PolicyForm,
    rule: RuleForm,
    retention: RetentionForm,
    wishes: WishForm,
    awake: AwakeForm,
    own_plan: bool,
    plan: PlanForm,
}

/// What was typed into the forms of a class.
#[derive(Default)]
pub(crate) struct Typed {
    pub(crate) policy: Filled,
    pub(crate) rule: Filled,
    pub(crate) retention: Filled,
    pub(crate) wishes: Filled,
    pub(crate) awake: Filled,
    pub(crate) plan: Filled,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    Ok(Page(ClassesPage::load(&app, &login, &done.done, &Filled::default()).await?))
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let name = fields.text("name").trim().to_owned();
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, "add class", async move {
        let class = work.fleet.add_class(&context, &name).await?;
        Ok(format!("{}?done=class-added", url_of(&class)))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(ClassesPage::load(&app, &login, "", &filled).await?))
        }
    }
}

pub(crate) async fn class(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(name): Address<String>,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    Ok(Page(ClassPage::load(&app, &login, &class, &done.done, &Typed::default()).await?))
}

pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Address(name): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    let plan =
        if fields.has("remove") { Ok(None) } else { plan_of(&fields, &app.fleet.registry()).map(Some) };
    let plan = match plan {
        Ok(plan) => plan,
        Err(problems) => {
            let typed = Typed { plan: Filled::with(fields, problems), ..Typed::default() };
            return Ok(again(ClassPage::load(&app, &login, &class, "", &typed).await?));
        }
    };
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), class.id, url_of(&class));
    let done = app.act(&login, &fields, format!("plan of class {}", class.name), async move {
        let word = if plan.is_some() { "plan-saved" } else { "plan-removed" };
        work.fleet.save_plan(&context, PlanScope::Class(id), plan).await?;
        Ok(format!("{url}?done={word}"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let typed = Typed { plan: mend(fields, error)?, ..Typed::default() };
            Ok(again(ClassPage::load(&app, &login, &class, "", &typed).await?))
        }
    }
}

pub(crate) fn url_of(class: &Class) -> String {
    format!("/enrolment/classes/{}", encoded(&class.name))
}

fn devices_of(class: &Class) -> String {
    format!("/devices?class={}", encoded(&class.name))
}

pub(crate) async fn find(app: &App, login: &SignedIn, name: &str) -> Result<Class, WebError> {
    let classes = app.fleet.classes(&login.context).await?;
    classes.into_iter().find(|class| class.name == name).ok_or(WebError::NotFound("class"))
}

impl ClassesPage {
    async fn load(app: &App, login: &SignedIn, done: &str, filled: &Filled) -> Result<Self, WebError> {
        let mut rows = Vec::new();
        for class in app.fleet.classes(&login.context).await? {
            let applies = by_class(app, login, &class, &url_of(&class)).await?;
            let size = app.fleet.class_size(&login.context, class.id).await?;
            rows.push(Row {
                url: url_of(&class),
                devices: devices_of(&class),
                name: visible(class.name.chars()),
                kinds: kinds_of(&class.policy),
                size: counted(size),
                applies: named(&applies),
            });
        }
        let fields = vec![
            Field::new("name", "Name")
                .required()
                .hint("Devices of a class share a bootstrap plan and the kinds of credentials that are let in: greenhouse sensors, say.")
                .filled(filled),
        ];
        Ok(Self {
            shell: Shell::new(app, login, Area::Enrolment, "Classes and plans").done(done),
            tabs: tabs("/classes"),
            rows,
            problems: filled.others(&fields),
            fields,
        })
    }
}

impl ClassPage {
    pub(crate) async fn load(
        app: &App,
        login: &SignedIn,
        class: &Class,
        done: &str,
        typed: &Typed,
    ) -> Result<Self, WebError> {
        let plan = app.fleet.plan(&login.context, PlanScope::Class(class.id)).await?;
        let own_plan = plan.is_some();
        let name = visible(class.name.chars());
        Ok(Self {
            shell: Shell::new(app, login, Area::Enrolment, format!("Class {name}")).done(done),
            name,
            size: counted(app.fleet.class_size(&login.context, class.id).await?),
            applies: by_class(app, login, class, &url_of(class)).await?,
            devices: devices_of(class),
            updates: format!("{}/updates", url_of(class)),
            policy: PolicyForm::new(format!("{}/policy", url_of(class)), &class.policy, &typed.policy),
            rule: RuleForm::load(app, login, class, &typed.rule).await?,
            retention: RetentionForm::new(
                format!("{}/retention", url_of(class)),
                class.retention,
                &typed.retention,
            ),
            awake: AwakeForm::new(
                format!("{}/awake", url_of(class)),
                app.fleet.class_awake_time(&login.context, class.id).await?,
                &typed.awake,
            ),
            wishes: WishForm::load(app, login, class, &typed.wishes).await?,
            own_plan,
            plan: PlanForm::new(
                url_of(class),
                &plan.unwrap_or_default(),
                own_plan,
                &app.settings.places,
                &typed.plan,
            ),
        })
    }
}
