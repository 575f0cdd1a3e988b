//! API tokens.

use std::time::Duration;

use super::*;
use crate::ApiToken;

#[test]
fn a_token_acts_for_its_owner_and_its_text_is_kept_nowhere() {
    let bench = with_users();
    let (token, text) = add(&bench, Role::Operator, "ci", Role::Operator).unwrap();
    assert!(text.starts_with("muster_") && text.len() == 7 + 64);
    let actor = acts(&bench, &text, START).unwrap();
    assert_eq!(actor, Actor::Token { owner: UserId(2), name: "operator/ci".into(), role: Role::Operator });
    let kept = format!("{:?} {:?}", block_on(bench.store.tokens()).unwrap(), bench.audit());
    assert!(!kept.contains(&text[7..]));
    assert_eq!(bench.audit(), ["add token · operator · operator/ci"]);
    assert_eq!(token.expires_at, START.after(ApiToken::DEFAULT_EXPIRY));
    let other = ["", "muster_", &text[..70], &text.to_uppercase(), &format!("{text}0"), &"é".repeat(100)];
    assert!(other.iter().all(|text| acts(&bench, text, START).is_none()));
}

#[test]
fn a_token_may_no_more_than_its_owner_now() {
    let bench = with_users();
    let (_, text) = add(&bench, Role::Operator, "ci", Role::Operator).unwrap();
    let admin = context(Role::Administrator);
    block_on(bench.fleet.change_role(&admin, public_id(102), Role::Viewer)).unwrap();
    assert!(!acts(&bench, &text, START).unwrap().may(Permission::Operate));
    let above = add(&bench, Role::Viewer, "ci", Role::Operator);
    assert!(matches!(above, Err(FleetError::Invalid { field: "scope", .. })));
    let by_token = Context { actor: acts(&bench, &text, START).unwrap(), ..context(Role::Viewer) };
    let grown = block_on(bench.fleet.add_token(&by_token, "grown", Role::Operator, None));
    assert!(matches!(grown, Err(FleetError::Invalid { field: "scope", .. })), "nor by a token");
}

#[test]
fn a_token_ends_when_it_expires_or_is_revoked() {
    let bench = with_users();
    let hour = Duration::from_secs(3_600);
    let viewer = context(Role::Viewer);
    let (token, text) = block_on(bench.fleet.add_token(&viewer, "ci", Role::Viewer, Some(hour))).unwrap();
    let end = START.after(hour);
    assert!(acts(&bench, &text, Timestamp(end.0 - 1)).is_some() && acts(&bench, &text, end).is_none());
    block_on(bench.fleet.revoke_token(&viewer, token.public_id)).unwrap();
    block_on(bench.fleet.revoke_token(&viewer, token.public_id)).unwrap();
    assert_eq!(acts(&bench, &text, START), None);
    assert_eq!(bench.audit().len(), 2, "it is revoked once");
    for wrong in [Duration::ZERO, ApiToken::MAX_EXPIRY + Duration::from_secs(1)] {
        let refused = block_on(bench.fleet.add_token(&viewer, "ci", Role::Viewer, Some(wrong)));
        assert!(matches!(refused, Err(FleetError::Invalid { field: "expires in", .. })));
    }
}

#[test]
fn tokens_of_others_are_an_administrators() {
    let bench = with_users();
    let (of_operator, _) = add(&bench, Role::Operator, "ci", Role::Viewer).unwrap();
    add(&bench, Role::Viewer, "mine", Role::Viewer).unwrap();
    let listed = |role| block_on(bench.fleet.tokens(&context(role))).unwrap().len();
    assert_eq!((listed(Role::Viewer), listed(Role::Operator), listed(Role::Administrator)), (1, 1, 2));
    let revoke = |role| block_on(bench.fleet.revoke_token(&context(role), of_operator.public_id));
    assert!(matches!(revoke(Role::Viewer), Err(FleetError::NotFound("token"))));
    revoke(Role::Administrator).unwrap();
}

#[test]
fn the_last_use_is_kept_to_the_minute() {
    let bench = with_users();
    let (_, text) = add(&bench, Role::Viewer, "ci", Role::Viewer).unwrap();
    let last_used = || block_on(bench.store.tokens()).unwrap()[0].last_used_at;
    acts(&bench, &text, Timestamp(START.0 + 1)).unwrap();
    assert_eq!(last_used(), None, "it waits for its batch");
    block_on(bench.fleet.flush_audit()).unwrap();
    assert_eq!(last_used(), Some(Timestamp(START.0 / 60_000 * 60_000)));
}

#[test]
fn so_many_tokens_an_account_has_at_most() {
    let bench = with_users();
    for number in 0..ApiToken::PER_USER {
        add(&bench, Role::Viewer, &format!("{number}"), Role::Viewer).unwrap();
    }
    let more = add(&bench, Role::Viewer, "more", Role::Viewer);
    assert!(matches!(more, Err(FleetError::TooMany { what: "tokens", .. })));
    add(&bench, Role::Operator, "others", Role::Viewer).unwrap();
}

fn add(bench: &Bench, role: Role, name: &str, scope: Role) -> Result<(ApiToken, String), FleetError> {
    block_on(bench.fleet.add_token(&context(role), name, scope, None))
}

fn acts(bench: &Bench, text: &str, now: Timestamp) -> Option<Actor> {
    block_on(bench.fleet.token_actor(text, now)).unwrap()
}
