//! The verbs on accounts: the first administrator, logging in and out, and the sessions of the console.
//!
//! Those who log in or set up are not known yet: their verbs take no [`Context`] but the moment and the request.

use std::{net::IpAddr, sync::PoisonError};

use super::throttle::Written;
use crate::{
    Actor, AuditEntry, Cause, Change, Commit, Context, Fleet, FleetError, LoginAttempt, PasswordHash,
    PublicId, RequestId, Role, SetupLink, Timestamp, User, UserId, Verb, WebSession,
};

impl Fleet {
    /// Whether no administrator exists yet.
    pub async fn setup_needed(&self) -> Result<bool, FleetError> {
        Ok(!self.store.has_administrator().await?)
    }

    /// Makes the one link that makes the first administrator, and gives the text of its token; a link made before is
    /// void. None if an administrator exists.
    pub async fn setup_link(&self, now: Timestamp) -> Result<Option<String>, FleetError> {
        if self.store.has_administrator().await? {
            return Ok(None);
        }
        let mut random = [0; 32];
        (self.entropy)(&mut random);
        let (link, token) = SetupLink::new(random, now);
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
        Ok(Some(token))
    }

    /// Whether a set-up token would be taken now.
    pub fn setup_open(&self, token: &str, now: Timestamp) -> bool {
        let link = self.setup.lock().unwrap_or_else(PoisonError::into_inner);
        link.as_ref().is_some_and(|link| link.opens(token, now))
    }

    /// Makes the first administrator. The link is void afterwards; if it fails for another reason the link stays.
    pub async fn complete_setup(
        &self,
        token: &str,
        name: &str,
        password: PasswordHash,
        now: Timestamp,
        request: RequestId,
    ) -> Result<User, FleetError> {
        User::check_name(name)?;
        // Taken out, so that no second request finds it.
        let link = {
            let mut setup = self.setup.lock().unwrap_or_else(PoisonError::into_inner);
            setup.take_if(|link| link.opens(token, now)).ok_or(FleetError::SetupLink)?
        };
        if self.store.has_administrator().await? {
            return Err(FleetError::SetupLink);
        }
        let user = User {
            id: UserId(self.random_id()),
            public_id: PublicId::from_random(self.random()),
            name: name.to_owned(),
            role: Role::Administrator,
            password,
            created_at: now,
            disabled_at: None,
            sessions_from: now,
        };
        let entry = entry(now, name, Cause::Setup, request, Verb::CreateUser, name);
        let commit = Commit { changes: vec![Change::UserAdded(user.clone())], audit: vec![entry] };
        if let Err(error) = self.store.commit(commit).await {
            self.setup.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(link);
            return Err(error.into());
        }
        Ok(user)
    }

    /// Begins a login from an address. Refused with [`FleetError::TooManyAttempts`] beyond
    /// [`LoginBounds`](crate::LoginBounds).
    pub async fn begin_login(
        &self,
        name: &str,
        from: IpAddr,
        now: Timestamp,
        request: RequestId,
    ) -> Result<LoginAttempt, FleetError> {
        let known = User::check_name(name).is_ok();
        let name: String = name.chars().take(User::MAX_NAME).collect();
        let permit = match self.throttle.begin(&name, from, now) {
            Ok(permit) => permit,
            Err(throttled) => {
                if throttled.first {
                    self.write_failure(None, "too many attempts", now, request).await?;
                }
                return Err(FleetError::TooManyAttempts { wait: throttled.wait });
            }
        };
        let user = if known { self.store.user(&name).await? } else { None };
        let user = user.filter(|user| user.disabled_at.is_none());
        Ok(LoginAttempt { user, verified: false, permit })
    }

    /// Concludes a login: the account, if the password was right. Both ways it is written down before this returns.
    pub async fn finish_login(
        &self,
        attempt: LoginAttempt,
        now: Timestamp,
        request: RequestId,
    ) -> Result<User, FleetError> {
        let LoginAttempt { user, verified, mut permit } = attempt;
        permit.count();
        let Some(user) = user.as_ref().filter(|_| verified) else {
            self.write_failure(user.as_ref(), "wrong name or password", now, request).await?;
            return Err(FleetError::BadCredentials);
        };
        // Its password may have been changed while this one was compared.
        let still = self.store.user(&user.name).await?.is_some_and(|now| now == *user);
        if !still {
            self.write_failure(Some(user), "the account was changed meanwhile", now, request).await?;
            return Err(FleetError::BadCredentials);
        }
        self.write(entry(now, &user.name, Cause::Console, request, Verb::LogIn, "")).await?;
        permit.succeeded();
        Ok(user.clone())
    }

    /// Writes down that somebody logs out. Their session is ended by [`Fleet::session_end`].
    pub async fn logout(&self, context: &Context) -> Result<(), FleetError> {
        self.write(AuditEntry::by(context, Verb::LogOut, None, String::new())).await
    }

    /// Who acts in a session that was begun for this account at `logged_in_at`: asked anew for each request, so that a
    /// change of the role applies at once. None if there is no such account any more, it is disabled, or its password was
    /// changed after the session was begun. The web layer keeps `logged_in_at` (the moment of
    /// [`Fleet::finish_login`] or [`Fleet::complete_setup`]) in its session.
    pub async fn actor(
        &self,
        id: UserId,
        name: &str,
        logged_in_at: Timestamp,
    ) -> Result<Option<Actor>, FleetError> {
        let user = self.store.user(name).await?;
        let good =
            |user: &User| user.id == id && user.disabled_at.is_none() && logged_in_at >= user.sessions_from;
        Ok(user.filter(good).map(|user| user.actor()))
    }

    /// What a session of the console holds; `id` is the identifier in its cookie.
    pub async fn session_load(&self, id: &[u8], now: Timestamp) -> Result<Option<WebSession>, FleetError> {
        Ok(self.store.session(&WebSession::key_of(id), now).await?)
    }

    /// Keeps what a session holds, at most [`WebSession::MAX_BYTES`].
    pub async fn session_save(
        &self,
        id: &[u8],
        data: Vec<u8>,
        expires_at: Timestamp,
    ) -> Result<(), FleetError> {
        if data.len() > WebSession::MAX_BYTES {
            return Err(FleetError::SessionTooLarge);
        }
        let session = WebSession { key: WebSession::key_of(id), data, expires_at };
        self.store.commit(Commit { changes: vec![Change::SessionSaved(session)], audit: Vec::new() }).await?;
        Ok(())
    }

    /// Ends a session; one that is not there has ended.
    pub async fn session_end(&self, id: &[u8]) -> Result<(), FleetError> {
        let changes = vec![Change::SessionEnded { key: WebSession::key_of(id) }];
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        Ok(())
    }

    /// A name nobody has is not written down: people type passwords there. Nor is every failure of a flood of them.
    async fn write_failure(
        &self,
        user: Option<&User>,
        why: &str,
        now: Timestamp,
        request: RequestId,
    ) -> Result<(), FleetError> {
        let (actor, why) = match self.throttle.write(now) {
            Written::Whole => (user.map_or("nobody", |user| &user.name), why),
            Written::ThatThereAreMore => ("nobody", "more failures than are written down"),
            Written::Not => return Ok(()),
        };
        self.write(entry(now, actor, Cause::Console, request, Verb::LogInFailed, why)).await
    }

    pub(super) async fn write(&self, entry: AuditEntry) -> Result<(), FleetError> {
        self.store.commit(Commit { changes: Vec::new(), audit: vec![entry] }).await?;
        Ok(())
    }
}

fn entry(
    at: Timestamp,
    actor: &str,
    cause: Cause,
    request: RequestId,
    verb: Verb,
    object: &str,
) -> AuditEntry {
    AuditEntry { at, actor: actor.to_owned(), cause, request, verb, device: None, object: object.to_owned() }
}
