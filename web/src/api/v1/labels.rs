//! `/devices/{device}/labels`: what people write on devices, and `/classes/{class}/rule`, which puts devices into classes.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::{Path, State};
use fleet::PublicId;

use super::{
    access::Caller,
    devices::device_id,
    extract::Json,
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{BulkLabelling, BulkReport, ClassRule, ContestedDevice, Labels, Page},
};

/// How many devices are listed that may be of a class and of others as well.
const CONTESTED: usize = 100;

/// The labels of a device.
#[utoipa::path(get, path = "/devices/{device}/labels", tag = "devices", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id")),
    responses((status = 200, description = "Its labels", body = Labels)))]
pub(super) async fn labels(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    Reply::ok(&Labels::from(&api.fleet().labels(&context, device_id(&device)?).await?))
}

/// Says which labels a device has: all of them.
#[utoipa::path(put, path = "/devices/{device}/labels", tag = "devices", request_body = Labels,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has these labels")))]
pub(super) async fn set_labels(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(Labels { labels }): Json<Labels>,
) -> Result<Reply, Failure> {
    api.fleet().set_labels(&context, device_id(&device)?, read(&labels, "labels")?).await?;
    Ok(Reply::done())
}

/// Puts labels on many devices and takes labels off; one that can't be labelled keeps none of the others.
#[utoipa::path(post, path = "/devices/labels", tag = "devices", request_body = BulkLabelling,
    security(("token" = ["administer"])),
    responses((status = 200, description = "What became of them", body = BulkReport)))]
pub(super) async fn label_many(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(bulk): Json<BulkLabelling>,
) -> Result<Reply, Failure> {
    let id = |(at, text): (usize, &String)| {
        text.parse()
            .map_err(|error: fleet::IdError| Failure::field(&format!("devices[{at}]"), error.to_string()))
    };
    let ids = bulk.devices.iter().enumerate().map(id).collect::<Result<Vec<PublicId>, _>>()?;
    let set = read(&bulk.set, "set")?;
    Reply::ok(&BulkReport::from(api.fleet().label_devices(&context, &ids, &set, &bulk.unset).await?))
}

/// Which devices are of a class.
#[utoipa::path(get, path = "/classes/{class}/rule", tag = "classes", security(("token" = ["read"])),
    params(("class" = String, Path, description = "The class's name")),
    responses((status = 200, description = "The rule", body = ClassRule)))]
pub(super) async fn class_rule(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    let class = api.class(&context, Some(&class), "class").await?;
    Reply::ok(&ClassRule::from(api.fleet().class_rule(&context, class.id).await?))
}

/// Says which devices are of a class. Those that nobody has put into a class are put into it, in the background.
#[utoipa::path(put, path = "/classes/{class}/rule", tag = "classes", request_body = ClassRule,
    params(("class" = String, Path, description = "The class's name")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has that rule")))]
pub(super) async fn set_class_rule(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
    Json(rule): Json<ClassRule>,
) -> Result<Reply, Failure> {
    let class = api.class(&context, Some(&class), "class").await?;
    let rule = fleet::ClassRule {
        manufacturer: rule.manufacturer,
        model: rule.model,
        objects: rule.objects.into_iter().map(objects::ObjectId).collect(),
        labels: read(&rule.labels, "labels")?,
    };
    api.fleet().set_class_rule(&context, class.id, rule).await?;
    Ok(Reply::done())
}

/// The first hundred devices that may be of a class and, by rules that say as much, of others as well. They are in the default
/// class until somebody puts them into one.
#[utoipa::path(get, path = "/classes/{class}/contested", tag = "classes", security(("token" = ["read"])),
    params(("class" = String, Path, description = "The class's name")),
    responses((status = 200, description = "The devices", body = Page<ContestedDevice>)))]
pub(super) async fn contested(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    let class = api.class(&context, Some(&class), "class").await?;
    let devices = api.fleet().contested(&context, class.id, CONTESTED).await?;
    Reply::ok(&Page::whole(devices.into_iter().map(ContestedDevice::from).collect()))
}

/// Labels as they were sent.
fn read(texts: &BTreeMap<String, String>, field: &str) -> Result<fleet::Labels, Failure> {
    let mut labels = fleet::Labels::default();
    for (key, value) in texts {
        let text = if value.is_empty() { key.clone() } else { format!("{key}={value}") };
        let label = text.parse().and_then(|label| labels.set(label));
        label.map_err(|error| Failure::field(&format!("{field}.{key}"), error.to_string()))?;
    }
    Ok(labels)
}
