//! The first administrator.

use std::time::Duration;

use super::*;
use crate::{PasswordHash, SetupLink, User};

#[test]
fn the_link_makes_one_administrator_and_is_void_then() {
    let bench = Bench::new();
    assert!(block_on(bench.fleet.setup_needed()).unwrap());
    let token = link(&bench, START).unwrap();
    assert_eq!(token.len(), 64, "256 bits");
    assert!(bench.fleet.setup_open(&token, START));
    let user = complete(&bench, &token, "Zoë", START).unwrap();
    assert_eq!((user.name.as_str(), user.role, user.created_at), ("Zoë", Role::Administrator, START));
    assert_eq!(block_on(bench.store.user("Zoë")).unwrap(), Some(user));
    assert_eq!(bench.audit(), ["create user · Zoë · Zoë"]);
    assert!(!block_on(bench.fleet.setup_needed()).unwrap());
    assert!(!bench.fleet.setup_open(&token, START));
    assert!(matches!(complete(&bench, &token, "second", START), Err(FleetError::SetupLink)));
    assert_eq!(link(&bench, START), None, "and no other is made");
}

#[test]
fn the_link_holds_for_thirty_minutes() {
    let bench = Bench::new();
    let token = link(&bench, START).unwrap();
    let end = START.after(Duration::from_secs(30 * 60));
    assert!(!bench.fleet.setup_open(&token, end));
    assert!(matches!(complete(&bench, &token, "late", end), Err(FleetError::SetupLink)));
    complete(&bench, &token, "in time", Timestamp(end.0 - 1)).unwrap();
}

#[test]
fn a_wrong_token_opens_nothing_and_spoils_nothing() {
    let bench = Bench::new();
    for early in ["", "00", &"0".repeat(64)] {
        assert!(matches!(complete(&bench, early, "nobody", START), Err(FleetError::SetupLink)));
    }
    let token = link(&bench, START).unwrap();
    for wrong in ["", &token[..63], &token.to_uppercase(), &format!("{token}0"), &"é".repeat(1_000)] {
        assert!(matches!(complete(&bench, wrong, "nobody", START), Err(FleetError::SetupLink)), "{wrong}");
    }
    complete(&bench, &token, "admin", START).unwrap();
}

#[test]
fn a_new_link_voids_the_one_before() {
    let bench = Bench::new();
    let first = link(&bench, START).unwrap();
    let second = link(&bench, START).unwrap();
    assert_ne!(first, second);
    assert!(matches!(complete(&bench, &first, "first", START), Err(FleetError::SetupLink)));
    complete(&bench, &second, "second", START).unwrap();
}

#[test]
fn the_link_survives_what_is_not_its_fault() {
    let bench = Bench::new();
    let token = link(&bench, START).unwrap();
    for bad in ["", " admin", "ad\nmin", &"x".repeat(User::MAX_NAME + 1)] {
        assert!(matches!(complete(&bench, &token, bad, START), Err(FleetError::UserName(_))), "{bad}");
    }
    bench.store.set_full(true);
    assert!(matches!(complete(&bench, &token, "admin", START), Err(FleetError::Store(_))));
    bench.store.set_full(false);
    complete(&bench, &token, "admin", START).unwrap();
}

#[test]
fn the_link_is_not_printed() {
    let (link, token) = SetupLink::new([0xab; 32], START);
    assert!(link.opens(&token, START));
    assert!(!format!("{link:?}").contains("ab"), "{link:?}");
}

fn link(bench: &Bench, now: Timestamp) -> Option<String> {
    block_on(bench.fleet.setup_link(now)).unwrap()
}

fn complete(bench: &Bench, token: &str, name: &str, now: Timestamp) -> Result<User, FleetError> {
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$X3D+1rFMBRtFNtKpbGcdBTLRXb6ZVKqoLJGEzCY2jLk";
    let password = PasswordHash::from_phc(hash).unwrap();
    block_on(bench.fleet.complete_setup(token, name, password, now, request()))
}
