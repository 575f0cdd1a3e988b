//! The verbs on API tokens.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{claims::named, lock, taken};
use crate::{
    Actor, ApiToken, AuditEntry, Change, Commit, Context, Fleet, FleetError, Permission, PublicId, Role,
    Timestamp, UserId, Verb,
};

impl Fleet {
    /// The actor's own tokens; all of them for an administrator. Newest first.
    pub async fn tokens(&self, context: &Context) -> Result<Vec<ApiToken>, FleetError> {
        self.demand(context, Permission::View, "tokens").await?;
        let mut tokens = self.store.tokens().await?;
        if !context.actor.may(Permission::Administer) {
            let own = owner(&context.actor);
            tokens.retain(|token| Some(token.owner) == own);
        }
        Ok(tokens)
    }

    /// Makes a token of the actor's account, and gives its text, which is kept nowhere.
    ///
    /// Its scope is at most the actor's own role. It ends after `expires_in`, by default [`ApiToken::DEFAULT_EXPIRY`] and
    /// at most [`ApiToken::MAX_EXPIRY`].
    pub async fn add_token(
        &self,
        context: &Context,
        name: &str,
        scope: Role,
        expires_in: Option<Duration>,
    ) -> Result<(ApiToken, String), FleetError> {
        self.demand(context, Permission::View, "add token").await?;
        let name = named(name, ApiToken::MAX_NAME)?;
        if !context.actor.may(permission(scope)) {
            let reason = format!("this account may not give away the role of {}", scope.name());
            return Err(FleetError::Invalid { field: "scope", reason });
        }
        let expires_in = expires_in.unwrap_or(ApiToken::DEFAULT_EXPIRY);
        if expires_in.is_zero() || expires_in > ApiToken::MAX_EXPIRY {
            let reason = "a token holds for at least a moment and at most 366 days".to_owned();
            return Err(FleetError::Invalid { field: "expires in", reason });
        }
        let _guard = self.people.lock().await;
        let users = self.store.users().await?;
        let owner = users.into_iter().find(|user| Some(user.id) == owner(&context.actor));
        let owner = owner.ok_or(FleetError::NotFound("account"))?;
        let of_owner = |token: &&ApiToken| token.owner == owner.id && token.ended_at() > context.now;
        if self.store.tokens().await?.iter().filter(of_owner).count() >= ApiToken::PER_USER {
            return Err(FleetError::TooMany { what: "tokens", max: ApiToken::PER_USER });
        }
        let text = text(self.random());
        let token = ApiToken {
            public_id: PublicId::from_random(self.random()),
            name,
            owner: owner.id,
            owner_name: owner.name,
            scope,
            hash: hash(&text),
            created_at: context.now,
            expires_at: context.now.after(expires_in),
            last_used_at: None,
            revoked_at: None,
        };
        let commit = Commit {
            changes: vec![Change::TokenAdded(token.clone())],
            audit: vec![AuditEntry::by(context, Verb::AddToken, None, name_of(&token))],
        };
        self.store.commit(commit).await.map_err(|error| taken(error, "token"))?;
        Ok((token, text))
    }

    /// Revokes a token: one of the actor's own, or any by an administrator. One that is revoked already stays so.
    pub async fn revoke_token(&self, context: &Context, id: PublicId) -> Result<(), FleetError> {
        self.demand(context, Permission::View, "revoke token").await?;
        let may_see = |token: &ApiToken| {
            context.actor.may(Permission::Administer) || Some(token.owner) == owner(&context.actor)
        };
        let token = self.store.tokens().await?.into_iter().find(|token| token.public_id == id);
        let token = token.filter(may_see).ok_or(FleetError::NotFound("token"))?;
        if token.revoked_at.is_some() {
            return Ok(());
        }
        let commit = Commit {
            changes: vec![Change::TokenRevoked { id, at: context.now }],
            audit: vec![AuditEntry::by(context, Verb::RevokeToken, None, name_of(&token))],
        };
        self.store.commit(commit).await?;
        Ok(())
    }

    /// Who acts by this text: none if there is no such token, it has ended, or its owner is disabled or gone. Its last use
    /// is noted, to the minute.
    pub async fn token_actor(&self, text: &str, now: Timestamp) -> Result<Option<Actor>, FleetError> {
        if !is_written_like_one(text) {
            return Ok(None);
        }
        let token = self.store.token(&hash(text)).await?.filter(|token| token.ended_at() > now);
        let Some(token) = token else { return Ok(None) };
        let owner = self.store.user(&token.owner_name).await?;
        let owner = owner.filter(|user| user.id == token.owner && user.disabled_at.is_none());
        let Some(owner) = owner else { return Ok(None) };
        let minute = Timestamp(now.0.div_euclid(60_000) * 60_000);
        if token.last_used_at.is_none_or(|before| before < minute) {
            lock(&self.uses).token(token.public_id, minute);
        }
        let (name, role) = (name_of(&token), token.scope.min(owner.role));
        Ok(Some(Actor::Token { owner: owner.id, name, role }))
    }
}

/// The owner's name and the token's, such as `ada/ci`.
fn name_of(token: &ApiToken) -> String {
    format!("{}/{}", token.owner_name, token.name)
}

fn owner(actor: &Actor) -> Option<UserId> {
    match actor {
        Actor::User { id, .. } => Some(*id),
        Actor::Token { owner, .. } => Some(*owner),
        Actor::Server(_) => None,
    }
}

/// What only this role and those above it may do.
fn permission(role: Role) -> Permission {
    match role {
        Role::Viewer => Permission::View,
        Role::Operator => Permission::Operate,
        Role::Administrator => Permission::Administer,
    }
}

fn text(random: [u8; 32]) -> String {
    let digits = random.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once(ApiToken::PREFIX.to_owned()).chain(digits).collect()
}

/// Whatever is not is no token, and needs no look into the store.
fn is_written_like_one(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix(ApiToken::PREFIX).is_some_and(|digits| digits.len() == 64 && digits.bytes().all(digit))
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
