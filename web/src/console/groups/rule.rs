//! `/groups/rule`: a group is described, its rule tried on a sample of the fleet, and only then saved. Trying changes nothing, so
//! that all that is typed stands in the address.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{FleetError, Group, NewGroup, Permission, Preview, Rule};
use serde::Deserialize;

use super::{
    builder::{Condition, FIELDS, OPERATORS, written},
    find, url_of,
};
use crate::{
    app::App,
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::visible,
    ui::{Choice, Field, Filled, chosen, mend},
};

/// How many conditions the form takes at one time.
const CONDITIONS: usize = 3;

/// What was typed so far.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    group: String,
    name: String,
    rule: String,
    rank: String,
    description: String,
    field1: String,
    of1: String,
    operator1: String,
    value1: String,
    field2: String,
    of2: String,
    operator2: String,
    value2: String,
    field3: String,
    of3: String,
    operator3: String,
    value3: String,
}

#[derive(Template)]
#[template(path = "groups/rule.html")]
struct RulePage {
    shell: Shell,
    title: &'static str,
    /// Where it is saved.
    action: String,
    back: String,
    group: String,
    fields: Vec<Field>,
    conditions: Vec<ConditionForm>,
    problems: Vec<String>,
    /// What it would change, and what is then to be saved.
    preview: Option<Shown>,
    typed: Typed,
}

/// One line of the form.
struct ConditionForm {
    number: usize,
    fields: Vec<Choice>,
    operators: Vec<Choice>,
}

#[derive(Clone, Default)]
struct Typed {
    name: String,
    rule: String,
    rank: String,
    description: String,
}

/// What a rule would change.
struct Shown {
    preview: Preview,
    names: Vec<(String, String)>,
    why: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let is_new_form = asked.name.is_empty() && asked.rule.is_empty() && asked.rank.is_empty();
    let mut typed = Typed {
        name: asked.name.clone(),
        rule: asked.rule_with_conditions(),
        rank: asked.rank.clone(),
        description: asked.description.clone(),
    };
    let group =
        if asked.group.is_empty() { None } else { Some(find(&app, &login, &asked.group).await?.group) };
    if let Some(group) = group.as_ref().filter(|_| is_new_form && typed.rule.is_empty()) {
        typed = Typed::of(group);
    }
    let mut filled = Filled::default();
    let mut preview = None;
    if !typed.rule.is_empty() {
        let id = group.as_ref().map(|group| group.public_id);
        match app.fleet.preview_rule(&login.context, id, &typed.rule).await {
            Ok(found) => preview = Some(Shown::new(found)),
            Err(FleetError::Invalid { field, reason }) => {
                filled = Filled::with(typed.fields(), vec![(field, crate::console::sentence_of(&reason))]);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Page(RulePage::new(&app, &login, group.as_ref(), typed, preview, &filled)).into_response())
}

pub(crate) async fn add(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    save(app, login, fields, None).await
}

pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Address(group): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let group = find(&app, &login, &group).await?.group;
    save(app, login, fields, Some(group)).await
}

async fn save(
    app: Arc<App>,
    login: SignedIn,
    fields: Fields,
    group: Option<Group>,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let typed = Typed::sent(&fields);
    let id = group.as_ref().map(|group| group.public_id);
    let (work, context, new) = (Arc::clone(&app), login.context.clone(), typed.clone());
    let done = app.act(&login, &fields, format!("save group {}", typed.name), async move {
        let saved = work.fleet.save_group(&context, id, new.group()?).await?;
        Ok(format!("{}?done=group-saved", url_of(saved.public_id)))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(RulePage::new(&app, &login, group.as_ref(), typed, None, &filled)))
        }
    }
}

impl Asked {
    /// The rule as it is written, and what was chosen below it.
    fn rule_with_conditions(&self) -> String {
        let condition = |field: &str, of: &str, operator: &str, value: &str| Condition {
            field: field.to_owned(),
            of: of.to_owned(),
            operator: operator.to_owned(),
            value: value.to_owned(),
        };
        let chosen = written(&[
            condition(&self.field1, &self.of1, &self.operator1, &self.value1),
            condition(&self.field2, &self.of2, &self.operator2, &self.value2),
            condition(&self.field3, &self.of3, &self.operator3, &self.value3),
        ]);
        let rule = self.rule.trim();
        match (rule.is_empty(), chosen.is_empty()) {
            (true, _) => chosen,
            (false, true) => rule.to_owned(),
            // What is written may be an alternative.
            (false, false) if rule.contains("||") || rule.contains('?') => format!("({rule}) && {chosen}"),
            (false, false) => format!("{rule} && {chosen}"),
        }
    }
}

impl Typed {
    fn of(group: &Group) -> Self {
        Self {
            name: group.name.clone(),
            rule: group.rule.clone(),
            rank: group.rank.to_string(),
            description: group.description.clone(),
        }
    }

    fn sent(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        Self { name: text("name"), rule: text("rule"), rank: text("rank"), description: text("description") }
    }

    fn fields(&self) -> Fields {
        let pairs = [
            ("name", &self.name),
            ("rule", &self.rule),
            ("rank", &self.rank),
            ("description", &self.description),
        ];
        Fields::of(pairs.map(|(name, text)| (name.to_owned(), text.clone())))
    }

    fn group(self) -> Result<NewGroup, FleetError> {
        let Self { name, rule, rank, description } = self;
        let rank = if rank.is_empty() { Ok(0) } else { rank.parse() };
        let reason = "a whole number is wanted".to_owned();
        let rank = rank.map_err(|_| FleetError::Invalid { field: "rank", reason })?;
        Ok(NewGroup { name, rule, rank, description })
    }
}

impl RulePage {
    fn new(
        app: &App,
        login: &SignedIn,
        group: Option<&Group>,
        typed: Typed,
        preview: Option<Shown>,
        filled: &Filled,
    ) -> Self {
        let title = if group.is_some() { "Change the group" } else { "New group" };
        let fields = vec![
            Field::new("name", "Name").required().value(typed.name.clone()),
            Field::new("rule", "Rule").kind("area").value(typed.rule.clone()).hint(format!(
                "In CEL, over class, endpoint, labels, state, objects, lwm2m, binding, queue_mode, lifetime, created, secured and \
                 value(\"/3/0/9\"); older(value(\"/3/0/3\"), \"1.10\") compares versions. At most {} bytes.",
                Rule::MAX_BYTES
            )),
            Field::new("rank", "Rank").kind("number").value(typed.rank.clone()).hint(
                "Of two groups that a device is in, what that of the higher rank says holds. Empty: 0.",
            ),
            Field::new("description", "What it is for").value(typed.description.clone()),
        ];
        let fields: Vec<Field> = fields.into_iter().map(|field| field.filled(filled)).collect();
        let url = group.map(|group| url_of(group.public_id));
        let choices = |all: &[(&str, &str)]| {
            chosen(all.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())), "")
        };
        let named: Vec<(&str, &str)> = FIELDS.iter().map(|(value, label, _)| (*value, *label)).collect();
        let conditions = (1..=CONDITIONS).map(|number| ConditionForm {
            number,
            fields: choices(&named),
            operators: choices(&OPERATORS),
        });
        Self {
            shell: Shell::new(app, login, Area::Groups, title),
            title,
            action: url.clone().unwrap_or_else(|| "/groups".to_owned()),
            back: url.unwrap_or_else(|| "/groups".to_owned()),
            group: group.map(|group| group.public_id.to_string()).unwrap_or_default(),
            problems: filled.others(&fields),
            fields,
            conditions: conditions.collect(),
            preview,
            typed,
        }
    }
}

impl Shown {
    fn new(preview: Preview) -> Self {
        let name = |device: &fleet::Device| {
            (format!("/devices/{}", device.public_id), visible(device.endpoint.as_str().chars()))
        };
        Self {
            names: preview.shown.iter().map(name).collect(),
            why: preview.why.as_deref().map(|why| visible(why.chars())).unwrap_or_default(),
            preview,
        }
    }
}
