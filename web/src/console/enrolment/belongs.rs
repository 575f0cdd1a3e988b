//! `POST /enrolment/classes/{class}/rule`: which devices are of a class, and those that other classes ask for as well.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{Path as Address, State},
    response::Response,
};
use fleet::{Class, ClassId, ClassRule, FleetError, Permission};
use objects::ObjectId;

use crate::{
    app::App,
    console::enrolment::classes::{ClassPage, Typed, find, url_of},
    error::WebError,
    form::{Fields, Posted},
    page::again,
    session::SignedIn,
    show::visible,
    ui::{Field, Filled, mend},
};

/// How many devices are shown that other classes ask for as well.
const CONTESTED: usize = 20;

/// The form of a class's rule.
pub(crate) struct RuleForm {
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) problems: Vec<String>,
    /// Each with its page.
    pub(crate) contested: Vec<(String, String)>,
    pub(crate) more: bool,
    /// The default class has none.
    pub(crate) is_default: bool,
}

pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Address(name): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let class = find(&app, &login, &name).await?;
    let sent = fields.clone();
    let (work, context, id, url) = (Arc::clone(&app), login.context.clone(), class.id, url_of(&class));
    let done = app.act(&login, &fields, format!("rule of class {}", class.name), async move {
        work.fleet.set_class_rule(&context, id, rule_of(&sent)?).await?;
        Ok(format!("{url}?done=class-rule-saved"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let typed = Typed { rule: mend(fields, error)?, ..Typed::default() };
            Ok(again(ClassPage::load(&app, &login, &class, "", &typed).await?))
        }
    }
}

fn rule_of(fields: &Fields) -> Result<ClassRule, FleetError> {
    let text = |name: &str| Some(fields.text(name).trim().to_owned()).filter(|text| !text.is_empty());
    let invalid = |field, reason: String| FleetError::Invalid { field, reason };
    let numbers = fields.text("objects").split(|letter: char| letter.is_whitespace() || letter == ',');
    let numbers = numbers.filter(|number| !number.is_empty()).map(|number| number.parse().map(ObjectId));
    let objects: BTreeSet<ObjectId> = numbers
        .collect::<Result<_, _>>()
        .map_err(|_| invalid("objects", "numbers of objects are wanted, such as 3 3303".to_owned()))?;
    let labels = fields.text("rule_labels").parse();
    let labels = labels.map_err(|error: fleet::LabelError| invalid("rule_labels", error.to_string()))?;
    Ok(ClassRule { manufacturer: text("manufacturer"), model: text("model"), objects, labels })
}

impl RuleForm {
    pub(crate) async fn load(
        app: &App,
        login: &SignedIn,
        class: &Class,
        filled: &Filled,
    ) -> Result<Self, WebError> {
        let rule = app.fleet.class_rule(&login.context, class.id).await?;
        let contested = app.fleet.contested(&login.context, class.id, CONTESTED + 1).await?;
        let objects: Vec<String> = rule.objects.iter().map(|object| object.0.to_string()).collect();
        let fields = [
            Field::new("manufacturer", "Manufacturer")
                .value(rule.manufacturer.unwrap_or_default())
                .hint("What the device says in /3/0/0, exactly so."),
            Field::new("model", "Model")
                .value(rule.model.unwrap_or_default())
                .hint("What it says in /3/0/1, exactly so."),
            Field::new("objects", "Objects")
                .value(objects.join(" "))
                .hint("Their numbers, such as 3 3303: the device has all of them, and may have more."),
            Field::new("rule_labels", "Labels").value(rule.labels.to_string()).hint(
                "Such as site=zurich spare: the device has all of them. One without a text is there with any.",
            ),
        ];
        let fields = fields.map(|field| field.filled(filled));
        let named = |device: &fleet::Device| {
            (format!("/devices/{}", device.public_id), visible(device.endpoint.as_str().chars()))
        };
        Ok(Self {
            action: format!("{}/rule", url_of(class)),
            problems: filled.others(&fields),
            fields: fields.into(),
            contested: contested.iter().take(CONTESTED).map(named).collect(),
            more: contested.len() > CONTESTED,
            is_default: class.id == ClassId::DEFAULT,
        })
    }
}
