//! `/overview`, and the document itself.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{access::Caller, failure::Failure, reply::Reply, state::Api, types::Overview};

/// Counts over the fleet.
#[utoipa::path(get, path = "/overview", tag = "overview", security(("token" = ["read"])),
    responses((status = 200, description = "The counts", body = Overview)))]
pub(super) async fn overview(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    Reply::ok(&Overview::from(api.fleet().overview(&context).await?))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "overview", security(("token" = ["read"])),
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object)))]
pub(super) async fn openapi(State(api): State<Arc<Api>>, Caller(_): Caller) -> Response {
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([content_type], api.document.clone()).into_response()
}
