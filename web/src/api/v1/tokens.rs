//! `/tokens`: what programs prove who they are with.

use std::{sync::Arc, time::Duration};

use axum::extract::{Path, State};

use super::{
    access::Caller,
    extract::{Json, id},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{MadeToken, NewToken, Page, Token},
};

/// One's own tokens; all of them for an administrator. Newest first.
#[utoipa::path(get, path = "/tokens", tag = "tokens", security(("token" = ["read"])),
    responses((status = 200, description = "The tokens", body = Page<Token>)))]
pub(super) async fn list(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let tokens = api.fleet().tokens(&context).await?;
    Reply::ok(&Page::whole(tokens.into_iter().map(Token::from).collect()))
}

/// Makes a token of one's own account, with at most one's own scope. Its text is shown this once.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = NewToken, security(("token" = ["read"])),
    responses((status = 201, description = "The token with its text", body = MadeToken)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(new): Json<NewToken>,
) -> Result<Reply, Failure> {
    let expires_in = new.expires_in_seconds.map(Duration::from_secs);
    let (token, text) = api.fleet().add_token(&context, &new.name, new.scope.into(), expires_in).await?;
    let made = MadeToken { token: token.into(), text: Some(text) };
    let kept = MadeToken { token: made.token.clone(), text: None };
    Reply::created("/tokens".to_owned(), &made)?.kept_as(&kept)
}

/// Revokes a token: one of one's own, or any by an administrator.
#[utoipa::path(delete, path = "/tokens/{token}", tag = "tokens", security(("token" = ["read"])),
    params(("token" = String, Path, description = "The token's id")),
    responses((status = 204, description = "It is revoked")))]
pub(super) async fn revoke(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(token): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().revoke_token(&context, id(&token, "token")?).await?;
    Ok(Reply::done())
}
