//! Accounts and sessions.

use super::fixture::*;
use crate::{Change, PasswordHash, PublicId, Role, Store, User, UserId, WebSession};

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$X3D+1rFMBRtFNtKpbGcdBTLRXb6ZVKqoLJGEzCY2jLk";

fn user(number: i64, name: &str, role: Role) -> User {
    User {
        id: UserId(number),
        public_id: PublicId(uuid::Uuid::from_u128(0xee00 + u128::try_from(number).unwrap())),
        name: name.into(),
        role,
        password: PasswordHash::from_phc(HASH).unwrap(),
        created_at: START,
        disabled_at: None,
        sessions_from: START,
    }
}

/// Case and spelling count, and nothing in the name means anything but itself.
pub async fn a_user_is_found_by_the_exact_name(store: &dyn Store) {
    let users = [
        user(1, "Zoë", Role::Viewer),
        user(2, "zoë", Role::Operator),
        user(i64::MAX, "o'hara%_\\", Role::Administrator),
    ];
    commit(store, users.iter().cloned().map(Change::UserAdded)).await;
    for user in &users {
        assert_eq!(store.user(&user.name).await.unwrap().as_ref(), Some(user));
    }
    for name in ["ZOË", "", "o'hara", "%", "zoe"] {
        assert_eq!(store.user(name).await.unwrap(), None, "{name}");
    }
}

/// A second account of the name, the row or the public name is refused.
pub async fn a_user_is_unique_by_name_and_by_its_ids(store: &dyn Store) {
    let first = user(1, "first", Role::Viewer);
    commit(store, [Change::UserAdded(first.clone())]).await;
    refused(store, [Change::UserAdded(user(2, "first", Role::Viewer))]).await;
    refused(store, [Change::UserAdded(user(1, "second", Role::Viewer))]).await;
    let same_public_id = User { public_id: first.public_id, ..user(3, "third", Role::Viewer) };
    refused(store, [Change::UserAdded(same_public_id)]).await;
    assert_eq!(store.user("first").await.unwrap(), Some(first));
}

/// Only an administrator ends the set-up.
pub async fn an_administrator_is_no_other_role(store: &dyn Store) {
    assert!(!store.has_administrator().await.unwrap());
    commit(
        store,
        [Role::Viewer, Role::Operator].map(|role| Change::UserAdded(user(role as i64, role.name(), role))),
    )
    .await;
    assert!(!store.has_administrator().await.unwrap());
    commit(store, [Change::UserAdded(user(9, "admin", Role::Administrator))]).await;
    assert!(store.has_administrator().await.unwrap());
}

/// A session is saved under its key, saved again, and ended; to end one that is not there is no conflict.
pub async fn a_session_is_kept_replaced_and_ended(store: &dyn Store) {
    let session = |key: u8, data: &[u8]| WebSession { key: [key; 32], data: data.into(), expires_at: at(60) };
    let longest = vec![0xa5; WebSession::MAX_BYTES];
    let changes = [session(1, b""), session(2, &longest), session(0xff, &[0, 0xff, b'\''])];
    commit(store, changes.clone().map(Change::SessionSaved)).await;
    for saved in changes {
        assert_eq!(store.session(&saved.key, START).await.unwrap(), Some(saved));
    }
    let replaced = WebSession { expires_at: at(120), ..session(1, b"more") };
    commit(store, [Change::SessionSaved(replaced.clone())]).await;
    assert_eq!(store.session(&[1; 32], START).await.unwrap(), Some(replaced));
    commit(store, [Change::SessionEnded { key: [1; 32] }, Change::SessionEnded { key: [9; 32] }]).await;
    assert_eq!(store.session(&[1; 32], START).await.unwrap(), None);
    assert!(store.session(&[2; 32], START).await.unwrap().is_some());
}

/// From its end on a session is not given out, purged or not.
pub async fn a_session_is_gone_when_it_has_ended(store: &dyn Store) {
    let session = |key: u8, end| WebSession { key: [key; 32], data: vec![key], expires_at: at(end) };
    commit(store, [session(1, 60), session(2, 120)].map(Change::SessionSaved)).await;
    assert!(store.session(&[1; 32], at(59)).await.unwrap().is_some());
    assert_eq!(store.session(&[1; 32], at(60)).await.unwrap(), None);
    store.purge(at(60)).await.unwrap();
    assert_eq!(store.session(&[1; 32], START).await.unwrap(), None);
    assert!(store.session(&[2; 32], at(60)).await.unwrap().is_some());
}
