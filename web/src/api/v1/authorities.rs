//! `/authorities`: who is trusted to say which device is which; `/server-keys`: how devices know this server.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
};
use fleet::FleetError;

use super::{
    access::Caller,
    extract::{Json, id, media_type, unsupported},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{Authority, NewAuthority, Page, ServerKeys},
};

/// The authorities that are trusted, oldest first; the server's own one is among them.
#[utoipa::path(get, path = "/authorities", tag = "authorities", security(("token" = ["read"])),
    responses((status = 200, description = "The authorities", body = Page<Authority>)))]
pub(super) async fn list(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let authorities = api.fleet().authorities(&context).await?;
    Reply::ok(&Page::whole(authorities.into_iter().filter_map(Authority::of).collect()))
}

/// Trusts an authority: devices may come with certificates that it has issued.
#[utoipa::path(post, path = "/authorities", tag = "authorities", request_body = NewAuthority,
    security(("token" = ["administer"])),
    responses((status = 201, description = "The authority", body = Authority)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(NewAuthority { name, certificate }): Json<NewAuthority>,
) -> Result<Reply, Failure> {
    let added = api.fleet().add_authority(&context, &name, certificate.as_bytes()).await?;
    Reply::created("/authorities".to_owned(), &told(added)?)
}

/// Trusts an authority no more: the sessions that were opened by what it has issued end.
#[utoipa::path(delete, path = "/authorities/{authority}", tag = "authorities",
    params(("authority" = String, Path, description = "The authority's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It is trusted no more")))]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(authority): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().remove_authority(&context, id(&authority, "authority")?).await?;
    Ok(Reply::done())
}

/// Takes the list of what an authority has taken back. It must be signed by the authority and not be older than the one
/// before; sessions that were opened by a certificate on it end.
#[utoipa::path(put, path = "/authorities/{authority}/revocation-list", tag = "authorities",
    request_body(content((String = "application/x-pem-file"), (String = "application/pkix-crl"))),
    params(("authority" = String, Path, description = "The authority's id")), security(("token" = ["administer"])),
    responses((status = 200, description = "The authority with its list", body = Authority)))]
pub(super) async fn set_revocation_list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(authority): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Reply, Failure> {
    if !matches!(media_type(&headers).as_str(), "application/x-pem-file" | "application/pkix-crl") {
        return Err(unsupported("application/x-pem-file or application/pkix-crl"));
    }
    let authority = id(&authority, "authority")?;
    Reply::ok(&told(api.fleet().set_revocation_list(&context, authority, &body).await?)?)
}

/// How devices know this server: its certificate, and its raw public key.
#[utoipa::path(get, path = "/server-keys", tag = "authorities", security(("token" = ["read"])),
    responses((status = 200, description = "The keys", body = ServerKeys)))]
pub(super) async fn server_keys(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
) -> Result<Reply, Failure> {
    Reply::ok(&ServerKeys::from(api.fleet().server_keys(&context).await?))
}

fn told(authority: fleet::Authority) -> Result<Authority, Failure> {
    Authority::of(authority).ok_or_else(|| FleetError::NotFound("authority").into())
}
