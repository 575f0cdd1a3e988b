//! Logging in, and the sessions of the console.

use std::{net::IpAddr, time::Duration};

use super::*;
use crate::{User, WebSession};

#[test]
fn the_right_password_logs_in_and_both_ways_are_written_down() {
    let bench = with_users();
    assert_eq!(log_in(&bench, "operator", PASSWORD, START).unwrap().role, Role::Operator);
    assert!(matches!(log_in(&bench, "operator", "wrong", START), Err(FleetError::BadCredentials)));
    assert!(matches!(
        log_in(&bench, "s3cret-typed-as-a-name", PASSWORD, START),
        Err(FleetError::BadCredentials)
    ));
    let expected = [
        "log in · operator · ",
        "log in failed · operator · wrong name or password",
        "log in failed · nobody · wrong name or password",
    ];
    assert_eq!(bench.audit(), expected, "a name that nobody has is not written down");
}

#[test]
fn an_attempt_that_was_not_verified_does_not_log_in() {
    let bench = with_users();
    let attempt = block_on(bench.fleet.begin_login("operator", HERE, START, request())).unwrap();
    let refused = block_on(bench.fleet.finish_login(attempt, START, request()));
    assert!(matches!(refused, Err(FleetError::BadCredentials)));
}

#[test]
fn without_an_audit_entry_nobody_logs_in() {
    let bench = with_users();
    let attempt =
        block_on(bench.fleet.begin_login("operator", HERE, START, request())).unwrap().verify(PASSWORD);
    bench.store.set_full(true);
    let refused = block_on(bench.fleet.finish_login(attempt, START, request()));
    assert!(matches!(refused, Err(FleetError::Store(_))));
    bench.store.set_unavailable(true);
    assert!(begin(&bench, "operator", START).is_err(), "nor without a store");
}

#[test]
fn five_attempts_a_minute_under_one_name_whether_it_exists_or_not() {
    for name in ["operator", "nobody", &"x".repeat(10_000)] {
        let bench = with_users();
        for _ in 0..LoginBounds::PER_NAME_AND_NETWORK {
            fail(&bench, name, START);
        }
        assert!(matches!(begin(&bench, name, START), Err(FleetError::TooManyAttempts { .. })));
        assert!(matches!(begin(&bench, name, START), Err(FleetError::TooManyAttempts { .. })));
        let told = bench.audit().iter().filter(|line| line.ends_with("too many attempts")).count();
        assert_eq!(told, 1, "once a window");
        assert!(begin(&bench, "viewer", START).is_ok(), "others are not held up");
        let later = START.after(LoginBounds::WINDOW);
        assert!(matches!(
            begin(&bench, name, Timestamp(later.0 - 1)),
            Err(FleetError::TooManyAttempts { .. })
        ));
        assert!(begin(&bench, name, later).is_ok());
    }
}

#[test]
fn attempts_under_way_count_before_they_have_failed() {
    let bench = with_users();
    let attempts: Vec<_> =
        (0..LoginBounds::PER_NAME_AND_NETWORK).map(|_| begin(&bench, "operator", START).unwrap()).collect();
    assert!(matches!(begin(&bench, "operator", START), Err(FleetError::TooManyAttempts { .. })));
    drop(attempts);
    assert!(begin(&bench, "operator", START).is_ok(), "no password was compared");
}

#[test]
fn a_success_starts_the_count_anew() {
    let bench = with_users();
    for _ in 0..3 {
        for _ in 1..LoginBounds::PER_NAME_AND_NETWORK {
            fail(&bench, "operator", START);
        }
        log_in(&bench, "operator", PASSWORD, START).unwrap();
    }
}

#[test]
fn a_clock_that_was_set_back_locks_nobody_out() {
    let bench = with_users();
    for _ in 0..LoginBounds::PER_NAME_AND_NETWORK {
        fail(&bench, "operator", START);
    }
    let year_before = Timestamp(START.0 - 365 * 86_400_000);
    assert!(begin(&bench, "operator", year_before).is_ok());
}

#[test]
fn nobody_is_held_up_for_what_others_do_elsewhere() {
    let bench = with_users();
    for number in 0..200 {
        drop(fail_from(&bench, &format!("guess {number}"), from(number), START));
    }
    for number in 0..LoginBounds::PER_NETWORK {
        fail_from(&bench, &format!("guess {number}"), from(250), START).unwrap();
    }
    for name in ["operator", "guess 1"] {
        let refused = begin_from(&bench, name, from(250), START);
        assert!(
            matches!(refused, Err(FleetError::TooManyAttempts { .. })),
            "that address has had its attempts"
        );
    }
    assert!(begin_from(&bench, "operator", from(250), START.after(LoginBounds::WINDOW)).is_ok());
    assert!(log_in(&bench, "operator", PASSWORD, START).is_ok());
}

#[test]
fn a_name_that_is_guessed_at_from_everywhere_lets_its_owner_in() {
    let bench = with_users();
    for number in 0..200 {
        fail_from(&bench, "operator", from(number), START).unwrap();
    }
    // Each network has one attempt now, in place of five.
    for number in [1, 199] {
        let refused = fail_from(&bench, "operator", from(number), START);
        assert!(matches!(refused, Err(FleetError::TooManyAttempts { .. })), "{number}");
    }
    assert!(log_in(&bench, "operator", PASSWORD, START).is_ok());
    assert!(log_in(&bench, "operator", PASSWORD, START).is_ok(), "a success is no failure");
}

#[test]
fn a_success_forgets_nothing_of_another_address() {
    let bench = with_users();
    for _ in 0..LoginBounds::PER_NAME_AND_NETWORK {
        fail_from(&bench, "operator", from(1), START).unwrap();
    }
    log_in(&bench, "operator", PASSWORD, START).unwrap();
    let refused = begin_from(&bench, "operator", from(1), START);
    assert!(matches!(refused, Err(FleetError::TooManyAttempts { .. })));
}

#[test]
fn an_attempt_whose_password_was_never_compared_does_not_count() {
    let bench = with_users();
    for _ in 0..100 {
        drop(begin(&bench, "operator", START).unwrap());
    }
    for _ in 0..LoginBounds::PER_NAME_AND_NETWORK {
        drop(begin(&bench, "operator", START).unwrap().verify("wrong"));
    }
    assert!(matches!(begin(&bench, "operator", START), Err(FleetError::TooManyAttempts { .. })));
}

#[test]
fn so_many_are_under_way_from_one_network() {
    let bench = with_users();
    let under_way: Vec<_> = (0..LoginBounds::UNDER_WAY_PER_NETWORK)
        .map(|number| begin(&bench, &format!("{number}"), START).unwrap())
        .collect();
    let refused = begin(&bench, "operator", START).unwrap_err();
    assert!(matches!(refused, FleetError::TooManyAttempts { wait } if wait == Duration::from_secs(1)));
    assert!(begin_from(&bench, "operator", from(1), START).is_ok());
    drop(under_way);
    assert!(begin(&bench, "operator", START).is_ok());
}

#[test]
fn a_flood_of_failures_is_not_a_flood_of_audit_entries() {
    let bench = with_users();
    for number in 0..LoginBounds::WRITTEN + 20 {
        fail_from(&bench, "operator", from(number), START).unwrap();
    }
    let audit = bench.audit();
    assert_eq!(audit.len(), LoginBounds::WRITTEN + 1);
    assert!(audit.iter().any(|line| line == "log in failed · nobody · more failures than are written down"));
    fail(&bench, "operator", START.after(LoginBounds::WINDOW));
    assert_eq!(bench.audit().len(), LoginBounds::WRITTEN + 2);
}

#[test]
fn a_session_is_kept_under_the_hash_of_its_identifier() {
    let bench = Bench::new();
    let id = [0xaa; 16];
    let end = START.after(Duration::from_secs(60));
    block_on(bench.fleet.session_save(&id, b"data".to_vec(), end)).unwrap();
    let session = block_on(bench.fleet.session_load(&id, START)).unwrap().unwrap();
    assert_eq!((session.data.as_slice(), session.expires_at), (&b"data"[..], end));
    assert_ne!(&session.key[..16], &id);
    assert_eq!(block_on(bench.fleet.session_load(&id, end)).unwrap(), None);
    block_on(bench.fleet.session_end(&id)).unwrap();
    assert_eq!(block_on(bench.fleet.session_load(&id, START)).unwrap(), None);
    let large = vec![0; WebSession::MAX_BYTES + 1];
    assert!(matches!(block_on(bench.fleet.session_save(&id, large, end)), Err(FleetError::SessionTooLarge)));
}

#[test]
fn the_actor_of_a_session_is_looked_up_anew() {
    let bench = with_users();
    let user = log_in(&bench, "operator", PASSWORD, START).unwrap();
    let actor = block_on(bench.fleet.actor(user.id, "operator", START)).unwrap();
    assert_eq!(actor, Some(user.actor()));
    assert_eq!(
        block_on(bench.fleet.actor(UserId(77), "operator", START)).unwrap(),
        None,
        "another account of that name"
    );
    assert_eq!(block_on(bench.fleet.actor(user.id, "nobody", START)).unwrap(), None);
    bench.store.set_unavailable(true);
    assert!(block_on(bench.fleet.actor(user.id, "operator", START)).is_err(), "no store, no actor");
}

#[test]
fn logging_out_is_written_down() {
    let bench = Bench::new();
    block_on(bench.fleet.logout(&context(Role::Viewer))).unwrap();
    assert_eq!(bench.audit(), ["log out · viewer · "]);
}

fn begin(bench: &Bench, name: &str, now: Timestamp) -> Result<crate::LoginAttempt, FleetError> {
    begin_from(bench, name, HERE, now)
}

fn begin_from(
    bench: &Bench,
    name: &str,
    from: IpAddr,
    now: Timestamp,
) -> Result<crate::LoginAttempt, FleetError> {
    block_on(bench.fleet.begin_login(name, from, now, request()))
}

fn log_in(bench: &Bench, name: &str, password: &str, now: Timestamp) -> Result<User, FleetError> {
    let attempt = begin(bench, name, now)?.verify(password);
    block_on(bench.fleet.finish_login(attempt, now, request()))
}

/// As if the password had been wrong, without the time it takes to find out.
fn fail(bench: &Bench, name: &str, now: Timestamp) {
    fail_from(bench, name, HERE, now).unwrap();
}

fn fail_from(bench: &Bench, name: &str, from: IpAddr, now: Timestamp) -> Result<(), FleetError> {
    let attempt = begin_from(bench, name, from, now)?;
    let refused = block_on(bench.fleet.finish_login(attempt, now, request()));
    assert!(matches!(refused, Err(FleetError::BadCredentials)));
    Ok(())
}

/// One of 65 536 addresses.
fn from(number: usize) -> IpAddr {
    let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
    [198, 18, high, low].into()
}
