//! `/devices`: who there is, who is let in, and who is taken out.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
};
use fleet::{Context, EndpointName, FleetError, ImportFormat, PublicId, store};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    access::Caller,
    extract::{Json, Query, id, media_type, page, unsupported},
    failure::Failure,
    given, groups,
    reply::Reply,
    state::Api,
    types::{
        BulkRemoval, BulkReport, Classification, Device, DeviceDetail, DeviceState, Enrolled, ImportReport,
        NewDevice, Page, ProblemKind, ShownCredential,
    },
};
use crate::named::names_of;

/// Which devices, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeviceFilter {
    /// The one device of this endpoint name, removed or not; goes with no other filter.
    endpoint: Option<String>,
    /// The one device that holds, or held last, the credential of this identity: of a pre-shared key as it
    /// is, of the others `spki:…`, `cn:…`, `san:…` or `serial:…`; goes with no other filter.
    identity: Option<String>,
    /// Only endpoint names that begin so.
    prefix: Option<String>,
    /// Only devices in this state; without it, all but the removed ones.
    state: Option<DeviceState>,
    /// Only devices of the class of this name.
    class: Option<String>,
    /// Only devices with a credential that opens sessions, or only those without.
    secured: Option<bool>,
    /// Only devices with this label, as `key=value`, or as `key` with any value.
    label: Option<String>,
    /// Only devices in the group of this id.
    group: Option<String>,
    /// `endpoint` (if nothing is said), or `last-seen`: last heard first.
    #[param(inline)]
    order: Option<Order>,
    /// Where the page before ended: its `next`, as it is.
    after: Option<String>,
    /// How many rows at most: 1 to 500; 50 if nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The order of the list of devices.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Order {
    #[default]
    Endpoint,
    LastSeen,
}

/// How a device is removed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Removal {
    /// Why, in a few words; it stands in the audit log.
    #[param(example = "decommissioned")]
    reason: String,
    /// Whether its values, timeline and operations are kept; they are not if nothing is said.
    keep_data: Option<bool>,
}

/// How a file is imported.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportHow {
    /// Only say what would be done.
    #[param(example = true)]
    dry_run: Option<bool>,
}

/// Lists devices.
#[utoipa::path(get, path = "/devices", tag = "devices", params(DeviceFilter), security(("token" = ["read"])),
    responses((status = 200, description = "A page of devices", body = Page<Device>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(filter): Query<DeviceFilter>,
) -> Result<Reply, Failure> {
    let page = page(filter.after.clone(), filter.limit)?;
    if filter.endpoint.is_some() || filter.identity.is_some() {
        return one(&api, &context, filter).await;
    }
    let class = match filter.class {
        Some(name) => Some(api.class(&context, Some(&name), "class").await?.id),
        None => None,
    };
    let label = filter.label.map(|text| text.parse()).transpose();
    let label = label.map_err(|error: fleet::LabelError| {
        Failure::of_field(ProblemKind::BadRequest, "label", error.to_string())
    })?;
    let group = match filter.group {
        Some(text) => Some(groups::named(&api, &context, &text).await?.id),
        None => None,
    };
    let query = store::DeviceQuery {
        label,
        group,
        prefix: filter.prefix,
        state: filter.state.map(fleet::DeviceState::from),
        class,
        secured: filter.secured,
        order: match filter.order.unwrap_or_default() {
            Order::Endpoint => store::DeviceOrder::Endpoint,
            Order::LastSeen => store::DeviceOrder::LastSeen,
        },
        page,
    };
    let page = api.fleet().devices(&context, &query).await?;
    let ids: Vec<_> = page.rows.iter().map(|row| row.device.id).collect();
    let labels = api.fleet().labels_of(&context, &ids).await?;
    Reply::ok(&Page::of(page, |row| {
        let labels = labels.get(&row.device.id);
        Device::of(row, labels)
    }))
}

/// A list of the one device that a name or an identity belongs to, or of none.
async fn one(api: &Api, context: &Context, filter: DeviceFilter) -> Result<Reply, Failure> {
    let DeviceFilter { endpoint, identity, prefix, state, class, secured, label, group, after, .. } = filter;
    let field = if endpoint.is_some() { "endpoint" } else { "identity" };
    let others = [prefix.is_some(), state.is_some(), class.is_some(), secured.is_some(), after.is_some()];
    let others = [others.contains(&true), label.is_some(), group.is_some()];
    if others.contains(&true) || (endpoint.is_some() && identity.is_some()) {
        let detail = "names one device, and goes with no other filter";
        return Err(Failure::of_field(ProblemKind::BadRequest, field, detail));
    }
    let endpoint = endpoint.and_then(|text| EndpointName::new(text).ok());
    let names = identity.map(|text| names_of(&text)).unwrap_or_default();
    let mut found = Err(FleetError::NotFound("device"));
    if let Some(endpoint) = endpoint {
        found = api.fleet().device_by_endpoint(context, &endpoint).await;
    } else if names.is_empty() {
        // No device has such a name; whether the caller may know is for a verb to say.
        api.fleet().overview(context).await?;
    }
    for name in names {
        if matches!(found, Err(FleetError::NotFound(_))) {
            found = api.fleet().device_by_identity(context, &name).await;
        }
    }
    match found {
        Ok(view) => {
            let labels = api.fleet().labels_of(context, &[view.device.id]).await?;
            let labels = labels.get(&view.device.id);
            Reply::ok(&Page::whole(vec![Device::one(view, labels)]))
        }
        Err(FleetError::NotFound(_)) => Reply::ok(&Page::<Device>::whole(Vec::new())),
        Err(error) => Err(error.into()),
    }
}

/// Adds a device, or one that was removed again under its name. Its keys are shown this once.
#[utoipa::path(post, path = "/devices", tag = "devices", request_body = NewDevice, security(("token" = ["administer"])),
    responses((status = 201, description = "The device, with the keys of its credentials", body = Enrolled)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(new): Json<NewDevice>,
) -> Result<Reply, Failure> {
    let class = api.class(&context, new.class.as_deref(), "class").await?;
    let endpoint =
        EndpointName::new(new.endpoint).map_err(|error| Failure::field("endpoint", error.to_string()))?;
    let device = fleet::NewDevice {
        endpoint,
        class: Some(class.id),
        bootstrap: new.bootstrap.map(|new| given::credential(new, "bootstrap")).transpose()?,
        management: new.management.map(|new| given::credential(new, "management")).transpose()?,
    };
    let holds_it = which_is_wrong(&device, &class);
    let added = api.fleet().add_device(&context, device).await;
    let fleet::Enrolled { device, shown } = added.map_err(|error| given::located(error, holds_it))?;
    let mut enrolled = Enrolled {
        id: device.public_id.to_string(),
        endpoint: device.endpoint.to_string(),
        class: class.name,
        credentials: shown.into_iter().map(ShownCredential::from).collect(),
    };
    let reply = Reply::created(format!("/devices/{}", enrolled.id), &enrolled)?;
    enrolled.credentials = enrolled.credentials.iter().map(ShownCredential::without_key).collect();
    reply.kept_as(&enrolled)
}

/// One device with its registration.
#[utoipa::path(get, path = "/devices/{device}", tag = "devices", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id")),
    responses((status = 200, description = "The device", body = DeviceDetail)))]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    Reply::ok(&DeviceDetail::of(api.fleet().device(&context, device_id(&device)?).await?))
}

/// Puts a device into another class.
#[utoipa::path(put, path = "/devices/{device}/class", tag = "devices", request_body = Classification,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It belongs to that class")))]
pub(super) async fn classify(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(Classification { class }): Json<Classification>,
) -> Result<Reply, Failure> {
    let class = api.class(&context, Some(&class), "class").await?;
    api.fleet().classify_device(&context, device_id(&device)?, class.id).await?;
    Ok(Reply::done())
}

/// Removes a device: its credentials are revoked, its registration and sessions end, what waits for it is cancelled.
#[utoipa::path(delete, path = "/devices/{device}", tag = "devices", security(("token" = ["administer"])),
    params(("device" = String, Path, description = "The device's id"), Removal),
    responses((status = 204, description = "It is removed")))]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Query(how): Query<Removal>,
) -> Result<Reply, Failure> {
    let removal = fleet::Removal { keep_data: how.keep_data.unwrap_or(false), reason: how.reason };
    api.fleet().remove_device(&context, device_id(&device)?, removal).await?;
    Ok(Reply::done())
}

/// Removes many devices; one that can't be removed keeps none of the others.
#[utoipa::path(post, path = "/devices/removals", tag = "devices", request_body = BulkRemoval,
    security(("token" = ["administer"])),
    responses((status = 200, description = "What became of them", body = BulkReport)))]
pub(super) async fn remove_many(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(bulk): Json<BulkRemoval>,
) -> Result<Reply, Failure> {
    let ids: Result<Vec<PublicId>, Failure> = bulk
        .devices
        .iter()
        .enumerate()
        .map(|(at, text)| {
            text.parse()
                .map_err(|error: fleet::IdError| Failure::field(&format!("devices[{at}]"), error.to_string()))
        })
        .collect();
    let removal = fleet::Removal { keep_data: bulk.keep_data, reason: bulk.reason };
    Reply::ok(&BulkReport::from(api.fleet().remove_devices(&context, ids?, removal).await?))
}

/// Imports devices: CSV with a line of names (`endpoint`, `class`, `labels`, and for the bootstrap server `bootstrap_identity` with
/// `bootstrap_key`, or `bootstrap_public_key`, or `bootstrap_certificate`; for the management server `management_…`
/// likewise), or one JSON object with these names a line. Keys are in hexadecimal digits; public keys and certificates
/// are DER in hexadecimal digits or base64; instead of a certificate there may stand what names the device in it:
/// `cn:…`, `san:…` or `serial:…`. A row that is there already as it stands changes nothing, so that a file may be sent
/// again.
#[utoipa::path(post, path = "/devices/imports", tag = "devices", params(ImportHow),
    request_body(content((String = "text/csv"), (String = "application/x-ndjson"))),
    security(("token" = ["administer"])),
    responses((status = 200, description = "What came of the rows", body = ImportReport)))]
pub(super) async fn import(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(how): Query<ImportHow>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Reply, Failure> {
    let format = match media_type(&headers).as_str() {
        "text/csv" => ImportFormat::Csv,
        "application/x-ndjson" | "application/jsonl" => ImportFormat::JsonLines,
        _ => return Err(unsupported("text/csv or application/x-ndjson")),
    };
    let report = api.fleet().import(&context, format, &body, how.dry_run.unwrap_or(false)).await?;
    Reply::ok(&ImportReport::from(report))
}

/// The id of a device.
pub(super) fn device_id(text: &str) -> Result<PublicId, Failure> {
    id(text, "device")
}

/// The field that an error about a credential is of: the only one, or the only one whose kind the class does not let in.
/// Nothing where it may be either.
fn which_is_wrong(new: &fleet::NewDevice, class: &fleet::Class) -> &'static str {
    let given = [("bootstrap", &new.bootstrap), ("management", &new.management)];
    let given: Vec<_> = given.iter().filter_map(|(name, given)| Some((*name, given.as_ref()?))).collect();
    let barred: Vec<_> = given.iter().filter(|(_, given)| !class.policy.allows(given.kind())).collect();
    match (&given[..], &barred[..]) {
        ([(name, _)], _) | (_, [(name, _)]) => name,
        _ => "",
    }
}
