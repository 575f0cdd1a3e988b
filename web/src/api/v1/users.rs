//! `/users`: accounts of people.

use std::sync::Arc;

use axum::extract::{Path, State};
use fleet::{FleetError, PasswordHash, PublicId};

use super::{
    access::Caller,
    extract::{Json, id},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{Activity, NewPassword, NewRole, NewUser, Page, User},
};

/// The accounts, by name.
#[utoipa::path(get, path = "/users", tag = "users", security(("token" = ["administer"])),
    responses((status = 200, description = "The accounts", body = Page<User>)))]
pub(super) async fn list(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let users = api.fleet().users(&context).await?;
    Reply::ok(&Page::whole(users.into_iter().map(User::from).collect()))
}

/// Makes an account.
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewUser, security(("token" = ["administer"])),
    responses((status = 201, description = "The account", body = User)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(new): Json<NewUser>,
) -> Result<Reply, Failure> {
    // Whoever may not see accounts is not to make the server hash a password.
    api.fleet().users(&context).await?;
    let hash = hash(&api, new.name.clone(), new.password).await?;
    let user = api.fleet().add_user(&context, &new.name, new.role.into(), hash).await?;
    Reply::created("/users".to_owned(), &User::from(user))
}

/// Gives an account another role; it applies at once.
#[utoipa::path(put, path = "/users/{user}/role", tag = "users", request_body = NewRole,
    params(("user" = String, Path, description = "The account's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has that role")))]
pub(super) async fn change_role(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(user): Path<String>,
    Json(NewRole { role }): Json<NewRole>,
) -> Result<Reply, Failure> {
    api.fleet().change_role(&context, id(&user, "account")?, role.into()).await?;
    Ok(Reply::done())
}

/// Disables an account, or enables it again.
#[utoipa::path(put, path = "/users/{user}/activity", tag = "users", request_body = Activity,
    params(("user" = String, Path, description = "The account's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It is so")))]
pub(super) async fn disable(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(user): Path<String>,
    Json(Activity { disabled }): Json<Activity>,
) -> Result<Reply, Failure> {
    api.fleet().disable_user(&context, id(&user, "account")?, disabled).await?;
    Ok(Reply::done())
}

/// Gives an account another password. Its sessions end; its tokens stay.
#[utoipa::path(put, path = "/users/{user}/password", tag = "users", request_body = NewPassword,
    params(("user" = String, Path, description = "The account's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has that password")))]
pub(super) async fn set_password(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(user): Path<String>,
    Json(NewPassword { password }): Json<NewPassword>,
) -> Result<Reply, Failure> {
    let id: PublicId = id(&user, "account")?;
    let users = api.fleet().users(&context).await?;
    let user =
        users.into_iter().find(|user| user.public_id == id).ok_or_else(|| Failure::not_found("account"))?;
    let hash = hash(&api, user.name, password).await?;
    api.fleet().set_password(&context, id, hash).await?;
    Ok(Reply::done())
}

async fn hash(api: &Api, name: String, password: String) -> Result<PasswordHash, FleetError> {
    let salt = api.app.random();
    Ok(api.app.hashing.run(move || PasswordHash::make(&name, &password, salt)).await??)
}
