//! Who is there: sessions of the console, kept by the fleet's store, and the extractor of who is logged in.
//!
//! The cookie holds a random identifier of 128 bits, made anew at each login; the store sees only its hash. Somebody who
//! is not logged in has no session at all, so that strangers fill no table.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use axum::{
    extract::FromRequestParts,
    http::{Method, request::Parts},
};
use fleet::{Context, Fleet, FleetError, Permission, RequestId, Timestamp, User, UserId};
use serde::{Deserialize, Serialize};
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::{
        SameSite,
        time::{Duration, OffsetDateTime},
    },
    session::{Id, Record},
    session_store,
};

use crate::{app::App, error::WebError};

/// How long a session lives after its login, whatever happens in it.
const LIFETIME: Duration = Duration::hours(12);

/// Where the login is found in a session.
const LOGIN: &str = "login";

pub(crate) fn layer(app: &Arc<App>) -> SessionManagerLayer<FleetSessions> {
    let secure = app.settings.cookie_secure;
    SessionManagerLayer::new(FleetSessions(Arc::clone(app)))
        .with_name(if secure { "__Host-muster" } else { "muster" })
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Strict)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(LIFETIME))
}

/// Whoever is logged in. As an extractor it refuses everybody else: a page leads to the login, an action is refused.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) name: String,
    pub(crate) csrf: String,
    pub(crate) context: Context,
    user: UserId,
    at: Timestamp,
    session: Session,
}

/// What a session holds.
#[derive(Clone, Serialize, Deserialize)]
struct Login {
    user: i64,
    name: String,
    csrf: String,
    /// When they logged in: what has changed about the account since may end the session.
    at: i64,
}

impl SignedIn {
    /// Begins a session for an account, under a new identifier.
    pub(crate) async fn begin(
        app: &App,
        session: &Session,
        user: &User,
        at: Timestamp,
    ) -> Result<(), WebError> {
        session.clear().await;
        session.cycle_id().await?;
        let login = Login { user: user.id.0, name: user.name.clone(), csrf: app.token(), at: at.0 };
        session.insert(LOGIN, login).await?;
        Ok(())
    }

    /// Ends the session.
    pub(crate) async fn end(&self, fleet: &Fleet) -> Result<(), WebError> {
        self.session.flush().await?;
        Ok(fleet.logout(&self.context).await?)
    }

    /// Whether the account holds a permission. Verbs ask again.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.context.actor.may(permission)
    }

    /// Refuses a page that only leads to what they may not do; for what is done, the verb decides and notes it.
    pub(crate) fn demand(&self, permission: Permission) -> Result<(), WebError> {
        if self.may(permission) { Ok(()) } else { Err(FleetError::Forbidden.into()) }
    }

    /// The account.
    pub(crate) fn user(&self) -> UserId {
        self.user
    }

    /// Whether the session and its account are still there, for what outlives a request.
    pub(crate) async fn still_there(&self, app: &App) -> bool {
        let Some(id) = self.session.id() else { return false };
        let session = app.fleet.session_load(&id.0.to_be_bytes(), app.now()).await;
        let actor = app.fleet.actor(self.user, &self.name, self.at).await;
        matches!(session, Ok(Some(_))) && matches!(actor, Ok(Some(actor)) if actor == self.context.actor)
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, WebError> {
        let logged_out = |parts: &Parts| {
            let readable =
                matches!(parts.method, Method::GET | Method::HEAD) && !parts.uri.path().ends_with("/events");
            let path = parts.uri.path_and_query().map(|path| path.to_string());
            WebError::LoggedOut { next: path.filter(|_| readable) }
        };
        let Some(session) = parts.extensions.get::<Session>().cloned() else { return Err(logged_out(parts)) };
        let Some(login) = session.get::<Login>(LOGIN).await? else { return Err(logged_out(parts)) };
        let at = Timestamp(login.at);
        let Some(actor) = app.fleet.actor(UserId(login.user), &login.name, at).await? else {
            return Err(logged_out(parts));
        };
        let request = parts.extensions.get::<RequestId>().copied().unwrap_or_else(|| app.request_id());
        let context = Context { actor, now: app.now(), request };
        Ok(Self { name: login.name, csrf: login.csrf, context, user: UserId(login.user), at, session })
    }
}

/// The session store of tower-sessions over the fleet's verbs.
#[derive(Clone)]
pub(crate) struct FleetSessions(Arc<App>);

impl FleetSessions {
    async fn write(&self, record: &Record) -> session_store::Result<()> {
        let data = serde_json::to_vec(&record.data)
            .map_err(|error| session_store::Error::Encode(error.to_string()))?;
        let expires_at = Timestamp(record.expiry_date.unix_timestamp().saturating_mul(1_000));
        let id = record.id.0.to_be_bytes();
        self.0.fleet.session_save(&id, data, expires_at).await.map_err(backend)
    }
}

#[async_trait]
impl SessionStore for FleetSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        // Made here and not by tower-sessions, so that all randomness of the console has one source.
        record.id = Id(i128::from_be_bytes(self.0.random()));
        self.write(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.write(record).await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let stored = self.0.fleet.session_load(&id.0.to_be_bytes(), self.0.now()).await.map_err(backend)?;
        let Some(stored) = stored else { return Ok(None) };
        let data = serde_json::from_slice(&stored.data)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(stored.expires_at.0.div_euclid(1_000))
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0.fleet.session_end(&id.0.to_be_bytes()).await.map_err(backend)
    }
}

fn backend(error: FleetError) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

impl fmt::Debug for FleetSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FleetSessions")
    }
}
