//! Tokens of programs.

use super::fixture::*;
use crate::{
    ApiToken, Change, PasswordHash, PublicId, Role, Store, Timestamp, User, UserId, store::ENDED_TOKEN_KEPT,
};

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$X3D+1rFMBRtFNtKpbGcdBTLRXb6ZVKqoLJGEzCY2jLk";

fn owner() -> User {
    User {
        id: UserId(3),
        public_id: public_id(3),
        name: "Zoë \\".into(),
        role: Role::Operator,
        password: PasswordHash::from_phc(HASH).unwrap(),
        created_at: START,
        disabled_at: None,
        sessions_from: START,
    }
}

fn token(number: u8) -> ApiToken {
    ApiToken {
        public_id: PublicId(uuid::Uuid::from_u128(number.into())),
        name: format!("token {number}"),
        owner: owner().id,
        owner_name: owner().name,
        scope: Role::Viewer,
        hash: [number; 32],
        created_at: at(number.into()),
        expires_at: at(1_000),
        last_used_at: None,
        revoked_at: None,
    }
}

async fn add(store: &dyn Store, numbers: &[u8]) {
    commit(store, [Change::UserAdded(owner())]).await;
    commit(store, numbers.iter().map(|&number| Change::TokenAdded(token(number)))).await;
}

async fn one(store: &dyn Store, number: u8) -> ApiToken {
    store.token(&[number; 32]).await.unwrap().unwrap()
}

/// By its hash and nothing else; in the list newest first.
pub async fn a_token_is_found_by_its_hash(store: &dyn Store) {
    add(store, &[2, 1, 3]).await;
    assert_eq!(one(store, 2).await, token(2));
    assert_eq!(store.token(&[9; 32]).await.unwrap(), None);
    assert_eq!(store.tokens().await.unwrap(), [3, 2, 1].map(token));
}

/// By its hash and its public name; and its owner is there.
pub async fn a_token_is_unique_and_owned(store: &dyn Store) {
    add(store, &[1]).await;
    refused(store, [Change::TokenAdded(ApiToken { hash: [1; 32], ..token(2) })]).await;
    refused(store, [Change::TokenAdded(ApiToken { public_id: token(1).public_id, ..token(2) })]).await;
    refused(store, [Change::TokenAdded(ApiToken { owner: UserId(77), ..token(2) })]).await;
}

/// Its last use never goes back; it is revoked once; one that is not there changes nothing.
pub async fn a_token_is_used_and_revoked(store: &dyn Store) {
    add(store, &[1, 2]).await;
    let used = |number: u8, at: Timestamp| Change::TokenUsed { id: token(number).public_id, at };
    let revoked = |number: u8, at: Timestamp| Change::TokenRevoked { id: token(number).public_id, at };
    commit(store, [used(1, at(60)), used(1, at(30)), used(9, at(60)), revoked(9, at(60))]).await;
    assert_eq!(one(store, 1).await.last_used_at, Some(at(60)));
    commit(store, [revoked(1, at(70)), revoked(1, at(80))]).await;
    assert_eq!(one(store, 1).await.revoked_at, Some(at(70)));
    assert_eq!(one(store, 2).await, token(2));
}

/// Some time after it has expired or was revoked.
pub async fn tokens_that_ended_long_ago_are_dropped(store: &dyn Store) {
    add(store, &[1, 2]).await;
    commit(store, [Change::TokenRevoked { id: token(1).public_id, at: at(70) }]).await;
    let left = async |now: Timestamp| {
        store.purge(now).await.unwrap();
        store.tokens().await.unwrap().len()
    };
    assert_eq!(left(Timestamp(at(70).after(ENDED_TOKEN_KEPT).0 - 1)).await, 2);
    assert_eq!(left(at(71).after(ENDED_TOKEN_KEPT)).await, 1);
    assert_eq!(left(at(1_001).after(ENDED_TOKEN_KEPT)).await, 0);
}
