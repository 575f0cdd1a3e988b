//! `/devices/{device}/operations`: what is asked of devices.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::extract::{Path, State};
use fleet::{Paths, PublicId};
use objects::{Attribute, Attributes, ContentFormat, Node};

use super::{
    access::Caller,
    devices::device_id,
    extract::{Json, PageQuery, Query, id},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{CancelMode, NewOperation, NodePath, Operation, OperationRequest, Page, Value, WriteMode},
};

/// How long a device is waited for if nothing is said.
const WAIT: Duration = Duration::from_secs(10);

/// The operations of a device, newest first.
#[utoipa::path(get, path = "/devices/{device}/operations", tag = "operations", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id"), PageQuery),
    responses((status = 200, description = "A page of operations", body = Page<Operation>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Failure> {
    let page = api.fleet().operations(&context, device_id(&device)?, &page.request()?).await?;
    Reply::ok(&Page::of(page, Operation::from))
}

/// Asks an operation of a device, and waits for its answer for a while.
#[utoipa::path(post, path = "/devices/{device}/operations", tag = "operations", request_body = NewOperation,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["operate"])),
    responses(
        (status = 200, description = "What came of it", body = Operation),
        (status = 202, description = "It waits for the device; Location says where it will be told what came of it", body = Operation),
    ))]
pub(super) async fn ask(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(new): Json<NewOperation>,
) -> Result<Reply, Failure> {
    let device = device_id(&device)?;
    let wait = new.wait_seconds.map_or(WAIT, Duration::from_secs);
    if wait > Api::PATIENCE {
        return Err(Failure::field("wait_seconds", format!("at most {}", Api::PATIENCE.as_secs())));
    }
    let expires_in = new.expires_in_seconds.map(Duration::from_secs);
    if expires_in.is_some_and(|time| time.is_zero() || time > fleet::Order::MAX_EXPIRY) {
        let detail = format!("1 to {}", fleet::Order::MAX_EXPIRY.as_secs());
        return Err(Failure::field("expires_in_seconds", detail));
    }
    let terms = fleet::Terms { expires_in, priority: new.priority.map(Into::into).unwrap_or_default() };
    let operation = operation(&api, &context, device, new.request).await?;
    let begin = {
        let (fleet, context) = (Arc::clone(api.fleet()), context.clone());
        async move { fleet.begin(&context, device, operation, terms).await }
    };
    api.ask(&context, device, wait, begin).await
}

/// One operation, with what came of it and the exchange on the wire while that is remembered.
#[utoipa::path(get, path = "/devices/{device}/operations/{operation}", tag = "operations", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id"),
        ("operation" = String, Path, description = "The operation's id")),
    responses((status = 200, description = "The operation", body = Operation)))]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path((device, operation)): Path<(String, String)>,
) -> Result<Reply, Failure> {
    let device = device_id(&device)?;
    Reply::ok(&api.find(&context, device, id(&operation, "operation")?).await?)
}

/// Takes an operation out of the queue of its device.
#[utoipa::path(post, path = "/devices/{device}/operations/{operation}/cancel", tag = "operations",
    params(("device" = String, Path, description = "The device's id"),
        ("operation" = String, Path, description = "The operation's id")),
    security(("token" = ["operate"])), responses((status = 204, description = "It is cancelled")))]
pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path((device, operation)): Path<(String, String)>,
) -> Result<Reply, Failure> {
    api.fleet().cancel_operation(&context, device_id(&device)?, id(&operation, "operation")?).await?;
    Ok(Reply::done())
}

/// What is asked, in the words of the domain.
async fn operation(
    api: &Api,
    context: &fleet::Context,
    device: PublicId,
    request: OperationRequest,
) -> Result<fleet::Operation, Failure> {
    use fleet::Operation as Asked;
    Ok(match request {
        OperationRequest::Read { path, format } => {
            Asked::Read { path: path.0, format: format.map(ContentFormat::from) }
        }
        OperationRequest::Discover { path } => Asked::Discover { path: path.0 },
        OperationRequest::Write { path, mode, value, text, values, format } => {
            let values = match (value, text, values) {
                (Some(value), None, None) => vec![(path.0, value.into())],
                (None, Some(text), None) => vec![(path.0, typed(api, context, device, path, &text).await?)],
                (None, None, Some(values)) => below(path.0, values)?,
                _ => return Err(Failure::field("request", "give one of value, text and values")),
            };
            Asked::Write {
                path: path.0,
                mode: mode.unwrap_or(WriteMode::Replace).into(),
                node: node(path.0, values)?,
                format: format.map(ContentFormat::from),
            }
        }
        OperationRequest::WriteAttributes { path, set, unset } => {
            let (set, unset) = attributes(&set, &unset)?;
            Asked::WriteAttributes { path: path.0, set, unset }
        }
        OperationRequest::Execute { path, arguments } => Asked::Execute { path: path.0, arguments },
        OperationRequest::Create { path, values, format } => {
            let Some(object) = path.0.object().filter(|_| path.0.depth() <= 2) else {
                return Err(Failure::field("request.path", "an object, or the instance to create"));
            };
            let instance = path.0.instance();
            let base = objects::Path::Instance(object, instance.unwrap_or(objects::InstanceId(0)));
            let node = node(base, below(base, values)?)?;
            Asked::Create { object, instance, node, format: format.map(ContentFormat::from) }
        }
        OperationRequest::Delete { path } => Asked::Delete { path: path.0 },
        OperationRequest::Observe { path, format } => {
            Asked::Observe { path: path.0, format: format.map(ContentFormat::from) }
        }
        OperationRequest::CancelObservation { path, mode } => {
            Asked::CancelObservation { path: path.0, mode: mode.unwrap_or(CancelMode::Active).into() }
        }
        OperationRequest::ReadComposite { paths, format } => {
            Asked::ReadComposite { paths: all(paths), format: format.map(ContentFormat::from) }
        }
        OperationRequest::WriteComposite { values, format } => Asked::WriteComposite {
            values: values.into_iter().map(|(path, value)| (path.0, value.into())).collect(),
            format: format.map(ContentFormat::from),
        },
        OperationRequest::ObserveComposite { paths, format } => {
            Asked::ObserveComposite { paths: all(paths), format: format.map(ContentFormat::from) }
        }
        OperationRequest::CancelCompositeObservation { paths, mode } => Asked::CancelCompositeObservation {
            paths: all(paths),
            mode: mode.unwrap_or(CancelMode::Active).into(),
        },
    })
}

fn all(paths: Vec<NodePath>) -> Paths {
    paths.into_iter().map(|path| path.0).collect()
}

/// A value as a person types it, by the definition of its resource.
async fn typed(
    api: &Api,
    context: &fleet::Context,
    device: PublicId,
    path: NodePath,
    text: &str,
) -> Result<objects::Value, Failure> {
    let detail = api.fleet().device(context, device).await?;
    let registration = detail.view.registration.ok_or(fleet::FleetError::NotRegistered)?;
    let registry = api.fleet().registry();
    let data_type = path.0.object().zip(path.0.resource()).and_then(|(object, resource)| {
        let version = registration.links.version_of(object, registration.lwm2m);
        registry.object(object, version)?.resource(resource)?.data_type
    });
    let Some(data_type) = data_type else {
        return Err(Failure::field(
            "request.text",
            "no definition gives this resource a type: give a value with its type",
        ));
    };
    objects::Value::parse(data_type, text).map_err(|error| Failure::field("request.text", error.to_string()))
}

/// Values by their full paths.
fn below(
    base: objects::Path,
    values: BTreeMap<String, Value>,
) -> Result<Vec<(objects::Path, objects::Value)>, Failure> {
    let full = |(relative, value): (String, Value)| {
        let path = format!("{base}/{relative}").parse();
        let path = path.map_err(|error: objects::PathError| {
            Failure::field(&format!("request.values.{relative}"), error.to_string())
        })?;
        Ok((path, value.into()))
    };
    values.into_iter().map(full).collect()
}

fn node(base: objects::Path, values: Vec<(objects::Path, objects::Value)>) -> Result<Node, Failure> {
    let (node, outside) = Node::from_values(base, values);
    match (node, outside.first()) {
        (Some(node), None) => Ok(node),
        (_, Some(path)) => {
            Err(Failure::field("request.values", format!("{path} is no resource below {base}")))
        }
        (None, None) => Err(Failure::field("request.path", "an instance, a resource or a resource instance")),
    }
}

fn attributes(
    set: &BTreeMap<String, String>,
    unset: &[String],
) -> Result<(Attributes, Vec<Attribute>), Failure> {
    let named = |field: &str, name: &str| {
        let known = Attribute::ALL.map(Attribute::name).join(", ");
        Attribute::from_name(name)
            .ok_or_else(|| Failure::field(field, format!("no such attribute; there are {known}")))
    };
    let mut attributes = Attributes::default();
    for (name, value) in set {
        let field = format!("request.set.{name}");
        let attribute = named(&field, name)?;
        attributes.set(attribute, value).map_err(|error| Failure::field(&field, error.to_string()))?;
    }
    let unset = unset.iter().map(|name| named("request.unset", name)).collect::<Result<_, _>>()?;
    Ok((attributes, unset))
}
