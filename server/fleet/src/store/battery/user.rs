//! Accounts that change.

use super::fixture::*;
use crate::{Change, PasswordHash, Role, Store, User, UserId};

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$X3D+1rFMBRtFNtKpbGcdBTLRXb6ZVKqoLJGEzCY2jLk";

fn user(number: i64, name: &str) -> User {
    User {
        id: UserId(number),
        public_id: public_id(number),
        name: name.into(),
        role: Role::Administrator,
        password: PasswordHash::from_phc(HASH).unwrap(),
        created_at: START,
        disabled_at: None,
        sessions_from: START,
    }
}

/// Its role, its password, and whether and since when it is disabled.
pub async fn an_account_changes(store: &dyn Store) {
    commit(store, [Change::UserAdded(user(1, "a")), Change::UserAdded(user(2, "b"))]).await;
    let changed = User {
        role: Role::Viewer,
        password: PasswordHash::from_phc(HASH.replace("X3D", "Y3D")).unwrap(),
        disabled_at: Some(at(5)),
        sessions_from: at(6),
        ..user(1, "a")
    };
    commit(store, [Change::UserChanged(changed.clone())]).await;
    assert_eq!(store.user("a").await.unwrap(), Some(changed));
    assert_eq!(store.user("b").await.unwrap(), Some(user(2, "b")));
    commit(store, [Change::UserChanged(user(1, "a"))]).await;
    assert_eq!(store.user("a").await.unwrap(), Some(user(1, "a")));
    refused(store, [Change::UserChanged(user(9, "c"))]).await;
    refused(store, [Change::UserChanged(user(1, "b"))]).await;
}

/// By the bytes of their names.
pub async fn accounts_are_listed_by_name(store: &dyn Store) {
    let names = ["b", "Zoë", "a", "ä"];
    commit(store, (1..).zip(names).map(|(number, name)| Change::UserAdded(user(number, name)))).await;
    let found: Vec<String> = store.users().await.unwrap().into_iter().map(|user| user.name).collect();
    assert_eq!(found, ["Zoë", "a", "b", "ä"]);
}
