//! The verbs on other people's accounts.

use super::taken;
use crate::{
    AuditEntry, Change, Commit, Context, Fleet, FleetError, PasswordHash, Permission, PublicId, Role,
    Timestamp, User, UserId, Verb,
};

impl Fleet {
    /// The accounts, by name.
    pub async fn users(&self, context: &Context) -> Result<Vec<User>, FleetError> {
        self.demand(context, Permission::Administer, "users").await?;
        Ok(self.store.users().await?)
    }

    /// Makes an account. [`FleetError::AlreadyThere`] of an `account`, whatever the case of its name.
    pub async fn add_user(
        &self,
        context: &Context,
        name: &str,
        role: Role,
        password: PasswordHash,
    ) -> Result<User, FleetError> {
        self.demand(context, Permission::Administer, "add user").await?;
        User::check_name(name)?;
        let _guard = self.people.lock().await;
        // Names that differ in nothing but case would be one person to whoever reads the audit log.
        let folded = name.to_lowercase();
        if self.store.users().await?.iter().any(|other| other.name.to_lowercase() == folded) {
            return Err(FleetError::AlreadyThere("account"));
        }
        let user = User {
            id: UserId(self.random_id()),
            public_id: PublicId::from_random(self.random()),
            name: name.to_owned(),
            role,
            password,
            created_at: context.now,
            disabled_at: None,
            sessions_from: context.now,
        };
        let object = format!("{name}; {}", role.name());
        let commit = Commit {
            changes: vec![Change::UserAdded(user.clone())],
            audit: vec![AuditEntry::by(context, Verb::CreateUser, None, object)],
        };
        self.store.commit(commit).await.map_err(|error| taken(error, "account"))?;
        Ok(user)
    }

    /// Gives an account another role; it applies at once. The last administrator keeps theirs.
    pub async fn change_role(&self, context: &Context, id: PublicId, role: Role) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "change role").await?;
        let how = format!("role {}", role.name());
        self.change_user(context, id, &how, |user| user.role = role).await
    }

    /// Disables an account: its sessions end at once, and its tokens are revoked. Or enables it again: then it logs in
    /// anew and makes new tokens. The last administrator can't be disabled.
    pub async fn disable_user(
        &self,
        context: &Context,
        id: PublicId,
        disabled: bool,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "disable user").await?;
        let now = context.now;
        let how = if disabled { "disabled" } else { "enabled" };
        self.change_user(context, id, how, |user| {
            if disabled {
                user.disabled_at.get_or_insert(now);
                user.sessions_from = later(now);
            } else {
                user.disabled_at = None;
            }
        })
        .await
    }

    /// Gives an account another password. Its sessions of before are void; its tokens stay.
    pub async fn set_password(
        &self,
        context: &Context,
        id: PublicId,
        password: PasswordHash,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "set password").await?;
        let now = context.now;
        self.change_user(context, id, "password", |user| {
            user.password = password;
            user.sessions_from = later(now);
        })
        .await
    }

    async fn change_user(
        &self,
        context: &Context,
        id: PublicId,
        how: &str,
        change: impl FnOnce(&mut User),
    ) -> Result<(), FleetError> {
        let _guard = self.people.lock().await;
        let users = self.store.users().await?;
        let user = users.iter().find(|user| user.public_id == id).ok_or(FleetError::NotFound("account"))?;
        let mut changed = user.clone();
        change(&mut changed);
        let another = users.iter().any(|other| other.id != user.id && administers(other));
        if administers(user) && !administers(&changed) && !another {
            return Err(FleetError::LastAdministrator);
        }
        let object = format!("{}; {how}", user.name);
        let mut changes = Vec::new();
        if changed.disabled_at.is_some() {
            let owned = self.store.tokens().await?.into_iter().filter(|token| token.owner == user.id);
            let good = owned.filter(|token| token.ended_at() > context.now);
            changes.extend(good.map(|token| Change::TokenRevoked { id: token.public_id, at: context.now }));
        }
        changes.push(Change::UserChanged(changed));
        let audit = vec![AuditEntry::by(context, Verb::ChangeUser, None, object)];
        self.store.commit(Commit { changes, audit }).await?;
        Ok(())
    }
}

fn administers(user: &User) -> bool {
    user.role == Role::Administrator && user.disabled_at.is_none()
}

/// The next moment, so that a session of this very one is void too.
fn later(now: Timestamp) -> Timestamp {
    Timestamp(now.0.saturating_add(1))
}
