//! Other people's accounts.

use super::*;

#[test]
fn an_account_is_made_once_and_logs_in() {
    let bench = with_users();
    let user = block_on(bench.fleet.add_user(&admin(), "Zoë", Role::Operator, hash())).unwrap();
    assert_eq!(block_on(bench.store.user("Zoë")).unwrap(), Some(user));
    for alike in ["Zoë", "ZOË", "zoë", "Administrator"] {
        let again = block_on(bench.fleet.add_user(&admin(), alike, Role::Viewer, hash()));
        assert!(matches!(again, Err(FleetError::AlreadyThere("account"))), "{alike}");
    }
    let bad = block_on(bench.fleet.add_user(&admin(), " Zoë", Role::Viewer, hash()));
    assert!(matches!(bad, Err(FleetError::UserName(_))));
    let names: Vec<_> =
        block_on(bench.fleet.users(&admin())).unwrap().into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["Zoë", "administrator", "operator", "viewer"]);
    assert_eq!(bench.audit(), ["create user · administrator · Zoë; operator"]);
}

#[test]
fn a_role_applies_to_a_session_at_once() {
    let bench = with_users();
    block_on(bench.fleet.change_role(&admin(), public_id(101), Role::Operator)).unwrap();
    let actor = actor(&bench, 1, "viewer", START).unwrap();
    assert!(actor.may(Permission::Operate));
    assert_eq!(bench.audit(), ["change user · administrator · viewer; role operator"]);
    let nobody = block_on(bench.fleet.change_role(&admin(), public_id(99), Role::Operator));
    assert!(matches!(nobody, Err(FleetError::NotFound("account"))));
}

#[test]
fn a_disabled_account_loses_its_sessions_and_tokens_at_once_and_for_good() {
    let bench = with_users();
    let operator = context(Role::Operator);
    let (_, text) = block_on(bench.fleet.add_token(&operator, "ci", Role::Viewer, None)).unwrap();
    assert!(token(&bench, &text).is_some());
    block_on(bench.fleet.disable_user(&admin(), public_id(102), true)).unwrap();
    assert_eq!((actor(&bench, 2, "operator", START), token(&bench, &text)), (None, None));
    assert!(log_in(&bench, "operator").is_err());
    block_on(bench.fleet.disable_user(&admin(), public_id(102), false)).unwrap();
    assert_eq!(
        (actor(&bench, 2, "operator", START), token(&bench, &text)),
        (None, None),
        "they do not come back"
    );
    log_in(&bench, "operator").unwrap();
    let audit = bench.audit();
    assert!(audit.contains(&"change user · administrator · operator; disabled".to_owned()), "{audit:?}");
    assert!(audit.contains(&"change user · administrator · operator; enabled".to_owned()), "{audit:?}");
}

#[test]
fn a_new_password_voids_the_sessions_before_it() {
    let bench = with_users();
    let other = PasswordHash::make("operator", "another horse battery", [4; 16]).unwrap();
    let under_way =
        block_on(bench.fleet.begin_login("operator", HERE, START, request())).unwrap().verify(PASSWORD);
    block_on(bench.fleet.set_password(&admin(), public_id(102), other)).unwrap();
    assert_eq!(actor(&bench, 2, "operator", START), None);
    assert!(actor(&bench, 2, "operator", Timestamp(START.0 + 1)).is_some());
    let late = block_on(bench.fleet.finish_login(under_way, START, request()));
    assert!(matches!(late, Err(FleetError::BadCredentials)), "the old password, compared too late");
    assert!(log_in(&bench, "operator").is_err());
    assert_eq!(bench.audit()[0], "change user · administrator · operator; password");
}

#[test]
fn the_last_administrator_stays_one() {
    let bench = with_users();
    let demote = |number| block_on(bench.fleet.change_role(&admin(), public_id(number), Role::Viewer));
    let disable = |number| block_on(bench.fleet.disable_user(&admin(), public_id(number), true));
    assert!(matches!(demote(103), Err(FleetError::LastAdministrator)));
    assert!(matches!(disable(103), Err(FleetError::LastAdministrator)));
    let second = block_on(bench.fleet.add_user(&admin(), "second", Role::Administrator, hash())).unwrap();
    block_on(bench.fleet.disable_user(&admin(), second.public_id, true)).unwrap();
    assert!(matches!(demote(103), Err(FleetError::LastAdministrator)), "one that is disabled does not count");
    block_on(bench.fleet.disable_user(&admin(), second.public_id, false)).unwrap();
    demote(103).unwrap();
    let last = block_on(bench.fleet.change_role(&admin(), second.public_id, Role::Operator));
    assert!(matches!(last, Err(FleetError::LastAdministrator)));
}

#[test]
fn of_two_administrators_who_demote_each_other_one_stays() {
    let bench = with_users();
    let second = block_on(bench.fleet.add_user(&admin(), "second", Role::Administrator, hash())).unwrap();
    let (admin, viewer) = (admin(), Role::Viewer);
    let done = block_on(async {
        let one = bench.fleet.change_role(&admin, public_id(103), viewer);
        let other = bench.fleet.change_role(&admin, second.public_id, viewer);
        futures::join!(one, other)
    });
    assert!(matches!(done, (Ok(()), Err(FleetError::LastAdministrator))), "{done:?}");
}

fn admin() -> Context {
    context(Role::Administrator)
}

fn actor(bench: &Bench, id: i64, name: &str, logged_in_at: Timestamp) -> Option<Actor> {
    block_on(bench.fleet.actor(UserId(id), name, logged_in_at)).unwrap()
}

fn token(bench: &Bench, text: &str) -> Option<Actor> {
    block_on(bench.fleet.token_actor(text, START)).unwrap()
}

fn log_in(bench: &Bench, name: &str) -> Result<User, FleetError> {
    let attempt = block_on(bench.fleet.begin_login(name, HERE, START, request()))?.verify(PASSWORD);
    block_on(bench.fleet.finish_login(attempt, START, request()))
}
