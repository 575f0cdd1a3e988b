//! `POST /devices/{device}/nodes/{path}`: asks an operation of a device, as the forms of a node's page say it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Redirect, Response},
};
use fleet::{CancelMode, FleetError, Operation, OperationState, Priority, Terms, WriteMode};
use objects::{
    Attribute, Attributes, ContentFormat, DataType, Instance, Node, ObjectModel, Path, Resource, ResourceId,
};

use crate::{
    app::App,
    console::{
        field::{self, Attempt, Problem},
        login::sentence,
        node,
        target::{Target, node_path},
    },
    error::WebError,
    form::{Fields, Posted},
    session::SignedIn,
    submission::{Concluded, PATIENCE, SubmissionKey},
};

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Address((device, path)): Address<(String, String)>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let path = node_path(&path)?;
    let asked = fields.text("op").to_owned();
    let operation = match operation(&target, path, &asked, &fields) {
        Ok(operation) => operation,
        Err(problems) => {
            return node::again(&app, &login, &target, path, &Attempt { asked, fields, problems }).await;
        }
    };
    match ask(&app, &login, &target, &asked, operation, &fields).await {
        Ok(Asked { done: true, .. }) if fields.text("back") == "device" => {
            // Back to the row the button stood in, which shows what came of it.
            let row = path.ids().iter().fold("r".to_owned(), |anchor, id| format!("{anchor}-{id}"));
            Ok(Redirect::to(&format!("{}/objects#{row}", target.url())).into_response())
        }
        Ok(asked) => Ok(Redirect::to(&asked.url).into_response()),
        Err(error) => match &*error {
            FleetError::BadOperation(reason) => {
                let problems = vec![Problem::of_form(sentence(reason))];
                node::again(&app, &login, &target, path, &Attempt { asked, fields, problems }).await
            }
            _ => Err(WebError::Submission(error)),
        },
    }
}

/// What has become of an operation that a form asked for.
pub(crate) struct Asked {
    /// Where that is shown.
    pub(crate) url: String,
    /// Whether the device has done it.
    pub(crate) done: bool,
}

/// Asks an operation of a device once, however often the form is sent, and waits for it for a while.
pub(crate) async fn ask(
    app: &Arc<App>,
    login: &SignedIn,
    target: &Target,
    asked: &str,
    operation: Operation,
    fields: &Fields,
) -> Result<Asked, Arc<FleetError>> {
    let about = operation.target();
    let key = SubmissionKey::new(login, once(app, fields), target, asked, &about);
    let (fleet, context, id) = (Arc::clone(&app.fleet), login.context.clone(), target.id);
    let expires_in = fields.text("expires").parse().ok().map(Duration::from_secs);
    let terms = Terms { expires_in, priority: priority(fields) };
    let submission = app.submissions.submit(key.clone(), async move {
        let begun = fleet.begin(&context, id, operation.clone(), terms).await?;
        let operated = fleet.carry_out(&context, begun).await?;
        let state = operated.outcome.as_ref().map(|outcome| outcome.state(&operation));
        Ok(Concluded { id: operated.id, done: state == Some(OperationState::Done) })
    });
    match tokio::time::timeout(PATIENCE, submission).await {
        Ok(Ok(Concluded { id, done })) => {
            Ok(Asked { url: format!("{}/operations/{id}", target.url()), done })
        }
        Ok(Err(error)) => {
            app.submissions.forget(&key);
            Err(error)
        }
        Err(_) => {
            let listed: Vec<String> = about.paths().iter().map(Path::to_string).collect();
            let url = format!("{}/waiting/{}/{asked}{}", target.url(), key.once, listed.join(","));
            Ok(Asked { url, done: false })
        }
    }
}

/// How soon it is sent; normal where the form says nothing.
fn priority(fields: &Fields) -> Priority {
    Priority::from_name(fields.text("priority")).unwrap_or_default()
}

/// Names what was sent: the same rendering of a form with the same content is sent twice by accident, with another
/// content on purpose. What comes without a token is taken at its word.
fn once(app: &App, fields: &Fields) -> String {
    if fields.has("once") { fields.digest() } else { app.token() }
}

/// Reads a form as an operation, or says what is wrong with it.
fn operation(target: &Target, path: Path, asked: &str, fields: &Fields) -> Result<Operation, Vec<Problem>> {
    let format = || format(fields).map_err(|problem| vec![problem]);
    match asked {
        "read" => Ok(Operation::Read { path, format: format()? }),
        "discover" => Ok(Operation::Discover { path }),
        "observe" => Ok(Operation::Observe { path, format: format()? }),
        "cancel-active" => Ok(Operation::CancelObservation { path, mode: CancelMode::Active }),
        "cancel-passive" => Ok(Operation::CancelObservation { path, mode: CancelMode::Passive }),
        "execute" => Ok(Operation::Execute { path, arguments: fields.text("arguments").trim().to_owned() }),
        "delete" if fields.has("sure") => Ok(Operation::Delete { path }),
        "delete" => Err(vec![Problem::of_field("sure", "Tick the box to delete the instance.")]),
        "attributes" => attributes(path, fields),
        "write" => {
            let mode = if fields.text("mode") == "update" { WriteMode::Update } else { WriteMode::Replace };
            Ok(Operation::Write { path, mode, node: written(target, path, fields)?, format: format()? })
        }
        "create" => create(target, path, fields, format()?),
        _ => Err(vec![Problem::of_form("Choose one of the operations below.")]),
    }
}

pub(super) fn format(fields: &Fields) -> Result<Option<ContentFormat>, Problem> {
    match fields.text("format") {
        "" => Ok(None),
        number => match number.parse() {
            Ok(number) => Ok(Some(ContentFormat(number))),
            Err(_) => Err(Problem::of_field("format", "Choose one of the formats.")),
        },
    }
}

fn attributes(path: Path, fields: &Fields) -> Result<Operation, Vec<Problem>> {
    let (mut set, mut unset, mut problems) = (Attributes::default(), Vec::new(), Vec::new());
    for attribute in Attribute::ALL {
        let name = format!("set.{attribute}");
        let value = fields.text(&name).trim();
        if !value.is_empty()
            && let Err(error) = set.set(attribute, value)
        {
            problems.push(Problem::of_field(&name, sentence(&error)));
        }
        if fields.has(&format!("unset.{attribute}")) {
            unset.push(attribute);
        }
    }
    if problems.is_empty() { Ok(Operation::WriteAttributes { path, set, unset }) } else { Err(problems) }
}

/// What a Write form holds, at the level of `path`.
fn written(target: &Target, path: Path, fields: &Fields) -> Result<Node, Vec<Problem>> {
    let model = target.resource(&path);
    if let Path::Instance(object, _) = path {
        let Some(model) = target.object(object) else {
            return Err(vec![Problem::of_form(
                "No model describes this object: write its resources one by one.",
            )]);
        };
        return resources(model, fields).map(Node::Instance);
    }
    if matches!(path, Path::Resource(..)) && model.is_some_and(|model| model.multiple) {
        let data_type = model.and_then(|model| model.data_type).unwrap_or(DataType::Opaque);
        return pairs(fields, data_type).map(Node::Resource);
    }
    let data_type = match model.and_then(|model| model.data_type) {
        Some(data_type) => data_type,
        None => DataType::ALL
            .into_iter()
            .find(|known| known.name() == fields.text("type"))
            .unwrap_or(DataType::String),
    };
    let value = field::value(fields, "value", data_type).map_err(|problem| vec![problem])?;
    Ok(match path {
        Path::ResourceInstance(..) => Node::ResourceInstance(value),
        _ => Node::Resource(Resource::Single(value)),
    })
}

/// The resource instances of a form with a row for each.
fn pairs(fields: &Fields, data_type: DataType) -> Result<Resource, Vec<Problem>> {
    let (mut values, mut problems) = (BTreeMap::new(), Vec::new());
    for number in fields.names().filter_map(|name| name.strip_prefix("key.")) {
        let (key, name) = (fields.text(&format!("key.{number}")).trim(), format!("value.{number}"));
        if key.is_empty() {
            if field::given(fields, &name) {
                problems.push(Problem::of_field(&name, "Give this value the id of its resource instance."));
            }
            continue;
        }
        let Some(id) = field::resource_instance(key) else {
            problems.push(Problem::of_field(
                &name,
                format!("“{key}” is no id: expected a number from 0 to 65534."),
            ));
            continue;
        };
        match field::value(fields, &name, data_type) {
            Ok(_) if values.contains_key(&id) => {
                problems.push(Problem::of_field(&name, format!("The id {id} is there twice.")));
            }
            Ok(value) => {
                values.insert(id, value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(Resource::Multiple(values)) } else { Err(problems) }
}

fn create(
    target: &Target,
    path: Path,
    fields: &Fields,
    format: Option<ContentFormat>,
) -> Result<Operation, Vec<Problem>> {
    let Path::Object(object) = path else {
        return Err(vec![Problem::of_form("Instances are created in an object.")]);
    };
    let Some(model) = target.object(object) else {
        return Err(vec![Problem::of_form(
            "No model describes this object, so its resources are not known.",
        )]);
    };
    let instance = match fields.text("instance").trim() {
        "" => None,
        text => Some(field::instance(text).ok_or_else(|| {
            vec![Problem::of_field("instance", "Expected a number from 0 to 65534, or nothing.")]
        })?),
    };
    let node = Node::Instance(resources(model, fields)?);
    Ok(Operation::Create { object, instance, node, format })
}

/// The resources that were filled in.
fn resources(model: &ObjectModel, fields: &Fields) -> Result<Instance, Vec<Problem>> {
    let (mut instance, mut problems) = (Instance::default(), Vec::new());
    for (&id, resource) in &model.resources {
        let (name, Some(data_type)) = (field_name(id), resource.data_type) else { continue };
        if !field::given(fields, &name) {
            continue;
        }
        let read = match resource.multiple {
            true => field::lines(fields, &name, data_type),
            false => field::value(fields, &name, data_type).map(Resource::Single),
        };
        match read {
            Ok(value) => {
                instance.resources.insert(id, value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(instance) } else { Err(problems) }
}

fn field_name(id: ResourceId) -> String {
    format!("r.{id}")
}
